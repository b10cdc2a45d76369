/*
 * Main mode, the identity protection exchange (RFC 2409 sections 5.1 and 5.4):
 *
 *      1  HDR, SA                     -->
 *      2                              <--  HDR, SA
 *      3  HDR, KE, Ni                 -->
 *      4                              <--  HDR, KE, Nr
 *      5  HDR*, IDii, [CERT,] proof   -->
 *      6                              <--  HDR*, IDir, [CERT,] proof
 *
 * with a hash under the pre-shared key or a signature as proof. The responder computes nothing, and asks
 * certd nothing, before message 3, which only somebody can send who received its cookie.
 */
#include <errno.h>

#include "keyd/ike1/life.h"
#include "keyd/ike1/nat.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/refusal.h"
#include "keyd/ike1/vendor.h"

static struct ike_out begin(struct isakmp *sa)
{
	const struct ike_hdr h = isakmp_header(sa, IKE1_MAIN, 0, 0);
	struct ike_out o;

	ike_out_init(&o, sa->core->out, sizeof(sa->core->out), &h);
	return o;
}

/* Message 1. */
void main_begin(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	if (phase1_put_offer(sa, &o) < 0) {
		phase1_fail(sa, 0, "no proposal of the configuration can be offered");
		return;
	}
	vendor_put(sa, &o);
	isakmp_set_state(sa, ISAKMP_I_SA);
	phase1_send(sa, &o, false, true);
}

/* 1, then message 2. */
static void answer(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	ike_out_whole(&o, IKE1_P_SA, sa->answer.p, sa->answer.n);
	vendor_put(sa, &o);
	isakmp_set_state(sa, ISAKMP_R_SA);
	phase1_send(sa, &o, false, false);
}

void main_answer(struct isakmp *sa, struct phase1_msg *m)
{
	int r = phase1_choose(sa, &m->chain, &sa->answer);

	if (r < 0) {
		phase1_fail(sa, r == -ENOENT ? IKE1_N_NO_PROPOSAL_CHOSEN : IKE1_N_BAD_PROPOSAL_SYNTAX,
		    r == -ENOENT ? "no suitable proposal found" : "the proposal is malformed");
		return;
	}
	vendor_take(sa, &m->chain);
	phase1_got(sa, m);
	answer(sa);
}

/* Message 3. */
static void create_3(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	if (phase1_make_ke(sa, sa->terms.group) < 0) {
		phase1_fail(sa, 0, "the key exchange cannot be made");
		return;
	}
	phase1_put_ke(sa, &o);
	nat_put_discovery(sa, &o);
	if (auth_with_signature(sa))
		phase1_put_cert_request(sa, &o);
	isakmp_set_state(sa, ISAKMP_I_KE);
	phase1_send(sa, &o, false, true);
}

static void consume_2(struct isakmp *sa, struct phase1_msg *m)
{
	int r = phase1_take_answer(sa, ike_chain_find(&m->chain, IKE1_P_SA, 0));

	if (r < 0) {
		phase1_ignore(sa, "the answer is none of the proposals that were offered");
		return;
	}
	vendor_take(sa, &m->chain);
	phase1_take_cookie(sa, m);
	phase1_got(sa, m);
	auth_begin(sa, create_3);
}

/* 3, the keys, then message 4: message 5 cannot be read without them. */
static void create_4(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	phase1_put_ke(sa, &o);
	nat_put_discovery(sa, &o);
	if (auth_with_signature(sa))
		phase1_put_cert_request(sa, &o);
	isakmp_set_state(sa, ISAKMP_R_KE);
	phase1_send(sa, &o, false, false);
}

static void begun_4(struct isakmp *sa)
{
	auth_keys(sa, create_4);
}

static void consume_3(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_make_ke(sa, sa->terms.group) < 0) {
		phase1_fail(sa, 0, "the key exchange cannot be made");
		return;
	}
	if (phase1_take_ke(sa, &m->chain) < 0) {
		phase1_ignore(sa, "the key exchange or the nonce is malformed");
		return;
	}
	nat_take_discovery(sa, &m->chain);
	phase1_got(sa, m);
	isakmp_returned(sa);
	isakmp_set_state(sa, ISAKMP_R_SKEYID);
	auth_begin(sa, begun_4);
}

