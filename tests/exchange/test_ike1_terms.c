/*
 * Version 1: what two configurations agree on, what they do not, and what either side then says about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/ike1/life.h"
#include "keyd/ike1/quick.h"
#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000, LONG_MS = 400000 };

static struct rig rig;
static struct ike_conf *a, *b;

static void begin(void)
{
	a = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);
	b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);
	b->peer[0].check = CHECK_STRICT;
}

static void meet(void)
{
	rig_init(&rig, 1, a, b);
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
}

static void ask(void)
{
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
}

static void assert_pairs(size_t n)
{
	const char *why = "";

	assert_int_equal(rig_count(&rig.a, true), n);
	assert_int_equal(rig_count(&rig.a, false), n);
	assert_int_equal(rig_count(&rig.b, true), n);
	assert_int_equal(rig_count(&rig.b, false), n);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

static const struct rig_sa *sa_of(const struct rig_side *s, bool inbound, enum ipsec_proto proto)
{
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (s->sa[i].serial && s->sa[i].inbound == inbound && s->sa[i].desc.proto == proto)
			return &s->sa[i];
	fail_msg("no such SA");
	return NULL;
}

/* What B's log has to say besides; NULL: nothing is asked for. */
static const char *rejected;

/* It fails, `why` stands in B's log and `notify` in A's, and nothing is left behind. */
static void refused(const char *why, const char *notify)
{
	ask();
	if (!rig_logged(&rig.b, why))
		fail_msg("B does not say: %s\n%s", why, rig.b.log);
	if (!rig_logged(&rig.a, notify))
		fail_msg("A does not say: %s\n%s", notify, rig.a.log);
	if (rejected && !rig_logged(&rig.b, rejected))
		fail_msg("B does not say: %s\n%s", rejected, rig.b.log);
	rejected = NULL;
	rig_run(&rig, LONG_MS);
	assert_pairs(0);
	assert_int_equal(rig.a.n_done_ok, 0);
	assert_int_equal(rig.a.n_done_bad, 1);
	rig_fini(&rig);
}

/* --- who may begin --- */

