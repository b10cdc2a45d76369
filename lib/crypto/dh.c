/*
 * Public values are judged before they are used: MODP primes are safe ones, so that 1 and p - 1 are all that
 * can confine the result to a small group (RFC 6989 section 2.1); those of RFC 5114 are not, so that a value
 * has to be of the subgroup (section 2.2); and a point has to be on its curve (section 2.3). OpenSSL looks as
 * well when it derives; here the reason is told apart from a fault of ours.
 */
#include "crypto/dh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

enum kind { MODP, SUBGROUP, ECP, MONTGOMERY };
enum { POINT_UNCOMPRESSED = 4 };

static const struct group {
	enum alg_group id;
	enum kind kind;
	uint16_t public_len;
	const char *name;    /* ours */
	const char *openssl; /* name of the group, or of the key type; NULL: by its prime */
	const char *weakness;
} groups[] = {
    {ALG_GROUP_MODP768, MODP, 96, "modp768", NULL, "768 bits have been broken by academics"},
    {ALG_GROUP_MODP1024, MODP, 128, "modp1024", NULL, "1024 bits are within reach of a state"},
    {ALG_GROUP_MODP1536, MODP, 192, "modp1536", "modp_1536",
        "1536 bits are less than what is asked for today"},
    {ALG_GROUP_MODP2048, MODP, 256, "modp2048", "modp_2048", NULL},
    {ALG_GROUP_MODP3072, MODP, 384, "modp3072", "modp_3072", NULL},
    {ALG_GROUP_MODP4096, MODP, 512, "modp4096", "modp_4096", NULL},
    {ALG_GROUP_MODP6144, MODP, 768, "modp6144", "modp_6144", NULL},
    {ALG_GROUP_MODP8192, MODP, 1024, "modp8192", "modp_8192", NULL},
    {ALG_GROUP_ECP256, ECP, 64, "ecp256", "P-256", NULL},
    {ALG_GROUP_ECP384, ECP, 96, "ecp384", "P-384", NULL},
    {ALG_GROUP_ECP521, ECP, 132, "ecp521", "P-521", NULL},
    {ALG_GROUP_MODP1024_160, SUBGROUP, 128, "modp1024s160", "dh_1024_160",
        "1024 bits are within reach of a state, and nobody knows where this group comes from"},
    {ALG_GROUP_MODP2048_224, SUBGROUP, 256, "modp2048s224", "dh_2048_224",
        "nobody knows where this group comes from"},
    {ALG_GROUP_MODP2048_256, SUBGROUP, 256, "modp2048s256", "dh_2048_256",
        "nobody knows where this group comes from"},
    {ALG_GROUP_CURVE25519, MONTGOMERY, 32, "curve25519", "X25519", NULL},
    {ALG_GROUP_CURVE448, MONTGOMERY, 56, "curve448", "X448", NULL},
};

struct crypto_dh {
	const struct group *g;
	EVP_PKEY *key;
};

/* Numbers modulo a prime. */
static bool is_modular(const struct group *g)
{
	return g->kind == MODP || g->kind == SUBGROUP;
}

static const struct group *group_of(enum alg_group id)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (groups[i].id == id)
			return &groups[i];
	return NULL;
}

const char *crypto_dh_name(enum alg_group g)
{
	const struct group *x = group_of(g);

	return x ? x->name : NULL;
}

size_t crypto_dh_public_len(enum alg_group g)
{
	const struct group *x = group_of(g);

	return x ? x->public_len : 0;
}

size_t crypto_dh_shared_len(enum alg_group g)
{
	const struct group *x = group_of(g);

	if (!x)
		return 0;
	return x->kind == ECP ? x->public_len / 2U : x->public_len; /* of a point, one coordinate */
}

const char *crypto_dh_weakness(enum alg_group g)
{
	const struct group *x = group_of(g);

	return x ? x->weakness : NULL;
}

