/*
 * Children: which addresses, and which algorithms.
 */
#include <errno.h>
#include <string.h>

#include "ipc/model.h"
#include "ipc/model_ike.h"
#include "ipsec/selector.h"

enum { BYTES_LEAST = 1024 };
#define YEARS_S (100ULL * 366 * 86400)

static void side_encode(
    const struct ike_side *s, Postern__Addr addr[2], Postern__IkeId *id, Postern__IkeSide *ret)
{
	*ret = (Postern__IkeSide)POSTERN__IKE_SIDE__INIT;
	ret->kind = s->kind;
	if (s->first.family != INET_NONE) {
		model_addr_encode(&s->first, &addr[0]);
		ret->first = &addr[0];
	}
	if (s->last.family != INET_NONE) {
		model_addr_encode(&s->last, &addr[1]);
		ret->last = &addr[1];
	}
	ret->plen = s->plen;
	ret->port = s->port;
	ret->proto = s->proto;
	if (s->kind == IKE_SIDE_NAME) {
		model_ike_id_encode(&s->id, id);
		ret->id = id;
	}
}

static void alg_encode(uint32_t id, uint32_t bits, Postern__IkeAlg *ret, Postern__IkeAlg **ret_p)
{
	*ret = (Postern__IkeAlg)POSTERN__IKE_ALG__INIT;
	ret->id = id;
	ret->key_bits = bits;
	*ret_p = ret;
}

void model_ike_child_encode(const struct ike_child *k, struct model_ike_child_pb *ret)
{
	Postern__IkeChild *m = &ret->m;

	*m = (Postern__IkeChild)POSTERN__IKE_CHILD__INIT;
	side_encode(&k->local, ret->addr, &ret->id[0], &ret->local);
	side_encode(&k->remote, ret->addr + 2, &ret->id[1], &ret->remote);
	m->local = &ret->local;
	m->remote = &ret->remote;
	if (k->has_from) {
		model_ike_id_encode(&k->from, &ret->from);
		m->from = &ret->from;
	}
	m->group = k->group ? k->group : (char *)"";
	m->remoteid = k->remoteid;
	m->pfs = k->pfs;
	m->pfs_optional = k->pfs_optional;
	m->set = k->set;
	m->seconds = k->seconds;
	m->bytes = k->bytes;
	for (uint8_t i = 0; i < k->n_enc; i++)
		alg_encode(k->enc[i].id, k->enc[i].key_bits, &ret->enc[i], &ret->enc_p[i]);
	for (uint8_t i = 0; i < k->n_auth; i++)
		alg_encode(k->auth[i].id, 0, &ret->auth[i], &ret->auth_p[i]);
	for (uint8_t i = 0; i < k->n_comp; i++)
		ret->comp[i] = k->comp[i];
	m->enc = ret->enc_p;
	m->n_enc = k->n_enc;
	m->auth = ret->auth_p;
	m->n_auth = k->n_auth;
	m->comp = ret->comp;
	m->n_comp = k->n_comp;
}

static int side_decode(const Postern__IkeSide *m, struct ike_side *ret, struct err_text *e)
{
	int r;

	if (!m || m->kind == IKE_SIDE_NONE || m->kind > IKE_SIDE_NAME || m->port > UINT16_MAX ||
	    m->proto > IPPROTO_ANY_)
		return err_set(e, -EBADMSG, "a side is missing, or of no known kind");
	r = model_addr_decode(m->first,
	    m->kind != IKE_SIDE_HOST && m->kind != IKE_SIDE_NET && m->kind != IKE_SIDE_RANGE, &ret->first, e);
	if (r == 0)
		r = model_addr_decode(m->last, m->kind != IKE_SIDE_RANGE, &ret->last, e);
	if (r == 0 && m->kind == IKE_SIDE_NAME)
		r = model_ike_id_decode(m->id, &ret->id, e);
	if (r < 0)
		return r;
	if (m->kind == IKE_SIDE_NET && m->plen > inet_addr_bits(&ret->first))
		return err_set(e, -EBADMSG, "a prefix length of %u", m->plen);
	if (m->kind == IKE_SIDE_RANGE && ret->first.family != ret->last.family)
		return err_set(e, -EBADMSG, "a range from one address family to the other");
	if (m->kind == IKE_SIDE_RANGE && inet_addr_cmp(&ret->first, &ret->last) > 0)
		return err_set(e, -EBADMSG, "a range that ends before it begins");
	ret->kind = m->kind;
	ret->plen = (uint8_t)m->plen;
	ret->port = (uint16_t)m->port;
	ret->proto = (uint16_t)m->proto;
	return 0;
}

