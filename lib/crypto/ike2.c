/*
 * Each formula of the RFC is a list of pieces under one key; what is written here is the list, in its order.
 */
#include "crypto/ike2.h"

#include <errno.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/piece.h"

enum { PIECES_MAX = 8, FIXED_HALF = 8, NONCE_LEN_MAX = 256 };

static struct iovec octets(struct ike2_octets o)
{
	return piece_plain(o.p, o.n);
}

static size_t auth_key_len(enum alg_auth id)
{
	const struct alg_auth_info *a = alg_auth_by_id(id);

	return a ? a->key_max : 0;
}

int ike2_suite_check(const struct ike2_suite *s)
{
	const struct alg_enc_info *e = alg_enc_by_id(s->enc);
	const struct alg_auth_info *a = alg_auth_by_id(s->auth);

	/* RFC 7296 section 3.3.3, RFC 5282 section 8: neither without integrity nor with two of them. */
	if (!e || s->enc == ALG_ENC_NULL || s->enc == ALG_ENC_AES_GMAC || s->auth == ALG_AUTH_AES_GMAC)
		return -EOPNOTSUPP;
	if (e->aead ? s->auth != ALG_AUTH_NONE : !a)
		return -EOPNOTSUPP;
	if (!alg_enc_keylen_ok(e, s->enc_key_len))
		return -EINVAL;
	return crypto_has_prf(s->prf) ? crypto_check_present(s->enc, s->enc_key_len, s->auth, NULL)
	                              : -EOPNOTSUPP;
}

/* T1 = prf(key, pieces | 1), T2 = prf(key, T1 | pieces | 2), ... */
static int expand(enum alg_prf prf, const struct secret *key, const struct iovec *piece, size_t n_pieces,
    size_t n, struct secret **ret)
{
	uint8_t out[IKE2_KEYMAT_MAX + ALG_PRF_LEN_MAX] = {0}, number = 1;
	AUTO_WIPE(out);
	size_t len = crypto_prf_len(prf), have = 0;

	if (!len)
		return -EOPNOTSUPP;
	if (n > IKE2_KEYMAT_MAX || n_pieces + 2 > PIECES_MAX)
		return -EINVAL;
	for (; have < n; have += len, number++) {
		struct iovec v[PIECES_MAX];
		size_t k = 0;
		int r;

		if (have)
			v[k++] = piece_plain(out + have - len, len);
		for (size_t i = 0; i < n_pieces; i++)
			v[k++] = piece[i];
		v[k++] = piece_plain(&number, sizeof(number));
		r = crypto_prf(prf, secret_bytes(key), secret_len(key), v, k, out + have);
		if (r < 0)
			return r;
	}
	*ret = secret_dup_bytes(out, n);
	return *ret ? 0 : -ENOMEM;
}

int ike2_prf_plus(enum alg_prf prf, const struct secret *key, const struct ike2_octets *piece,
    size_t n_pieces, size_t n, struct secret **ret)
{
	struct iovec v[PIECES_MAX];

	if (n_pieces > PIECES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n_pieces; i++)
		v[i] = octets(piece[i]);
	return expand(prf, key, v, n_pieces, n, ret);
}

/* Section 2.14: these two functions take half of their key from each nonce, for the sake of their past. */
static bool has_fixed_key(enum alg_prf prf)
{
	return prf == ALG_PRF_AES128_XCBC || prf == ALG_PRF_AES128_CMAC;
}

int ike2_skeyseed(
    enum alg_prf prf, const struct ike2_nonces *n, const struct secret *gir, struct secret **ret)
{
	const struct iovec v[] = {piece_secret(gir)};
	size_t n_i = has_fixed_key(prf) ? FIXED_HALF : n->i.n, n_r = has_fixed_key(prf) ? FIXED_HALF : n->r.n;
	uint8_t key[2 * NONCE_LEN_MAX];

	if (n->i.n > NONCE_LEN_MAX || n->r.n > NONCE_LEN_MAX || n->i.n < n_i || n->r.n < n_r)
		return -EINVAL;
	memcpy(key, n->i.p, n_i);
	memcpy(key + n_i, n->r.p, n_r);
	return prf_secret(prf, piece_plain(key, n_i + n_r), v, ARRAY_SIZE(v), ret);
}

/* The next n octets of what was expanded; none: NULL. */
static int cut(const struct secret *from, size_t *at, size_t n, struct secret **ret)
{
	if (!n)
		return 0;
	*ret = secret_dup_bytes(secret_bytes(from) + *at, n);
	*at += n;
	return *ret ? 0 : -ENOMEM;
}

