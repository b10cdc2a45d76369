/*
 * certd in base mode: its own hashes against HMACs made by their formulas, the order in which both roles ask,
 * and what a keyd that was taken over could want of them.
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

static EVP_PKEY *key;
static X509 *cert;

static const char psk[] = "mekmitasdigoat";
static const struct ike_id peer = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 110}},
                           us = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 100}},
                           other = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 99}};

static struct ike1_octets nonce_of(const struct stage_exchange *q)
{
	return (struct ike1_octets){q->nonce, sizeof(q->nonce)};
}

static int keys(struct stage *x, struct stage_exchange *q)
{
	AUTO(ike1_keys_fini) struct ike1_keys k = {0};

	return stage_keys(x, q, &k);
}

static int tell(struct stage *x, struct stage_exchange *q)
{
	AUTO(ike1_keys_fini) struct ike1_keys k = {0};
	int r = stage_tell(x, q, &k);

	assert_true(!k.skeyid && !k.d && !k.a && !k.e);
	return r;
}

static void begin(struct stage *x, struct stage_exchange *q, bool we_began, const char *of)
{
	x->now += 1000; /* for the meter */
	assert_int_equal(stage_begin(x, q, we_began, of), 0);
	stage_base(q, we_began ? us : peer, &peer);
}

/* With its first half told where we began, else with its keys. */
static void told(struct stage *x, struct stage_exchange *q, bool we_began, const char *of)
{
	begin(x, q, we_began, of);
	if ((we_began ? tell(x, q) : keys(x, q)) != 0)
		fail_msg("%s", x->e.s);
}

static int prove(struct stage *x, struct stage_exchange *q, struct ike_id id, uint8_t *proof)
{
	x->e = (struct err_text){{0}};
	return prove_us(&x->p, nonce_of(q), stage_id(q, id), x->now, proof, &x->e);
}

static void expect_proof(struct stage *x, struct stage_exchange *q)
{
	uint8_t proof[PROVE_PROOF_MAX], hash[20], sig[1024];
	int n = prove(x, q, us, proof);

	if (n <= 0)
		fail_msg("%s", x->e.s);
	stage_hash(q, true, stage_id(q, us), hash);
	if (q->psk) {
		assert_int_equal(n, 20);
		assert_memory_equal(proof, hash, 20);
	} else {
		assert_int_equal(n, kit_sign(key, hash, 20, sig));
		assert_memory_equal(proof, sig, (size_t)n);
	}
	assert_int_equal(prove(x, q, us, proof), q->psk && !q->we_began ? -ESTALE : -EPROTO); /* once */
}

static void expect_keys(struct stage *x, struct stage_exchange *q)
{
	const struct kit_exchange k = {
	    .gxy = {q->gxy, q->n_gxy}, .icookie = {q->f.icookie, 8}, .rcookie = {q->f.rcookie, 8}};
	AUTO(ike1_keys_fini) struct ike1_keys got = {0};
	uint8_t skeyid[20], want[3][20];

	if (stage_keys(x, q, &got) != 0)
		fail_msg("%s", x->e.s);
	stage_skeyid(q, skeyid);
	kit_keys(skeyid, &k, want);
	assert_null(got.skeyid);
	assert_memory_equal(secret_bytes(got.d), want[0], 20);
	assert_memory_equal(secret_bytes(got.a), want[1], 20);
	assert_memory_equal(secret_bytes(got.e), want[2], 20);
	assert_int_equal(keys(x, q), -EPROTO); /* once */
}

static void expect_peer(struct stage *x, struct stage_exchange *q)
{
	uint8_t word[PROVE_WORD_MAX], hash[20];
	int n = stage_peer_proves(x, q, peer, word);
	struct statement s;
	struct ticket t;

	if (n <= 0)
		fail_msg("%s", x->e.s);
	if (q->psk) {
		assert_int_equal(ticket_open(&x->p.ticket_key, word, (size_t)n, x->now, &t, &x->e), 0);
		assert_true(ike_id_equal(&t.id, &peer) && inet_addr_equal(&t.addr, &x->s.addr));
		return;
	}
	assert_int_equal(statement_open(&x->p.ticket_key, word, (size_t)n, x->now, &s, &x->e), 0);
	stage_hash(q, false, stage_id(q, peer), hash);
	assert_memory_equal(s.over, hash, 20);
	/* Whose certificate it has to be, though the responder's hash is over another identity. */
	assert_int_equal(s.n_id, stage_id(q, peer).n);
	assert_memory_equal(s.id, stage_id(q, peer).p, s.n_id);
}

