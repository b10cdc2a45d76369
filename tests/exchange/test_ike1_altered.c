/*
 * Version 1, every message of every exchange: lost, with each of its octets altered on the way, once or as
 * often as it is repeated, and written anew by a peer that has the keys and lies. Whatever becomes of it:
 * nobody gets an SA who did not show who he is, nothing is left over or waits for ever, and the next packet
 * finds its way.
 *
 * Octets are a sample, another one in each message; all of them with POSTERN_LONG.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"
#include "support/ike_rig_rewrite.h"
#include "wire/ike/msg.h"
#include "wire/ike/v1.h"

enum {
	TCP = 6,
	PLAY_MS = 5000,
	LONG_MS = 400000,
	DATAGRAMS_MAX = 64,
	EXCHANGE_AT = 18,
	FLAGS_AT = 19,
	MSG_ID_AT = 20,
	MSG_ID_LEN = 4,
	VENDOR_LEN = 16,
};

static struct rig rig;

/* --- what is played --- */

struct script {
	const char *name;
	void (*set_up)(void);
	void (*play)(void);
	uint8_t touches[4];                                      /* exchanges; none: all of them */
	bool (*on_the_way)(bool from_a, uint8_t *d, size_t n_d); /* whatever is touched; may be NULL */
	bool refused;                                            /* it comes to no SAs */
};

static void begin(struct ike_conf *a, struct ike_conf *b, enum ipsec_mode mode)
{
	rig_init(&rig, 1, a, b);
	rig.a.subject = "a certificate of A";
	rig.b.subject = "a certificate of B";
	rig.b.user = "alice";
	rig.a.password = rig.b.password = "s3cret";
	rig_policy(&rig, mode, TCP);
}

static void alike(enum ike_mode mode, enum ike_auth_method auth)
{
	begin(rig_conf(mode, auth, true), rig_conf(mode, auth, true), IPSEC_TRANSPORT);
}

static void main_psk(void)
{
	alike(IKE_MODE_MAIN, IKE_AUTH_PSK);
}

static void aggressive_psk(void)
{
	alike(IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK);
}

static void base_psk(void)
{
	alike(IKE_MODE_BASE, IKE_AUTH_PSK);
}

static void main_rsa(void)
{
	alike(IKE_MODE_MAIN, IKE_AUTH_RSA);
}

static void aggressive_rsa(void)
{
	alike(IKE_MODE_AGGRESSIVE, IKE_AUTH_RSA);
}

static void base_rsa(void)
{
	alike(IKE_MODE_BASE, IKE_AUTH_RSA);
}

static void packet(void)
{
	rig_packet(&rig.a, 0);
	rig_run(&rig, PLAY_MS);
}

/* --- remote access --- */

enum { POOL_FIRST = 0x0a090901 };

static struct ike_conf *client(enum ike_mode mode, bool xauth)
{
	struct ike_conf *c = rig_conf(mode, xauth ? IKE_AUTH_XAUTH_PSK_CLIENT : IKE_AUTH_PSK, true);

	c->peer[0].xauth_login = strdup("alice");
	c->peer[0].mode_cfg = true;
	return c;
}

static struct ike_conf *server(enum ike_mode mode, bool xauth)
{
	struct ike_conf *c = rig_conf(mode, xauth ? IKE_AUTH_XAUTH_PSK_SERVER : IKE_AUTH_PSK, true);

	c->pool = (struct ike_pool){.present = true,
	    .network4 = inet_addr_v4(POOL_FIRST),
	    .netmask4 = inet_addr_v4(0xffffff00),
	    .size = 2,
	    .dns4 = {inet_addr_v4(0x0a010035)},
	    .n_dns4 = 1,
	    .default_domain = strdup("example.com"),
	    .banner = strdup("be nice"),
	    .include = {.net = {{inet_addr_v4(0x0a010000), 16}}, .n = 1},
	    .auth_throttle_s = 1};
	return c;
}

