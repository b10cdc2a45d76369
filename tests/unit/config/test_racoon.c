/*
 * racoon.conf into the model: what is malformed is told with its place, what is ignored is named, and what
 * blocks take from each other. Argument: the file of malformed statements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "config/racoon/racoon.h"
#include "ipsec/sa.h"

#define OFFER                                                                                                \
	"encryption_algorithm aes; hash_algorithm sha256; authentication_method pre_shared_key; dh_group "   \
	"14;"
#define MODE   "exchange_mode main; "
#define SAINFO "encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate;"

enum { TEXT_MAX = 4096, ROWS_MIN = 200 };

static const char *malformed_file;

struct heard {
	char error[TEXT_MAX], warning[TEXT_MAX]; /* the first of each */
	unsigned n_errors, n_warnings;
};

static void hear(void *arg, bool is_error, const char *text)
{
	struct heard *h = arg;
	char *to = is_error ? h->error : h->warning;
	unsigned *n = is_error ? &h->n_errors : &h->n_warnings;

	if (!(*n)++)
		snprintf(to, TEXT_MAX, "%s", text);
}

static struct ike_conf *read_text(const char *text, size_t n, struct heard *h)
{
	const struct racoon_options o = {.say = hear, .arg = h};
	struct ike_conf *conf = NULL;
	int r;

	memset(h, 0, sizeof(*h));
	r = racoon_read_text("f", text, n, &o, &conf);
	assert_int_equal(r, h->n_errors ? -EINVAL : 0);
	assert_int_equal(conf != NULL, r == 0);
	return conf;
}

static struct ike_conf *good(const char *text, struct heard *h)
{
	struct ike_conf *conf = read_text(text, strlen(text), h);

	if (!conf)
		fail_msg("%s", h->error);
	return conf;
}

static void expect_error(const char *text, const char *error)
{
	struct heard h;

	assert_null(read_text(text, strlen(text), &h));
	assert_string_equal(h.error, error);
}

/* The statement in the block it belongs into. */
static void wrap(const char *block, const char *statement, char *buf)
{
	static const struct {
		const char *name, *before, *behind;
	} blocks[] = {
	    {"TOP", "", "\n"},
	    {"REMOTE", "remote anonymous {\n exchange_mode main;\n ", "\n proposal { " OFFER " }\n}\n"},
	    {"OFFER", "remote anonymous {\n exchange_mode main;\n proposal {\n ", "\n }\n}\n"},
	    {"SAINFO", "sainfo anonymous {\n ", "\n}\n"},
	    {"TIMER", "timer {\n ", "\n}\n"},
	    {"LISTEN", "listen {\n ", "\n}\n"},
	    {"PADDING", "padding {\n ", "\n}\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		if (strcmp(blocks[i].name, block) == 0) {
			snprintf(buf, TEXT_MAX, "%s%s%s", blocks[i].before, statement, blocks[i].behind);
			return;
		}
	}
	fail_msg("no such block: %s", block);
}

