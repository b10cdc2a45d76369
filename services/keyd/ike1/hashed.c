/*
 * The hash is always the first payload, so its place in the message is known.
 */
#include "keyd/ike1/hashed.h"

#include <errno.h>

#include "keyd/ike1/cipher.h"
#include "wire/ike/v1.h"

enum { HASH_AT = IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN };

static int compute(const struct isakmp *sa, const struct hashed *h, uint32_t msg_id, const void *rest,
    size_t n_rest, uint8_t ret[ALG_PRF_LEN_MAX])
{
	struct ike1_octets v[3];
	size_t n = 0;

	if (h->first.n)
		v[n++] = h->first;
	if (h->second.n)
		v[n++] = h->second;
	if (h->rest)
		v[n++] = (struct ike1_octets){rest, n_rest};
	return ike1_hash(&sa->keys, h->zero, msg_id, v, n, ret);
}

void hashed_begin(struct isakmp *sa, struct ike_out *o, uint8_t exchange, uint8_t flags, uint32_t msg_id)
{
	const struct ike_hdr hdr = isakmp_header(sa, exchange, flags, msg_id);

	ike_out_init(o, sa->core->out, sizeof(sa->core->out), &hdr);
	ike_out_payload(o, IKE1_P_HASH);
	wr_fill(&o->w, 0, crypto_prf_len(sa->terms.prf));
}

size_t hashed_end(struct isakmp *sa, struct ike_out *o, const struct hashed *h, uint32_t msg_id, uint8_t *iv)
{
	uint8_t hash[ALG_PRF_LEN_MAX];
	size_t n = ike_out_end(o), len = crypto_prf_len(sa->terms.prf);
	uint8_t *msg = sa->core->out;

	if (!n || compute(sa, h, msg_id, msg + HASH_AT + len, n - HASH_AT - len, hash) < 0)
		return 0;
	memcpy(msg + HASH_AT, hash, len);
	return ike1_seal(sa, iv, msg, n, sizeof(sa->core->out));
}

/* Whoever has no keys cannot make that, so that a forged message costs a block, however long it is. */
static bool begins_with_hash(
    const struct isakmp *sa, const uint8_t *iv, const struct ike_hdr *hdr, const uint8_t *d)
{
	enum { LENGTH_AT = 2 };
	uint8_t block[IKE1_BLOCK_MAX] = {0};
	struct rd r = rd_init(block, sa->block);

	if (hdr->next != IKE1_P_HASH || ike1_open_first(sa, iv, d, hdr->length, block) < 0)
		return false;
	rd_skip(&r, LENGTH_AT);
	return rd_u16(&r) == IKE_PAYLOAD_HDR_LEN + crypto_prf_len(sa->terms.prf);
}

int hashed_open(struct isakmp *sa, const uint8_t *iv, const struct ike_hdr *hdr, const uint8_t *d,
    struct ike_chain *ret, uint8_t *ret_iv, const char **ret_why)
{
	uint8_t *in = sa->core->in;
	enum ike_fault f;

	*ret_why = "it is not enciphered";
	if (!(hdr->flags & IKE1_F_ENCRYPTED))
		return -EBADMSG;
	*ret_why = "its first block is not that of a hash";
	if (!begins_with_hash(sa, iv, hdr, d))
		return -EBADMSG;
	*ret_why = "it cannot be deciphered";
	if (ike1_open(sa, iv, d, hdr->length, in, ret_iv) < 0)
		return -EBADMSG;
	f = ike_chain_parse(hdr->next, in, hdr->length - IKE_HDR_LEN, true, ret);
	*ret_why = ike_fault_text(f);
	return f == IKE_OK ? 0 : -EBADMSG;
}

bool hashed_ok(struct isakmp *sa, const struct ike_chain *c, const struct hashed *h, uint32_t msg_id)
{
	size_t len = crypto_prf_len(sa->terms.prf);
	const uint8_t *rest = c->p[0].body + len;
	uint8_t hash[ALG_PRF_LEN_MAX];

	if (compute(sa, h, msg_id, rest, c->used - IKE_PAYLOAD_HDR_LEN - len, hash) < 0)
		return false;
	if (secret_equal_bytes(hash, c->p[0].body, len))
		return true;
	sa->core->counters.bad_hash++;
	return false;
}

uint32_t hashed_new_id(struct core *c)
{
	uint32_t id;

	do
		c->rng->fill(c->rng, &id, sizeof(id));
	while (!id);
	return id;
}
