/*
 * The compiler against the model: random SPDs, random packets, each seen with ports, without, and without
 * even its upper protocol. Walking the layers must find what the first match of the list says; where the
 * kernel cannot know, it must never end up in clear when the truth is that the packet is protected or
 * discarded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "policyd/compile/layer.h"
#include "support/model_spd.h"

/* What the kernel reads: ICMP type and code come as one number. */
struct view {
	struct packet_key k;
	uint16_t th_sport, th_dport;
};

static struct view view_of(const struct packet_key *k, struct rng *rng)
{
	struct view v = {.k = *k, .th_sport = k->sport, .th_dport = k->dport};

	if (k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6) {
		v.th_sport = (uint16_t)(k->sport << 8 | k->dport);
		v.th_dport = (uint16_t)rng_below(rng, 65536);
	} else if (!ip_proto_has_ports(k->proto)) {
		v.th_sport = (uint16_t)rng_below(rng, 65536);
		v.th_dport = (uint16_t)rng_below(rng, 65536);
	}
	return v;
}

static bool in_box(const struct box *b, const struct view *v, enum box_sight sight)
{
	if (!inet_prefix_contains(&b->src, &v->k.src) || !inet_prefix_contains(&b->dst, &v->k.dst))
		return false;
	if (sight == BOX_SEES_ADDRS)
		return true;
	if (v->k.proto < b->proto_lo || v->k.proto > b->proto_hi)
		return false;
	return sight == BOX_SEES_PROTO || (v->th_sport >= b->sport_lo && v->th_sport <= b->sport_hi &&
	                                      v->th_dport >= b->dport_lo && v->th_dport <= b->dport_hi);
}

/* The kernel's walk: one map after the other, and no packet is in two boxes of one map. */
static const struct box *walk(const struct box_list *l, const struct view *v, enum box_sight sight)
{
	const struct box *found = NULL;

	for (size_t i = 0; i < l->n; i++) {
		if (!in_box(&l->b[i], v, sight))
			continue;
		if (!found)
			found = &l->b[i];
		else
			assert_int_not_equal(found->layer, l->b[i].layer);
	}
	return found;
}

/* Can a map say exactly what this selector says, when ports can be read? */
static bool expressible(const struct selector *s)
{
	if (!s->sport && !s->dport)
		return true;
	if (s->proto == 1 || s->proto == 58)
		return s->sport != 0;
	return s->proto == 256 || s->proto == 6 || s->proto == 17;
}

static enum box_verdict verdict_of_class(enum policy_class c)
{
	switch (c) {
	case POLICY_CLASS_PASS:
		return BOX_PASS;
	case POLICY_CLASS_DISCARD:
		return BOX_DISCARD;
	case POLICY_CLASS_USE:
		return BOX_USE;
	default:
		return BOX_PROTECT;
	}
}

/* 0: the packet goes in clear. */
static enum box_verdict effect(enum box_verdict v, enum policy_dir dir)
{
	return v == BOX_PASS || (v == BOX_USE && dir != POLICY_OUT) ? 0 : v;
}

struct scene {
	struct model_spd m;
	struct spd *spd;
	bool all_expressible[4]; /* by direction */
};

static void scene_make(struct scene *s, struct rng *rng, uint8_t family, uint32_t n)
{
	*s = (struct scene){.all_expressible = {true, true, true, true}};
	assert_int_equal(spd_new(&s->spd), 0);
	for (uint32_t i = 1; i <= n; i++) {
		struct policy p = model_random_policy(rng, family);

		p.id = i;
		p.in_only = p.dir == POLICY_IN && rng_below(rng, 3) == 0;
		if (rng_below(rng, 3) == 0)
			p.sel.sport = p.sel.dport = p.sel.misc = 0;
		if (model_spd_add(&s->m, &p) == 0) {
			assert_int_equal(spd_insert(s->spd, &p, NULL), 0);
			s->all_expressible[p.dir] &= expressible(&p.sel);
		}
	}
}

static const enum policy_dir dir_of[] = {
    [BOX_FROM_OUT] = POLICY_OUT,
    [BOX_FROM_IN] = POLICY_IN,
    [BOX_FROM_FWD] = POLICY_FWD,
    [BOX_FROM_MIRRORED] = POLICY_IN,
};

static const struct policy *model_first(
    const struct model_spd *m, enum box_source from, const struct packet_key *k)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->p[i].dir == dir_of[from] && !(from == BOX_FROM_MIRRORED && m->p[i].in_only) &&
		    model_selector_match(&m->p[i].sel, k, false))
			return &m->p[i];
	return NULL;
}

static void check_packet(const struct scene *s, enum box_source from, const struct box_list *lists,
    struct rng *rng, const struct packet_key *k)
{
	enum policy_dir dir = dir_of[from];
	struct packet_key truth = *k;
	struct view v = view_of(k, rng);
	const struct policy *want;
	enum box_verdict want_v;