/* "\n" in the file of statements stands for the end of a line. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] == 'n') {
			*to++ = '\n';
			s++;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void one_row(char *row)
{
	char *statement = strchr(row, '\t'), *message = statement ? strchr(statement + 1, '\t') : NULL;
	char text[TEXT_MAX], expected[TEXT_MAX];

	assert_non_null(message);
	*statement++ = '\0';
	*message++ = '\0';
	unescape(statement);
	wrap(row, statement, text);
	snprintf(expected, sizeof(expected), "f:%s", message);
	expect_error(text, expected);
}

static void test_racoon_what_is_malformed_is_told_with_its_place(void **state)
{
	FILE *f = fopen(malformed_file, "re");
	char row[TEXT_MAX];
	unsigned n = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(row, sizeof(row), f)) {
		row[strcspn(row, "\n")] = '\0';
		if (row[0] == '#')
			continue;
		one_row(row);
		n++;
	}
	fclose(f);
	assert_in_range(n, ROWS_MIN, 10000);
}

static void test_racoon_mode_cfg(void **state)
{
	static const char text[] =
	    "mode_cfg {\n network4 10.9.9.1; netmask4 255.255.255.0; pool_size 9; dns4 10.1.0.1, 10.1.0.2;\n"
	    " nbns4 10.1.0.3; default_domain \"example.com\"; split_network include 10.1.0.7/16, "
	    "10.2.0.0/16;\n"
	    " auth_source file \"users.txt\"; auth_groups \"a\", \"b\"; conf_source local; accounting none;\n"
	    " split_dns \"x.y\", \"z\"; auth_throttle 3; pfs_group 2; save_passwd on;\n}\n"
	    "remote anonymous {\n exchange_mode aggressive; generate_policy unique; mode_cfg on;\n"
	    " xauth_login \"me\"; proposal { encryption_algorithm aes; hash_algorithm sha256; dh_group 14;\n"
	    " authentication_method xauth_psk_client; } }\n";
	AUTO_IKE_CONF struct ike_conf *c;
	const struct ike_pool *p;
	struct inet_addr a;
	struct heard h;

	(void)state;
	c = good(text, &h);
	p = &c->pool;
	assert_true(p->present && p->size == 9 && p->n_dns4 == 2 && p->n_wins4 == 1 && p->include.n == 2);
	assert_string_equal(p->default_domain, "example.com");
	assert_string_equal(p->auth_groups, "a,b");
	assert_string_equal(p->split_dns, "x.y,z");
	assert_string_equal(p->users_file, "users.txt");
	assert_int_equal(p->auth_throttle_s, 3);
	assert_true(p->save_passwd && !p->local_lan.n);
	assert_int_equal(p->include.net[0].addr.b[3], 0);
	a = ike_pool_at(p, 8);
	assert_int_equal(a.b[3], 9);
	assert_true(ike_pool_has(p, &a));
	assert_int_equal(ike_pool_at(p, 9).family, INET_NONE);
	a = inet_addr_v4(0x0a09090a);
	assert_false(ike_pool_has(p, &a));
	assert_true(c->peer[0].mode_cfg && c->peer[0].generate == IKE_GENERATE_UNIQUE);
	assert_string_equal(c->peer[0].xauth_login, "me");
	assert_int_equal(c->peer[0].offer[0].auth, IKE_AUTH_XAUTH_PSK_CLIENT);
}

static void expect_nets(const struct ike_nets *nets, const char *want)
{
	char all[4 * INET_PREFIX_STRLEN] = "", one[INET_PREFIX_STRLEN];

	for (uint8_t i = 0; i < nets->n; i++) {
		strcat(all, inet_prefix_format(&nets->net[i], one));
		strcat(all, " ");
	}
	assert_string_equal(all, want);
}

static void test_racoon_split_network_has_two_lists(void **state)
{
	static const char text[] =
	    "mode_cfg { split_network include 10.1.0.0/16; split_network local_lan 10.2.0.0/16, 10.3.0.0/24;"
	    " split_network include 10.4.0.0/16; }";
	AUTO_IKE_CONF struct ike_conf *c;
	struct heard h;

	(void)state;
	c = good(text, &h);
	assert_int_equal(h.n_warnings, 0);
	expect_nets(&c->pool.include, "10.1.0.0/16 10.4.0.0/16 ");
	expect_nets(&c->pool.local_lan, "10.2.0.0/16 10.3.0.0/24 ");
}

static void test_racoon_xauth_of_a_client_needs_a_login(void **state)
{
	(void)state;
	expect_error(
	    "remote anonymous { exchange_mode main; proposal { encryption_algorithm aes; hash_algorithm "
	    "sha256; dh_group 14; authentication_method xauth_psk_client; } }\n",
	    "f:1:1: \"remote\" anonymous: xauth_psk_client needs `xauth_login \"USER\"`");
}

static void test_racoon_what_is_ignored_is_named(void **state)
{
	static const char *const statements[][2] = {
	    {"TOP", "radiuscfg { x; }"},
	    {"TOP", "ldapcfg { x; }"},
	    {"TOP", "complex_bundle on;"},
	    {"TOP", "gss_id_enc latin1;"},
	    {"TOP", "pfkey_buffer 128;"},
	    {"TOP", "policy { x; }"},
	    {"TOP", "static_sa { x; }"},
	    {"TOP", "algorithm_strength { x; }"},
	    {"TOP", "vendor_id \"x\";"},
	    {"TOP", "privsep { user \"x\"; }"},
	    {"TOP", "mode_cfg { accounting radius; }"},
	    {"TOP", "mode_cfg { group_source system; }"},
	    {"TOP", "mode_cfg { group_source ldap; }"},
	    {"REMOTE", "certificate_type plain_rsa \"k\";"},
	    {"REMOTE", "peers_certfile plain_rsa \"k\";"},
	    {"REMOTE", "peers_certfile dnssec;"},
	    {"REMOTE", "match_empty_cr on;"},
	    {"REMOTE", "support_proxy on;"},
	    {"REMOTE", "support_mip6 on;"},
	    {"REMOTE", "weak_phase1_check on;"},
	    {"OFFER", OFFER " gss_id \"x\";"},
	    {"OFFER", OFFER " gssapi_id \"x\";"},
	    {"OFFER", OFFER " strength high;"},
	    {"OFFER", OFFER " lifetime byte 10 MB;"},
	    {"REMOTE", "lifetime byte 10 MB;"},
	    {"REMOTE", "keepalive;"},
	    {"LISTEN", "adminsock \"/x\";"},
	    {"LISTEN", "admin [7002];"},
	};
	char text[TEXT_MAX], place[64];
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		wrap(statements[i][0], statements[i][1], text);
		ike_conf_free(good(text, &h));
		snprintf(place, sizeof(place), "f:%d:",
		    strcmp(statements[i][0], "REMOTE") == 0  ? 3
		    : strcmp(statements[i][0], "OFFER") == 0 ? 4
		    : strcmp(statements[i][0], "TOP") == 0   ? 1
		                                             : 2);
		assert_memory_equal(h.warning, place, strlen(place));
		assert_non_null(strstr(h.warning, "ignored"));
	}
}

#define SIGNED "encryption_algorithm aes; hash_algorithm sha256; authentication_method rsasig; dh_group 14;"

/* One of two proposals: what is left, and what is said. */
static void expect_left(const char *words, const char *warning)
{
	char text[TEXT_MAX];
	struct ike_conf *c;
	struct heard h;

	snprintf(text, sizeof(text), "remote anonymous { " MODE "proposal { " OFFER " }\nproposal { %s } }",
	    words);
	c = good(text, &h);
	assert_int_equal(c->peer[0].n_offers, 1);
	assert_int_equal(c->peer[0].offer[0].line, 1);
	assert_int_equal(h.n_warnings, 1);
	assert_string_equal(h.warning, warning);
	ike_conf_free(c);
}

