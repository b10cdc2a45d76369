/*
 * The guide's own files and listings, by the numbers of the inventory: M1 to M4 and X1 must run unchanged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "support/setkey_rig.h"

#define ESP_SAS                                                                                              \
	"# associate esp with the two systems -- add SAD entries\n"                                          \
	"add 10.0.0.100 10.0.0.110 esp 0x10001 -m tunnel -E 3des-cbc \"thescogp12341234thescogp\" ;\n"       \
	"add 10.0.0.110 10.0.0.100 esp 0x10002 -m tunnel -E 3des-cbc \"thescogp43214321thescogp\" ;\n"       \
	"# associate ah with the two systems -- add SAD entries\n"
#define POLICIES(first, second)                                                                              \
	"# set the security policy for the systems -- add SPD entries\n"                                     \
	"# must reverse \"in\" and \"out\" on these lines on the other host\n"                               \
	"spdadd 10.0.0.100[any] 10.0.0.110[any] tcp -P " first                                               \
	" ipsec esp/tunnel/10.0.0.100-10.0.0.110/use "                                                       \
	"ah/tunnel/10.0.0.100-10.0.0.110/use ;\n"                                                            \
	"spdadd 10.0.0.110[any] 10.0.0.100[any] tcp -P " second                                              \
	" ipsec esp/tunnel/10.0.0.110-10.0.0.100/use "                                                       \
	"ah/tunnel/10.0.0.110-10.0.0.100/use ;\n"

static const char *folder;
static struct setkey_rig rig;

static void read_file(const char *name)
{
	char path[512], text[8192];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: cannot be opened", path);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	setkey_rig_read_bytes(&rig, text, n);
}

static void expect_sa(
    size_t i, const char *src, const char *dst, enum ipsec_proto proto, uint32_t spi, const char *key)
{
	const struct sa_desc *d = &rig.stmts[i].sa.desc;
	char text[INET_ADDR_STRLEN];

	assert_int_equal(rig.stmts[i].verb, SETKEY_ADD);
	assert_string_equal(inet_addr_format(&d->src, text), src);
	assert_string_equal(inet_addr_format(&d->dst, text), dst);
	assert_int_equal(d->proto, proto);
	assert_int_equal(d->spi, spi);
	assert_int_equal(d->mode, IPSEC_TUNNEL);
	if (proto == IPSEC_ESP) {
		assert_int_equal(d->enc, ALG_ENC_3DES_CBC);
		assert_int_equal(d->enc_key_len, 24);
		assert_memory_equal(d->enc_key, key, 24);
		assert_int_equal(d->auth, ALG_AUTH_NONE);
	} else {
		assert_int_equal(d->auth, ALG_AUTH_HMAC_MD5);
		assert_int_equal(d->auth_key_len, 16);
		assert_memory_equal(d->auth_key, key, 16);
	}
}

/* The four SAs of both hosts, AH between 10.1.1.x as the guide has it (S63). */
static void expect_sas(bool with_ah)
{
	expect_sa(0, "10.0.0.100", "10.0.0.110", IPSEC_ESP, 0x10001, "thescogp12341234thescogp");
	expect_sa(1, "10.0.0.110", "10.0.0.100", IPSEC_ESP, 0x10002, "thescogp43214321thescogp");
	if (!with_ah)
		return;
	expect_sa(2, "10.1.1.100", "10.1.1.110", IPSEC_AH, 0x10003, "scogroupscogroup");
	expect_sa(3, "10.1.1.110", "10.1.1.100", IPSEC_AH, 0x10004, "groupscogroupsco");
}