	truth.has_ports = k->proto != 89;
	want = model_first(&s->m, from, &truth);
	want_v = want ? effect(verdict_of_class(policy_classify(want, &policy_deflev_kame)), dir) : 0;
	for (enum box_sight sight = BOX_SEES_PORTS; sight < BOX_SIGHTS; sight++) {
		const struct box *have = walk(&lists[sight], &v, sight);
		enum box_verdict have_v = have ? effect(have->verdict, dir) : 0;

		if (sight == BOX_SEES_PORTS && s->all_expressible[dir])
			assert_int_equal(have_v, want_v);
		else if (want_v)
			assert_int_not_equal(have_v, 0);
	}
}

static void check_scene(const struct scene *s, struct rng *rng, uint8_t family, int n_packets)
{
	for (enum box_source from = 0; from < BOX_SOURCES; from++) {
		struct box_list lists[BOX_SIGHTS];

		for (enum box_sight sight = BOX_SEES_PORTS; sight < BOX_SIGHTS; sight++) {
			uint32_t n_layers;

			assert_int_equal(
			    box_list_build(&lists[sight], s->spd, from, family, sight, &policy_deflev_kame),
			    0);
			assert_int_equal(box_list_layer(&lists[sight], &n_layers), 0);
		}
		for (int i = 0; i < n_packets; i++) {
			struct packet_key k = model_random_packet(rng, family);

			check_packet(s, from, lists, rng, &k);
		}
		for (enum box_sight sight = BOX_SEES_PORTS; sight < BOX_SIGHTS; sight++)
			box_list_fini(&lists[sight]);
	}
}

static void random_scenes(uint64_t seed, uint32_t n_policies, int rounds, int n_packets, bool plain)
{
	struct rng_seeded rng;

	rng_seeded_init(&rng, seed);
	for (int i = 0; i < rounds; i++) {
		uint8_t family = i % 2 ? INET_V6 : INET_V4;
		struct scene s;

		scene_make(&s, &rng.rng, family, n_policies);
		if (plain) {
			/* Only what maps can express, so that equality is asserted for every packet. */
			for (size_t j = 0; j < s.m.n; j++)
				if (!expressible(&s.m.p[j].sel)) {
					spd_remove(s.spd, spd_find(s.spd, s.m.p[j].dir, &s.m.p[j].sel));
					model_spd_delete(&s.m, s.m.p[j].dir, &s.m.p[j].sel);
					j--;
				}
			for (int d = 0; d < 4; d++)
				s.all_expressible[d] = true;
		}
		check_scene(&s, &rng.rng, family, n_packets);
		spd_free(s.spd);
	}
}

static void test_layers_walk_equals_first_match(void **state)
{
	(void)state;
	random_scenes(1, 12, 60, 300, true);
	random_scenes(2, 90, 40, 1000, true);
	random_scenes(3, 400, 4, 1000, true);
}

static void test_layers_walk_never_clear_when_unsure(void **state)
{
	(void)state;
	random_scenes(4, 12, 60, 300, false);
	random_scenes(5, 90, 40, 1000, false);
}

static struct policy between(
    enum policy_action action, enum policy_level level, uint16_t proto, uint16_t dport)
{
	struct policy p = {.dir = POLICY_OUT, .action = action, .sel = {.proto = proto, .dport = dport}};

	p.sel.src = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 1}});
	p.sel.dst = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 2}});
	if (action == POLICY_IPSEC) {
		p.n_requests = 1;
		p.req[0] =
		    (struct policy_request){.proto = IPSEC_ESP, .mode = IPSEC_TRANSPORT, .level = level};
	}
	return p;
}