/* A proposal that cannot be made here goes, with a word, and the rest of the file counts. */
static void test_racoon_proposals_that_cannot_be_had_are_left_out(void **state)
{
	(void)state;
	expect_left("encryption_algorithm idea; hash_algorithm sha256; authentication_method pre_shared_key; "
	            "dh_group 2;",
	    "f:2:33: \"idea\" is an algorithm that this build does not have: its proposal is left out; take "
	    "aes");
	expect_left(
	    "encryption_algorithm rc5 128; hash_algorithm sha256; authentication_method rsasig; dh_group 2;",
	    "f:2:33: \"rc5\" is an algorithm that this build does not have: its proposal is left out; take "
	    "aes");
	expect_left("hash_algorithm tiger;",
	    "f:2:27: \"tiger\" is an algorithm that this build does not have: its proposal is left out; take "
	    "sha256");
	expect_left("dh_group ec2n155;",
	    "f:2:21: \"ec2n155\" is a group that nobody implements: its proposal is left out; take 14");
	expect_left("authentication_method hybrid_rsa_client;",
	    "f:2:34: \"hybrid_rsa_client\" is a method that is not implemented: its proposal is left out; "
	    "take "
	    "pre_shared_key, rsasig, or xauth_psk_ or xauth_rsa_server or _client");
}

/* Where nothing else is proposed the parent's proposals do not come back. */
static void test_racoon_left_out_proposal_replaces_the_inherited_ones(void **state)
{
	(void)state;
	expect_error("remote \"a\" { " MODE "proposal { " OFFER " } }\n"
	             "remote \"b\" inherit \"a\" { proposal { hash_algorithm tiger; } }",
	    "f:2:1: \"remote\" b: no proposal found: nothing can be negotiated");
}

/* A key that is not read proves nothing: nor does any certificate in its place. */
static void test_racoon_signatures_with_keys_that_are_not_read_are_left_out(void **state)
{
	static const char *const statements[] = {"certificate_type plain_rsa \"k\";",
	    "peers_certfile plain_rsa \"k\"; certificate_type x509 \"/c\" \"/k\";",
	    "peers_certfile dnssec; certificate_type x509 \"/c\" \"/k\";"};
	char text[TEXT_MAX];
	struct ike_conf *c;
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		snprintf(text, sizeof(text),
		    "remote anonymous { " MODE "%s proposal { " OFFER " } proposal { " SIGNED " } }",
		    statements[i]);
		c = good(text, &h);
		assert_int_equal(c->peer[0].n_offers, 1);
		assert_int_equal(c->peer[0].offer[0].auth, IKE_AUTH_PSK);
		assert_int_equal(h.n_warnings, 2);
		ike_conf_free(c);
		snprintf(text, sizeof(text), "remote anonymous { " MODE "%s proposal { " SIGNED " } }",
		    statements[i]);
		expect_error(
		    text, "f:1:1: \"remote\" anonymous: no proposal found: nothing can be negotiated");
	}
	/* The last word counts. */
	c = good("remote anonymous { " MODE "peers_certfile dnssec; peers_certfile x509 \"/p\"; "
	         "certificate_type plain_rsa \"k\"; certificate_type x509 \"/c\" \"/k\"; proposal { " SIGNED
	         " } }",
	    &h);
	assert_int_equal(c->peer[0].n_offers, 1);
	ike_conf_free(c);
}

static void test_racoon_ike_frag(void **state)
{
	static const struct {
		const char *statement;
		enum ike_switch want;
	} rows[] = {{"", IKE_OFF}, {"ike_frag off;", IKE_OFF}, {"ike_frag on;", IKE_ON},
	    {"ike_frag force;", IKE_FORCE}};
	char text[TEXT_MAX];
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ike_conf *c;

		wrap("REMOTE", rows[i].statement, text);
		c = good(text, &h);
		assert_int_equal(c->peer[0].ike_frag, rows[i].want);
		ike_conf_free(c);
	}
	wrap("REMOTE", "ike_frag maybe;", text);
	assert_null(read_text(text, strlen(text), &h));
	assert_non_null(strstr(h.error, "one of on, off and force"));
}

