/*
 * proposal_check: the tables of its four meanings (racoon.conf's manual), row by row, and choosing among
 * many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/ike1/choose.h"

static const struct {
	enum proposal_check check;
	uint64_t own, peer;
	bool ok;
	uint64_t want;
	bool tell;
} lives[] = {
    {CHECK_OBEY, 100, 100, true, 100, false},
    {CHECK_OBEY, 100, 50, true, 50, false},
    {CHECK_OBEY, 100, 200, true, 200, false},
    {CHECK_STRICT, 100, 100, true, 100, false},
    {CHECK_STRICT, 100, 50, true, 50, false},
    {CHECK_STRICT, 100, 200, false, 0, false},
    {CHECK_CLAIM, 100, 100, true, 100, false},
    {CHECK_CLAIM, 100, 50, true, 50, false},
    {CHECK_CLAIM, 100, 200, true, 100, true},
    {CHECK_EXACT, 100, 100, true, 100, false},
    {CHECK_EXACT, 100, 50, false, 0, false},
    {CHECK_EXACT, 100, 200, false, 0, false},
    /* One side names none: the other's holds. */
    {CHECK_OBEY, 0, 200, true, 200, false},
    {CHECK_STRICT, 0, 200, true, 200, false},
    {CHECK_CLAIM, 0, 200, true, 200, false},
    {CHECK_EXACT, 0, 200, true, 200, false},
    {CHECK_OBEY, 100, 0, true, 100, true},
    {CHECK_STRICT, 100, 0, true, 100, true},
    {CHECK_CLAIM, 100, 0, true, 100, true},
    {CHECK_EXACT, 100, 0, false, 0, false},
    {CHECK_STRICT, 0, 0, true, 0, false},
    {CHECK_EXACT, 0, 0, true, 0, false},
};

static void test_choose_lifetimes_of_phase_2(void **state)
{
	(void)state;
	for (unsigned kilobytes = 0; kilobytes < 2; kilobytes++)
		for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
			struct ike1_terms own = {0}, peer = {0}, got = {.seconds = 9, .kilobytes = 9};
			bool tell = false, exact = lives[i].check == CHECK_EXACT;
			enum ike1_verdict2 v, want = IKE1_TERMS_OK;

			*(kilobytes ? &own.kilobytes : &own.seconds) = lives[i].own;
			*(kilobytes ? &peer.kilobytes : &peer.seconds) = lives[i].peer;
			if (!lives[i].ok)
				want = kilobytes
				           ? (exact ? IKE1_TERMS_OTHER_KILOBYTES : IKE1_TERMS_LONG_KILOBYTES)
				           : (exact ? IKE1_TERMS_OTHER_SECONDS : IKE1_TERMS_LONG_SECONDS);
			v = ike1_terms2(lives[i].check, &own, &peer, &got, &tell);
			if (v != want)
				fail_msg("row %zu: %d", i, (int)v);
			if (v == IKE1_TERMS_OK &&
			    ((kilobytes ? got.kilobytes : got.seconds) != lives[i].want ||
			        tell != lives[i].tell))
				fail_msg("row %zu: other terms", i);
			if (v != IKE1_TERMS_OK)
				assert_int_equal(got.seconds, 9); /* untouched */
		}
}

static const struct {
	enum proposal_check check;
	uint16_t own, peer;
	bool ok;
} groups[] = {
    {CHECK_OBEY, 0, 0, true},
    {CHECK_OBEY, 0, 2, true},
    {CHECK_OBEY, 2, 2, true},
    {CHECK_OBEY, 2, 5, true},
    {CHECK_OBEY, 2, 0, true},
    {CHECK_STRICT, 0, 0, true},
    {CHECK_STRICT, 0, 2, true},
    {CHECK_STRICT, 2, 2, true},
    {CHECK_STRICT, 2, 5, false},
    {CHECK_STRICT, 2, 0, false},
    {CHECK_CLAIM, 0, 2, true},
    {CHECK_CLAIM, 2, 2, true},
    {CHECK_CLAIM, 2, 5, false},
    {CHECK_CLAIM, 2, 0, false},
    {CHECK_EXACT, 0, 0, true},
    {CHECK_EXACT, 0, 2, false},
    {CHECK_EXACT, 2, 2, true},
    {CHECK_EXACT, 2, 5, false},
    {CHECK_EXACT, 2, 0, false},
};

static void test_choose_groups_of_phase_2(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		const struct ike1_terms own = {.group = groups[i].own}, peer = {.group = groups[i].peer};
		struct ike1_terms got;
		bool tell;
		enum ike1_verdict2 v = ike1_terms2(groups[i].check, &own, &peer, &got, &tell);

		if (v != (groups[i].ok ? IKE1_TERMS_OK : IKE1_TERMS_GROUP))
			fail_msg("row %zu: %d", i, (int)v);
		if (v == IKE1_TERMS_OK)
			assert_int_equal(got.group, groups[i].peer); /* the peer's, also none */
	}
}