static void test_base_we_begin(void **state)
{
	static const char *const keys_of[] = {psk, NULL};
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_give_key(&x, key, cert);
	for (size_t i = 0; i < ARRAY_SIZE(keys_of); i++) {
		told(&x, &q, true, keys_of[i]);
		expect_proof(&x, &q);
		expect_keys(&x, &q);
		expect_peer(&x, &q);
	}
	stage_strike(&x);
}

static void test_base_we_answer(void **state)
{
	static const char *const keys_of[] = {psk, NULL};
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_give_key(&x, key, cert);
	for (size_t i = 0; i < ARRAY_SIZE(keys_of); i++) {
		begin(&x, &q, false, keys_of[i]);
		expect_keys(&x, &q);
		expect_peer(&x, &q);
		expect_proof(&x, &q);
	}
	stage_strike(&x);
}

/* What is no first half, and what is asked for too early. */
static void test_base_out_of_turn(void **state)
{
	uint8_t proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	begin(&x, &q, true, psk);
	assert_int_equal(prove(&x, &q, us, proof), -EPROTO);
	assert_non_null(strstr(x.e.s, "has no keys yet"));
	assert_int_equal(tell(&x, &q), 0);
	assert_int_equal(tell(&x, &q), -EBADMSG); /* what is missing now are the other half's values */
	assert_int_equal(stage_peer_proves(&x, &q, peer, word), -EPROTO);
	assert_non_null(strstr(x.e.s, "has no keys yet"));
	/* Who answers has the initiator's value when it asks for keys; so have both in main mode. */
	begin(&x, &q, false, psk);
	assert_int_equal(tell(&x, &q), -EBADMSG);
	assert_int_equal(stage_begin(&x, &q, true, psk), 0);
	assert_int_equal(tell(&x, &q), -EBADMSG);
	/* All at once does it too: nothing is known then that was not to be known. */
	begin(&x, &q, true, psk);
	assert_int_equal(keys(&x, &q), 0);
	expect_proof(&x, &q);
	expect_peer(&x, &q);
	stage_strike(&x);
}

/* A block without base mode has none of its hashes, one of base mode alone none of the others', whatever is
 * proved with. */
static void test_base_by_the_peers_modes(void **state)
{
	static const char *const keys_of[] = {psk, NULL};
	struct stage_exchange q;
	struct stage x;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys_of); i++) {
		stage_set(&x);
		stage_peer(&x)->n_modes = 2;
		begin(&x, &q, true, keys_of[i]);
		assert_int_equal(tell(&x, &q), -EACCES);
		assert_non_null(strstr(x.e.s, "exchange_mode of remote 10.0.0.110 does not name base"));
		begin(&x, &q, false, keys_of[i]);
		assert_int_equal(keys(&x, &q), -EACCES);
		stage_peer(&x)->mode[0] = IKE_MODE_BASE;
		stage_peer(&x)->n_modes = 1;
		assert_int_equal(keys(&x, &q), 0);
		for (int by_id = 0; by_id < 2; by_id++) {
			assert_int_equal(stage_begin(&x, &q, true, keys_of[i]), 0);
			q.f.peer_id = by_id ? &peer : NULL;
			assert_int_equal(keys(&x, &q), -EACCES);
		}
		begin(&x, &q, false, keys_of[i]);
		q.f.peer_id = NULL;
		assert_int_equal(keys(&x, &q), -EINVAL);
		stage_strike(&x);
	}
}

/* Both signatures are over the initiator's identity. One that could be said anew for each would let the two
 * inputs be one: ours, HASH_I, g^xi | cookies | SA | ID with an ID that holds all of the peer's, whose g^xr
 * then is what stands in ours behind g^xi. */
static void test_base_the_initiators_identity_is_told_once(void **state)
{
	static const char *const keys_of[] = {psk, NULL};
	uint8_t proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_give_key(&x, key, cert);
	for (size_t i = 0; i < ARRAY_SIZE(keys_of); i++) {
		told(&x, &q, true, keys_of[i]);
		assert_int_equal(prove(&x, &q, other, proof), -EACCES);
		assert_non_null(strstr(x.e.s, "not the one that the exchange was begun with"));
		expect_proof(&x, &q);
		assert_int_equal(keys(&x, &q), 0);
		told(&x, &q, false, keys_of[i]);
		assert_int_equal(stage_peer_proves(&x, &q, other, word), -EACCES);
		assert_non_null(strstr(x.e.s, "not the one that the exchange was begun with"));
		expect_peer(&x, &q);
	}
	stage_strike(&x);
}