static void test_passive_does_not_begin(void **state)
{
	begin();
	a->peer[0].passive = true;
	meet();
	ask();
	assert_int_equal(rig.n_datagrams, 0);
	assert_int_equal(rig.a.n_done_bad, 1);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	/* But it answers. */
	rig_packet(&rig.b, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(1);
	rig_fini(&rig);
}

/* Its own answer to the first packet may come before the pair is whole, or was on its way here when it got
 * so: it is not dropped. */
static void test_passive_answers_the_first_packet(void **state)
{
	for (size_t whole = 0; whole < 2; whole++) {
		begin();
		b->peer[0].passive = true;
		meet();
		rig_packet(&rig.a, 0);
		while (!(whole ? rig.b.core->n_children : rig_count(&rig.b, true)))
			rig_run(&rig, 1);
		assert_int_equal(rig_count(&rig.b, false), whole);
		rig_packet(&rig.b, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(1);
		assert_int_equal(rig.b.n_done_ok, 1);
		assert_int_equal(rig.b.n_done_bad, 0);
		rig_fini(&rig);
	}
}

static void test_mode_that_is_not_named(void **state)
{
	begin();
	b->peer[0].mode[0] = IKE_MODE_AGGRESSIVE;
	meet();
	ask();
	assert_true(rig_logged(&rig.b, "not acceptable Identity Protection mode, from 10.0.0.100"));
	assert_int_equal(rig.b.core->n_isakmp, 0);
	rig_run(&rig, LONG_MS);
	assert_true(rig_logged(&rig.a, "phase1 negotiation failed: no answer."));
	assert_pairs(0);
	rig_fini(&rig);
}

/* Nor is base mode answered by who names the other two, and it answers neither by itself. */
static void test_base_mode_is_named_or_not(void **state)
{
	static const struct {
		enum ike_mode asks, answers;
	} rows[] = {{IKE_MODE_BASE, IKE_MODE_MAIN}, {IKE_MODE_BASE, IKE_MODE_AGGRESSIVE},
	    {IKE_MODE_MAIN, IKE_MODE_BASE}, {IKE_MODE_AGGRESSIVE, IKE_MODE_BASE},
	    {IKE_MODE_BASE, IKE_MODE_BASE}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		a->peer[0].mode[0] = rows[i].asks;
		b->peer[0].mode[0] = rows[i].answers;
		meet();
		ask();
		rig_run(&rig, LONG_MS);
		assert_int_equal(rig_logged(&rig.b, "not acceptable "), i + 1 < ARRAY_SIZE(rows));
		assert_pairs(i + 1 < ARRAY_SIZE(rows) ? 0 : 1);
		rig_fini(&rig);
	}
}

static void test_stranger(void **state)
{
	begin();
	b->peer[0].addr = inet_addr_v4(0x0a090909);
	meet();
	ask();
	assert_true(rig_logged(&rig.b, "no configuration found for 10.0.0.100."));
	assert_int_equal(rig.b.core->n_isakmp, 0);
	assert_int_equal(rig.b.core->counters.unknown, 1);
	rig_fini(&rig);
}

/* --- sainfo and policy --- */

static void none_fits(struct ike_conf *c)
{
	c->child[0].remote = (struct ike_side){
	    .kind = IKE_SIDE_HOST, .first = inet_addr_v4(0x0a090909), .proto = IPPROTO_ANY_};
}

static void test_sainfo_missing_here(void **state)
{
	begin();
	none_fits(a);
	meet();
	ask();
	assert_true(
	    rig_logged(&rig.a, "failed to get sainfo: none fits the policy's selector and this peer"));
	assert_int_equal(rig.a.n_done_bad, 1);
	assert_int_equal(rig.b.core->counters.established1, 1);
	assert_pairs(0);
	rig_fini(&rig);
}

static void test_sainfo_missing_there(void **state)
{
	begin();
	none_fits(b);
	meet();
	refused("failed to get sainfo: none fits what the peer asks for",
	    "the peer says: notification 18 INVALID-ID-INFORMATION.");
}

static void test_policy_missing_there(void **state)
{
	begin();
	meet();
	rig.b.n_policies = 0;
	refused("no policy found for what the peer asks for",
	    "the peer says: notification 18 INVALID-ID-INFORMATION.");
}

/* It has gone between the packet and the end of phase 1. */
static void test_policy_gone_here(void **state)
{
	begin();
	meet();
	rig_packet(&rig.a, 0);
	rig.a.n_policies = 0;
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_logged(&rig.a, "policyd does not know the policy any more"));
	assert_int_equal(rig.a.n_done_bad, 1);
	assert_pairs(0);
	rig_fini(&rig);
}

static void test_requests_differ(void **state)
{
	begin();
	meet();
	rig.b.out[0].req[0].proto = rig.b.in[0].req[0].proto = IPSEC_AH;
	refused("no suitable proposal found", "the peer says: notification 14 NO-PROPOSAL-CHOSEN.");
}

/* One side has a tunnel, the other none. */
static void test_modes_differ(void **state)
{
	begin();
	meet();
	rig.b.out[0].req[0].mode = rig.b.in[0].req[0].mode = IPSEC_TUNNEL;
	refused("no suitable proposal found", "the peer says: notification 14 NO-PROPOSAL-CHOSEN.");
}

/* --- proposals of phase 1 --- */

static void test_no_proposal_of_phase_1(void **state)
{
	static const char *const lines[] = {
	    "rejected enctype: DB(prop#1:trns#1):Peer(prop#1:trns#1) = AES-CBC:3DES-CBC",
	    "rejected hashtype: DB(prop#1:trns#1):Peer(prop#1:trns#1) = SHA256:SHA",
	    "rejected dh_group: DB(prop#1:trns#1):Peer(prop#1:trns#1) = modp2048:curve25519",
	    "rejected lifetime: DB(prop#1:trns#1):Peer(prop#1:trns#1) = 1800:3600"};
	struct ike_offer others[4];

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = b->peer[0].offer[0];
	others[0].enc = ALG_ENC_AES_CBC;
	others[1].hash = ALG_PRF_HMAC_SHA256;
	others[2].group = ALG_GROUP_MODP2048;
	others[3].seconds = 1800; /* strict: ours is not as long as theirs */
	ike_conf_free(a);
	ike_conf_free(b);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		begin();
		b->peer[0].offer[0] = others[i];
		meet();
		rejected = lines[i];
		refused("phase1 negotiation failed: no suitable proposal found.", "refuses: notification 14");
	}
}

