/*
 * Version 2 with pre-shared keys: our proof and the judgement of a peer's, against HMACs made by the text of
 * RFC 7296; what is refused, and what a keyd that was taken over tries. Signatures are in test_sign2.c.
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

static void add_peer_id(struct stage *x, struct ike_id id)
{
	struct ike_peer *p = stage_peer(x);

	p->peer_id = reallocarray(p->peer_id, p->n_peer_ids + 1U, sizeof(*p->peer_id));
	assert_non_null(p->peer_id);
	p->peer_id[p->n_peer_ids++] = id;
}

static void expect_proof(struct stage *x, struct stage2_exchange *q)
{
	uint8_t got[PROVE_PROOF_MAX], want[STAGE2_AUTH_PSK];
	int n = stage2_prove(x, q, ours, got);

	if (n != STAGE2_AUTH_PSK)
		fail_msg("%d: %s", n, x->e.s);
	stage2_auth(q, true, stage2_id(q, ours), want);
	assert_memory_equal(got, want, sizeof(want));
}

static void expect_ticket(struct stage *x, struct stage2_exchange *q, struct ike_id id)
{
	uint8_t word[PROVE_WORD_MAX];
	struct ticket t;
	int n = stage2_peer_proves(x, q, id, word);

	if (n <= 0)
		fail_msg("%d: %s", n, x->e.s);
	assert_int_equal(ticket_open(&x->p.ticket_key, word, (size_t)n, x->now, &t, &x->e), 0);
	assert_int_equal(t.generation, STAGE_GENERATION);
	assert_int_equal(t.peer, x->s.peer);
	assert_true(inet_addr_equal(&t.addr, &x->s.addr));
	assert_true(ike_id_equal(&t.id, &id));
	assert_memory_equal(t.icookie, q->spi_i, 8);
	assert_memory_equal(t.rcookie, q->spi_r, 8);
}

static void refuse_peer(
    struct stage *x, struct stage2_exchange *q, struct ike_id id, int want, const char *says)
{
	uint8_t word[PROVE_WORD_MAX];
	int r = stage2_peer_proves(x, q, id, word);

	if (r != want || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

static void refuse_tell(struct stage *x, const struct stage2_exchange *q, int want, const char *says)
{
	int r = stage2_tell(x, q);

	if (r != want || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

/* Each side begins, and either proof comes first. */
static void test_prove2_both_proofs_in_either_order(void **state)
{
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	for (int i = 0; i < 4; i++) {
		stage2_told(&x, &q, i & 1, psk);
		if (i & 2)
			expect_proof(&x, &q);
		expect_ticket(&x, &q, address);
		if (!(i & 2))
			expect_proof(&x, &q);
		/* Both are there: it is over. */
		refuse_peer(&x, &q, address, -ESTALE, "does not know this exchange");
		assert_int_equal(x.p.exchanges.n, 0);
	}
	assert_int_equal(x.p.exchanges.octets, 0);
	stage_strike(&x);
}

static void test_prove2_each_once(void **state)
{
	uint8_t proof[PROVE_PROOF_MAX];
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	stage2_told(&x, &q, true, psk);
	refuse_tell(&x, &q, -EPROTO, "has been told of already");
	expect_proof(&x, &q);
	assert_int_equal(stage2_prove(&x, &q, ours, proof), -EPROTO);
	stage2_told(&x, &q, true, psk);
	expect_ticket(&x, &q, address);
	refuse_peer(&x, &q, address, -EPROTO, "has the peer's proof already");
	stage_strike(&x);
}

static void test_prove2_out_of_turn(void **state)
{
	AUTO(ike1_keys_fini) struct ike1_keys keys = {0};
	uint8_t proof[PROVE_PROOF_MAX];
	struct stage_exchange one;
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	assert_int_equal(stage2_begin(&x, &q, true, psk), 0);
	assert_int_equal(stage2_prove(&x, &q, ours, proof), -EPROTO);
	refuse_peer(&x, &q, address, -EPROTO, "has no keys yet");
	/* One version's facts are not the other's. */
	assert_int_equal(stage_begin(&x, &one, true, psk), 0);
	assert_int_equal(stage_keys(&x, &one, &keys), -EACCES);
	assert_non_null(strstr(x.e.s, "is one for version 2 of IKE, not 1"));
	stage_peer(&x)->version = 1;
	refuse_tell(&x, &q, -EACCES, "is one for version 1 of IKE, not 2");
	stage_peer(&x)->version = 2;
	q.prf = ALG_PRF_HMAC_SHA256;
	refuse_tell(&x, &q, -EACCES, "proposes nothing with this function");
	q.prf = ALG_PRF_HMAC_SHA1;
	x.now += EXCHANGE_MS;
	refuse_tell(&x, &q, -ESTALE, "does not know this exchange");
	stage_strike(&x);
}