/* What is said with the second half counts for nothing but the responder's value. */
static void test_base_facts_are_told_once(void **state)
{
	struct stage_exchange q, said;
	struct stage x;

	(void)state;
	stage_set(&x);
	told(&x, &q, true, psk);
	said = q;
	said.gxi[0] ^= 1;
	said.sa[7] ^= 1;
	said.f.gxi.p = said.gxi;
	said.f.gxr.p = said.gxr;
	said.f.sa = (struct ike1_octets){said.sa, q.f.sa.n - 4};
	said.f.icookie[0] ^= 1;
	said.f.auth = IKE_AUTH_RSA;
	said.f.idi.n = 0;
	said.f.peer_nonce.n--;
	assert_int_equal(keys(&x, &said), 0);
	expect_proof(&x, &q);
	expect_peer(&x, &q); /* by what was said first */
	stage_strike(&x);
}

/* Our hash is not the peer's, nor another mode's. */
static void test_base_no_proof_of_ours_is_the_peers(void **state)
{
	uint8_t proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX], hash[20], common[20];
	struct stage_exchange q, main_q;
	bool is_ticket;
	struct stage x;

	(void)state;
	stage_set(&x);
	told(&x, &q, true, psk);
	assert_int_equal(prove(&x, &q, us, proof), 20);
	/* The peer's value is not ours, also when it comes late. */
	memcpy(q.gxr, q.gxi, sizeof(q.gxr));
	assert_int_equal(keys(&x, &q), -EBADMSG);
	assert_non_null(strstr(x.e.s, "our own public value: a reflection"));
	q.gxr[0] ^= 2;
	assert_int_equal(keys(&x, &q), 0);
	assert_int_equal(stage_peer_says(&x, &q, us, proof, &is_ticket, word), -EBADMSG);
	assert_int_equal(stage_peer_says(&x, &q, peer, proof, &is_ticket, word), -EBADMSG);
	/* The same facts in main and aggressive mode: HASH_I is another. */
	told(&x, &q, false, psk);
	main_q = q;
	main_q.f.idi.n = 0;
	stage_hash(&main_q, false, stage_id(&main_q, peer), common);
	stage_hash(&q, false, stage_id(&q, peer), hash);
	assert_memory_not_equal(hash, common, 20);
	assert_int_equal(stage_peer_says(&x, &q, peer, common, &is_ticket, word), -EBADMSG);
	assert_true(stage_peer_says(&x, &q, peer, hash, &is_ticket, word) > 0);
	/* A nonce of ours in the peer's place. */
	begin(&x, &q, true, psk);
	begin(&x, &main_q, false, psk);
	memcpy(main_q.peer_nonce, q.nonce, NONCE_LEN);
	main_q.f.peer_nonce = (struct ike1_octets){main_q.peer_nonce, NONCE_LEN + 8};
	main_q.f.gxi.p = main_q.gxi;
	assert_int_equal(keys(&x, &main_q), -EBADMSG);
	assert_non_null(strstr(x.e.s, "a nonce of ours: a reflection"));
	stage_strike(&x);
}

/* What it takes is given back, told in one half or in both, and the bound counts both from the first. */
static void test_base_octets_are_given_back(void **state)
{
	struct stage_exchange q;
	struct stage x;
	size_t half;

	(void)state;
	stage_set(&x);
	told(&x, &q, true, psk);
	half = x.p.exchanges.octets;
	assert_int_equal(half, 20 + 2 * 128 + q.f.sa.n + q.f.idi.n);
	assert_int_equal(keys(&x, &q), 0);
	assert_int_equal(x.p.exchanges.octets, half);
	told(&x, &q, true, psk);
	assert_int_equal(x.p.exchanges.octets, 2 * half);
	x.now += EXCHANGE_MS;
	assert_int_equal(keys(&x, &q), -ESTALE);
	assert_int_equal(x.p.exchanges.octets, 0);
	stage_strike(&x);
}

static int make_world(void **state)
{
	(void)state;
	key = kit_rsa(2048);
	cert = kit_cert(
	    &(struct kit_cert){.org = "Example", .cn = "relent", .san = "IP:10.0.0.100", .key = key});
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_base_we_begin),
	    cmocka_unit_test(test_base_we_answer),
	    cmocka_unit_test(test_base_out_of_turn),
	    cmocka_unit_test(test_base_by_the_peers_modes),
	    cmocka_unit_test(test_base_the_initiators_identity_is_told_once),
	    cmocka_unit_test(test_base_facts_are_told_once),
	    cmocka_unit_test(test_base_no_proof_of_ours_is_the_peers),
	    cmocka_unit_test(test_base_octets_are_given_back),
	};
	struct err_text e = {{0}};

	if (geteuid() != 0)
		return 77; /* keys are believed in root's files alone */
	if (secret_init(1 << 20, &e) < 0 || crypto_init(&e) < 0 || ticket_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, make_world, end_world);
}
