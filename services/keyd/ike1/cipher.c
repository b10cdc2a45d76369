/*
 * racoon's padding: at least one octet, random ones unless told otherwise, the last one counting those before
 * it (exclusive_tail) or all of them. What a peer pads with is not looked at (RFC 2409 leaves it open) but
 * for strict_check.
 */
#include "keyd/ike1/cipher.h"

#include <errno.h>

enum { PAD_MAX = 256, LEN_AT = 24, FLAGS_AT = 19 };

static size_t pad_len(const struct isakmp *sa, size_t n)
{
	const struct ike_padding *p = &sa->conf->c->padding;
	size_t len = sa->block - n % sa->block, more = p->maximum_length / sa->block;

	if (p->randomize_length && more)
		len += sa->block * rng_below(sa->core->rng, (uint32_t)more + 1);
	return len < PAD_MAX ? len : sa->block - n % sa->block;
}

static size_t put_padding(const struct isakmp *sa, uint8_t *at, size_t n, size_t room)
{
	const struct ike_padding *p = &sa->conf->c->padding;
	size_t len = pad_len(sa, n);

	if (len > room)
		return 0;
	if (p->randomize)
		sa->core->rng->fill(sa->core->rng, at, len);
	else
		memset(at, 0, len);
	at[len - 1] = (uint8_t)(p->exclusive_tail ? len - 1 : len);
	return len;
}

static void put_length(uint8_t *msg, size_t n)
{
	for (size_t i = 0; i < 4; i++)
		msg[LEN_AT + i] = (uint8_t)(n >> (24 - 8 * i));
}

static int run(const struct isakmp *sa, const uint8_t *iv, uint8_t *data, size_t n, bool seal)
{
	return crypto_cbc(
	    sa->terms.enc, secret_bytes(sa->cipher_key), secret_len(sa->cipher_key), iv, data, n, seal);
}

size_t ike1_seal(const struct isakmp *sa, uint8_t iv[IKE1_BLOCK_MAX], uint8_t *msg, size_t n, size_t room)
{
	size_t pad = n > IKE_HDR_LEN ? put_padding(sa, msg + n, n - IKE_HDR_LEN, room - n) : 0;

	if (!pad)
		return 0;
	n += pad;
	msg[FLAGS_AT] |= IKE1_F_ENCRYPTED;
	put_length(msg, n);
	if (run(sa, iv, msg + IKE_HDR_LEN, n - IKE_HDR_LEN, true) < 0)
		return 0;
	memcpy(iv, msg + n - sa->block, sa->block);
	return n;
}

int ike1_open(const struct isakmp *sa, const uint8_t iv[IKE1_BLOCK_MAX], const uint8_t *msg, size_t n,
    uint8_t *ret, uint8_t ret_iv[IKE1_BLOCK_MAX])
{
	size_t len = n - IKE_HDR_LEN;
	const struct ike_padding *p = &sa->conf->c->padding;
	size_t count;
	int r;

	if (n <= IKE_HDR_LEN || len % sa->block)
		return -EBADMSG;
	memcpy(ret, msg + IKE_HDR_LEN, len);
	r = run(sa, iv, ret, len, false);
	if (r < 0)
		return r;
	memcpy(ret_iv, msg + n - sa->block, sa->block);
	count = ret[len - 1] + (p->exclusive_tail ? 1U : 0U);
	return p->strict_check && (count == 0 || count > len) ? -EBADMSG : 0;
}

int ike1_open_first(const struct isakmp *sa, const uint8_t iv[IKE1_BLOCK_MAX], const uint8_t *msg, size_t n,
    uint8_t ret[IKE1_BLOCK_MAX])
{
	if (n < IKE_HDR_LEN + sa->block)
		return -EBADMSG;
	memcpy(ret, msg + IKE_HDR_LEN, sa->block);
	return run(sa, iv, ret, sa->block, false);
}

int ike1_begin_iv(const struct isakmp *sa, uint32_t msg_id, uint8_t ret[IKE1_BLOCK_MAX])
{
	return ike1_exchange_iv(sa->terms.prf, sa->iv, sa->block, msg_id, ret);
}