/* The first is how we begin; each has its own warning, or with main mode first none. */
static void test_racoon_exchange_modes(void **state)
{
	static const char good_offer[] = "encryption_algorithm aes; hash_algorithm sha256; dh_group 14; "
	                                 "authentication_method ";
	static const struct {
		const char *modes, *method, *more, *warning;
		uint8_t n;
		enum ike_mode mode[3];
	} rows[] = {
	    {"main", "pre_shared_key", "", "", 1, {IKE_MODE_MAIN}},
	    {"base", "pre_shared_key", "",
	        "base mode lets whoever listens guess at the pre-shared key offline", 1, {IKE_MODE_BASE}},
	    {"main, base", "pre_shared_key", "", "base mode lets whoever listens", 2,
	        {IKE_MODE_MAIN, IKE_MODE_BASE}},
	    {"base aggressive main", "pre_shared_key", "", "aggressive mode lets anybody guess", 3,
	        {IKE_MODE_BASE, IKE_MODE_AGGRESSIVE, IKE_MODE_MAIN}},
	    {"aggressive, base", "pre_shared_key", "", "aggressive mode lets anybody guess", 2,
	        {IKE_MODE_AGGRESSIVE, IKE_MODE_BASE}},
	    {"main", "rsasig", "", "", 1, {IKE_MODE_MAIN}},
	    {"main, base", "rsasig", "", "signatures of base mode do not cover the answerer's identity: main",
	        2, {IKE_MODE_MAIN, IKE_MODE_BASE}},
	    {"base", "rsasig", "verify_cert off;", "without verify_cert nothing else does", 1,
	        {IKE_MODE_BASE}},
	};
	char text[TEXT_MAX];
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ike_conf *c;

		snprintf(text, sizeof(text),
		    "remote anonymous { exchange_mode %s; certificate_type x509 \"/c\" \"/k\"; %s proposal { "
		    "%s%s; } }",
		    rows[i].modes, rows[i].more, good_offer, rows[i].method);
		c = good(text, &h);
		assert_int_equal(c->peer[0].n_modes, rows[i].n);
		assert_memory_equal(c->peer[0].mode, rows[i].mode, rows[i].n * sizeof(rows[i].mode[0]));
		assert_int_equal(h.n_warnings, (rows[i].warning[0] != 0) + (rows[i].more[0] != 0));
		assert_non_null(strstr(h.warning, rows[i].warning));
		ike_conf_free(c);
	}
	wrap("REMOTE", "exchange_mode base, base;", text);
	expect_error(text, "f:3:22: \"base\" stands there twice");
}

static void test_racoon_lifetime_is_the_block_s_also_where_the_proposal_is_inherited(void **state)
{
	struct heard h;
	struct ike_conf *c = good(
	    "remote \"a\" { remote_address 10.0.0.1; " MODE "proposal { " OFFER " } lifetime time 2 hour; }"
	    "remote \"b\" inherit \"a\" { lifetime time 1 min; }"
	    "remote \"c\" inherit \"a\" { }"
	    "remote \"d\" inherit \"a\" { proposal { " OFFER " lifetime time 5 sec; } }",
	    &h);
	static const uint64_t seconds[] = {7200, 60, 7200, 5};

	(void)state;
	assert_int_equal(c->n_peers, 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(c->peer[i].n_offers, 1);
		assert_int_equal(c->peer[i].offer[0].seconds, seconds[i]);
	}
	ike_conf_free(c);
}

static void test_racoon_peers_identifier_replaces_the_inherited_ones(void **state)
{
	struct heard h;
	struct ike_conf *c = good("remote \"a\" { " MODE "proposal { " OFFER
	                          " } peers_identifier fqdn \"x\"; peers_identifier fqdn \"y\"; }"
	                          "remote \"b\" inherit \"a\" { peers_identifier fqdn \"z\"; }"
	                          "remote \"c\" inherit \"a\" { }",
	    &h);

	(void)state;
	assert_int_equal(c->peer[0].n_peer_ids, 2);
	assert_int_equal(c->peer[1].n_peer_ids, 1);
	assert_memory_equal(c->peer[1].peer_id[0].data, "z", 1);
	assert_int_equal(c->peer[2].n_peer_ids, 2);
	ike_conf_free(c);
}

static void test_racoon_host_bits_do_not_make_another_sainfo(void **state)
{
	(void)state;
	expect_error("sainfo address 10.0.0.5/24 any address 10.1.0.0/16 any { " SAINFO " }\n"
	             "sainfo address 10.0.0.0/24 any address 10.1.2.3/16 any { " SAINFO " }\n",
	    "f:2:1: \"sainfo\" duplicated sainfo: the first is in line 1");
}

static void expect_side(const char *side, enum ike_side_kind kind)
{
	char text[TEXT_MAX];
	struct ike_conf *c;
	struct heard h;

	snprintf(text, sizeof(text), "sainfo %s any anonymous { " SAINFO " }\n", side);
	c = good(text, &h);
	assert_int_equal(c->child[0].local.kind, kind);
	ike_conf_free(c);
}

/* A host written with its full length is the same as one without; `subnet` says another type of identity. */
static void test_racoon_address_of_full_length_is_a_host(void **state)
{
	(void)state;
	expect_side("address 10.0.0.1", IKE_SIDE_HOST);
	expect_side("address 10.0.0.1/32", IKE_SIDE_HOST);
	expect_side("address 10.0.0.1/32[80]", IKE_SIDE_HOST);
	expect_side("address fc00::1/128", IKE_SIDE_HOST);
	expect_side("address 10.0.0.1/31", IKE_SIDE_NET);
	expect_side("address fc00::1/32", IKE_SIDE_NET);
	expect_side("subnet 10.0.0.1/32", IKE_SIDE_NET);
	expect_side("subnet fc00::1/128", IKE_SIDE_NET);
	expect_error("sainfo address 10.0.0.1 any anonymous { " SAINFO " }\n"
	             "sainfo address 10.0.0.1/32 any anonymous { " SAINFO " }\n",
	    "f:2:1: \"sainfo\" duplicated sainfo: the first is in line 1");
}

