/*
 * Numbers of algorithms are shown to people only: unknown ones are let through, and printed as numbers.
 */
#include "ipc/model_ike_row.h"

#include <errno.h>

#include "ipc/model_ike.h"
#include "ipc/record.h"

static ProtobufCBinaryData octets(const uint8_t *p)
{
	return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)p, .len = IKE_ROW_SPI};
}

static char *text(const char *s)
{
	return (char *)(uintptr_t)(s ? s : "");
}

static void put_addrs(
    struct model_ike_row_pb *ret, const struct inet_addr *local, const struct inet_addr *remote)
{
	model_addr_encode(local, &ret->local);
	model_addr_encode(remote, &ret->remote);
}

static void put_agreed(const struct ike_row_sa *r, Postern__IkeSa *m)
{
	m->agreed = r->agreed;
	m->enc = r->enc;
	m->key_bits = r->key_bits;
	m->prf = r->prf;
	m->group = r->group;
	m->auth = r->auth;
}

static void put_sa(const struct ike_row_sa *r, struct model_ike_row_pb *ret)
{
	Postern__IkeSa *m = &ret->sa;

	postern__ike_sa__init(m);
	put_addrs(ret, &r->local, &r->remote);
	m->version = r->version;
	m->state = r->state;
	m->detail = text(r->detail);
	m->progress = r->progress;
	m->initiator = r->initiator;
	m->mode = r->mode;
	m->local = &ret->local;
	m->remote = &ret->remote;
	m->local_port = r->local_port;
	m->remote_port = r->remote_port;
	m->spi_i = octets(r->spi_i);
	m->spi_r = octets(r->spi_r);
	m->name = text(r->name);
	if (r->peer_id.kind != IKE_ID_NONE) {
		model_ike_id_encode(&r->peer_id, &ret->peer_id);
		m->peer_id = &ret->peer_id;
	}
	put_agreed(r, m);
	m->age_ms = r->age_ms;
	m->up_ms = r->up_ms;
	m->left_ms = r->left_ms;
	m->renew_ms = r->renew_ms;
	m->idle_ms = r->idle_ms;
	m->nat_here = r->nat_here;
	m->nat_there = r->nat_there;
	m->dpd_delay_s = r->dpd_delay_s;
	m->dpd_unanswered = r->dpd_unanswered;
	m->children = r->n_children;
	ret->m.sa = m;
}

static void put_parts(const struct ike_row_child *r, struct model_ike_row_pb *ret)
{
	for (uint8_t i = 0; i < r->n_parts; i++) {
		const struct ike_row_part *p = &r->part[i];
		Postern__IkeChildPart *m = ret->part_p[i] = &ret->part[i];

		postern__ike_child_part__init(m);
		m->proto = p->proto;
		m->mode = p->mode;
		m->spi_in = p->spi_in;
		m->spi_out = p->spi_out;
		m->enc = p->enc;
		m->key_bits = p->key_bits;
		m->auth = p->auth;
		m->comp = p->comp;
	}
	ret->child.n_parts = r->n_parts;
	ret->child.parts = ret->part_p;
}

static void put_child(const struct ike_row_child *r, struct model_ike_row_pb *ret)
{
	Postern__IkeChildSa *m = &ret->child;

	postern__ike_child_sa__init(m);
	put_addrs(ret, &r->local, &r->remote);
	model_selector_encode(&r->sel, &ret->sel);
	m->version = r->version;
	m->state = r->state;
	m->detail = text(r->detail);
	m->initiator = r->initiator;
	m->local = &ret->local;
	m->remote = &ret->remote;
	if (r->has_parent) {
		m->spi_i = octets(r->spi_i);
		m->spi_r = octets(r->spi_r);
	}
	m->policy = r->policy;
	m->selector = &ret->sel.m;
	put_parts(r, ret);
	m->age_ms = r->age_ms;
	m->life_ms = r->life_ms;
	m->left_ms = r->left_ms;
	m->renew_ms = r->renew_ms;
	ret->m.child = m;
}

static void put_kept(const struct ike_row_kept *r, struct model_ike_row_pb *ret)
{
	Postern__IkeKept *m = &ret->kept;

	postern__ike_kept__init(m);
	model_addr_encode(&r->remote, &ret->remote);
	model_selector_encode(&r->sel, &ret->sel);
	m->state = r->state;
	m->name = text(r->name);
	m->remote = &ret->remote;
	m->selector = &ret->sel.m;
	m->tries = r->tries;
	m->down_ms = r->down_ms;
	m->next_ms = r->next_ms;
	m->why = text(r->why);
	ret->m.kept = m;
}

