/*
 * The waiting room: the packet that asks for keys goes out when they are there, in its order, unchanged; what
 * cannot be kept is dropped as it was before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/path_pair.h"

static struct spd_rule *rule(void)
{
	return pair_a.view->list[SPD_OUT][0];
}

static struct pkt *send_one(size_t octets)
{
	size_t len = path_rig_udp(pair_buf, A, B, 1000, 2000, octets);

	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	return &pair_a.batch.pkt[0];
}

/* What the worker does when it is time. */
static void look_again(void)
{
	wait_room_empty_into(&pair_a.path.wait, &pair_a.batch);
	path_outbound(&pair_a.path, &pair_a.batch);
}

static void expect_dropped(const struct pkt *p)
{
	assert_int_equal(p->verdict, VERDICT_DROP);
	assert_int_equal(p->reason, DROP_OUT_NOSA);
}

static int setup(void **state)
{
	const struct selector sel = pair_hosts();

	pair_setup(state);
	pair_protect(&sel, transport_esp);
	pair_a.path.wait.open = true;
	return 0;
}

static void test_they_go_in_order_when_the_SA_is_there(void **state)
{
	const struct sa_desc sa = pair_esp(0x1001, IPSEC_TRANSPORT);
	struct acquire_hint h;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(send_one(100 * (i + 1))->verdict, VERDICT_HELD);
	assert_true(acquire_ring_pop(&pair_a.acquires, &h));
	assert_false(acquire_ring_pop(&pair_a.acquires, &h));
	assert_int_equal(counter_get(&pair_a.counters.path[PATH_WAITED]), 3);
	pair_add(&sa);
	look_again();
	assert_int_equal(path_rig_wire(&pair_a, &pair_b), 3);
	path_rig_in(&pair_b);
	for (size_t i = 0; i < 3; i++) {
		size_t len = path_rig_udp(pair_buf, A, B, 1000, 2000, 100 * (i + 1));

		assert_int_equal(pair_b.batch.pkt[i].verdict, VERDICT_DELIVER);
		assert_int_equal(pair_b.batch.pkt[i].len, len);
		assert_memory_equal(pair_b.batch.pkt[i].data, pair_buf, len);
	}
	assert_int_equal(pair_a.path.wait.n, 0);
	assert_int_equal(path_rig_kame(&pair_a, KAME_OUT_NOSA), 0);
}

static void test_an_answer_in_vain_ends_it_and_the_next_is_not_kept(void **state)
{
	(void)state;
	assert_int_equal(send_one(10)->verdict, VERDICT_HELD);
	look_again();
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_HELD);
	atomic_store(&rule()->acquiring, ACQUIRING_ANSWERED);
	look_again();
	expect_dropped(&pair_a.batch.pkt[0]);
	expect_dropped(send_one(10));
	assert_int_equal(path_rig_kame(&pair_a, KAME_OUT_NOSA), 2);
	assert_int_equal(counter_get(&pair_a.counters.path[PATH_WAITED]), 1);
}

/* Otherwise a question that is never answered would be asked for ever. */
static void test_who_waited_does_not_ask_again(void **state)
{
	struct acquire_hint h;

	(void)state;
	send_one(10);
	assert_true(acquire_ring_pop(&pair_a.acquires, &h));
	atomic_store(&rule()->acquiring, ACQUIRING_NO);
	look_again();
	expect_dropped(&pair_a.batch.pkt[0]);
	assert_false(acquire_ring_pop(&pair_a.acquires, &h));
}

static void test_time_ends_it_however_often_it_was_looked_at(void **state)
{
	(void)state;
	send_one(10);
	for (unsigned ms = 0; ms < WAIT_MS; ms += WAIT_LOOK_MS) {
		look_again();
		assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_HELD);
		pair_a.path.now_ms += WAIT_LOOK_MS;
	}
	look_again();
	expect_dropped(&pair_a.batch.pkt[0]);
}

static void test_the_room_is_bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WAIT_PER_POLICY; i++)
		assert_int_equal(send_one(10)->verdict, VERDICT_HELD);
	expect_dropped(send_one(10));
	look_again();
	assert_int_equal(pair_a.path.wait.n, WAIT_PER_POLICY);
}

static void test_a_packet_too_long_for_a_place_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(send_one(WAIT_LEN_MAX - 28)->verdict, VERDICT_HELD);
	expect_dropped(send_one(WAIT_LEN_MAX - 27));
}

static void test_nobody_waits_when_nobody_negotiates(void **state)
{
	(void)state;
	pair_a.path.wait.open = false;
	expect_dropped(send_one(10));
	assert_int_equal(pair_a.path.wait.n, 0);
}

static void test_it_is_looked_at_when_told_or_in_time(void **state)
{
	struct wait_room *w = &pair_a.path.wait;
	uint64_t now = 1000;

	(void)state;
	assert_false(wait_room_due(w, true, now));
	send_one(10);
	assert_true(wait_room_due(w, false, now));
	assert_false(wait_room_due(w, false, now + WAIT_LOOK_MS - 1));
	assert_true(wait_room_due(w, true, now + 1));
	assert_true(wait_room_due(w, false, now + 1 + WAIT_LOOK_MS));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_they_go_in_order_when_the_SA_is_there),
	    T(test_an_answer_in_vain_ends_it_and_the_next_is_not_kept),
	    T(test_who_waited_does_not_ask_again),
	    T(test_time_ends_it_however_often_it_was_looked_at),
	    T(test_the_room_is_bounded),
	    T(test_a_packet_too_long_for_a_place_is_dropped),
	    T(test_nobody_waits_when_nobody_negotiates),
	    T(test_it_is_looked_at_when_told_or_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
