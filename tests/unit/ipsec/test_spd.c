#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "ipsec/spd.h"
#include "support/model_spd.h"

static struct policy policy_of(
    enum policy_dir dir, const char *src, uint8_t splen, const char *dst, uint8_t dplen)
{
	struct policy p = {.dir = dir, .action = POLICY_PASS};

	assert_int_equal(inet_addr_parse(src, &p.sel.src.addr), 0);
	assert_int_equal(inet_addr_parse(dst, &p.sel.dst.addr), 0);
	p.sel.src.plen = splen;
	p.sel.dst.plen = dplen;
	p.sel.proto = IPPROTO_ANY_;
	return p;
}

static uint32_t nth_id(const struct spd *s, enum policy_dir dir, unsigned n)
{
	struct spd_entry *e = spd_first(s, dir);

	while (e && n--)
		e = spd_next(s, e);
	return e ? e->policy.id : 0;
}

static void test_spd_insert_equal_priority_appends(void **state)
{
	AUTO_SPD struct spd *s = NULL;
	struct policy p = policy_of(POLICY_OUT, "10.0.0.1", 32, "10.0.0.2", 32);

	(void)state;
	assert_int_equal(spd_new(&s), 0);
	for (uint32_t i = 1; i <= 3; i++) {
		p.id = i;
		p.sel.dport = (uint16_t)i;
		p.sel.proto = 6;
		assert_int_equal(spd_insert(s, &p, NULL), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(nth_id(s, POLICY_OUT, i), i < 3 ? i + 1 : 0);
	assert_null(spd_first(s, POLICY_IN));
}

static void test_spd_insert_larger_priority_goes_first(void **state)
{
	static const struct {
		int32_t prio;
		uint32_t id;
	} adds[] = {{0, 1}, {5, 2}, {-5, 3}, {5, 4}, {0, 5}, {INT32_MAX, 6}, {INT32_MIN, 7}};
	static const uint32_t want[] = {6, 2, 4, 1, 5, 3, 7};
	AUTO_SPD struct spd *s = NULL;
	struct policy p = policy_of(POLICY_IN, "10.0.0.1", 32, "10.0.0.2", 32);

	(void)state;
	assert_int_equal(spd_new(&s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(adds); i++) {
		p.id = adds[i].id;
		p.priority = adds[i].prio;
		p.sel.proto = (uint16_t)i;
		assert_int_equal(spd_insert(s, &p, NULL), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(nth_id(s, POLICY_IN, i), want[i]);
}

static void test_spd_identity_is_direction_and_exact_selector(void **state)
{
	AUTO_SPD struct spd *s = NULL;
	struct policy p = policy_of(POLICY_OUT, "10.0.0.1", 24, "10.0.0.2", 32), q = p;

	(void)state;
	assert_int_equal(spd_new(&s), 0);
	assert_int_equal(spd_insert(s, &p, NULL), 0);
	assert_int_equal(inet_addr_parse("10.0.0.77", &q.sel.src.addr), 0);
	assert_int_equal(spd_insert(s, &q, NULL), -EEXIST); /* host bits do not count */
	q.priority = 9;
	assert_int_equal(spd_insert(s, &q, NULL), -EEXIST); /* nor does priority */
	q.dir = POLICY_IN;
	assert_int_equal(spd_insert(s, &q, NULL), 0);
	q.dir = POLICY_OUT;
	q.sel.src.plen = 25;
	assert_int_equal(spd_insert(s, &q, NULL), 0); /* contained is not equal */
	assert_int_equal(spd_count(s, POLICY_DIR_NONE), 3);
	assert_int_equal(spd_count(s, POLICY_OUT), 2);
	assert_null(spd_find(s, POLICY_FWD, &p.sel));
	spd_remove(s, spd_find(s, POLICY_OUT, &p.sel));
	assert_null(spd_find(s, POLICY_OUT, &p.sel));
	assert_non_null(spd_find(s, POLICY_OUT, &q.sel));
}

static void test_spd_clone_is_independent(void **state)
{
	AUTO_SPD struct spd *s = NULL;
	AUTO_SPD struct spd *c = NULL;
	struct policy p = policy_of(POLICY_OUT, "2001:db8::1", 64, "2001:db8::2", 128);
	struct spd_entry *e;

	(void)state;
	assert_int_equal(spd_new(&s), 0);
	assert_int_equal(spd_insert(s, &p, &e), 0);
	e->inherited = true;
	assert_int_equal(spd_clone(s, &c), 0);
	spd_clear(s);
	assert_int_equal(spd_count(s, POLICY_DIR_NONE), 0);
	assert_int_equal(spd_count(c, POLICY_OUT), 1);
	assert_true(spd_first(c, POLICY_OUT)->inherited);
}

static void compare_order(const struct spd *s, const struct model_spd *m)
{
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++) {
		struct spd_entry *e = spd_first(s, d);

		for (size_t i = 0; i < m->n; i++)
			if (m->p[i].dir == d) {
				assert_non_null(e);
				assert_int_equal(e->policy.id, m->p[i].id);
				e = spd_next(s, e);
			}
		assert_null(e);
	}
}

static void compare_match(const struct spd *s, const struct model_spd *m, struct rng *rng, uint8_t family)
{
	for (int i = 0; i < 40; i++) {
		struct packet_key k = model_random_packet(rng, family);
		enum policy_dir d = (enum policy_dir)(POLICY_IN + rng_below(rng, 3));
		bool lenient = rng_below(rng, 2);
		const struct spd_entry *have = spd_match(s, d, &k, lenient);
		const struct policy *want = model_spd_match(m, d, &k, lenient);

		assert_int_equal(have ? have->policy.id : 0, want ? want->id : 0);
	}
}

static void test_spd_random_operations_equal_the_model(void **state)
{
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 4301);
	for (int round = 0; round < 20; round++) {
		AUTO_SPD struct spd *s = NULL;
		struct model_spd m = {.n = 0};
		uint8_t family = round % 2 ? INET_V6 : INET_V4;

		assert_int_equal(spd_new(&s), 0);
		for (uint32_t i = 1; i < 300; i++) {
			struct policy p = model_random_policy(&rng.rng, family);
			struct spd_entry *e = spd_find(s, p.dir, &p.sel);

			p.id = i;
			if (rng_below(&rng.rng, 4)) {
				assert_int_equal(
				    spd_insert(s, &p, NULL), model_spd_add(&m, &p) ? -EEXIST : 0);
				continue;
			}
			assert_int_equal(model_spd_delete(&m, p.dir, &p.sel), e ? 0 : -1);
			if (e)
				spd_remove(s, e);
		}
		compare_order(s, &m);
		compare_match(s, &m, &rng.rng, family);
	}
}

static void test_spd_ten_thousand_entries_all_found(void **state)
{
	AUTO_SPD struct spd *s = NULL;
	struct policy p = policy_of(POLICY_OUT, "10.0.0.1", 32, "10.0.0.2", 32);

	(void)state;
	assert_int_equal(spd_new(&s), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		p.id = i + 1;
		p.sel.dst.addr = inet_addr_v4(0x0b000000 + i);
		assert_int_equal(spd_insert(s, &p, NULL), 0);
	}
	for (uint32_t i = 0; i < 10000; i += 7) {
		p.sel.dst.addr = inet_addr_v4(0x0b000000 + i);
		assert_int_equal(spd_find(s, POLICY_OUT, &p.sel)->policy.id, i + 1);
	}
	spd_clear(s);
	assert_null(spd_first(s, POLICY_OUT));
}

/* Many priorities, coming and going: always the larger first, then whoever came first. */
static void test_spd_many_priorities_keep_their_order(void **state)
{
	enum { N = 3000 };
	AUTO_SPD struct spd *s = NULL;
	struct policy p = policy_of(POLICY_OUT, "10.0.0.1", 32, "10.0.0.2", 32);
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 77);
	assert_int_equal(spd_new(&s), 0);
	p.sel.proto = 17;
	for (uint32_t i = 1; i <= N; i++) {
		p.id = i;
		p.sel.dport = (uint16_t)i;
		p.priority = (int32_t)rng_below(&rng.rng, i < N / 2 ? N : 40) - 20;
		assert_int_equal(spd_insert(s, &p, NULL), 0);
		if (i % 3 == 0) {
			struct spd_entry *e = spd_find_id(s, 1 + rng_below(&rng.rng, i));

			if (e)
				spd_remove(s, e);
		}
	}
	for (const struct spd_entry *e = spd_first(s, POLICY_OUT), *next; e; e = next) {
		next = spd_next(s, e);
		if (next)
			assert_true(
			    e->policy.priority > next->policy.priority ||
			    (e->policy.priority == next->policy.priority && e->policy.id < next->policy.id));
	}
	while (spd_first(s, POLICY_OUT))
		spd_remove(s, spd_first(s, POLICY_OUT));
	assert_int_equal(spd_count(s, POLICY_DIR_NONE), 0);
}

static void test_spd_mirrored_is_in_without_in_only(void **state)
{
	AUTO_SPD struct spd *s = NULL;
	AUTO_SPD struct spd *copy = NULL;
	struct policy p = policy_of(POLICY_IN, "10.0.0.1", 32, "10.0.0.2", 32);
	uint32_t seen = 0;

	(void)state;
	assert_int_equal(spd_new(&s), 0);
	p.sel.proto = 17;
	for (uint32_t i = 1; i <= 6; i++) {
		p.id = i;
		p.sel.dport = (uint16_t)i;
		p.in_only = i % 2;
		assert_int_equal(spd_insert(s, &p, NULL), 0);
	}
	assert_int_equal(spd_clone(s, &copy), 0);
	assert_int_equal(spd_count_in_only(copy), 3);
	for (const struct spd_entry *e = spd_first_mirrored(copy); e; e = spd_next_mirrored(copy, e))
		seen = seen * 10 + e->policy.id;
	assert_int_equal(seen, 246);
	spd_remove(copy, spd_find_id(copy, 3));
	assert_int_equal(spd_count_in_only(copy), 2);
	spd_clear(copy);
	assert_int_equal(spd_count_in_only(copy), 0);
	assert_null(spd_first_mirrored(copy));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spd_insert_equal_priority_appends),
	    cmocka_unit_test(test_spd_insert_larger_priority_goes_first),
	    cmocka_unit_test(test_spd_identity_is_direction_and_exact_selector),
	    cmocka_unit_test(test_spd_clone_is_independent),
	    cmocka_unit_test(test_spd_random_operations_equal_the_model),
	    cmocka_unit_test(test_spd_ten_thousand_entries_all_found),
	    cmocka_unit_test(test_spd_many_priorities_keep_their_order),
	    cmocka_unit_test(test_spd_mirrored_is_in_without_in_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