static void put_also(const struct ike_row_also *r, struct model_ike_row_pb *ret)
{
	Postern__IkeAlso *m = &ret->also;

	postern__ike_also__init(m);
	model_selector_encode(&r->sel, &ret->sel);
	m->policy = r->policy;
	m->selector = &ret->sel.m;
	ret->m.also = m;
}

void model_ike_row_encode(const struct ike_row *r, struct model_ike_row_pb *ret)
{
	postern__ike_row__init(&ret->m);
	if (r->sa)
		put_sa(r->sa, ret);
	else if (r->child)
		put_child(r->child, ret);
	else if (r->kept)
		put_kept(r->kept, ret);
	else if (r->also)
		put_also(r->also, ret);
}

static bool take_octets(const ProtobufCBinaryData *b, uint8_t *ret)
{
	if (b->len != IKE_ROW_SPI)
		return false;
	memcpy(ret, b->data, IKE_ROW_SPI);
	return true;
}

static int take_sa(const Postern__IkeSa *m, struct model_ike_row *ret, struct err_text *e)
{
	struct ike_row_sa *r = &ret->sa;

	*r = (struct ike_row_sa){.version = (uint8_t)m->version,
	    .state = (enum ike_row_state)m->state,
	    .detail = ret->detail,
	    .progress = m->progress,
	    .initiator = m->initiator,
	    .mode = (enum ike_mode)m->mode,
	    .local_port = (uint16_t)m->local_port,
	    .remote_port = (uint16_t)m->remote_port,
	    .name = ret->name,
	    .agreed = m->agreed,
	    .enc = (enum alg_enc)m->enc,
	    .key_bits = (uint16_t)m->key_bits,
	    .prf = (enum alg_prf)m->prf,
	    .group = (enum alg_group)m->group,
	    .auth = (enum ike_auth_method)m->auth,
	    .age_ms = m->age_ms,
	    .up_ms = m->up_ms,
	    .left_ms = m->left_ms,
	    .renew_ms = m->renew_ms,
	    .idle_ms = m->idle_ms,
	    .nat_here = m->nat_here,
	    .nat_there = m->nat_there,
	    .dpd_delay_s = m->dpd_delay_s,
	    .dpd_unanswered = m->dpd_unanswered,
	    .n_children = m->children};
	ipc_text_copy(ret->detail, sizeof(ret->detail), m->detail);
	ipc_text_copy(ret->name, sizeof(ret->name), m->name);
	ret->row.sa = r;
	if (m->version < 1 || m->version > 2 || !m->state || m->state >= IKE_ROW_STATES ||
	    m->mode >= IKE_MODES || !take_octets(&m->spi_i, r->spi_i) || !take_octets(&m->spi_r, r->spi_r))
		return err_set(e, -EBADMSG, "a row of an SA of key exchange makes no sense");
	if (model_addr_decode(m->local, false, &r->local, e) < 0 ||
	    model_addr_decode(m->remote, false, &r->remote, e) < 0)
		return -EBADMSG;
	return m->peer_id ? model_ike_id_decode(m->peer_id, &r->peer_id, e) : 0;
}

static bool take_part(const Postern__IkeChildPart *m, struct ike_row_part *ret)
{
	*ret = (struct ike_row_part){.proto = (enum ipsec_proto)m->proto,
	    .mode = (enum ipsec_mode)m->mode,
	    .spi_in = m->spi_in,
	    .spi_out = m->spi_out,
	    .enc = (enum alg_enc)m->enc,
	    .key_bits = (uint16_t)m->key_bits,
	    .auth = (enum alg_auth)m->auth,
	    .comp = (enum alg_comp)m->comp};
	return (m->proto == IPSEC_ESP || m->proto == IPSEC_AH || m->proto == IPSEC_IPCOMP) &&
	       (m->mode == IPSEC_TRANSPORT || m->mode == IPSEC_TUNNEL);
}