/* Message 5. */
static void create_5(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	ike_out_whole(&o, IKE1_P_ID, sa->idi.p, sa->idi.n);
	phase1_put_certs(sa, &o);
	auth_put_proof(sa, &o);
	isakmp_set_state(sa, ISAKMP_I_AUTH);
	phase1_send(sa, &o, true, true);
}

static void keys_4(struct isakmp *sa)
{
	isakmp_set_state(sa, ISAKMP_I_PROVE);
	auth_prove(sa, create_5);
}

static void consume_4(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_take_ke(sa, &m->chain) < 0) {
		phase1_ignore(sa, "the key exchange or the nonce is malformed");
		return;
	}
	nat_take_discovery(sa, &m->chain);
	nat_move(sa);
	phase1_got(sa, m);
	isakmp_set_state(sa, ISAKMP_I_SKEYID);
	auth_keys(sa, keys_4);
}

/* 5, its judgement, then message 6. */
static void create_6(struct isakmp *sa)
{
	struct ike_out o = begin(sa);

	ike_out_whole(&o, IKE1_P_ID, sa->idr.p, sa->idr.n);
	phase1_put_certs(sa, &o);
	auth_put_proof(sa, &o);
	life_put1(sa, &o);
	phase1_send(sa, &o, true, false);
	if (sa->state != ISAKMP_GONE)
		phase1_up(sa);
}

static void judged_5(struct isakmp *sa)
{
	memcpy(sa->iv, sa->next_iv, sizeof(sa->iv));
	nat_follow(sa);
	isakmp_set_state(sa, ISAKMP_R_PROVE);
	auth_prove(sa, create_6);
}

static void not_so_5(struct isakmp *sa, int r, const char *why)
{
	isakmp_set_state(sa, ISAKMP_R_KE);
	refusal_of_sealed(sa, r, why);
}

static void switched_5(struct isakmp *sa)
{
	auth_check(sa, judged_5, not_so_5);
}

static void consume_5(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_take_id(sa, &m->chain) < 0 || phase1_take_certs(sa, &m->chain) < 0 ||
	    auth_take_proof(sa, &m->chain) < 0) {
		phase1_ignore(sa, "the identity or the proof is malformed: do both sides have the same key?");
		return;
	}
	memcpy(sa->next_iv, m->next_iv, sizeof(sa->next_iv));
	isakmp_set_state(sa, ISAKMP_R_CHECK);
	phase1_got(sa, m);
	if (phase1_reconsider(sa))
		auth_switch(sa, switched_5);
	else
		auth_check(sa, judged_5, not_so_5);
}

/* 6 and its judgement. */
static void judged_6(struct isakmp *sa)
{
	memcpy(sa->iv, sa->next_iv, sizeof(sa->iv));
	window_answered(&sa->window);
	phase1_up(sa);
}

static void not_so_6(struct isakmp *sa, int r, const char *why)
{
	isakmp_set_state(sa, ISAKMP_I_AUTH);
	refusal_of_sealed(sa, r, why);
}

static void consume_6(struct isakmp *sa, struct phase1_msg *m)
{
	if (phase1_take_id(sa, &m->chain) < 0 || phase1_take_certs(sa, &m->chain) < 0 ||
	    auth_take_proof(sa, &m->chain) < 0) {
		phase1_ignore(sa, "the identity or the proof is malformed");
		return;
	}
	memcpy(sa->next_iv, m->next_iv, sizeof(sa->next_iv));
	isakmp_set_state(sa, ISAKMP_I_CHECK);
	auth_check(sa, judged_6, not_so_6);
}

void main_message(struct isakmp *sa, struct phase1_msg *m)
{
	switch (sa->state) {
	case ISAKMP_I_SA:
		consume_2(sa, m);
		break;
	case ISAKMP_R_SA:
		consume_3(sa, m);
		break;
	case ISAKMP_I_KE:
		consume_4(sa, m);
		break;
	case ISAKMP_R_KE:
		consume_5(sa, m);
		break;
	case ISAKMP_I_AUTH:
		consume_6(sa, m);
		break;
	default:
		phase1_ignore(sa, "it is not its turn");
		break;
	}
}
