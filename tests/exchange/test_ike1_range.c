/*
 * Version 1: identities of quick mode that are ranges of addresses, said and taken, in both families.
 * Policies have networks, so what is agreed on must be what several of them are for, and no more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/ike1/quick.h"
#include "support/ike_rig.h"
#include "wire/ike/v1.h"

enum { TCP = 6, ENOUGH_MS = 2000, LONG_MS = 400000, NETS = 4 };

static struct rig rig;
static struct ike_conf *a, *b;

/* What is behind A: a range, and the networks that it is made of; and behind B a network. */
struct place {
	const char *a, *b; /* gateways */
	const char *first, *last, *net[NETS], *far;
};

static const struct place places[] = {
    {"10.0.0.100", "10.0.0.110", "10.1.0.1", "10.1.0.6",
        {"10.1.0.1/32", "10.1.0.2/31", "10.1.0.4/31", "10.1.0.6/32"}, "10.2.0.0/24"},
    {"2001:db8::64", "2001:db8::6e", "fd00:1::1", "fd00:1::6",
        {"fd00:1::1/128", "fd00:1::2/127", "fd00:1::4/127", "fd00:1::6/128"}, "fd00:2::/64"},
};

static struct inet_addr addr(const char *text)
{
	struct inet_addr x;

	assert_int_equal(inet_addr_parse(text, &x), 0);
	return x;
}

static struct inet_prefix net(const char *text)
{
	char copy[INET_PREFIX_STRLEN], *slash;
	struct inet_prefix p;

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	*slash = 0;
	p.addr = addr(copy);
	p.plen = (uint8_t)atoi(slash + 1);
	return p;
}

static struct ike_side range_side(const char *first, const char *last)
{
	return (struct ike_side){
	    .kind = IKE_SIDE_RANGE, .first = addr(first), .last = addr(last), .proto = TCP};
}

static struct ike_side net_side(const char *text)
{
	const struct inet_prefix p = net(text);

	return (struct ike_side){.kind = IKE_SIDE_NET, .first = p.addr, .plen = p.plen, .proto = TCP};
}

/* One policy on both sides for this network behind A. */
static void policy(const char *behind_a, const char *behind_b)
{
	const struct inet_prefix x = net(behind_a), y = net(behind_b);
	size_t n = rig.a.n_policies;

	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig.a.out[n].sel.src = rig.a.in[n].sel.dst = rig.b.out[n].sel.dst = rig.b.in[n].sel.src = x;
	rig.a.out[n].sel.dst = rig.a.in[n].sel.src = rig.b.out[n].sel.src = rig.b.in[n].sel.dst = y;
}

static void begin(const struct place *p)
{
	a = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);
	b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);
	a->child[0].local = b->child[0].remote = range_side(p->first, p->last);
	a->child[0].remote = b->child[0].local = net_side(p->far);
}

static void meet(const struct place *p)
{
	rig_init(&rig, 1, a, b);
	rig.a.traces = rig.b.traces = true;
	rig.a.addr = addr(p->a);
	rig.b.addr = addr(p->b);
	for (size_t i = 0; i < NETS; i++)
		policy(p->net[i], p->far);
}

