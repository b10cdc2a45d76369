/*
 * The guide's four racoon.conf files, unchanged, and every field that comes of them. Argument: their folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/auto.h"
#include "config/racoon/racoon.h"

enum { HOUR = 3600, TEXT_MAX = 1024, ANY_PROTO = 256 };

static const char *folder;

struct heard {
	char warning[2][TEXT_MAX];
	unsigned n;
};

static void hear(void *arg, bool is_error, const char *text)
{
	struct heard *h = arg;

	if (is_error)
		fail_msg("%s", text);
	snprintf(h->warning[h->n++ % 2], TEXT_MAX, "%s", text);
}

/* What one of the files says; the rest is the same in all four, or what racoon.conf leaves to its defaults.
 */
struct guide {
	const char *file, *remote, *psk_file, *cert_dir, *cert, *key, *peer_cert, *my_address;
	enum ike_auth_method auth;
	const char *weak; /* why; in a warning */
};

static const struct guide guides[] = {
    {.file = "psk-elmer.racoon.conf",
        .remote = "anonymous",
        .psk_file = "/etc/inet/psk.txt",
        .my_address = "10.0.0.110",
        .auth = IKE_AUTH_PSK,
        .weak = "aggressive mode lets anybody guess at the pre-shared key offline"},
    {.file = "psk-relent.racoon.conf",
        .remote = "anonymous",
        .psk_file = "/etc/inet/psk.txt",
        .my_address = "10.0.0.100",
        .auth = IKE_AUTH_PSK,
        .weak = "aggressive mode lets anybody guess at the pre-shared key offline"},
    {.file = "cert-elmer.racoon.conf",
        .remote = "10.0.0.100",
        .cert_dir = "/usr/local/ssl/certs",
        .cert = "/usr/local/ssl/certs/elmer_cert.pem",
        .key = "/usr/local/ssl/certs/privkey.pem",
        .peer_cert = "/usr/local/ssl/certs/relent_cert.pem",
        .auth = IKE_AUTH_RSA,
        .weak = "has a group that can be broken"},
    {.file = "cert-relent.racoon.conf",
        .remote = "10.0.0.110",
        .cert_dir = "/usr/local/ssl/certs",
        .cert = "/usr/local/ssl/certs/relent_cert.pem",
        .key = "/usr/local/ssl/certs/privkey.pem",
        .peer_cert = "/usr/local/ssl/certs/elmer_cert.pem",
        .auth = IKE_AUTH_RSA,
        .weak = "has a group that can be broken"},
};

static void expect_text(const char *what, const char *got, const char *want)
{
	if (!got != !want || (want && strcmp(got, want) != 0))
		fail_msg("%s: expected %s, got %s", what, want ? want : "nothing", got ? got : "nothing");
}

static void expect_names(const struct ike_peer *p, const struct guide *g)
{
	expect_text("name", p->name, g->remote);
	assert_non_null(strstr(p->file, g->file));
	assert_int_equal(p->line, 5);
	expect_text("cert", p->cert, g->cert);
	expect_text("key", p->key, g->key);
	expect_text("ca", p->ca, NULL);
	expect_text("peer_cert", p->peer_cert, g->peer_cert);
	expect_text("xauth_login", p->xauth_login, NULL);
	for (int i = 0; i < IKE_HOOKS; i++)
		expect_text("script", p->script[i], NULL);
}

static void expect_identities(const struct ike_peer *p, const struct guide *g)
{
	struct inet_addr a;

	if (g->my_address) {
		assert_int_equal(inet_addr_parse(g->my_address, &a), 0);
		assert_int_equal(p->my_id.kind, IKE_ID_ADDRESS);
		assert_int_equal(p->my_id.len, 4);
		assert_memory_equal(p->my_id.data, a.b, 4);
		assert_int_equal(p->n_peer_ids, 0);
		assert_int_equal(p->addr.family, INET_NONE);
		return;
	}
	assert_int_equal(p->my_id.kind, IKE_ID_DN);
	assert_int_equal(p->my_id.len, 0);
	assert_int_equal(p->n_peer_ids, 1);
	assert_int_equal(p->peer_id[0].kind, IKE_ID_DN);
	assert_int_equal(p->peer_id[0].len, 0);
	assert_int_equal(inet_addr_parse(g->remote, &a), 0);
	assert_true(inet_addr_equal(&p->addr, &a));
}

static void expect_offer(const struct ike_peer *p, const struct guide *g)
{
	assert_int_equal(p->n_offers, 1);
	assert_int_equal(p->offer[0].enc, ALG_ENC_3DES_CBC);
	assert_int_equal(p->offer[0].key_bits, 0);
	assert_int_equal(p->offer[0].hash, ALG_PRF_HMAC_SHA1);
	assert_int_equal(p->offer[0].group, ALG_GROUP_MODP1024);
	assert_int_equal(p->offer[0].auth, g->auth);
	assert_int_equal(p->offer[0].seconds, HOUR); /* the block's */
	assert_int_equal(p->offer[0].line, g->cert ? 18 : 12);
	assert_int_equal(p->seconds, HOUR);
}