static void test_racoon_children_are_in_the_order_in_which_they_are_tried(void **state)
{
	struct heard h;
	struct ike_conf *c =
	    good("sainfo anonymous { " SAINFO " }\n"
	         "sainfo address 10.0.0.1 any address 10.0.0.2 any { " SAINFO " }\n"
	         "sainfo address 10.0.0.1 any address 10.0.0.2 any from fqdn \"x\" { " SAINFO " }\n",
	        &h);

	(void)state;
	assert_int_equal(c->n_children, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(c->child[i].line, 3 - i);
	ike_conf_free(c);
}

static void test_racoon_longest_esp_frag_is_none(void **state)
{
	struct heard h;
	struct ike_conf *c = good("remote anonymous { " MODE "esp_frag 65535; proposal { " OFFER " } }", &h);

	(void)state;
	assert_int_equal(c->peer[0].esp_frag, 0);
	ike_conf_free(c);
	c = good("remote anonymous { " MODE "esp_frag 295; proposal { " OFFER " } }", &h);
	assert_int_equal(c->peer[0].esp_frag, SA_FRAG_MIN);
	assert_string_equal(h.warning,
	    "f:1:40: \"esp_frag\" of 295 octets is raised to 296: smaller pieces are mostly header");
	ike_conf_free(c);
	c = good("remote anonymous { " MODE "esp_frag 552; proposal { " OFFER " } }", &h);
	assert_int_equal(c->peer[0].esp_frag, 552);
	assert_int_equal(h.n_warnings, 0);
	ike_conf_free(c);
}

static void test_racoon_what_is_cut_or_replaced_is_said(void **state)
{
	static const struct {
		const char *text, *warning;
	} rows[] = {
	    {"remote anonymous { " MODE "lifetime time 24 hour; proposal { " OFFER " } }", ""},
	    {"remote anonymous { " MODE "lifetime time 25 hour; proposal { " OFFER " } }",
	        "f:1:40: \"lifetime\" is longer than a day, which is what an ISAKMP SA lives at most"},
	    {"remote anonymous { " MODE "proposal { " OFFER "\nlifetime time 25 hour; } }",
	        "f:2:1: \"lifetime\" is longer than a day, which is what an ISAKMP SA lives at most"},
	    {"sainfo address 10.0.0.0-10.0.0.255 any anonymous { " SAINFO " }", ""},
	    {"sainfo address fc00::-fc00::ffff any anonymous { " SAINFO " }", ""},
	    {"sainfo anonymous address 10.0.0.0-10.0.0.9 any { " SAINFO " }", ""},
	    {"sainfo address 10.0.0.1-10.0.0.6 any address 10.1.0.1-10.1.0.6 any { " SAINFO " }", ""},
	    {"sainfo address 10.0.0.1-10.0.0.6 any address 10.1.0.1-10.1.0.14 any { " SAINFO " }",
	        "f:1:1: \"sainfo\" is never used: its ranges are made of 24 networks, each of which needs a "
	        "policy, and 16 are negotiated at once; write a sainfo for each part"},
	    {"sainfo anonymous address fc00::1-fc00:ffff::fffe any { " SAINFO " }",
	        "f:1:1: \"sainfo\" is never used: its ranges are made of 142 networks, each of which needs a "
	        "policy, and 16 are negotiated at once; write a sainfo for each part"},
	};
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ike_conf_free(good(rows[i].text, &h));
		assert_string_equal(h.warning, rows[i].warning);
	}
}

/* 0 is none, which is not the same as not saying it. */
static void test_racoon_natt_keepalive(void **state)
{
	static const struct {
		const char *text;
		uint32_t want;
	} rows[] = {{"", IKE_KEEPALIVE_UNSAID}, {"timer { natt_keepalive 0 sec; }", 0},
	    {"timer { natt_keepalive 20 sec; }", 20}, {"timer { natt_keepalive 1 hour; }", 3600}};
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ike_conf *c = good(rows[i].text, &h);

		assert_int_equal(c->timers.natt_keepalive_s, rows[i].want);
		ike_conf_free(c);
	}
}