/* What certd looks at before anything is made of it, one thing wrong at a time; in messages of both sides. */
static void test_prove2_messages(void **state)
{
	static const struct {
		size_t at; /* octet of the header or behind it that is changed */
		uint8_t to;
		const char *says;
	} rows[] = {
	    {0, 'x', "other SPIs"},
	    {7, 'x', "other SPIs"},
	    {8, 'x', "other SPIs"},
	    {15, 'x', "other SPIs"},
	    {16, 0, "does not have its nonce"}, /* no payload at all */
	    {16, 46, NULL},                     /* whatever the first one is called */
	    {17, 0x10, "header of another"},    /* version 1 */
	    {18, 35, "header of another"},      /* IKE_AUTH */
	    {19, 0x28, "header of another"},    /* neither side's flags */
	    {19, 0x00, "header of another"},
	    {23, 1, "header of another"}, /* message 1 */
	    {27, 0, "another length"},
	    {26, 0xff, "another length"},
	    {31, 0xff, "does not have its nonce"}, /* the first payload is longer than all */
	    {76, 41, "does not have its nonce"},   /* the nonce is none */
	    {28 + 48 + 40 + 4, 0, "does not have its nonce"},
	};
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		size_t k = i / 2;
		uint8_t *m;

		x.now += 1000; /* for the meter */
		assert_int_equal(stage2_begin(&x, &q, true, psk), 0);
		m = i % 2 ? q.message_r : q.message_i;
		if (m[rows[k].at] == rows[k].to)
			fail_msg("row %zu changes nothing", k);
		m[rows[k].at] = rows[k].to;
		if (rows[k].says)
			refuse_tell(&x, &q, -EBADMSG, rows[k].says);
		else
			assert_int_equal(stage2_tell(&x, &q), 0);
	}
	stage_strike(&x);
}

static void test_prove2_message_lengths(void **state)
{
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	assert_int_equal(stage2_begin(&x, &q, true, psk), 0);
	for (size_t cut = 0; cut < q.n_message_i; cut++) {
		size_t whole = q.n_message_i;

		q.n_message_i = cut;
		refuse_tell(&x, &q, -EBADMSG, "initiator's message of IKE_SA_INIT has another length");
		q.n_message_i = whole;
	}
	q.n_message_r++;
	refuse_tell(&x, &q, -EBADMSG, "responder's message of IKE_SA_INIT has another length");
	stage2_messages(&q, PROOF2_MESSAGE_MAX + 1 - q.n_message_i - 4);
	assert_int_equal(q.n_message_i, PROOF2_MESSAGE_MAX + 1);
	refuse_tell(&x, &q, -EBADMSG, "is too long");
	stage2_messages(&q, PROOF2_MESSAGE_MAX - 200);
	assert_int_equal(stage2_tell(&x, &q), 0);
	expect_proof(&x, &q);
	stage_strike(&x);
}

/* A second nonce leaves open which one is meant. */
static void test_prove2_one_nonce(void **state)
{
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	assert_int_equal(stage2_begin(&x, &q, true, psk), 0);
	stage2_messages(&q, 32);
	q.message_i[28 + 48 + 40] = 40; /* what follows the nonce */
	refuse_tell(&x, &q, -EBADMSG, "does not have its nonce");
	stage_strike(&x);
}

/* The proof is over all of it. */
static void test_prove2_another_exchange(void **state)
{
	struct stage2_exchange q, said;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	for (int i = 0; i < 8; i++) {
		uint8_t word[PROVE_WORD_MAX];

		stage2_told(&x, &q, i & 1, psk);
		said = q;
		if (i / 2 == 0)
			(q.we_began ? q.message_r : q.message_i)[40] ^= 1;
		else if (i / 2 == 1)
			(q.we_began ? q.pr : q.pi)[3] ^= 1;
		else if (i / 2 == 2)
			q.psk = "mekmitasdigoa";
		else
			q.we_began = !q.we_began; /* its own first message where ours belongs */
		refuse_peer(&x, &q, address, -EBADMSG, "the peer's proof is wrong");
		assert_true(stage2_peer_proves(&x, &said, address, word) > 0);
	}
	stage_strike(&x);
}

