/*
 * The sender's IV has gone on when its message leaves, the receiver's has not: so the one deciphers, and the
 * other is put right.
 */
#include "support/ike_rig_rewrite.h"

#include <string.h>

#include "keyd/ike1/cipher.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike1/transaction.h"
#include "support/ike_rig_event.h"

enum { HASH_AT = IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN };

static struct transaction *transaction_of(struct isakmp *sa, uint32_t msg_id)
{
	list_foreach (t, &sa->ra.transactions, struct transaction, node)
		if (t->msg_id == msg_id)
			return t;
	return NULL;
}

/* The IV of an exchange that has begun, or of phase 1; NULL: it has not begun here. */
static uint8_t *iv_of(struct isakmp *sa, const struct ike_hdr *h)
{
	struct transaction *t;
	struct quick *q;

	if (!h->msg_id)
		return sa->iv;
	t = h->exchange == IKE1_TRANSACTION ? transaction_of(sa, h->msg_id) : NULL;
	q = h->exchange == IKE1_QUICK ? quick_find(sa, h->msg_id) : NULL;
	return t ? t->iv : q ? q->iv : NULL;
}

/* Whose hash covers the message id and what is behind it, as most do. */
static void hash_anew(const struct isakmp *sa, const struct ike_hdr *h, uint8_t *d)
{
	size_t len = crypto_prf_len(sa->terms.prf);
	uint8_t hash[ALG_PRF_LEN_MAX];
	struct ike_chain c;
	struct ike1_octets rest;

	if (ike_chain_parse(h->next, d + IKE_HDR_LEN, h->length - IKE_HDR_LEN, true, &c) != IKE_OK ||
	    c.used < IKE_PAYLOAD_HDR_LEN + len)
		return;
	rest = (struct ike1_octets){d + HASH_AT + len, c.used - IKE_PAYLOAD_HDR_LEN - len};
	if (ike1_hash(&sa->keys, false, h->msg_id, &rest, 1, hash) == 0)
		memcpy(d + HASH_AT, hash, len);
}

static bool run(const struct isakmp *sa, const uint8_t *iv, uint8_t *body, size_t n, bool seal)
{
	return crypto_cbc(sa->terms.enc, secret_bytes(sa->cipher_key), secret_len(sa->cipher_key), iv, body,
	           n, seal) == 0;
}

bool rig_rewrite(struct rig *r, bool from_a, uint8_t *d, size_t n_d, size_t offset, uint8_t flip)
{
	struct rig_side *from = from_a ? &r->a : &r->b, *to = rig_other(from);
	uint8_t iv[IKE1_BLOCK_MAX], *mine, *his;
	struct isakmp *sa, *there;
	struct ike_hdr h;

	if (ike_hdr_parse(d, n_d, &h) != IKE_OK || !(h.flags & IKE1_F_ENCRYPTED) ||
	    IKE_HDR_LEN + offset >= n_d)
		return false;
	sa = isakmp_find(from->core, h.icookie, h.rcookie);
	there = isakmp_find(to->core, h.icookie, h.rcookie);
	if (!sa || !there)
		return false;
	mine = iv_of(sa, &h);
	his = iv_of(there, &h);
	if (his)
		memcpy(iv, his, sizeof(iv));
	else if (ike1_begin_iv(sa, h.msg_id, iv) < 0)
		return false;
	if (!run(sa, iv, d + IKE_HDR_LEN, n_d - IKE_HDR_LEN, false))
		return false;
	d[IKE_HDR_LEN + offset] ^= flip;
	if (h.msg_id)
		hash_anew(sa, &h, d);
	if (!run(sa, iv, d + IKE_HDR_LEN, n_d - IKE_HDR_LEN, true))
		return false;
	if (mine)
		memcpy(mine, d + n_d - sa->block, sa->block);
	return true;
}
