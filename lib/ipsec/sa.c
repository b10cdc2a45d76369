/*
 * Everything that can be wrong with one SA by itself is said here, once, for the reader (before anything is
 * sent) and for the data path (which believes nobody).
 */
#include "ipsec/sa.h"

#include <errno.h>

#include "base/auto.h"

static const char *alg_fault(const struct sa_desc *d)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(d->auth);

	if ((d->enc && !enc) || (d->auth && !auth))
		return "unsupported algorithm";
	if (d->proto == IPSEC_ESP && !enc)
		return "esp needs an encryption algorithm (-E)";
	if (d->proto == IPSEC_AH && (!auth || enc))
		return "ah needs an authentication algorithm (-A) and no encryption";
	if (enc && !alg_enc_keylen_ok(enc, d->enc_key_len))
		return "Invalid key length";
	if (auth && !alg_auth_keylen_ok(auth, d->auth_key_len))
		return "Invalid key length";
	if (enc && enc->aead && auth)
		return "this cipher authenticates by itself: leave out -A";
	if (enc && enc->counter && !d->fresh_key)
		return "counter-mode ciphers are not safe under manual keys (RFC 8221 section 3); "
		       "add `-f fresh-key` if this key was never used before and never will be again";
	if (enc && enc->counter && (d->flags & SA_F_CYCLIC))
		return "a counter-mode cipher cannot have a cyclic sequence";
	if (d->icv_len &&
	    (!auth || d->icv_len > auth->digest_len || d->icv_len > ALG_ICV_MAX || d->icv_len < 12))
		return "the ICV length does not fit the authentication algorithm";
	return NULL;
}

int sa_desc_check(const struct sa_desc *d, const char **ret_why)
{
	const char *why = NULL;
	int r = -EINVAL;

	if (d->proto == IPSEC_IPCOMP) {
		why = "ipcomp is not provided by this version";
		r = -EOPNOTSUPP;
	} else if (d->proto != IPSEC_ESP && d->proto != IPSEC_AH) {
		why = "Invalid ipsec protocol";
	} else if (d->src.family != d->dst.family || !inet_addr_len(&d->dst)) {
		why = "Family mismatch";
	} else if (d->dst.family == INET_V6) {
		why = "IPv6 outer addresses are not provided by this version";
		r = -EOPNOTSUPP;
	} else if (d->spi < 256) {
		why = "SPI range violation: 0 to 255 are reserved";
	} else if (d->mode < IPSEC_MODE_ANY || d->mode > IPSEC_TUNNEL) {
		why = "Invalid ipsec mode";
	} else if (d->flags & ~(uint32_t)SA_F_MASK || d->flags & (SA_F_OLD | SA_F_IV4 | SA_F_DERIV)) {
		why = "the old ESP and AH formats are not provided by this version";
		r = -EOPNOTSUPP;
	} else if (d->replay_bytes > 8192) {
		why = "the replay window is at most 8192 bytes (65536 packets)";
	} else {
		why = alg_fault(d);
	}
	if (!why)
		return 0;
	*ret_why = why;
	return r;
}

const char *sa_state_name(enum sa_state s)
{
	static const char *const names[] = {
	    [SA_LARVAL] = "larval", [SA_MATURE] = "mature", [SA_DYING] = "dying", [SA_DEAD] = "dead"};

	return s < ARRAY_SIZE(names) && names[s] ? names[s] : "?";
}
