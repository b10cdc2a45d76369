/*
 * What counts of files that are to be trusted, and names as text: keys that lie beside a certificate are not
 * read, and a damaged file counts for nothing rather than for a part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "certd/verify/anchors.h"
#include "certd/verify/dn_text.h"
#include "support/cert_kit.h"

static EVP_PKEY *key;
static X509 *cert, *other;

static struct file text(const char *s)
{
	return (struct file){.p = (uint8_t *)strdup(s), .n = strlen(s)};
}

/* How many were found, or -errno; takes the file. */
static int add(struct anchors *a, enum credential_kind kind, uint32_t peer, struct file f)
{
	struct err_text e = {{0}};
	int r = anchors_add(a, kind, peer, &f, &e);

	assert_true(r >= 0 || e.s[0]);
	file_fini(&f);
	return r;
}

static void expect(enum credential_kind kind, struct file f, int want)
{
	struct anchors *a = anchors_new(1);

	assert_non_null(a);
	assert_int_equal(add(a, kind, 0, f), want);
	anchors_free(a);
}

static void test_anchors_forms(void **state)
{
	X509 *both[] = {cert, other};
	X509_CRL *crl = kit_crl(cert, key, 5, -60, KIT_DAY);

	(void)state;
	expect(CREDENTIAL_ANCHOR, kit_pem(both, 2), 2);
	expect(CREDENTIAL_ANCHOR, kit_der(cert), 1);
	expect(CREDENTIAL_ANCHOR, kit_pem_crl(crl), 1);
	expect(CREDENTIAL_ANCHOR, kit_join(kit_pem(both, 2), kit_pem_crl(crl)), 3);
	expect(CREDENTIAL_CA, kit_join(text("as openssl x509 -text writes\n"), kit_pem(&cert, 1)), 1);
	X509_CRL_free(crl);
}

/* Of the folder that is no fault; of a file that was named, it is. */
static void test_anchors_nothing_in_it(void **state)
{
	(void)state;
	expect(CREDENTIAL_ANCHOR, text("nothing"), 0);
	expect(CREDENTIAL_ANCHOR, text(""), 0);
	expect(CREDENTIAL_CA, text("nothing"), -EINVAL);
	expect(CREDENTIAL_PEER_CERT, text("nothing"), -EINVAL);
}

static void test_anchors_keys_are_let_lie(void **state)
{
	(void)state;
	expect(CREDENTIAL_CA, kit_pem_key(key, NULL), -EINVAL);
	expect(CREDENTIAL_CA, kit_der_key(key), -EINVAL);
	expect(CREDENTIAL_CA, kit_join(kit_pem_key(key, NULL), kit_pem(&cert, 1)), 1);
	expect(CREDENTIAL_CA, kit_join(kit_pem(&cert, 1), kit_pem_key(key, "sesame")), 1);
	expect(CREDENTIAL_PEER_CERT, kit_join(kit_pem_key(key, NULL), kit_pem(&cert, 1)), 1);
}

/* Else an authority would count, and its list would not. */
static void test_anchors_damaged_files_count_for_nothing(void **state)
{
	static const char crl[] = "-----BEGIN X509 CRL-----\nMAAA\n-----END X509 CRL-----\n";
	static const char cut[] = "-----BEGIN X509 CRL-----\nMAAA\n";
	static const char locked[] = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
	                             "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nMAAA\n"
	                             "-----END CERTIFICATE-----\n";

	(void)state;
	expect(CREDENTIAL_CA, kit_join(kit_pem(&cert, 1), text(crl)), -EINVAL);
	expect(CREDENTIAL_CA, kit_join(kit_pem(&cert, 1), text(cut)), -EINVAL);
	expect(CREDENTIAL_CA, kit_join(kit_pem(&cert, 1), text(locked)), -EINVAL);
	expect(CREDENTIAL_PEER_CERT, text(locked), -EINVAL);
}

static void test_anchors_bounds(void **state)
{
	struct anchors *a = anchors_new(1);

	(void)state;
	assert_int_equal(add(a, CREDENTIAL_CA, 1, kit_pem(&cert, 1)), -EINVAL);
	assert_int_equal(add(a, CREDENTIAL_KEY, 0, kit_pem(&cert, 1)), -EINVAL);
	a->n_files = ANCHORS_FILES_MAX;
	assert_int_equal(add(a, CREDENTIAL_ANCHOR, 0, kit_pem(&cert, 1)), -ENOSPC);
	/* Those of peers are counted by themselves. */
	assert_int_equal(add(a, CREDENTIAL_CA, 0, kit_pem(&cert, 1)), 1);
	a->n_own = ANCHORS_OWN_MAX;
	assert_int_equal(add(a, CREDENTIAL_CA, 0, kit_pem(&cert, 1)), -ENOSPC);
	anchors_free(a);
}

static void test_dn_text(void **state)
{
	X509 *star = kit_cert(&(struct kit_cert){.org = "A, B", .cn = "*", .key = key});
	static const struct {
		const char *text;
		bool fits, fits_star; /* O=Example, CN=CA; O="A, B", CN=* */
	} rows[] = {
	    {"O=Example, CN=CA", true, false},
	    {"O=Example/CN=CA", true, false},
	    {"O = Example , CN = CA", true, false},
	    {"O=Example, CN=*", true, false},
	    {"O=Example, CN= *", true, false},
	    {"O=*, CN=*", true, true},
	    {"O=A\\, B, CN=\\*", false, true},
	    {"O=A\\, B, CN=*", false, true},
	    {"O=Example, CN=C*", false, false},
	    {"O=Example", false, false},
	    {"O=Example, CN=CA, OU=x", false, false},
	    {"CN=CA, O=Example", false, false},
	    {"O=Example, OU=CA", false, false},
	    {"O=Example, CN", false, false},
	    {"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *t = rows[i].text;

		if (dn_text_fits(t, strlen(t), X509_get_subject_name(cert)) != rows[i].fits ||
		    dn_text_fits(t, strlen(t), X509_get_subject_name(star)) != rows[i].fits_star)
			fail_msg("%s", t);
	}
	X509_free(star);
}

static int make_world(void **state)
{
	(void)state;
	key = kit_rsa(2048);
	cert = kit_cert(&(struct kit_cert){.org = "Example", .cn = "CA", .ca = true, .key = key});
	other = kit_cert(&(struct kit_cert){.org = "Other", .cn = "CA", .ca = true, .key = key});
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	X509_free(cert);
	X509_free(other);
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_anchors_forms),
	    cmocka_unit_test(test_anchors_nothing_in_it),
	    cmocka_unit_test(test_anchors_keys_are_let_lie),
	    cmocka_unit_test(test_anchors_damaged_files_count_for_nothing),
	    cmocka_unit_test(test_anchors_bounds),
	    cmocka_unit_test(test_dn_text),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
