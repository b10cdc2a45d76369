/*
 * Aggressive mode (RFC 2409 sections 5.1 and 5.4):
 *
 *      1  HDR, SA, KE, Ni, IDii       -->
 *      2                              <--  HDR, SA, KE, Nr, IDir, [CERT,] proof
 *      3  HDR*, [CERT,] proof         -->
 *
 * Identities are in clear, and the responder computes for whoever writes to it, so that work is rationed
 * (receive.c). Message 3 is sent enciphered and taken either way.
 */
#include <errno.h>

#include "keyd/ike1/nat.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/refusal.h"
#include "keyd/ike1/vendor.h"

static struct ike_out begin(struct isakmp *sa)
{
	const struct ike_hdr h = isakmp_header(sa, IKE1_AGGRESSIVE, 0, 0);
	struct ike_out o;

	ike_out_init(&o, sa->core->out, sizeof(sa->core->out), &h);
	return o;
}

/* Message 1. */
static void create_1(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	if (phase1_make_ke(sa, phase1_first_group(sa)) < 0 || phase1_put_offer(sa, &o) < 0) {
		phase1_fail(sa, 0, "no proposal of the configuration can be offered");
		return;
	}
	phase1_put_ke(sa, &o);
	ike_out_whole(&o, IKE1_P_ID, sa->idi.p, sa->idi.n);
	phase1_put_cert_request(sa, &o);
	vendor_put(sa, &o);
	isakmp_set_state(sa, ISAKMP_I_OFFERED);
	phase1_send(sa, &o, false, true);
}

void aggressive_begin(struct isakmp *sa)
{
	auth_begin(sa, create_1);
}

/* 1: the choice, our nonce and identity, the keys, our proof; then message 2. */
static void create_2(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	ike_out_whole(&o, IKE1_P_SA, sa->answer.p, sa->answer.n);
	phase1_put_ke(sa, &o);
	ike_out_whole(&o, IKE1_P_ID, sa->idr.p, sa->idr.n);
	phase1_put_certs(sa, &o);
	auth_put_proof(sa, &o);
	if (auth_with_signature(sa))
		phase1_put_cert_request(sa, &o);
	vendor_put(sa, &o);
	nat_put_discovery(sa, &o);
	isakmp_set_state(sa, ISAKMP_R_ANSWERED);
	phase1_send(sa, &o, false, true);
}

static void keys_2(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_R_PROVE);
	auth_prove(sa, create_2);
}

static void begun_2(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_R_SKEYID);
	auth_keys(sa, keys_2);
}

void aggressive_answer(struct isakmp *sa, struct phase1_msg *m)
{
	int r = phase1_choose(sa, &m->chain, &sa->answer);

	if (r < 0) {
		phase1_fail(sa, r == -ENOENT ? IKE1_N_NO_PROPOSAL_CHOSEN : IKE1_N_BAD_PROPOSAL_SYNTAX,
		    r == -ENOENT ? "no suitable proposal found" : "the proposal is malformed");
		return;
	}
	if (phase1_make_ke(sa, sa->terms.group) < 0) {
		phase1_fail(sa, 0, "the key exchange cannot be made");
		return;
	}
	if (phase1_take_ke(sa, &m->chain) < 0 || phase1_take_id(sa, &m->chain) < 0) {
		phase1_fail(sa, IKE1_N_PAYLOAD_MALFORMED, "the key exchange or the identity is malformed");
		return;
	}
	vendor_take(sa, &m->chain);
	phase1_got(sa, m);
	auth_begin(sa, begun_2);
}

/* 2, the keys, its judgement, then message 3. */
static void create_3(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	phase1_put_certs(sa, &o);
	auth_put_proof(sa, &o);
	nat_put_discovery(sa, &o);
	nat_move(sa);
	phase1_send(sa, &o, true, false);
	if (sa->state != ISAKMP_GONE)
		phase1_up(sa);
}

static void judged_2(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_I_PROVE);
	auth_prove(sa, create_3);
}

/* The exchange begins anew with the next packet. Only somebody who saw our cookie can cause this. */
static void not_so_2(struct isakmp *sa, int r, const char *why)
{
	refusal_of_clear(sa, r, why, true);
}

static void keys_3(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_I_CHECK);
	auth_check(sa, judged_2, not_so_2);
}

static void consume_2(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_take_answer(sa, ike_chain_find(&m->chain, IKE1_P_SA, 0)) < 0) {
		phase1_ignore(sa, "the answer is none of the proposals that were offered");
		return;
	}
	if (phase1_take_ke(sa, &m->chain) < 0 || phase1_take_id(sa, &m->chain) < 0 ||
	    phase1_take_certs(sa, &m->chain) < 0 || auth_take_proof(sa, &m->chain) < 0) {
		phase1_ignore(sa, "the key exchange, the identity or the proof is malformed");
		return;
	}
	vendor_take(sa, &m->chain);
	phase1_take_cookie(sa, m);
	nat_take_discovery(sa, &m->chain);
	phase1_got(sa, m);
	isakmp_set_state(sa, ISAKMP_I_SKEYID);
	auth_keys(sa, keys_3);
}

/* 3 and its judgement. */
static void judged_3(struct isakmp *sa)
{
	memcpy(sa->iv, sa->next_iv, sizeof(sa->iv));
	nat_follow(sa);
	window_answered(&sa->window);
	phase1_up(sa);
}

/* A signature in clear can be anybody's. */
static void not_so_3(struct isakmp *sa, int r, const char *why)
{
	isakmp_set_state(sa, ISAKMP_R_ANSWERED);
	if (sa->sealed || !auth_with_signature(sa)) {
		refusal_of_sealed(sa, r, why);
		return;
	}
	sa->core->counters.bad_hash++;
	phase1_ignore(sa, "%s", why);
}

static void consume_3(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_take_certs(sa, &m->chain) < 0 || auth_take_proof(sa, &m->chain) < 0) {
		phase1_ignore(sa, "the proof is malformed");
		return;
	}
	sa->sealed = m->hdr.flags & IKE1_F_ENCRYPTED;
	memcpy(sa->next_iv, m->next_iv, sizeof(sa->next_iv));
	nat_take_discovery(sa, &m->chain);
	isakmp_set_state(sa, ISAKMP_R_CHECK);
	auth_check(sa, judged_3, not_so_3);
}

void aggressive_message(struct isakmp *sa, struct phase1_msg *m)
{
	switch (sa->state) {
	case ISAKMP_I_OFFERED:
		consume_2(sa, m);
		break;
	case ISAKMP_R_ANSWERED:
		consume_3(sa, m);
		break;
	default:
		phase1_ignore(sa, "it is not its turn");
		break;
	}
}