static const struct ike1_own1 guide = {
    .cipher = IKE1_CIPHER_3DES, .hash = IKE1_HASH_SHA1, .auth = IKE1_AUTH_PSK, .group = 2, .seconds = 3600};
static const struct ike1_own1 modern = {.cipher = IKE1_CIPHER_AES,
    .key_bits = 256,
    .hash = IKE1_HASH_SHA256,
    .auth = IKE1_AUTH_PSK,
    .group = 14,
    .seconds = 28800};

static struct ike1_phase1 as_phase1(const struct ike1_own1 *o)
{
	return (struct ike1_phase1){.cipher = o->cipher,
	    .hash = o->hash,
	    .auth = o->auth,
	    .group = o->group,
	    .key_bits = o->key_bits,
	    .life.seconds = o->seconds};
}

static void test_choose_phase_1_needs_all_four_equal_whatever_the_check(void **state)
{
	(void)state;
	for (enum proposal_check check = CHECK_OBEY; check <= CHECK_EXACT; check++) {
		struct ike1_phase1 p = as_phase1(&guide);
		uint64_t seconds = 0;

		assert_int_equal(ike1_meet1(check, &guide, &p, &seconds), IKE1_MEETS);
		assert_int_equal(seconds, 3600);
		p.cipher++;
		assert_int_equal(ike1_meet1(check, &guide, &p, &seconds), IKE1_MISS_CIPHER);
		p = as_phase1(&guide);
		p.hash++;
		assert_int_equal(ike1_meet1(check, &guide, &p, &seconds), IKE1_MISS_HASH);
		p = as_phase1(&guide);
		p.auth = IKE1_AUTH_RSA;
		assert_int_equal(ike1_meet1(check, &guide, &p, &seconds), IKE1_MISS_AUTH);
		p = as_phase1(&guide);
		p.group = 0;
		assert_int_equal(ike1_meet1(check, &guide, &p, &seconds), IKE1_MISS_GROUP);
	}
}

