/*
 * Each formula of the RFC is a list of pieces under one key; what is written here is the list, in its order.
 */
#include "crypto/ike1.h"

#include <errno.h>
#include <string.h>

#include "crypto/piece.h"

enum { PIECES_MAX = 8, MSG_ID = 4 };

static struct iovec octets(struct ike1_octets o)
{
	return piece_plain(o.p, o.n);
}

int ike1_skeyid_psk(enum alg_prf prf, const struct secret *psk, struct ike1_octets ni, struct ike1_octets nr,
    struct secret **ret)
{
	const struct iovec v[] = {octets(ni), octets(nr)};

	return prf_secret(prf, piece_secret(psk), v, ARRAY_SIZE(v), ret);
}

int ike1_skeyid_sig(enum alg_prf prf, struct ike1_octets ni, struct ike1_octets nr, const struct secret *gxy,
    struct secret **ret)
{
	uint8_t nonces[2 * 256];
	const struct iovec v[] = {piece_secret(gxy)};

	if (ni.n + nr.n > sizeof(nonces))
		return -EINVAL;
	memcpy(nonces, ni.p, ni.n);
	memcpy(nonces + ni.n, nr.p, nr.n);
	return prf_secret(prf, piece_plain(nonces, ni.n + nr.n), v, ARRAY_SIZE(v), ret);
}

/* One of the three: `before` is the one made before it, NULL for the first. */
static int derive(struct ike1_keys *k, const struct secret *before, const struct secret *gxy,
    const uint8_t *icookie, const uint8_t *rcookie, uint8_t number, struct secret **ret)
{
	struct iovec v[5];
	size_t n = 0;

	if (before)
		v[n++] = piece_secret(before);
	v[n++] = piece_secret(gxy);
	v[n++] = piece_plain(icookie, IKE1_COOKIE);
	v[n++] = piece_plain(rcookie, IKE1_COOKIE);
	v[n++] = piece_plain(&number, sizeof(number));
	return prf_secret(k->prf, piece_secret(k->skeyid), v, n, ret);
}

int ike1_keys_init(struct ike1_keys *ret, enum alg_prf prf, struct secret *skeyid, const struct secret *gxy,
    const uint8_t icookie[IKE1_COOKIE], const uint8_t rcookie[IKE1_COOKIE])
{
	struct ike1_keys k = {.prf = prf, .skeyid = skeyid};
	int r = derive(&k, NULL, gxy, icookie, rcookie, 0, &k.d);

	if (r == 0)
		r = derive(&k, k.d, gxy, icookie, rcookie, 1, &k.a);
	if (r == 0)
		r = derive(&k, k.a, gxy, icookie, rcookie, 2, &k.e);
	if (r < 0)
		ike1_keys_fini(&k);
	*ret = k;
	return r;
}

void ike1_keys_fini(struct ike1_keys *k)
{
	secret_free(k->skeyid);
	secret_free(k->d);
	secret_free(k->a);
	secret_free(k->e);
	*k = (struct ike1_keys){0};
}

/* K1 = prf(key, first), K2 = prf(key, K1 | first), ...: n octets of K1 | K2 | ... Appendix B has no `rest`
 * behind the first round, section 5.5 has the same pieces in every one. */
static int expand(enum alg_prf prf, const struct secret *key, const struct iovec *first, size_t n_first,
    const struct iovec *rest, size_t n_rest, size_t n, struct secret **ret)
{
	uint8_t out[IKE1_KEYMAT_MAX + ALG_PRF_LEN_MAX] = {0};
	AUTO_WIPE(out);
	size_t len = crypto_prf_len(prf), have = 0;
	int r;

	if (!len)
		return -EOPNOTSUPP;
	if (n > IKE1_KEYMAT_MAX)
		return -EINVAL;
	while (have < n) {
		struct iovec v[PIECES_MAX];
		size_t k = 0;

		if (have)
			v[k++] = piece_plain(out + have - len, len);
		for (size_t i = 0; i < (have ? n_rest : n_first); i++)
			v[k++] = have ? rest[i] : first[i];
		r = crypto_prf(prf, secret_bytes(key), secret_len(key), v, k, out + have);
		if (r < 0)
			return r;
		have += len;
	}
	*ret = secret_dup_bytes(out, n);
	return *ret ? 0 : -ENOMEM;
}

int ike1_cipher_key(const struct ike1_keys *k, size_t n, struct secret **ret)
{
	static const uint8_t zero;
	const struct iovec first[] = {piece_plain(&zero, sizeof(zero))};

	if (n <= secret_len(k->e)) {
		*ret = secret_dup_bytes(secret_bytes(k->e), n);
		return *ret ? 0 : -ENOMEM;
	}
	return expand(k->prf, k->e, first, ARRAY_SIZE(first), NULL, 0, n, ret);
}