static BIGNUM *prime_of(const struct group *g)
{
	switch (g->id) {
	case ALG_GROUP_MODP768:
		return BN_get_rfc2409_prime_768(NULL);
	case ALG_GROUP_MODP1024:
		return BN_get_rfc2409_prime_1024(NULL);
	case ALG_GROUP_MODP1536:
		return BN_get_rfc3526_prime_1536(NULL);
	case ALG_GROUP_MODP2048:
		return BN_get_rfc3526_prime_2048(NULL);
	case ALG_GROUP_MODP3072:
		return BN_get_rfc3526_prime_3072(NULL);
	case ALG_GROUP_MODP4096:
		return BN_get_rfc3526_prime_4096(NULL);
	case ALG_GROUP_MODP6144:
		return BN_get_rfc3526_prime_6144(NULL);
	case ALG_GROUP_MODP8192:
		return BN_get_rfc3526_prime_8192(NULL);
	default:
		return NULL;
	}
}

static const char *key_type(const struct group *g)
{
	static const char *const types[] = {[MODP] = "DH", [SUBGROUP] = "DHX", [ECP] = "EC"};

	return g->kind == MONTGOMERY ? g->openssl : types[g->kind];
}

/* What a key of this group has in common with all others of it. */
static bool push_group(OSSL_PARAM_BLD *b, const struct group *g, const BIGNUM *p, const BIGNUM *base)
{
	if (g->kind == MONTGOMERY)
		return true;
	if (g->openssl)
		return OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, g->openssl, 0) == 1;
	return OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_P, p) == 1 &&
	       OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_G, base) == 1;
}

/* The parts of a key as OpenSSL wants them; any of them may be missing. */
struct parts {
	BIGNUM *p, *q, *base;  /* of numbers modulo p; q is the order of a SUBGROUP */
	BIGNUM *priv, *pub;    /* of the same; priv of ECP too */
	const uint8_t *octets; /* public point of ECP; either half of MONTGOMERY */
	size_t n;
	bool octets_private;
};

static void parts_fini(struct parts *x)
{
	BN_free(x->p);
	BN_free(x->q);
	BN_free(x->base);
	BN_clear_free(x->priv);
	BN_free(x->pub);
}

static bool push_parts(OSSL_PARAM_BLD *b, const struct group *g, const struct parts *x)
{
	if (!push_group(b, g, x->p, x->base))
		return false;
	if (x->priv && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, x->priv) != 1)
		return false;
	if (x->pub && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PUB_KEY, x->pub) != 1)
		return false;
	return !x->octets || OSSL_PARAM_BLD_push_octet_string(b,
	                         x->octets_private ? OSSL_PKEY_PARAM_PRIV_KEY : OSSL_PKEY_PARAM_PUB_KEY,
	                         x->octets, x->n) == 1;
}

/* NULL when OpenSSL refuses it. */
static EVP_PKEY *key_from(const struct group *g, const struct parts *x, int selection)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = b && push_parts(b, g, x) ? OSSL_PARAM_BLD_to_param(b) : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, key_type(g), NULL);
	EVP_PKEY *key = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	return key;
}

/* OpenSSL's own, by its name. */
static bool subgroup_init(const struct group *g, struct parts *ret)
{
	const struct parts none = {0};
	EVP_PKEY *params = key_from(g, &none, EVP_PKEY_KEY_PARAMETERS);
	bool ok = params && EVP_PKEY_get_bn_param(params, OSSL_PKEY_PARAM_FFC_P, &ret->p) == 1 &&
	          EVP_PKEY_get_bn_param(params, OSSL_PKEY_PARAM_FFC_Q, &ret->q) == 1 &&
	          EVP_PKEY_get_bn_param(params, OSSL_PKEY_PARAM_FFC_G, &ret->base) == 1;

	EVP_PKEY_free(params);
	return ok;
}

/* The numbers of a group of numbers modulo a prime. */
static bool parts_init(const struct group *g, struct parts *ret)
{
	*ret = (struct parts){0};
	if (g->kind == SUBGROUP)
		return subgroup_init(g, ret);
	if (g->kind != MODP)
		return true;
	ret->p = prime_of(g);
	ret->base = BN_new();
	return ret->p && ret->base && BN_set_word(ret->base, 2) == 1;
}

