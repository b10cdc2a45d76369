/*
 * What is not in the tables of this release is refused where it would be acted on, and let through as a
 * number nowhere: a reader of another release gets a sentence, not a wrong name.
 */
#include "ipc/model_ike_view.h"

#include <errno.h>
#include <string.h>

#include "ipc/model_ike.h"
#include "ipc/record.h"

void model_ike_sa_view_encode(const struct ike_sa_view *v, struct model_ike_sa_view_pb *ret)
{
	Postern__IkeSaView *m = &ret->m;

	*m = (Postern__IkeSaView)POSTERN__IKE_SA_VIEW__INIT;
	m->number = v->number;
	m->version = v->version;
	m->state = v->state;
	m->step = (char *)(uintptr_t)v->step;
	m->initiator = v->initiator;
	m->mode = v->mode;
	model_addr_encode(&v->local, &ret->local);
	model_addr_encode(&v->remote, &ret->remote);
	m->local = &ret->local;
	m->remote = &ret->remote;
	m->local_port = v->local_port;
	m->remote_port = v->remote_port;
	m->spi_i = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)v->spi_i, .len = IKE_VIEW_SPI_LEN};
	m->spi_r = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)v->spi_r, .len = IKE_VIEW_SPI_LEN};
	m->peer = (char *)(uintptr_t)v->peer;
	if (v->local_id.kind) {
		model_ike_id_encode(&v->local_id, &ret->local_id);
		m->local_id = &ret->local_id;
	}
	if (v->remote_id.kind) {
		model_ike_id_encode(&v->remote_id, &ret->remote_id);
		m->remote_id = &ret->remote_id;
	}
	m->enc = v->enc;
	m->key_bits = v->key_bits;
	m->prf = v->prf;
	m->group = v->group;
	m->auth = v->auth;
	m->age_ms = v->age_ms;
	m->left_ms = v->left_ms;
	m->nat_here = v->nat_here;
	m->nat_there = v->nat_there;
	m->dpd = v->dpd;
	m->trouble = (char *)(uintptr_t)v->trouble;
}

static void part_encode(const struct ike_part_view *p, Postern__IkePartView *ret)
{
	*ret = (Postern__IkePartView)POSTERN__IKE_PART_VIEW__INIT;
	ret->proto = p->proto;
	ret->mode = p->mode;
	ret->spi_in = p->spi_in;
	ret->spi_out = p->spi_out;
	ret->enc = p->enc;
	ret->key_bits = p->key_bits;
	ret->auth = p->auth;
	ret->comp = p->comp;
}

void model_ike_child_view_encode(const struct ike_child_view *v, struct model_ike_child_view_pb *ret)
{
	Postern__IkeChildView *m = &ret->m;

	*m = (Postern__IkeChildView)POSTERN__IKE_CHILD_VIEW__INIT;
	m->number = v->number;
	m->version = v->version;
	m->state = v->state;
	m->step = (char *)(uintptr_t)v->step;
	m->initiator = v->initiator;
	m->replaced = v->replaced;
	model_addr_encode(&v->local, &ret->local);
	model_addr_encode(&v->remote, &ret->remote);
	m->local = &ret->local;
	m->remote = &ret->remote;
	m->local_port = v->local_port;
	m->remote_port = v->remote_port;
	if (v->has_selector) {
		model_selector_encode(&v->selector, &ret->selector);
		m->selector = &ret->selector.m;
	}
	m->policy = v->policy;
	m->age_ms = v->age_ms;
	m->left_ms = v->left_ms;
	m->seconds = v->seconds;
	m->kilobytes = v->kilobytes;
	m->group = v->group;
	for (uint8_t i = 0; i < v->n_parts; i++) {
		part_encode(&v->part[i], &ret->part[i]);
		ret->part_p[i] = &ret->part[i];
	}
	m->parts = ret->part_p;
	m->n_parts = v->n_parts;
}

