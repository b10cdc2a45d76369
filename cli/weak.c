/*
 * One row per remark: when it applies and what is said. Judged from the description alone, so the reader
 * needs no keys.
 */
#include "cli/weak.h"

#include <stdbool.h>

#include "base/auto.h"

static bool is_des(const struct sa_desc *d)
{
	return d->enc == ALG_ENC_DES_CBC;
}

static bool is_blowfish(const struct sa_desc *d)
{
	return d->enc == ALG_ENC_BLOWFISH_CBC;
}

static bool is_cast(const struct sa_desc *d)
{
	return d->enc == ALG_ENC_CAST128_CBC;
}

static bool is_3des(const struct sa_desc *d)
{
	return d->enc == ALG_ENC_3DES_CBC;
}

static bool is_clear(const struct sa_desc *d)
{
	return d->proto == IPSEC_ESP && (d->enc == ALG_ENC_NULL || d->enc == ALG_ENC_AES_GMAC);
}

static bool is_unauthenticated(const struct sa_desc *d)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);

	return d->proto == IPSEC_ESP && d->auth == ALG_AUTH_NONE && !(enc && enc->aead);
}

static bool is_md5(const struct sa_desc *d)
{
	return d->auth == ALG_AUTH_HMAC_MD5;
}

static bool is_sha1(const struct sa_desc *d)
{
	return d->auth == ALG_AUTH_HMAC_SHA1;
}

static bool is_keyed(const struct sa_desc *d)
{
	return d->auth == ALG_AUTH_KEYED_MD5 || d->auth == ALG_AUTH_KEYED_SHA1;
}

static bool is_ripemd(const struct sa_desc *d)
{
	return d->auth == ALG_AUTH_HMAC_RIPEMD160;
}

/* Compression has no sequence numbers. */
static bool is_open_to_replay(const struct sa_desc *d)
{
	return d->proto != IPSEC_IPCOMP && d->replay_bytes == 0;
}

static const struct {
	const char *name;
	bool (*applies)(const struct sa_desc *d);
	const char *text;
} kinds[WEAK_KINDS] = {
    {"unauthenticated", is_unauthenticated,
        "encrypt without authentication: packets can be altered on the way unnoticed (RFC 8221: must not)"},
    {"3des", is_3des, "use 3des-cbc, whose blocks are too small for much traffic (RFC 8221: should not)"},
    {"des", is_des, "use des-cbc, whose keys can be found by trying all of them (RFC 8221: must not)"},
    {"blowfish", is_blowfish, "use blowfish-cbc, whose blocks are too small (RFC 8221: must not)"},
    {"cast128", is_cast, "use cast128-cbc, whose blocks are too small for much traffic"},
    {"clear", is_clear, "use null encryption: the payload can be read by anybody on the way"},
    {"md5", is_md5, "use hmac-md5 (RFC 8221: must not)"},
    {"sha1", is_sha1, "use hmac-sha1, which is on its way out (RFC 8221: must, but will not stay so)"},
    {"keyed_hash", is_keyed, "use keyed MD5 or SHA-1 without HMAC, the design of 1995 (RFC 8221: must not)"},
    {"ripemd160", is_ripemd, "use hmac-ripemd160, which RFC 8221 does not know: few peers have it"},
    {"no_replay_check", is_open_to_replay,
        "have no replay window: recorded packets can be sent again (-r 4 adds one)"},
};

void weak_judge(struct weak_notes *w, const struct sa_desc *d)
{
	w->n_sas++;
	for (size_t i = 0; i < WEAK_KINDS; i++)
		w->n[i] += kinds[i].applies(d);
}

const char *weak_name(size_t kind)
{
	return kinds[kind].name;
}

const char *weak_text(size_t kind)
{
	return kinds[kind].text;
}
