/*
 * Narrowing against a model that knows nothing but points: every packet of a small world is looked at by
 * itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "keyd/ike2/selectors.h"

enum {
	ADDRS = 8, /* of each side: 10.SIDE.0.0/29 */
	TCP = 6,
	UDP = 17,
	POLICIES_MAX = 5,
	RUNS = 5000,
};

static const uint16_t ports[] = {0, 80, 81, 65535}; /* 80 and 81 are what policies have */
static const uint8_t protos[] = {1, TCP, UDP, 99};  /* the last one stands for all that nobody names */

struct point {
	uint8_t proto;
	uint32_t a, b; /* addresses, local and remote */
	uint16_t a_port, b_port;
};

static struct rng_seeded rng;

static uint32_t below(uint32_t n)
{
	return rng_below(&rng.rng, n);
}

static struct inet_addr addr_of(bool local, uint32_t i)
{
	return inet_addr_v4((local ? 0x0a010000u : 0x0a020000u) + i);
}

/* --- the model --- */

static bool ts_has(const struct ike2_ts *t, uint8_t proto, uint32_t addr, uint16_t port, bool local)
{
	const struct inet_addr a = addr_of(local, addr);

	return (t->proto == IKE2_TS_PROTO_ANY || t->proto == proto) && t->first_port <= port &&
	       port <= t->last_port && inet_addr_cmp(&t->first, &a) <= 0 && inet_addr_cmp(&a, &t->last) <= 0;
}

static bool list_has(const struct ike2_ts_list *l, uint8_t proto, uint32_t addr, uint16_t port, bool local)
{
	for (uint8_t i = 0; i < l->n; i++)
		if (ts_has(&l->ts[i], proto, addr, port, local))
			return true;
	return false;
}

static bool lists_have(const struct selectors *l, const struct point *p)
{
	return list_has(&l->local, p->proto, p->a, p->a_port, true) &&
	       list_has(&l->remote, p->proto, p->b, p->b_port, false);
}

static bool policy_has(const struct selector *s, const struct point *p)
{
	const struct inet_addr a = addr_of(true, p->a), b = addr_of(false, p->b);

	return (s->proto == IPPROTO_ANY_ || s->proto == p->proto) && (!s->sport || s->sport == p->a_port) &&
	       (!s->dport || s->dport == p->b_port) && inet_prefix_contains(&s->src, &a) &&
	       inet_prefix_contains(&s->dst, &b);
}

static bool next_point(struct point *p, uint32_t *at)
{
	uint32_t i = (*at)++;

	p->proto = protos[i % ARRAY_SIZE(protos)];
	i /= ARRAY_SIZE(protos);
	p->a_port = ports[i % ARRAY_SIZE(ports)];
	i /= ARRAY_SIZE(ports);
	p->b_port = ports[i % ARRAY_SIZE(ports)];
	i /= ARRAY_SIZE(ports);
	p->a = i % ADDRS;
	p->b = i / ADDRS;
	return p->b < ADDRS;
}

/* --- the world --- */

static struct inet_prefix some_prefix(bool local)
{
	uint8_t bits = (uint8_t)below(4);

	return (struct inet_prefix){addr_of(local, below(ADDRS) & ~((1u << bits) - 1)), (uint8_t)(32 - bits)};
}

static uint16_t some_proto(void)
{
	return below(2) ? IPPROTO_ANY_ : below(2) ? TCP : UDP;
}

static uint16_t some_port(uint16_t proto)
{
	return proto == IPPROTO_ANY_ || below(2) ? SELECTOR_PORT_ANY : (uint16_t)(80 + below(2));
}

/* All ports, those of policies, what is above them, or OPAQUE. */
static struct ike2_ts some_ts(bool local)
{
	static const uint16_t range[][2] = {
	    {0, 65535}, {0, 65535}, {0, 65535}, {80, 80}, {81, 65535}, {80, 81}, {0, 79}, {65535, 0}};
	uint32_t first = below(ADDRS), last = first + below(ADDRS - first), way = below(ARRAY_SIZE(range));

	return (struct ike2_ts){.proto = below(2) ? IKE2_TS_PROTO_ANY : protos[below(3)],
	    .first_port = range[way][0],
	    .last_port = range[way][1],
	    .first = addr_of(local, first),
	    .last = addr_of(local, last)};
}

static void some_list(struct ike2_ts_list *l, bool local)
{
	l->n = (uint8_t)(1 + below(4));
	for (uint8_t i = 0; i < l->n; i++)
		l->ts[i] = some_ts(local);
}

