/*
 * Reserved SPIs: how many, for how long, which numbers, and what ends them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "datapathd/sa/lifetime.h"
#include "support/path_rig.h"

#define A "10.0.0.1"
#define B "10.0.0.2"
#define C "10.0.0.3"

static struct path_rig rig;

static int setup(void **state)
{
	(void)state;
	path_rig_init(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	path_rig_fini(&rig);
	return 0;
}

static int reserve(const char *src, const char *dst, enum ipsec_proto proto, uint32_t min, uint32_t max,
    const struct larva **ret, struct err_text *e)
{
	const struct larva want = {
	    .src = path_rig_addr(src), .dst = path_rig_addr(dst), .proto = proto, .pid = 77};

	*ret = NULL;
	return sad_reserve(&rig.sad, &want, min, max, &rig.rng.rng, ret, e);
}

static struct larva *find(const char *dst, enum ipsec_proto proto, uint32_t spi)
{
	const struct inet_addr to = path_rig_addr(dst);

	return larvae_find(&rig.sad.larvae, &to, proto, spi);
}

static uint32_t walk(void)
{
	uint32_t at = 0, n = 0;

	while (larvae_next(&rig.sad.larvae, &at))
		n++;
	return n;
}

/* Full means refused, not forgotten: nobody's reservation is taken away by somebody else's. */
static void test_larva_table_is_bounded_and_every_spi_is_there_once(void **state)
{
	struct err_text e = {0};
	const struct larva *l;

	(void)state;
	for (uint32_t i = 0; i < LARVAE_MAX; i++) {
		assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000 + LARVAE_MAX + 200, &l, &e), 0);
		assert_in_range(l->spi, 0x1000, 0x1000 + LARVAE_MAX + 200);
		assert_ptr_equal(
		    l, find(B, IPSEC_ESP, l->spi)); /* the first of that number is the only one */
		assert_int_equal(l->pid, 77);
	}
	assert_int_equal(walk(), LARVAE_MAX);
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x9000, 0x9fff, &l, &e), -ENOSPC);
	assert_null(l);
	assert_string_equal(e.s, "256 SPIs are reserved and not used yet: try again when some have ended");
	assert_int_equal(walk(), LARVAE_MAX);
}

/* An SA is known by destination, protocol and SPI (RFC 4301 section 4.1): so is a reservation. */
static void test_larva_number_is_unique_per_destination_and_protocol(void **state)
{
	struct err_text e = {0};
	const struct larva *l;

	(void)state;
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), 0);
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), -ENOSPC);
	assert_string_equal(e.s, "no SPI from 4096 to 4096 is free");
	assert_int_equal(reserve(C, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), -ENOSPC);
	assert_int_equal(reserve(A, B, IPSEC_AH, 0x1000, 0x1000, &l, &e), 0);
	assert_int_equal(reserve(A, C, IPSEC_ESP, 0x1000, 0x1000, &l, &e), 0);
	assert_int_equal(walk(), 3);
}

static void test_larva_number_of_an_association_is_not_given_out(void **state)
{
	const struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, 0x1000, IPSEC_MODE_ANY, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1);
	struct err_text e = {0};
	const struct larva *l;

	(void)state;
	assert_non_null(path_rig_add(&rig, &d, NULL));
	assert_int_equal(reserve(C, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), -ENOSPC);
	for (int i = 0; i < 5; i++)
		assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1005, &l, &e), 0);
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1005, &l, &e), -ENOSPC);
	assert_null(find(B, IPSEC_ESP, 0x1000));
}

/* setkey(8): half a minute. */
static void test_larva_ends_after_half_a_minute(void **state)
{
	struct err_text e = {0};
	const struct larva *l;

	(void)state;
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), 0);
	rig.clock.ms += 10000;
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1001, 0x1001, &l, &e), 0);
	rig.clock.ms += 19999;
	sad_age(&rig.sad, NULL, NULL);
	assert_non_null(find(B, IPSEC_ESP, 0x1000));
	rig.clock.ms += 1;
	sad_age(&rig.sad, NULL, NULL);
	assert_null(find(B, IPSEC_ESP, 0x1000));
	assert_non_null(find(B, IPSEC_ESP, 0x1001));
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), 0); /* free again */
	rig.clock.ms += 10000;
	sad_age(&rig.sad, NULL, NULL);
	assert_null(find(B, IPSEC_ESP, 0x1001));
	assert_int_equal(walk(), 1);
}

static int change(const struct sa_desc *d, bool update, struct err_text *e)
{
	struct sad_txn t;
	uint64_t serial;
	int r;

	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	r = sad_txn_add(&t, d, update, 1, &serial, e);
	if (r == 0)
		r = sad_txn_commit(&t, NULL, NULL, e);
	sad_txn_fini(&t);
	return r;
}