static EVP_PKEY *generate_modp(const struct group *g)
{
	struct parts x;
	EVP_PKEY *params = parts_init(g, &x) ? key_from(g, &x, EVP_PKEY_KEY_PARAMETERS) : NULL, *key = NULL;
	EVP_PKEY_CTX *ctx = params ? EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL) : NULL;

	if (ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_generate(ctx, &key) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(params);
	parts_fini(&x);
	return key;
}

static EVP_PKEY *generate(const struct group *g)
{
	switch (g->kind) {
	case MODP:
	case SUBGROUP:
		return generate_modp(g);
	case ECP:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", g->openssl);
	default:
		return EVP_PKEY_Q_keygen(NULL, NULL, g->openssl);
	}
}

static int wrap(const struct group *g, EVP_PKEY *key, struct crypto_dh **ret)
{
	struct crypto_dh *dh = key ? calloc(1, sizeof(*dh)) : NULL;

	ERR_clear_error();
	if (!dh) {
		EVP_PKEY_free(key);
		return key ? -ENOMEM : -EIO;
	}
	dh->g = g;
	dh->key = key;
	*ret = dh;
	return 0;
}

int crypto_dh_new(enum alg_group id, struct crypto_dh **ret)
{
	const struct group *g = group_of(id);

	return g ? wrap(g, generate(g), ret) : -EOPNOTSUPP;
}

/* The public half of a MODP or ECP key, which OpenSSL does not compute by itself. */
static bool add_public_modp(struct parts *x)
{
	BN_CTX *c = BN_CTX_secure_new();
	bool ok;

	x->pub = BN_new();
	ok = c && x->pub && BN_mod_exp(x->pub, x->base, x->priv, x->p, c) == 1;
	BN_CTX_free(c);
	return ok;
}

static bool add_public_ecp(const struct group *g, struct parts *x, uint8_t *room, size_t n_room)
{
	EC_GROUP *curve = EC_GROUP_new_by_curve_name(EC_curve_nist2nid(g->openssl));
	EC_POINT *at = curve ? EC_POINT_new(curve) : NULL;

	x->octets = room;
	x->n = at && EC_POINT_mul(curve, at, x->priv, NULL, NULL, NULL) == 1
	           ? EC_POINT_point2oct(curve, at, POINT_CONVERSION_UNCOMPRESSED, room, n_room, NULL)
	           : 0;
	EC_POINT_free(at);
	EC_GROUP_free(curve);
	return x->n > 0;
}

int crypto_dh_new_from(enum alg_group id, const uint8_t *priv, size_t n, struct crypto_dh **ret)
{
	const struct group *g = group_of(id);
	uint8_t point[1 + ALG_GROUP_PUBLIC_MAX];
	struct parts x;
	EVP_PKEY *key = NULL;
	bool ok;

	if (!g)
		return -EOPNOTSUPP;
	ok = parts_init(g, &x);
	if (ok && g->kind == MONTGOMERY) {
		x.octets = priv;
		x.n = n;
		x.octets_private = true;
	} else if (ok) {
		x.priv = BN_bin2bn(priv, (int)n, NULL);
		ok = x.priv &&
		     (is_modular(g) ? add_public_modp(&x) : add_public_ecp(g, &x, point, sizeof(point)));
	}
	if (ok)
		key = key_from(g, &x, EVP_PKEY_KEYPAIR);
	parts_fini(&x);
	return wrap(g, key, ret);
}

struct crypto_dh *crypto_dh_free(struct crypto_dh *dh)
{
	if (dh)
		EVP_PKEY_free(dh->key);
	free(dh);
	return NULL;
}