/* Every bit of a proof counts, and so does each of the identity. */
static void test_prove2_every_bit(void **state)
{
	uint8_t auth[STAGE2_AUTH_PSK], word[PROVE_WORD_MAX];
	struct stage2_exchange q;
	struct ike1_octets id;
	struct stage x;
	bool is_ticket;

	(void)state;
	stage2_set(&x, false);
	for (size_t bit = 0; bit < 8 * (8 + sizeof(auth)); bit++) {
		size_t at = bit / 8;

		x.now += 1000;
		stage2_told(&x, &q, true, psk);
		id = stage2_id(&q, address);
		stage2_auth(&q, false, id, auth);
		if (at < 8)
			q.body[at] ^= (uint8_t)(1 << bit % 8);
		else
			auth[at - 8] ^= (uint8_t)(1 << bit % 8);
		if (at >= 9 && at < 12) { /* reserved octets of AUTH: not looked at, and what is proved is */
			assert_true(
			    prove_peer(&x.p, (struct ike1_octets){q.nonce, NONCE_LEN}, id,
			        (struct ike1_octets){auth, sizeof(auth)}, x.now, &is_ticket, word, &x.e) > 0);
			continue;
		}
		assert_true(prove_peer(&x.p, (struct ike1_octets){q.nonce, NONCE_LEN}, id,
		                (struct ike1_octets){auth, sizeof(auth)}, x.now, &is_ticket, word, &x.e) < 0);
	}
	stage_strike(&x);
}

static void test_prove2_bears_a_few_that_are_wrong(void **state)
{
	uint8_t word[PROVE_WORD_MAX], wrong[STAGE2_AUTH_PSK] = {2};
	struct stage2_exchange q;
	bool is_ticket;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	for (int n = EXCHANGE_TRIES - 1; n <= EXCHANGE_TRIES; n++) {
		stage2_told(&x, &q, true, psk);
		for (int i = 0; i < n; i++)
			assert_int_equal(
			    stage2_peer_says(&x, &q, address, wrong, sizeof(wrong), &is_ticket, word),
			    -EBADMSG);
		if (n < EXCHANGE_TRIES)
			expect_ticket(&x, &q, address);
		else
			refuse_peer(&x, &q, address, -ESTALE, "does not know this exchange");
	}
	stage_strike(&x);
}

/* Methods that the block does not have, that nobody has, and none at all. */
static void test_prove2_methods(void **state)
{
	static const uint8_t methods[] = {0, 1, 3, 9, 10, 11, 13, 14, 255};
	uint8_t word[PROVE_WORD_MAX], auth[STAGE2_AUTH_PSK] = {0};
	struct stage2_exchange q;
	bool is_ticket;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		stage2_told(&x, &q, false, psk);
		memset(auth, 3, sizeof(auth));
		auth[0] = methods[i];
		assert_int_equal(
		    stage2_peer_says(&x, &q, address, auth, sizeof(auth), &is_ticket, word), -EACCES);
		assert_non_null(strstr(x.e.s, "wants a pre-shared key"));
	}
	for (size_t n = 0; n <= 4; n++) {
		stage2_told(&x, &q, false, psk);
		auth[0] = 2;
		assert_int_equal(stage2_peer_says(&x, &q, address, auth, n, &is_ticket, word), -EBADMSG);
		assert_non_null(strstr(x.e.s, "AUTH payload cannot be read"));
		x.now += 1000;
	}
	stage_strike(&x);
	stage2_set(&x, true);
	stage2_told(&x, &q, false, psk);
	refuse_peer(&x, &q, address, -EACCES, "wants a certificate's signature");
	stage_strike(&x);
}