static void add_offer(struct ike_peer *p, struct ike_offer o)
{
	o.auth = IKE_AUTH_PSK;
	o.group = ALG_GROUP_CURVE25519;
	o.seconds = 3600;
	p->offer = reallocarray(p->offer, p->n_offers + 1U, sizeof(*p->offer));
	p->offer[p->n_offers++] = o;
}

/* Of several the first of A's that B has, with the key length that was named. */
static void test_one_of_several_proposals(void **state)
{
	const struct isakmp *sa[2];

	begin();
	add_offer(&a->peer[0],
	    (struct ike_offer){.enc = ALG_ENC_AES_CBC, .key_bits = 256, .hash = ALG_PRF_HMAC_SHA256});
	add_offer(&a->peer[0],
	    (struct ike_offer){.enc = ALG_ENC_AES_CBC, .key_bits = 128, .hash = ALG_PRF_HMAC_SHA1});
	b->peer[0].n_offers = 0;
	add_offer(&b->peer[0],
	    (struct ike_offer){.enc = ALG_ENC_CAMELLIA_CBC, .key_bits = 128, .hash = ALG_PRF_HMAC_SHA1});
	add_offer(&b->peer[0],
	    (struct ike_offer){.enc = ALG_ENC_AES_CBC, .key_bits = 128, .hash = ALG_PRF_HMAC_SHA1});
	add_offer(&b->peer[0],
	    (struct ike_offer){.enc = ALG_ENC_AES_CBC, .key_bits = 192, .hash = ALG_PRF_HMAC_SHA256});
	b->peer[0].check = CHECK_EXACT;
	meet();
	ask();
	assert_pairs(1);
	sa[0] = list_entry(rig.a.core->isakmp.next, struct isakmp, all);
	sa[1] = list_entry(rig.b.core->isakmp.next, struct isakmp, all);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(sa[i]->terms.enc, ALG_ENC_AES_CBC);
		assert_int_equal(sa[i]->terms.key_len, 16);
		assert_int_equal(sa[i]->terms.prf, ALG_PRF_HMAC_SHA1);
	}
	rig_fini(&rig);
}

static const struct {
	enum proposal_check check;
	uint64_t own, peer;
	bool ok;
	uint64_t here, there; /* what A and B then hold to */
} lives1[] = {
    {CHECK_OBEY, 3600, 7200, true, 7200, 7200},
    {CHECK_OBEY, 3600, 1800, true, 1800, 1800},
    {CHECK_STRICT, 3600, 1800, true, 1800, 1800},
    {CHECK_STRICT, 3600, 7200, false, 0, 0},
    {CHECK_CLAIM, 3600, 1800, true, 1800, 1800},
    {CHECK_CLAIM, 3600, 7200, false, 0, 0},
    {CHECK_EXACT, 3600, 3600, true, 3600, 3600},
    {CHECK_EXACT, 3600, 1800, false, 0, 0},
    /* Whatever is said, a day at most. */
    {CHECK_OBEY, 3600, 1000000, true, IKE_LIFE_MAX_S, IKE_LIFE_MAX_S},
};

static void test_lifetimes_of_phase_1(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(lives1); i++) {
		begin();
		b->peer[0].check = lives1[i].check;
		a->peer[0].offer[0].seconds = lives1[i].peer;
		b->peer[0].offer[0].seconds = lives1[i].own;
		meet();
		ask();
		assert_int_equal(rig.a.core->n_isakmp > 0 &&
		                     isakmp_is_up(list_entry(rig.a.core->isakmp.next, struct isakmp, all)),
		    lives1[i].ok);
		if (lives1[i].ok) {
			assert_int_equal(
			    list_entry(rig.a.core->isakmp.next, struct isakmp, all)->terms.seconds,
			    lives1[i].here);
			assert_int_equal(
			    list_entry(rig.b.core->isakmp.next, struct isakmp, all)->terms.seconds,
			    lives1[i].there);
		}
		rig_fini(&rig);
	}
}