static void user_and_address(void)
{
	begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true), IPSEC_TUNNEL);
}

static void user_in_aggressive_mode(void)
{
	begin(client(IKE_MODE_AGGRESSIVE, true), server(IKE_MODE_AGGRESSIVE, true), IPSEC_TUNNEL);
}

static void user_in_base_mode(void)
{
	begin(client(IKE_MODE_BASE, true), server(IKE_MODE_BASE, true), IPSEC_TUNNEL);
}

static void wrong_password(void)
{
	user_in_aggressive_mode();
	rig.a.password = "guess";
}

static void address_pushed(void)
{
	struct ike_conf *b = server(IKE_MODE_MAIN, false);

	b->peer[0].mode_cfg = true;
	begin(client(IKE_MODE_MAIN, false), b, IPSEC_TUNNEL);
}

/* The client's own question does not come through, what it answers to the server does. */
static bool without_questions(bool from_a, uint8_t *d, size_t n_d)
{
	static uint8_t servers[MSG_ID_LEN];

	if (d[EXCHANGE_AT] != IKE1_TRANSACTION)
		return true;
	if (!from_a)
		memcpy(servers, d + MSG_ID_AT, MSG_ID_LEN);
	return memcmp(servers, d + MSG_ID_AT, MSG_ID_LEN) == 0;
}

/* --- informational --- */

static void delete_pair(void)
{
	packet();
	rig_spent(&rig.a, true);
	rig_run(&rig, PLAY_MS);
}

static void delete_all(void)
{
	packet();
	core_shutdown(rig.a.core);
	rig_run(&rig, PLAY_MS);
}

static void come_back(void)
{
	packet();
	rig_restart(&rig.b, rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true));
	rig_packet(&rig.b, 0);
	rig_run(&rig, PLAY_MS);
}

static void lost_pair(void)
{
	packet();
	child_end(list_entry(rig.b.core->children.next, struct child, node), false, CHILD_FORGOTTEN);
	rig_traffic(&rig);
}

static void with_questions(void)
{
	struct ike_conf *c[] = {
	    rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true), rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true)};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		c[i]->peer[0].dpd =
		    (struct ike_dpd){.announce = true, .delay_s = 10, .retry_s = 2, .maxfail = 3};
	begin(c[0], c[1], IPSEC_TRANSPORT);
}

static void ask_and_answer(void)
{
	packet();
	rig_run(&rig, 15000);
}

static void shorter_lives(void)
{
	struct ike_conf *a = rig_conf(IKE_MODE_BASE, IKE_AUTH_PSK, true),
	                *b = rig_conf(IKE_MODE_BASE, IKE_AUTH_PSK, true);

	a->peer[0].offer[0].seconds = 0;
	b->peer[0].offer[0].seconds = 1200;
	b->peer[0].check = CHECK_CLAIM;
	b->child[0].seconds = 30000;
	begin(a, b, IPSEC_TRANSPORT);
}

static void no_proposal1(void)
{
	struct ike_conf *b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);

	b->peer[0].offer[0].hash = ALG_PRF_HMAC_SHA256;
	begin(rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true), b, IPSEC_TRANSPORT);
}

static void no_proposal2(void)
{
	struct ike_conf *b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);

	b->peer[0].check = CHECK_STRICT;
	b->child[0].seconds = 60;
	begin(rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true), b, IPSEC_TRANSPORT);
}

/* Both say that they have to hear of it: quick mode has a fourth message, and it is CONNECTED. */
static bool with_commit_bit(bool from_a, uint8_t *d, size_t n_d)
{
	if (d[EXCHANGE_AT] == IKE1_QUICK)
		d[FLAGS_AT] |= IKE1_F_COMMIT;
	return true;
}

/* --- behind a NAT --- */