/* Without remote-id it is the peer's address, with it one of them and nothing else. */
static void test_prove2_identities(void **state)
{
	const struct ike_id other = kit_id(IKE_ID_FQDN, "else.example"),
	                    dn = kit_id(IKE_ID_DN_DER, "0\x0f"
	                                               "1\r0\v\x06\x03U\x04\x03\f\x04moon");
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	stage2_told(&x, &q, true, psk);
	refuse_peer(&x, &q, ours, -EACCES, "its address is 10.0.0.110: where it is called otherwise");
	refuse_peer(&x, &q, kit_id(IKE_ID_KEYID, "\x0a\x00\x00\x6e"), -EACCES, "remote-id");
	expect_ticket(&x, &q, address);
	add_peer_id(&x, other);
	stage2_told(&x, &q, true, psk);
	refuse_peer(&x, &q, address, -EACCES, "is no remote-id of 10.0.0.110");
	refuse_peer(&x, &q, kit_id(IKE_ID_USER_FQDN, "else.example"), -EACCES, "is no remote-id");
	/* A wrong proof is told of as that: nobody learns whom we expect. */
	q.psk = "wrong";
	refuse_peer(&x, &q, other, -EBADMSG, "the peer's proof is wrong");
	q.psk = psk;
	expect_ticket(&x, &q, other);
	/* The address in use, a typed name, any name. */
	add_peer_id(&x, (struct ike_id){.kind = IKE_ID_ADDRESS});
	add_peer_id(&x, kit_id(IKE_ID_DN, "CN=moon"));
	stage2_told(&x, &q, true, psk);
	refuse_peer(&x, &q, ours, -EACCES, "is no remote-id");
	expect_ticket(&x, &q, address);
	stage2_told(&x, &q, true, psk);
	expect_ticket(&x, &q, dn);
	stage_peer(&x)->peer_id[2] = kit_id(IKE_ID_DN, "CN=noon");
	stage2_told(&x, &q, true, psk);
	refuse_peer(&x, &q, dn, -EACCES, "CN=moon, which is no remote-id");
	stage_peer(&x)->peer_id[2].len = 0;
	expect_ticket(&x, &q, dn);
	stage_strike(&x);
}

/* A responder's key is the one of who asks, an initiator's that of whom it is configured to meet; the
 * address's where there is no other. */
static void test_prove2_which_key(void **state)
{
	const struct ike_id gw = kit_id(IKE_ID_FQDN, "gw.example"),
	                    me = kit_id(IKE_ID_USER_FQDN, "me@gw.example"), tag = kit_id(IKE_ID_KEYID, "tag"),
	                    none = kit_id(IKE_ID_FQDN, "none.example");
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	add_peer_id(&x, none);
	add_peer_id(&x, me);
	add_peer_id(&x, gw);
	add_peer_id(&x, tag);
	stage2_told(&x, &q, false, "by the name");
	expect_ticket(&x, &q, gw);
	expect_proof(&x, &q);
	stage2_told(&x, &q, false, "by the key id");
	expect_ticket(&x, &q, tag);
	expect_proof(&x, &q);
	stage2_told(&x, &q, false, psk); /* no line of its own */
	expect_ticket(&x, &q, none);
	expect_proof(&x, &q);
	stage2_told(&x, &q, false, "by the name");
	refuse_peer(&x, &q, me, -EBADMSG, "proof is wrong");
	x.now += 4000;
	stage2_told(&x, &q, true, "by the user"); /* the first that has a line */
	expect_proof(&x, &q);
	expect_ticket(&x, &q, me);
	stage_peer(&x)->n_peer_ids = 1;
	stage2_told(&x, &q, true, psk);
	expect_proof(&x, &q);
	expect_ticket(&x, &q, none);
	stage_strike(&x);
	stage2_set(&x, false);
	stage_with(&x, STAGE_ANYBODY, "10.0.0.111");
	stage2_told(&x, &q, true, psk);
	assert_int_equal(stage2_prove(&x, &q, ours, (uint8_t[PROVE_PROOF_MAX]){0}), -ENOENT);
	assert_non_null(strstr(x.e.s, "there is no pre-shared key for 10.0.0.111: psk.txt has no line"));
	refuse_peer(&x, &q, gw, -ENOENT, "there is no pre-shared key for 10.0.0.111");
	stage2_told(&x, &q, false, psk);
	refuse_peer(&x, &q, tag, -EBADMSG, "proof is wrong");
	refuse_peer(&x, &q, none, -ENOENT, "for 10.0.0.111 or none.example");
	stage_strike(&x);
}

