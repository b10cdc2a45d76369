/*
 * One address, several blocks: an exchange goes on under the block that a peer's identity is for, and what
 * counts from then on is that block's. keyd cannot use it to have a stranger let in.
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
#include "support/prove_stage.h"

/* The third block of the stage, moved to the first one's address. */
enum { OTHER = STAGE_SIGNS };

static EVP_PKEY *key;
static X509 *cert;

static const char psk[] = "mekmitasdigoat";

static struct ike_id fqdn(const char *name)
{
	return kit_id(IKE_ID_FQDN, name);
}

static void wants(struct ike_peer *p, const char *name)
{
	p->peer_id = calloc(1, sizeof(*p->peer_id));
	p->n_peer_ids = 1;
	p->peer_id[0] = fqdn(name);
	p->verify_identifier = true;
}

static void begin(struct stage *x)
{
	struct ike_peer *p, *other;

	stage_set(x);
	p = stage_peer(x);
	other = &x->p.now->conf->peer[OTHER];
	other->addr = p->addr;
	other->offer[other->n_offers++] = p->offer[1];
	wants(p, "first.example");
	wants(other, "second.example");
	p->my_id = fqdn("we.first.example");
	other->my_id = fqdn("we.second.example");
}

static int switch_to(struct stage *x, struct stage_exchange *q, uint32_t to)
{
	x->e = (struct err_text){{0}};
	return prove_switch(
	    &x->p, (struct ike1_octets){q->nonce, sizeof(q->nonce)}, to, x->now, &q->own, &x->e);
}

