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
 * Base mode has hashes of its own; what it is over says who began, and the configuration whether the peer is
 * one for base mode at all (check_mode() of prove.c):
 *
 *      HASH_I   = prf(K, g^xi |        CKY-I | CKY-R | SA | IDii)             g + 16 + SA + ID
 *      HASH_R   = prf(K, g^xi | g^xr | CKY-I | CKY-R | SA | IDii)             2 g + 16 + SA + ID
 *
 * with K = hash(Ni | Nr) and signatures, which are over them; with a pre-shared key, HASH_I with K = SKEYID,
 * while HASH_R is as above. The initiator's is wanted before g^xr is known. So g^xi, nonces, cookies, SA and
 * IDii are fixed when we hear of them first, and g^xr is when the keys are made, before the peer is judged.
 *
 * - With a pre-shared key ours is not the peer's: one begins with g^xi and the other with g^xr, which are not
 * the same. HASH_I of the peer is not the input of SKEYID_d, being longer: g + 61 > g' + 17. It may be as
 * long as those of SKEYID_a and _e, but these begin with SKEYID_d and _a, and it with g^xi, which was said
 * when keyd had heard neither.
 * - With signatures both have the same IDii, whoever it belongs to, so they differ in length by g. An
 * identity that could be another one for each would undo that, wherefore it is told once: prove_us() and
 * prove_peer() take no other as the initiator's. Hashes of other modes are under SKEYID = prf(Ni | Nr, g^xy):
 * whoever makes that the value of a hash finds preimages.
 *
 * What a signature of base mode does not say is who the responder is, and that who signs knows g^xy. It
 * stands and falls with certificates that are held against the identity (verify_cert), and an ISAKMP SA may
 * be with somebody else than the two believe, who does not have its keys.
 *
 * The block of the configuration is in none of these inputs, so an exchange that goes on under another one
 * (prove_switch()) is the same exchange.
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

int proof_check_facts(const struct exchanges *t, const struct exchange_facts *f, struct err_text *e)
{
	size_t public = crypto_dh_public_len(f->group);

	if (!public || f->gxi.n != public)
		return err_set(
		    e, -EBADMSG, "the values of the key exchange do not have their group's length");
	if (f->sa.n < PROOF_SA_MIN || f->sa.n > PROOF_SA_MAX)
		return err_set(e, -EBADMSG, "an SA payload of %zu octets", f->sa.n);
	if (nonce_begins_with_ours(&t->key, f->peer_nonce.p, f->peer_nonce.n))
		return err_set(e, -EBADMSG, "the peer sent a nonce of ours: a reflection");
	return 0;
}

int proof_check_values(enum alg_group group, struct ike1_octets gxi, struct ike1_octets gxr,
    const struct secret *gxy, struct err_text *e)
{
	size_t public = crypto_dh_public_len(group), shared = crypto_dh_shared_len(group);

	if (!public || gxi.n != public || gxr.n != public || !gxy || secret_len(gxy) != shared)
		return err_set(
		    e, -EBADMSG, "the values of the key exchange do not have their group's length");
	if (memcmp(gxi.p, gxr.p, public) == 0)
		return err_set(e, -EBADMSG, "the peer sent our own public value: a reflection");
	return 0;
}

static struct ike1_octets our_nonce(const struct exchange *x)
{
	return (struct ike1_octets){x->nonce, sizeof(x->nonce)};
}

static struct ike1_octets ni(const struct exchange *x)
{
	return x->we_began ? our_nonce(x) : x->peer_nonce;
}

static struct ike1_octets nr(const struct exchange *x)
{
	return x->we_began ? x->peer_nonce : our_nonce(x);
}

int proof_skeyid_psk(struct exchange *x, const struct secret *psk)
{
	return ike1_skeyid_psk(x->prf, psk, ni(x), nr(x), &x->skeyid);
}

int proof_skeyid_sig(struct exchange *x, const struct secret *gxy)
{
	return ike1_skeyid_sig(x->prf, ni(x), nr(x), gxy, &x->skeyid);
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

/* Base mode's own three hashes; its fourth, HASH_R with a pre-shared key, is that of the other modes. */
static int base_hash(
    const struct exchange *x, const struct ike1_keys *keys, bool initiators, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct ike1_base_proof p = {.gxi = x->gxi,
	    .gxr = initiators ? (struct ike1_octets){NULL, 0} : x->gxr,
	    .sa = x->sa,
	    .id = x->idi,
	    .icookie = x->s.icookie,
	    .rcookie = x->s.rcookie};

	return proof_with_signature(x->auth) ? ike1_base_proof_sig(x->prf, ni(x), nr(x), &p, ret)
	                                     : ike1_base_proof_psk(keys, &p, ret);
}

static int common_hash(const struct exchange *x, const struct ike1_keys *keys, bool initiators,
    struct ike1_octets id, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct ike1_proof p = {.mine = initiators ? x->gxi : x->gxr,
	    .his = initiators ? x->gxr : x->gxi,
	    .sa = x->sa,
	    .id = id,
	    .my_cookie = initiators ? x->s.icookie : x->s.rcookie,
	    .his_cookie = initiators ? x->s.rcookie : x->s.icookie};

	return ike1_proof(keys, &p, ret);
}

int proof_hash(const struct exchange *x, bool ours, struct ike1_octets id, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct ike1_keys keys = {.prf = x->prf, .skeyid = x->skeyid};
	bool initiators = ours == x->we_began, base = exchange_in_base_mode(x);
	int r = base && (initiators || proof_with_signature(x->auth))
	            ? base_hash(x, &keys, initiators, ret)
	            : common_hash(x, &keys, initiators, id, ret);

	return r < 0 ? r : (int)crypto_prf_len(x->prf);
}
