/*
 * Key octets are pointed at, on the way out and on the way in: the record's buffers are the only other place
 * they are in, and those are wiped by lib/ipc.
 */
#include "ipc/model.h"

#include <errno.h>

static void key_encode(const uint8_t *key, size_t n, bool with_keys, ProtobufCBinaryData *ret)
{
	if (with_keys && key)
		*ret = (ProtobufCBinaryData){.data = (uint8_t *)key, .len = n};
}

static void encap_encode(const struct sa_encap *n, struct model_sa_pb *ret)
{
	if (!n->dport)
		return;
	ret->encap = (Postern__Encap)POSTERN__ENCAP__INIT;
	ret->encap.sport = n->sport;
	ret->encap.dport = n->dport;
	ret->encap.frag = n->frag;
	ret->encap.keepalive_s = n->keepalive_s;
	if (n->nat_oa.family != INET_NONE) {
		model_addr_encode(&n->nat_oa, &ret->nat_oa);
		ret->encap.nat_oa = &ret->nat_oa;
	}
	ret->m.encap = &ret->encap;
}

void model_sa_encode(const struct sa_desc *d, bool with_keys, struct model_sa_pb *ret)
{
	Postern__SaDesc *m = &ret->m;

	*m = (Postern__SaDesc)POSTERN__SA_DESC__INIT;
	model_addr_encode(&d->src, &ret->src);
	model_addr_encode(&d->dst, &ret->dst);
	m->src = &ret->src;
	m->dst = &ret->dst;
	m->proto = d->proto;
	m->spi = d->spi;
	m->mode = d->mode;
	m->reqid = d->reqid;
	/* protobuf-c has no const; the numbers are only read. */
	m->more_reqids = (uint32_t *)(uintptr_t)d->more_reqids;
	m->n_more_reqids = d->n_more;
	m->replay_bytes = d->replay_bytes;
	m->flags = d->flags;
	m->enc = d->enc;
	m->auth = d->auth;
	key_encode(d->enc_key, d->enc_key_len, with_keys, &m->enc_key);
	key_encode(d->auth_key, d->auth_key_len, with_keys, &m->auth_key);
	m->enc_key_len = d->enc_key_len;
	m->auth_key_len = d->auth_key_len;
	m->icv_len = d->icv_len;
	m->fresh_key = d->fresh_key;
	ret->life = (Postern__Lifetime)POSTERN__LIFETIME__INIT;
	ret->life.soft_s = d->life.soft_s;
	ret->life.hard_s = d->life.hard_s;
	ret->life.soft_bytes = d->life.soft_bytes;
	ret->life.hard_bytes = d->life.hard_bytes;
	ret->life.soft_packets = d->life.soft_packets;
	ret->life.hard_packets = d->life.hard_packets;
	m->life = &ret->life;
	m->comp = d->comp;
	encap_encode(&d->encap, ret);
}

/* The key must have the length that is said beside it; a key left out (`keys_optional`) has only the length.
 */
static int key_decode(const ProtobufCBinaryData *key, uint32_t len, bool keys_optional, const char *which,
    const uint8_t **ret_key, uint8_t *ret_len, struct err_text *e)
{
	if (len > ALG_KEY_MAX || key->len > ALG_KEY_MAX)
		return err_set(e, -EBADMSG, "an %s key of more than %d bytes", which, ALG_KEY_MAX);
	if (key->len != len && (key->len || !keys_optional))
		return err_set(e, -EBADMSG, "an %s key of %zu bytes that claims %u", which, key->len, len);
	*ret_key = key->len ? key->data : NULL;
	*ret_len = (uint8_t)len;
	return 0;
}

static void life_decode(const Postern__Lifetime *m, struct sa_lifetime *ret)
{
	if (!m)
		return;
	*ret = (struct sa_lifetime){.soft_s = m->soft_s,
	    .hard_s = m->hard_s,
	    .soft_bytes = m->soft_bytes,
	    .hard_bytes = m->hard_bytes,
	    .soft_packets = m->soft_packets,
	    .hard_packets = m->hard_packets};
}

static int encap_decode(const Postern__Encap *m, struct sa_encap *ret, struct err_text *e)
{
	if (!m)
		return 0;
	if (m->sport > UINT16_MAX || m->dport > UINT16_MAX || m->frag > UINT16_MAX ||
	    m->keepalive_s > UINT16_MAX)
		return err_set(
		    e, -EBADMSG, "an SA with a port, fragment size or keepalive interval above 65535");
	ret->sport = (uint16_t)m->sport;
	ret->dport = (uint16_t)m->dport;
	ret->frag = (uint16_t)m->frag;
	ret->keepalive_s = (uint16_t)m->keepalive_s;
	return model_addr_decode(m->nat_oa, true, &ret->nat_oa, e);
}

