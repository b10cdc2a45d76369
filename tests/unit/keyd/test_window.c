/*
 * A place on the wire: how often a datagram is sent again and when, and that its repetitions are answered,
 * but not for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "keyd/core/window.h"

enum { COUNTER = 5, INTERVAL_MS = 1000 };

static struct clock_fake clock_;
static struct rng_seeded rng;
static struct core *core;
static struct ike_conf *conf;
static struct window window;
static struct ike_path path;
static unsigned n_sent, n_lost;
static uint64_t sent_ms[100];
static uint8_t last[100];
static size_t n_last;
static uint16_t last_port;

static void port_send(void *arg, const struct ike_path *p, const uint8_t *d, size_t n)
{
	assert_true(n_sent < ARRAY_SIZE(sent_ms) && n <= sizeof(last));
	sent_ms[n_sent++] = clock_.ms;
	memcpy(last, d, n);
	n_last = n;
	last_port = p->remote_port;
}

static void on_lost(struct window *w)
{
	assert_ptr_equal(w, &window);
	n_lost++;
}

static int begin(void **state)
{
	const struct core_def def = {.clock = &clock_.clock, .rng = &rng.rng, .ports = {.send = port_send}};

	clock_fake_init(&clock_, 5000);
	rng_seeded_init(&rng, 1);
	core = core_new(&def);
	conf = ike_conf_new();
	conf->timers.counter = COUNTER;
	conf->timers.interval_ms = INTERVAL_MS;
	path = (struct ike_path){.remote_port = IKE_PORT};
	n_sent = n_lost = 0;
	window_init(&window, core, &path, on_lost);
	return 0;
}

static int end(void **state)
{
	window_fini(&window);
	assert_int_equal(core_next_ms(core), UINT64_MAX);
	core_free(core);
	ike_conf_free(conf);
	return 0;
}

static void pass(uint64_t ms)
{
	for (uint64_t until = clock_.ms + ms; clock_.ms < until;) {
		clock_.ms++;
		core_step(core);
	}
}

static void send_one(const char *text, bool expect)
{
	assert_int_equal(window_send(&window, conf, (const uint8_t *)text, strlen(text), expect), 0);
}

static bool repeated(const char *text)
{
	return window_repeated(&window, (const uint8_t *)text, strlen(text));
}

static void got(const char *text)
{
	window_got(&window, (const uint8_t *)text, strlen(text));
}

static void test_window_repeats_until_patience_ends(void **state)
{
	send_one("one", true);
	pass(COUNTER * INTERVAL_MS);
	assert_int_equal(n_sent, 1 + COUNTER);
	for (unsigned i = 0; i <= COUNTER; i++)
		assert_int_equal(sent_ms[i], 5000 + (uint64_t)i * INTERVAL_MS);
	assert_int_equal(n_lost, 0);
	/* The last one has its time too. */
	pass(INTERVAL_MS - 1);
	assert_int_equal(n_lost, 0);
	pass(1);
	assert_int_equal(n_lost, 1);
	pass(100 * INTERVAL_MS);
	assert_int_equal(n_sent, 1 + COUNTER);
	assert_int_equal(n_lost, 1);
	assert_int_equal(core->counters.retransmits, COUNTER);
}

static void test_window_without_an_answer_to_come(void **state)
{
	send_one("one", false);
	pass(100 * INTERVAL_MS);
	assert_int_equal(n_sent, 1);
	assert_int_equal(n_lost, 0);
}

static void test_window_that_is_answered(void **state)
{
	send_one("one", true);
	pass(2 * INTERVAL_MS);
	got("answer");
	pass(100 * INTERVAL_MS);
	assert_int_equal(n_sent, 3);
	assert_int_equal(n_lost, 0);
}

/* A second message begins with all its repetitions. */
static void test_window_counts_anew(void **state)
{
	send_one("one", true);
	pass(COUNTER * INTERVAL_MS);
	got("answer");
	n_sent = 0;
	send_one("two", true);
	pass((COUNTER + 1) * INTERVAL_MS);
	assert_int_equal(n_sent, 1 + COUNTER);
	assert_int_equal(n_last, 3);
	assert_memory_equal(last, "two", 3);
	assert_int_equal(n_lost, 1);
}

static void test_window_sends_each_several_times(void **state)
{
	conf->timers.persend = 3;
	send_one("one", true);
	assert_int_equal(n_sent, 3);
	pass(INTERVAL_MS);
	assert_int_equal(n_sent, 4); /* a repetition is one */
}

static void test_window_knows_repetitions(void **state)
{
	assert_false(repeated("hello"));
	got("hello");
	/* Known, and nothing to answer it with yet. */
	assert_true(repeated("hello"));
	assert_int_equal(n_sent, 0);
	send_one("answer", false);
	assert_int_equal(n_sent, 1);
	assert_false(repeated("hellp"));
	assert_false(repeated("hell"));
	assert_int_equal(n_sent, 1);
	assert_true(repeated("hello"));
	assert_int_equal(n_sent, 2);
	assert_memory_equal(last, "answer", 6);
	assert_int_equal(core->counters.duplicates, 2);
}

/* Whoever repeats one datagram gets so many answers and no more: nothing to amplify an attack with. */
static void test_window_repeats_are_bounded(void **state)
{
	got("hello");
	send_one("answer", false);
	for (unsigned i = 0; i < 10 * WINDOW_REPEATS_MAX; i++)
		assert_true(repeated("hello"));
	assert_int_equal(n_sent, 1 + WINDOW_REPEATS_MAX);
	/* The next message has its own. */
	got("next");
	send_one("second", false);
	for (unsigned i = 0; i < 10 * WINDOW_REPEATS_MAX; i++)
		assert_true(repeated("next"));
	assert_int_equal(n_sent, 2 + 2 * WINDOW_REPEATS_MAX);
	assert_false(repeated("hello")); /* only the last one is known */
}

/* What was answered is not sent again, not even to who asks. */
static void test_window_answered(void **state)
{
	got("hello");
	send_one("answer", true);
	window_answered(&window);
	assert_true(repeated("hello"));
	pass(100 * INTERVAL_MS);
	assert_int_equal(n_sent, 1);
	assert_int_equal(n_lost, 0);
}

/* The path may move meanwhile, behind a NAT that is found. */
static void test_window_follows_its_path(void **state)
{
	send_one("one", true);
	assert_int_equal(last_port, IKE_PORT);
	path.remote_port = IKE_PORT_NATT;
	pass(INTERVAL_MS);
	assert_int_equal(last_port, IKE_PORT_NATT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_window_repeats_until_patience_ends, begin, end),
	    cmocka_unit_test_setup_teardown(test_window_without_an_answer_to_come, begin, end),
	    cmocka_unit_test_setup_teardown(test_window_that_is_answered, begin, end),
	    cmocka_unit_test_setup_teardown(test_window_counts_anew, begin, end),
	    cmocka_unit_test_setup_teardown(test_window_sends_each_several_times, begin, end),
	    cmocka_unit_test_setup_teardown(test_window_knows_repetitions, begin, end),
	    cmocka_unit_test_setup_teardown(test_window_repeats_are_bounded, begin, end),
	    cmocka_unit_test_setup_teardown(test_window_answered, begin, end),
	    cmocka_unit_test_setup_teardown(test_window_follows_its_path, begin, end),
	};
	struct err_text e;

	if (crypto_init(&e) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