static void test_choose_phase_1_key_lengths(void **state)
{
	static const struct {
		enum proposal_check check;
		uint16_t own, peer;
		bool ok;
	} rows[] = {
	    {CHECK_OBEY, 256, 128, true},
	    {CHECK_OBEY, 128, 256, true},
	    {CHECK_OBEY, 256, 0, true},
	    {CHECK_STRICT, 256, 128, false},
	    {CHECK_STRICT, 128, 256, true},
	    {CHECK_STRICT, 256, 0, false},
	    {CHECK_STRICT, 128, 0, true},
	    {CHECK_CLAIM, 256, 128, false},
	    {CHECK_CLAIM, 128, 256, true},
	    {CHECK_EXACT, 256, 256, true},
	    {CHECK_EXACT, 128, 256, false},
	    {CHECK_EXACT, 256, 128, false},
	    {CHECK_EXACT, 128, 0, true},
	    {CHECK_EXACT, 256, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ike1_own1 own = modern;
		struct ike1_phase1 p = as_phase1(&modern);
		uint64_t seconds;

		own.key_bits = rows[i].own;
		p.key_bits = rows[i].peer;
		if ((ike1_meet1(rows[i].check, &own, &p, &seconds) == IKE1_MEETS) != rows[i].ok)
			fail_msg("row %zu", i);
	}
}

static void test_choose_phase_1_lifetimes(void **state)
{
	static const struct {
		enum proposal_check check;
		uint64_t peer;
		bool ok;
		uint64_t want;
	} rows[] = {
	    {CHECK_OBEY, 86400, true, 86400},
	    {CHECK_OBEY, 60, true, 60},
	    {CHECK_OBEY, 0, true, 3600},
	    {CHECK_STRICT, 86400, false, 0},
	    {CHECK_STRICT, 60, true, 60},
	    {CHECK_STRICT, 0, true, 3600},
	    {CHECK_CLAIM, 86400, false, 0},
	    {CHECK_CLAIM, 60, true, 60},
	    {CHECK_EXACT, 3600, true, 3600},
	    {CHECK_EXACT, 60, false, 0},
	    {CHECK_EXACT, 86400, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ike1_phase1 p = as_phase1(&guide);
		uint64_t seconds = 0;
		enum ike1_mismatch m;

		p.life.seconds = rows[i].peer;
		m = ike1_meet1(rows[i].check, &guide, &p, &seconds);
		if (m != (rows[i].ok ? IKE1_MEETS : IKE1_MISS_LIFE) ||
		    (rows[i].ok && seconds != rows[i].want))
			fail_msg("row %zu", i);
	}
}

/* An offer in octets, as it comes. */
static uint8_t octets[4096];
static struct ike1_sa offer;

static void make_offer(const struct ike1_phase1 *p, uint8_t n, uint16_t extra_at_first)
{
	struct ike1_open_part proposal, part;
	struct ike_out o;
	uint8_t first;
	size_t len;

	ike_out_init_chain(&o, octets, sizeof(octets), &first);
	ike1_put_sa(&o);
	proposal = ike1_put_proposal(&o, true, 1, IKE1_PROTO_ISAKMP, NULL, 0, n);
	for (uint8_t i = 0; i < n; i++) {
		part = ike1_put_transform(&o, i + 1 == n, (uint8_t)(i + 1), IKE1_TRANSFORM_KEY_IKE);
		ike1_put_phase1(&o, &p[i]);
		if (!i && extra_at_first)
			ike1_put_attr(&o, extra_at_first, 1);
		ike1_end_part(&o, part);
	}
	ike1_end_part(&o, proposal);
	len = ike_out_end(&o);
	assert_true(len > 0);
	assert_int_equal(
	    ike1_sa_parse(octets + IKE_PAYLOAD_HDR_LEN, len - IKE_PAYLOAD_HDR_LEN, &offer), IKE_OK);
}

static unsigned n_missed[IKE1_MISS_LIFE + 1];

static void missed(void *arg, enum ike1_mismatch why, uint32_t own, const struct ike1_choice1 *peer)
{
	(void)arg;
	assert_true(own < 2 && peer->proposal->number == 1 && peer->transform->number >= 1);
	assert_int_equal(peer->own, own);
	assert_true(ike1_mismatch_name(why)[0] != '\0');
	n_missed[why]++;
}

static void test_choose_the_first_of_the_peers_transforms_that_has_a_partner(void **state)
{
	const struct ike1_own1 own[] = {modern, guide};
	struct ike1_phase1 p[4] = {
	    as_phase1(&guide), as_phase1(&guide), as_phase1(&modern), as_phase1(&guide)};
	struct ike1_choice1 c;

	(void)state;
	memset(n_missed, 0, sizeof(n_missed));
	p[0].hash = IKE1_HASH_MD5;
	p[1].auth = IKE1_AUTH_RSA;
	make_offer(p, 4, 0);
	assert_true(ike1_choose1(CHECK_STRICT, own, ARRAY_SIZE(own), &offer, missed, NULL, &c));
	/* Ours prefers nothing: the peer's order counts. */
	assert_int_equal(c.own, 0);
	assert_int_equal(c.transform->number, 3);
	assert_int_equal(c.seconds, 28800);
	assert_int_equal(n_missed[IKE1_MISS_CIPHER], 2); /* two of theirs against the modern one */
	assert_int_equal(n_missed[IKE1_MISS_HASH], 1);
	assert_int_equal(n_missed[IKE1_MISS_AUTH], 1);
	assert_true(ike1_choose1(CHECK_STRICT, &guide, 1, &offer, NULL, NULL, &c));
	assert_int_equal(c.transform->number, 4);
}

static void test_choose_nothing_that_is_not_understood(void **state)
{
	struct ike1_phase1 p = as_phase1(&guide);
	struct ike1_choice1 c = {.own = 7};

	(void)state;
	memset(n_missed, 0, sizeof(n_missed));
	make_offer(&p, 1, 0x4001); /* an attribute nobody knows */
	assert_false(ike1_choose1(CHECK_OBEY, &guide, 1, &offer, missed, NULL, &c));
	assert_int_equal(n_missed[IKE1_MISS_UNKNOWN], 1);
	make_offer(&p, 1, IKE1_A1_LIFE_TYPE); /* a type without its lifetime */
	assert_false(ike1_choose1(CHECK_OBEY, &guide, 1, &offer, missed, NULL, &c));
	assert_int_equal(n_missed[IKE1_MISS_MALFORMED], 1);
	assert_int_equal(c.own, 7);
	assert_false(ike1_choose1(CHECK_OBEY, NULL, 0, &offer, missed, NULL, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_choose_lifetimes_of_phase_2),
	    cmocka_unit_test(test_choose_groups_of_phase_2),
	    cmocka_unit_test(test_choose_phase_1_needs_all_four_equal_whatever_the_check),
	    cmocka_unit_test(test_choose_phase_1_key_lengths),
	    cmocka_unit_test(test_choose_phase_1_lifetimes),
	    cmocka_unit_test(test_choose_the_first_of_the_peers_transforms_that_has_a_partner),
	    cmocka_unit_test(test_choose_nothing_that_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