int ike2_keys_init(struct ike2_keys *ret, const struct ike2_suite *s, const struct secret *skeyseed,
    const struct ike2_nonces *n, const uint8_t spi_i[IKE2_SPI], const uint8_t spi_r[IKE2_SPI])
{
	const struct iovec v[] = {
	    octets(n->i), octets(n->r), piece_plain(spi_i, IKE2_SPI), piece_plain(spi_r, IKE2_SPI)};
	struct ike2_keys k = {.suite = *s};
	size_t p = crypto_prf_len(s->prf), a = auth_key_len(s->auth), e = s->enc_key_len;
	const struct {
		size_t n;
		struct secret **to;
	} part[] = {{p, &k.d}, {a, &k.ai}, {a, &k.ar}, {e, &k.ei}, {e, &k.er}, {p, &k.pi}, {p, &k.pr}};
	AUTO_SECRET struct secret *all = NULL;
	size_t at = 0;
	int r = ike2_suite_check(s);

	if (r == 0)
		r = expand(s->prf, skeyseed, v, ARRAY_SIZE(v), 3 * p + 2 * a + 2 * e, &all);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(part); i++)
		r = cut(all, &at, part[i].n, part[i].to);
	if (r < 0)
		ike2_keys_fini(&k);
	*ret = k;
	return r;
}

void ike2_keys_fini(struct ike2_keys *k)
{
	secret_free(k->d);
	secret_free(k->ai);
	secret_free(k->ar);
	secret_free(k->ei);
	secret_free(k->er);
	secret_free(k->pi);
	secret_free(k->pr);
	*k = (struct ike2_keys){0};
}

int ike2_rekey_skeyseed(
    const struct ike2_keys *old, const struct ike2_nonces *n, const struct secret *gir, struct secret **ret)
{
	const struct iovec v[] = {piece_secret(gir), octets(n->i), octets(n->r)};

	return prf_secret(old->suite.prf, piece_secret(old->d), v, ARRAY_SIZE(v), ret);
}

int ike2_child_keymat(const struct ike2_keys *k, const struct ike2_nonces *nonces, const struct secret *gir,
    size_t n, struct secret **ret_i, struct secret **ret_r)
{
	AUTO_SECRET struct secret *all = NULL, *i = NULL;
	struct iovec v[3];
	size_t n_v = 0, at = 0;
	int r;

	if (!n || n > IKE2_KEYMAT_MAX / 2)
		return -EINVAL;
	if (gir)
		v[n_v++] = piece_secret(gir);
	v[n_v++] = octets(nonces->i);
	v[n_v++] = octets(nonces->r);
	r = expand(k->suite.prf, k->d, v, n_v, 2 * n, &all);
	if (r == 0)
		r = cut(all, &at, n, &i);
	if (r == 0)
		r = cut(all, &at, n, ret_r);
	if (r == 0)
		*ret_i = take_ptr(i);
	return r;
}

void ike2_signed_pieces(const struct ike2_signed *s, struct iovec ret[IKE2_SIGNED_PIECES])
{
	ret[0] = octets(s->message);
	ret[1] = octets(s->nonce);
	ret[2] = octets(s->maced_id);
}

int ike2_maced_id(
    const struct ike2_keys *k, bool initiator, struct ike2_octets id, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct secret *key = initiator ? k->pi : k->pr;
	const struct iovec v[] = {octets(id)};

	return crypto_prf(k->suite.prf, secret_bytes(key), secret_len(key), v, ARRAY_SIZE(v), ret);
}

int ike2_auth_psk(
    enum alg_prf prf, const struct secret *psk, const struct ike2_signed *s, uint8_t ret[ALG_PRF_LEN_MAX])
{
	static const char pad[] = "Key Pad for IKEv2"; /* without its zero */
	const struct iovec first[] = {piece_plain(pad, sizeof(pad) - 1)};
	struct iovec v[IKE2_SIGNED_PIECES];
	uint8_t key[ALG_PRF_LEN_MAX] = {0};
	AUTO_WIPE(key);
	int r = crypto_prf(prf, secret_bytes(psk), secret_len(psk), first, ARRAY_SIZE(first), key);

	ike2_signed_pieces(s, v);
	return r < 0 ? r : crypto_prf(prf, key, crypto_prf_len(prf), v, ARRAY_SIZE(v), ret);
}