static void test_larva_becomes_an_association_by_update_alone(void **state)
{
	struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, 0x1000, IPSEC_MODE_ANY, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1);
	struct err_text e = {0};
	const struct larva *l;
	struct sa *sa;

	(void)state;
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), 0);
	assert_null(sad_find_in(&rig.sad, &d.dst, IPSEC_ESP, 0x1000)); /* no packet may use it */
	assert_int_equal(change(&d, false, &e), -EEXIST);
	d.src = path_rig_addr(C);
	assert_true(change(&d, true, &e) < 0); /* somebody else's */
	assert_non_null(find(B, IPSEC_ESP, 0x1000));
	d.src = path_rig_addr(A);
	assert_int_equal(change(&d, true, &e), 0);
	sa = sad_find(&rig.sad, &d.src, &d.dst, IPSEC_ESP, 0x1000);
	assert_non_null(sa);
	assert_int_equal(sad_sa_state(sa), SA_MATURE);
	assert_non_null(sad_find_in(&rig.sad, &d.dst, IPSEC_ESP, 0x1000));
	assert_int_equal(walk(), 0);
	rig.clock.ms += LARVA_LIFE_MS;
	sad_age(&rig.sad, NULL, NULL);
	assert_int_equal(sad_sa_state(sa), SA_MATURE); /* the reservation's end is not its own */
}

static void test_larva_that_ended_cannot_be_updated(void **state)
{
	const struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, 0x1000, IPSEC_MODE_ANY, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1);
	struct err_text e = {0};
	const struct larva *l;

	(void)state;
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), 0);
	rig.clock.ms += LARVA_LIFE_MS;
	sad_age(&rig.sad, NULL, NULL);
	assert_int_equal(change(&d, true, &e), -ENOENT);
	assert_int_equal(rig.sad.n, 0);
}

/* Flushes `proto` (0: all) and ends the transaction one way or the other; how many it was said to be. */
static uint32_t flush(uint32_t proto, bool commit)
{
	struct err_text e = {0};
	struct sad_txn t;
	uint32_t n;

	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	sad_txn_flush(&t, proto, &n);
	if (commit)
		assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	return n;
}

static void test_larva_flush_takes_those_of_the_protocol(void **state)
{
	struct err_text e = {0};
	const struct larva *l;

	(void)state;
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), 0);
	assert_int_equal(reserve(A, B, IPSEC_AH, 0x1000, 0x1000, &l, &e), 0);
	assert_int_equal(reserve(A, B, IPSEC_IPCOMP, 0x1000, 0x1000, &l, &e), 0);
	assert_int_equal(flush(IPSEC_AH, true), 1);
	assert_null(find(B, IPSEC_AH, 0x1000));
	assert_int_equal(walk(), 2);
	assert_int_equal(flush(0, true), 2);
	assert_int_equal(walk(), 0);
}

static void test_larva_stays_when_the_transaction_does_not_happen(void **state)
{
	const struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, 0x1000, IPSEC_MODE_ANY, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA1);
	const struct sa_ident id = {.src = d.src, .dst = d.dst, .proto = IPSEC_ESP, .spi = 0x1000};
	struct err_text e = {0};
	const struct larva *l;
	struct sad_txn t;
	uint64_t serial;

	(void)state;
	assert_int_equal(reserve(A, B, IPSEC_ESP, 0x1000, 0x1000, &l, &e), 0);
	assert_int_equal(flush(0, false), 1);
	assert_int_equal(walk(), 1);
	/* Inside the transaction it is gone: not to be deleted twice, and its number free. */
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_delete(&t, &id, &serial, &e), 0);
	assert_int_equal(sad_txn_delete(&t, &id, &serial, &e), -ENOENT);
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), 0);
	sad_txn_fini(&t);
	assert_int_equal(walk(), 1);
	assert_non_null(find(B, IPSEC_ESP, 0x1000));
	assert_int_equal(flush(0, true), 1);
	assert_int_equal(walk(), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_larva_table_is_bounded_and_every_spi_is_there_once),
	    T(test_larva_number_is_unique_per_destination_and_protocol),
	    T(test_larva_number_of_an_association_is_not_given_out),
	    T(test_larva_ends_after_half_a_minute),
	    T(test_larva_becomes_an_association_by_update_alone),
	    T(test_larva_that_ended_cannot_be_updated),
	    T(test_larva_flush_takes_those_of_the_protocol),
	    T(test_larva_stays_when_the_transaction_does_not_happen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