/* An identity of as many octets as there may be, and one more. */
static void test_racoon_name_in_hexadecimal_is_not_cut(void **state)
{
	char text[TEXT_MAX], hex[2 * IKE_ID_DATA_MAX + 3];
	struct ike_conf *c;
	struct heard h;

	(void)state;
	memset(hex, '3', sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	snprintf(text, sizeof(text),
	    "remote anonymous { " MODE "my_identifier asn1dn \"~%s\"; proposal { " OFFER " } }", hex + 2);
	c = good(text, &h);
	assert_int_equal(c->peer[0].my_id.len, IKE_ID_DATA_MAX);
	ike_conf_free(c);
	snprintf(text, sizeof(text),
	    "remote anonymous { " MODE "my_identifier asn1dn \"~%s\"; proposal { " OFFER " } }", hex);
	assert_null(read_text(text, strlen(text), &h));
	assert_non_null(strstr(h.error, "longer than 1024 octets"));
}

static void test_racoon_file_that_is_too_long_is_said_to_be(void **state)
{
	size_t n = (1 << 20) + 1;
	AUTO_FREE char *text = malloc(n);
	struct heard h;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', n);
	assert_null(read_text(text, n, &h));
	assert_string_equal(h.error, "f:1:1: is longer than 1048576 octets");
}

static void test_racoon_what_cannot_be_read_is_said_to_be(void **state)
{
	struct heard h = {{0}};
	const struct racoon_options o = {.say = hear, .arg = &h};
	struct ike_conf *c = NULL;
	struct err_text e = {{0}};

	(void)state;
	assert_int_equal(racoon_read("/nowhere/at/all", &o, &c, &e), -ENOENT);
	assert_string_equal(e.s, "/nowhere/at/all cannot be read: No such file or directory");
	assert_int_equal(racoon_read("/tmp", &o, &c, &e), -EISDIR);
	/* It can be opened, and no octet of it can be read. */
	assert_true(racoon_read("/proc/self/mem", &o, &c, &e) < 0);
	assert_non_null(strstr(e.s, "cannot be read"));
	assert_null(c);
}

static void expect_names(const char *text, const char *warning, const char *name)
{
	struct heard h;
	struct ike_conf *c = good(text, &h);

	assert_string_equal(h.warning, warning);
	assert_string_equal(c->peer[c->n_peers - 1].name, name);
	assert_int_equal(c->peer[c->n_peers - 1].port, strchr(name, '[') ? 4501 : IKE_PORT);
	ike_conf_free(c);
}

static void test_racoon_ports_are_in_the_names_and_said_to_be_ignored(void **state)
{
	static const char ignored[] =
	    "f:1:17: \"[\" port 4501 is ignored: peers are written to at port 500, and behind NAT at 4500";

	(void)state;
	expect_names("remote 10.0.0.1 [4501] { " MODE "proposal { " OFFER " } }", ignored, "10.0.0.1[4501]");
	expect_names("remote 10.0.0.1 [500] { " MODE "proposal { " OFFER " } }", "", "10.0.0.1");
	expect_names("remote 10.0.0.1 [any] { " MODE "proposal { " OFFER " } }", "", "10.0.0.1");
	expect_names("remote anonymous[4501] { " MODE "proposal { " OFFER " } }",
	    "f:1:17: \"[\" port 4501 is ignored: peers are written to at port 500, and behind NAT at 4500",
	    "anonymous[4501]");
	/* A parent is named with its port. */
	expect_names("remote 10.0.0.1 [4501] { " MODE "proposal { " OFFER " } }\n"
	             "remote 10.0.0.2 inherit 10.0.0.1 [4501] { }",
	    ignored, "10.0.0.2");
	expect_error("remote 10.0.0.1 [4501] { " MODE "proposal { " OFFER " } }\n"
	             "remote 10.0.0.2 inherit 10.0.0.1 { }",
	    "f:2:25: \"10.0.0.1\" is no remote that was defined before");
}

#define BODY  MODE "proposal { " OFFER " } }"
#define FIRST "remote 10.0.0.1 { " BODY "\nremote \"b\" { remote_address 10.0.0.1; "
#define NEVER                                                                                                \
	" in line 1 of f is for the same peers, and exchange modes, proposals and verified identities are "  \
	"no other ones there"

/* That one of two is never used is known when the file is read; what a peer may say that leads to the second
 * is no reason for a word. */
static void test_racoon_remotes_that_are_never_used_are_named(void **state)
{
	static const struct {
		const char *text, *warning;
	} rows[] = {
	    {"remote 10.0.0.1 { " BODY "\nremote 10.0.0.2 { " BODY, ""},
	    {"remote anonymous { " BODY "\nremote 10.0.0.2 { " BODY, ""},
	    {"remote \"a\" { remote_address 10.0.0.1; " BODY
	     "\nremote \"b\" { remote_address 10.0.0.2; " BODY,
	        ""},
	    {"remote 10.0.0.1 { " BODY "\nremote \"b\" { remote_address 10.0.0.1; " BODY,
	        "f:2:1: \"remote\" b is never used, but for `inherit`: remote 10.0.0.1" NEVER},
	    {"remote \"a\" { remote_address 10.0.0.1; " BODY
	     "\nremote \"b\" { remote_address 10.0.0.1; " BODY,
	        "f:2:1: \"remote\" b is never used, but for `inherit`: remote a" NEVER},
	    {FIRST "peers_identifier fqdn \"b\"; verify_identifier on; " BODY, ""},
	    {FIRST "ph1id 5; " BODY, ""},
	    {FIRST "exchange_mode main, base; proposal { " OFFER " } }",
	        "f:2:1: \"remote\" b is weak: base mode lets whoever listens guess at the pre-shared key "
	        "offline: main mode does not"},
	    {FIRST "proposal { " OFFER " } " MODE
	           "proposal { encryption_algorithm aes; hash_algorithm sha512; "
	           "dh_group 14; authentication_method pre_shared_key; } }",
	        ""},
	    {FIRST "proposal_check claim; " BODY, ""},
	    {FIRST "lifetime time 1 hour; " BODY, ""},
	    {FIRST "passive on; " BODY,
	        "f:2:1: \"remote\" b is never used, but for `inherit`: remote 10.0.0.1" NEVER},
	    {"remote 10.0.0.1 { passive on; " BODY "\nremote \"b\" { remote_address 10.0.0.1; " BODY, ""},
	    {"remote 10.0.0.1 { proposal_check obey; " BODY
	     "\nremote \"b\" { remote_address 10.0.0.1; lifetime time 1 hour; " BODY,
	        "f:2:1: \"remote\" b is never used, but for `inherit`: remote 10.0.0.1" NEVER},
	    {"remote \"a\" { " BODY,
	        "f:1:1: \"remote\" a has no remote_address: it is for any peer, as `anonymous` is"},
	};
	struct ike_conf *c;
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		c = good(rows[i].text, &h);
		assert_string_equal(h.warning, rows[i].warning);
		assert_int_equal(h.n_warnings, rows[i].warning[0] != 0);
		ike_conf_free(c);
	}
	c = good("remote 10.0.0.1 { " BODY "\nremote 10.0.0.1[4500] { " BODY, &h);
	assert_int_equal(h.n_warnings, 1); /* the port is another */
	ike_conf_free(c);
	c = good("remote anonymous { " BODY "\nremote \"b\" { " BODY, &h);
	assert_int_equal(h.n_warnings, 2);
	ike_conf_free(c);
}