static void behind_nat(enum ike_mode mode)
{
	struct ike_conf *a = rig_conf(mode, IKE_AUTH_PSK, true), *b = rig_conf(mode, IKE_AUTH_PSK, true);

	a->peer[0].nat_traversal = b->peer[0].nat_traversal = IKE_ON;
	rig_init(&rig, 1, a, b);
	rig.nat = inet_addr_v4(0x0a0000fe);
	rig.nat_port[0] = 30500;
	rig.nat_port[1] = 34500;
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
}

static void nat_main(void)
{
	behind_nat(IKE_MODE_MAIN);
}

static void nat_aggressive(void)
{
	behind_nat(IKE_MODE_AGGRESSIVE);
}

static void nat_base(void)
{
	behind_nat(IKE_MODE_BASE);
}

/* Neither announces RFC 3947: the draft is left. */
static bool draft_only(bool from_a, uint8_t *d, size_t n_d)
{
	static const uint8_t rfc3947[VENDOR_LEN] = {
	    0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f};
	uint8_t *at = memmem(d, n_d, rfc3947, sizeof(rfc3947));

	if (at)
		memset(at, 'x', sizeof(rfc3947));
	return true;
}

/* --- in fragments --- */

static void cut(enum ike_mode mode)
{
	enum { CERT = 4000 };
	struct ike_conf *a = rig_conf(mode, IKE_AUTH_RSA, true), *b = rig_conf(mode, IKE_AUTH_RSA, true);

	a->peer[0].ike_frag = b->peer[0].ike_frag = IKE_ON;
	begin(a, b, IPSEC_TRANSPORT);
	rig.a.cert_len = rig.b.cert_len = CERT;
}

static void cut_main(void)
{
	cut(IKE_MODE_MAIN);
}

static void cut_aggressive(void)
{
	cut(IKE_MODE_AGGRESSIVE);
}

static void cut_base(void)
{
	cut(IKE_MODE_BASE);
}

static const struct script scripts[] = {
    {.name = "main mode", .set_up = main_psk},
    {.name = "aggressive mode", .set_up = aggressive_psk},
    {.name = "base mode", .set_up = base_psk},
    {.name = "main mode with certificates", .set_up = main_rsa},
    {.name = "aggressive mode with certificates", .set_up = aggressive_rsa},
    {.name = "base mode with certificates", .set_up = base_rsa},
    {.name = "XAuth and mode config", .set_up = user_and_address, .touches = {IKE1_TRANSACTION}},
    {.name = "XAuth in aggressive mode", .set_up = user_in_aggressive_mode, .touches = {IKE1_TRANSACTION}},
    {.name = "XAuth in base mode", .set_up = user_in_base_mode, .touches = {IKE1_TRANSACTION}},
    {.name = "XAuth with a wrong password",
        .set_up = wrong_password,
        .touches = {IKE1_TRANSACTION, IKE1_INFORMATIONAL},
        .refused = true},
    {.name = "mode config, pushed",
        .set_up = address_pushed,
        .touches = {IKE1_TRANSACTION},
        .on_the_way = without_questions},
    {.name = "deletion of a pair", .set_up = main_psk, .play = delete_pair, .touches = {IKE1_INFORMATIONAL}},
    {.name = "deletion of all", .set_up = main_psk, .play = delete_all, .touches = {IKE1_INFORMATIONAL}},
    {.name = "INITIAL-CONTACT", .set_up = main_psk, .play = come_back, .touches = {IKE1_INFORMATIONAL}},
    {.name = "a lost pair", .set_up = main_psk, .play = lost_pair, .touches = {IKE1_INFORMATIONAL}},
    {.name = "dead peer detection",
        .set_up = with_questions,
        .play = ask_and_answer,
        .touches = {IKE1_INFORMATIONAL}},
    {.name = "RESPONDER-LIFETIME", .set_up = shorter_lives, .touches = {IKE1_INFORMATIONAL, IKE1_QUICK}},
    {.name = "no proposal in phase 1",
        .set_up = no_proposal1,
        .touches = {IKE1_INFORMATIONAL},
        .refused = true},
    {.name = "no proposal in phase 2",
        .set_up = no_proposal2,
        .touches = {IKE1_INFORMATIONAL},
        .refused = true},
    {.name = "CONNECTED",
        .set_up = main_psk,
        .touches = {IKE1_QUICK, IKE1_INFORMATIONAL},
        .on_the_way = with_commit_bit},
    {.name = "behind a NAT, main mode", .set_up = nat_main},
    {.name = "behind a NAT, aggressive mode", .set_up = nat_aggressive},
    {.name = "behind a NAT, base mode", .set_up = nat_base},
    {.name = "behind a NAT, main mode, draft", .set_up = nat_main, .on_the_way = draft_only},
    {.name = "behind a NAT, aggressive mode, draft", .set_up = nat_aggressive, .on_the_way = draft_only},
    {.name = "behind a NAT, base mode, draft", .set_up = nat_base, .on_the_way = draft_only},
    {.name = "main mode in fragments", .set_up = cut_main},
    {.name = "aggressive mode in fragments", .set_up = cut_aggressive},
    {.name = "base mode in fragments", .set_up = cut_base},
};

