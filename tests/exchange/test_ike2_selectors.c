/*
 * Several traffic selectors for one pair of SAs (RFC 7296 sections 2.9 and 2.9.2): each side has networks,
 * and children that are for some of A's with some of B's. Whatever the other side takes of them, SAs are
 * bound to the policies that were agreed on and to no others, and what was left out comes by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "keyd/core/command.h"
#include "keyd/ike2/anew.h"
#include "keyd/ike2/pair_more.h"
#include "support/ike_rig.h"

enum {
	NETS = 3, /* of each side */
	ADDR_A = 0x0a000064,
	ADDR_B = 0x0a00006e,
	ENOUGH_MS = 3000,
	LONG_MS = 120000,
	HOUR_MS = 3600000,
};

/* A child: the networks of A and of B that it is for, as bits. Alone: each pair of them is a child of its
 * own. */
struct spec {
	unsigned a, b;
	bool alone;
};

static struct rig rig;

static struct inet_prefix net_of(bool of_a, unsigned i)
{
	return (struct inet_prefix){
	    .addr = inet_addr_v4((of_a ? 0x0a010000u : 0x0a020000u) + (i << 8)), .plen = 24};
}

static uint32_t policy_of(unsigned i, unsigned k, bool out)
{
	return 2 * (NETS * i + k) + (out ? 1 : 2);
}

/* Numbers that policyd would have given. */
static uint32_t reqid_of(unsigned i, unsigned k, bool out)
{
	return 0x8000 + policy_of(i, k, out);
}

/* The template is the rig's only child, and stays behind. */
static void add_child(
    struct ike_conf *c, const struct ike_child *like, bool of_a, unsigned i, unsigned k, uint32_t set)
{
	const struct inet_prefix a = net_of(true, i), b = net_of(false, k);
	struct ike_child *to = ike_conf_add_child(c);
	const struct ike_side x = {
	    .kind = IKE_SIDE_NET, .first = a.addr, .plen = a.plen, .proto = IPPROTO_ANY_};
	const struct ike_side y = {
	    .kind = IKE_SIDE_NET, .first = b.addr, .plen = b.plen, .proto = IPPROTO_ANY_};

	*to = *like;
	to->local = of_a ? x : y;
	to->remote = of_a ? y : x;
	to->remoteid = 1;
	to->set = set;
}

static struct ike_conf *conf_of(bool of_a, const struct spec *s)
{
	struct ike_conf *c = rig_conf2(IKE_AUTH_PSK);
	const struct ike_child like = c->child[0];
	uint32_t set = 0;

	c->peer[0].addr = inet_addr_v4(of_a ? ADDR_B : ADDR_A);
	c->peer[0].ph1id = 1;
	c->peer[0].block = 1;
	c->n_children = 0;
	for (; s->a; s++) {
		set++;
		for (unsigned i = 0; i < NETS; i++)
			for (unsigned k = 0; k < NETS; k++)
				if (s->a >> i & 1 && s->b >> k & 1)
					add_child(c, &like, of_a, i, k, s->alone ? 0 : set);
	}
	return c;
}

static struct policy policy_between(bool of_a, unsigned i, unsigned k, bool out)
{
	const struct inet_prefix a = net_of(true, i), b = net_of(false, k);
	const struct inet_addr end_a = inet_addr_v4(ADDR_A), end_b = inet_addr_v4(ADDR_B);
	bool from_a = of_a == out;
	struct policy p = {.id = policy_of(i, k, out),
	    .dir = out ? POLICY_OUT : POLICY_IN,
	    .action = POLICY_IPSEC,
	    .sel = {.src = from_a ? a : b, .dst = from_a ? b : a, .proto = IPPROTO_ANY_},
	    .n_requests = 1};

	p.req[0] = (struct policy_request){.proto = IPSEC_ESP,
	    .mode = IPSEC_TUNNEL,
	    .level = LEVEL_UNIQUE,
	    .src = from_a ? end_a : end_b,
	    .dst = from_a ? end_b : end_a,
	    .reqid = reqid_of(i, k, out),
	    .reqid_auto = true};
	return p;
}

