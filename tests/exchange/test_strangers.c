/*
 * Strangers who begin version 2 and go no further: how many of them are kept, which of them give way, and
 * that whoever is up does not notice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/core/versions.h"
#include "keyd/ike2/sa.h"
#include "support/ike_rig.h"

enum { TCP = 6, SOON_MS = 300, LONG_MS = 200000, MORE = 10 };

static struct rig rig;
static struct core *core;

/* A tunnel that is up. */
static int begin(void **state)
{
	(void)state;
	rig_init(&rig, 1, rig_conf2(IKE_AUTH_PSK), rig_conf2(IKE_AUTH_PSK));
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, SOON_MS);
	core = rig.b.core;
	assert_int_equal(core_n_up(core), 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static void spi_of(uint32_t n, uint8_t spi[IKE2_SPI])
{
	memset(spi, 1, IKE2_SPI);
	memcpy(spi, &n, sizeof(n));
}

static struct ike_path path_of(uint32_t n)
{
	return (struct ike_path){.local = rig.b.addr,
	    .remote = inet_addr_v4(0xc6120000U + n),
	    .local_port = IKE_PORT,
	    .remote_port = IKE_PORT};
}

static struct ikesa *stranger(uint32_t n)
{
	const struct ike_path path = path_of(n);
	struct ikesa *sa;
	uint8_t spi[IKE2_SPI];

	spi_of(n, spi);
	sa = ike2_sa_new(core, 0, &path, spi);
	core_settle(core);
	assert_non_null(sa);
	return sa;
}

static struct ikesa *find(uint32_t n)
{
	const struct ike_path path = path_of(n);
	uint8_t spi[IKE2_SPI];

	spi_of(n, spi);
	return ike2_find_begun(core, spi, &path.remote);
}

static void assert_works(void)
{
	assert_int_equal(core_n_up(core), 1);
	assert_true(rig_is_usable(&rig));
}

static void test_the_oldest_give_way(void **state)
{
	uint32_t max = ike2_silent_max(1);

	(void)state;
	for (uint32_t i = 0; i < max + MORE; i++)
		stranger(i);
	assert_int_equal(core->ike2.n_unproved, max);
	assert_int_equal(core->counters.evicted, MORE);
	for (uint32_t i = 0; i < max + MORE; i++)
		assert_int_equal(find(i) != NULL, i >= MORE);
	assert_works();
	rig_run(&rig, LONG_MS);
	assert_int_equal(core->ike2.n_unproved, 0);
	assert_null(find(max));
	assert_works();
}

/* The same SPI from another address is another one's. */
static void test_they_are_known_by_spi_and_address(void **state)
{
	const struct ike_path path = path_of(2);
	uint8_t spi[IKE2_SPI];
	struct ikesa *sa = stranger(1);

	(void)state;
	spi_of(1, spi);
	assert_ptr_equal(find(1), sa);
	assert_null(ike2_find_begun(core, spi, &path.remote));
	assert_null(find(2));
	ike2_sa_end(sa, NULL);
	assert_null(find(1));
	core_settle(core);
}

/* What they send is bounded too, whatever their number. */
static void test_their_octets_are_bounded(void **state)
{
	enum { EACH = 8192, MOST = IKE2_SILENT_OCTETS / EACH };

	(void)state;
	for (uint32_t i = 0; i < MOST + MORE; i++) {
		ike2_sa_weigh(stranger(i), EACH);
		core_settle(core);
	}
	assert_int_equal(core->ike2.n_unproved, MOST);
	assert_int_equal(core->ike2.unproved_octets, IKE2_SILENT_OCTETS);
	assert_null(find(MORE - 1));
	assert_non_null(find(MORE));
	/* Whoever proves who he is does not count any more. */
	ike2_sa_proved(find(MORE));
	assert_int_equal(core->ike2.unproved_octets, IKE2_SILENT_OCTETS - EACH);
	rig_run(&rig, LONG_MS);
	assert_int_equal(core->ike2.unproved_octets, 0);
	assert_works();
}

/* Where many are up there is less room for strangers: their private values and those keys share an arena. */
static void test_there_are_fewer_beside_many(void **state)
{
	uint32_t n = 0;

	(void)state;
	assert_int_equal(ike2_silent_max(0), IKE2_SILENT_MAX);
	assert_int_equal(ike2_silent_max(CORE_SAS_MAX), IKE2_SILENT_LEAST);
	while (core->ike2.n_unproved < IKE2_SILENT_LEAST + MORE)
		stranger(n++);
	for (uint32_t i = 0; i < n; i++) {
		struct ikesa *sa = find(n - 1 - i);

		if (!sa)
			break;
		ike2_sa_proved(sa);
		core_settle(core);
		assert_true(core->ike2.n_unproved <= ike2_silent_max(core_n_up(core)));
	}
	assert_int_equal(core->ike2.n_unproved, 0);
}

/* A walk meets each of them once, and one through those that are known none of them; wherever it is when
 * others end. */
static void test_walks(void **state)
{
	enum { N = 20 };
	struct ike2_walk w = ike2_walk_known(core);
	struct ikesa *sa;
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		stranger(i);
	while ((sa = ike2_walk_next(&w)))
		n += !ike2_is_strangers(sa);
	assert_int_equal(n, 1);
	w = ike2_walk_begin(core);
	for (n = 0; (sa = ike2_walk_next(&w)); n++) {
		if (ike2_is_strangers(sa))
			ike2_sa_end(sa, NULL);
	}
	assert_int_equal(n, N + 1);
	core_settle(core);
	assert_int_equal(core->ike2.n_unproved, 0);
	assert_works();
}

static void count_row(void *arg, const struct ike_row *row)
{
	*(unsigned *)arg += row->sa != NULL;
}

static void test_they_are_shown(void **state)
{
	unsigned n = 0;

	(void)state;
	stranger(1);
	stranger(2);
	ike_versions[1]->show(core, count_row, &n);
	assert_int_equal(n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_the_oldest_give_way, begin, end),
	    cmocka_unit_test_setup_teardown(test_they_are_known_by_spi_and_address, begin, end),
	    cmocka_unit_test_setup_teardown(test_their_octets_are_bounded, begin, end),
	    cmocka_unit_test_setup_teardown(test_there_are_fewer_beside_many, begin, end),
	    cmocka_unit_test_setup_teardown(test_walks, begin, end),
	    cmocka_unit_test_setup_teardown(test_they_are_shown, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