static int take_child(const Postern__IkeChildSa *m, struct model_ike_row *ret, struct err_text *e)
{
	struct ike_row_child *r = &ret->child;
	bool ok = m->version >= 1 && m->version <= 2 && m->state && m->state < IKE_ROW_STATES &&
	          m->n_parts <= POLICY_REQUESTS_MAX;

	*r = (struct ike_row_child){.version = (uint8_t)m->version,
	    .state = (enum ike_row_state)m->state,
	    .detail = ret->detail,
	    .initiator = m->initiator,
	    .has_parent = m->spi_i.len || m->spi_r.len,
	    .policy = m->policy,
	    .age_ms = m->age_ms,
	    .life_ms = m->life_ms,
	    .left_ms = m->left_ms,
	    .renew_ms = m->renew_ms};
	ipc_text_copy(ret->detail, sizeof(ret->detail), m->detail);
	ret->row.child = r;
	if (r->has_parent)
		ok = ok && take_octets(&m->spi_i, r->spi_i) && take_octets(&m->spi_r, r->spi_r);
	for (; ok && r->n_parts < m->n_parts; r->n_parts++)
		ok = take_part(m->parts[r->n_parts], &r->part[r->n_parts]);
	if (!ok)
		return err_set(e, -EBADMSG, "a row of a pair of SAs makes no sense");
	if (model_addr_decode(m->local, false, &r->local, e) < 0 ||
	    model_addr_decode(m->remote, false, &r->remote, e) < 0 ||
	    model_selector_decode(m->selector, &r->sel, e) < 0)
		return -EBADMSG;
	return 0;
}

static int take_kept(const Postern__IkeKept *m, struct model_ike_row *ret, struct err_text *e)
{
	struct ike_row_kept *r = &ret->kept;

	*r = (struct ike_row_kept){.state = (enum ike_row_keeping)m->state,
	    .name = ret->name,
	    .tries = m->tries,
	    .down_ms = m->down_ms,
	    .next_ms = m->next_ms,
	    .why = ret->detail};
	ipc_text_copy(ret->name, sizeof(ret->name), m->name);
	ipc_text_copy(ret->detail, sizeof(ret->detail), m->why);
	ret->row.kept = r;
	if (m->state >= IKE_KEPT_STATES)
		return err_set(e, -EBADMSG, "a row of what is kept up makes no sense");
	if (model_addr_decode(m->remote, false, &r->remote, e) < 0 ||
	    model_selector_decode(m->selector, &r->sel, e) < 0)
		return -EBADMSG;
	return 0;
}

int model_ike_row_decode(const Postern__IkeRow *m, struct model_ike_row *ret, struct err_text *e)
{
	ret->row = (struct ike_row){0};
	if (!!m->sa + !!m->child + !!m->kept + !!m->also > 1)
		return err_set(e, -EBADMSG, "a row of key exchange is two at once");
	if (m->sa)
		return take_sa(m->sa, ret, e);
	if (m->kept)
		return take_kept(m->kept, ret, e);
	if (m->also) {
		ret->also.policy = m->also->policy;
		ret->row.also = &ret->also;
		return model_selector_decode(m->also->selector, &ret->also.sel, e);
	}
	return m->child ? take_child(m->child, ret, e) : 0;
}

void model_ike_end_encode(const struct ike_row_filter *f, struct model_ike_end_pb *ret)
{
	postern__ike_end__init(&ret->m);
	ret->m.sas = f->sas;
	ret->m.children = f->children;
	ret->m.proof = f->proof;
	if (f->local.family != INET_NONE) {
		model_addr_encode(&f->local, &ret->local);
		ret->m.local = &ret->local;
	}
	if (f->remote.family != INET_NONE) {
		model_addr_encode(&f->remote, &ret->remote);
		ret->m.remote = &ret->remote;
	}
	if (f->has_spis) {
		ret->m.spi_i = octets(f->spi_i);
		ret->m.spi_r = octets(f->spi_r);
	}
	ret->m.proto = f->proto;
	ret->m.spi = f->spi;
	if (f->has_sel) {
		model_selector_encode(&f->sel, &ret->sel);
		ret->m.selector = &ret->sel.m;
	}
}

int model_ike_end_decode(const Postern__IkeEnd *m, struct ike_row_filter *ret, struct err_text *e)
{
	*ret = (struct ike_row_filter){.sas = m->sas,
	    .children = m->children,
	    .proof = m->proof,
	    .has_spis = m->spi_i.len || m->spi_r.len,
	    .proto = (enum ipsec_proto)m->proto,
	    .spi = m->spi,
	    .has_sel = m->selector};
	if (ret->has_spis && (!take_octets(&m->spi_i, ret->spi_i) || !take_octets(&m->spi_r, ret->spi_r)))
		return err_set(e, -EBADMSG, "cookies are 8 octets each");
	if (m->proto && m->proto != IPSEC_ESP && m->proto != IPSEC_AH && m->proto != IPSEC_IPCOMP)
		return err_set(e, -EBADMSG, "there is no protocol %u", m->proto);
	if (model_addr_decode(m->local, true, &ret->local, e) < 0 ||
	    model_addr_decode(m->remote, true, &ret->remote, e) < 0)
		return -EBADMSG;
	return m->selector && model_selector_decode(m->selector, &ret->sel, e) < 0 ? -EBADMSG : 0;
}