static void test_prove2_us_for_what_we_are(void **state)
{
	const struct ike_id foreign = kit_id(IKE_ID_FQDN, "gw.example");
	uint8_t proof[PROVE_PROOF_MAX];
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, false);
	stage2_told(&x, &q, true, psk);
	assert_int_equal(stage2_prove(&x, &q, foreign, proof), -EACCES);
	assert_non_null(strstr(x.e.s, "does not speak for gw.example"));
	assert_true(stage2_prove(&x, &q, ours, proof) > 0);
	stage_peer(&x)->my_id = kit_id(IKE_ID_DN, "CN=moon");
	stage2_told(&x, &q, true, psk);
	assert_int_equal(stage2_prove(&x, &q, ours, proof), -EACCES);
	assert_true(stage2_prove(&x, &q,
	                kit_id(IKE_ID_DN_DER, "0\x0f"
	                                      "1\r0\v\x06\x03U\x04\x03\f\x04moon"),
	                proof) > 0);
	stage_strike(&x);
}

/* --- what a keyd that was taken over tries --- */

/* Our proof of one exchange is the peer's of another, but for the nonces: so these are looked at. `n`: as
 * many octets of the other exchange's nonce are said here. */
static void reflect(bool we_began, size_t n, int want)
{
	uint8_t proof[PROVE_PROOF_MAX], theirs[STAGE2_AUTH_PSK], word[PROVE_WORD_MAX];
	struct stage2_exchange a, b;
	struct stage x;
	bool is_ticket;

	stage2_set(&x, false);
	add_peer_id(&x, ours);
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
	refuse_tell(&x, &b, -EBADMSG, "a nonce of ours: a reflection");
	if (want == 0)
		assert_true(stage2_prove(&x, &a, ours, proof) > 0);
	assert_int_equal(stage2_peer_says(&x, &b, ours, proof, STAGE2_AUTH_PSK, &is_ticket, word), -EPROTO);
	stage_strike(&x);
}

static void test_prove2_reflection(void **state)
{
	(void)state;
	for (int began = 0; began < 2; began++) {
		for (size_t n = NONCE_KNOWN; n <= NONCE_LEN + 8; n++)
			reflect(began, n, -EBADMSG);
		reflect(began, NONCE_KNOWN - 1, 0);
	}
}

/* Our own proof, handed back as it is in the same exchange. */
static void test_prove2_our_own_proof(void **state)
{
	uint8_t proof[PROVE_PROOF_MAX], word[PROVE_WORD_MAX];
	struct stage2_exchange q;
	struct stage x;
	bool is_ticket;

	(void)state;
	stage2_set(&x, false);
	add_peer_id(&x, ours);
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
		refuse_tell(&x, &q, -EBADMSG, "does not have its nonce");
	}
	stage_strike(&x);
}

static void test_prove2_a_recorded_proof(void **state)
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

/* What open exchanges keep is bounded in all: the oldest give way. */
static void test_prove2_memory_is_bounded(void **state)
{
	struct stage2_exchange first, q;
	struct stage x;
	size_t n = 0;

	(void)state;
	stage2_set(&x, false);
	for (; x.p.exchanges.n_evicted < 10 && n < 2000; n++) {
		x.now += 100;
		assert_int_equal(stage2_begin(&x, &q, true, psk), 0);
		stage2_messages(&q, PROOF2_MESSAGE_MAX - 300);
		assert_int_equal(stage2_tell(&x, &q), 0);
		if (n == 0)
			first = q;
		assert_true(x.p.exchanges.octets <= EXCHANGES_OCTETS_MAX);
	}
	assert_true(x.p.exchanges.n_evicted >= 10);
	refuse_peer(&x, &first, address, -ESTALE, "does not know this exchange");
	expect_ticket(&x, &q, address);
	stage_strike(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_prove2_both_proofs_in_either_order),
	    cmocka_unit_test(test_prove2_each_once),
	    cmocka_unit_test(test_prove2_out_of_turn),
	    cmocka_unit_test(test_prove2_messages),
	    cmocka_unit_test(test_prove2_message_lengths),
	    cmocka_unit_test(test_prove2_one_nonce),
	    cmocka_unit_test(test_prove2_another_exchange),
	    cmocka_unit_test(test_prove2_every_bit),
	    cmocka_unit_test(test_prove2_bears_a_few_that_are_wrong),
	    cmocka_unit_test(test_prove2_methods),
	    cmocka_unit_test(test_prove2_identities),
	    cmocka_unit_test(test_prove2_which_key),
	    cmocka_unit_test(test_prove2_us_for_what_we_are),
	    cmocka_unit_test(test_prove2_reflection),
	    cmocka_unit_test(test_prove2_our_own_proof),
	    cmocka_unit_test(test_prove2_a_recorded_proof),
	    cmocka_unit_test(test_prove2_memory_is_bounded),
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
