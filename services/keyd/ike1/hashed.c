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

int hashed_open(struct isakmp *sa, const uint8_t *iv, const struct ike_hdr *hdr, const uint8_t *d,
    struct ike_chain *ret, uint8_t *ret_iv, const char **ret_why)
{
	uint8_t *in = sa->core->in;
	enum ike_fault f;

	*ret_why = "it is not enciphered";
	if (!(hdr->flags & IKE1_F_ENCRYPTED))
		return -EBADMSG;
	*ret_why = "it cannot be deciphered";
	if (ike1_open(sa, iv, d, hdr->length, in, ret_iv) < 0)
		return -EBADMSG;
	f = ike_chain_parse(hdr->next, in, hdr->length - IKE_HDR_LEN, true, ret);
	*ret_why = ike_fault_text(f);
	if (f != IKE_OK)
		return -EBADMSG;
	*ret_why = "the hash does not come first";
	return ret->n && ret->p[0].type == IKE1_P_HASH && ret->p[0].len == crypto_prf_len(sa->terms.prf)
	           ? 0
	           : -EBADMSG;
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