/* --- proposals of phase 2 --- */

static void test_no_proposal_of_phase_2(void **state)
{
	begin();
	b->child[0].enc[0] = (struct ike_child_enc){.id = ALG_ENC_AES_CBC, .key_bits = 256};
	b->child[0].n_enc = 1;
	meet();
	rejected = "the peer offers (#1 trns#1) ESP 3des-cbc hmac-sha1 transport pfs group 31; ";
	refused("phase2 negotiation failed: no suitable proposal found.",
	    "the peer says: notification 14 NO-PROPOSAL-CHOSEN.");
	begin();
	b->child[0].auth[0].id = ALG_AUTH_HMAC_SHA512;
	b->child[0].n_auth = 1;
	meet();
	rejected = "take (#1 trns#1) ESP 3des-cbc hmac-sha512 transport";
	refused("phase2 negotiation failed: no suitable proposal found.",
	    "the peer says: notification 14 NO-PROPOSAL-CHOSEN.");
}

static const struct {
	enum proposal_check check;
	enum alg_group own, peer;
	bool ok;
} groups[] = {
    {CHECK_OBEY, ALG_GROUP_CURVE25519, ALG_GROUP_ECP256, true},
    {CHECK_OBEY, ALG_GROUP_CURVE25519, ALG_GROUP_NONE, true},
    {CHECK_STRICT, ALG_GROUP_NONE, ALG_GROUP_ECP256, true},
    {CHECK_STRICT, ALG_GROUP_CURVE25519, ALG_GROUP_ECP256, false},
    {CHECK_STRICT, ALG_GROUP_CURVE25519, ALG_GROUP_NONE, false},
    {CHECK_CLAIM, ALG_GROUP_CURVE25519, ALG_GROUP_ECP256, false},
    {CHECK_CLAIM, ALG_GROUP_NONE, ALG_GROUP_NONE, true},
    {CHECK_EXACT, ALG_GROUP_NONE, ALG_GROUP_ECP256, false},
    {CHECK_EXACT, ALG_GROUP_ECP256, ALG_GROUP_ECP256, true},
};

static void test_pfs(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		begin();
		b->peer[0].check = groups[i].check;
		a->child[0].pfs = groups[i].peer;
		b->child[0].pfs = groups[i].own;
		meet();
		if (!groups[i].ok) {
			refused("pfs group mismatched", "the peer says: notification 14 NO-PROPOSAL-CHOSEN.");
			continue;
		}
		ask();
		assert_pairs(1);
		rig_fini(&rig);
	}
}

static const struct {
	enum proposal_check check;
	uint64_t own, peer;
	const char *why; /* NULL: taken */
	uint64_t here, there;
} lives2[] = {
    {CHECK_OBEY, 600, 900, NULL, 900, 900},
    {CHECK_OBEY, 600, 300, NULL, 300, 300},
    {CHECK_STRICT, 600, 300, NULL, 300, 300},
    {CHECK_STRICT, 600, 900, "long lifetime proposed: my:600 peer:900", 0, 0},
    {CHECK_CLAIM, 600, 300, NULL, 300, 300},
    /* The peer is told: RESPONDER-LIFETIME. */
    {CHECK_CLAIM, 600, 900, NULL, 600, 600},
    /* Nothing was named: who has a limit says so, whatever the check. */
    {CHECK_OBEY, 600, 0, NULL, 600, 600},
    {CHECK_STRICT, 600, 0, NULL, 600, 600},
    {CHECK_CLAIM, 600, 0, NULL, 600, 600},
    {CHECK_EXACT, 600, 600, NULL, 600, 600},
    {CHECK_EXACT, 600, 900, "lifetime mismatched: my:600 peer:900", 0, 0},
    {CHECK_EXACT, 600, 300, "lifetime mismatched: my:600 peer:300", 0, 0},
};

