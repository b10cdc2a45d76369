/*
 * What is said of a file: everything that is in it, in text that prints, and nothing of a private key.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "pki/internal.h"
#include "pki/look.h"

enum { DAY = 86400 };

static int64_t now;
static struct pki_key *ca_key, *key;
static struct pki_cert *ca, *cert;
static struct sbuf pem; /* of cert */

static void must(int r, const struct err_text *e)
{
	if (r < 0)
		fail_msg("%d: %s", r, e->s);
}

static int setup(void **state)
{
	static const struct pki_alt alt[] = {
	    {PKI_HOST, "gw.example.org"}, {PKI_ADDRESS, "2001:db8::1"}, {PKI_USER, "joe@example.org"}};
	struct pki_wish w = {.name = "Example CA", .days = 100};
	struct err_text e;

	must(secret_init(256 << 10, &e), &e);
	w.now = now = (int64_t)time(NULL);
	must(pki_key_new(PKI_ECDSA, 0, &ca_key, &e), &e);
	must(pki_ca_new(ca_key, &w, &ca, &e), &e);
	must(pki_key_new(PKI_RSA, 2048, &key, &e), &e);
	w = (struct pki_wish){.alt = alt, .n_alts = 3, .days = 50, .now = now};
	must(pki_issue(ca, ca_key, key, &w, &cert, &e), &e);
	sbuf_init(&pem);
	must(pki_cert_write(cert, &pem, &e), &e);
	return 0;
}

static int teardown(void **state)
{
	pki_key_free(ca_key);
	pki_key_free(key);
	pki_cert_free(ca);
	pki_cert_free(cert);
	sbuf_fini(&pem);
	return 0;
}

static bool has(const struct pki_words *w, const char *text)
{
	for (size_t i = 0; i < w->n; i++)
		if (strstr(w->v[i], text))
			return true;
	return false;
}

static void test_a_certificate(void **state)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	struct err_text e;
	char serial[PKI_SERIAL_STRLEN];

	must(pki_look(pem.s, pem.len, NULL, now, &l, &e), &e);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.item->kind, PKI_ITEM_CERT);
	assert_string_equal(l.item->subject, "CN=gw.example.org");
	assert_string_equal(l.item->issuer, "CN=Example CA");
	assert_string_equal(l.item->key, "RSA of 2048 bits");
	assert_string_equal(l.item->signature, "SHA256");
	assert_int_equal(l.item->names.n, 3);
	assert_string_equal(l.item->names.v[0], "host gw.example.org");
	assert_string_equal(l.item->names.v[1], "address 2001:db8::1");
	assert_string_equal(l.item->names.v[2], "user joe@example.org");
	assert_true(has(&l.item->uses, "digital signatures") && has(&l.item->uses, "IKE"));
	assert_false(l.item->is_ca || l.item->is_self_signed);
	assert_int_equal(l.item->unfit.n, 0);
	assert_int_equal(l.item->warnings.n, 0);
	assert_int_equal(strlen(l.item->fingerprint), 64);
	pki_cert_serial(cert, serial);
	assert_string_equal(l.item->serial, serial);
}

static void test_what_time_does_to_it(void **state)
{
	static const struct {
		int64_t days;
		const char *unfit, *warning;
	} rows[] = {{-2, "not valid yet", NULL}, {0, NULL, NULL}, {40, NULL, "within 14 days"},
	    {51, "has expired", NULL}};
	struct err_text e;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_PKI_LOOK struct pki_look l = {0};

		must(pki_look(pem.s, pem.len, NULL, now + rows[i].days * DAY, &l, &e), &e);
		assert_int_equal(l.item->unfit.n, rows[i].unfit ? 1 : 0);
		assert_int_equal(l.item->warnings.n, rows[i].warning ? 1 : 0);
		assert_true(!rows[i].unfit || has(&l.item->unfit, rows[i].unfit));
		assert_true(!rows[i].warning || has(&l.item->warnings, rows[i].warning));
	}
}

static void test_of_a_key_only_its_kind_is_told(void **state)
{
	AUTO_SECRET struct secret *text = NULL, *locked = NULL, *pass = secret_dup_bytes("x", 1);
	struct err_text e;

	must(pki_key_write(key, NULL, &text, &e), &e);
	must(pki_key_write(key, pass, &locked, &e), &e);
	for (int i = 0; i < 2; i++) {
		AUTO_PKI_LOOK struct pki_look l = {0};
		const struct secret *s = i ? locked : text;

		must(pki_look(secret_bytes(s), secret_len(s), NULL, now, &l, &e), &e);
		assert_int_equal(l.n, 1);
		assert_int_equal(l.item->kind, PKI_ITEM_KEY);
		assert_int_equal(l.item->is_locked, i);
		assert_string_equal(l.item->key, i ? "" : "RSA of 2048 bits");
		assert_string_equal(l.item->fingerprint, "");
	}
}