int ike1_proof(const struct ike1_keys *k, const struct ike1_proof *p, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct iovec v[] = {octets(p->mine), octets(p->his), piece_plain(p->my_cookie, IKE1_COOKIE),
	    piece_plain(p->his_cookie, IKE1_COOKIE), octets(p->sa), octets(p->id)};

	return crypto_prf(k->prf, secret_bytes(k->skeyid), secret_len(k->skeyid), v, ARRAY_SIZE(v), ret);
}

static int base_proof(enum alg_prf prf, struct iovec key, const struct ike1_base_proof *p, uint8_t *ret)
{
	const struct iovec v[] = {octets(p->gxi), octets(p->gxr), piece_plain(p->icookie, IKE1_COOKIE),
	    piece_plain(p->rcookie, IKE1_COOKIE), octets(p->sa), octets(p->id)};

	return crypto_prf(prf, key.iov_base, key.iov_len, v, ARRAY_SIZE(v), ret);
}

int ike1_base_proof_psk(
    const struct ike1_keys *k, const struct ike1_base_proof *p, uint8_t ret[ALG_PRF_LEN_MAX])
{
	return base_proof(k->prf, piece_secret(k->skeyid), p, ret);
}

int ike1_base_proof_sig(enum alg_prf prf, struct ike1_octets ni, struct ike1_octets nr,
    const struct ike1_base_proof *p, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct iovec v[] = {octets(ni), octets(nr)};
	uint8_t key[ALG_PRF_LEN_MAX];
	int r = crypto_hash(prf, v, ARRAY_SIZE(v), key);

	return r < 0 ? r : base_proof(prf, piece_plain(key, crypto_hash_len(prf)), p, ret);
}

static void put_msg_id(uint8_t out[MSG_ID], uint32_t v)
{
	for (int i = MSG_ID - 1; i >= 0; i--, v >>= 8)
		out[i] = (uint8_t)v;
}

int ike1_hash(const struct ike1_keys *k, bool zero, uint32_t msg_id, const struct ike1_octets *piece,
    size_t n_pieces, uint8_t ret[ALG_PRF_LEN_MAX])
{
	static const uint8_t nothing;
	struct iovec v[PIECES_MAX];
	uint8_t id[MSG_ID];
	size_t n = 0;

	if (n_pieces + 2 > PIECES_MAX)
		return -EINVAL;
	put_msg_id(id, msg_id);
	if (zero)
		v[n++] = piece_plain(&nothing, sizeof(nothing));
	v[n++] = piece_plain(id, sizeof(id));
	for (size_t i = 0; i < n_pieces; i++)
		v[n++] = octets(piece[i]);
	return crypto_prf(k->prf, secret_bytes(k->a), secret_len(k->a), v, n, ret);
}

static int hash_cut(enum alg_prf prf, const struct iovec *v, size_t n, size_t block, uint8_t *ret)
{
	uint8_t out[ALG_PRF_LEN_MAX];
	int r = block > crypto_prf_len(prf) ? -EINVAL : crypto_hash(prf, v, n, out);

	if (r == 0)
		memcpy(ret, out, block);
	return r;
}

int ike1_first_iv(
    enum alg_prf prf, struct ike1_octets gxi, struct ike1_octets gxr, size_t block, uint8_t *ret)
{
	const struct iovec v[] = {octets(gxi), octets(gxr)};

	return hash_cut(prf, v, ARRAY_SIZE(v), block, ret);
}

int ike1_exchange_iv(enum alg_prf prf, const uint8_t *last_block, size_t block, uint32_t msg_id, uint8_t *ret)
{
	uint8_t id[MSG_ID];
	const struct iovec v[] = {piece_plain(last_block, block), piece_plain(id, sizeof(id))};

	put_msg_id(id, msg_id);
	return hash_cut(prf, v, ARRAY_SIZE(v), block, ret);
}

int ike1_keymat(const struct ike1_keys *k, const struct ike1_keymat *m, size_t n, struct secret **ret)
{
	struct iovec v[5];
	size_t n_v = 0;

	if (m->gxy)
		v[n_v++] = piece_secret(m->gxy);
	v[n_v++] = piece_plain(&m->protocol, sizeof(m->protocol));
	v[n_v++] = octets(m->spi);
	v[n_v++] = octets(m->ni);
	v[n_v++] = octets(m->nr);
	return expand(k->prf, k->d, v, n_v, v, n_v, n, ret);
}