static void give_policies(struct rig_side *side, const struct spec *s)
{
	bool of_a = side == &rig.a;

	side->n_policies = 0;
	for (; s->a; s++)
		for (unsigned i = 0; i < NETS; i++)
			for (unsigned k = 0; k < NETS; k++)
				if (s->a >> i & 1 && s->b >> k & 1) {
					side->out[side->n_policies] = policy_between(of_a, i, k, true);
					side->in[side->n_policies++] = policy_between(of_a, i, k, false);
				}
}

static void begin(uint64_t seed, const struct spec *a, const struct spec *b)
{
	rig_init(&rig, seed, conf_of(true, a), conf_of(false, b));
	give_policies(&rig.a, a);
	give_policies(&rig.b, b);
}

/* From A's network i to B's network k, or back. */
static void packet(struct rig_side *s, unsigned i, unsigned k)
{
	for (size_t n = 0; n < s->n_policies; n++)
		if (s->out[n].id == policy_of(i, k, true)) {
			rig_packet(s, n);
			return;
		}
	fail_msg("there is no policy for %u and %u", i, k);
}

/* SAs that a packet of this pair of networks may go, or come, through. */
static unsigned serving(const struct rig_side *s, unsigned i, unsigned k, bool inbound)
{
	unsigned n = 0;

	for (size_t x = 0; x < RIG_SAS_MAX; x++) {
		const struct sa_desc *d = &s->sa[x].desc;
		uint32_t reqid = reqid_of(i, k, !inbound);

		n += s->sa[x].serial && s->sa[x].inbound == inbound &&
		     (d->reqid == reqid || sa_reqids_have(d->more_reqids, d->n_more, reqid));
	}
	return n;
}

/* Of both sides, in both directions: `n` for these networks. */
static void assert_served(unsigned a, unsigned b, unsigned n)
{
	const struct rig_side *s[] = {&rig.a, &rig.b};

	for (unsigned i = 0; i < NETS; i++)
		for (unsigned k = 0; k < NETS; k++) {
			if (!(a >> i & 1) || !(b >> k & 1))
				continue;
			for (size_t x = 0; x < 4; x++)
				if (serving(s[x / 2], i, k, x % 2) != n)
					fail_msg("%u SAs of %c for %u and %u %s",
					    serving(s[x / 2], i, k, x % 2), x / 2 ? 'B' : 'A', i, k,
					    x % 2 ? "in" : "out");
		}
}

static struct child *first_child(struct rig_side *s)
{
	return list_entry(s->core->children.next, struct child, node);
}

static void assert_sound(uint32_t n_children)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
	assert_int_equal(rig.a.core->n_children, n_children);
	assert_int_equal(rig.b.core->n_children, n_children);
}

static const struct spec all[] = {{3, 7, false}, {0}};

static void test_one_pair_serves_all(void **state)
{
	(void)state;
	for (int from_b = 0; from_b < 2; from_b++) {
		begin(1, all, all);
		packet(from_b ? &rig.b : &rig.a, 1, 2);
		rig_run(&rig, ENOUGH_MS);
		assert_sound(1);
		assert_served(3, 7, 1);
		assert_int_equal(rig.n_datagrams, 4);
		rig_fini(&rig);
	}
}

/* The first that asked is named first, to whom takes no more than that. */
static void test_packets_of_others_wait_for_the_same_pair(void **state)
{
	(void)state;
	begin(1, all, all);
	packet(&rig.a, 0, 1);
	packet(&rig.a, 1, 0);
	packet(&rig.a, 1, 2);
	packet(&rig.a, 1, 2); /* policyd answers this one with the other */
	rig_run(&rig, 4);
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(1);
	assert_served(3, 7, 1);
	assert_int_equal(rig.a.n_done_ok, 4);
	assert_int_equal(rig.a.n_done_bad, 1);
	assert_int_equal(rig.n_datagrams, 4);
	rig_fini(&rig);
}

/* B has less: it takes what it has, and what is left out is asked for once for each packet. */
static void test_responder_narrows_to_what_it_has(void **state)
{
	static const struct spec less[] = {{1, 5, false}, {0}};
	unsigned n;

	(void)state;
	begin(1, all, less);
	packet(&rig.a, 0, 2);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(1);
	assert_served(1, 5, 1);
	assert_served(2, 7, 0);
	assert_served(3, 2, 0);
	n = rig.n_datagrams;
	packet(&rig.a, 1, 1);
	rig_run(&rig, LONG_MS / 10);
	assert_true(rig.n_datagrams <= n + 6);
	assert_int_equal(rig.a.n_done_ok, 1);
	assert_int_equal(rig.a.n_done_bad, 1);
	assert_sound(1);
	assert_served(1, 5, 1);
	rig_fini(&rig);
}

