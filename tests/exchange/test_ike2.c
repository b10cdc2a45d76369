/*
 * Version 2 between two cores: every exchange as it should go, with what each message leads to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keyd/ike2/init.h"
#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000 };

static struct rig rig;

static void begin_with(struct ike_conf *a, struct ike_conf *b)
{
	rig_init(&rig, 1, a, b);
	if (ike_auth_is_rsa(a->peer[0].offer[0].auth))
		rig.a.subject = "a certificate of A";
	if (ike_auth_is_rsa(b->peer[0].offer[0].auth))
		rig.b.subject = "a certificate of B";
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void begin(enum ike_auth_method auth)
{
	begin_with(rig_conf2(auth), rig_conf2(auth));
}

static size_t sas(const struct rig_side *s)
{
	return s->core->ike2.n;
}

static void assert_pair(size_t n)
{
	const char *why = "";

	assert_int_equal(rig_count(&rig.a, true), n);
	assert_int_equal(rig_count(&rig.a, false), n);
	assert_int_equal(rig_count(&rig.b, true), n);
	assert_int_equal(rig_count(&rig.b, false), n);
	assert_int_equal(sas(&rig.a), 1);
	assert_int_equal(sas(&rig.b), 1);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

/* Who may only answer: its own answer to the first packet may come before the pair is whole, or was on its
 * way here when it got so. */
static void test_passive_answers_the_first_packet(void **state)
{
	for (size_t whole = 0; whole < 2; whole++) {
		struct ike_conf *b = rig_conf2(IKE_AUTH_PSK);

		b->peer[0].passive = true;
		begin_with(rig_conf2(IKE_AUTH_PSK), b);
		rig_packet(&rig.a, 0);
		while (!(whole ? rig.b.core->n_children : rig_count(&rig.b, true)))
			rig_run(&rig, 1);
		rig_packet(&rig.b, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pair(1);
		assert_int_equal(rig.b.n_done_ok, 1);
		assert_int_equal(rig.b.n_done_bad, 0);
		rig_fini(&rig);
	}
}

/* Each says which version the other one should have, where the peer of the other version looks. */
static void test_two_versions_do_not_meet(void **state)
{
	begin_with(rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true), rig_conf2(IKE_AUTH_PSK));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_logged(&rig.b, "10.0.0.100 begins with version 1, and connection"));
	rig_packet(&rig.b, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_logged(&rig.a, "is dropped: its connection has version 1"));
	assert_int_equal(rig.a.core->n_children + rig.b.core->n_children, 0);
	rig_fini(&rig);
}

static unsigned n_said_a;

static bool count_said(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	n_said_a += from_a;
	return true;
}

/* Who stops has one message to say it in, whatever there was between the two. */
static void test_who_stops_is_gone_at_once(void **state)
{
	begin_with(rig_conf2(IKE_AUTH_PSK), rig_conf2(IKE_AUTH_PSK));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pair(1);
	n_said_a = 0;
	rig.wire.tamper = count_said;
	core_shutdown(rig.a.core);
	rig.a.dead = true;
	rig_run(&rig, 100);
	assert_int_equal(n_said_a, 1);
	assert_int_equal(sas(&rig.b), 0);
	assert_int_equal(rig.b.core->n_children, 0);
	assert_true(rig_logged(&rig.b, "deleted by the peer"));
	rig_fini(&rig);
}

static void establishes(enum ike_auth_method auth)
{
	begin(auth);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pair(1);
	assert_int_equal(rig.a.n_done_ok, 1);
	assert_int_equal(rig.n_datagrams, 4);
	assert_int_equal(rig.a.sa[0].desc.enc, ALG_ENC_AES_GCM_16);
	assert_int_equal(rig.a.sa[0].desc.flags, SA_F_ESN);
	assert_true(rig_logged(&rig.a, "IPsec-SA established: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi="));
	assert_true(rig_logged(&rig.b, "IKE-SA established"));
	rig_fini(&rig);
}

static void test_psk(void **state)
{
	establishes(IKE_AUTH_PSK);
}

static void test_certificates(void **state)
{
	establishes(IKE_AUTH_RSA);
}

static struct ike_conf *conf_of(enum ike_auth_method ours, enum ike_auth_method peers)
{
	struct ike_conf *c = rig_conf2(ours);

	c->peer[0].peer_auth = peers;
	return c;
}

/* One by its certificate and the other by a secret, whoever begins; no certificate is sent that nobody asked
 * for. */
