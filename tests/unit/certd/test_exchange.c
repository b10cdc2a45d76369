/*
 * The table of exchanges under way: it does not grow, the oldest give way, and those with a proved peer do
 * not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "support/prove_stage.h"

static const char psk[] = "mekmitasdigoat";
static const struct ike_id address = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 110}};

static int begin(struct exchanges *t, uint64_t now, struct exchange **ret)
{
	const struct session s = {.generation = 1};

	return exchange_begin(t, &s, true, now, ret);
}

static struct exchange *find(struct exchanges *t, const uint8_t *nonce, uint64_t now)
{
	return exchange_find(t, (struct ike1_octets){nonce, NONCE_LEN}, now);
}

static void test_exchange_full(void **state)
{
	static uint8_t nonce[2 * EXCHANGES_MAX][NONCE_LEN];
	struct exchanges t;
	struct rng_seeded rng;
	struct exchange *x;

	(void)state;
	rng_seeded_init(&rng, 1);
	exchanges_init(&t, &rng.rng);
	for (size_t i = 0; i < EXCHANGES_MAX; i++) {
		assert_int_equal(begin(&t, i, &x), 0);
		memcpy(nonce[i], x->nonce, NONCE_LEN);
	}
	/* The first two prove themselves, in the wrong order: the third is the first to go. */
	exchange_verified(&t, find(&t, nonce[1], EXCHANGES_MAX));
	exchange_verified(&t, find(&t, nonce[0], EXCHANGES_MAX));
	for (size_t i = EXCHANGES_MAX; i < EXCHANGES_MAX + 10; i++)
		assert_int_equal(begin(&t, EXCHANGES_MAX, &x), 0);
	assert_int_equal(t.n, EXCHANGES_MAX);
	assert_int_equal(t.n_evicted, 10);
	for (size_t i = 0; i < 14; i++)
		assert_int_equal(find(&t, nonce[i], EXCHANGES_MAX) != NULL, i < 2 || i >= 12);
	/* Each has its time, a proved one as well. */
	assert_non_null(find(&t, nonce[0], EXCHANGE_MS - 1));
	assert_null(find(&t, nonce[0], EXCHANGE_MS));
	assert_non_null(find(&t, nonce[1], EXCHANGE_MS));
	assert_null(find(&t, nonce[1], EXCHANGE_MS + 1));
	assert_null(find(&t, nonce[EXCHANGES_MAX - 1], EXCHANGES_MAX + EXCHANGE_MS));
	assert_int_equal(t.n, 0);
	exchanges_fini(&t);
}

static void test_exchange_full_of_proved_ones(void **state)
{
	struct rng_seeded rng;
	struct exchanges t;
	struct exchange *x;

	(void)state;
	rng_seeded_init(&rng, 1);
	exchanges_init(&t, &rng.rng);
	for (size_t i = 0; i < EXCHANGES_MAX; i++) {
		assert_int_equal(begin(&t, 0, &x), 0);
		exchange_verified(&t, x);
	}
	assert_int_equal(begin(&t, 0, &x), -EBUSY);
	assert_int_equal(begin(&t, EXCHANGE_MS, &x), 0);
	assert_int_equal(t.n, 1);
	exchanges_fini(&t);
	assert_int_equal(t.n, 0);
}

/* What is kept of the peers' words has a bound of its own. */
static void test_exchange_octets(void **state)
{
	static const uint8_t sa[16384];
	const struct exchange_facts f = {.sa = {sa, sizeof(sa)}, .gxi = {sa, 1024}, .gxr = {sa, 1024}};
	enum { EACH = 16384 + 2048, FIT = EXCHANGES_OCTETS_MAX / EACH };
	struct exchange *x, *last = NULL;
	struct rng_seeded rng;
	struct exchanges t;

	(void)state;
	rng_seeded_init(&rng, 1);
	exchanges_init(&t, &rng.rng);
	for (size_t i = 0; i < FIT + 5; i++) {
		assert_int_equal(begin(&t, 0, &x), 0);
		assert_int_equal(exchange_keep(&t, x, &f), 0);
		exchange_complete(x, f.gxr);
		assert_true(x->keyed && t.octets <= EXCHANGES_OCTETS_MAX);
		assert_int_equal(memcmp(x->sa.p, sa, x->sa.n), 0);
	}
	assert_int_equal(t.n, FIT);
	list_foreach_safe (y, next, &t.open, struct exchange, by_age)
		exchange_verified(&t, y);
	assert_int_equal(begin(&t, 0, &last), 0);
	assert_int_equal(exchange_keep(&t, last, &f), -EBUSY);
	assert_false(last->told);
	exchanges_fini(&t);
	assert_int_equal(t.octets, 0);
}

/* With a pre-shared key nothing is kept of an exchange once both sides are proved, in either order. */
static void test_exchange_done_is_gone(void **state)
{
	uint8_t proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	for (int peer_first = 0; peer_first < 2; peer_first++) {
		stage_keyed(&x, &q, true, psk);
		if (peer_first)
			assert_true(stage_peer_proves(&x, &q, address, word) > 0);
		assert_int_equal(prove_us(&x.p, (struct ike1_octets){q.nonce, NONCE_LEN},
		                     stage_id(&q, address), x.now, proof, &x.e),
		    20);
		if (!peer_first)
			assert_true(stage_peer_proves(&x, &q, address, word) > 0);
		assert_int_equal(x.p.exchanges.n, 0);
		assert_int_equal(x.p.exchanges.octets, 0);
	}
	stage_strike(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exchange_full),
	    cmocka_unit_test(test_exchange_full_of_proved_ones),
	    cmocka_unit_test(test_exchange_octets),
	    cmocka_unit_test(test_exchange_done_is_gone),
	};
	struct err_text e = {{0}};

	if (geteuid() != 0)
		return 77; /* keys are believed in root's files alone */
	if (secret_init(1 << 20, &e) < 0 || crypto_init(&e) < 0 || ticket_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