/* --- what is done to them --- */

enum act { NOTHING, LOSE, ALTER, ALTER_ALWAYS, REWRITE, ACTS };

static const char *const act_names[ACTS] = {
    [LOSE] = "lost", [ALTER] = "altered once", [ALTER_ALWAYS] = "altered", [REWRITE] = "written anew"};

/* The n-th datagram, with all its repetitions but for `once`. */
static struct {
	const struct script *script;
	enum act act;
	unsigned at;
	size_t offset;
	uint8_t flip;
	uint8_t was[CORE_DATAGRAM_MAX], is[CORE_DATAGRAM_MAX];
	size_t n;
	bool done; /* there was such an octet */
} touch;

/* What was sent when nothing was done. */
static struct {
	uint8_t exchange;
	bool enciphered;
	size_t n;
} sent[DATAGRAMS_MAX];
static unsigned n_sent;
static bool notes;

static void note(unsigned n, const uint8_t *d, size_t n_d)
{
	if (!notes || n >= DATAGRAMS_MAX)
		return;
	sent[n].exchange = d[EXCHANGE_AT];
	sent[n].enciphered = d[FLAGS_AT] & IKE1_F_ENCRYPTED;
	sent[n].n = n_d;
	n_sent = n + 1;
}

static void alter(bool from_a, uint8_t *d, size_t n_d)
{
	memcpy(touch.was, d, n_d);
	touch.n = n_d;
	touch.done = true;
	if (touch.act == REWRITE)
		touch.done = rig_rewrite(&rig, from_a, d, n_d, touch.offset, touch.flip);
	else
		d[touch.offset] ^= touch.flip;
	memcpy(touch.is, d, n_d);
}

static bool on_the_way(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	bool now = n == touch.at;

	if (touch.script->on_the_way && !touch.script->on_the_way(from_a, d, n_d))
		return false;
	switch (touch.act) {
	case NOTHING:
		note(n, d, n_d);
		return true;
	case LOSE:
		return !now;
	case ALTER:
	case ALTER_ALWAYS:
	case REWRITE:
		if (now)
			alter(from_a, d, n_d);
		else if (touch.act != ALTER && touch.done && touch.n == n_d && memcmp(touch.was, d, n_d) == 0)
			memcpy(d, touch.is, n_d);
		return true;
	default:
		return true;
	}
}

static void wrong(const char *why)
{
	fail_msg("%s: message %u %s, octet %zu: %s", touch.script->name, touch.at, act_names[touch.act],
	    touch.offset, why);
}