/* One policy, all sights: what an unreadable packet meets. */
static void test_boxes_of_unreadable_packets(void **state)
{
	static const struct {
		enum policy_action action;
		enum policy_level level;
		enum policy_dir dir;
		uint16_t proto, dport;
		enum box_verdict want[BOX_SIGHTS];
		size_t n_boxes[BOX_SIGHTS];
	} cases[] = {
	    {POLICY_PASS, 0, POLICY_OUT, 6, 80, {BOX_PASS, 0, 0}, {1, 0, 0}},
	    {POLICY_PASS, 0, POLICY_OUT, 6, 0, {BOX_PASS, BOX_PASS, 0}, {1, 1, 0}},
	    {POLICY_PASS, 0, POLICY_OUT, 256, 0, {BOX_PASS, BOX_PASS, BOX_PASS}, {1, 1, 1}},
	    {POLICY_DISCARD, 0, POLICY_OUT, 6, 80, {BOX_DISCARD, BOX_DISCARD, BOX_DISCARD}, {1, 1, 1}},
	    {POLICY_DISCARD, 0, POLICY_OUT, 47, 80, {BOX_PROTECT, BOX_DISCARD, BOX_DISCARD}, {1, 1, 1}},
	    {POLICY_DISCARD, 0, POLICY_IN, 47, 80, {BOX_DISCARD, BOX_DISCARD, BOX_DISCARD}, {1, 1, 1}},
	    {POLICY_PASS, 0, POLICY_OUT, 47, 80, {0, 0, 0}, {0, 0, 0}},
	    {POLICY_IPSEC, LEVEL_REQUIRE, POLICY_OUT, 256, 80, {BOX_PROTECT, BOX_PROTECT, BOX_PROTECT},
	        {5, 5, 1}},
	    {POLICY_IPSEC, LEVEL_USE, POLICY_OUT, 17, 80, {BOX_USE, BOX_USE, BOX_USE}, {1, 1, 1}},
	    {POLICY_IPSEC, LEVEL_USE, POLICY_IN, 17, 80, {BOX_USE, 0, 0}, {1, 0, 0}},
	    {POLICY_IPSEC, LEVEL_UNIQUE, POLICY_IN, 17, 80, {BOX_PROTECT, BOX_PROTECT, BOX_PROTECT},
	        {1, 1, 1}},
	    {POLICY_IPSEC, LEVEL_DEFAULT, POLICY_OUT, 17, 0, {BOX_USE, BOX_USE, BOX_USE}, {1, 1, 1}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy p = between(cases[i].action, cases[i].level, cases[i].proto, cases[i].dport);
		AUTO_SPD struct spd *spd = NULL;

		p.dir = cases[i].dir;
		assert_int_equal(spd_new(&spd), 0);
		assert_int_equal(spd_insert(spd, &p, NULL), 0);
		for (enum box_sight s = BOX_SEES_PORTS; s < BOX_SIGHTS; s++) {
			AUTO_BOX_LIST struct box_list l = {0};

			assert_int_equal(
			    box_list_build(&l, spd, p.dir == POLICY_OUT ? BOX_FROM_OUT : BOX_FROM_IN, INET_V4,
			        s, &policy_deflev_kame),
			    0);
			assert_int_equal(l.n, cases[i].n_boxes[s]);
			for (size_t j = 0; j < l.n; j++)
				assert_int_equal(l.b[j].verdict, cases[i].want[s]);
		}
	}
}

static void test_layers_covered_entries_are_left_out(void **state)
{
	AUTO_SPD struct spd *spd = NULL;
	AUTO_BOX_LIST struct box_list l = {0};
	struct policy p = between(POLICY_PASS, 0, 256, 0);
	uint32_t n_layers;

	(void)state;
	assert_int_equal(spd_new(&spd), 0);
	assert_int_equal(spd_insert(spd, &p, NULL), 0);
	p = between(POLICY_IPSEC, LEVEL_REQUIRE, 6, 80);
	assert_int_equal(spd_insert(spd, &p, NULL), 0);
	assert_int_equal(
	    box_list_build(&l, spd, BOX_FROM_OUT, INET_V4, BOX_SEES_PORTS, &policy_deflev_kame), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(box_list_layer(&l, &n_layers), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(n_layers, 1);
	assert_int_equal(l.b[0].verdict, BOX_PASS);
}

static void test_layers_ten_thousand_disjoint_need_one_map(void **state)
{
	AUTO_SPD struct spd *spd = NULL;
	AUTO_BOX_LIST struct box_list l = {0};
	struct policy p = between(POLICY_IPSEC, LEVEL_REQUIRE, 256, 0);
	enum box_field order[BOX_FIELDS];
	uint32_t n_layers;

	(void)state;
	assert_int_equal(spd_new(&spd), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		p.sel.dst.addr = inet_addr_v4(0x0b000000 + i);
		assert_int_equal(spd_insert(spd, &p, NULL), 0);
	}
	assert_int_equal(
	    box_list_build(&l, spd, BOX_FROM_OUT, INET_V4, BOX_SEES_PORTS, &policy_deflev_kame), 0);
	assert_int_equal(box_list_layer(&l, &n_layers), 0);
	assert_int_equal(l.n, 10000);
	assert_int_equal(n_layers, 1);
	assert_int_equal(box_field_order(l.b, l.n, BOX_SEES_PORTS, order), BOX_FIELDS);
	assert_int_equal(order[0], BOX_DST);
	assert_int_equal(box_field_order(l.b, l.n, BOX_SEES_ADDRS, order), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_boxes_of_unreadable_packets),
	    cmocka_unit_test(test_layers_covered_entries_are_left_out),
	    cmocka_unit_test(test_layers_ten_thousand_disjoint_need_one_map),
	    cmocka_unit_test(test_layers_walk_equals_first_match),
	    cmocka_unit_test(test_layers_walk_never_clear_when_unsure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
