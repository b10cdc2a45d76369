/*
 * Names as text: two that openssl made, and what is no name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "base/auto.h"
#include "ipsec/dn.h"
#include "ipsec/dn_text.h"
#include "ipsec/ike_conf.h"

/* openssl req -subj "/C=US/ST=NY/L=BERNE/O=Internet Widgits Pty Ltd" */
static const uint8_t guide[] = {0x30, 0x4d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02,
    0x55, 0x53, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x08, 0x0c, 0x02, 0x4e, 0x59, 0x31, 0x0e,
    0x30, 0x0c, 0x06, 0x03, 0x55, 0x04, 0x07, 0x0c, 0x05, 0x42, 0x45, 0x52, 0x4e, 0x45, 0x31, 0x21, 0x30,
    0x1f, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x18, 0x49, 0x6e, 0x74, 0x65, 0x72, 0x6e, 0x65, 0x74, 0x20,
    0x57, 0x69, 0x64, 0x67, 0x69, 0x74, 0x73, 0x20, 0x50, 0x74, 0x79, 0x20, 0x4c, 0x74, 0x64};
/* -multivalue-rdn -subj "/DC=example/O=A, B+OU=x=y/CN=gate/emailAddress=a@b.example" */
static const uint8_t odd[] = {0x30, 0x5f, 0x31, 0x17, 0x30, 0x15, 0x06, 0x0a, 0x09, 0x92, 0x26, 0x89, 0x93,
    0xf2, 0x2c, 0x64, 0x01, 0x19, 0x16, 0x07, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x31, 0x19, 0x30,
    0x0a, 0x06, 0x03, 0x55, 0x04, 0x0b, 0x0c, 0x03, 0x78, 0x3d, 0x79, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04,
    0x0a, 0x0c, 0x04, 0x41, 0x2c, 0x20, 0x42, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c,
    0x04, 0x67, 0x61, 0x74, 0x65, 0x31, 0x1a, 0x30, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
    0x01, 0x09, 0x01, 0x16, 0x0b, 0x61, 0x40, 0x62, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65};

static void test_dn_of_real_certificates(void **state)
{
	char buf[200];

	assert_true(dn_format(guide, sizeof(guide), buf, sizeof(buf)));
	assert_string_equal(buf, "C=US, ST=NY, L=BERNE, O=Internet Widgits Pty Ltd");
	assert_true(dn_format(odd, sizeof(odd), buf, sizeof(buf)));
	assert_string_equal(buf, "DC=example, OU=x\\=y+O=A\\, B, CN=gate, emailAddress=a@b.example");
}

static void test_dn_forms(void **state)
{
	static const uint8_t empty[] = {0x30, 0},
	                     unknown[] = {0x30, 12, 0x31, 10, 0x30, 8, 6, 4, 0x55, 4, 0x81, 0x63, 12, 0},
	                     long_form[] = {
	                         0x30, 0x81, 13, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 3, 12, 2, 'a', 7};
	char buf[40];

	assert_true(dn_format(empty, sizeof(empty), buf, sizeof(buf)));
	assert_string_equal(buf, "");
	assert_true(dn_format(unknown, sizeof(unknown), buf, sizeof(buf)));
	assert_string_equal(buf, "2.5.4.227=");
	assert_true(dn_format(long_form, sizeof(long_form), buf, sizeof(buf)));
	assert_string_equal(buf, "CN=a?");
}

/* What is shown can be written into racoon.conf, and means the same there. */
static void test_dn_as_shown_is_read_back(void **state)
{
	static const uint8_t one[] = {
	    0x30, 16, 0x31, 14, 0x30, 12, 6, 3, 0x55, 4, 3, 12, 5, 'a', '/', 'b', ',', 'c'};
	char buf[40];

	assert_true(dn_format(one, sizeof(one), buf, sizeof(buf)));
	assert_string_equal(buf, "CN=a\\/b\\,c");
	assert_true(dn_is(buf, strlen(buf), one, sizeof(one)));
}

static void test_dn_is_cut_to_its_room(void **state)
{
	char buf[10];

	assert_true(dn_format(guide, sizeof(guide), buf, sizeof(buf)));
	assert_string_equal(buf, "C=US, ST=");
	assert_true(dn_format(guide, sizeof(guide), buf, 1));
	assert_string_equal(buf, "");
}

/* Every truncation, and every octet changed: refused or printable, and never beyond. */
static void test_dn_of_broken_octets(void **state)
{
	uint8_t copy[sizeof(guide)];
	char buf[200];

	for (size_t n = 0; n < sizeof(guide); n++) {
		assert_false(dn_format(guide, n, buf, sizeof(buf)));
		assert_string_equal(buf, "");
	}
	for (size_t i = 0; i < sizeof(guide); i++)
		for (unsigned v = 0; v < 256; v++) {
			memcpy(copy, guide, sizeof(guide));
			copy[i] = (uint8_t)v;
			(void)dn_format(copy, sizeof(copy), buf, sizeof(buf));
			for (const char *c = buf; *c; c++)
				assert_in_range(*c, ' ', '~');
		}
}

static void test_dn_as_an_identity(void **state)
{
	struct ike_id id = {.kind = IKE_ID_DN_DER, .len = sizeof(guide)};
	char buf[64];

	memcpy(id.data, guide, sizeof(guide));
	assert_string_equal(
	    ike_id_format(&id, buf, sizeof(buf)), "C=US, ST=NY, L=BERNE, O=Internet Widgits Pty Ltd");
	id.len--;
	assert_string_equal(ike_id_format(&id, buf, sizeof(buf)), "a distinguished name of 78 octets");
}

