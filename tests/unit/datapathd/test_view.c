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
#include "support/path_rig.h"

enum { POLICIES = 40, PACKETS = 20000 };

static struct rng_seeded rng;

static struct packet_key random_key(void)
{
	struct rng *r = &rng.rng;
	char text[20];
	struct packet_key k = {.proto = rng_below(r, 2) ? 6 : 17, .has_ports = rng_below(r, 4) > 0};

	snprintf(text, sizeof(text), "10.%u.0.%u", rng_below(r, 3), rng_below(r, 4));
	k.src = path_rig_addr(text);
	snprintf(text, sizeof(text), "10.%u.0.%u", rng_below(r, 3), rng_below(r, 4));
	k.dst = path_rig_addr(text);
	if (k.has_ports) {
		k.sport = (uint16_t)(1 + rng_below(r, 3));
		k.dport = (uint16_t)(1 + rng_below(r, 3));
	}
	return k;
}

static struct policy random_policy(void)
{
	static const uint8_t plens[] = {0, 8, 16, 32};
	struct rng *r = &rng.rng;
	struct packet_key k = random_key();
	struct selector sel = {
	    .src = {k.src, plens[rng_below(r, 4)]}, .dst = {k.dst, plens[rng_below(r, 4)]}};
	struct policy p;

	sel.proto = rng_below(r, 2) ? IPPROTO_ANY_ : k.proto;
	if (rng_below(r, 2))
		sel.dport = (uint16_t)(1 + rng_below(r, 3));
	p = path_rig_policy(rng_below(r, 2) ? POLICY_OUT : POLICY_IN, &sel,
	    (enum policy_action)(POLICY_DISCARD + rng_below(r, 3)));
	if (p.action == POLICY_IPSEC)
		path_rig_request(
		    &p, IPSEC_ESP, IPSEC_TRANSPORT, rng_below(r, 2) ? LEVEL_USE : LEVEL_REQUIRE, NULL, NULL);
	return p;
}

/* Said in other words than the code: clear-text holes need certainty, protection does not. */
static uint32_t model_match(
    const struct policy *p, unsigned n, enum policy_dir dir, const struct packet_key *k)
{
	for (unsigned i = 0; i < n; i++) {
		bool protects = policy_classify(&p[i], &policy_deflev_kame) == POLICY_CLASS_PROTECT ||
		                p[i].action == POLICY_DISCARD;

		if (p[i].dir != dir)
			continue;
		if (selector_match(&p[i].sel, k, false) || (protects && selector_match(&p[i].sel, k, true)))
			return p[i].id;
	}
	return 0;
}

static void test_view_random_spds_agree_with_the_model(void **state)
{
	struct policy p[POLICIES];

	(void)state;
	rng_seeded_init(&rng, 8);
	for (int spd = 0; spd < 10; spd++) {
		struct spd_view *v = spd_view_new(1, POLICIES, &policy_deflev_kame, true);

		for (unsigned i = 0; i < POLICIES; i++) {
			p[i] = random_policy();
			assert_int_equal(spd_view_add(v, &p[i]), 0);
		}
		assert_int_equal(spd_view_finish(v), 0);
		for (int i = 0; i < PACKETS / 10; i++) {
			const struct packet_key k = random_key();
			const struct spd_rule *out = spd_view_match_out(v, &k),
			                      *in = spd_view_match_in(v, &k);

			assert_int_equal(out ? out->p.id : 0, model_match(p, POLICIES, POLICY_OUT, &k));
			assert_int_equal(in ? in->p.id : 0, model_match(p, POLICIES, POLICY_IN, &k));
		}
		v = spd_view_free(v);
	}
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
	assert_null(path_match(&rig.path, &k, true));
	path_rig_spd(&rig, &pass, 1);
	assert_int_equal(path_match(&rig.path, &k, true)->p.id, pass.id);
	assert_int_equal(path_match(&rig.path, &k, true)->p.id, pass.id);
	path_rig_spd(&rig, &discard, 1);
	assert_int_equal(path_match(&rig.path, &k, true)->p.id, discard.id);
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
	assert_int_equal(v->n_in, 1); /* fwd is looked up behind in */
	assert_int_equal(v->in[0]->level[0], LEVEL_REQUIRE);
	assert_int_equal(v->in[0]->level[1], LEVEL_USE);
	assert_int_equal(v->in[0]->cls, POLICY_CLASS_PROTECT);
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
	    cmocka_unit_test(test_view_random_spds_agree_with_the_model),
	    cmocka_unit_test(test_view_flow_cache_follows_a_new_snapshot),
	    cmocka_unit_test(test_view_room_and_levels),
	    cmocka_unit_test(test_counters_have_the_names_people_know),
	    cmocka_unit_test(test_every_drop_reason_has_name_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