static void test_lifetimes_of_phase_2(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(lives2); i++) {
		begin();
		b->peer[0].check = lives2[i].check;
		a->child[0].seconds = lives2[i].peer;
		b->child[0].seconds = lives2[i].own;
		meet();
		if (lives2[i].why) {
			refused(lives2[i].why, "the peer says: notification 14 NO-PROPOSAL-CHOSEN.");
			continue;
		}
		ask();
		assert_pairs(1);
		assert_int_equal(sa_of(&rig.a, false, IPSEC_ESP)->desc.life.hard_s, lives2[i].here);
		assert_int_equal(sa_of(&rig.a, true, IPSEC_ESP)->desc.life.hard_s, lives2[i].here);
		assert_int_equal(sa_of(&rig.b, false, IPSEC_ESP)->desc.life.hard_s, lives2[i].there);
		assert_int_equal(rig_logged(&rig.a, "RESPONDER-LIFETIME"),
		    !lives2[i].peer || lives2[i].there < lives2[i].peer);
		rig_fini(&rig);
	}
}

/* In main mode's message 2 and in clear: a second, however long was offered. */
static bool shorten_answer(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	static const uint8_t seconds[] = {0x80, 0x0b, 0, 1, 0x80, 0x0c};
	uint8_t *at = from_a ? NULL : memmem(d, n_d - 2, seconds, sizeof(seconds));

	if (at) {
		at[sizeof(seconds)] = 0;
		at[sizeof(seconds) + 1] = 1;
	}
	return true;
}

/* Nothing proves what an answer of phase 1 says of it. */
static void test_lifetime_that_somebody_has_shortened(void **state)
{
	enum { OWN_S = 600, LEAST_S = 30, LESS_S = 5 };
	static const uint64_t own[] = {OWN_S, LESS_S}, holds[] = {LEAST_S, LESS_S};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		struct isakmp *sa;

		begin();
		a->peer[0].offer[0].seconds = own[i];
		b->peer[0].offer[0].seconds = OWN_S;
		meet();
		rig.wire.tamper = shorten_answer;
		ask();
		sa = list_entry(rig.a.core->isakmp.next, struct isakmp, all);
		assert_int_equal(sa->terms.seconds, holds[i]);
		sa = list_entry(rig.b.core->isakmp.next, struct isakmp, all);
		assert_int_equal(sa->terms.seconds, own[i]);
		rig_fini(&rig);
	}
}

