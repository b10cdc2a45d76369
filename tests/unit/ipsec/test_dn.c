/*
 * Names as text: two that openssl made, and what is no name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/auto.h"
#include "ipsec/dn.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dn_of_real_certificates),
	    cmocka_unit_test(test_dn_forms),
	    cmocka_unit_test(test_dn_is_cut_to_its_room),
	    cmocka_unit_test(test_dn_of_broken_octets),
	    cmocka_unit_test(test_dn_as_an_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