static int enc_decode(const Postern__IkeAlg *m, struct ike_child_enc *ret, struct err_text *e)
{
	const struct alg_enc_info *a = alg_enc_by_id(m->id);

	if (!a ||
	    (m->key_bits && (m->key_bits % 8U || !alg_enc_keylen_ok(a, m->key_bits / 8U + a->salt_len))))
		return err_set(e, -EBADMSG, "an unknown encryption algorithm, or a key length it has not");
	*ret = (struct ike_child_enc){.id = m->id, .key_bits = (uint16_t)m->key_bits};
	return 0;
}

static int lists_decode(const Postern__IkeChild *m, struct ike_child *k, struct err_text *e)
{
	int r = 0;

	if (m->n_enc > IKE_ALGS_MAX || m->n_auth > IKE_ALGS_MAX || m->n_comp > IKE_ALGS_MAX)
		return err_set(e, -EBADMSG, "too many algorithms");
	for (size_t i = 0; r == 0 && i < m->n_enc; i++)
		r = enc_decode(m->enc[i], &k->enc[k->n_enc++], e);
	for (size_t i = 0; r == 0 && i < m->n_auth; i++) {
		if (m->auth[i]->id != ALG_AUTH_NONE && !alg_auth_by_id(m->auth[i]->id))
			r = err_set(e, -EBADMSG, "an unknown authentication algorithm");
		k->auth[k->n_auth++].id = m->auth[i]->id;
	}
	for (size_t i = 0; r == 0 && i < m->n_comp; i++) {
		if (!alg_comp_name(m->comp[i]))
			r = err_set(e, -EBADMSG, "an unknown compression algorithm");
		k->comp[k->n_comp++] = m->comp[i];
	}
	return r;
}

int model_ike_child_decode(const Postern__IkeChild *m, struct ike_conf *c, struct err_text *e)
{
	struct ike_child *k = m ? ike_conf_add_child(c) : NULL;
	int r;

	if (!k)
		return err_set(e, m ? -ENOMEM : -EBADMSG, "a child is missing, or there are too many");
	r = side_decode(m->local, &k->local, e);
	if (r == 0)
		r = side_decode(m->remote, &k->remote, e);
	k->has_from = m->from != NULL;
	if (r == 0 && m->from)
		r = model_ike_id_decode(m->from, &k->from, e);
	if (r < 0)
		return r;
	if ((m->pfs && !model_ike_group_is_known(m->pfs)) || m->seconds > YEARS_S ||
	    (m->bytes && m->bytes < BYTES_LEAST))
		return err_set(e, -EBADMSG, "a group or lifetime out of its range");
	if (strlen(m->group) > IKE_CONF_TEXT_MAX)
		return err_set(e, -EBADMSG, "a group's name that is too long");
	if (m->group[0]) {
		k->group = strdup(m->group);
		if (!k->group)
			return err_set(e, -ENOMEM, "out of memory");
	}
	k->remoteid = m->remoteid;
	k->pfs = m->pfs;
	k->pfs_optional = m->pfs_optional;
	k->set = m->set;
	k->seconds = m->seconds;
	k->bytes = m->bytes;
	return lists_decode(m, k, e);
}
