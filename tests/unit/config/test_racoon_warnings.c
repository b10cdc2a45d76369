/*
 * What is legal in racoon.conf and yet said: what is weak, ignored, cut, or never used.
 */
#include "racoon_heard.h"

#include <stdio.h>
#include <string.h>

#include "ipsec/sa.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_racoon_exchange_modes),
	    cmocka_unit_test(test_racoon_what_is_cut_or_replaced_is_said),
	    cmocka_unit_test(test_racoon_ports_are_in_the_names_and_said_to_be_ignored),
	    cmocka_unit_test(test_racoon_remotes_that_are_never_used_are_named),
	    cmocka_unit_test(test_racoon_what_should_not_be_wanted_is_said),
	};

	return cmocka_run_group_tests_name("config/racoon warnings", tests, NULL, NULL);
}