static void refuse(struct stage *x, struct stage_exchange *q, uint32_t to, int want, const char *says)
{
	int r = switch_to(x, q, to);

	if (r != want || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

static int prove(struct stage *x, struct stage_exchange *q, const char *name)
{
	uint8_t proof[PROVE_PROOF_MAX];

	return prove_us(&x->p, (struct ike1_octets){q->nonce, sizeof(q->nonce)}, stage_id(q, fqdn(name)),
	    x->now, proof, &x->e);
}

static void test_switch_gives_the_other_blocks_ticket(void **state)
{
	uint8_t word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct ticket t;
	struct stage x;
	int n;

	(void)state;
	begin(&x);
	stage_keyed(&x, &q, false, psk);
	/* The block it was begun with refuses that identity, */
	assert_int_equal(stage_peer_proves(&x, &q, fqdn("second.example"), word), -EACCES);
	assert_int_equal(switch_to(&x, &q, OTHER), 0);
	/* and the other one its own foreigners. */
	assert_int_equal(stage_peer_proves(&x, &q, fqdn("first.example"), word), -EACCES);
	n = stage_peer_proves(&x, &q, fqdn("second.example"), word);
	assert_true(n > 0);
	assert_int_equal(ticket_open(&x.p.ticket_key, word, (size_t)n, x.now, &t, &x.e), 0);
	assert_int_equal(t.peer, OTHER);
	assert_int_equal(prove(&x, &q, "we.first.example"), -EACCES);
	assert_true(prove(&x, &q, "we.second.example") > 0);
	stage_strike(&x);
}

static void test_switch_takes_the_other_blocks_key(void **state)
{
	uint8_t word[PROVE_WORD_MAX];
	struct statement s;
	struct stage_exchange q;
	struct stage x;
	bool is_ticket;
	int n;

	(void)state;
	begin(&x);
	x.s.peer = OTHER;
	stage_give_key(&x, key, cert);
	x.s.peer = STAGE_NAMED;
	stage_keyed(&x, &q, false, NULL);
	assert_null(q.own);
	assert_int_equal(switch_to(&x, &q, OTHER), 0);
	assert_ptr_equal(q.own, x.p.now->own[OTHER]);
	n = stage_peer_says(&x, &q, fqdn("second.example"), NULL, &is_ticket, word);
	assert_true(n > 0 && !is_ticket);
	assert_int_equal(statement_open(&x.p.ticket_key, word, (size_t)n, x.now, &s, &x.e), 0);
	assert_int_equal(s.peer, OTHER);
	assert_true(prove(&x, &q, "we.second.example") > 0);
	stage_strike(&x);
}

/* A key by another peer's address, or by its identity, is another key. */
static void test_switch_stays_at_the_address(void **state)
{
	struct stage_exchange q;
	struct stage x;

	(void)state;
	begin(&x);
	stage_keyed(&x, &q, false, psk);
	refuse(&x, &q, STAGE_ANYBODY, -EACCES, "remote anonymous is not configured for 10.0.0.110");
	x.p.now->conf->peer[OTHER].addr = inet_addr_v4(0x0a000078);
	refuse(&x, &q, OTHER, -EACCES, "is not configured for 10.0.0.110");
	refuse(&x, &q, STAGE_PEERS, -EINVAL, "there is no peer");
	stage_strike(&x);
}

static void test_switch_only_to_what_proposes_it(void **state)
{
	struct stage_exchange q;
	struct ike_peer *other;
	struct stage x;

	(void)state;
	begin(&x);
	other = &x.p.now->conf->peer[OTHER];
	stage_keyed(&x, &q, false, psk);
	other->n_offers--;
	refuse(&x, &q, OTHER, -EACCES, "proposes no pre_shared_key");
	other->n_offers++;
	other->mode[0] = IKE_MODE_AGGRESSIVE;
	refuse(&x, &q, OTHER, -EACCES, "does not name main");
	other->mode[0] = IKE_MODE_MAIN;
	assert_int_equal(switch_to(&x, &q, OTHER), 0);
	stage_strike(&x);
}

/* Nothing that was said under one block is carried over to another. */
static void test_switch_only_in_its_place(void **state)
{
	struct ike_id who = fqdn("first.example");
	AUTO(ike1_keys_fini) struct ike1_keys keys = {0}, base = {0};
	uint8_t word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct stage x;

	(void)state;
	begin(&x);
	assert_int_equal(stage_begin(&x, &q, false, psk), 0);
	refuse(&x, &q, OTHER, -EPROTO, "only who answers main mode");
	q.f.peer_id = &who;
	q.psk = psk;
	stage_peer(&x)->verify_identifier = false;
	assert_int_equal(stage_keys(&x, &q, &keys), 0);
	refuse(&x, &q, OTHER, -EPROTO, "only who answers main mode"); /* aggressive */

	assert_int_equal(stage_begin(&x, &q, false, psk), 0);
	stage_base(&q, who, &who);
	assert_int_equal(stage_keys(&x, &q, &base), 0);
	refuse(&x, &q, OTHER, -EPROTO, "only who answers main mode");

	stage_keyed(&x, &q, true, psk);
	refuse(&x, &q, OTHER, -EPROTO, "only who answers main mode");

	stage_keyed(&x, &q, false, psk);
	assert_true(prove(&x, &q, "we.first.example") > 0);
	refuse(&x, &q, OTHER, -EPROTO, "under the block of before");

	stage_keyed(&x, &q, false, psk);
	assert_true(stage_peer_proves(&x, &q, who, word) > 0);
	refuse(&x, &q, OTHER, -EPROTO, "under the block of before");

	q.nonce[0] ^= 1;
	refuse(&x, &q, OTHER, -ESTALE, "does not know this exchange");
	stage_strike(&x);
}

/* certd-verify knows several blocks of an address, too, and no others. */
static void test_switch_is_known_to_certd_verify(void **state)
{
	struct hearing h = {.ticket_key = {{9}}};
	struct statement s = {.generation = STAGE_GENERATION,
	    .version = 1,
	    .over = (const uint8_t *)psk,
	    .n_over = 10,
	    .expires_ms = STAGE_NOW + 1};
	uint8_t word[STATEMENT_MAX], ticket[TICKET_MAX];
	enum verify_reason why;
	struct inet_addr from;
	struct err_text e;
	struct stage x;
	int n;

	(void)state;
	begin(&x);
	h.now = anchors_new(STAGE_PEERS);
	h.now->generation = STAGE_GENERATION;
	h.now->conf = x.p.now->conf;
	s.addr = x.s.addr;
	s.n_id = (uint16_t)kit_id_body(2, "second.example", 14, s.id);
	for (uint32_t i = 0; i < STAGE_PEERS; i++) {
		struct judge_claim c = {0};

		s.peer = i;
		n = statement_seal(&h.ticket_key, &s, word, sizeof(word));
		assert_true(n > 0);
		assert_int_equal(hearing_hold(&h, (struct ike1_octets){word, (size_t)n}, &c, STAGE_NOW, &why,
		                     &from, ticket, &e),
		    -EACCES);
		/* Of the two it goes on to ask for a certificate, which there is none of. */
		assert_int_equal(why, i == STAGE_ANYBODY ? VERIFY_ID_MISMATCH : VERIFY_NO_CERT);
	}
	h.now->conf = NULL;
	anchors_free(h.now);
	stage_strike(&x);
}

static int make_world(void **state)
{
	struct kit_cert c = {.org = "Example", .cn = "we", .san = "DNS:we.second.example"};

	(void)state;
	c.key = key = kit_rsa(2048);
	cert = kit_cert(&c);
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
	    cmocka_unit_test(test_switch_gives_the_other_blocks_ticket),
	    cmocka_unit_test(test_switch_takes_the_other_blocks_key),
	    cmocka_unit_test(test_switch_stays_at_the_address),
	    cmocka_unit_test(test_switch_only_to_what_proposes_it),
	    cmocka_unit_test(test_switch_only_in_its_place),
	    cmocka_unit_test(test_switch_is_known_to_certd_verify),
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