static void assert_calm(void)
{
	const char *why = "";

	if (!rig_is_calm(&rig, &why))
		wrong(why);
	if (rig.b.user && ike_auth_asks(rig.b.core->conf->c->peer[0].offer[0].auth) &&
	    rig_count(&rig.b, true) + rig_count(&rig.b, false) && !rig_logged(&rig.b, "login succeeded"))
		wrong("there is an SA, and nobody knows whose");
}

/* A liar in quick mode may well have lied about his own key: his SAs are no use to anybody, and that is all.
 */
static bool may_differ(void)
{
	return touch.act == REWRITE && sent[touch.at].exchange == IKE1_QUICK;
}

/* The wire is good again. */
static void assert_goes_on(void)
{
	/* In a time in which an ISAKMP SA ends: one that does not know of the NAT, because vendor ids are in
	 * nobody's proof, is up and of no use. */
	enum { TRIES = 12 };
	const char *why = "";

	rig.wire.tamper = NULL;
	for (unsigned i = 0; i < TRIES; i++) {
		rig_traffic(&rig);
		if (rig_is_usable(&rig) && rig_agrees(&rig, &why))
			break;
		rig_packet(&rig.a, 0);
		rig_run(&rig, LONG_MS);
	}
	assert_calm();
	if (!rig_agrees(&rig, &why))
		wrong(why);
	if (touch.script->refused && rig_count(&rig.a, false) + rig_count(&rig.b, false))
		wrong("there is an SA");
	if (!touch.script->refused && !rig_is_usable(&rig))
		wrong("no packet finds its way any more");
}

static void run(void)
{
	touch.done = false;
	touch.script->set_up();
	rig.wire.tamper = on_the_way;
	notes = true;
	(touch.script->play ? touch.script->play : packet)();
	notes = false;
	rig_run(&rig, LONG_MS);
	assert_calm();
	if (!may_differ())
		assert_goes_on();
	rig_fini(&rig);
}

static bool is_touched(unsigned n)
{
	const uint8_t *t = touch.script->touches;

	for (size_t i = 0; i < ARRAY_SIZE(touch.script->touches) && t[i]; i++)
		if (t[i] == sent[n].exchange)
			return true;
	return !t[0];
}

static void every_octet(void)
{
	static const uint8_t flips[] = {0x41, 0x80, 0xff, 0x01};
	enum { SAMPLE = 53, WAYS_LONG = 2 };
	bool all = getenv("POSTERN_LONG") != NULL;

	for (touch.offset = all ? 0 : touch.at % SAMPLE; touch.offset < sent[touch.at].n;
	     touch.offset += all ? 1 : SAMPLE)
		for (size_t i = 0; i < (all ? WAYS_LONG : 1); i++) {
			touch.flip = flips[(touch.offset + i) % ARRAY_SIZE(flips)];
			run();
		}
}

static void each_message(enum act act)
{
	unsigned touched = 0;

	touch.act = NOTHING;
	touch.at = DATAGRAMS_MAX;
	n_sent = 0;
	memset(sent, 0, sizeof(sent));
	run();
	touch.act = act;
	for (touch.at = 0; touch.at < n_sent; touch.at++) {
		if (!is_touched(touch.at) || (act == REWRITE && !sent[touch.at].enciphered))
			continue;
		touched++;
		if (act == LOSE)
			run();
		else
			every_octet();
	}
	assert_true(touched > 0 || act == REWRITE);
}

static void each_script(enum act act)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		touch.script = &scripts[i];
		each_message(act);
	}
}

static void test_each_message_lost(void **state)
{
	each_script(LOSE);
}

static void test_each_octet_altered_once(void **state)
{
	each_script(ALTER);
}

static void test_each_octet_altered_always(void **state)
{
	each_script(ALTER_ALWAYS);
}

static void test_each_octet_written_anew(void **state)
{
	each_script(REWRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_message_lost),
	    cmocka_unit_test(test_each_octet_altered_once),
	    cmocka_unit_test(test_each_octet_altered_always),
	    cmocka_unit_test(test_each_octet_written_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
