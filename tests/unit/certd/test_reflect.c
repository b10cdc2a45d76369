/*
 * What a keyd that was taken over tries: it says what it likes in the peers' place and its own, in several
 * exchanges at once, and wants a ticket for a peer that has proved nothing. Each attempt is shown to be one:
 * with the check away, the hash it got is the hash it needs.
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

#include "certd/verify/hearing.h"
#include "crypto/crypto.h"
#include "crypto/dh.h"
#include "support/prove_stage.h"

static EVP_PKEY *key;
static X509 *cert;

static const char psk[] = "mekmitasdigoat";
static const struct ike_id address = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 110}};

static struct ike1_octets nonce_of(const struct stage_exchange *q)
{
	return (struct ike1_octets){q->nonce, sizeof(q->nonce)};
}

static int keys(struct stage *x, struct stage_exchange *q)
{
	AUTO(ike1_keys_fini) struct ike1_keys k = {0};

	return stage_keys(x, q, &k);
}

static void set_peer_nonce(struct stage_exchange *q, const void *first, size_t n, const void *then, size_t m)
{
	memcpy(q->peer_nonce, first, n);
	memcpy(q->peer_nonce + n, then, m);
	q->f.peer_nonce.n = n + m;
}

/* One that we begin, one that we answer, and what is said in both so that Ni | Nr is the same: A | (Y | B)
 * and (A | Y) | B. Y has `n` octets. Exchange `a` is keyed first, or the other. */
static void concatenate(size_t n, bool a_first)
{
	static const uint8_t y[64] = "between them";
	uint8_t one[20], other[20], proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX];
	struct stage_exchange a, b;
	bool is_ticket;
	struct stage x;

	stage_set(&x);
	assert_int_equal(stage_begin(&x, &a, true, psk), 0);
	assert_int_equal(stage_begin(&x, &b, false, psk), 0);
	set_peer_nonce(&a, y, n, b.nonce, NONCE_LEN);
	set_peer_nonce(&b, a.nonce, NONCE_LEN, y, n);
	/* It is one SKEYID, and our hash in the one is the peer's in the other. */
	stage_skeyid(&a, one);
	stage_skeyid(&b, other);
	assert_memory_equal(one, other, 20);
	stage_hash(&a, true, stage_id(&a, address), one);
	stage_hash(&b, false, stage_id(&b, address), other);
	assert_memory_equal(one, other, 20);
	if (a_first)
		assert_int_equal(keys(&x, &a), 0);
	assert_int_equal(keys(&x, &b), -EBADMSG);
	assert_non_null(strstr(x.e.s, "a nonce of ours: a reflection"));
	if (!a_first)
		assert_int_equal(keys(&x, &a), 0);
	assert_int_equal(prove_us(&x.p, nonce_of(&a), stage_id(&a, address), x.now, proof, &x.e), 20);
	assert_int_equal(stage_peer_says(&x, &b, address, proof, &is_ticket, word), -EPROTO);
	stage_strike(&x);
}

static void test_reflect_nonces_side_by_side(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 64; n += 9) {
		concatenate(n, true);
		concatenate(n, false);
	}
}

/* A | B, with nothing between them: each is the other's, and neither is taken. */
static void test_reflect_nonces_exchanged(void **state)
{
	struct stage_exchange a, b;
	struct stage x;

	(void)state;
	stage_set(&x);
	assert_int_equal(stage_begin(&x, &a, true, psk), 0);
	assert_int_equal(stage_begin(&x, &b, false, psk), 0);
	set_peer_nonce(&a, b.nonce, NONCE_LEN, "", 0);
	set_peer_nonce(&b, a.nonce, NONCE_LEN, "", 0);
	assert_int_equal(keys(&x, &a), -EBADMSG);
	assert_int_equal(keys(&x, &b), -EBADMSG);
	stage_strike(&x);
}

/* With less than A said in front of B, B would have to begin with what is left of A. */
static void test_reflect_nonces_that_overlap(void **state)
{
	struct nonce_key nk = {{5}};
	uint8_t a[NONCE_LEN], b[NONCE_LEN];
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 3);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(nonce_make(&nk, &rng.rng, true, a), 0);
		assert_int_equal(nonce_make(&nk, &rng.rng, false, b), 0);
		assert_true(b[0] & 0x80);
		for (size_t k = 0; k < NONCE_LEN; k++)
			assert_false(a[k] & 0x80);
	}
}