static void test_everything_of_a_bundle(void **state)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	AUTO_SBUF struct sbuf all;
	struct pki_list *list = NULL;
	struct err_text e;

	sbuf_init(&all);
	sbuf_add(&all, "words in front\n%s", pem.s);
	must(pki_cert_write(ca, &all, &e), &e);
	must(pki_list_new(ca, ca_key, NULL, "abc", "key-compromise", now, 10, &list, &e), &e);
	must(pki_list_write(list, &all, &e), &e);
	must(pki_look(all.s, all.len, NULL, now, &l, &e), &e);
	assert_int_equal(l.n, 3);
	assert_true(l.item[1].is_ca && l.item[1].is_self_signed);
	assert_int_equal(l.item[2].kind, PKI_ITEM_LIST);
	assert_int_equal(l.item[2].n_revoked, 1);
	assert_string_equal(l.item[2].revoked[0].serial, "abc");
	assert_string_equal(l.item[2].revoked[0].reason, "key-compromise");
	assert_true(has(&l.item[2].warnings, "within 14 days"));
	pki_list_free(list);
}

static void test_a_list_out_of_date(void **state)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	AUTO_SBUF struct sbuf all;
	struct pki_list *list = NULL;
	struct err_text e;

	sbuf_init(&all);
	must(pki_list_new(ca, ca_key, NULL, NULL, NULL, now, 10, &list, &e), &e);
	must(pki_list_write(list, &all, &e), &e);
	must(pki_look(all.s, all.len, NULL, now + 11 * DAY, &l, &e), &e);
	assert_true(has(&l.item->unfit, "refuse everybody"));
	pki_list_free(list);
}

static void test_pkcs12_wants_its_passphrase(void **state)
{
	AUTO_SECRET struct secret *pass = secret_dup_bytes("x", 1), *wrong = secret_dup_bytes("y", 1);
	AUTO_PKI_LOOK struct pki_look l = {0};
	AUTO_SBUF struct sbuf der;
	struct err_text e;

	sbuf_init(&der);
	must(pki_p12_write(key, cert, &ca, 1, pass, true, &der, &e), &e);
	assert_int_equal(pki_look(der.s, der.len, NULL, now, &l, &e), -EACCES);
	assert_int_equal(pki_look(der.s, der.len, wrong, now, &l, &e), -EACCES);
	assert_non_null(strstr(e.s, "does not open"));
	must(pki_look(der.s, der.len, pass, now, &l, &e), &e);
	assert_true(l.is_p12);
	assert_int_equal(l.n, 3);
}

/* A stranger's certificate may have anything in its names; a terminal must not get it. */
static void test_what_does_not_print_is_not_printed(void **state)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	X509 *x = X509_dup(cert->x);
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();
	unsigned char *der = NULL;
	struct err_text e;
	int n;

	ASN1_STRING_set(s, "a\x1b[2Jb\0c", 8);
	GENERAL_NAME_set0_value(g, GEN_DNS, s);
	sk_GENERAL_NAME_push(names, g);
	assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "O", MBSTRING_ASC,
	                     (const unsigned char *)"\x1b]0;x\x07", -1, -1, 0),
	    1);
	assert_true(X509_sign(x, ca_key->p, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	must(pki_look(der, (size_t)n, NULL, now, &l, &e), &e);
	assert_string_equal(l.item->names.v[0], "host a?[2Jb?c");
	for (const char *p = l.item->subject; *p; p++)
		assert_in_range(*p, ' ', '~');
	OPENSSL_free(der);
	GENERAL_NAMES_free(names);
	X509_free(x);
}

static void test_what_is_none_of_it(void **state)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	AUTO_SBUF struct sbuf cut;
	struct err_text e;

	sbuf_init(&cut);
	sbuf_add(&cut, "%s", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	assert_int_equal(pki_look("", 0, NULL, now, &l, &e), -EINVAL);
	assert_int_equal(pki_look("hello\n", 6, NULL, now, &l, &e), -EINVAL);
	assert_non_null(strstr(e.s, "no certificate, key, request or revocation list"));
	assert_int_equal(pki_look(cut.s, cut.len, NULL, now, &l, &e), -EINVAL);
	assert_non_null(strstr(e.s, "damaged"));
	assert_int_equal(pki_look(pem.s, pem.len / 2, NULL, now, &l, &e), -EINVAL);
	assert_int_equal(l.n, 0);
}

static void test_there_is_an_end_to_what_is_shown(void **state)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	AUTO_SBUF struct sbuf many;
	struct err_text e;

	sbuf_init(&many);
	for (int i = 0; i <= PKI_ITEMS_MAX; i++)
		sbuf_add(&many, "%s", pem.s);
	assert_int_equal(pki_look(many.s, many.len, NULL, now, &l, &e), -E2BIG);
	assert_non_null(strstr(e.s, "more than 64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_certificate),
	    cmocka_unit_test(test_what_time_does_to_it),
	    cmocka_unit_test(test_of_a_key_only_its_kind_is_told),
	    cmocka_unit_test(test_everything_of_a_bundle),
	    cmocka_unit_test(test_a_list_out_of_date),
	    cmocka_unit_test(test_pkcs12_wants_its_passphrase),
	    cmocka_unit_test(test_what_does_not_print_is_not_printed),
	    cmocka_unit_test(test_what_is_none_of_it),
	    cmocka_unit_test(test_there_is_an_end_to_what_is_shown),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