static void test_each_side_in_its_own_way(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		enum ike_auth_method a = i ? IKE_AUTH_PSK : IKE_AUTH_RSA, b = i ? IKE_AUTH_RSA : IKE_AUTH_PSK;

		begin_with(conf_of(a, b), conf_of(b, a));
		rig_packet(&rig.a, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pair(1);
		rig_fini(&rig);
	}
}

static const uint8_t keys[2][IKE_PUBLIC_KEY_MAX + 1] = {"A's public key", "B's public key"};

/* Both have keys without certificates, so many octets of which they show, where they do. */
static void begin_bare(bool shows, size_t n)
{
	struct ike_conf *c[] = {rig_conf2(IKE_AUTH_RSA), rig_conf2(IKE_AUTH_RSA)};

	for (int i = 0; i < 2; i++) {
		c[i]->peer[0].key = strdup("own.key");
		c[i]->peer[0].peer_key = strdup("peer.pub");
		c[i]->peer[0].my_id = (struct ike_id){.kind = IKE_ID_ADDRESS};
		c[i]->peer[0].send_cert = shows;
	}
	begin_with(c[0], c[1]);
	rig.a.subject = rig.b.subject = NULL;
	rig.a.bare_key = (struct ike1_octets){keys[0], n};
	rig.b.bare_key = (struct ike1_octets){keys[1], n};
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
}

static void test_keys_without_certificates(void **state)
{
	(void)state;
	for (unsigned shows = 0; shows < 2; shows++) {
		begin_bare(shows, IKE_PUBLIC_KEY_MAX);
		assert_pair(1);
		assert_true(rig.a.n_judged == 1 && rig.b.n_judged == 1);
		assert_true(rig.a.n_keys_shown == shows && rig.b.n_keys_shown == shows);
		rig_fini(&rig);
	}
	/* More than any key has is not handed on to certd-verify. */
	begin_bare(true, IKE_PUBLIC_KEY_MAX + 1);
	assert_true(rig_logged(&rig.b, "its certificates are malformed"));
	assert_int_equal(rig.b.n_judged, 0);
	assert_int_equal(sas(&rig.a), 0);
	rig_fini(&rig);
}

/* A wants B to be called so. */
static struct ike_conf *wanting(const char *name)
{
	struct ike_conf *c = rig_conf2(IKE_AUTH_PSK);
	struct ike_peer *p = &c->peer[0];

	p->peer_id = calloc(1, sizeof(*p->peer_id));
	p->n_peer_ids = 1;
	p->peer_id[0] = (struct ike_id){.kind = IKE_ID_FQDN, .len = (uint16_t)strlen(name)};
	memcpy(p->peer_id[0].data, name, strlen(name));
	return c;
}

static const struct ikesa *only_sa(const struct rig_side *s)
{
	assert_int_equal(sas(s), 1);
	return list_entry(s->core->ike2.sas.next, struct ikesa, all);
}

static void test_who_is_asked_for_answers(void **state)
{
	const struct ike_id *id;

	(void)state;
	begin_with(wanting("gw.b"), rig_conf2(IKE_AUTH_PSK));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pair(1);
	id = &only_sa(&rig.a)->peer_id;
	assert_true(id->kind == IKE_ID_FQDN && id->len == 4);
	assert_memory_equal(id->data, "gw.b", 4);
	rig_fini(&rig);

	begin_with(wanting("gw.c"), rig_conf2(IKE_AUTH_PSK));
	rig.b.not_me = "gw.c";
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(sas(&rig.a) + sas(&rig.b), 0);
	assert_int_equal(rig_count(&rig.a, true) + rig_count(&rig.b, true), 0);
	assert_true(
	    rig_logged(&rig.b, "the peer asks for somebody else: compare its idea of us with local-id: "
	                       "our key does not speak for it"));
	assert_true(rig_logged(&rig.a, "the peer refuses: AUTHENTICATION_FAILED"));
	rig_fini(&rig);
}

/* For a peer at this address alone. */
static struct ike_conf *from(const char *addr)
{
	struct ike_conf *c = rig_conf2(IKE_AUTH_PSK);

	assert_int_equal(inet_addr_parse(addr, &c->peer[0].addr), 0);
	return c;
}