static void expect_switches(const struct ike_peer *p)
{
	assert_int_equal(p->port, 500);
	assert_int_equal(p->n_modes, 1);
	assert_int_equal(p->mode[0], IKE_MODE_AGGRESSIVE);
	assert_int_equal(p->check, CHECK_OBEY);
	assert_false(p->verify_identifier);
	assert_true(p->send_cert && p->send_cr && p->verify_cert && p->initial_contact);
	assert_false(p->passive || p->mode_cfg || p->weak_phase1_check || p->support_proxy);
	assert_int_equal(p->generate, IKE_GENERATE_OFF);
	assert_int_equal(p->nat_traversal, IKE_OFF);
	assert_int_equal(p->rekey, IKE_ON);
	assert_int_equal(p->ike_frag, IKE_OFF);
	assert_true(p->dpd.announce);
	assert_int_equal(p->dpd.delay_s, 0);
	assert_int_equal(p->dpd.retry_s, 5);
	assert_int_equal(p->dpd.maxfail, 5);
	assert_int_equal(p->esp_frag, 0);
	assert_int_equal(p->nonce_len, 16);
	assert_int_equal(p->ph1id, 0);
}

static void expect_side(const struct ike_side *s)
{
	assert_int_equal(s->kind, IKE_SIDE_ANY);
	assert_int_equal(s->first.family, INET_NONE);
	assert_int_equal(s->last.family, INET_NONE);
	assert_int_equal(s->plen, 0);
	assert_int_equal(s->port, 0);
	assert_int_equal(s->proto, ANY_PROTO);
	assert_int_equal(s->id.kind, IKE_ID_NONE);
}

static void expect_child(const struct ike_child *k, const struct guide *g)
{
	assert_non_null(strstr(k->file, g->file));
	assert_int_equal(k->line, g->cert ? 35 : 25);
	expect_side(&k->local);
	expect_side(&k->remote);
	assert_false(k->has_from);
	assert_int_equal(k->from.kind, IKE_ID_NONE);
	expect_text("group", k->group, NULL);
	assert_int_equal(k->remoteid, 0);
	assert_int_equal(k->pfs, ALG_GROUP_MODP1024);
	assert_int_equal(k->seconds, 10 * HOUR);
	assert_int_equal(k->bytes, 0); /* `lifetime byte` stands behind a `#` */
	assert_int_equal(k->n_enc, 2);
	assert_int_equal(k->enc[0].id, ALG_ENC_3DES_CBC);
	assert_int_equal(k->enc[0].key_bits, 0);
	assert_int_equal(k->enc[1].id, ALG_ENC_BLOWFISH_CBC);
	assert_int_equal(k->enc[1].key_bits, 0); /* not said: keyd takes 128 */
	assert_int_equal(k->n_auth, 2);
	assert_int_equal(k->auth[0].id, ALG_AUTH_HMAC_SHA1);
	assert_int_equal(k->auth[1].id, ALG_AUTH_HMAC_MD5);
	assert_true(k->says_comp);
	assert_int_equal(k->n_comp, 1);
	assert_int_equal(k->comp[0], ALG_COMP_DEFLATE);
}

static void expect_general(const struct ike_conf *c, const struct guide *g)
{
	expect_text("psk_file", c->psk_file, g->psk_file);
	expect_text("cert_dir", c->cert_dir, g->cert_dir);
	expect_text("script_dir", c->script_dir, NULL);
	expect_text("pidfile", c->pidfile, NULL);
	assert_int_equal(c->log, IKE_LOG_DEBUG);
	assert_int_equal(c->timers.counter, 5);
	assert_int_equal(c->timers.interval_ms, 10000);
	assert_int_equal(c->timers.persend, 1);
	assert_int_equal(c->timers.phase1_ms, 30000);
	assert_int_equal(c->timers.phase2_ms, 30000);
	assert_int_equal(c->timers.natt_keepalive_s, IKE_KEEPALIVE_UNSAID);
	assert_int_equal(c->n_listen, 0);
	assert_false(c->strict_address);
	assert_false(c->pool.present);
	assert_false(c->padding.strict_check || c->padding.randomize_length);
	assert_true(c->padding.randomize && c->padding.exclusive_tail);
	assert_int_equal(c->padding.maximum_length, 20);
}

static void test_racoon_guide_every_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(guides); i++) {
		const struct guide *g = &guides[i];
		struct heard h = {.n = 0};
		const struct racoon_options o = {.say = hear, .arg = &h};
		AUTO_IKE_CONF struct ike_conf *c = NULL;
		struct err_text e = {{0}};
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", folder, g->file);
		if (racoon_read(path, &o, &c, &e) < 0)
			fail_msg("%s", e.s);
		expect_general(c, g);
		assert_int_equal(c->n_peers, 1);
		expect_names(&c->peer[0], g);
		expect_identities(&c->peer[0], g);
		expect_offer(&c->peer[0], g);
		expect_switches(&c->peer[0]);
		assert_int_equal(c->n_children, 1);
		expect_child(&c->child[0], g);
		assert_int_equal(h.n, 2);
		assert_non_null(strstr(h.warning[0], "racoon.conf:5:1: \"remote\""));
		assert_non_null(strstr(h.warning[0], g->weak));
		assert_non_null(strstr(h.warning[1],
		    g->cert
		        ? "racoon.conf:35:1: \"sainfo\" is weak: its pfs_group has a group that can be broken"
		        : "racoon.conf:25:1: \"sainfo\" is weak: its pfs_group has a group that can be "
		          "broken"));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_racoon_guide_every_field),
	};

	if (argc != 2)
		return 2;
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
