/*
 * What two threads share: quiet points and the lock-free index, with a reader that runs while the writer
 * works.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "datapathd/acquire_ring.h"
#include "datapathd/rhash.h"

struct thing {
	struct retired retired;
	struct rhash_node node;
	uint64_t key, check; /* check is ~key while it lives */
};

static struct epoch epoch;
static unsigned n_freed;

static void thing_free(struct retired *r)
{
	struct thing *t = container_of(r, struct thing, retired);

	t->check = 0; /* a reader that still holds it sees that */
	n_freed++;
	free(t);
}

static struct thing *thing_new(uint64_t key)
{
	struct thing *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->key = key;
	t->check = ~key;
	return t;
}

static void test_retired_waits_for_the_quiet_point(void **state)
{
	struct thing *t = thing_new(1);

	(void)state;
	epoch_init(&epoch);
	n_freed = 0;
	assert_false(epoch_quiet(&epoch, 0));
	epoch_retire(&epoch, &t->retired, thing_free);
	assert_true(epoch_reclaim(&epoch));
	assert_int_equal(n_freed, 0);
	assert_false(epoch_quiet(&epoch, 0)); /* nobody asked to hear of it */
	assert_false(epoch_reclaim(&epoch));
	assert_int_equal(n_freed, 1);
}

static void test_sleeping_worker_holds_nothing_up(void **state)
{
	struct thing *t = thing_new(1);

	(void)state;
	epoch_init(&epoch);
	n_freed = 0;
	(void)epoch_quiet(&epoch, 0);
	(void)epoch_sleep(&epoch, 0);
	epoch_retire(&epoch, &t->retired, thing_free);
	assert_false(epoch_reclaim(&epoch));
	assert_int_equal(n_freed, 1);
}

static void test_awaited_epoch_is_told_once(void **state)
{
	uint64_t want;

	(void)state;
	epoch_init(&epoch);
	(void)epoch_quiet(&epoch, 0);
	want = epoch_advance(&epoch);
	epoch_await(&epoch, want);
	assert_false(epoch_passed(&epoch, want));
	assert_true(epoch_quiet(&epoch, 0));
	assert_true(epoch_passed(&epoch, want));
	assert_false(epoch_quiet(&epoch, 0));
	want = epoch_advance(&epoch);
	epoch_await(&epoch, want);
	assert_true(epoch_sleep(&epoch, 0));
}

enum { KEYS = 4000 };

static struct rhash table;
static _Atomic bool stop;
static _Atomic uint64_t n_read, n_bad, n_missed;

static struct thing *lookup(uint64_t key)
{
	struct rhash_node *n;

	rhash_foreach(n, &table, rhash_bytes(0, &key, sizeof(key)))
	{
		struct thing *t = container_of(n, struct thing, node);

		if (t->key == key)
			return t;
	}
	return NULL;
}

/* Keys below KEYS / 2 are never absent: the old one leaves a quiet point after the new one was put in front.
 */
static void *reader(void *arg)
{
	uint64_t key = 0;

	(void)arg;
	while (!atomic_load(&stop)) {
		(void)epoch_quiet(&epoch, 0);
		for (int i = 0; i < 64; i++) {
			const struct thing *t = lookup(key++ % KEYS);

			if (t && t->check != ~t->key)
				atomic_fetch_add(&n_bad, 1);
			if (!t && (key - 1) % KEYS < KEYS / 2)
				atomic_fetch_add(&n_missed, 1);
			atomic_fetch_add(&n_read, 1);
		}
	}
	(void)epoch_sleep(&epoch, 0);
	return NULL;
}

static struct thing *put(uint64_t key)
{
	struct thing *t = thing_new(key);

	rhash_insert(&table, &t->node, rhash_bytes(0, &key, sizeof(key)));
	return t;
}

static void take(struct thing *t)
{
	rhash_remove(&table, &t->node);
	epoch_retire(&epoch, &t->retired, thing_free);
}

static void leave(struct retired *r)
{
	struct thing *t = container_of(r, struct thing, retired);

	rhash_remove(&table, &t->node);
	epoch_retire(&epoch, &t->retired, thing_free);
}

static void writer_turn(struct thing **now, struct rng *rng)
{
	uint32_t key = rng_below(rng, KEYS);
	struct thing *old = now[key];

	if (!old) {
		now[key] = put(key);
	} else if (key < KEYS / 2) {
		now[key] = put(key);
		epoch_retire(&epoch, &old->retired, leave);
	} else {
		now[key] = NULL;
		take(old);
	}
	(void)epoch_reclaim(&epoch);
}

static void test_reader_beside_a_writer_sees_whole_things_only(void **state)
{
	static struct thing *now[KEYS];
	struct rng_seeded rng;
	pthread_t thread;

	(void)state;
	rng_seeded_init(&rng, 5);
	epoch_init(&epoch);
	assert_int_equal(rhash_init(&table, &epoch), 0);
	for (uint64_t key = 0; key < KEYS / 2; key++)
		now[key] = put(key);
	assert_int_equal(pthread_create(&thread, NULL, reader, NULL), 0);
	for (int i = 0; i < 60000 || atomic_load(&n_read) < 100000; i++) {
		writer_turn(now, &rng.rng);
		if (i % 1000 == 0)
			sched_yield();
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&n_bad), 0);
	assert_int_equal(atomic_load(&n_missed), 0);
	for (uint64_t key = 0; key < KEYS; key++) {
		assert_ptr_equal(lookup(key), now[key]);
		if (now[key])
			take(now[key]);
	}
	epoch_fini(&epoch);
	assert_int_equal(table.n, 0);
	rhash_fini(&table);
}

static void test_table_grows_and_keeps_newest_first(void **state)
{
	struct thing *first[600], *second[600];

	(void)state;
	epoch_init(&epoch);
	assert_int_equal(rhash_init(&table, &epoch), 0);
	for (uint64_t i = 0; i < 600; i++) {
		first[i] = put(i);
		second[i] = put(i);
		(void)epoch_reclaim(&epoch);
	}
	assert_true(atomic_load(&table.table)->mask > 255);
	for (uint64_t i = 0; i < 600; i++)
		assert_ptr_equal(lookup(i), second[i]);
	for (uint64_t i = 0; i < 600; i++) {
		take(second[i]);
		assert_ptr_equal(lookup(i), first[i]);
		take(first[i]);
	}
	epoch_fini(&epoch);
	rhash_fini(&table);
}

static void test_acquire_ring_keeps_order_and_bound(void **state)
{
	static struct acquire_ring ring;
	struct acquire_hint h = {0};

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < ACQUIRE_RING_SLOTS; i++) {
			h.policy_id = i;
			assert_true(acquire_ring_push(&ring, &h));
		}
		assert_false(acquire_ring_push(&ring, &h));
		for (uint32_t i = 0; i < ACQUIRE_RING_SLOTS; i++) {
			assert_true(acquire_ring_pop(&ring, &h));
			assert_int_equal(h.policy_id, i);
		}
		assert_false(acquire_ring_pop(&ring, &h));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_retired_waits_for_the_quiet_point),
	    cmocka_unit_test(test_sleeping_worker_holds_nothing_up),
	    cmocka_unit_test(test_awaited_epoch_is_told_once),
	    cmocka_unit_test(test_reader_beside_a_writer_sees_whole_things_only),
	    cmocka_unit_test(test_table_grows_and_keeps_newest_first),
	    cmocka_unit_test(test_acquire_ring_keeps_order_and_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