static void test_reflect_only_our_own_nonces_are_known(void **state)
{
	struct nonce_key nk = {{5}}, other = {{6}};
	uint8_t n[NONCE_LEN + 1] = {0};
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(nonce_make(&nk, &rng.rng, i, n), 0);
		assert_true(nonce_begins_with_ours(&nk, n, sizeof(n)));
		assert_true(nonce_begins_with_ours(&nk, n, NONCE_LEN));
		assert_false(nonce_begins_with_ours(&nk, n, NONCE_LEN - 1));
		assert_false(nonce_begins_with_ours(&nk, n + 1, NONCE_LEN));
		assert_false(nonce_begins_with_ours(&other, n, NONCE_LEN));
		for (size_t bit = 0; bit < 8 * (size_t)NONCE_LEN; bit++) {
			n[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(nonce_begins_with_ours(&nk, n, NONCE_LEN));
			n[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	memset(n, 0, sizeof(n));
	assert_false(nonce_begins_with_ours(&nk, n, NONCE_LEN));
}

/* The same public value, cookie and identity on both sides: then both hashes are one. */
static void test_reflect_our_own_hash(void **state)
{
	uint8_t proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX], ours[20], peers[20];
	struct stage_exchange q;
	bool is_ticket;
	struct stage x;

	(void)state;
	stage_set(&x);
	for (int began = 0; began < 2; began++) {
		assert_int_equal(stage_begin(&x, &q, began, psk), 0);
		memcpy(q.f.rcookie, q.f.icookie, 8);
		memcpy(q.gxr, q.gxi, sizeof(q.gxi));
		stage_hash(&q, true, stage_id(&q, address), ours);
		stage_hash(&q, false, stage_id(&q, address), peers);
		assert_memory_equal(ours, peers, 20);
		assert_int_equal(keys(&x, &q), -EBADMSG);
		assert_non_null(strstr(x.e.s, "our own public value: a reflection"));
		/* One bit apart, and ours is not the peer's. */
		q.gxr[127] ^= 1;
		assert_int_equal(keys(&x, &q), 0);
		assert_int_equal(prove_us(&x.p, nonce_of(&q), stage_id(&q, address), x.now, proof, &x.e), 20);
		assert_int_equal(stage_peer_says(&x, &q, address, proof, &is_ticket, word), -EBADMSG);
	}
	stage_strike(&x);
}

/* Lengths are what keeps SKEYID_d, _a and _e from being a hash. */
static void test_reflect_lengths(void **state)
{
	struct stage_exchange q;
	struct stage x;

	(void)state;
	for (int i = 0; i < 8; i++) {
		stage_set(&x);
		assert_int_equal(stage_begin(&x, &q, true, psk), 0);
		if (i == 0)
			q.f.gxi.n--;
		else if (i == 1)
			q.f.gxr.n++;
		else if (i == 2)
			q.n_gxy = 2 * 128 + 16; /* as long as a hash's input */
		else if (i == 3)
			q.n_gxy--;
		else if (i == 4)
			q.f.sa.n = 39;
		else if (i == 5)
			q.f.gxi.n = q.f.gxr.n = 0;
		else if (i == 6)
			q.f.gxi.n = q.f.gxr.n = q.n_gxy = 96; /* of another group */
		assert_int_equal(keys(&x, &q), i < 7 ? -EBADMSG : 0);
		stage_strike(&x);
	}
}

/* As long as the longest input that is made for a key in any group with any hash, and one more. */
static void test_reflect_no_key_is_as_long_as_a_hash(void **state)
{
	(void)state;
	for (unsigned g = 0; g < 64; g++) {
		size_t public = crypto_dh_public_len((enum alg_group)g),
		       shared = crypto_dh_shared_len((enum alg_group)g);

		assert_int_equal(public == 0, shared == 0);
		if (public)
			assert_true(2 * public + 16 + 40 + SESSION_ID_MIN > ALG_PRF_LEN_MAX + shared + 17);
	}
}

/* Another time with something else would be another input under the same SKEYID. */
static void test_reflect_keys_twice(void **state)
{
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_keyed(&x, &q, true, psk);
	assert_int_equal(keys(&x, &q), -EPROTO);
	assert_non_null(strstr(x.e.s, "has its keys already"));
	q.f.sa.n -= 4;
	q.gxy[3] ^= 1;
	assert_int_equal(keys(&x, &q), -EPROTO);
	stage_strike(&x);
}

static void test_reflect_out_of_turn(void **state)
{
	uint8_t proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	assert_int_equal(stage_begin(&x, &q, true, psk), 0);
	assert_int_equal(stage_peer_proves(&x, &q, address, word), -EPROTO);
	assert_non_null(strstr(x.e.s, "has no keys yet"));
	assert_int_equal(prove_us(&x.p, nonce_of(&q), stage_id(&q, address), x.now, proof, &x.e), -EPROTO);
	q.nonce[20] ^= 1; /* never begun */
	assert_int_equal(keys(&x, &q), -ESTALE);
	q.nonce[20] ^= 1;
	x.now += EXCHANGE_MS; /* over */
	assert_int_equal(keys(&x, &q), -ESTALE);
	assert_non_null(strstr(x.e.s, "The next packet begins another"));
	stage_strike(&x);
}

/* The key was one host's, and what was proved with it is no other's name. */
static void test_reflect_another_identity_than_the_keys(void **state)
{
	const struct ike_id who = kit_id(IKE_ID_FQDN, "gw.example");
	uint8_t word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	assert_int_equal(stage_begin(&x, &q, true, "by the name"), 0);
	q.f.peer_id = &who;
	assert_int_equal(keys(&x, &q), 0);
	assert_int_equal(stage_peer_proves(&x, &q, kit_id(IKE_ID_USER_FQDN, "me@gw.example"), word), -EACCES);
	assert_true(stage_peer_proves(&x, &q, who, word) > 0);
	stage_strike(&x);
}

/* A recorded exchange, said again: our nonce is another one, so what was signed or hashed then counts for
 * nothing. */
static void test_reflect_a_recorded_proof(void **state)
{
	uint8_t hash[20], word[PROVE_WORD_MAX], again[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct statement s;
	bool is_ticket;
	struct stage x;
	int n;

	(void)state;
	stage_set(&x);
	stage_keyed(&x, &q, true, psk);
	stage_hash(&q, false, stage_id(&q, address), hash);
	assert_true(stage_peer_says(&x, &q, address, hash, &is_ticket, word) > 0);
	stage_keyed(&x, &q, true, psk);
	assert_int_equal(stage_peer_says(&x, &q, address, hash, &is_ticket, word), -EBADMSG);
	stage_keyed(&x, &q, true, NULL);
	stage_hash(&q, false, stage_id(&q, address), hash);
	stage_keyed(&x, &q, true, NULL);
	n = stage_peer_says(&x, &q, address, NULL, &is_ticket, again);
	assert_false(is_ticket);
	assert_int_equal(statement_open(&x.p.ticket_key, again, (size_t)n, x.now, &s, &x.e), 0);
	assert_memory_not_equal(s.over, hash, 20);
	stage_strike(&x);
}

/* --- what keyd carries from certd to certd-verify --- */

static struct anchors *pin(uint64_t generation, const char *addr)
{
	struct file f = kit_der(cert);
	struct anchors *a = anchors_new(1);
	struct ike_peer *p;
	struct err_text e;

	a->generation = generation;
	a->conf = ike_conf_new();
	p = ike_conf_add_peer(a->conf);
	p->verify_cert = false;
	assert_int_equal(inet_addr_parse(addr, &p->addr), 0);
	assert_true(anchors_add(a, CREDENTIAL_PEER_CERT, 0, &f, &e) > 0);
	file_fini(&f);
	return a;
}

/* A statement about a peer that signed with `key`; octets. */
static int stated(struct stage *x, uint8_t word[PROVE_WORD_MAX], uint8_t sig[1024], size_t *ret_sig)
{
	struct stage_exchange q;
	bool is_ticket;
	uint8_t hash[20];
	int n;

	stage_keyed(x, &q, true, NULL);
	n = stage_peer_says(x, &q, address, NULL, &is_ticket, word);
	assert_true(n > 0 && !is_ticket);
	stage_hash(&q, false, stage_id(&q, address), hash);
	*ret_sig = kit_sign(key, hash, 20, sig);
	return n;
}

static int hear(const struct hearing *h, const uint8_t *word, size_t n, const uint8_t *sig, size_t n_sig,
    uint64_t now, uint8_t ticket[TICKET_MAX])
{
	struct judge_claim c = {.signature = {sig, n_sig}};
	enum verify_reason why = VERIFY_NONE;
	struct err_text e = {{0}};
	struct inet_addr from;

	return hearing_hold(h, (struct ike1_octets){word, n}, &c, now, &why, &from, ticket, &e);
}

static void test_reflect_a_statement_is_for_one_exchange(void **state)
{
	uint8_t word[PROVE_WORD_MAX], other[PROVE_WORD_MAX], sig[1024], ticket[TICKET_MAX];
	struct hearing h = {.ticket_key = {{9}}};
	size_t n_sig, n_other;
	struct ticket t;
	struct stage x;
	size_t n;
	int r;

	(void)state;
	stage_set(&x);
	h.now = pin(STAGE_GENERATION, "10.0.0.110");
	n_other = (size_t)stated(&x, other, sig, &n_sig);
	n = (size_t)stated(&x, word, sig, &n_sig);
	r = hear(&h, word, n, sig, n_sig, x.now, ticket);
	assert_true(r > 0);
	assert_int_equal(ticket_open(&h.ticket_key, ticket, (size_t)r, x.now, &t, &x.e), 0);
	assert_true(ike_id_equal(&t.id, &address) && inet_addr_equal(&t.addr, &x.s.addr));
	assert_int_equal(t.peer, STAGE_NAMED);
	/* Another exchange's signature; a statement that has expired; one that was changed anywhere. */
	assert_int_equal(hear(&h, other, n_other, sig, n_sig, x.now, ticket), -EACCES);
	assert_int_equal(hear(&h, word, n, sig, n_sig, x.now + PROVE_STATEMENT_MS, ticket), -ESTALE);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		word[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(hear(&h, word, n, sig, n_sig, x.now, ticket), -ESTALE);
		word[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(hear(&h, word, cut, sig, n_sig, x.now, ticket), -ESTALE);
	/* The generation before counts; then it is gone. */
	h.before = h.now;
	h.now = pin(STAGE_GENERATION + 1, "10.0.0.110");
	assert_true(hear(&h, word, n, sig, n_sig, x.now, ticket) > 0);
	anchors_free(h.before);
	h.before = h.now;
	h.now = pin(STAGE_GENERATION + 2, "10.0.0.110");
	assert_int_equal(hear(&h, word, n, sig, n_sig, x.now, ticket), -ESTALE);
	anchors_free(h.before);
	anchors_free(h.now);
	stage_strike(&x);
}

/* Of this generation, but the block is for another address here. */
static void test_reflect_a_statement_for_another_address(void **state)
{
	uint8_t word[PROVE_WORD_MAX], sig[1024], ticket[TICKET_MAX];
	struct hearing h = {.ticket_key = {{9}}};
	struct stage x;
	size_t n, n_sig;

	(void)state;
	stage_set(&x);
	h.now = pin(STAGE_GENERATION, "10.0.0.111");
	n = (size_t)stated(&x, word, sig, &n_sig);
	assert_int_equal(hear(&h, word, n, sig, n_sig, x.now, ticket), -EACCES);
	anchors_free(h.now);
	stage_strike(&x);
}

/* Both are under one key, and neither is ever the other. */
static void test_reflect_a_statement_is_no_ticket(void **state)
{
	uint8_t word[PROVE_WORD_MAX], ticket[PROVE_WORD_MAX], sig[1024], out[TICKET_MAX];
	struct hearing h = {.ticket_key = {{9}}};
	struct stage_exchange q;
	struct stage x;
	struct ticket t;
	size_t n_sig;
	int n;

	(void)state;
	stage_set(&x);
	h.now = pin(STAGE_GENERATION, "10.0.0.110");
	n = stated(&x, word, sig, &n_sig);
	assert_int_equal(ticket_open(&h.ticket_key, word, (size_t)n, x.now, &t, &x.e), -EBADMSG);
	stage_keyed(&x, &q, true, psk);
	n = stage_peer_proves(&x, &q, address, ticket);
	assert_true(n > 0);
	assert_int_equal(hear(&h, ticket, (size_t)n, sig, n_sig, x.now, out), -ESTALE);
	anchors_free(h.now);
	stage_strike(&x);
}

static int make_world(void **state)
{
	(void)state;
	key = kit_rsa(2048);
	cert = kit_cert(
	    &(struct kit_cert){.org = "Example", .cn = "relent", .san = "DNS:relent.example", .key = key});
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
	    cmocka_unit_test(test_reflect_nonces_side_by_side),
	    cmocka_unit_test(test_reflect_nonces_exchanged),
	    cmocka_unit_test(test_reflect_nonces_that_overlap),
	    cmocka_unit_test(test_reflect_only_our_own_nonces_are_known),
	    cmocka_unit_test(test_reflect_our_own_hash),
	    cmocka_unit_test(test_reflect_lengths),
	    cmocka_unit_test(test_reflect_no_key_is_as_long_as_a_hash),
	    cmocka_unit_test(test_reflect_keys_twice),
	    cmocka_unit_test(test_reflect_out_of_turn),
	    cmocka_unit_test(test_reflect_another_identity_than_the_keys),
	    cmocka_unit_test(test_reflect_a_recorded_proof),
	    cmocka_unit_test(test_reflect_a_statement_is_for_one_exchange),
	    cmocka_unit_test(test_reflect_a_statement_for_another_address),
	    cmocka_unit_test(test_reflect_a_statement_is_no_ticket),
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
