/*
 * Which policies a peer's identities mean (racoon-conf.md section 9): the classic cases by name, then random
 * SPDs against a model that knows nothing but arrays and bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "policyd/match.h"
#include "support/model_spd.h"

static struct inet_addr addr(const char *text)
{
	struct inet_addr a;

	assert_int_equal(inet_addr_parse(text, &a), 0);
	return a;
}

static struct selector sel(const char *src, uint8_t src_len, const char *dst, uint8_t dst_len, uint16_t proto)
{
	return (struct selector){.src = {addr(src), src_len}, .dst = {addr(dst), dst_len}, .proto = proto};
}

static void add(
    struct spd *spd, uint32_t id, enum policy_dir dir, const struct selector *s, enum policy_action action)
{
	const struct policy p = {.id = id, .dir = dir, .action = action, .sel = *s};

	assert_int_equal(spd_insert(spd, &p, NULL), 0);
}

static uint32_t matched(const struct spd *spd, const struct selector *s, const char *src, const char *dst)
{
	const struct inet_addr a = addr(src), b = addr(dst);
	const struct policy *p = match_policy(spd, POLICY_OUT, s, &a, &b);

	return p ? p->id : 0;
}

static void networks_are_compared_exactly(void **state)
{
	AUTO_SPD struct spd *spd = NULL;
	struct selector s = sel("10.1.2.3", 24, "10.9.0.0", 16, IPPROTO_ANY_);

	assert_int_equal(spd_new(&spd), 0);
	add(spd, 1, POLICY_OUT, &s, POLICY_IPSEC);
	s = sel("10.1.2.0", 24, "10.9.0.0", 16, IPPROTO_ANY_); /* host bits do not count */
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 1);
	s = sel("10.1.2.0", 25, "10.9.0.0", 16, IPPROTO_ANY_); /* inside is not the same */
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 0);
	s = sel("10.1.2.0", 24, "10.9.0.0", 16, 6);
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 0);
	/* Hosts, but not those of the exchange. */
	s = sel("10.1.2.3", 32, "10.9.0.1", 32, IPPROTO_ANY_);
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 0);
	assert_int_equal(matched(spd, &s, "10.1.2.3", "192.0.2.2"), 0);
	assert_int_equal(matched(spd, &s, "10.1.2.3", "10.9.0.1"), 1); /* looks to be transport mode */
}

static void transport_mode_takes_any_on_either_side(void **state)
{
	AUTO_SPD struct spd *spd = NULL;
	struct selector s = sel("192.0.2.1", 32, "192.0.2.0", 24, 17);

	assert_int_equal(spd_new(&spd), 0);
	s.sport = s.dport = 500;
	add(spd, 1, POLICY_OUT, &s, POLICY_PASS); /* IKE itself: in front, and no reason to find nothing */
	s = sel("192.0.2.1", 32, "192.0.2.0", 24, 6);
	s.dport = 80;
	add(spd, 2, POLICY_OUT, &s, POLICY_IPSEC);
	s = sel("192.0.2.1", 32, "192.0.2.2", 32, IPPROTO_ANY_); /* any at the peer */
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 2);
	s.proto = 6; /* any port at the peer */
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 2);
	s.sport = 4000; /* any port in the policy */
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 2);
	s.dport = 81;
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 0);
	s = sel("192.0.2.1", 32, "192.0.2.2", 32, 17);
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 0);
}

static void only_ipsec_policies(void **state)
{
	AUTO_SPD struct spd *spd = NULL;
	const struct selector s = sel("192.0.2.1", 32, "192.0.2.2", 32, IPPROTO_ANY_);

	assert_int_equal(spd_new(&spd), 0);
	add(spd, 1, POLICY_OUT, &s, POLICY_DISCARD);
	assert_int_equal(matched(spd, &s, "192.0.2.1", "192.0.2.2"), 0);
}

static void mirror_turns_ports_and_leaves_types(void **state)
{
	struct selector s = sel("10.0.0.1", 32, "10.0.1.0", 24, 17), m;

	s.sport = 1;
	s.dport = 2;
	m = match_mirror(&s);
	assert_true(inet_prefix_equal(&m.src, &s.dst) && inet_prefix_equal(&m.dst, &s.src));
	assert_int_equal(m.sport, 2);
	assert_int_equal(m.dport, 1);
	s.proto = 1;
	s.misc = true;
	m = match_mirror(&s);
	assert_int_equal(m.sport, 1);
	assert_int_equal(m.dport, 2);
}

/* -- the model */

