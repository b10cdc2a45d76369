/*
 * Cookies of version 2, alone: who is asked for one, whose is taken, for how long, and what is sent of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "crypto/crypto.h"
#include "keyd/ike2/cookie.h"
#include "wire/ike/out.h"
#include "wire/ike/v2_payload.h"

enum { ROOM = 512, COOKIE = 32, NONCE = 32, KEY_MS = 60000, PLENTY = 100000 };

static struct core *core;
static struct clock_fake watch;
static struct rng_seeded dice;
static struct ike_path path;
static struct ike_hdr hdr;
static uint8_t nonce[NONCE], sent[ROOM];
static size_t n_sent;
static unsigned times_sent;

static void port_send(void *arg, const struct ike_path *to, const uint8_t *d, size_t n)
{
	assert_true(n <= sizeof(sent));
	memcpy(sent, d, n);
	n_sent = n;
	times_sent++;
}

/* A core in which so many strangers are under way. */
static int begin(void **state)
{
	core = calloc(1, sizeof(*core));
	assert_non_null(core);
	clock_fake_init(&watch, 1000000);
	rng_seeded_init(&dice, 1);
	core->clock = &watch.clock;
	core->rng = &dice.rng;
	core->ports.send = port_send;
	core->ike2.n_unproved = COOKIE_FROM;
	bucket_init(&core->keys, PLENTY, PLENTY, watch.ms);
	bucket_init(&core->again, PLENTY, PLENTY, watch.ms);
	path = (struct ike_path){.local = inet_addr_v4(0x0a000001), .remote = inet_addr_v4(0x0a000002)};
	hdr = (struct ike_hdr){.major = 2, .exchange = IKE2_SA_INIT};
	memset(hdr.icookie, 7, sizeof(hdr.icookie));
	memset(nonce, 3, sizeof(nonce));
	times_sent = 0;
	return 0;
}

static int end(void **state)
{
	free(core);
	return 0;
}

/* A first message with a nonce, and with this cookie if there is one. */
static bool admits(const uint8_t *cookie, size_t n)
{
	uint8_t body[ROOM], first = 0;
	struct ike_chain chain;
	struct ike_out o;
	size_t len;

	ike_out_init_chain(&o, body, sizeof(body), &first);
	if (cookie)
		ike2_put_note(&o, IKE2_N_COOKIE, cookie, n);
	ike_out_whole(&o, IKE2_P_NONCE, nonce, sizeof(nonce));
	len = ike_out_end(&o);
	assert_int_equal(ike_chain_parse(first, body, len, false, &chain), IKE_OK);
	return cookie_admits(core, &path, &hdr, &chain);
}

/* What it asks for. */
static void asked(uint8_t cookie[COOKIE])
{
	struct ike2_notification n;
	struct ike_chain chain;

	assert_false(admits(NULL, 0));
	assert_int_equal(times_sent, 1);
	times_sent = 0;
	assert_memory_equal(sent, hdr.icookie, IKE_COOKIE_LEN);
	assert_int_equal(
	    ike_chain_parse(sent[16], sent + IKE_HDR_LEN, n_sent - IKE_HDR_LEN, false, &chain), IKE_OK);
	assert_true(ike2_notify_find(&chain, IKE2_N_COOKIE, &n));
	assert_int_equal(n.len, COOKIE);
	memcpy(cookie, n.data, COOKIE);
}

static void test_nobody_is_asked_while_few_are_under_way(void **state)
{
	core->ike2.n_unproved = COOKIE_FROM - 1;
	assert_true(admits(NULL, 0));
	assert_int_equal(times_sent, 0);
}

static void test_whoever_shows_it_is_admitted(void **state)
{
	uint8_t cookie[COOKIE];

	asked(cookie);
	assert_true(admits(cookie, sizeof(cookie)));
	assert_true(admits(cookie, sizeof(cookie))); /* as the same message again */
	assert_int_equal(times_sent, 0);
}

static void test_it_is_good_for_what_it_was_made_for_alone(void **state)
{
	uint8_t cookie[COOKIE], other[COOKIE];

	asked(cookie);
	for (size_t i = 0; i < COOKIE; i++) {
		memcpy(other, cookie, COOKIE);
		other[i] ^= 1;
		assert_false(admits(other, COOKIE));
	}
	assert_false(admits(cookie, COOKIE - 1));
	nonce[0]++;
	assert_false(admits(cookie, COOKIE));
	nonce[0]--;
	hdr.icookie[0]++;
	assert_false(admits(cookie, COOKIE));
	hdr.icookie[0]--;
	path.remote = inet_addr_v4(0x0a000003);
	assert_false(admits(cookie, COOKIE));
	path.remote = inet_addr_v4(0x0a000002);
	path.remote_port++; /* a translator may give it another */
	assert_true(admits(cookie, COOKIE));
}

static void test_it_is_good_for_a_minute_or_two(void **state)
{
	uint8_t cookie[COOKIE], newer[COOKIE];

	asked(cookie);
	watch.ms += KEY_MS;
	assert_true(admits(cookie, COOKIE));
	asked(newer);
	assert_memory_not_equal(cookie, newer, COOKIE);
	watch.ms += KEY_MS - 1;
	assert_true(admits(cookie, COOKIE));
	watch.ms++;
	assert_false(admits(cookie, COOKIE));
	assert_true(admits(newer, COOKIE));
	/* After a rest in which no key was made anew. */
	watch.ms += 2 * KEY_MS;
	assert_false(admits(newer, COOKIE));
}

static void test_those_who_show_it_are_rationed(void **state)
{
	uint8_t cookie[COOKIE];
	unsigned n = 0;

	asked(cookie);
	bucket_init(&core->again, 5, 5, watch.ms);
	while (admits(cookie, COOKIE))
		n++;
	assert_int_equal(n, 5);
	assert_int_equal(core->counters.refused_busy, 1);
	assert_int_equal(times_sent, 0);
}

/* What a flood can make us send is less than what it sent. */
static void test_the_question_is_short_and_nothing_is_kept(void **state)
{
	uint8_t cookie[COOKIE];
	uint32_t before = core->ike2.n;

	asked(cookie);
	assert_int_equal(n_sent, IKE_HDR_LEN + 8 + COOKIE);
	assert_int_equal(core->ike2.n, before);
	assert_int_equal(core->ike2.n_unproved, COOKIE_FROM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_nobody_is_asked_while_few_are_under_way, begin, end),
	    cmocka_unit_test_setup_teardown(test_whoever_shows_it_is_admitted, begin, end),
	    cmocka_unit_test_setup_teardown(test_it_is_good_for_what_it_was_made_for_alone, begin, end),
	    cmocka_unit_test_setup_teardown(test_it_is_good_for_a_minute_or_two, begin, end),
	    cmocka_unit_test_setup_teardown(test_those_who_show_it_are_rationed, begin, end),
	    cmocka_unit_test_setup_teardown(test_the_question_is_short_and_nothing_is_kept, begin, end),
	};

	struct err_text e;

	if (crypto_init(&e) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