static void expect_pairs(size_t n)
{
	const char *why = "";

	assert_int_equal(rig_count(&rig.a, true), n);
	assert_int_equal(rig_count(&rig.b, true), n);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

static void ask(struct rig_side *s, size_t n)
{
	rig_packet(s, n);
	rig_run(&rig, ENOUGH_MS);
}

static void says(const struct rig_side *s, const char *text)
{
	if (!rig_logged(s, text))
		fail_msg("it does not say: %s\n%s", text, s->log);
}

/* Whichever of the policies the packet meets, and whoever begins: one pair for all of them. */
static void test_range_of_several_networks(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		for (size_t n = 0; n < 2 * NETS; n++) {
			begin(&places[i]);
			meet(&places[i]);
			ask(n < NETS ? &rig.a : &rig.b, n % NETS);
			expect_pairs(1);
			says(&rig.a, "the identities are ranges: the pair is for 4 policies");
			says(&rig.b, "the identities are ranges: the pair is for 4 policies");
			rig_fini(&rig);
		}
}

/* It is renewed as what it is. */
static void test_range_is_renewed(void **state)
{
	begin(&places[0]);
	a->child[0].seconds = b->child[0].seconds = 600;
	meet(&places[0]);
	ask(&rig.a, 2);
	assert_true(rig_live(&rig, 2000 * 1000));
	assert_int_equal(rig_count(&rig.a, true), 1);
	assert_false(rig_logged(&rig.a, "phase2 negotiation failed"));
	rig_fini(&rig);
}

/* `anonymous` takes any, and says our policies' networks: which the peer takes, where it has the policy. */
static void test_range_and_anonymous(void **state)
{
	const struct ike_side any = {.kind = IKE_SIDE_ANY, .proto = IPPROTO_ANY_};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		begin(&places[i]);
		b->child[0].local = b->child[0].remote = any;
		meet(&places[i]);
		ask(&rig.a, 0);
		expect_pairs(1);
		says(&rig.b, "the pair is for 4 policies");
		rig_fini(&rig);

		begin(&places[i]);
		a->child[0].local = a->child[0].remote = any;
		meet(&places[i]);
		ask(&rig.a, 0);
		rig_run(&rig, LONG_MS);
		expect_pairs(0);
		says(&rig.b, "failed to get sainfo: none fits what the peer asks for");
		rig_fini(&rig);
	}
}

static void refused(const char *why)
{
	ask(&rig.a, 0);
	rig_run(&rig, LONG_MS);
	expect_pairs(0);
	says(&rig.b, why);
	says(&rig.a, "the peer says: notification 18 INVALID-ID-INFORMATION.");
	assert_int_equal(rig.a.n_done_bad, 1);
	rig_fini(&rig);
}

static void remove_policy(struct rig_side *s, size_t n)
{
	s->n_policies--;
	s->out[n] = s->out[s->n_policies];
	s->in[n] = s->in[s->n_policies];
}

static void test_range_that_policies_do_not_fill(void **state)
{
	begin(&places[0]);
	meet(&places[0]);
	remove_policy(&rig.b, 2);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	says(&rig.b,
	    "a range needs a policy in both directions for each network of it, all with the same requests "
	    "and none of level unique. These are: 10.2.0.0/24 with 10.1.0.1, 10.1.0.2/31, 10.1.0.4/31, "
	    "10.1.0.6");
	rig_fini(&rig);

	begin(&places[0]);
	meet(&places[0]);
	remove_policy(&rig.b, 2);
	refused("no policy found for all of a range: a part of it has none");

	/* One for more than the range is for more than was agreed on. */
	begin(&places[1]);
	meet(&places[1]);
	rig.b.out[3].sel.dst.plen = rig.b.in[3].sel.src.plen = 127;
	refused("no policy found for all of a range: a part of it has none");
}

static void test_range_whose_policies_differ(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct policy *p;

		begin(&places[0]);
		meet(&places[0]);
		p = i & 1 ? &rig.b.in[3] : &rig.b.out[3];
		if (i < 2)
			p->req[0].proto = IPSEC_AH;
		else
			p->req[0].dst = addr("10.0.0.9");
		refused("no policy found for all of a range: a part of it has another one");
	}
	begin(&places[0]);
	meet(&places[0]);
	for (size_t k = 0; k < NETS; k++)
		rig.b.out[k].req[0].level = LEVEL_UNIQUE;
	refused("no policy found for all of a range: a part of it has another one");
}

