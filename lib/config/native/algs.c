/*
 * Proposals: names of algorithms with hyphens between, as aes256-sha256-modp2048. Each name stands for itself
 * wherever it is put, so their order is of no account.
 */
#include <stdio.h>

#include "base/nearest.h"
#include "config/native/reader.h"

enum part_kind { PART_CIPHER = 1, PART_HASH, PART_GROUP };

/* Which of them a proposal of its kind may have. */
enum proposal_kind { FOR_IKE, FOR_ESP, FOR_AH };

struct part {
	const char *word;
	enum part_kind kind;
	uint16_t id;   /* of a hash for children: enum alg_auth */
	uint16_t more; /* bits of a cipher's key; PRF of a hash, 0: children only */
};

#define SIZES(stem_, tail_, id_)                                                                             \
	{stem_ "128" tail_, PART_CIPHER, id_, 128}, {stem_ "192" tail_, PART_CIPHER, id_, 192},              \
	{                                                                                                    \
		stem_ "256" tail_, PART_CIPHER, id_, 256                                                     \
	}

static const struct part parts[] = {
    SIZES("aes", "", ALG_ENC_AES_CBC),
    SIZES("aes", "gcm", ALG_ENC_AES_GCM_16),
    SIZES("aes", "gcm16", ALG_ENC_AES_GCM_16),
    SIZES("aes", "gcm12", ALG_ENC_AES_GCM_12),
    SIZES("aes", "gcm8", ALG_ENC_AES_GCM_8),
    SIZES("aes", "ccm", ALG_ENC_AES_CCM_16),
    SIZES("aes", "ccm16", ALG_ENC_AES_CCM_16),
    SIZES("aes", "ccm12", ALG_ENC_AES_CCM_12),
    SIZES("aes", "ccm8", ALG_ENC_AES_CCM_8),
    SIZES("aes", "ctr", ALG_ENC_AES_CTR),
    SIZES("aes", "gmac", ALG_ENC_AES_GMAC),
    SIZES("camellia", "", ALG_ENC_CAMELLIA_CBC),
    {"chacha20poly1305", PART_CIPHER, ALG_ENC_CHACHA20_POLY1305, 0},
    {"3des", PART_CIPHER, ALG_ENC_3DES_CBC, 0},
    {"des", PART_CIPHER, ALG_ENC_DES_CBC, 0},
    {"blowfish128", PART_CIPHER, ALG_ENC_BLOWFISH_CBC, 128},
    {"cast128", PART_CIPHER, ALG_ENC_CAST128_CBC, 128},
    {"null", PART_CIPHER, ALG_ENC_NULL, 0},
    {"md5", PART_HASH, ALG_AUTH_HMAC_MD5, ALG_PRF_HMAC_MD5},
    {"sha1", PART_HASH, ALG_AUTH_HMAC_SHA1, ALG_PRF_HMAC_SHA1},
    {"sha256", PART_HASH, ALG_AUTH_HMAC_SHA256, ALG_PRF_HMAC_SHA256},
    {"sha384", PART_HASH, ALG_AUTH_HMAC_SHA384, ALG_PRF_HMAC_SHA384},
    {"sha512", PART_HASH, ALG_AUTH_HMAC_SHA512, ALG_PRF_HMAC_SHA512},
    {"aesxcbc", PART_HASH, ALG_AUTH_AES_XCBC, 0},
    {"aescmac", PART_HASH, ALG_AUTH_AES_CMAC, 0},
    {"modp768", PART_GROUP, ALG_GROUP_MODP768, 0},
    {"modp1024", PART_GROUP, ALG_GROUP_MODP1024, 0},
    {"modp1536", PART_GROUP, ALG_GROUP_MODP1536, 0},
    {"modp2048", PART_GROUP, ALG_GROUP_MODP2048, 0},
    {"modp3072", PART_GROUP, ALG_GROUP_MODP3072, 0},
    {"modp4096", PART_GROUP, ALG_GROUP_MODP4096, 0},
    {"modp6144", PART_GROUP, ALG_GROUP_MODP6144, 0},
    {"modp8192", PART_GROUP, ALG_GROUP_MODP8192, 0},
    {"ecp256", PART_GROUP, ALG_GROUP_ECP256, 0},
    {"ecp384", PART_GROUP, ALG_GROUP_ECP384, 0},
    {"ecp521", PART_GROUP, ALG_GROUP_ECP521, 0},
    {"modp1024s160", PART_GROUP, ALG_GROUP_MODP1024_160, 0},
    {"modp2048s224", PART_GROUP, ALG_GROUP_MODP2048_224, 0},
    {"modp2048s256", PART_GROUP, ALG_GROUP_MODP2048_256, 0},
    {"x25519", PART_GROUP, ALG_GROUP_CURVE25519, 0},
    {"x448", PART_GROUP, ALG_GROUP_CURVE448, 0},
};

