/*
 * Which blocks are an address's: found in a sorted configuration as by looking at all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "ipsec/ike_conf.h"

enum { ROUNDS = 300, PEERS = 40, ADDRESSES = 12, ANY = 3 };

static struct rng_seeded seeded;
static struct rng *const rng = &seeded.rng;

/* Of either family, one of a few, or none. */
static struct inet_addr any_addr(bool none)
{
	uint8_t six[16] = {0xfe, 0x80};
	uint32_t n = rng_below(rng, ADDRESSES + (none ? ANY : 0));

	if (n >= ADDRESSES)
		return (struct inet_addr){0};
	six[15] = (uint8_t)n;
	return n % 2 ? inet_addr_v4(0x0a000000 + n) : inet_addr_from_bytes(six, sizeof(six));
}

static struct ike_conf *any_conf(void)
{
	struct ike_conf *c = ike_conf_new();
	uint32_t n = rng_below(rng, PEERS);

	assert_non_null(c);
	for (uint32_t i = 0; i < n; i++) {
		struct ike_peer *p = ike_conf_add_peer(c);

		assert_non_null(p);
		p->addr = any_addr(true);
	}
	return c;
}

/* The blocks of `addr`, in the order of the file; those for any peer when there are none. */
static uint32_t blocks_of(const struct ike_conf *c, const struct inet_addr *addr, uint32_t ret[PEERS])
{
	static const struct inet_addr any;
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_peers; i++)
		if (inet_addr_equal(&c->peer[i].addr, addr))
			ret[n++] = i;
	return n || addr->family == INET_NONE ? n : blocks_of(c, &any, ret);
}

static void check(const struct ike_conf *c)
{
	const struct inet_addr addr = any_addr(false);
	const struct ike_peer *p = ike_conf_find_peer(c, &addr);
	uint32_t want[PEERS], n = blocks_of(c, &addr, want);

	for (uint32_t i = 0; i < n; i++, p = ike_conf_next_peer(c, p)) {
		assert_ptr_equal(p, &c->peer[want[i]]);
		assert_true(ike_conf_peer_fits(c, p, &addr));
	}
	assert_null(p);
}

static void test_sorted_or_not_the_same_are_found(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		AUTO_IKE_CONF struct ike_conf *c = any_conf();

		for (int i = 0; i < ADDRESSES; i++)
			check(c);
		assert_int_equal(ike_conf_sort(c), 0);
		for (int i = 0; i < ADDRESSES; i++)
			check(c);
	}
}

/* What was added later is not passed over. */
static void test_one_more_is_found_too(void **state)
{
	AUTO_IKE_CONF struct ike_conf *c = any_conf();
	const struct inet_addr addr = inet_addr_v4(0x0b000001);
	struct ike_peer *p;

	assert_int_equal(ike_conf_sort(c), 0);
	p = ike_conf_add_peer(c);
	assert_non_null(p);
	p->addr = addr;
	assert_ptr_equal(ike_conf_find_peer(c, &addr), p);
	assert_int_equal(ike_conf_sort(c), 0);
	assert_ptr_equal(ike_conf_find_peer(c, &addr), p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sorted_or_not_the_same_are_found),
	    cmocka_unit_test(test_one_more_is_found_too),
	};

	rng_seeded_init(&seeded, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
