/*
 * Names as they are typed: what can be an IKE identity, and distinguished names.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ipsec/dn.h"
#include "pki/internal.h"

static const char LONG[] = "a.very.long.name.of.a.host.that.is.longer.than.a.common.name.can.be.example.org";
static const char LABEL[] = "0123456789012345678901234567890123456789012345678901234567890123.org"; /* 64 */

static void test_names_that_can_be_an_identity(void **state)
{
	static const struct pki_alt good[] = {{PKI_HOST, "gw.example.org"}, {PKI_HOST, "gw"},
	    {PKI_HOST, "xn--bcher-kva.example"}, {PKI_HOST, "_ipsec.example.org"}, {PKI_HOST, "3com.com"},
	    {PKI_HOST, LONG}, {PKI_ADDRESS, "192.0.2.1"}, {PKI_ADDRESS, "2001:db8::1"},
	    {PKI_USER, "joe@example.org"}, {PKI_USER, "j.o+e=x'y@gw"}};
	struct err_text e;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (pki_alt_check(&good[i], &e) < 0)
			fail_msg("%s", e.s);
}

static void test_names_that_cannot_and_why(void **state)
{
	static const struct {
		struct pki_alt alt;
		const char *said;
	} bad[] = {
	    {{PKI_HOST, ""}, "no host's name"},
	    {{PKI_HOST, "192.0.2.1"}, "say --address 192.0.2.1"},
	    {{PKI_HOST, "2001:db8::1"}, "say --address"},
	    {{PKI_HOST, "*.example.org"}, "fits many hosts"},
	    {{PKI_HOST, "gw.example.org."}, "without a dot at its end"},
	    {{PKI_HOST, "gw..example.org"}, "no host's name"},
	    {{PKI_HOST, "-gw.example.org"}, "no host's name"},
	    {{PKI_HOST, "gw-.example.org"}, "no host's name"},
	    {{PKI_HOST, "gw example.org"}, "no host's name"},
	    {{PKI_HOST, "../../etc/passwd"}, "no host's name"},
	    {{PKI_HOST, "gw.example.org,DNS:evil"}, "no host's name"},
	    {{PKI_HOST, "gw\nevil"}, "no host's name"},
	    {{PKI_HOST, "b\xc3\xbc"
	                "cher.example"},
	        "xn--"},
	    {{PKI_HOST, LABEL}, "no host's name"},
	    {{PKI_ADDRESS, "gw.example.org"}, "no address"},
	    {{PKI_ADDRESS, "192.0.2.0/24"}, "no address"},
	    {{PKI_ADDRESS, "192.0.2.256"}, "no address"},
	    {{PKI_ADDRESS, "fe80::1%lo"}, "no address"},
	    {{PKI_USER, "joe"}, "no user's name"},
	    {{PKI_USER, "@example.org"}, "no user's name"},
	    {{PKI_USER, "joe@"}, "no user's name"},
	    {{PKI_USER, "j oe@example.org"}, "no user's name"},
	    {{PKI_USER, "../joe@example.org"}, "no user's name"},
	    {{PKI_USER, "joe@evil@example.org"}, "no user's name"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err_text e = {""};

		if (pki_alt_check(&bad[i].alt, &e) != -EINVAL)
			fail_msg("`%s` was taken", bad[i].alt.text);
		if (!strstr(e.s, bad[i].said))
			fail_msg("`%s`: \"%s\" is not in: %s", bad[i].alt.text, bad[i].said, e.s);
	}
}

static void test_names_of_addresses_are_octets(void **state)
{
	static const struct pki_alt alt[] = {{PKI_ADDRESS, "192.0.2.1"}, {PKI_ADDRESS, "2001:db8::1"}};
	const struct pki_wish w = {.alt = alt, .n_alts = 2};
	GENERAL_NAMES *names = NULL;
	struct err_text e;
	const GENERAL_NAME *g;

	assert_int_equal(pki_alt_names(&w, &names, &e), 0);
	assert_int_equal(sk_GENERAL_NAME_num(names), 2);
	g = sk_GENERAL_NAME_value(names, 0);
	assert_int_equal(g->type, GEN_IPADD);
	assert_int_equal(ASN1_STRING_length(g->d.iPAddress), 4);
	assert_memory_equal(ASN1_STRING_get0_data(g->d.iPAddress), "\xc0\x00\x02\x01", 4);
	assert_int_equal(ASN1_STRING_length(sk_GENERAL_NAME_value(names, 1)->d.iPAddress), 16);
	GENERAL_NAMES_free(names);
}

/* As dn_format() shows it, which is how racoon.conf writes it. */
static void check_subject(const char *name, const char *want)
{
	const struct pki_wish w = {.name = name};
	const unsigned char *der;
	X509_NAME *n = NULL;
	struct err_text e;
	char text[512];
	size_t len;

	if (pki_subject(&w, &n, &e) < 0)
		fail_msg("%s: %s", name, e.s);
	assert_int_equal(X509_NAME_get0_der(n, &der, &len), 1);
	assert_true(dn_format(der, len, text, sizeof(text)));
	assert_string_equal(text, want);
	X509_NAME_free(n);
}

static void test_subjects(void **state)
{
	check_subject("Example CA", "CN=Example CA");
	check_subject("C=US, O=Example, CN=gw", "C=US, O=Example, CN=gw");
	check_subject("  O = Example  ,CN= gw ", "O=Example, CN=gw");
	check_subject("/C=US/O=Example/CN=gw", "C=US, O=Example, CN=gw");
	check_subject("O=Example\\, Inc., CN=a\\/b", "O=Example\\, Inc., CN=a\\/b");
	check_subject("CN=a=b", "CN=a\\=b");
	check_subject("CN=\"quoted\"; #+<>", "CN=\\\"quoted\\\"; #\\+<>");
	check_subject("Quoted \"name\", with comma", "CN=Quoted \\\"name\\\"\\, with comma");
	check_subject("O=A, OU=one, OU=two, CN=x", "O=A, OU=one, OU=two, CN=x");
}

static void test_subjects_that_are_none(void **state)
{
	static const struct {
		const char *name, *said;
	} bad[] = {
	    {"", "empty"},
	    {"O=Example, gw=", "gw has no value"},
	    {"O=, CN=x", "O has no value"},
	    {"=x", "is no name"},
	    {"O=Example, Inc., CN=x", "a backslash before a comma"},
	    {"CNN=x", "`CNN` is no part of a name"},
	    {"C=USA, CN=x", "a country has two letters"},
	    {"CN=a\nb", "control character"},
	    {"a\x1b[31mred", "control character"},
	    {"CN=\xff\xfe", "is it UTF-8?"},
	    {LONG, "longer than X.509 allows"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct pki_wish w = {.name = bad[i].name};
		struct err_text e = {""};
		X509_NAME *n = NULL;

		if (pki_subject(&w, &n, &e) != -EINVAL)
			fail_msg("`%s` was taken", bad[i].name);
		assert_null(n);
		if (!strstr(e.s, bad[i].said))
			fail_msg("`%s`: \"%s\" is not in: %s", bad[i].name, bad[i].said, e.s);
	}
}

static void test_the_subject_is_the_first_name_when_none_is_said(void **state)
{
	static const struct pki_alt alt[] = {{PKI_USER, "joe@example.org"}, {PKI_HOST, "gw"}};
	const struct pki_wish w = {.alt = alt, .n_alts = 2}, none = {0};
	X509_NAME *n = NULL;
	struct err_text e;
	char text[80];

	assert_int_equal(pki_subject(&w, &n, &e), 0);
	assert_int_equal(X509_NAME_entry_count(n), 1);
	assert_true(X509_NAME_get_text_by_NID(n, NID_commonName, text, sizeof(text)) > 0);
	assert_string_equal(text, "joe@example.org");
	X509_NAME_free(n);
	assert_int_equal(pki_subject(&none, &n, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_that_can_be_an_identity),
	    cmocka_unit_test(test_names_that_cannot_and_why),
	    cmocka_unit_test(test_names_of_addresses_are_octets),
	    cmocka_unit_test(test_subjects),
	    cmocka_unit_test(test_subjects_that_are_none),
	    cmocka_unit_test(test_the_subject_is_the_first_name_when_none_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