void model_ike_filter_encode(const struct ike_filter *f, struct model_ike_filter_pb *ret)
{
	Postern__IkeDelete *m = &ret->m;

	*m = (Postern__IkeDelete)POSTERN__IKE_DELETE__INIT;
	m->sas = f->sas;
	m->children = f->children;
	if (f->local.family != INET_NONE) {
		model_addr_encode(&f->local, &ret->local);
		m->local = &ret->local;
	}
	if (f->remote.family != INET_NONE) {
		model_addr_encode(&f->remote, &ret->remote);
		m->remote = &ret->remote;
	}
	if (f->has_spis) {
		m->spi_i =
		    (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->spi_i, .len = IKE_VIEW_SPI_LEN};
		m->spi_r =
		    (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)f->spi_r, .len = IKE_VIEW_SPI_LEN};
	}
	m->proto = f->proto;
	m->spi = f->spi;
	if (f->has_selector) {
		model_selector_encode(&f->selector, &ret->selector);
		m->selector = &ret->selector.m;
	}
}

static bool is_proto(uint32_t p)
{
	return p == IPSEC_ESP || p == IPSEC_AH || p == IPSEC_IPCOMP;
}

static int numbers_of_sa(const Postern__IkeSaView *m, struct err_text *e)
{
	if (m->version < 1 || m->version > 2 || m->state == IKE_VIEW_NONE || m->state >= IKE_VIEW_STATES ||
	    m->mode >= IKE_MODES)
		return err_set(e, -EBADMSG, "an IKE SA of no known version, state or mode");
	if ((m->enc && !alg_enc_by_id(m->enc)) || m->key_bits > UINT16_MAX || m->prf > ALG_PRF_HMAC_SHA512 ||
	    (m->group && !model_ike_group_is_known(m->group)) || m->auth > IKE_AUTH_XAUTH_RSA_SERVER)
		return err_set(e, -EBADMSG, "an IKE SA of no known algorithm");
	if (m->spi_i.len != IKE_VIEW_SPI_LEN || m->spi_r.len != IKE_VIEW_SPI_LEN ||
	    m->local_port > UINT16_MAX || m->remote_port > UINT16_MAX)
		return err_set(e, -EBADMSG, "an IKE SA without SPIs, or with ports that are none");
	return 0;
}

static int ids_of_sa(const Postern__IkeSaView *m, struct ike_sa_view *v, struct err_text *e)
{
	int r = m->local_id ? model_ike_id_decode(m->local_id, &v->local_id, e) : 0;

	return r == 0 && m->remote_id ? model_ike_id_decode(m->remote_id, &v->remote_id, e) : r;
}

int model_ike_sa_view_decode(const Postern__IkeSaView *m, struct ike_sa_view *ret, struct err_text *e)
{
	int r = numbers_of_sa(m, e);

	*ret = (struct ike_sa_view){.number = m->number,
	    .version = (uint8_t)m->version,
	    .state = m->state,
	    .initiator = m->initiator,
	    .mode = m->mode,
	    .local_port = (uint16_t)m->local_port,
	    .remote_port = (uint16_t)m->remote_port,
	    .enc = m->enc,
	    .key_bits = (uint16_t)m->key_bits,
	    .prf = m->prf,
	    .group = m->group,
	    .auth = m->auth,
	    .age_ms = m->age_ms,
	    .left_ms = m->left_ms,
	    .nat_here = m->nat_here,
	    .nat_there = m->nat_there,
	    .dpd = m->dpd};
	if (r < 0)
		return r;
	memcpy(ret->spi_i, m->spi_i.data, IKE_VIEW_SPI_LEN);
	memcpy(ret->spi_r, m->spi_r.data, IKE_VIEW_SPI_LEN);
	ipc_text_copy(ret->step, sizeof(ret->step), m->step);
	ipc_text_copy(ret->peer, sizeof(ret->peer), m->peer);
	ipc_text_copy(ret->trouble, sizeof(ret->trouble), m->trouble);
	r = model_addr_decode(m->local, false, &ret->local, e);
	if (r == 0)
		r = model_addr_decode(m->remote, false, &ret->remote, e);
	return r == 0 ? ids_of_sa(m, ret, e) : -EBADMSG;
}