/* What the packet wants is not to be had: the rest is, and the packet hears no. */
static void test_what_asked_is_left_out(void **state)
{
	static const struct spec less[] = {{1, 7, false}, {0}};

	(void)state;
	begin(1, all, less);
	packet(&rig.a, 1, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(1);
	assert_served(1, 7, 1);
	assert_served(2, 7, 0);
	assert_int_equal(rig.a.n_done_ok, 0);
	assert_int_equal(rig.a.n_done_bad, 1);
	rig_fini(&rig);
}

/* A asks for more than one child of B's: the one with the packet's networks it is. */
static void test_the_packet_decides_between_children(void **state)
{
	static const struct spec two[] = {{1, 1, false}, {2, 7, false}, {0}};

	(void)state;
	begin(1, all, two);
	packet(&rig.a, 1, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(1);
	assert_served(2, 7, 1);
	assert_served(1, 7, 0);
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(2);
	assert_served(2, 7, 1);
	assert_served(1, 1, 1);
	rig_fini(&rig);
}

/* A peer that takes the first of each side: every packet gets its own pair, and then there is an end. */
static void test_peer_that_takes_the_first_only(void **state)
{
	static const struct spec alone[] = {{3, 7, true}, {0}};

	(void)state;
	begin(1, all, alone);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < NETS; k++) {
			packet(&rig.a, i, k);
			rig_run(&rig, ENOUGH_MS);
			assert_served(1u << i, 1u << k, 1);
		}
	assert_sound(6);
	assert_served(3, 7, 1);
	assert_int_equal(rig.a.n_done_ok, 6);
	rig_run(&rig, LONG_MS);
	assert_sound(6);
	rig_fini(&rig);
}

/* The same, and all want it at once. */
static void test_those_who_were_left_out_go_on_by_themselves(void **state)
{
	static const struct spec alone[] = {{3, 3, true}, {0}};

	(void)state;
	begin(1, (const struct spec[]){{3, 3, false}, {0}}, alone);
	for (unsigned i = 0; i < 4; i++)
		packet(&rig.a, i / 2, i % 2);
	rig_run(&rig, 4 * ENOUGH_MS);
	assert_sound(4);
	assert_served(3, 3, 1);
	assert_int_equal(rig.a.n_done_ok, 4);
	rig_fini(&rig);
}

/* One that says no to several: in IKE_AUTH, and later. */
static void test_peer_that_refuses_several(void **state)
{
	(void)state;
	begin(1, all, all);
	rig.b.grants_one = true;
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(1);
	assert_served(1, 1, 1);
	packet(&rig.a, 1, 2);
	packet(&rig.a, 1, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(3);
	assert_served(2, 6, 1);
	assert_served(2, 1, 0);
	assert_int_equal(rig.a.n_done_ok, 3);
	assert_int_equal(rig.a.n_done_bad, 0);
	rig_fini(&rig);
}

static struct ike2_pair *only_pair(struct rig_side *s)
{
	struct ikesa *sa = list_entry(s->core->ike2.sas.next, struct ikesa, all);

	assert_false(list_is_empty(&sa->pairs));
	return list_entry(sa->pairs.next, struct ike2_pair, node);
}

/* SINGLE_PAIR_REQUIRED is remembered as long as the IKE SA lives, its renewals included. */
static void test_single_pair_required(void **state)
{
	const struct ike_row_filter f = {.sas = true, .remote = inet_addr_v4(ADDR_B)};
	struct ike_row_ended ended;
	unsigned n;

	(void)state;
	begin(1, all, all);
	rig.b.grants_one = true; /* it says TS_UNACCEPTABLE, which nobody waits for by then */
	packet(&rig.a, 0, 0);
	while (only_pair(&rig.a)->state != PAIR_ASKED)
		rig_run(&rig, 1);
	assert_true(pair_again_alone(only_pair(&rig.a), IKE2_N_SINGLE_PAIR_REQUIRED));
	rig_run(&rig, ENOUGH_MS);
	core_renew(rig.a.core, &f, &ended);
	rig_run(&rig, ENOUGH_MS);
	assert_served(1, 1, 1);
	assert_served(2, 7, 0);
	n = rig.n_datagrams;
	packet(&rig.a, 1, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.n_datagrams, n + 2);
	assert_served(2, 2, 1);
	assert_served(2, 5, 0);
	rig_fini(&rig);
}

/* Renewals keep what there is, whoever begins them, and both at once. */
static void test_renewals_keep_the_set(void **state)
{
	static const struct spec less[] = {{1, 5, false}, {0}};

	(void)state;
	for (int narrowed = 0; narrowed < 2; narrowed++) {
		unsigned a = narrowed ? 1 : 3, b = narrowed ? 5 : 7;

		begin((uint64_t)narrowed + 1, all, narrowed ? less : all);
		packet(&rig.a, 0, 0);
		rig_run(&rig, ENOUGH_MS);
		for (int i = 0; i < 9; i++) {
			if (i % 3 != 1)
				rig_spent(&rig.a, false);
			if (i % 3)
				rig_spent(&rig.b, false);
			rig_run(&rig, LONG_MS);
			assert_sound(1);
			assert_served(a, b, 1);
			assert_served(narrowed ? 2 : 4, 7, 0);
		}
		assert_true(rig_live(&rig, 24 * (uint64_t)HOUR_MS));
		assert_served(a, b, 1);
		rig_fini(&rig);
	}
}

/* Both begin at once with different packets: one pair is enough. With their IKE SAs, or under one. */
static void test_both_begin_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 100; seed++) {
		begin(seed, all, all);
		if (seed % 2) {
			packet(&rig.a, 0, 0);
			rig_run(&rig, ENOUGH_MS);
			child_end(first_child(&rig.a), true, CHILD_DELETED);
			rig_run(&rig, ENOUGH_MS);
			assert_sound(0);
		}
		packet(&rig.a, 0, 1);
		rig_run(&rig, seed % 30);
		packet(&rig.b, 1, 2);
		rig_run(&rig, LONG_MS);
		assert_sound(1);
		assert_served(3, 7, 1);
		rig_fini(&rig);
	}
}

