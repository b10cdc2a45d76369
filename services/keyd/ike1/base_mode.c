/*
 * Base mode (RFC 2408 section 4.5, with the hashes that deployed implementations have: docs/decisions.md):
 *
 *      1  HDR, SA, IDii, Ni           -->
 *      2                              <--  HDR, SA, IDir, Nr
 *      3  HDR, KE, [CERT,] proof      -->
 *      4                              <--  HDR, KE, [CERT,] proof
 *
 * Identities are in clear, and nothing is enciphered. The responder computes nothing before message 3, which
 * only somebody can send who received its cookie, and proves nothing before it has seen a proof: a stranger
 * who writes to it gets nothing to guess at. The initiator's proof is made before it knows g^xr.
 */
#include <errno.h>

#include "keyd/ike1/nat.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/refusal.h"
#include "keyd/ike1/vendor.h"

static struct ike_out begin(struct isakmp *sa)
{
	const struct ike_hdr h = isakmp_header(sa, IKE1_BASE, 0, 0);
	struct ike_out o;

	ike_out_init(&o, sa->core->out, sizeof(sa->core->out), &h);
	return o;
}

/* Message 1. */
static void create_1(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	if (phase1_put_offer(sa, &o) < 0) {
		phase1_fail(sa, 0, "no proposal of the configuration can be offered");
		return;
	}
	ike_out_whole(&o, IKE1_P_ID, sa->idi.p, sa->idi.n);
	phase1_put_nonce(sa, &o);
	phase1_put_cert_request(sa, &o);
	vendor_put(sa, &o);
	isakmp_set_state(sa, ISAKMP_I_HELLO);
	phase1_send(sa, &o, false, true);
}

void base_begin(struct isakmp *sa)
{
	auth_begin(sa, create_1);
}

/* 1, then message 2. */
static void create_2(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	ike_out_whole(&o, IKE1_P_SA, sa->answer.p, sa->answer.n);
	ike_out_whole(&o, IKE1_P_ID, sa->idr.p, sa->idr.n);
	phase1_put_nonce(sa, &o);
	if (auth_with_signature(sa))
		phase1_put_cert_request(sa, &o);
	vendor_put(sa, &o);
	isakmp_set_state(sa, ISAKMP_R_HELLO);
	phase1_send(sa, &o, false, false);
}

void base_answer(struct isakmp *sa, struct phase1_msg *m)
{
	int r = phase1_choose(sa, &m->chain, &sa->answer);

	if (r < 0) {
		phase1_fail(sa, r == -ENOENT ? IKE1_N_NO_PROPOSAL_CHOSEN : IKE1_N_BAD_PROPOSAL_SYNTAX,
		    r == -ENOENT ? "no suitable proposal found" : "the proposal is malformed");
		return;
	}
	if (phase1_take_nonce(sa, &m->chain) < 0 || phase1_take_id(sa, &m->chain) < 0) {
		phase1_fail(sa, IKE1_N_PAYLOAD_MALFORMED, "the nonce or the identity is malformed");
		return;
	}
	vendor_take(sa, &m->chain);
	phase1_got(sa, m);
	auth_begin(sa, create_2);
}

/* 2, our proof, then message 3. */
static void create_3(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	phase1_put_public(sa, &o);
	phase1_put_certs(sa, &o);
	auth_put_proof(sa, &o);
	nat_put_discovery(sa, &o);
	isakmp_set_state(sa, ISAKMP_I_SHOWN);
	phase1_send(sa, &o, false, true);
}

static void told_3(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_I_PROVE);
	auth_prove(sa, create_3);
}

static void consume_2(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_take_answer(sa, ike_chain_find(&m->chain, IKE1_P_SA, 0)) < 0) {
		phase1_ignore(sa, "the answer is none of the proposals that were offered");
		return;
	}
	if (phase1_take_nonce(sa, &m->chain) < 0 || phase1_take_id(sa, &m->chain) < 0) {
		phase1_ignore(sa, "the nonce or the identity is malformed");
		return;
	}
	if (phase1_make_ke(sa, sa->terms.group) < 0) {
		phase1_fail(sa, 0, "the key exchange cannot be made");
		return;
	}
	vendor_take(sa, &m->chain);
	phase1_take_cookie(sa, m);
	phase1_got(sa, m);
	isakmp_set_state(sa, ISAKMP_I_SKEYID);
	auth_tell(sa, told_3);
}

/* The exchange begins anew with the next packet. Only somebody who saw both cookies can cause this. The
 * initiator has no keys before message 4. */
static void not_so(struct isakmp *sa, int r, const char *why)
{
	refusal_of_clear(sa, r, why, sa->initiator);
}

static bool take_auth(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_take_public(sa, &m->chain) < 0 || phase1_take_certs(sa, &m->chain) < 0 ||
	    auth_take_proof(sa, &m->chain) < 0) {
		phase1_ignore(sa, "the key exchange or the proof is malformed");
		return false;
	}
	nat_take_discovery(sa, &m->chain);
	phase1_got(sa, m);
	return true;
}

/* 3, the keys, its judgement, our proof, then message 4. */
static void create_4(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	phase1_put_public(sa, &o);
	phase1_put_certs(sa, &o);
	auth_put_proof(sa, &o);
	nat_put_discovery(sa, &o);
	phase1_send(sa, &o, false, false);
	if (sa->state != ISAKMP_GONE)
		phase1_up(sa);
}

static void judged_3(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_R_PROVE);
	auth_prove(sa, create_4);
}

static void keys_3(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_R_CHECK);
	auth_check(sa, judged_3, not_so);
}

static void consume_3(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_make_ke(sa, sa->terms.group) < 0) {
		phase1_fail(sa, 0, "the key exchange cannot be made");
		return;
	}
	if (!take_auth(sa, m))
		return;
	isakmp_returned(sa);
	isakmp_set_state(sa, ISAKMP_R_SKEYID);
	auth_keys(sa, keys_3);
}

/* 4, the keys and its judgement. */
static void judged_4(struct isakmp *sa)
{
	window_answered(&sa->window);
	nat_move(sa);
	phase1_up(sa);
}

static void keys_4(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_I_CHECK);
	auth_check(sa, judged_4, not_so);
}

static void consume_4(struct isakmp *sa, struct phase1_msg *m)
{
	if (!take_auth(sa, m))
		return;
	isakmp_set_state(sa, ISAKMP_I_SKEYID);
	auth_keys(sa, keys_4);
}

void base_message(struct isakmp *sa, struct phase1_msg *m)
{
	switch (sa->state) {
	case ISAKMP_I_HELLO:
		consume_2(sa, m);
		break;
	case ISAKMP_R_HELLO:
		consume_3(sa, m);
		break;
	case ISAKMP_I_SHOWN:
		consume_4(sa, m);
		break;
	default:
		phase1_ignore(sa, "it is not its turn");
		break;
	}
}
