/*
 * What a keyd that was taken over tries in version 2: our own proof as a peer's, and an old one. The argument
 * that this looks at is in proof2.c.
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
#include "support/prove_stage2.h"

static const char psk[] = "mekmitasdigoat";
static const struct ike_id address = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 110}},
                           ours = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 100}};

static void trust_us(struct stage *x)
{
	struct ike_peer *p = stage_peer(x);

	p->peer_id = calloc(1, sizeof(*p->peer_id));
	assert_non_null(p->peer_id);
	p->peer_id[p->n_peer_ids++] = ours;
}

static void refuse_tell(struct stage *x, const struct stage2_exchange *q, const char *says)
{
	assert_int_equal(stage2_tell(x, q), -EBADMSG);
	assert_non_null(strstr(x->e.s, says));
}

/* Our proof of one exchange is the peer's of another, but for the nonces: so these are looked at. `n`: as
 * many octets of the other exchange's nonce are said here. */
static void reflect(bool we_began, size_t n, int want)
{
	uint8_t proof[PROVE_PROOF_MAX], theirs[STAGE2_AUTH_PSK], word[PROVE_WORD_MAX];
	struct stage2_exchange a, b;
	struct stage x;
	bool is_ticket;

	stage2_set(&x, false);
	trust_us(&x);
	assert_int_equal(stage2_begin(&x, &a, we_began, psk), 0);
	assert_int_equal(stage2_begin(&x, &b, !we_began, psk), 0);
	memcpy(a.peer_nonce, b.nonce, n < NONCE_LEN ? n : NONCE_LEN);
	a.n_peer_nonce = n;
	memcpy(b.peer_nonce, a.nonce, NONCE_LEN);
	b.n_peer_nonce = NONCE_LEN;
	stage2_messages(&a, 0);
	stage2_messages(&b, 0);
	memcpy(
	    we_began ? b.message_i : b.message_r, we_began ? a.message_i : a.message_r, sizeof(a.message_i));
	memcpy(b.pi, a.pi, sizeof(a.pi));
	memcpy(b.pr, a.pr, sizeof(a.pr));
	if (n == NONCE_LEN) { /* with the whole nonce it is the proof that is wanted */
		stage2_auth(&a, true, stage2_id(&a, ours), proof);
		stage2_auth(&b, false, stage2_id(&b, ours), theirs);
		assert_memory_equal(proof, theirs, sizeof(theirs));
	}
	assert_int_equal(stage2_tell(&x, &a), want);
	if (want < 0)
		assert_non_null(strstr(x.e.s, "a nonce of ours: a reflection"));
	refuse_tell(&x, &b, "a nonce of ours: a reflection");
	if (want == 0)
		assert_true(stage2_prove(&x, &a, ours, proof) > 0);
	assert_int_equal(stage2_peer_says(&x, &b, ours, proof, STAGE2_AUTH_PSK, &is_ticket, word), -EPROTO);
	stage_strike(&x);
}

static void test_reflect2_nonces(void **state)
{
	(void)state;
	for (int began = 0; began < 2; began++) {
		for (size_t n = NONCE_KNOWN; n <= NONCE_LEN + 8; n++)
			reflect(began, n, -EBADMSG);
		reflect(began, NONCE_KNOWN - 1, 0);
	}
}

/* Our own proof, handed back as it is in the same exchange. */
static void test_reflect2_our_own_proof(void **state)
{
	uint8_t proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX];
	struct stage2_exchange q;
	struct stage x;
	bool is_ticket;

	(void)state;
	stage2_set(&x, false);
	trust_us(&x);
	for (int began = 0; began < 2; began++) {
		assert_int_equal(stage2_begin(&x, &q, began, psk), 0);
		memcpy(q.pr, q.pi, sizeof(q.pi));
		assert_int_equal(stage2_tell(&x, &q), 0);
		assert_true(stage2_prove(&x, &q, ours, proof) > 0);
		assert_int_equal(
		    stage2_peer_says(&x, &q, ours, proof, STAGE2_AUTH_PSK, &is_ticket, word), -EBADMSG);
		/* Our message in the peer's place has the wrong nonce for it, whatever else is changed. */
		assert_int_equal(stage2_begin(&x, &q, began, psk), 0);
		memcpy(q.message_r, q.message_i, sizeof(q.message_i));
		q.n_message_r = q.n_message_i;
		q.message_r[19] = 0x20;
		memcpy(q.message_r + 8, q.spi_r, 8);
		refuse_tell(&x, &q, "does not have its nonce");
	}
	stage_strike(&x);
}

static void test_reflect2_a_recorded_proof(void **state)
{
	uint8_t auth[STAGE2_AUTH_PSK], word[PROVE_WORD_MAX];
	struct stage2_exchange old, q;
	struct stage x;
	bool is_ticket;

	(void)state;
	stage2_set(&x, false);
	stage2_told(&x, &old, true, psk);
	stage2_auth(&old, false, stage2_id(&old, address), auth);
	assert_true(stage2_peer_says(&x, &old, address, auth, sizeof(auth), &is_ticket, word) > 0);
	stage2_told(&x, &q, true, psk);
	assert_int_equal(stage2_peer_says(&x, &q, address, auth, sizeof(auth), &is_ticket, word), -EBADMSG);
	stage_strike(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reflect2_nonces),
	    cmocka_unit_test(test_reflect2_our_own_proof),
	    cmocka_unit_test(test_reflect2_a_recorded_proof),
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
