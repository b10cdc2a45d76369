/*
 * Version 1: which of several `remote` blocks of one address counts, by what a peer says of itself: mode,
 * proposals, identity, port; and with which of them a negotiation is begun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/ike1/quick.h"
#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000, LONG_MS = 400000, BLOCKS = 3, A_ADDR = 0x0a000064, B_ADDR = 0x0a00006e };

static struct rig rig;
static struct ike_conf *a, *b;

static struct ike_conf *conf_of(enum ike_mode mode, enum ike_auth_method auth, uint32_t peer_addr, uint32_t n)
{
	struct ike_conf *c = rig_conf(mode, auth, true);
	static const char *const names[BLOCKS] = {"first", "second", "third"};

	c->peer[0].addr = inet_addr_v4(peer_addr);
	for (uint32_t i = 1; i < n; i++) {
		struct ike_peer *p = ike_conf_add_peer(c);

		assert_int_equal(ike_peer_copy(p, &c->peer[0]), 0);
		p->addr = c->peer[0].addr;
	}
	for (uint32_t i = 0; i < n; i++) {
		free(c->peer[i].name);
		c->peer[i].name = strdup(names[i]);
	}
	return c;
}

/* A has one block for B, B has `n` for A, all alike so far. */
static void begin(enum ike_mode mode, enum ike_auth_method auth, uint32_t n)
{
	a = conf_of(mode, auth, B_ADDR, 1);
	b = conf_of(mode, auth, A_ADDR, n);
}

static struct ike_id fqdn(const char *name)
{
	struct ike_id id = {.kind = IKE_ID_FQDN, .len = (uint16_t)strlen(name)};

	memcpy(id.data, name, id.len);
	return id;
}

/* The block wants this identity, and says `mine` of us. */
static void wants(struct ike_peer *p, const char *name, const char *mine)
{
	p->peer_id = calloc(1, sizeof(*p->peer_id));
	p->n_peer_ids = 1;
	p->peer_id[0] = fqdn(name);
	p->verify_identifier = true;
	p->my_id = fqdn(mine);
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

static struct isakmp *only_sa(struct rig_side *s)
{
	assert_int_equal(s->core->n_isakmp, 1);
	return list_entry(s->core->isakmp.next, struct isakmp, all);
}

/* It went well, and B took A for the peer of this block. */
static void expect_block(uint32_t n)
{
	const char *why = "";

	assert_int_equal(rig_count(&rig.a, true), 1);
	assert_int_equal(rig_count(&rig.b, true), 1);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
	assert_int_equal(only_sa(&rig.b)->peer, n);
	rig_fini(&rig);
}

static void expect_refused(const char *why)
{
	ask();
	if (!rig_logged(&rig.b, why))
		fail_msg("B does not say: %s\n%s", why, rig.b.log);
	rig_run(&rig, LONG_MS);
	assert_int_equal(rig_count(&rig.b, true) + rig.b.core->n_isakmp, 0);
	rig_fini(&rig);
}

static void test_blocks_by_mode(void **state)
{
	static const enum ike_mode modes[BLOCKS] = {IKE_MODE_AGGRESSIVE, IKE_MODE_BASE, IKE_MODE_MAIN};

	for (uint32_t i = 0; i < BLOCKS; i++) {
		begin(modes[i], IKE_AUTH_PSK, BLOCKS);
		for (uint32_t k = 0; k < BLOCKS; k++)
			b->peer[k].mode[0] = modes[k];
		meet();
		ask();
		expect_block(i);
	}
}

static void test_blocks_by_proposal(void **state)
{
	static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		begin(modes[i], IKE_AUTH_PSK, BLOCKS);
		a->peer[0].offer[0].hash = b->peer[1].offer[0].hash = ALG_PRF_HMAC_SHA256;
		b->peer[1].offer[0].seconds = 1800;
		meet();
		ask();
		assert_int_equal(only_sa(&rig.b)->terms.prf, ALG_PRF_HMAC_SHA256);
		assert_int_equal(only_sa(&rig.b)->terms.seconds, 3600); /* obey: the peer's */
		expect_block(1);
	}
}

/* What one block's proposal_check refuses another's may take. */
static void test_blocks_by_proposal_check(void **state)
{
	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	b->peer[0].check = CHECK_EXACT;
	b->peer[0].offer[0].seconds = 1000;
	meet();
	ask();
	expect_block(1);
}

static void test_blocks_none_takes_it(void **state)
{
	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	a->peer[0].offer[0].hash = ALG_PRF_HMAC_SHA512;
	b->peer[1].offer[0].hash = ALG_PRF_HMAC_SHA256;
	meet();
	ask();
	assert_true(
	    rig_logged(&rig.b, "rejected hashtype: DB(prop#1:trns#1):Peer(prop#1:trns#1) = SHA:SHA512"));
	assert_true(rig_logged(&rig.b, "= SHA256:SHA512"));
	expect_refused("no suitable proposal found");
}

