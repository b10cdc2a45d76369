/*
 * Why a keyd that was taken over cannot prove itself as a peer in version 2. It chooses everything it tells
 * us but our nonce, it hears our own proofs, and it wants a peer's. Each is made with one key over
 *
 *      ours     = our message   | peer's nonce | prf(SK_p ours,   our ID payload)
 *      peer's   = peer's message | our nonce   | prf(SK_p peer's, its ID payload)
 *
 * where the key is prf(pre-shared key, "Key Pad for IKEv2"), or a private one. Values under such a key tell
 * nothing of those for other octets, so what has to hold is that the last line is none of the octets that are
 * proved elsewhere.
 *
 * - It is new: our nonce is in it, at a place that the lengths of what is around it fix. Whatever a peer has
 * signed before this exchange began is over other octets there.
 * - It is not one of our own proofs, of this exchange or of another (where both sides have the same key, and
 * where our own certificate is one that is believed). Both lines begin with a message whose header says how
 * long it is, and is held to that. So equal lines have equal messages and behind them
 *
 *      peer's nonce | prf(...)  ==  our nonce, of the other exchange | prf(...)
 *
 * If both values of prf are equally long, as they are under one pre-shared key, the peer's nonce there is our
 * nonce here: it is known as ours and refused. If they are not, which takes two functions and a private key,
 * one nonce begins with the other. From NONCE_KNOWN octets on that is seen and refused; below it at least
 * 13 octets of our nonce and all of a value of prf would have to be one value of another function.
 *
 * - It is nothing of version 1, where a pre-shared key is that of prf over two nonces (40 octets at least,
 * here 17), and a signature is over a bare hash, which has not the form of those made here.
 *
 * What we prove has our nonce in it too, as the one Nonce payload of a message of IKE_SA_INIT that has the
 * exchange's SPIs: so our keys sign what is such a message and nothing else.
 *
 * SK_p is from keyd, and that the peer's proof is over the SK_p of this very session is only as true as keyd
 * is: while a peer proves itself, a keyd that was taken over knows the keys of that session, as in version 1.
 */
#include "certd/proof2.h"

#include <errno.h>
#include <string.h>

#include "wire/ike/v2_payload.h"

_Static_assert((int)PROOF2_NONCE_MIN == (int)IKE2_NONCE_MIN, "one RFC, one number");

static int bad(struct err_text *e, bool initiators, const char *what)
{
	return err_set(
	    e, -EBADMSG, "the %s's message of IKE_SA_INIT %s", initiators ? "initiator" : "responder", what);
}

static bool has_nonce(const struct ike_hdr *h, struct ike1_octets m, struct ike1_octets nonce)
{
	const struct ike_payload *p;
	struct ike_chain chain;

	if (ike_chain_parse(h->next, (const uint8_t *)m.p + IKE_HDR_LEN, m.n - IKE_HDR_LEN, false, &chain) !=
	    IKE_OK)
		return false;
	p = ike_chain_find(&chain, IKE2_P_NONCE, 0);
	return p && !ike_chain_find(&chain, IKE2_P_NONCE, 1) && p->len == nonce.n &&
	       memcmp(p->body, nonce.p, nonce.n) == 0;
}

/* Whether it is one of IKE_SA_INIT's two, as long as it says, with these SPIs and this nonce. */
static int check_message(
    const struct exchange_facts2 *f, bool initiators, struct ike1_octets nonce, struct err_text *e)
{
	static const uint8_t none[IKE_COOKIE_LEN];
	const struct ike1_octets m = initiators ? f->message_i : f->message_r;
	const uint8_t *spi_r = initiators ? none : f->spi_r;
	struct ike_hdr h;

	if (m.n > PROOF2_MESSAGE_MAX || ike_hdr_parse(m.p, m.n, &h) != IKE_OK)
		return bad(e, initiators, "has another length than its header says, or is too long");
	if (h.major != 2 || h.exchange != IKE2_SA_INIT || h.msg_id != 0 ||
	    (h.flags & (IKE2_F_INITIATOR | IKE2_F_RESPONSE)) !=
	        (initiators ? IKE2_F_INITIATOR : IKE2_F_RESPONSE))
		return bad(e, initiators, "has the header of another message");
	if (memcmp(h.icookie, f->spi_i, IKE_COOKIE_LEN) != 0 || memcmp(h.rcookie, spi_r, IKE_COOKIE_LEN) != 0)
		return bad(e, initiators, "has other SPIs than the exchange");
	return has_nonce(&h, m, nonce) ? 0 : bad(e, initiators, "does not have its nonce");
}

static struct ike1_octets our_nonce(const struct exchange *x)
{
	return (struct ike1_octets){x->nonce, sizeof(x->nonce)};
}

int proof2_check_facts(
    const struct exchanges *t, const struct exchange *x, const struct exchange_facts2 *f, struct err_text *e)
{
	size_t n = crypto_prf_len(f->prf);
	int r;

	if (!n || secret_len(f->pi) != n || secret_len(f->pr) != n)
		return err_set(e, -EBADMSG, "SK_pi and SK_pr do not have their function's length");
	if (nonce_meets_ours(&t->key, f->peer_nonce.p, f->peer_nonce.n))
		return err_set(e, -EBADMSG, "the peer sent a nonce of ours: a reflection");
	r = check_message(f, true, x->we_began ? our_nonce(x) : f->peer_nonce, e);
	return r < 0 ? r : check_message(f, false, x->we_began ? f->peer_nonce : our_nonce(x), e);
}

static struct ike2_octets octets(struct ike1_octets o)
{
	return (struct ike2_octets){o.p, o.n};
}

int proof2_over(const struct exchange *x, bool ours, struct ike1_octets id, struct proof2 *ret)
{
	bool initiators = ours == x->we_began;
	const struct ike2_keys keys = {.suite = {.prf = x->prf}, .pi = x->pi, .pr = x->pr};
	int r = ike2_maced_id(&keys, initiators, octets(id), ret->maced_id);

	ret->over = (struct ike2_signed){.message = octets(initiators ? x->message_i : x->message_r),
	    .nonce = octets(ours ? x->peer_nonce : our_nonce(x)),
	    .maced_id = {ret->maced_id, crypto_prf_len(x->prf)}};
	return r;
}

int proof2_psk(const struct exchange *x, const struct secret *psk, bool ours, struct ike1_octets id,
    uint8_t ret[ALG_PRF_LEN_MAX])
{
	struct proof2 p;
	int r = proof2_over(x, ours, id, &p);

	if (r == 0)
		r = ike2_auth_psk(x->prf, psk, &p.over, ret);
	return r < 0 ? r : (int)crypto_prf_len(x->prf);
}