static int numbers_decode(const Postern__SaDesc *m, struct sa_desc *d, struct err_text *e)
{
	if (m->proto != IPSEC_ESP && m->proto != IPSEC_AH && m->proto != IPSEC_IPCOMP)
		return err_set(e, -EBADMSG, "an SA with protocol %u", m->proto);
	if (m->mode > IPSEC_TUNNEL)
		return err_set(e, -EBADMSG, "an SA with mode %u", m->mode);
	if (m->flags & ~(uint32_t)SA_F_MASK)
		return err_set(e, -EBADMSG, "an SA with flags 0x%x", m->flags);
	if (m->icv_len > ALG_ICV_MAX)
		return err_set(e, -EBADMSG, "an SA with an ICV of %u bytes", m->icv_len);
	if ((m->enc && !alg_enc_by_id(m->enc)) || (m->auth && !alg_auth_by_id(m->auth)))
		return err_set(e, -EBADMSG, "an SA with algorithms %u and %u", m->enc, m->auth);
	if (m->comp && !alg_comp_name(m->comp))
		return err_set(e, -EBADMSG, "an SA with compression %u", m->comp);
	d->comp = (enum alg_comp)m->comp;
	d->proto = (enum ipsec_proto)m->proto;
	d->mode = (enum ipsec_mode)m->mode;
	d->enc = (enum alg_enc)m->enc;
	d->auth = (enum alg_auth)m->auth;
	d->spi = m->spi;
	if (m->n_more_reqids > SA_MORE_MAX)
		return err_set(e, -EBADMSG, "an SA for %zu further policies", m->n_more_reqids);
	d->reqid = m->reqid;
	d->more_reqids = m->more_reqids;
	d->n_more = (uint16_t)m->n_more_reqids;
	d->replay_bytes = m->replay_bytes;
	d->flags = m->flags;
	d->icv_len = (uint8_t)m->icv_len;
	d->fresh_key = m->fresh_key;
	life_decode(m->life, &d->life);
	return 0;
}

int model_sa_decode(const Postern__SaDesc *m, bool keys_optional, struct sa_desc *ret, struct err_text *e)
{
	struct sa_desc d = {0};
	const char *why;
	int r;

	if (!m)
		return err_set(e, -EBADMSG, "an SA is missing");
	r = model_addr_decode(m->src, false, &d.src, e);
	if (r >= 0)
		r = model_addr_decode(m->dst, false, &d.dst, e);
	if (r >= 0)
		r = numbers_decode(m, &d, e);
	if (r >= 0)
		r = key_decode(
		    &m->enc_key, m->enc_key_len, keys_optional, "encryption", &d.enc_key, &d.enc_key_len, e);
	if (r >= 0)
		r = key_decode(&m->auth_key, m->auth_key_len, keys_optional, "authentication", &d.auth_key,
		    &d.auth_key_len, e);
	if (r < 0)
		return r;
	r = encap_decode(m->encap, &d.encap, e);
	if (r < 0)
		return r;
	/* A larval SA has nothing yet that could be judged. */
	r = keys_optional && !d.enc && !d.auth && !d.comp ? 0 : sa_desc_check(&d, &why);
	if (r < 0)
		return err_set(e, r, "%s", why);
	*ret = d;
	return 0;
}

void model_sa_status_encode(const struct sa_status *s, Postern__SaStatus *ret)
{
	*ret = (Postern__SaStatus)POSTERN__SA_STATUS__INIT;
	ret->serial = s->serial;
	ret->state = s->state;
	ret->manual = s->manual;
	ret->seq = s->seq;
	ret->created_wall_ms = s->created_wall_ms;
	ret->last_used_wall_ms = s->last_used_wall_ms;
	ret->age_ms = s->age_ms;
	ret->bytes = s->bytes;
	ret->packets = s->packets;
	ret->pid = s->pid;
	ret->refcnt = s->refcnt;
}

int model_sa_status_decode(const Postern__SaStatus *m, struct sa_status *ret, struct err_text *e)
{
	if (!m)
		return err_set(e, -EBADMSG, "an SA's status is missing");
	if (m->state < SA_LARVAL || m->state > SA_DEAD)
		return err_set(e, -EBADMSG, "an SA in state %u", m->state);
	*ret = (struct sa_status){.serial = m->serial,
	    .state = (enum sa_state)m->state,
	    .manual = m->manual,
	    .seq = m->seq,
	    .created_wall_ms = m->created_wall_ms,
	    .last_used_wall_ms = m->last_used_wall_ms,
	    .age_ms = m->age_ms,
	    .bytes = m->bytes,
	    .packets = m->packets,
	    .pid = m->pid,
	    .refcnt = m->refcnt};
	return 0;
}
