/*
 * First match on a snapshot, also where ports cannot be read; and the counters' names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "datapathd/counters.h"
#include "support/model_spd.h"
#include "support/path_rig.h"

enum { POLICIES_MAX = 400 };

static struct policy spd[POLICIES_MAX];

static bool in_list(const struct policy *p, enum spd_list l)
{
	static const enum policy_dir dirs[] = {POLICY_OUT, POLICY_IN, POLICY_FWD, POLICY_IN};

	return p->dir == dirs[l] && !(l == SPD_MIRRORED && p->in_only);
}

/* The walk that the view had once, one rule after the other: clear-text holes need certainty, protection does
 * not. */
static uint32_t walk(unsigned n, enum spd_list l, const struct packet_key *k)
{
	for (unsigned i = 0; i < n; i++) {
		bool closed = policy_classify(&spd[i], &policy_deflev_kame) == POLICY_CLASS_PROTECT ||
		              spd[i].action == POLICY_DISCARD;

		if (in_list(&spd[i], l) && selector_match(&spd[i].sel, k, !k->has_ports && closed))
			return spd[i].id;
	}
	return 0;
}

static uint32_t id_of(const struct spd_rule *r)
{
	return r ? r->p.id : 0;
}

static struct spd_view *view_of_spd(unsigned n)
{
	struct spd_view *v = spd_view_new(1, n, &policy_deflev_kame, true);

	assert_non_null(v);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(spd_view_add(v, &spd[i]), 0);
	assert_int_equal(spd_view_finish(v), 0);
	return v;
}

static void random_spd(struct rng *rng, unsigned n, bool in_only)
{
	for (unsigned i = 0; i < n; i++) {
		spd[i] = model_random_policy(rng, rng_below(rng, 2) ? INET_V4 : INET_V6);
		spd[i].id = i + 1;
		spd[i].in_only = in_only && spd[i].dir == POLICY_IN && rng_below(rng, 3) == 0;
	}
}

static void check_packets(struct rng *rng, const struct spd_view *v, unsigned n, unsigned n_packets)
{
	for (unsigned i = 0; i < n_packets; i++) {
		struct packet_key k = model_random_packet(rng, rng_below(rng, 2) ? INET_V4 : INET_V6);
		struct spd_found f;

		k.has_ports = rng_below(rng, 3) != 0;
		f = spd_view_match_in(v, &k);
		assert_int_equal(id_of(spd_view_match_out(v, &k)), walk(n, SPD_OUT, &k));
		assert_int_equal(id_of(f.own), walk(n, SPD_IN, &k));
		assert_int_equal(id_of(f.fwd), walk(n, SPD_FWD, &k));
		if (!v->one_in)
			assert_int_equal(id_of(f.mirrored), walk(n, SPD_MIRRORED, &k));
	}
}

static void test_view_tuples_agree_with_the_walk(void **state)
{
	static const unsigned sizes[] = {1, 2, 3, 7, 40, POLICIES_MAX};
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 8);
	for (unsigned round = 0; round < 60; round++) {
		unsigned n = sizes[round % ARRAY_SIZE(sizes)];
		struct spd_view *v;

		random_spd(&rng.rng, n, round % 2);
		v = view_of_spd(n);
		check_packets(&rng.rng, v, n, 2000);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(id_of(spd_view_find(v, i + 1)), i + 1);
		assert_null(spd_view_find(v, 0));
		assert_null(spd_view_find(v, n + 1));
		(void)spd_view_free(v);
	}
}

/* Equal words under different rules: the same selector twice, host bits that do not count, one beside a wider
 * one that comes first. */
static void test_view_the_first_of_equals_wins(void **state)
{
	const struct packet_key k = {.src = path_rig_addr("10.0.0.1"),
	    .dst = path_rig_addr("10.0.0.2"),
	    .proto = 17,
	    .has_ports = true,
	    .sport = 5,
	    .dport = 53};
	static const char *const dst[] = {
	    "10.9.0.0/16", "10.0.0.9/24", "10.0.0.7/24", "10.0.0.2/32", "0.0.0.0/0"};
	struct spd_view *v;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(dst); i++) {
		const struct selector sel = path_rig_selector("10.0.0.1", dst[i], 17);

		spd[i] = path_rig_policy(POLICY_OUT, &sel, POLICY_DISCARD);
	}
	v = view_of_spd(ARRAY_SIZE(dst));
	assert_int_equal(id_of(spd_view_match_out(v, &k)), spd[1].id);
	(void)spd_view_free(v);
}

static void test_view_in_only_and_fwd_are_lists_of_their_own(void **state)
{
	const struct selector sel = path_rig_selector("10.0.0.1", "10.0.0.2", IPPROTO_ANY_);
	const struct packet_key k = {
	    .src = path_rig_addr("10.0.0.1"), .dst = path_rig_addr("10.0.0.2"), .proto = 1};
	struct spd_found f;
	struct spd_view *v;

	(void)state;
	spd[0] = path_rig_policy(POLICY_IN, &sel, POLICY_DISCARD);
	v = view_of_spd(1);
	assert_true(v->one_in);
	(void)spd_view_free(v);

	spd[0].in_only = true;
	v = view_of_spd(1);
	assert_false(v->one_in);
	f = spd_view_match_in(v, &k);
	assert_int_equal(id_of(f.own), spd[0].id);
	assert_null(f.fwd);
	assert_null(f.mirrored);
	(void)spd_view_free(v);

	spd[1] = path_rig_policy(POLICY_IN, &sel, POLICY_PASS);
	spd[2] = path_rig_policy(POLICY_FWD, &sel, POLICY_PASS);
	v = view_of_spd(3);
	f = spd_view_match_in(v, &k);
	assert_int_equal(id_of(f.own), spd[0].id);
	assert_int_equal(id_of(f.fwd), spd[2].id);
	assert_int_equal(id_of(f.mirrored), spd[1].id);
	(void)spd_view_free(v);
}