static int part_decode(const Postern__IkePartView *m, struct ike_part_view *ret, struct err_text *e)
{
	if (!is_proto(m->proto) || m->mode > IPSEC_TUNNEL || m->key_bits > UINT16_MAX ||
	    (m->enc && !alg_enc_by_id(m->enc)) || (m->auth && !alg_auth_by_id(m->auth)) ||
	    (m->comp && m->comp != ALG_COMP_DEFLATE))
		return err_set(e, -EBADMSG, "an SA of no known protocol, mode or algorithm");
	*ret = (struct ike_part_view){.proto = m->proto,
	    .mode = m->mode,
	    .spi_in = m->spi_in,
	    .spi_out = m->spi_out,
	    .enc = m->enc,
	    .key_bits = (uint16_t)m->key_bits,
	    .auth = m->auth,
	    .comp = m->comp};
	return 0;
}

static int numbers_of_child(const Postern__IkeChildView *m, struct err_text *e)
{
	if (m->version < 1 || m->version > 2 || m->state == IKE_VIEW_NONE || m->state >= IKE_VIEW_STATES ||
	    (m->group && !model_ike_group_is_known(m->group)) || m->n_parts > POLICY_REQUESTS_MAX ||
	    m->local_port > UINT16_MAX || m->remote_port > UINT16_MAX)
		return err_set(e, -EBADMSG, "a child SA of no known version, state or group");
	return 0;
}

int model_ike_child_view_decode(
    const Postern__IkeChildView *m, struct ike_child_view *ret, struct err_text *e)
{
	int r = numbers_of_child(m, e);

	*ret = (struct ike_child_view){.number = m->number,
	    .version = (uint8_t)m->version,
	    .state = m->state,
	    .initiator = m->initiator,
	    .replaced = m->replaced,
	    .local_port = (uint16_t)m->local_port,
	    .remote_port = (uint16_t)m->remote_port,
	    .has_selector = m->selector != NULL,
	    .policy = m->policy,
	    .age_ms = m->age_ms,
	    .left_ms = m->left_ms,
	    .seconds = m->seconds,
	    .kilobytes = m->kilobytes,
	    .group = m->group};
	if (r < 0)
		return r;
	ipc_text_copy(ret->step, sizeof(ret->step), m->step);
	r = model_addr_decode(m->local, false, &ret->local, e);
	if (r == 0)
		r = model_addr_decode(m->remote, false, &ret->remote, e);
	if (r == 0 && m->selector)
		r = model_selector_decode(m->selector, &ret->selector, e);
	for (size_t i = 0; r == 0 && i < m->n_parts; i++)
		r = part_decode(m->parts[i], &ret->part[ret->n_parts++], e);
	return r < 0 ? -EBADMSG : 0;
}

static int spis_of_filter(const Postern__IkeDelete *m, struct ike_filter *f, struct err_text *e)
{
	if (!m->spi_i.len && !m->spi_r.len)
		return 0;
	if (m->spi_i.len != IKE_VIEW_SPI_LEN || m->spi_r.len != IKE_VIEW_SPI_LEN)
		return err_set(e, -EBADMSG, "an IKE SA's SPIs have %d octets each", IKE_VIEW_SPI_LEN);
	f->has_spis = true;
	memcpy(f->spi_i, m->spi_i.data, IKE_VIEW_SPI_LEN);
	memcpy(f->spi_r, m->spi_r.data, IKE_VIEW_SPI_LEN);
	return 0;
}

int model_ike_filter_decode(const Postern__IkeDelete *m, struct ike_filter *ret, struct err_text *e)
{
	int r;

	*ret = (struct ike_filter){.sas = m->sas,
	    .children = m->children,
	    .proto = m->proto,
	    .spi = m->spi,
	    .has_selector = m->selector != NULL};
	if (!m->sas && !m->children)
		return err_set(e, -EINVAL, "neither IKE SAs nor child SAs are named");
	if (m->proto && !is_proto(m->proto))
		return err_set(e, -EINVAL, "protocol %u: 50 is esp, 51 ah, 108 ipcomp", m->proto);
	r = spis_of_filter(m, ret, e);
	if (r == 0)
		r = model_addr_decode(m->local, true, &ret->local, e);
	if (r == 0)
		r = model_addr_decode(m->remote, true, &ret->remote, e);
	if (r == 0 && m->selector)
		r = model_selector_decode(m->selector, &ret->selector, e);
	return r;
}
