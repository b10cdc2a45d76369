/*
 * The chain of a message ends at its Encrypted payload, whatever that says is next, since this is inside of
 * it. Padding is as long as the cipher wants and no longer; of others any is taken that fits.
 */
#include "wire/ike/v2_sk.h"

enum { SKF_HDR_LEN = 4, PAD_LEN_LEN = 1 };

struct ike2_sk_sizes ike2_sk_sizes(enum alg_enc enc, enum alg_auth auth)
{
	const struct alg_enc_info *e = alg_enc_by_id(enc);
	const struct alg_auth_info *a = alg_auth_by_id(auth);

	if (!e || (!e->aead && !a))
		return (struct ike2_sk_sizes){0};
	return (struct ike2_sk_sizes){
	    .iv = e->iv_len, .block = e->block, .icv = e->aead ? e->icv_len : a->icv_len};
}

static bool is_encrypted(uint8_t type)
{
	return type == IKE2_P_SK || type == IKE2_P_SKF;
}

enum ike_fault ike2_chain_parse(const struct ike_hdr *h, const void *msg, size_t n, struct ike_chain *ret)
{
	struct rd r = rd_init(msg, n);
	uint8_t type = h->next;

	ret->n = 0;
	rd_skip(&r, IKE_HDR_LEN);
	while (type) {
		enum ike_fault f;

		if (ret->n == IKE_PAYLOADS_MAX)
			return IKE_TOO_MANY;
		f = ike_payload_read(&r, type, &ret->p[ret->n]);
		if (f != IKE_OK)
			return f;
		type = ret->p[ret->n++].next;
		if (is_encrypted(ret->p[ret->n - 1].type))
			break;
	}
	ret->used = (uint32_t)(n - rd_left(&r) - IKE_HDR_LEN);
	return rd_done(&r) ? IKE_OK : IKE_BAD_LEN;
}

/* RFC 7383 section 2.5: only the first fragment says what the first payload is. */
static enum ike_fault read_fragment(struct rd *r, struct ike2_sk *sk)
{
	if (sk->type != IKE2_P_SKF)
		return IKE_OK;
	sk->number = rd_u16(r);
	sk->total = rd_u16(r);
	if (!rd_ok(r))
		return IKE_SHORT;
	if (!sk->number || sk->number > sk->total || (sk->number > 1 && sk->first))
		return IKE_BAD_VALUE;
	return IKE_OK;
}

enum ike_fault ike2_sk_find(
    uint8_t *msg, size_t n, const struct ike_chain *c, struct ike2_sk_sizes s, struct ike2_sk *ret)
{
	const struct ike_payload *p = c->n ? &c->p[c->n - 1] : NULL;
	struct ike2_sk sk = {0};
	enum ike_fault f;
	struct rd r;

	if (!p || !is_encrypted(p->type))
		return IKE_BAD_CHAIN;
	sk.type = p->type;
	sk.first = p->next;
	r = rd_init(p->body, p->len);
	f = read_fragment(&r, &sk);
	if (f != IKE_OK)
		return f;
	sk.aad = msg;
	sk.aad_len = (uint32_t)(n - rd_left(&r)); /* the payload is the last */
	if (!s.block || rd_left(&r) < (size_t)s.iv + PAD_LEN_LEN + s.icv)
		return IKE_BAD_LEN;
	sk.len = (uint32_t)(rd_left(&r) - s.iv - s.icv);
	if (sk.len % s.block)
		return IKE_BAD_LEN;
	sk.iv = msg + sk.aad_len;
	sk.data = sk.iv + s.iv;
	sk.icv = sk.data + sk.len;
	*ret = sk;
	return IKE_OK;
}

enum ike_fault ike2_sk_inner(const struct ike2_sk *sk, uint32_t *ret_len)
{
	uint32_t tail = sk->data[sk->len - 1] + (uint32_t)PAD_LEN_LEN;

	if (tail > sk->len)
		return IKE_BAD_LEN;
	*ret_len = sk->len - tail;
	return IKE_OK;
}

/* The padding's octets, so that with its length a whole number of blocks comes out. */
static uint8_t pad_of(struct ike2_sk_sizes s, size_t len)
{
	return (uint8_t)((s.block - (len + PAD_LEN_LEN) % s.block) % s.block);
}

size_t ike2_put_sk(
    struct ike_out *o, struct ike2_sk_sizes s, const struct ike2_sk_part *p, struct ike2_sk *ret)
{
	uint8_t pad = s.block ? pad_of(s, p->len) : 0;
	struct ike2_sk sk = {.type = p->number ? IKE2_P_SKF : IKE2_P_SK,
	    .first = p->first,
	    .number = p->number,
	    .total = p->total};
	size_t n;

	ike_out_payload(o, sk.type);
	if (!wr_ok(&o->w) || !s.block)
		return 0;
	*o->next = p->first;
	if (p->number) {
		wr_u16(&o->w, p->number);
		wr_u16(&o->w, p->total);
	}
	sk.aad = o->w.start;
	sk.aad_len = (uint32_t)wr_len(&o->w);
	sk.iv = wr_room(&o->w, s.iv);
	sk.data = o->w.p;
	wr_bytes(&o->w, p->inner, p->len);
	wr_fill(&o->w, 0, pad);
	wr_u8(&o->w, pad);
	sk.len = (uint32_t)(o->w.p - sk.data);
	sk.icv = wr_room(&o->w, s.icv);
	n = ike_out_end(o);
	if (n)
		*ret = sk;
	return n;
}

size_t ike2_sk_fits(struct ike2_sk_sizes s, size_t room, bool fragment)
{
	size_t around = IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN + (fragment ? SKF_HDR_LEN : 0U) + s.iv + s.icv,
	       whole;

	if (!s.block || room <= around)
		return 0;
	whole = (room - around) / s.block * s.block;
	return whole > PAD_LEN_LEN ? whole - PAD_LEN_LEN : 0;
}