static void test_view_flow_cache_follows_a_new_snapshot(void **state)
{
	const struct selector sel = path_rig_selector("10.0.0.1", "10.0.0.2", IPPROTO_ANY_);
	struct policy pass = path_rig_policy(POLICY_OUT, &sel, POLICY_PASS);
	struct policy discard = path_rig_policy(POLICY_OUT, &sel, POLICY_DISCARD);
	const struct packet_key k = {
	    .src = path_rig_addr("10.0.0.1"), .dst = path_rig_addr("10.0.0.2"), .proto = 1};
	static struct path_rig rig;

	(void)state;
	path_rig_init(&rig);
	rig.path.now_ms = 5;
	assert_null(path_match_out(&rig.path, &k));
	path_rig_spd(&rig, &pass, 1);
	assert_int_equal(path_match_out(&rig.path, &k)->p.id, pass.id);
	assert_int_equal(path_match_out(&rig.path, &k)->p.id, pass.id);
	assert_int_equal(rig.view->rules[0]->last_used_ms, rig.path.now_ms);
	path_rig_spd(&rig, &discard, 1);
	assert_int_equal(path_match_out(&rig.path, &k)->p.id, discard.id);
	path_rig_fini(&rig);
}

static void test_view_room_and_levels(void **state)
{
	const struct selector sel = path_rig_selector("10.0.0.1", "10.0.0.2", IPPROTO_ANY_);
	const struct policy_deflev strict = {LEVEL_REQUIRE, LEVEL_USE, LEVEL_USE, LEVEL_USE};
	struct policy p = path_rig_policy(POLICY_FWD, &sel, POLICY_IPSEC);
	struct spd_view *v = spd_view_new(1, 1, &strict, true);

	(void)state;
	path_rig_request(&p, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_DEFAULT, NULL, NULL);
	path_rig_request(&p, IPSEC_AH, IPSEC_TRANSPORT, LEVEL_DEFAULT, NULL, NULL);
	assert_int_equal(spd_view_add(v, &p), 0);
	assert_true(spd_view_add(v, &p) < 0);
	assert_int_equal(spd_view_finish(v), 0);
	assert_int_equal(v->n[SPD_IN], 0);
	assert_int_equal(v->n[SPD_FWD], 1);
	assert_int_equal(v->list[SPD_FWD][0]->level[0], LEVEL_REQUIRE);
	assert_int_equal(v->list[SPD_FWD][0]->level[1], LEVEL_USE);
	assert_int_equal(v->list[SPD_FWD][0]->cls, POLICY_CLASS_PROTECT);
	(void)spd_view_free(v);
}

struct seen {
	char name[512][64];
	uint64_t value[512];
	unsigned n;
};

static void see(void *arg, const char *name, uint64_t value)
{
	struct seen *s = arg;

	assert_true(s->n < 512);
	for (unsigned i = 0; i < s->n; i++)
		assert_string_not_equal(s->name[i], name);
	snprintf(s->name[s->n], sizeof(s->name[0]), "%s", name);
	s->value[s->n++] = value;
}

static uint64_t value_of(const struct seen *s, const char *name)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->name[i], name) == 0)
			return s->value[i];
	fail_msg("no counter %s", name);
	return 0;
}

static void test_counters_have_the_names_people_know(void **state)
{
	static struct counters c;
	static struct seen s;
	struct pkt p = {.v6 = true};

	(void)state;
	count_kame(&c, false, KAME_IN_SUCCESS);
	count_hist(&c, false, HIST_IN_ESP, ALG_ENC_3DES_CBC);
	count_hist(&c, true, HIST_OUT_AH, ALG_AUTH_HMAC_SHA256);
	count_hist(&c, false, HIST_IN_ESP, 4000);
	stage_drop(&c, &p, DROP_OUT_NOSA);
	counters_each(&c, see, &s);
	assert_int_equal(value_of(&s, "in_success"), 1);
	assert_int_equal(value_of(&s, "in_hist.esp.3des-cbc"), 1);
	assert_int_equal(value_of(&s, "ip6.out_hist.ah.hmac-sha2-256"), 1);
	assert_int_equal(value_of(&s, "drop.out_nosa"), 1);
	assert_int_equal(value_of(&s, "ip6.out_nosa"), 1);
	assert_int_equal(value_of(&s, "out_nosa"), 0);
	assert_int_equal(value_of(&s, "out_noroute"), 0);
}

static void test_every_drop_reason_has_name_and_text(void **state)
{
	(void)state;
	assert_null(drop_info(DROP_NONE));
	assert_null(drop_info(DROP_N));
	for (int r = DROP_NONE + 1; r < DROP_N; r++) {
		const struct drop_info *i = drop_info((enum drop_reason)r);

		assert_non_null(i->name);
		assert_true(strlen(i->text) > 15);
		assert_true(i->kame <= KAME_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_view_tuples_agree_with_the_walk),
	    cmocka_unit_test(test_view_the_first_of_equals_wins),
	    cmocka_unit_test(test_view_in_only_and_fwd_are_lists_of_their_own),
	    cmocka_unit_test(test_view_flow_cache_follows_a_new_snapshot),
	    cmocka_unit_test(test_view_room_and_levels),
	    cmocka_unit_test(test_counters_have_the_names_people_know),
	    cmocka_unit_test(test_every_drop_reason_has_name_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