/* One child's: every pair of what each side has, where the protocols meet. */
static uint16_t some_policies(struct selector ret[POLICIES_MAX * POLICIES_MAX])
{
	struct selector a[POLICIES_MAX], b[POLICIES_MAX];
	uint32_t n_a = 1 + below(3), n_b = 1 + below(3);
	uint16_t n = 0;

	for (uint32_t i = 0; i < n_a; i++) {
		a[i] = (struct selector){.src = some_prefix(true), .proto = some_proto()};
		a[i].sport = some_port(a[i].proto);
	}
	for (uint32_t i = 0; i < n_b; i++) {
		b[i] = (struct selector){.dst = some_prefix(false), .proto = some_proto()};
		b[i].dport = some_port(b[i].proto);
	}
	for (uint32_t i = 0; i < n_a; i++)
		for (uint32_t k = 0; k < n_b; k++) {
			if (a[i].proto != IPPROTO_ANY_ && b[k].proto != IPPROTO_ANY_ &&
			    a[i].proto != b[k].proto)
				continue;
			ret[n] = (struct selector){.src = a[i].src,
			    .dst = b[k].dst,
			    .sport = a[i].sport,
			    .dport = b[k].dport,
			    .proto = a[i].proto == IPPROTO_ANY_ ? b[k].proto : a[i].proto};
			n++;
		}
	return n;
}

/* Whether they have all of its points; *ret_touches: any. */
static bool model_has(const struct selectors *l, const struct selector *policy, bool *ret_touches)
{
	struct point p;
	bool all = true;

	*ret_touches = false;
	for (uint32_t at = 0; next_point(&p, &at);) {
		if (!policy_has(policy, &p))
			continue;
		all = all && lists_have(l, &p);
		*ret_touches |= lists_have(l, &p);
	}
	return all;
}

static void test_covering_and_touching_are_as_points_say(void **state)
{
	unsigned n_yes = 0, n_no = 0;

	(void)state;
	rng_seeded_init(&rng, 1);
	for (int run = 0; run < RUNS; run++) {
		struct selector policy[POLICIES_MAX * POLICIES_MAX];
		struct selectors l = {0};
		uint16_t n = some_policies(policy);

		some_list(&l.local, true);
		some_list(&l.remote, false);
		for (uint16_t i = 0; i < n; i++) {
			bool touches, has = model_has(&l, &policy[i], &touches);

			if (selectors_have(&l, &policy[i]) != has)
				fail_msg("run %d, policy %u: the model says %d", run, i, has);
			/* Each side by itself: that both meet in one protocol is not asked. */
			if (touches && !selectors_touch(&l, &policy[i]))
				fail_msg("run %d, policy %u: it is touched", run, i);
			n_yes += has;
			n_no += !has;
		}
	}
	assert_true(n_yes > RUNS / 50 && n_no > RUNS / 50);
}

/* What is answered: nothing that was not offered, nothing that no policy has that was taken, and all of
 * those; the first one always. */
static void test_answers_are_what_both_have(void **state)
{
	unsigned n_several = 0, n_fewer = 0;

	(void)state;
	rng_seeded_init(&rng, 2);
	for (int run = 0; run < RUNS; run++) {
		struct selector policy[POLICIES_MAX * POLICIES_MAX];
		bool taken[POLICIES_MAX * POLICIES_MAX];
		struct selectors offered = {0}, answer = {0};
		uint16_t n = some_policies(policy), n_taken, counted = 0;
		struct point p;

		some_list(&offered.local, true);
		some_list(&offered.remote, false);
		for (uint16_t i = 0; i < n; i++)
			if (below(3))
				assert_true(selectors_add(&offered, &policy[i]));
		if (!n || !selectors_have(&offered, &policy[0]))
			continue;
		n_taken = selectors_narrow(&offered, policy, n, taken);
		assert_true(taken[0]);
		for (uint16_t i = 0; i < n; i++) {
			counted += taken[i];
			if (taken[i])
				assert_true(selectors_add(&answer, &policy[i]));
		}
		assert_int_equal(counted, n_taken);
		n_several += n_taken > 1;
		n_fewer += n_taken < n;
		for (uint32_t at = 0; next_point(&p, &at);) {
			bool answered = lists_have(&answer, &p), by_policy = false, by_other = false;

			for (uint16_t i = 0; i < n; i++) {
				by_policy |= taken[i] && policy_has(&policy[i], &p);
				by_other |= !taken[i] && policy_has(&policy[i], &p);
			}
			if (answered != by_policy || (answered && !lists_have(&offered, &p)))
				fail_msg("run %d: point %u is answered %d, in a policy %d", run, at, answered,
				    by_policy);
			if (answered && by_other && n_taken > 1)
				fail_msg("run %d: point %u is of a policy that was not taken", run, at);
		}
	}
	assert_true(n_several > RUNS / 100 && n_fewer > RUNS / 100);
}

static struct ike2_ts range(
    uint8_t proto, uint16_t first_port, uint16_t last_port, const char *first, const char *last)
{
	struct ike2_ts t = {.proto = proto, .first_port = first_port, .last_port = last_port};

	assert_int_equal(inet_addr_parse(first, &t.first), 0);
	assert_int_equal(inet_addr_parse(last, &t.last), 0);
	return t;
}