/* The policy that the child was made for first has gone: the others are renewed. */
static void test_first_policy_goes(void **state)
{
	static const struct spec less[] = {{1, 6, false}, {2, 7, false}, {0}};

	(void)state;
	begin(1, all, all);
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	give_policies(&rig.a, less);
	rig_spent(&rig.a, false);
	rig_run(&rig, LONG_MS);
	assert_sound(1);
	assert_served(2, 7, 1);
	assert_served(1, 6, 1);
	assert_int_equal(serving(&rig.a, 0, 0, true), 0);
	rig_fini(&rig);
}

/* An IKE SA that takes no more is begun anew: all that its children serve is there again, in whatever
 * portions the peer takes it. */
static void test_begun_anew(void **state)
{
	static const struct spec alone[] = {{3, 3, true}, {0}}, four[] = {{3, 3, false}, {0}};

	(void)state;
	for (int apart = 0; apart < 2; apart++) {
		struct ikesa *sa;

		begin(1, four, four);
		packet(&rig.a, 0, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_sound(1);
		sa = list_entry(rig.a.core->ike2.sas.next, struct ikesa, all);
		assert_int_equal(core_load(rig.b.core, 2, conf_of(false, apart ? alone : four)), 0);
		anew_begin(sa);
		rig_run(&rig, LONG_MS);
		assert_sound(apart ? 4 : 1);
		assert_served(3, 3, 1);
		assert_ptr_not_equal(list_entry(rig.a.core->ike2.sas.next, struct ikesa, all), sa);
		rig_fini(&rig);
	}
}

/* A policy that was not there, and is now: the renewal has it, because the others' lists name it. */
static void test_missing_policy_comes_with_the_renewal(void **state)
{
	static const struct spec less[] = {{1, 7, false}, {2, 5, false}, {0}};

	(void)state;
	begin(1, all, all);
	give_policies(&rig.a, less);
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(1);
	assert_served(1, 7, 1);
	assert_int_equal(serving(&rig.a, 1, 1, true), 0);
	give_policies(&rig.a, all);
	rig_spent(&rig.a, false);
	rig_run(&rig, LONG_MS);
	assert_sound(1);
	assert_served(3, 7, 1);
	rig_fini(&rig);
}

/* The configuration has more networks than before: what is there stays, and what is new comes beside it. */
static void test_networks_are_added(void **state)
{
	static const struct spec less[] = {{3, 3, false}, {0}};
	uint32_t spi;

	(void)state;
	begin(1, less, less);
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	spi = first_child(&rig.a)->part[0].spi_in;
	assert_int_equal(core_load(rig.a.core, 2, conf_of(true, all)), 0);
	assert_int_equal(core_load(rig.b.core, 2, conf_of(false, all)), 0);
	give_policies(&rig.a, all);
	give_policies(&rig.b, all);
	packet(&rig.a, 0, 2);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(2);
	assert_served(3, 7, 1);
	assert_int_equal(first_child(&rig.a)->part[0].spi_in, spi);
	rig_spent(&rig.a, false); /* each of the two is renewed as what it was */
	rig_run(&rig, LONG_MS);
	assert_sound(2);
	assert_served(3, 7, 1);
	rig_fini(&rig);
}

/* The peer renews a child and names more than that has, something else first (section 2.9.2): it stays what
 * it was. */
static void test_peer_renews_with_more_than_there_was(void **state)
{
	static const struct spec two[] = {{1, 1, false}, {2, 7, false}, {0}};
	struct child *k;

	(void)state;
	begin(1, all, two);
	packet(&rig.a, 1, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_served(2, 7, 1);
	k = first_child(&rig.a);
	for (uint16_t i = 0; i < k->n_more; i++)
		list_remove(&k->links[i].node);
	free(k->more);
	free(k->links);
	k->out = policy_between(true, 0, 0, true);
	k->n_more = 0;
	k->more = calloc(2 * NETS, sizeof(*k->more));
	k->links = calloc(2 * NETS, sizeof(*k->links));
	for (size_t i = 0; i < 2 * NETS; i++)
		list_init(&k->links[i].node);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < NETS; j++)
			if (i || j)
				k->more[k->n_more++] = (struct ike_row_also){.policy = policy_of(i, j, true),
				    .sel = policy_between(true, i, j, true).sel};
	k->ops->renew(k);
	rig_run(&rig, LONG_MS);
	assert_sound(2); /* what it had named first has come by itself */
	assert_served(2, 7, 1);
	assert_served(1, 1, 1);
	rig_fini(&rig);
}

/* What the peer has made in IKE_AUTH is less than any policy of ours: it goes again. */
static void test_answer_that_has_no_policy_in_whole(void **state)
{
	(void)state;
	rig_init(&rig, 1, conf_of(true, all), rig_conf2(IKE_AUTH_PSK));
	give_policies(&rig.a, all);
	give_policies(&rig.b, (const struct spec[]){{1, 1, true}, {0}});
	rig.b.out[0].sel.src.plen = rig.b.in[0].sel.dst.plen = 25;
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_logged(&rig.a, "narrows the traffic to less than the policy has"));
	assert_true(rig_logged(&rig.b, "IPsec-SA deleted by the peer"));
	assert_sound(0);
	assert_int_equal(rig.a.n_done_bad, 1);
	rig_fini(&rig);
}