static int public_modp(const struct crypto_dh *dh, uint8_t *ret)
{
	BIGNUM *y = NULL;
	bool ok = EVP_PKEY_get_bn_param(dh->key, OSSL_PKEY_PARAM_PUB_KEY, &y) == 1 &&
	          BN_bn2binpad(y, ret, dh->g->public_len) == dh->g->public_len;

	BN_free(y);
	return ok ? 0 : -EIO;
}

int crypto_dh_public(const struct crypto_dh *dh, uint8_t *ret)
{
	uint8_t point[1 + ALG_GROUP_PUBLIC_MAX];
	size_t n = 0, skip = dh->g->kind == ECP;

	if (is_modular(dh->g))
		return public_modp(dh, ret);
	if (EVP_PKEY_get_octet_string_param(
	        dh->key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof(point), &n) != 1 ||
	    n != dh->g->public_len + skip)
		return -EIO;
	memcpy(ret, point + skip, dh->g->public_len);
	return 0;
}

/* y^q = 1 */
static bool is_of_subgroup(const struct parts *x)
{
	BN_CTX *c = BN_CTX_new();
	BIGNUM *one = BN_new();
	bool ok = c && one && BN_mod_exp(one, x->pub, x->q, x->p, c) == 1 && BN_is_one(one);

	BN_free(one);
	BN_CTX_free(c);
	return ok;
}

/* 1 < y < p - 1, and of the subgroup where there is one. */
static bool modp_is_good(const struct parts *x)
{
	BIGNUM *top = BN_dup(x->p);
	bool ok =
	    top && BN_sub_word(top, 1) == 1 && BN_cmp(x->pub, BN_value_one()) > 0 && BN_cmp(x->pub, top) < 0;

	BN_free(top);
	return ok && (!x->q || is_of_subgroup(x));
}

/* The peer's public value as a key; NULL: it is none. */
static EVP_PKEY *peer_key(const struct group *g, const uint8_t *peer, size_t n)
{
	uint8_t point[1 + ALG_GROUP_PUBLIC_MAX] = {POINT_UNCOMPRESSED};
	struct parts x;
	EVP_PKEY *key = NULL;

	if (!parts_init(g, &x)) {
		parts_fini(&x);
		return NULL;
	}
	if (is_modular(g)) {
		x.pub = BN_bin2bn(peer, (int)n, NULL);
	} else {
		memcpy(point + 1, peer, n);
		x.octets = g->kind == ECP ? point : peer;
		x.n = g->kind == ECP ? n + 1 : n;
	}
	if (!is_modular(g) || (x.pub && modp_is_good(&x)))
		key = key_from(g, &x, EVP_PKEY_PUBLIC_KEY);
	parts_fini(&x);
	return key;
}

static int derive(EVP_PKEY_CTX *ctx, const struct group *g, EVP_PKEY *peer, struct secret **ret)
{
	uint8_t z[ALG_GROUP_PUBLIC_MAX];
	AUTO_WIPE(z);
	size_t n = sizeof(z);

	if (EVP_PKEY_derive_init(ctx) != 1 || (is_modular(g) && EVP_PKEY_CTX_set_dh_pad(ctx, 1) != 1))
		return -EIO;
	/* From here on it can only be the peer's value: a result of zero is refused, too. */
	if (EVP_PKEY_derive_set_peer(ctx, peer) != 1 || EVP_PKEY_derive(ctx, z, &n) != 1)
		return -EBADMSG;
	*ret = secret_dup_bytes(z, n);
	return *ret ? 0 : -ENOMEM;
}

int crypto_dh_shared(const struct crypto_dh *dh, const uint8_t *peer, size_t n, struct secret **ret)
{
	EVP_PKEY *other = n == dh->g->public_len ? peer_key(dh->g, peer, n) : NULL;
	EVP_PKEY_CTX *ctx = other ? EVP_PKEY_CTX_new_from_pkey(NULL, dh->key, NULL) : NULL;
	int r = !other ? -EBADMSG : !ctx ? -ENOMEM : derive(ctx, dh->g, other, ret);

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	ERR_clear_error();
	return r;
}