/* The first of several words is the usual one. */
static const char *word_of(enum part_kind kind, unsigned id, unsigned bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].kind == kind && parts[i].id == id &&
		    (kind != PART_CIPHER || !parts[i].more || parts[i].more == bits))
			return parts[i].word;
	return NULL;
}

const char *native_cipher_word(enum alg_enc id, uint16_t bits)
{
	return word_of(PART_CIPHER, id, bits);
}

const char *native_hash_word(enum alg_auth id)
{
	return word_of(PART_HASH, id, 0);
}

const char *native_group_word(enum alg_group id)
{
	return word_of(PART_GROUP, id, 0);
}

const char *native_prf_word(enum alg_prf id)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].kind == PART_HASH && parts[i].more == id)
			return parts[i].word;
	return NULL;
}

/* Names that others use, and what they are called here. */
static const struct {
	const char *word, *hint;
} others[] = {
    {"aes", "aes128, aes192 or aes256"},
    {"camellia", "camellia128 or camellia256"},
    {"blowfish", "blowfish128"},
    {"sha", "sha1 or sha256"},
    {"sha2", "sha256, sha384 or sha512"},
    {"sha2_256", "sha256"},
    {"curve25519", "x25519"},
    {"curve448", "x448"},
    {"chacha20", "chacha20poly1305"},
    {"prfsha256", "sha256"},
    {"prfsha384", "sha384"},
    {"prfsha512", "sha512"},
    {"2", "modp1024"},
    {"5", "modp1536"},
    {"14", "modp2048"},
    {"15", "modp3072"},
    {"16", "modp4096"},
    {"19", "ecp256"},
    {"20", "ecp384"},
    {"21", "ecp521"},
    {"31", "x25519"},
};

static const struct part *find(const struct nc_word *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (nc_word_is(w, parts[i].word))
			return &parts[i];
	return NULL;
}

/* `only`: the kind that is wanted, 0: any. */
static bool unknown(struct nc_cur *c, const struct nc_word *w, const char *what, int only)
{
	struct nc_choice list[ARRAY_SIZE(parts)];
	char word[NEAREST_MAX] = "", more[96] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (nc_word_is(w, others[i].word))
			return nc_fault(c, w, "is not %s; did you mean %s?", what, others[i].hint);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!only || (int)parts[i].kind == only)
			list[n++].word = parts[i].word;
	if (nc_text(w, word, sizeof(word)))
		nc_suggest(word, list, n, more);
	return nc_fault(c, w, "is not %s%s", what, more);
}

bool nc_group(struct nc_cur *c, enum alg_group *ret)
{
	static const char what[] = "a group, as modp2048 or ecp256";
	const struct part *p;
	const struct nc_word *w;

	if (!nc_want(c, "a group, as modp2048 or ecp256,"))
		return false;
	w = nc_next(c);
	p = w->kind == NC_WORD ? find(w) : NULL;
	if (!p || p->kind != PART_GROUP)
		return p || w->kind != NC_WORD ? nc_fault(c, w, "is not %s", what)
		                               : unknown(c, w, what, PART_GROUP);
	*ret = p->id;
	return true;
}

static bool twice(struct nc_cur *c, const struct nc_word *w, const char *what)
{
	return nc_fault(c, w, "is the second %s of one proposal: alternatives are separated by commas", what);
}

/* Puts one name into its place. */
static bool put(
    struct nc_cur *c, const struct nc_word *w, enum proposal_kind kind, struct native_proposal *ret)
{
	const struct part *p = find(w);

	if (!p)
		return unknown(c, w, "the name of an algorithm", kind == FOR_AH ? PART_HASH : 0);
	if (p->kind == PART_GROUP && kind != FOR_IKE)
		return nc_fault(c, w, "is a group: `pfs %s` says it for a child", p->word);
	if (p->kind == PART_CIPHER && kind == FOR_AH)
		return nc_fault(c, w, "is a cipher: AH has only hashes, as sha256");
	if (kind == FOR_IKE && (p->id == ALG_ENC_NULL || p->id == ALG_ENC_AES_GMAC) && p->kind == PART_CIPHER)
		return nc_fault(c, w, "encrypts nothing: it is for children only");
	if (kind == FOR_IKE && p->kind == PART_HASH && !p->more)
		return nc_fault(c, w, "is for children only: take sha256");
	if ((p->kind == PART_CIPHER && ret->enc) || (p->kind == PART_HASH && ret->auth) ||
	    (p->kind == PART_GROUP && ret->group))
		return twice(c, w,
		    p->kind == PART_CIPHER ? "cipher"
		    : p->kind == PART_HASH ? "hash"
		                           : "group");
	if (p->kind == PART_CIPHER) {
		ret->enc = p->id;
		ret->key_bits = p->more;
	} else if (p->kind == PART_HASH) {
		ret->auth = p->id;
		ret->hash = p->more;
	} else {
		ret->group = p->id;
	}
	return true;
}

/* The names of one word, each at its own place. */
static bool split(
    struct nc_cur *c, const struct nc_word *w, enum proposal_kind kind, struct native_proposal *ret)
{
	struct nc_word part = *w;
	uint32_t at = 0;