/* B has forgotten A, and says so when A begins once more. */
static void test_initial_contact_of_who_answers(void **state)
{
	const struct ike_path path = {.local_port = IKE_PORT, .remote_port = IKE_PORT};
	struct ike_path p = path;
	struct ikesa *sa;

	(void)state;
	begin_with(rig_conf2(IKE_AUTH_PSK), from("10.0.0.100"));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pair(1);
	rig_restart(&rig.b, from("10.0.0.100"));
	p.local = rig.a.addr;
	p.remote = rig.b.addr;
	sa = ike2_sa_new(rig.a.core, 0, &p, NULL);
	assert_non_null(pair_new(sa, true));
	list_entry(sa->pairs.next, struct ike2_pair, node)->out = rig.a.out[0];
	init_begin(sa);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_logged(&rig.a, "purged: the peer began anew"));
	assert_pair(1);
	/* Once more, and there is nothing to forget: B has one already. */
	sa = ike2_sa_new(rig.a.core, 0, &p, NULL);
	rig.a.n_log = 0;
	memset(rig.a.log, 0, RIG_LOG_MAX);
	init_begin(sa);
	rig_run(&rig, ENOUGH_MS);
	assert_false(rig_logged(&rig.a, "purged: the peer began anew"));
	rig_fini(&rig);
}

static uint8_t last[64];
static size_t n_last, n_said;

static bool note_answer(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	n_last = n_d < sizeof(last) ? n_d : sizeof(last);
	memcpy(last, d, n_last);
	n_said++;
	return true;
}

/* A message of version 3, of which so many octets are there, to B. How often it is answered. */
static size_t say_3(const struct inet_addr *from, uint8_t flags, size_t n)
{
	const struct ike_path path = {
	    .local = rig.b.addr, .remote = *from, .local_port = IKE_PORT, .remote_port = IKE_PORT};
	uint8_t d[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 200, 0x30, 77, flags, 0, 0, 1,
	    2, 0, 0, 0, (uint8_t)n};
	size_t before = n_said;

	core_datagram(rig.b.core, &path, d, n);
	rig_run(&rig, 0);
	return n_said - before;
}

static void test_a_later_version_is_told_which_there_is(void **state)
{
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 41, 0x20, 77,
	    0x20, 0, 0, 1, 2, 0, 0, 0, 36, 0, 0, 0, 8, 0, 0, 0, 5};
	const struct inet_addr stranger = inet_addr_from_bytes((const uint8_t[]){10, 9, 9, 9}, 4);
	size_t n = 0;

	(void)state;
	begin_with(rig_conf2(IKE_AUTH_PSK), from("10.0.0.100"));
	rig.wire.tamper = note_answer;
	assert_int_equal(say_3(&rig.a.addr, 0x08, 36), 1);
	assert_int_equal(n_last, sizeof(want));
	assert_memory_equal(last, want, sizeof(want));
	assert_int_equal(say_3(&rig.a.addr, 0, 60), 1);
	assert_int_equal(last[19], 0x28); /* who did not begin is answered by who did */
	assert_int_equal(say_3(&rig.a.addr, 0x28, 36), 0);
	assert_int_equal(say_3(&rig.a.addr, 0x08, 35), 0);
	assert_int_equal(say_3(&stranger, 0x08, 36), 0);
	for (int i = 0; i < 1000; i++)
		n += say_3(&rig.a.addr, 0x08, 36);
	assert_true(n < 20);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(say_3(&rig.a.addr, 0x08, 36), 1);
	/* Nothing comes of it, and what is of our version goes on. */
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pair(1);
	rig_fini(&rig);
}

/* The configuration says how the peer proves itself, and nothing else will do. */
static void test_a_side_in_another_way_than_was_configured(void **state)
{
	(void)state;
	begin_with(conf_of(IKE_AUTH_RSA, IKE_AUTH_PSK), rig_conf2(IKE_AUTH_RSA));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(sas(&rig.a), 0);
	assert_int_equal(sas(&rig.b), 0);
	assert_int_equal(rig_count(&rig.a, true), 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_two_versions_do_not_meet),
	    cmocka_unit_test(test_who_stops_is_gone_at_once),
	    cmocka_unit_test(test_passive_answers_the_first_packet),
	    cmocka_unit_test(test_psk),
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_each_side_in_its_own_way),
	    cmocka_unit_test(test_keys_without_certificates),
	    cmocka_unit_test(test_who_is_asked_for_answers),
	    cmocka_unit_test(test_initial_contact_of_who_answers),
	    cmocka_unit_test(test_a_later_version_is_told_which_there_is),
	    cmocka_unit_test(test_a_side_in_another_way_than_was_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