static void expect_policy(size_t i, bool to_elmer, enum policy_dir dir, uint8_t n, enum policy_level level)
{
	const struct policy *p = &rig.stmts[i].policy;
	const char *src = to_elmer ? "10.0.0.100" : "10.0.0.110",
	           *dst = to_elmer ? "10.0.0.110" : "10.0.0.100";
	char text[INET_PREFIX_STRLEN];

	assert_int_equal(rig.stmts[i].verb, SETKEY_SPDADD);
	assert_int_equal(p->dir, dir);
	assert_int_equal(p->action, POLICY_IPSEC);
	assert_int_equal(p->sel.proto, 6);
	assert_int_equal(p->sel.sport | p->sel.dport, 0);
	assert_string_equal(inet_prefix_format(&p->sel.src, text), src);
	assert_string_equal(inet_prefix_format(&p->sel.dst, text), dst);
	assert_int_equal(p->n_requests, n);
	for (uint8_t j = 0; j < n; j++) {
		assert_int_equal(p->req[j].proto, j ? IPSEC_AH : IPSEC_ESP);
		assert_int_equal(p->req[j].mode, IPSEC_TUNNEL);
		assert_int_equal(p->req[j].level, level);
		assert_string_equal(inet_addr_format(&p->req[j].src, text), src);
		assert_string_equal(inet_addr_format(&p->req[j].dst, text), dst);
	}
}

static void expect_clean(size_t n)
{
	if (rig.code != 0 || rig.messages[0])
		fail_msg("outcome %d: %s", rig.code, rig.messages);
	assert_int_equal(rig.n, n);
}

static void test_S212_M1_manual_keys_of_elmer(void **state)
{
	(void)state;
	setkey_rig_read(&rig, ESP_SAS
	    "add 10.1.1.100 10.1.1.110 ah 0x10003 -m tunnel -A hmac-md5 \"scogroupscogroup\";\n"
	    "add 10.1.1.110 10.1.1.100 ah 0x10004 -m tunnel -A hmac-md5 \"groupscogroupsco\";\n" POLICIES(
	        "in", "out"));
	expect_clean(6);
	expect_sas(true);
	expect_policy(4, true, POLICY_IN, 2, LEVEL_USE);
	expect_policy(5, false, POLICY_OUT, 2, LEVEL_USE);
}

static void test_S60_manual_file_of_elmer(void **state)
{
	(void)state;
	read_file("manual-elmer.ipsec.cf");
	expect_clean(6);
	expect_sas(true);
	expect_policy(4, true, POLICY_IN, 2, LEVEL_USE);
	expect_policy(5, false, POLICY_OUT, 2, LEVEL_USE);
}

static void test_S64_manual_file_of_relent(void **state)
{
	(void)state;
	read_file("manual-relent.ipsec.cf");
	expect_clean(6);
	expect_sas(true);
	expect_policy(4, true, POLICY_OUT, 2, LEVEL_USE);
	expect_policy(5, false, POLICY_IN, 2, LEVEL_USE);
}

/* The page's reading: the `#` swallows algorithm and terminator. Two errors, and the rest is in force. */
static void test_S213_M2_on_one_line_yields_two_sas_and_two_policies(void **state)
{
	(void)state;
	setkey_rig_read(&rig, ESP_SAS
	    "add 10.1.1.100 10.1.1.110 ah 0x10003 # -m tunnel -A hmac-md5 \"scogroupscogroup\";\n"
	    "add 10.1.1.110 10.1.1.100 ah 0x10004 # -m tunnel -A hmac-md5 \"groupscogroupsco\";\n" POLICIES(
	        "out", "in"));
	assert_int_equal(rig.code, SETKEY_FAULTY);
	assert_string_equal(rig.messages, "f:6:1: Syntax error at [add]; expected an option, or the "
	                                  "algorithm: -E, -A or -C; the `;` in line 5 is behind a #\n"
	                                  "f:9:1: Syntax error at [spdadd]; expected an option, or the "
	                                  "algorithm: -E, -A or -C; the `;` in line 6 is behind a "
	                                  "#\n");
	assert_int_equal(rig.n, 4);
	expect_sas(false);
	expect_policy(2, true, POLICY_OUT, 2, LEVEL_USE);
	expect_policy(3, false, POLICY_IN, 2, LEVEL_USE);
}