/* A stranger's first message is held against all of them. */
static void test_racoon_so_many_remotes_of_one_address(void **state)
{
	enum { MOST = 64 };
	char text[MOST * 400] = "", one[400];
	struct heard h;

	(void)state;
	for (unsigned i = 0; i <= MOST; i++) {
		if (i == MOST)
			ike_conf_free(good(text, &h));
		snprintf(
		    one, sizeof(one), "remote \"p%u\" { remote_address 10.0.0.1; ph1id %u; " BODY "\n", i, i);
		strcat(text, one);
	}
	expect_error(text, "f:65:1: \"remote\" p64: 64 blocks for the same peers are enough");
}

static void test_racoon_names_of_certificates(void **state)
{
	static const char *const names[] = {"C=US, ST=NY, L=BERNE, O=Internet Widgits Pty Ltd", "CN=*",
	    "odd=x", "C=DE/CN=a", "CN=a\\, b", "2.5.4.3=x", " CN = with = signs ", "CN=\xc3\xa4",
	    "emailAddress=a@example.org"};
	char text[TEXT_MAX];
	struct ike_conf *c;
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text),
		    "remote anonymous { " MODE "peers_identifier asn1dn \"%s\"; proposal { " OFFER " } }",
		    names[i]);
		c = good(text, &h);
		assert_int_equal(c->peer[0].peer_id[0].kind, IKE_ID_DN);
		assert_int_equal(c->peer[0].peer_id[0].len, strlen(names[i]));
		ike_conf_free(c);
	}
}

/* Our own name as text is sent as its DER, unless there is a certificate, whose subject goes before it. */
/* Legal, and not what its author should want. */
static void test_racoon_what_should_not_be_wanted_is_said(void **state)
{
	static const struct {
		const char *text, *warning;
	} rows[] = {
	    {"remote anonymous { exchange_mode main, aggressive; proposal { " OFFER " } }",
	        "f:1:1: \"remote\" anonymous is weak: aggressive mode lets anybody guess at the pre-shared "
	        "key "
	        "offline: main mode does not"},
	    {"remote anonymous { exchange_mode main, aggressive; certificate_type x509 \"/c\" \"/k\";\n"
	     "proposal { " SIGNED " } }",
	        ""},
	    {"remote anonymous { " MODE "certificate_type x509 \"/c\" \"/k\"; verify_cert off;\n"
	     "proposal { " SIGNED " } }",
	        "f:1:1: \"remote\" anonymous believes any certificate: verify_cert is off, and there is no "
	        "peers_certfile"},
	    {"remote anonymous { " MODE "certificate_type x509 \"/c\" \"/k\"; verify_cert off;\n"
	     "peers_certfile \"/p\"; proposal { " SIGNED " } }",
	        ""},
	    {"remote anonymous { " MODE "my_identifier fqdn \"a\"; proposal { " OFFER " } }",
	        "f:1:1: \"remote\" anonymous: in main mode a pre-shared key is found by address alone, "
	        "whatever my_identifier says"},
	    {"sainfo fqdn \"a\" fqdn \"b\" { " SAINFO " }",
	        "f:1:1: \"sainfo\" is never used: what is negotiated has addresses, and this one wants a "
	        "name"},
	    {"sainfo anonymous { encryption_algorithm null_enc, aes; authentication_algorithm non_auth,\n"
	     "hmac_sha256; compression_algorithm deflate; }",
	        "f:1:1: \"sainfo\" is weak: its authentication_algorithm has non_auth, with which packets "
	        "can "
	        "be altered"},
	};
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ike_conf_free(good(rows[i].text, &h));
		assert_string_equal(h.warning, rows[i].warning);
		assert_int_equal(h.n_warnings, rows[i].warning[0] != 0);
	}
	expect_error("sainfo anonymous { encryption_algorithm null_enc; authentication_algorithm non_auth;\n"
	             "compression_algorithm deflate; }",
	    "f:1:1: \"sainfo\" would protect nothing: null_enc and non_auth do not go together");
}