static void test_lifetime_of_an_answer(void **state)
{
	static const struct {
		uint64_t own, said, holds;
	} rows[] = {{0, 0, 0}, {600, 0, 600}, {0, 600, 600}, {600, 300, 300}, {300, 600, 300}, {600, 1, 30},
	    {20, 1, 20}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(life_answered(rows[i].own, rows[i].said, LIFE_LEAST_S), rows[i].holds);
}

/* claim: the peer renews before the shorter life is over, as it was told of it. */
static void test_claimed_lifetime_is_renewed(void **state)
{
	begin();
	b->peer[0].check = CHECK_CLAIM;
	a->child[0].seconds = 900;
	b->child[0].seconds = 300;
	meet();
	ask();
	assert_true(rig_live(&rig, 290000));
	assert_int_equal(rig.a.core->counters.established2, 2);
	assert_true(rig_live(&rig, 300000));
	assert_int_equal(rig.a.core->counters.established2, 3);
	assert_int_equal(rig.b.core->counters.established2, 3);
	rig_fini(&rig);
}

/* Octets, in kilobytes on the wire. */
static void test_octets(void **state)
{
	begin();
	a->child[0].bytes = 5000 * 1024;
	b->child[0].bytes = 9000 * 1024;
	meet();
	ask();
	assert_pairs(1);
	assert_int_equal(sa_of(&rig.a, false, IPSEC_ESP)->desc.life.hard_bytes, 5000 * 1024);
	assert_int_equal(sa_of(&rig.b, false, IPSEC_ESP)->desc.life.hard_bytes, 5000 * 1024);
	/* Only who began renews. */
	assert_true(sa_of(&rig.a, false, IPSEC_ESP)->desc.life.soft_bytes > 0);
	assert_int_equal(sa_of(&rig.b, false, IPSEC_ESP)->desc.life.soft_bytes, 0);
	rig_fini(&rig);
	begin();
	a->child[0].bytes = 9000 * 1024;
	b->child[0].bytes = 5000 * 1024;
	meet();
	refused("long lifebyte proposed: my:5000 peer:9000",
	    "the peer says: notification 14 NO-PROPOSAL-CHOSEN.");
}

/* --- algorithms and bundles --- */

static void test_combined_modes(void **state)
{
	static const struct {
		enum alg_enc id;
		uint16_t bits;
		size_t key;
	} rows[] = {{ALG_ENC_AES_GCM_16, 128, 20}, {ALG_ENC_AES_GCM_16, 256, 36},
	    {ALG_ENC_AES_GCM_8, 192, 28}, {ALG_ENC_AES_CCM_16, 256, 35}, {ALG_ENC_AES_GMAC, 128, 20}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		a->child[0].n_enc = b->child[0].n_enc = 1;
		a->child[0].enc[0] = b->child[0].enc[0] = (struct ike_child_enc){rows[i].id, rows[i].bits};
		meet();
		ask();
		assert_pairs(1);
		/* The list of hashes stands in the sainfo, and is not for these. */
		assert_int_equal(sa_of(&rig.a, false, IPSEC_ESP)->desc.enc, rows[i].id);
		assert_int_equal(sa_of(&rig.a, false, IPSEC_ESP)->desc.auth, ALG_AUTH_NONE);
		assert_int_equal(sa_of(&rig.a, false, IPSEC_ESP)->desc.enc_key_len, rows[i].key);
		assert_int_equal(sa_of(&rig.a, false, IPSEC_ESP)->desc.auth_key_len, 0);
		rig_fini(&rig);
	}
}

static void offer_idle(struct ike_child *k)
{
	k->n_enc = k->n_auth = 2;
	k->enc[0] = (struct ike_child_enc){.id = ALG_ENC_NULL};
	k->enc[1] = (struct ike_child_enc){.id = ALG_ENC_AES_CBC, .key_bits = 128};
	k->auth[0].id = ALG_AUTH_NONE;
	k->auth[1].id = ALG_AUTH_HMAC_SHA1;
}

/* Lists of each kind that begin with nothing: the pair of nothings is not offered. */
static void test_neither_cipher_nor_integrity_is_not_agreed_on(void **state)
{
	(void)state;
	begin();
	offer_idle(&a->child[0]);
	offer_idle(&b->child[0]);
	meet();
	ask();
	assert_pairs(1);
	assert_int_equal(sa_of(&rig.a, false, IPSEC_ESP)->desc.enc, ALG_ENC_NULL);
	assert_int_equal(sa_of(&rig.a, false, IPSEC_ESP)->desc.auth, ALG_AUTH_HMAC_SHA1);
	rig_fini(&rig);
}

/* The two directions have keys of their own. */
static void test_each_sa_has_its_keys(void **state)
{
	begin();
	meet();
	ask();
	assert_pairs(1);
	assert_memory_not_equal(
	    sa_of(&rig.a, false, IPSEC_ESP)->enc_key, sa_of(&rig.a, true, IPSEC_ESP)->enc_key, 24);
	assert_memory_not_equal(
	    sa_of(&rig.a, false, IPSEC_ESP)->auth_key, sa_of(&rig.a, true, IPSEC_ESP)->auth_key, 20);
	rig_fini(&rig);
}

static void begin_bundle(const enum ipsec_proto *protos, enum ipsec_mode mode)
{
	begin();
	rig_init(&rig, 1, a, b);
	rig_policy_of(&rig, mode, protos, TCP);
	ask();
}

static void test_ah(void **state)
{
	static const enum ipsec_proto protos[] = {IPSEC_AH, IPSEC_PROTO_NONE};

	begin_bundle(protos, IPSEC_TRANSPORT);
	assert_pairs(1);
	assert_int_equal(sa_of(&rig.a, false, IPSEC_AH)->desc.auth, ALG_AUTH_HMAC_SHA1);
	assert_int_equal(sa_of(&rig.a, false, IPSEC_AH)->desc.enc, ALG_ENC_NONE);
	assert_true(rig_logged(&rig.a, "IPsec-SA established: AH/Transport"));
	rig_fini(&rig);
}

static void test_bundles(void **state)
{
	static const enum ipsec_proto protos[][4] = {{IPSEC_IPCOMP, IPSEC_ESP, IPSEC_PROTO_NONE},
	    {IPSEC_ESP, IPSEC_AH, IPSEC_PROTO_NONE}, {IPSEC_IPCOMP, IPSEC_ESP, IPSEC_AH, IPSEC_PROTO_NONE}};

	for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
		for (enum ipsec_mode mode = IPSEC_TRANSPORT; mode <= IPSEC_TUNNEL; mode++) {
			size_t n = 0;

			begin_bundle(protos[i], mode);
			while (protos[i][n])
				n++;
			assert_pairs(n);
			for (size_t k = 0; k < n; k++)
				assert_int_equal(sa_of(&rig.b, true, protos[i][k])->desc.mode, mode);
			/* All of them are renewed together and go together. */
			rig_spent(&rig.a, false);
			rig_run(&rig, ENOUGH_MS);
			assert_pairs(2 * n);
			rig_run(&rig, 40000);
			assert_pairs(n);
			core_shutdown(rig.b.core);
			rig_run(&rig, ENOUGH_MS);
			assert_pairs(0);
			rig_fini(&rig);
		}
}

static void test_ipcomp_numbers(void **state)
{
	static const enum ipsec_proto protos[] = {IPSEC_IPCOMP, IPSEC_ESP, IPSEC_PROTO_NONE};

	begin_bundle(protos, IPSEC_TRANSPORT);
	assert_true(sa_of(&rig.a, false, IPSEC_IPCOMP)->desc.spi <= UINT16_MAX);
	assert_int_equal(sa_of(&rig.a, false, IPSEC_IPCOMP)->desc.comp, ALG_COMP_DEFLATE);
	assert_int_equal(sa_of(&rig.a, false, IPSEC_IPCOMP)->desc.enc_key_len, 0);
	rig_fini(&rig);
}

static void test_ipv6(void **state)
{
	for (enum ipsec_mode mode = IPSEC_TRANSPORT; mode <= IPSEC_TUNNEL; mode++) {
		begin();
		rig_init(&rig, 1, a, b);
		assert_int_equal(inet_addr_parse("2001:db8::64", &rig.a.addr), 0);
		assert_int_equal(inet_addr_parse("2001:db8::6e", &rig.b.addr), 0);
		rig_policy(&rig, mode, TCP);
		ask();
		assert_pairs(1);
		assert_true(inet_addr_equal(&sa_of(&rig.a, false, IPSEC_ESP)->desc.dst, &rig.b.addr));
		assert_true(rig_logged(&rig.a, "ISAKMP-SA established 2001:db8::64[500]-2001:db8::6e[500]"));
		rig_fini(&rig);
	}
}

/* Several policies between the same two: one ISAKMP SA, a pair for each. */
static void test_several_policies(void **state)
{
	begin();
	rig_init(&rig, 1, a, b);
	for (uint16_t upper = 6; upper < 6 + RIG_POLICIES_MAX; upper++)
		rig_policy(&rig, IPSEC_TRANSPORT, upper);
	for (size_t i = 0; i < RIG_POLICIES_MAX; i++)
		rig_packet(&rig.a, i);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(RIG_POLICIES_MAX);
	assert_int_equal(rig.a.core->counters.established1, 1);
	assert_int_equal(rig.a.n_done_ok, RIG_POLICIES_MAX);
	rig_fini(&rig);
}

/* The octets of the offer in message 1, as they reach the answerer: written out from RFC 2407 and 2408, not
 * by our own writer. Encryption is the outer loop, both in the order of the file; blowfish names its 128
 * bits. */
static void test_S121_S122_the_octets_of_an_offer(void **state)
{
	/* A transform's attributes: 36000 s, transport, group 2, the key's length and HMAC-SHA1 or -MD5. */
#define LIFE    "\x80\1\0\1\x80\2\x8c\xa0\x80\4\0\2"
#define SHA1    "\x80\5\0\2\x80\3\0\2"
#define MD5     "\x80\5\0\1\x80\3\0\2"
#define BITS128 "\x80\6\0\x80"
#define ANY_SPI "\xff\xff\xff\xff"
	static const char want[] = "\0\0\0\1\0\0\0\1"                     /* IPsec DOI, identity only */
	                           "\0\0\0\x84\1\3\4\4" ANY_SPI           /* number 1, ESP, 4 ways */
	                           "\3\0\0\x1c\1\3\0\0" LIFE SHA1         /* 3DES */
	                           "\3\0\0\x1c\2\3\0\0" LIFE MD5          /* 3DES */
	                           "\3\0\0\x20\3\7\0\0" LIFE BITS128 SHA1 /* Blowfish */
	                           "\0\0\0\x20\4\7\0\0" LIFE BITS128 MD5; /* Blowfish */
	const uint8_t *octet = (const uint8_t *)want;
	const struct octets *got = NULL;

	a = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, false);
	b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, false);
	meet();
	rig_packet(&rig.a, 0);
	for (int ms = 0; ms < ENOUGH_MS && !got; ms++) {
		rig_run(&rig, 1);
		list_foreach (sa, &rig.b.core->isakmp, struct isakmp, all)
			list_foreach (q, &sa->quicks, struct quick, node)
				got = q->request.n ? &q->request : got;
	}
	assert_non_null(got);
	assert_int_equal(got->n, sizeof(want) - 1);
	for (size_t i = 0; i < got->n; i++)
		if (octet[i] != 0xff && got->p[i] != octet[i])
			fail_msg("octet %zu: %u and not %u", i, got->p[i], octet[i]);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_passive_does_not_begin),
	    cmocka_unit_test(test_passive_answers_the_first_packet),
	    cmocka_unit_test(test_mode_that_is_not_named),
	    cmocka_unit_test(test_base_mode_is_named_or_not),
	    cmocka_unit_test(test_stranger),
	    cmocka_unit_test(test_sainfo_missing_here),
	    cmocka_unit_test(test_sainfo_missing_there),
	    cmocka_unit_test(test_policy_missing_there),
	    cmocka_unit_test(test_policy_gone_here),
	    cmocka_unit_test(test_requests_differ),
	    cmocka_unit_test(test_modes_differ),
	    cmocka_unit_test(test_no_proposal_of_phase_1),
	    cmocka_unit_test(test_one_of_several_proposals),
	    cmocka_unit_test(test_lifetimes_of_phase_1),
	    cmocka_unit_test(test_no_proposal_of_phase_2),
	    cmocka_unit_test(test_pfs),
	    cmocka_unit_test(test_lifetimes_of_phase_2),
	    cmocka_unit_test(test_claimed_lifetime_is_renewed),
	    cmocka_unit_test(test_lifetime_that_somebody_has_shortened),
	    cmocka_unit_test(test_lifetime_of_an_answer),
	    cmocka_unit_test(test_octets),
	    cmocka_unit_test(test_combined_modes),
	    cmocka_unit_test(test_neither_cipher_nor_integrity_is_not_agreed_on),
	    cmocka_unit_test(test_each_sa_has_its_keys),
	    cmocka_unit_test(test_ah),
	    cmocka_unit_test(test_bundles),
	    cmocka_unit_test(test_ipcomp_numbers),
	    cmocka_unit_test(test_ipv6),
	    cmocka_unit_test(test_several_policies),
	    cmocka_unit_test(test_S121_S122_the_octets_of_an_offer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