/* The ends of what there is have nothing beside them. */
static void test_edges(void **state)
{
	const struct ike2_ts all4 = range(0, 0, 65535, "0.0.0.0", "255.255.255.255"),
	                     all6 = range(0, 0, 65535, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
	                     opaque = range(0, 65535, 0, "0.0.0.0", "255.255.255.255");
	struct ike2_ts_list l = {.n = 2,
	    .ts = {range(0, 0, 65535, "0.0.0.0", "127.255.255.255"),
	        range(0, 0, 65535, "128.0.0.0", "255.255.255.255")}};

	(void)state;
	assert_true(selectors_cover(&l, &all4));
	assert_false(selectors_cover(&l, &all6));
	l.ts[1].first.b[3] = 1;
	assert_false(selectors_cover(&l, &all4));
	l.ts[0] = range(0, 0, 65535, "::", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	l.ts[1] = range(0, 0, 65535, "8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_true(selectors_cover(&l, &all6));
	l.ts[0] = range(0, 0, 79, "0.0.0.0", "255.255.255.255");
	l.ts[1] = range(0, 80, 65535, "0.0.0.0", "255.255.255.255");
	assert_true(selectors_cover(&l, &all4));
	l.ts[1].first_port = 81;
	assert_false(selectors_cover(&l, &all4));
	l.ts[0] = opaque;
	l.ts[1] = opaque;
	assert_false(selectors_cover(&l, &all4));
}

/* Lists that cut everything into the most pieces cost no more than others, and the answer is no. */
static void test_awkward_lists_come_to_an_end(void **state)
{
	const struct ike2_ts all4 = range(0, 0, 65535, "0.0.0.0", "255.255.255.255");
	struct ike2_ts_list l = {.n = IKE2_TS_MAX};

	(void)state;
	for (uint8_t i = 0; i < IKE2_TS_MAX; i++) {
		l.ts[i] = range((uint8_t)(1 + i * 3), (uint16_t)(1 + i * 100), (uint16_t)(60000 - i * 100),
		    "1.0.0.0", "200.0.0.0");
		l.ts[i].first.b[1] = i;
		l.ts[i].last.b[1] = (uint8_t)(255 - i);
	}
	for (int i = 0; i < 1000; i++)
		assert_false(selectors_cover(&l, &all4));
}

/* Nor do they for all of a configuration's policies together; one that is simply named is found all the same.
 */
static void test_awkward_lists_and_many_policies(void **state)
{
	const struct ike2_ts named = range(6, 443, 443, "10.1.0.0", "10.1.0.255");
	struct selector any = {.proto = IPPROTO_ANY_}, web = {.proto = 6, .sport = 443, .dport = 443};
	struct selectors all = {.local.n = IKE2_TS_MAX, .remote.n = 1};

	(void)state;
	any.src.addr = any.dst.addr = inet_addr_v4(0);
	web.src = web.dst = (struct inet_prefix){inet_addr_v4(0x0a010000), 24};
	for (uint8_t i = 0; i < IKE2_TS_MAX; i++) {
		all.local.ts[i] = range((uint8_t)(1 + i * 3), (uint16_t)(1 + i * 100),
		    (uint16_t)(60000 - i * 100), "1.0.0.0", "200.0.0.0");
		all.local.ts[i].first.b[1] = i;
		all.local.ts[i].last.b[1] = (uint8_t)(255 - i);
	}
	all.local.ts[IKE2_TS_MAX - 1] = all.remote.ts[0] = named;
	for (int i = 0; i < 10000; i++)
		assert_false(selectors_have(&all, &any));
	assert_in_range(all.pieces, SELECTORS_PIECES_MAX, 2 * SELECTORS_PIECES_MAX);
	assert_true(selectors_have(&all, &web));
}

static void test_packets_first(void **state)
{
	struct selectors l = {.local = {.n = 1}, .remote = {.n = 1}};
	struct selector s = {.src = {inet_addr_v4(0x0a010000), 16},
	    .dst = {inet_addr_v4(0x0a020000), 16},
	    .proto = IPPROTO_ANY_};

	(void)state;
	l.local.ts[0] = range(TCP, 80, 80, "10.1.2.3", "10.1.2.3");
	l.remote.ts[0] = range(TCP, 999, 999, "10.2.2.3", "10.2.2.3");
	assert_int_equal(selectors_rank(&l, &s), 2);
	l.remote.ts[0] = range(TCP, 999, 999, "10.3.2.3", "10.3.2.3");
	assert_int_equal(selectors_rank(&l, &s), 0);
	l.local.ts[0] = l.remote.ts[0] = range(0, 0, 65535, "10.0.0.0", "10.255.255.255");
	assert_int_equal(selectors_rank(&l, &s), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_covering_and_touching_are_as_points_say),
	    cmocka_unit_test(test_answers_are_what_both_have),
	    cmocka_unit_test(test_edges),
	    cmocka_unit_test(test_awkward_lists_come_to_an_end),
	    cmocka_unit_test(test_awkward_lists_and_many_policies),
	    cmocka_unit_test(test_packets_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