/* The other reading: the line breaks after the `#` were lost on the page. */
static void test_S213_M2b_with_line_breaks_is_clean(void **state)
{
	(void)state;
	setkey_rig_read(&rig, ESP_SAS
	    "add 10.1.1.100 10.1.1.110 ah 0x10003 #\n-m tunnel -A hmac-md5 \"scogroupscogroup\";\n"
	    "add 10.1.1.110 10.1.1.100 ah 0x10004 #\n-m tunnel -A hmac-md5 \"groupscogroupsco\";\n" POLICIES(
	        "out", "in"));
	expect_clean(6);
	expect_sas(true);
	expect_policy(4, true, POLICY_OUT, 2, LEVEL_USE);
	expect_policy(5, false, POLICY_IN, 2, LEVEL_USE);
}

static void test_S214_M3_policies_of_elmer_require(void **state)
{
	(void)state;
	read_file("ike-elmer.ipsec.conf");
	expect_clean(2);
	expect_policy(0, true, POLICY_IN, 1, LEVEL_REQUIRE);
	expect_policy(1, false, POLICY_OUT, 1, LEVEL_REQUIRE);
}

static void test_S215_M4_policies_of_relent_require(void **state)
{
	(void)state;
	read_file("ike-relent.ipsec.conf");
	expect_clean(2);
	expect_policy(0, true, POLICY_OUT, 1, LEVEL_REQUIRE);
	expect_policy(1, false, POLICY_IN, 1, LEVEL_REQUIRE);
}

static void test_S216_X1_exemption_by_host_names(void **state)
{
	(void)state;
	setkey_rig_read(&rig, "spdadd hostA[any] DNSserver[53] udp -P in none ;\n"
	                      "spdadd DNSserver[53] hostA[any] udp -P out none ;\n");
	expect_clean(2);
	for (size_t i = 0; i < 2; i++) {
		const struct policy *p = &rig.stmts[i].policy;

		assert_int_equal(p->action, POLICY_PASS);
		assert_int_equal(p->dir, i ? POLICY_OUT : POLICY_IN);
		assert_int_equal(p->sel.proto, 17);
		assert_int_equal(i ? p->sel.sport : p->sel.dport, 53);
		assert_int_equal(i ? p->sel.dport : p->sel.sport, 0);
	}
}

/* Two statements on one line, and the terminator with and without a blank before it. */
static void test_S52_terminators_as_the_guide_writes_them(void **state)
{
	(void)state;
	setkey_rig_read(&rig, "flush;spdflush ; spddump\n; dump;");
	expect_clean(4);
}

static void test_S53_comments_with_quotes_and_dashes(void **state)
{
	(void)state;
	setkey_rig_read(&rig, "# it's \"in\" -- or -P out ; add\nflush; # one \" quote\n#\n#;\nspdflush; #");
	expect_clean(2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_S212_M1_manual_keys_of_elmer),
	    cmocka_unit_test(test_S60_manual_file_of_elmer),
	    cmocka_unit_test(test_S64_manual_file_of_relent),
	    cmocka_unit_test(test_S213_M2_on_one_line_yields_two_sas_and_two_policies),
	    cmocka_unit_test(test_S213_M2b_with_line_breaks_is_clean),
	    cmocka_unit_test(test_S214_M3_policies_of_elmer_require),
	    cmocka_unit_test(test_S215_M4_policies_of_relent_require),
	    cmocka_unit_test(test_S216_X1_exemption_by_host_names),
	    cmocka_unit_test(test_S52_terminators_as_the_guide_writes_them),
	    cmocka_unit_test(test_S53_comments_with_quotes_and_dashes),
	};
	int r;

	if (argc != 2)
		return 2;
	folder = argv[1];
	setkey_rig_init(&rig);
	r = cmocka_run_group_tests_name("config/setkey guide", tests, NULL, NULL);
	setkey_rig_fini(&rig);
	return r;
}