/* In these modes the first message says who it is, so nothing is begun under another block. */
static void test_blocks_by_identity_in_the_first_message(void **state)
{
	static const enum ike_mode modes[] = {IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};
	struct ike_id said = fqdn("b2.example");

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		begin(modes[i], IKE_AUTH_PSK, BLOCKS);
		a->peer[0].my_id = fqdn("a.example");
		wants(&b->peer[0], "c.example", "b0.example");
		wants(&b->peer[2], "a.example", "b2.example");
		meet();
		ask();
		assert_int_equal(rig.b.n_switched, 0);
		assert_true(ike_id_equal(&only_sa(&rig.a)->peer_id, &said));
		expect_block(2);
	}
}

/* Main mode's identity comes when keys are there: the exchange goes on under the other block, and what we say
 * of us is that one's. */
static void test_blocks_by_identity_in_main_mode(void **state)
{
	static const enum ike_auth_method methods[] = {IKE_AUTH_PSK, IKE_AUTH_RSA};
	struct ike_id said = fqdn("b2.example");

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		begin(IKE_MODE_MAIN, methods[i], BLOCKS);
		a->peer[0].my_id = fqdn("a.example");
		wants(&b->peer[0], "c.example", "b0.example");
		wants(&b->peer[2], "a.example", "b2.example");
		b->peer[2].check = CHECK_CLAIM;
		b->peer[2].offer[0].seconds = 3600;
		meet();
		rig.a.subject = "a";
		rig.b.subject = "b";
		ask();
		assert_int_equal(rig.b.n_switched, 1);
		assert_true(ike_id_equal(&only_sa(&rig.a)->peer_id, &said));
		expect_block(2);
	}
}

/* One that asks for no identity is the peer's when none wants it; and stays it when that one would not have
 * taken what was agreed on. */
static void test_blocks_identity_and_terms(void **state)
{
	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	a->peer[0].my_id = fqdn("a.example");
	wants(&b->peer[0], "c.example", "b0.example");
	meet();
	ask();
	assert_int_equal(rig.b.n_switched, 1);
	expect_block(1);

	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	a->peer[0].my_id = fqdn("a.example");
	wants(&b->peer[1], "a.example", "b1.example");
	b->peer[1].offer[0].hash = ALG_PRF_HMAC_SHA256;
	meet();
	ask();
	assert_int_equal(rig.b.n_switched, 0);
	expect_block(0);

	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	a->peer[0].my_id = fqdn("a.example");
	wants(&b->peer[1], "a.example", "b1.example");
	b->peer[1].mode[0] = IKE_MODE_AGGRESSIVE;
	meet();
	ask();
	assert_int_equal(rig.b.n_switched, 0);
	expect_block(0);
}

/* The lifetime that holds is the one of the block that counts in the end. */
static void test_blocks_lifetime_follows(void **state)
{
	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	a->peer[0].my_id = fqdn("a.example");
	a->peer[0].offer[0].seconds = 1000;
	wants(&b->peer[1], "a.example", "b1.example");
	b->peer[1].check = CHECK_STRICT;
	b->peer[1].offer[0].seconds = 999;
	meet();
	ask();
	expect_block(0); /* strict: 1000 is too long for the second */

	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	a->peer[0].my_id = fqdn("a.example");
	a->peer[0].offer[0].seconds = 0;
	b->peer[0].offer[0].seconds = 2000;
	wants(&b->peer[1], "a.example", "b1.example");
	b->peer[1].offer[0].seconds = 1500;
	meet();
	ask();
	assert_int_equal(only_sa(&rig.b)->terms.seconds, 1500);
	expect_block(1);
}

/* Messages get lost, come twice and late: whichever repetition is judged, the block is the same. */
static void test_blocks_by_identity_on_a_bad_wire(void **state)
{
	unsigned n_up = 0;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		begin(IKE_MODE_MAIN, IKE_AUTH_PSK, BLOCKS);
		a->peer[0].my_id = fqdn("a.example");
		wants(&b->peer[1], "a.example", "b1.example");
		rig_init(&rig, seed, a, b);
		rig.wire = (struct rig_wire){.loss = 200, .twice = 200, .late = 200};
		rig_policy(&rig, IPSEC_TRANSPORT, TCP);
		rig_packet(&rig.a, 0);
		rig_run(&rig, LONG_MS);
		list_foreach (sa, &rig.b.core->isakmp, struct isakmp, all)
			if (isakmp_is_up(sa))
				assert_int_equal(sa->peer, 1);
		n_up += rig.b.core->counters.established1 > 0;
		assert_true(rig.b.core->counters.established1 == 0 || rig.b.n_switched > 0);
		rig_fini(&rig);
	}
	assert_true(n_up > 90);
}

static void test_blocks_by_port(void **state)
{
	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	b->peer[0].port = 1500;
	meet();
	ask();
	expect_block(1);

	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	b->peer[0].port = 1500;
	b->peer[1].port = 1600;
	meet();
	ask();
	expect_block(0);
}

/* Whoever has a block is not taken for anybody. */
static void test_blocks_of_an_address_keep_anonymous_out(void **state)
{
	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	b->peer[0].mode[0] = IKE_MODE_AGGRESSIVE;
	b->peer[1].addr = (struct inet_addr){0};
	meet();
	expect_refused("not acceptable Identity Protection mode, from 10.0.0.100");

	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
	b->peer[0].offer[0].hash = ALG_PRF_HMAC_SHA256;
	b->peer[1].addr = (struct inet_addr){0};
	meet();
	expect_refused("no suitable proposal found");
}