static struct ike_conf *kept(const struct spec *s)
{
	struct ike_conf *c = conf_of(true, s);

	c->peer[0].keep_up = true;
	return c;
}

/* One of the policies asks for other SAs, as root may have it. No pair is for all the others then: what both
 * sides' networks are together has that one in it. */
static void test_policy_that_asks_for_something_else(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct rig_side *s = i / 2 ? &rig.b : &rig.a;

		begin(1, all, all);
		(i % 2 ? s->in : s->out)[5].req[0].proto = IPSEC_AH;
		packet(&rig.a, 0, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_sound(1);
		assert_served(1, 1, 1);
		assert_served(2, 7, 0);
		rig_fini(&rig);
	}
}

/* What has SAs is not named again with what has none: the peer would send through the newest, which is not
 * bound to it here. */
static void test_a_later_pair_names_nothing_that_is_served(void **state)
{
	static const struct spec first[] = {{1, 1, false}, {0}};

	(void)state;
	begin(1, all, first);
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(1);
	assert_served(1, 1, 1);
	assert_int_equal(core_load(rig.b.core, 2, conf_of(false, all)), 0);
	give_policies(&rig.b, all);
	packet(&rig.a, 1, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(2);
	assert_served(1, 1, 1);
	assert_served(2, 7, 1);
	assert_served(1, 6, 0);
	packet(&rig.b, 0, 2);
	rig_run(&rig, ENOUGH_MS);
	assert_sound(3);
	assert_served(3, 7, 1);
	rig_fini(&rig);
}

static unsigned n_kept, n_kept_up;

static void count_kept(void *arg, const struct ike_row *row)
{
	(void)arg;
	n_kept += row->kept != NULL;
	n_kept_up += row->kept && row->kept->state == IKE_KEPT_UP;
}

/* How many of the policies that are kept up are. */
static unsigned kept_up(void)
{
	n_kept = n_kept_up = 0;
	core_show(rig.a.core, count_kept, NULL);
	assert_int_equal(n_kept, 2 * NETS);
	return n_kept_up;
}

/* All of a child is kept up by one pair; what the peer does not take is asked for less and less. */
static void test_kept_up(void **state)
{
	static const struct spec less[] = {{1, 7, false}, {0}};
	unsigned n;

	(void)state;
	for (int narrowed = 0; narrowed < 2; narrowed++) {
		rig_init(&rig, 1, kept(all), conf_of(false, narrowed ? less : all));
		give_policies(&rig.a, all);
		give_policies(&rig.b, narrowed ? less : all);
		rig_run(&rig, 2 * ENOUGH_MS);
		assert_served(1, 7, 1);
		assert_served(2, 7, narrowed ? 0 : 1);
		assert_int_equal(rig.a.core->n_children, 1);
		rig_run(&rig, LONG_MS);
		n = rig.n_datagrams;
		rig_run(&rig, LONG_MS);
		assert_true(rig.n_datagrams - n < (narrowed ? 80 : 30));
		assert_int_equal(rig.a.core->n_children, 1);
		child_end(first_child(&rig.a), true, CHILD_DELETED);
		assert_int_equal(kept_up(), 0);
		rig_run(&rig, 5000);
		assert_served(1, 7, 1);
		assert_int_equal(kept_up(), narrowed ? NETS : 2 * NETS);
		rig_fini(&rig);
	}
}

static unsigned n_rows, n_also;

static void count_rows(void *arg, const struct ike_row *row)
{
	(void)arg;
	n_rows += row->child != NULL;
	n_also += row->also != NULL;
}

/* It is shown with all that it serves, and ended by any of it. */
static void test_shown_and_ended_by_any_selector(void **state)
{
	struct ike_row_filter f = {.children = true, .has_sel = true};
	struct ike_row_ended ended;

	(void)state;
	begin(1, all, all);
	packet(&rig.a, 0, 0);
	rig_run(&rig, ENOUGH_MS);
	n_rows = n_also = 0;
	core_show(rig.a.core, count_rows, NULL);
	assert_int_equal(n_rows, 1);
	assert_int_equal(n_also, 5);
	f.sel = policy_between(true, 1, 1, true).sel;
	core_end(rig.a.core, &f, &ended);
	assert_int_equal(ended.n_children, 1);
	rig_run(&rig, LONG_MS);
	assert_sound(0);
	rig_fini(&rig);
}

/* What one side may send through a pair, the other lets in through it. */
static void assert_bindings_agree(const struct rig_side *from, const struct rig_side *to, uint64_t seed)
{
	list_foreach (k, &from->core->children, struct child, node)
		list_foreach (other, &to->core->children, struct child, node)
			for (uint16_t i = 0; k->part[0].spi_out == other->part[0].spi_in && i <= k->n_more;
			     i++)
				if (!child_serves(other, i ? k->more[i - 1].policy : k->out.id))
					fail_msg("seed %llu: a pair is for more policies on one side than on "
					         "the other",
					    (unsigned long long)seed);
}

static bool spd_has(const struct rig_side *s, unsigned i, unsigned k)
{
	for (size_t n = 0; n < s->n_policies; n++)
		if (s->out[n].id == policy_of(i, k, true))
			return true;
	return false;
}

/* Any children on both sides, any packets, a bad wire: what both have is there in the end, once or more, what
 * one does not have is not, and nothing is left over. */
static void test_random_sets_over_a_bad_wire(void **state)
{
	enum { RUNS = 150, PACKETS = 12 };

	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct rng_seeded rng;
		struct spec s[2][4] = {{{0}}};
		const char *why = "";

		rng_seeded_init(&rng, seed);
		for (int side = 0; side < 2; side++) {
			unsigned cut = rng_below(&rng.rng, 8), at = 0, rest = 7 & ~cut;

			if (cut)
				s[side][at++] = (struct spec){
				    cut, 1 + rng_below(&rng.rng, 7), rng_below(&rng.rng, 4) == 0};
			if (rest)
				s[side][at++] = (struct spec){
				    rest, 1 + rng_below(&rng.rng, 7), rng_below(&rng.rng, 4) == 0};
		}
		begin(seed, s[0], s[1]);
		rig.wire = (struct rig_wire){.loss = 100, .twice = 50, .late = 50};
		for (int i = 0; i < PACKETS; i++) {
			struct rig_side *from = rng_below(&rng.rng, 2) ? &rig.a : &rig.b;

			rig_packet(from, rng_below(&rng.rng, (uint32_t)from->n_policies));
			rig_run(&rig, rng_below(&rng.rng, 3000));
		}
		rig_run(&rig, LONG_MS);
		rig.wire = (struct rig_wire){0};
		/* Twice: one side may find out only then that all was lost. */
		for (size_t i = 0; i < 2 * rig.a.n_policies; i++) {
			if (!child_of_policy(rig.a.core, rig.a.out[i % rig.a.n_policies].id))
				rig_packet(&rig.a, i % rig.a.n_policies);
			rig_run(&rig, i == rig.a.n_policies ? LONG_MS : 4 * ENOUGH_MS);
		}
		rig_run(&rig, LONG_MS);
		if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
			fail_msg("seed %llu: %s", (unsigned long long)seed, why);
		assert_bindings_agree(&rig.a, &rig.b, seed);
		assert_bindings_agree(&rig.b, &rig.a, seed);
		for (unsigned i = 0; i < NETS; i++)
			for (unsigned k = 0; k < NETS; k++) {
				bool both = spd_has(&rig.a, i, k) && spd_has(&rig.b, i, k);
				unsigned out = serving(&rig.a, i, k, false), in = serving(&rig.b, i, k, true);

				if (!out != !both || !in != !both)
					fail_msg("seed %llu: %u and %u SAs for %u and %u",
					    (unsigned long long)seed, out, in, i, k);
			}
		rig_fini(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_pair_serves_all),
	    cmocka_unit_test(test_packets_of_others_wait_for_the_same_pair),
	    cmocka_unit_test(test_responder_narrows_to_what_it_has),
	    cmocka_unit_test(test_what_asked_is_left_out),
	    cmocka_unit_test(test_the_packet_decides_between_children),
	    cmocka_unit_test(test_peer_that_takes_the_first_only),
	    cmocka_unit_test(test_those_who_were_left_out_go_on_by_themselves),
	    cmocka_unit_test(test_peer_that_refuses_several),
	    cmocka_unit_test(test_single_pair_required),
	    cmocka_unit_test(test_renewals_keep_the_set),
	    cmocka_unit_test(test_both_begin_at_once),
	    cmocka_unit_test(test_first_policy_goes),
	    cmocka_unit_test(test_begun_anew),
	    cmocka_unit_test(test_missing_policy_comes_with_the_renewal),
	    cmocka_unit_test(test_networks_are_added),
	    cmocka_unit_test(test_peer_renews_with_more_than_there_was),
	    cmocka_unit_test(test_answer_that_has_no_policy_in_whole),
	    cmocka_unit_test(test_policy_that_asks_for_something_else),
	    cmocka_unit_test(test_a_later_pair_names_nothing_that_is_served),
	    cmocka_unit_test(test_kept_up),
	    cmocka_unit_test(test_shown_and_ended_by_any_selector),
	    cmocka_unit_test(test_random_sets_over_a_bad_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