static bool guide_is(const char *text)
{
	return dn_is(text, strlen(text), guide, sizeof(guide));
}

static void test_dn_text_against_der(void **state)
{
	static const char two[] = "DC=example, OU=x=y, O=A\\, B, CN=*, emailAddress=a@b.example";

	assert_true(guide_is("C=US, ST=NY, L=BERNE, O=Internet Widgits Pty Ltd"));
	assert_true(guide_is("C=US/ST=NY/L=BERNE/O=Internet Widgits Pty Ltd"));
	assert_true(guide_is("countryName=US, stateOrProvinceName=NY, 2.5.4.7=*, O=*"));
	assert_true(guide_is("C=\\55\\53, ST=NY, L=*, O=*"));
	assert_false(guide_is("C=US, ST=NY, L=BERNE"));
	assert_false(guide_is("C=US, ST=NY, L=BERNE, O=*, CN=*"));
	assert_false(guide_is("ST=NY, C=US, L=BERNE, O=*"));
	assert_false(guide_is("C=us, ST=NY, L=BERNE, O=*"));
	assert_false(guide_is("C=US, ST=NY, L=BERN*, O=*"));
	assert_false(guide_is("C=US, ST=NY, L=\\*, O=*"));
	assert_false(guide_is("C=US, ST=NY, L=BERNE, nonsense=*"));
	assert_false(guide_is(""));
	assert_true(dn_is(two, strlen(two), odd, sizeof(odd)));
}

/* What is made of a text is that name again, and reads as it was written. */
static void test_dn_text_makes_der(void **state)
{
	static const char *const texts[] = {"C=US, ST=NY, L=BERNE, O=Internet Widgits Pty Ltd",
	    "DC=example, O=A\\, B, CN=gate, emailAddress=a@b.example", "CN=x\\+y", "2.5.4.99=z",
	    "1.3.6.1.4.1.311.20.2.3=u"};
	uint8_t der[DN_DER_MAX];
	char buf[200], type[DN_PART_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int n = dn_encode(texts[i], strlen(texts[i]), der, type);

		assert_true(n > 0);
		assert_true(dn_format(der, (size_t)n, buf, sizeof(buf)));
		assert_string_equal(buf, texts[i]);
		assert_true(dn_is(texts[i], strlen(texts[i]), der, (size_t)n));
	}
	/* openssl req -subj /C=DE/CN=\xc3\xa4: PrintableString and UTF8String. */
	assert_int_equal(dn_encode("C=DE,CN=\xc3\xa4", 10, der, type), 28);
	assert_memory_equal(der,
	    "\x30\x1a\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02\x44\x45"
	    "\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02\xc3\xa4",
	    28);
}

static void test_dn_text_that_makes_no_der(void **state)
{
	uint8_t der[DN_DER_MAX];
	char text[DN_DER_MAX], type[DN_PART_MAX];

	assert_int_equal(dn_encode("CN=*", 4, der, type), -EINVAL);
	assert_int_equal(dn_encode("CN", 2, der, type), -EINVAL);
	assert_int_equal(dn_encode("nonsense=x", 10, der, type), -ENOENT);
	assert_string_equal(type, "nonsense");
	assert_int_equal(dn_encode("3.1=x", 5, der, type), -ENOENT);
	assert_int_equal(dn_encode("1.40=x", 6, der, type), -ENOENT);
	assert_int_equal(dn_encode("2.99999999999=x", 15, der, type), -ENOENT);
	memset(text, 'x', sizeof(text));
	memcpy(text, "CN=", 3);
	assert_int_equal(dn_encode(text, sizeof(text), der, type), -EINVAL);
	for (size_t i = 0; i + 3 < sizeof(text); i += 4)
		memcpy(text + i, "C=a,", 4);
	assert_int_equal(dn_encode(text, sizeof(text), der, type), -EMSGSIZE);
}

/* Every truncation and every octet changed: never beyond, and hardly ever the name. */
static void test_dn_text_against_broken_octets(void **state)
{
	static const char text[] = "C=US, ST=NY, L=BERNE, O=*";
	uint8_t copy[sizeof(guide)];

	for (size_t n = 0; n < sizeof(guide); n++)
		assert_false(dn_is(text, strlen(text), guide, n));
	for (size_t i = 0; i < sizeof(guide); i++)
		for (unsigned v = 0; v < 256; v++) {
			memcpy(copy, guide, sizeof(guide));
			copy[i] = (uint8_t)v;
			(void)dn_is(text, strlen(text), copy, sizeof(copy));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dn_of_real_certificates),
	    cmocka_unit_test(test_dn_forms),
	    cmocka_unit_test(test_dn_as_shown_is_read_back),
	    cmocka_unit_test(test_dn_is_cut_to_its_room),
	    cmocka_unit_test(test_dn_of_broken_octets),
	    cmocka_unit_test(test_dn_as_an_identity),
	    cmocka_unit_test(test_dn_text_against_der),
	    cmocka_unit_test(test_dn_text_makes_der),
	    cmocka_unit_test(test_dn_text_that_makes_no_der),
	    cmocka_unit_test(test_dn_text_against_broken_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
