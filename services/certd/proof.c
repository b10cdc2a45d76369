/*
 * Why a keyd that was taken over cannot prove itself as a peer. It chooses everything it tells us but our
 * nonce, it hears SKEYID_d, SKEYID_a, SKEYID_e and our own proof, and it wants HASH of the peer:
 *
 *      SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)                       g' + 17 octets
 *      SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)            h + g' + 17
 *      SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)            h + g' + 17
 *      ours     = prf(SKEYID, g^x ours | g^x peer's | cookies | SA | ID)      2 g + 16 + SA + ID
 *      peer's   = prf(SKEYID, g^x peer's | g^x ours | cookies | SA | ID)      2 g + 16 + SA + ID
 *
 * With a pre-shared key, SKEYID = prf(key, Ni | Nr) never leaves this process. Values of prf under one key
 * tell nothing of its value for another input, so what has to hold is that the last input is none of the
 * others', in this exchange or in any other with the same SKEYID:
 *
 * - No other has it: nonce.c. In this one, "keys" is answered once, and each of the five is made at most once
 * with inputs that are fixed then; of the peer's hash keyd learns only whether its guess was right, a few
 * times.
 * - It is not ours: g^xi and g^xr have one length and are not the same, so the first 2 g octets differ.
 * Without that, equal values, cookies and identities would make our own hash the peer's.
 * - It is not that of SKEYID_d, _a or _e, because it is longer than these: g and g' are the lengths of the
 * group's public values and of its secrets, and are held to them exactly; g' <= g, g >= 32, h <= 64, the body
 * of an SA payload has 40 octets at least and that of an ID payload 5. 2 g + 61 > h + g' + 17.
 *
 * With signatures, SKEYID = prf(Ni | Nr, g^xy) is no secret from keyd. There the hash only says what is to be
 * signed: it is made here, over a nonce that is new, so that a signature that was seen before is over another
 * hash, and goes to certd-verify under a seal. Ours is not the peer's for the second reason above.
 *
 * What is left to a keyd that was taken over is what it is for: while a peer proves itself, it knows the keys
 * of that session; and from SKEYID_d, _a and _e it can try guesses at a pre-shared key that can be guessed.
 */
#include "certd/proof.h"

#include <errno.h>
#include <string.h>

#include "crypto/dh.h"

bool proof_with_signature(enum ike_auth_method m)
{
	return ike_auth_is_rsa(m);
}

int proof_check(
    const struct exchanges *t, const struct exchange_facts *f, const struct secret *gxy, struct err_text *e)
{
	size_t public = crypto_dh_public_len(f->group), shared = crypto_dh_shared_len(f->group);

	if (!public || f->gxi.n != public || f->gxr.n != public || secret_len(gxy) != shared)
		return err_set(
		    e, -EBADMSG, "the values of the key exchange do not have their group's length");
	if (f->sa.n < PROOF_SA_MIN || f->sa.n > PROOF_SA_MAX)
		return err_set(e, -EBADMSG, "an SA payload of %zu octets", f->sa.n);
	if (memcmp(f->gxi.p, f->gxr.p, public) == 0)
		return err_set(e, -EBADMSG, "the peer sent our own public value: a reflection");
	if (nonce_begins_with_ours(&t->key, f->peer_nonce.p, f->peer_nonce.n))
		return err_set(e, -EBADMSG, "the peer sent a nonce of ours: a reflection");
	return 0;
}

int proof_skeyid(const struct exchange *x, const struct exchange_facts *f, const struct secret *gxy,
    const struct secret *psk, struct secret **ret)
{
	const struct ike1_octets ours = {x->nonce, sizeof(x->nonce)};
	struct ike1_octets ni = x->we_began ? ours : f->peer_nonce, nr = x->we_began ? f->peer_nonce : ours;

	return psk ? ike1_skeyid_psk(f->prf, psk, ni, nr, ret) : ike1_skeyid_sig(f->prf, ni, nr, gxy, ret);
}

int proof_keys(const struct exchange *x, const struct secret *gxy, struct ike1_keys *ret)
{
	struct secret *skeyid = secret_dup_bytes(secret_bytes(x->skeyid), secret_len(x->skeyid));
	int r;

	if (!skeyid)
		return -ENOMEM;
	r = ike1_keys_init(ret, x->prf, skeyid, gxy, x->s.icookie, x->s.rcookie);
	ret->skeyid = secret_free(ret->skeyid);
	return r;
}

int proof_hash(const struct exchange *x, bool ours, struct ike1_octets id, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct ike1_keys keys = {.prf = x->prf, .skeyid = x->skeyid};
	bool initiators = ours == x->we_began;
	const struct ike1_proof p = {.mine = initiators ? x->gxi : x->gxr,
	    .his = initiators ? x->gxr : x->gxi,
	    .sa = x->sa,
	    .id = id,
	    .my_cookie = initiators ? x->s.icookie : x->s.rcookie,
	    .his_cookie = initiators ? x->s.rcookie : x->s.icookie};
	int r = ike1_proof(&keys, &p, ret);

	return r < 0 ? r : (int)crypto_prf_len(x->prf);
}