static void test_blocks_that_are_anonymous(void **state)
{
	begin(IKE_MODE_MAIN, IKE_AUTH_PSK, BLOCKS);
	for (uint32_t i = 0; i < BLOCKS; i++)
		b->peer[i].addr = (struct inet_addr){0};
	a->peer[0].offer[0].hash = b->peer[2].offer[0].hash = ALG_PRF_HMAC_SHA256;
	meet();
	ask();
	expect_block(2);
}

/* --- who begins --- */

static void begin_here(void)
{
	a = conf_of(IKE_MODE_MAIN, IKE_AUTH_PSK, B_ADDR, BLOCKS);
	b = conf_of(IKE_MODE_MAIN, IKE_AUTH_PSK, A_ADDR, 1);
}

static void expect_begun_with(uint32_t n)
{
	ask();
	assert_int_equal(rig_count(&rig.a, true), 1);
	assert_int_equal(only_sa(&rig.a)->peer, n);
	rig_fini(&rig);
}

static void test_blocks_begin_with_the_first_that_may(void **state)
{
	begin_here();
	meet();
	expect_begun_with(0);

	begin_here();
	a->peer[0].passive = true;
	meet();
	expect_begun_with(1);

	begin_here();
	a->peer[0].port = a->peer[1].port = 1500;
	meet();
	expect_begun_with(2);

	begin_here();
	for (uint32_t i = 0; i < BLOCKS; i++)
		a->peer[i].passive = true;
	meet();
	ask();
	assert_true(rig_logged(&rig.a, "its remote is passive"));
	assert_int_equal(rig.n_datagrams, 0);
	rig_fini(&rig);
}

/* ph1id and remoteid tie a block to the policy's sainfo. */
static void test_blocks_begin_by_sainfo(void **state)
{
	struct ike_child *k;

	begin_here();
	for (uint32_t i = 0; i < BLOCKS; i++)
		a->peer[i].ph1id = i + 1;
	k = &a->child[0];
	k->remoteid = 2;
	k = ike_conf_add_child(a);
	*k = a->child[0];
	k->remoteid = 0;
	meet();
	expect_begun_with(1);
}

/* Under what the peer has begun with another block quick mode needs no second phase 1, unless that block has
 * no sainfo for it. */
static void test_blocks_go_on_under_the_one_that_is_up(void **state)
{
	for (unsigned tied = 0; tied < 2; tied++) {
		begin(IKE_MODE_MAIN, IKE_AUTH_PSK, 2);
		a->peer[0].mode[1] = IKE_MODE_AGGRESSIVE;
		a->peer[0].n_modes = 2;
		b->peer[0].mode[0] = IKE_MODE_AGGRESSIVE;
		b->peer[0].ph1id = 5;
		b->child[0].remoteid = tied ? 5 : 0;
		if (tied) {
			struct ike_child *k = ike_conf_add_child(b);

			*k = b->child[0];
			k->remoteid = 0;
			k->local = (struct ike_side){
			    .kind = IKE_SIDE_HOST, .first = inet_addr_v4(B_ADDR), .proto = TCP};
			k->remote = (struct ike_side){
			    .kind = IKE_SIDE_HOST, .first = inet_addr_v4(A_ADDR), .proto = TCP};
			k->remoteid = 0;
		}
		rig_init(&rig, 1, a, b);
		rig_policy(&rig, IPSEC_TRANSPORT, TCP);
		rig_policy(&rig, IPSEC_TRANSPORT, 17);
		ask();
		assert_int_equal(only_sa(&rig.b)->peer, 1);
		rig_packet(&rig.b, 1);
		rig_run(&rig, ENOUGH_MS);
		assert_int_equal(rig_count(&rig.b, true), 2);
		assert_int_equal(rig.b.core->n_isakmp, tied ? 2 : 1);
		rig_fini(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_blocks_by_mode),
	    cmocka_unit_test(test_blocks_by_proposal),
	    cmocka_unit_test(test_blocks_by_proposal_check),
	    cmocka_unit_test(test_blocks_none_takes_it),
	    cmocka_unit_test(test_blocks_by_identity_in_the_first_message),
	    cmocka_unit_test(test_blocks_by_identity_in_main_mode),
	    cmocka_unit_test(test_blocks_identity_and_terms),
	    cmocka_unit_test(test_blocks_lifetime_follows),
	    cmocka_unit_test(test_blocks_by_identity_on_a_bad_wire),
	    cmocka_unit_test(test_blocks_by_port),
	    cmocka_unit_test(test_blocks_of_an_address_keep_anonymous_out),
	    cmocka_unit_test(test_blocks_that_are_anonymous),
	    cmocka_unit_test(test_blocks_begin_with_the_first_that_may),
	    cmocka_unit_test(test_blocks_begin_by_sainfo),
	    cmocka_unit_test(test_blocks_go_on_under_the_one_that_is_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