static bool bits_same(const struct inet_addr *a, const struct inet_addr *b, unsigned n)
{
	if (a->family != b->family)
		return false;
	for (unsigned i = 0; i < n; i++)
		if ((a->b[i / 8] >> (7 - i % 8) & 1) != (b->b[i / 8] >> (7 - i % 8) & 1))
			return false;
	return true;
}

static bool stupid_exact(const struct selector *a, const struct selector *b)
{
	return a->src.plen == b->src.plen && a->dst.plen == b->dst.plen &&
	       bits_same(&a->src.addr, &b->src.addr, a->src.plen) &&
	       bits_same(&a->dst.addr, &b->dst.addr, a->dst.plen) && a->proto == b->proto &&
	       a->sport == b->sport && a->dport == b->dport && a->misc == b->misc;
}

static bool stupid_around(const struct selector *policy, const struct selector *hosts)
{
	if (!bits_same(&policy->src.addr, &hosts->src.addr, policy->src.plen))
		return false;
	if (!bits_same(&policy->dst.addr, &hosts->dst.addr, policy->dst.plen))
		return false;
	if (policy->proto != 256 && hosts->proto != 256 && policy->proto != hosts->proto)
		return false;
	if (policy->sport && hosts->sport && policy->sport != hosts->sport)
		return false;
	return !policy->dport || !hosts->dport || policy->dport == hosts->dport;
}

static uint32_t stupid_match(const struct model_spd *m, enum policy_dir dir, const struct selector *s,
    const struct inet_addr *src, const struct inet_addr *dst)
{
	unsigned full = src->family == INET_V4 ? 32 : 128;

	for (size_t i = 0; i < m->n; i++)
		if (m->p[i].dir == dir && m->p[i].action == POLICY_IPSEC && stupid_exact(&m->p[i].sel, s))
			return m->p[i].id;
	if (s->src.plen != full || s->dst.plen != full || !bits_same(&s->src.addr, src, full) ||
	    !bits_same(&s->dst.addr, dst, full))
		return 0;
	for (size_t i = 0; i < m->n; i++)
		if (m->p[i].dir == dir && m->p[i].action == POLICY_IPSEC && stupid_around(&m->p[i].sel, s))
			return m->p[i].id;
	return 0;
}

/* A question near what is there: some policy's selector, or a packet's hosts. */
static struct selector random_question(struct rng *rng, const struct model_spd *m, uint8_t family)
{
	const struct packet_key k = model_random_packet(rng, family);
	struct selector s = model_random_policy(rng, family).sel;

	if (m->n && rng_below(rng, 2))
		s = m->p[rng_below(rng, (uint32_t)m->n)].sel;
	if (rng_below(rng, 2) && s.src.addr.family == family) {
		s.src = inet_prefix_host(&k.src);
		s.dst = inet_prefix_host(&k.dst);
	}
	return s;
}

static void random_spds_against_the_model(void **state)
{
	unsigned n_exact = 0, n_none = 0;
	struct rng_seeded rng;

	rng_seeded_init(&rng, 21);
	for (int round = 0; round < 300; round++) {
		static struct model_spd m;
		AUTO_SPD struct spd *spd = NULL;
		const uint8_t family = round % 3 ? INET_V4 : INET_V6;
		const uint32_t n = 10 + rng_below(&rng.rng, 90);

		m.n = 0;
		assert_int_equal(spd_new(&spd), 0);
		for (uint32_t id = 1; id < n; id++) {
			struct policy p = model_random_policy(&rng.rng, family);

			p.id = id;
			if (model_spd_add(&m, &p) == 0)
				assert_int_equal(spd_insert(spd, &p, NULL), 0);
		}
		for (int q = 0; q < 100; q++) {
			const struct selector s = random_question(&rng.rng, &m, family);
			const struct packet_key k = model_random_packet(&rng.rng, family);
			const bool own = rng_below(&rng.rng, 2);
			const struct inet_addr *src = own ? &s.src.addr : &k.src,
			                       *dst = own ? &s.dst.addr : &k.dst;
			const enum policy_dir dir = q % 2 ? POLICY_OUT : POLICY_IN;
			const struct policy *p = match_policy(spd, dir, &s, src, dst);

			assert_int_equal(p ? p->id : 0, stupid_match(&m, dir, &s, src, dst));
			n_none += !p;
			n_exact += p && selector_equal(&p->sel, &s);
		}
	}
	/* The questions were worth asking. */
	assert_true(n_none > 1000 && n_exact > 1000 && 30000 - n_none - n_exact > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(networks_are_compared_exactly),
	    cmocka_unit_test(transport_mode_takes_any_on_either_side),
	    cmocka_unit_test(only_ipsec_policies),
	    cmocka_unit_test(mirror_turns_ports_and_leaves_types),
	    cmocka_unit_test(random_spds_against_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