	while (at <= w->n) {
		const char *hyphen = at < w->n ? memchr(w->p + at, '-', w->n - at) : NULL;

		part.p = w->p + at;
		part.column = w->column + at;
		part.n = hyphen ? (uint32_t)(hyphen - part.p) : w->n - at;
		if (!part.n)
			return nc_fault(c, w, "has a hyphen without a name beside it");
		if (!put(c, &part, kind, ret))
			return false;
		at += part.n + 1;
	}
	return true;
}

static bool is_whole(
    struct nc_cur *c, const struct nc_word *w, enum proposal_kind kind, const struct native_proposal *p)
{
	const struct alg_enc_info *enc = alg_enc_by_id(p->enc);

	if (kind == FOR_AH)
		return true;
	if (!enc)
		return nc_fault(c, w, "has no cipher, as aes256 or aes256gcm");
	if (kind == FOR_ESP && enc->aead && p->auth)
		return nc_fault(c, w, "has a hash too many: %s has its own integrity", enc->name);
	if (!p->auth && !(kind == FOR_ESP && enc->aead))
		return nc_fault(c, w, "has no hash, as sha256");
	if (kind == FOR_IKE && !p->group)
		return nc_fault(c, w, "has no group, as modp2048 or ecp256");
	return true;
}

static bool proposals(struct nc_cur *c, enum proposal_kind kind, struct native_proposals *ret)
{
	const char *what = kind == FOR_AH    ? "a hash, as sha256,"
	                   : kind == FOR_ESP ? "a proposal, as aes256gcm or aes256-sha256,"
	                                     : "a proposal, as aes256-sha256-modp2048,";

	ret->n = 0;
	do {
		struct native_proposal p = {0};
		const struct nc_word *w;

		if (!nc_want(c, what))
			return false;
		w = nc_next(c);
		p.at = nc_place(c, w);
		if (w->kind != NC_WORD)
			return nc_fault(c, w, "is no proposal: names of algorithms with hyphens between are");
		if (!split(c, w, kind, &p) || !is_whole(c, w, kind, &p))
			return false;
		if (ret->n == NATIVE_PROPOSALS_MAX)
			return nc_fault(c, w, "is one too many: %d are enough", NATIVE_PROPOSALS_MAX);
		ret->p[ret->n++] = p;
	} while (nc_skip(c, ","));
	return nc_end(c);
}

bool nc_ike_proposals(struct nc_cur *c, struct native_proposals *ret)
{
	return proposals(c, FOR_IKE, ret);
}

bool nc_esp_proposals(struct nc_cur *c, struct native_proposals *ret)
{
	return proposals(c, FOR_ESP, ret);
}

bool nc_ah_proposals(struct nc_cur *c, struct native_proposals *ret)
{
	return proposals(c, FOR_AH, ret);
}

void nc_default_ike(struct native_proposals *ret, uint8_t version)
{
	static const enum alg_group v1[] = {ALG_GROUP_MODP3072, ALG_GROUP_MODP2048, ALG_GROUP_ECP256};
	static const enum alg_group v2[] = {
	    ALG_GROUP_CURVE25519, ALG_GROUP_ECP256, ALG_GROUP_MODP3072, ALG_GROUP_MODP2048};
	const enum alg_group *group = version == 1 ? v1 : v2;
	size_t n = version == 1 ? ARRAY_SIZE(v1) : ARRAY_SIZE(v2);

	ret->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct native_proposal p = {.enc = ALG_ENC_AES_CBC,
		    .key_bits = 256,
		    .hash = ALG_PRF_HMAC_SHA256,
		    .auth = ALG_AUTH_HMAC_SHA256,
		    .group = group[i]};

		if (version == 2) {
			ret->p[ret->n] = p;
			ret->p[ret->n++].enc = ALG_ENC_AES_GCM_16;
		}
		ret->p[ret->n++] = p;
		ret->p[ret->n] = p;
		ret->p[ret->n++].key_bits = 128;
	}
}

void nc_default_child(struct native_proposals *ret, enum ipsec_proto proto)
{
	static const struct native_proposal esp[] = {
	    {.enc = ALG_ENC_AES_GCM_16, .key_bits = 256},
	    {.enc = ALG_ENC_AES_GCM_16, .key_bits = 128},
	    {.enc = ALG_ENC_AES_CBC, .key_bits = 256, .auth = ALG_AUTH_HMAC_SHA256},
	    {.enc = ALG_ENC_AES_CBC, .key_bits = 128, .auth = ALG_AUTH_HMAC_SHA256},
	};
	static const struct native_proposal ah[] = {
	    {.auth = ALG_AUTH_HMAC_SHA256}, {.auth = ALG_AUTH_HMAC_SHA512}};

	ret->n = proto == IPSEC_AH ? ARRAY_SIZE(ah) : ARRAY_SIZE(esp);
	memcpy(ret->p, proto == IPSEC_AH ? ah : esp, proto == IPSEC_AH ? sizeof(ah) : sizeof(esp));
}