/* Who begins does not ask for more than its own policies are for. */
static void test_range_is_not_said_without_policies(void **state)
{
	begin(&places[0]);
	meet(&places[0]);
	remove_policy(&rig.a, 3);
	ask(&rig.a, 0);
	expect_pairs(0);
	says(&rig.a, "no policy found for all of a range: a part of it has none");
	says(&rig.a, "These are: 10.1.0.1, 10.1.0.2/31, 10.1.0.4/31, 10.1.0.6 with 10.2.0.0/24");
	assert_false(rig_logged(&rig.b, "respond new phase 2"));
	rig_fini(&rig);
}

/* A range that is a network is that network's policy; around a smaller one it needs its own. */
static void test_range_that_is_a_network(void **state)
{
	for (unsigned whole = 0; whole < 3; whole++) {
		begin(&places[0]);
		a->child[0].local = b->child[0].remote = range_side("10.3.0.0", "10.3.0.255");
		rig_init(&rig, 1, a, b);
		rig.a.traces = rig.b.traces = true;
		policy(whole == 1 ? "10.3.0.0/24" : "10.3.0.0/25", places[0].far);
		if (whole == 2)
			policy("10.3.0.0/24", places[0].far);
		ask(&rig.a, 0);
		expect_pairs(whole ? 1 : 0);
		if (!whole)
			says(&rig.a, "These are: 10.3.0.0/24 with 10.2.0.0/24");
		rig_fini(&rig);
	}
}

/* Each of which would need a policy. */
static void test_range_of_too_many_networks(void **state)
{
	begin(&places[0]);
	a->child[0].remote = b->child[0].local = range_side("10.2.0.1", "10.2.0.254");
	rig_init(&rig, 1, a, b);
	policy("10.1.0.1/32", "10.2.0.1/32");
	ask(&rig.a, 0);
	says(&rig.a, "the ranges of sainfo in line 0 cannot be said: they are of more than 16 networks");
	expect_pairs(0);
	rig_fini(&rig);
}

static bool no_quick_mode(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	enum { EXCHANGE_AT = 18 };

	return d[EXCHANGE_AT] != IKE1_QUICK;
}

/* A packet of another of the policies waits for the pair that is on its way. */
static void test_range_second_packet_joins(void **state)
{
	struct isakmp *sa;
	unsigned n = 0;

	begin(&places[0]);
	meet(&places[0]);
	rig.wire.tamper = no_quick_mode;
	ask(&rig.a, 0);
	ask(&rig.a, 3);
	sa = list_entry(rig.a.core->isakmp.next, struct isakmp, all);
	list_foreach (q, &sa->quicks, struct quick, node)
		n++;
	assert_int_equal(n, 1);
	rig.wire.tamper = NULL;
	rig_run(&rig, LONG_MS);
	assert_int_equal(rig_count(&rig.a, true), 1);
	rig_fini(&rig);
}

/* And so does one that met its policy just before the pair was there, and is heard of just after: on the side
 * that answers, the answer to the first packet. */
static void test_range_late_packet_joins(void **state)
{
	enum { BEGUN_MS = 1 };

	for (unsigned side = 0; side < 2; side++) {
		begin(&places[0]);
		meet(&places[0]);
		rig_packet(&rig.a, 0);
		while (!rig.a.core->n_children || !rig.b.core->n_children)
			rig_run(&rig, BEGUN_MS);
		rig_packet(side ? &rig.a : &rig.b, 3);
		rig_run(&rig, ENOUGH_MS);
		expect_pairs(1);
		rig_fini(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_range_of_several_networks),
	    cmocka_unit_test(test_range_is_renewed),
	    cmocka_unit_test(test_range_and_anonymous),
	    cmocka_unit_test(test_range_that_policies_do_not_fill),
	    cmocka_unit_test(test_range_whose_policies_differ),
	    cmocka_unit_test(test_range_is_not_said_without_policies),
	    cmocka_unit_test(test_range_that_is_a_network),
	    cmocka_unit_test(test_range_of_too_many_networks),
	    cmocka_unit_test(test_range_second_packet_joins),
	    cmocka_unit_test(test_range_late_packet_joins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
