/*
 * Everything that can be wrong with one SA by itself is said here, once, for the reader (before anything is
 * sent) and for the data path (which believes nobody).
 */
#include "ipsec/sa.h"

#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"

static bool is_counter(const struct alg_enc_info *enc, const struct alg_auth_info *auth)
{
	return (enc && enc->counter) || (auth && auth->counter);
}

static const char *protocol_fault(
    const struct sa_desc *d, const struct alg_enc_info *enc, const struct alg_auth_info *auth)
{
	if (d->proto == IPSEC_IPCOMP) {
		if (d->enc || d->auth)
			return "ipcomp has no keys: leave out -E and -A";
		return alg_comp_name(d->comp) ? NULL : "ipcomp needs a compression algorithm (-C)";
	}
	if (d->comp)
		return "compression (-C) belongs to ipcomp";
	if (d->proto == IPSEC_ESP && !enc)
		return "esp needs an encryption algorithm (-E)";
	if (d->proto == IPSEC_AH && (!auth || enc))
		return "ah needs an authentication algorithm (-A) and no encryption";
	if (d->proto == IPSEC_ESP && auth && auth->id == ALG_AUTH_AES_GMAC)
		return "in esp aes-gmac stands behind -E";
	return NULL;
}

static const char *alg_fault(const struct sa_desc *d)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(d->auth);
	const char *why;

	if ((d->enc && !enc) || (d->auth && !auth))
		return "unsupported algorithm";
	why = protocol_fault(d, enc, auth);
	if (why)
		return why;
	if (enc && !alg_enc_keylen_ok(enc, d->enc_key_len))
		return "Invalid key length";
	if (auth && !alg_auth_keylen_ok(auth, d->auth_key_len))
		return "Invalid key length";
	if (enc && enc->aead && auth)
		return "this cipher authenticates by itself: leave out -A";
	if (enc && enc->kind == ALG_KIND_CTR && !auth)
		return "aes-ctr needs an authentication algorithm (-A): RFC 3686 section 2.2";
	if (is_counter(enc, auth) && !d->fresh_key)
		return "counter-mode ciphers are not safe under manual keys (RFC 8221 section 3); "
		       "add `-f fresh-key` if this key was never used before and never will be again";
	if (is_counter(enc, auth) && (d->flags & SA_F_CYCLIC))
		return "a counter-mode cipher cannot have a cyclic sequence";
	if (d->icv_len && (!auth || d->icv_len > auth->digest_len || d->icv_len > ALG_ICV_MAX ||
	                      d->icv_len < 12 || (auth->counter && d->icv_len != auth->icv_len)))
		return "the ICV length does not fit the authentication algorithm";
	return NULL;
}

static const char *esn_fault(const struct sa_desc *d)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);

	if (!(d->flags & SA_F_ESN))
		return NULL;
	if (d->flags & SA_F_CYCLIC)
		return "extended sequence numbers are never cyclic";
	if (!d->auth && !(enc && enc->aead))
		return "extended sequence numbers need authentication: their upper half is only in the ICV";
	if (!d->replay_bytes)
		return "extended sequence numbers need a replay window (-r): the receiver follows the upper "
		       "half with it";
	return NULL;
}

static const char *encap_fault(const struct sa_desc *d)
{
	const struct sa_encap *n = &d->encap;

	if (!n->sport && !n->dport)
		return n->frag || n->keepalive_s || n->nat_oa.family ? "this option is only for esp-udp"
		                                                     : NULL;
	if (d->proto != IPSEC_ESP)
		return "only esp travels in UDP";
	if (!n->sport || !n->dport)
		return "esp-udp needs a port on both sides";
	if (n->sport != SA_UDP_PORT && n->dport != SA_UDP_PORT)
		return "one of the ports must be 4500, the one this host receives esp-udp on";
	if (n->nat_oa.family && n->nat_oa.family != d->src.family)
		return "Family mismatch";
	if (n->frag && n->frag < SA_FRAG_MIN)
		return "-esp_frag is 0 or at least 296: smaller pieces are mostly header";
	return NULL;
}

static const char *number_fault(const struct sa_desc *d)
{
	if (d->spi < 256)
		return "SPI range violation: 0 to 255 are reserved";
	if (d->proto == IPSEC_IPCOMP && d->spi > UINT16_MAX)
		return "SPI range violation: that of ipcomp is below 65536 (0x10000)";
	if (d->flags & SA_F_RAWCPI && d->proto != IPSEC_IPCOMP)
		return "-R belongs to ipcomp";
	if (d->replay_bytes > 8192)
		return "the replay window is at most 8192 bytes (65536 packets)";
	return NULL;
}

bool sa_reqids_have(const uint32_t *more, size_t n, uint32_t reqid)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (more[middle] == reqid)
			return true;
		if (more[middle] < reqid)
			low = middle + 1;
		else
			n = middle;
	}
	return false;
}

bool sa_reqids_rise(const uint32_t *more, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (more[i] <= (i ? more[i - 1] : 0))
			return false;
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

size_t sa_reqids_sort(uint32_t *more, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(more, n, sizeof(more[0]), by_number);
	for (size_t i = 0; i < n; i++)
		if (!kept || more[i] != more[kept - 1])
			more[kept++] = more[i];
	return kept;
}

static const char *more_fault(const struct sa_desc *d)
{
	if (!d->n_more)
		return NULL;
	if (!d->reqid || d->n_more > SA_MORE_MAX)
		return "further policies of an SA go with a reqid, and are at most 255";
	return sa_reqids_rise(d->more_reqids, d->n_more) ? NULL : "the reqids of an SA do not rise";
}

int sa_desc_check(const struct sa_desc *d, const char **ret_why)
{
	const char *why = NULL;
	int r = -EINVAL;

	if (d->proto != IPSEC_ESP && d->proto != IPSEC_AH && d->proto != IPSEC_IPCOMP) {
		why = "Invalid ipsec protocol";
	} else if (d->src.family != d->dst.family || !inet_addr_len(&d->dst)) {
		why = "Family mismatch";
	} else if (d->mode < IPSEC_MODE_ANY || d->mode > IPSEC_TUNNEL) {
		why = "Invalid ipsec mode";
	} else if (d->flags & ~(uint32_t)SA_F_MASK || d->flags & (SA_F_OLD | SA_F_IV4 | SA_F_DERIV)) {
		why = "the old ESP and AH formats are not provided by this version";
		r = -EOPNOTSUPP;
	} else {
		why = number_fault(d);
		why = why ? why : alg_fault(d);
		why = why ? why : esn_fault(d);
		why = why ? why : encap_fault(d);
		why = why ? why : more_fault(d);
	}
	if (!why)
		return 0;
	*ret_why = why;
	return r;
}

const char *sa_proto_word(const struct sa_desc *d)
{
	return sa_is_encap(d) ? "esp-udp" : ipsec_proto_name(d->proto);
}

const char *sa_state_name(enum sa_state s)
{
	static const char *const names[] = {
	    [SA_LARVAL] = "larval", [SA_MATURE] = "mature", [SA_DYING] = "dying", [SA_DEAD] = "dead"};

	return s < ARRAY_SIZE(names) && names[s] ? names[s] : "?";
}