static void test_racoon_own_name_as_text(void **state)
{
	static const char head[] = "remote anonymous { " MODE "proposal { " OFFER " } my_identifier asn1dn ";
	char text[TEXT_MAX], name[100];
	struct ike_conf *c;
	struct heard h;

	(void)state;
	snprintf(text, sizeof(text),
	    "%s\"C=DE, CN=gate\"; }\nremote \"b\" inherit anonymous { "
	    "certificate_type x509 \"/c\" \"/k\"; }",
	    head);
	c = good(text, &h);
	assert_int_equal(c->peer[0].my_id.kind, IKE_ID_DN_DER);
	assert_string_equal(ike_id_format(&c->peer[0].my_id, name, sizeof(name)), "C=DE, CN=gate");
	assert_int_equal(c->peer[1].my_id.kind, IKE_ID_DN);
	assert_string_equal(h.warning, "f:2:1: \"remote\" b: the text of my_identifier asn1dn is ignored: "
	                               "the certificate's subject is sent");
	ike_conf_free(c);
	snprintf(text, sizeof(text), "%s; }", head);
	ike_conf_free(good(text, &h));
	assert_string_equal(h.warning, "f:1:1: \"remote\" anonymous: my_identifier asn1dn without a text is "
	                               "the subject of a certificate, and "
	                               "certificate_type names none: nothing can be negotiated");
	snprintf(text, sizeof(text), "%s\"CN=*\"; }", head);
	expect_error(
	    text, "f:1:1: \"remote\" anonymous: my_identifier asn1dn has `*`, or is too long for a name");
	snprintf(text, sizeof(text), "%s\"odd=x\"; }", head);
	expect_error(
	    text, "f:1:1: \"remote\" anonymous: my_identifier asn1dn has odd, which is no type of attribute");
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Neither a key id nor an included file waits for somebody who writes; the configuration may come from one.
 */
static void test_racoon_pipes(void **state)
{
	char dir[] = "/tmp/postern-racoon-XXXXXX", conf[64], fifo[64], text[TEXT_MAX], through[32];
	struct heard h = {{0}};
	const struct racoon_options o = {.say = hear, .arg = &h};
	struct ike_conf *c = NULL;
	struct err_text e = {{0}};
	int ends[2];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(conf, sizeof(conf), "%s/racoon.conf", dir);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	snprintf(text, sizeof(text), "include \"%s\";\n", fifo);
	write_file(conf, text);
	assert_int_equal(racoon_read(conf, &o, &c, &e), -EINVAL);
	assert_non_null(strstr(h.error, "/fifo: it is a named pipe, and a regular file is wanted"));
	h = (struct heard){{0}};
	snprintf(text, sizeof(text),
	    "remote anonymous { " MODE "my_identifier keyid \"%s\"; proposal { " OFFER " } }", fifo);
	write_file(conf, text);
	assert_int_equal(racoon_read(conf, &o, &c, &e), -EINVAL);
	assert_non_null(strstr(h.error, "cannot be read: it is a named pipe, and a regular file is wanted"));
	h = (struct heard){{0}};
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(write(ends[1], "log debug;\n", 11) == 11);
	close(ends[1]);
	snprintf(through, sizeof(through), "/dev/fd/%d", ends[0]);
	assert_int_equal(racoon_read(through, &o, &c, &e), 0);
	assert_int_equal(c->log, IKE_LOG_DEBUG);
	ike_conf_free(c);
	close(ends[0]);
	unlink(conf);
	unlink(fifo);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_racoon_what_is_malformed_is_told_with_its_place),
	    cmocka_unit_test(test_racoon_mode_cfg),
	    cmocka_unit_test(test_racoon_split_network_has_two_lists),
	    cmocka_unit_test(test_racoon_xauth_of_a_client_needs_a_login),
	    cmocka_unit_test(test_racoon_what_is_ignored_is_named),
	    cmocka_unit_test(test_racoon_proposals_that_cannot_be_had_are_left_out),
	    cmocka_unit_test(test_racoon_left_out_proposal_replaces_the_inherited_ones),
	    cmocka_unit_test(test_racoon_signatures_with_keys_that_are_not_read_are_left_out),
	    cmocka_unit_test(test_racoon_ike_frag),
	    cmocka_unit_test(test_racoon_exchange_modes),
	    cmocka_unit_test(test_racoon_lifetime_is_the_block_s_also_where_the_proposal_is_inherited),
	    cmocka_unit_test(test_racoon_peers_identifier_replaces_the_inherited_ones),
	    cmocka_unit_test(test_racoon_host_bits_do_not_make_another_sainfo),
	    cmocka_unit_test(test_racoon_address_of_full_length_is_a_host),
	    cmocka_unit_test(test_racoon_children_are_in_the_order_in_which_they_are_tried),
	    cmocka_unit_test(test_racoon_longest_esp_frag_is_none),
	    cmocka_unit_test(test_racoon_what_is_cut_or_replaced_is_said),
	    cmocka_unit_test(test_racoon_natt_keepalive),
	    cmocka_unit_test(test_racoon_name_in_hexadecimal_is_not_cut),
	    cmocka_unit_test(test_racoon_file_that_is_too_long_is_said_to_be),
	    cmocka_unit_test(test_racoon_what_cannot_be_read_is_said_to_be),
	    cmocka_unit_test(test_racoon_ports_are_in_the_names_and_said_to_be_ignored),
	    cmocka_unit_test(test_racoon_remotes_that_are_never_used_are_named),
	    cmocka_unit_test(test_racoon_so_many_remotes_of_one_address),
	    cmocka_unit_test(test_racoon_names_of_certificates),
	    cmocka_unit_test(test_racoon_what_should_not_be_wanted_is_said),
	    cmocka_unit_test(test_racoon_own_name_as_text),
	    cmocka_unit_test(test_racoon_pipes),
	};

	if (argc != 2)
		return 2;
	malformed_file = argv[1];
	return cmocka_run_group_tests_name("racoon.conf", tests, NULL, NULL);
}
