/*
 * Certificates, requests, lists and PKCS #12 as they are made: looked at with OpenSSL's own eyes, extension
 * by extension.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "pki/internal.h"

enum { DAY = 86400 };

static const struct pki_alt gw[] = {{PKI_HOST, "gw.example.org"}, {PKI_ADDRESS, "192.0.2.1"}};
static int64_t now;
/* RSA takes its time to make. */
static struct pki_key *ca_key, *other_key, *key;
static struct pki_cert *ca;

static void must(int r, const struct err_text *e)
{
	if (r < 0)
		fail_msg("%d: %s", r, e->s);
}

static struct pki_key *make_key(enum pki_key_type type, unsigned bits)
{
	struct pki_key *k = NULL;
	struct err_text e;

	must(pki_key_new(type, bits, &k, &e), &e);
	return k;
}

static struct pki_wish wish(uint32_t days)
{
	return (struct pki_wish){.alt = gw, .n_alts = 2, .now = now, .days = days};
}

static struct pki_cert *make_ca(const struct pki_key *k, uint32_t days)
{
	const struct pki_wish w = {.name = "O=Example, CN=Example CA", .now = now, .days = days};
	struct pki_cert *c = NULL;
	struct err_text e;

	must(pki_ca_new(k, &w, &c, &e), &e);
	return c;
}

static struct pki_cert *make(const struct pki_cert *from, const struct pki_key *from_key, uint32_t days)
{
	const struct pki_wish w = wish(days);
	struct pki_cert *c = NULL;
	struct err_text e;

	must(pki_issue(from, from_key, key, &w, &c, &e), &e);
	return c;
}

static int setup(void **state)
{
	struct err_text e;

	must(secret_init(256 << 10, &e), &e);
	now = (int64_t)time(NULL);
	ca_key = make_key(PKI_RSA, 2048);
	other_key = make_key(PKI_ECDSA, 0);
	key = make_key(PKI_RSA, 2048);
	ca = make_ca(ca_key, 3650);
	return 0;
}

static int teardown(void **state)
{
	pki_key_free(ca_key);
	pki_key_free(other_key);
	pki_key_free(key);
	pki_cert_free(ca);
	return 0;
}

/* How often an extension is there, and whether it is critical. */
static void expect_ext(const struct pki_cert *c, int nid, int is_critical)
{
	int at = X509_get_ext_by_NID(c->x, nid, -1);

	if (is_critical < 0) {
		assert_int_equal(at, -1);
		return;
	}
	assert_true(at >= 0);
	assert_int_equal(X509_get_ext_by_NID(c->x, nid, at), -1);
	assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(c->x, at)), is_critical);
}

static void test_an_authority_says_what_it_is(void **state)
{
	int path = 0;
	BASIC_CONSTRAINTS *b = X509_get_ext_d2i(ca->x, NID_basic_constraints, NULL, NULL);

	assert_non_null(b);
	path = b->ca;
	BASIC_CONSTRAINTS_free(b);
	assert_true(path);
	assert_int_equal(X509_get_version(ca->x), X509_VERSION_3);
	expect_ext(ca, NID_basic_constraints, 1);
	expect_ext(ca, NID_key_usage, 1);
	expect_ext(ca, NID_subject_key_identifier, 0);
	expect_ext(ca, NID_ext_key_usage, -1);
	assert_int_equal(X509_get_key_usage(ca->x), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_ext_count(ca->x), 3);
	assert_int_equal(pki_cert_end(ca), now + 3650LL * DAY);
	assert_int_equal(X509_self_signed(ca->x, 1), 1);
}

static void expect_uses(const struct pki_cert *c)
{
	static const char *const want[] = {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.17"};
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(c->x, NID_ext_key_usage, NULL, NULL);
	char oid[40];

	assert_int_equal(sk_ASN1_OBJECT_num(eku), 3);
	for (int i = 0; i < 3; i++) {
		OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1);
		assert_string_equal(oid, want[i]);
	}
	EXTENDED_KEY_USAGE_free(eku);
}

static void test_what_it_issues_says_what_it_is(void **state)
{
	struct pki_cert *c = make(ca, ca_key, 730);

	expect_ext(c, NID_basic_constraints, 1);
	expect_ext(c, NID_key_usage, 1);
	expect_ext(c, NID_ext_key_usage, 0);
	expect_ext(c, NID_subject_key_identifier, 0);
	expect_ext(c, NID_authority_key_identifier, 0);
	expect_ext(c, NID_subject_alt_name, 0);
	assert_int_equal(X509_get_ext_count(c->x), 6);
	assert_int_equal(X509_get_extension_flags(c->x) & (EXFLAG_CA | EXFLAG_INVALID), 0);
	assert_int_equal(X509_get_key_usage(c->x), KU_DIGITAL_SIGNATURE);
	expect_uses(c);
	assert_int_equal(
	    ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(c->x), X509_get0_subject_key_id(ca->x)), 0);
	assert_int_equal(X509_check_host(c->x, "gw.example.org", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(c->x, "192.0.2.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(c->x, "192.0.2.2", 0), 0);
	assert_int_equal(pki_time(X509_get0_notBefore(c->x)), now - 3600);
	assert_int_equal(pki_cert_end(c), now + 730 * DAY);
	assert_true(pki_cert_is_by(c, ca));
	assert_true(pki_cert_is_of(c, key));
	assert_false(pki_cert_is_of(c, ca_key));
	pki_cert_free(c);
}

static void expect_verified(const struct pki_cert *c, const struct pki_cert *by)
{
	X509_STORE *s = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	assert_int_equal(X509_STORE_add_cert(s, by->x), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, s, c->x, NULL), 1);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	if (X509_verify_cert(ctx) != 1)
		fail_msg("%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(s);
}

static void test_every_kind_of_key_makes_a_chain_that_holds(void **state)
{
	static const struct {
		enum pki_key_type type;
		unsigned bits;
		const char *kind;
		int md;
	} rows[] = {{PKI_RSA, 2048, "RSA of 2048 bits", NID_sha256},
	    {PKI_RSA_PSS, 2048, "RSA-PSS of 2048 bits", NID_sha256},
	    {PKI_ECDSA, 0, "ECDSA P-256", NID_sha256}, {PKI_ECDSA, 384, "ECDSA P-384", NID_sha384},
	    {PKI_ECDSA, 521, "ECDSA P-521", NID_sha512}, {PKI_ED25519, 0, "Ed25519", NID_undef},
	    {PKI_ED448, 0, "Ed448", NID_undef}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pki_key *k = make_key(rows[i].type, rows[i].bits);
		struct pki_cert *root = make_ca(k, 100), *c = make(root, k, 50);
		int md = -1;
		char kind[40];

		assert_true(pki_kind(k->p, kind, sizeof(kind)));
		assert_string_equal(kind, rows[i].kind);
		assert_int_equal(X509_get_signature_info(c->x, &md, NULL, NULL, NULL), 1);
		assert_int_equal(md, rows[i].md);
		expect_verified(c, root);
		pki_cert_free(c);
		pki_cert_free(root);
		pki_key_free(k);
	}
}

static void test_serial_numbers_are_random_and_positive(void **state)
{
	char serial[PKI_SERIAL_STRLEN], before[PKI_SERIAL_STRLEN] = "";

	for (int i = 0; i < 20; i++) {
		struct pki_cert *c = make(ca, ca_key, 1);
		int n = ASN1_STRING_length(X509_get0_serialNumber(c->x));

		pki_cert_serial(c, serial);
		assert_true(
		    ASN1_STRING_type((const ASN1_STRING *)X509_get0_serialNumber(c->x)) == V_ASN1_INTEGER);
		assert_in_range(n, 12, 16); /* fewer octets would be a wonder */
		assert_string_not_equal(serial, before);
		memcpy(before, serial, sizeof(before));
		pki_cert_free(c);
	}
}

static void test_nothing_is_valid_for_longer_than_its_authority(void **state)
{
	struct pki_cert *root = make_ca(ca_key, 10), *c = make(root, ca_key, 730);

	assert_int_equal(pki_cert_end(c), pki_cert_end(root));
	assert_true(pki_time(X509_get0_notBefore(c->x)) >= pki_time(X509_get0_notBefore(root->x)));
	pki_cert_free(c);
	pki_cert_free(root);
}

static void test_years_behind_2049(void **state)
{
	struct pki_cert *root = make_ca(ca_key, PKI_DAYS_MAX);

	assert_int_equal(pki_cert_end(root), now + (int64_t)PKI_DAYS_MAX * DAY);
	assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(root->x)), V_ASN1_GENERALIZEDTIME);
	pki_cert_free(root);
}

static void refused(int r, int want, const struct err_text *e, const char *said)
{
	if (r != want)
		fail_msg("%d instead of %d (%s)", r, want, said);
	if (!strstr(e->s, said))
		fail_msg("\"%s\" is not in: %s", said, e->s);
}

static void test_keys_that_are_refused(void **state)
{
	struct pki_key *k = NULL;
	struct err_text e;

	refused(pki_key_new(PKI_RSA, 1024, &k, &e), -EINVAL, &e, "as it can be broken");
	refused(pki_key_new(PKI_RSA, 16384, &k, &e), -EINVAL, &e, "2048 to 8192");
	refused(pki_key_new(PKI_ECDSA, 255, &k, &e), -EINVAL, &e, "256, 384 or 521");
	refused(pki_key_new(PKI_ED25519, 256, &k, &e), -EINVAL, &e, "leave --bits out");
	assert_null(k);
}

static void test_what_is_not_issued(void **state)
{
	struct pki_key weak = {EVP_RSA_gen(1024)}, odd = {EVP_EC_gen("secp256k1")};
	struct pki_cert *c = NULL, *leaf = make(ca, ca_key, 10);
	const struct pki_wish w = wish(10), nameless = {.now = now, .days = 10, .name = "x"},
	                      late = {.alt = gw, .n_alts = 2, .now = now + 4000LL * DAY, .days = 10},
	                      same = {.alt = gw,
	                          .n_alts = 2,
	                          .now = now,
	                          .days = 10,
	                          .name = "O=Example, CN=Example CA"};
	struct err_text e;

	refused(pki_issue(ca, ca_key, &weak, &w, &c, &e), -EKEYREJECTED, &e, "RSA of 1024 bits");
	refused(pki_issue(ca, ca_key, &odd, &w, &c, &e), -EOPNOTSUPP, &e, "secp256k1");
	refused(pki_issue(ca, ca_key, key, &nameless, &c, &e), -EINVAL, &e, "--host, --address or --user");
	refused(pki_issue(ca, ca_key, key, &late, &c, &e), -EKEYEXPIRED, &e, "has expired");
	refused(pki_issue(ca, ca_key, key, &same, &c, &e), -EINVAL, &e, "the authority itself has this name");
	refused(pki_issue(ca, other_key, key, &w, &c, &e), -EKEYREJECTED, &e, "does not belong");
	refused(pki_issue(leaf, key, key, &w, &c, &e), -EINVAL, &e, "no authority's certificate");
	assert_null(c);
	EVP_PKEY_free(weak.p);
	EVP_PKEY_free(odd.p);
	pki_cert_free(leaf);
}

static struct secret *secret_of(const char *text)
{
	struct secret *s = secret_dup_bytes(text, strlen(text));

	assert_non_null(s);
	return s;
}

static void test_keys_are_written_and_read_again(void **state)
{
	struct secret *pass = secret_of("sesame"), *wrong = secret_of("close"), *text = NULL, *locked = NULL;
	struct pki_key *k = NULL;
	struct err_text e;

	must(pki_key_write(key, NULL, &text, &e), &e);
	assert_memory_equal(secret_bytes(text), "-----BEGIN PRIVATE KEY-----\n", 28);
	must(pki_key_read(secret_bytes(text), secret_len(text), NULL, &k, &e), &e);
	assert_int_equal(EVP_PKEY_eq(k->p, key->p), 1);
	k = pki_key_free(k);
	must(pki_key_write(key, pass, &locked, &e), &e);
	assert_memory_equal(secret_bytes(locked), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", 38);
	refused(pki_key_read(secret_bytes(locked), secret_len(locked), NULL, &k, &e), -EACCES, &e,
	    "was not given");
	refused(pki_key_read(secret_bytes(locked), secret_len(locked), wrong, &k, &e), -EACCES, &e,
	    "does not open");
	must(pki_key_read(secret_bytes(locked), secret_len(locked), pass, &k, &e), &e);
	assert_int_equal(EVP_PKEY_eq(k->p, key->p), 1);
	k = pki_key_free(k);
	refused(pki_key_read("none", 4, NULL, &k, &e), -EINVAL, &e, "no private key");
	secret_free(text);
	secret_free(locked);
	secret_free(pass);
	secret_free(wrong);
}

static void test_only_the_key_comes_from_a_request(void **state)
{
	static const struct pki_alt wanted[] = {{PKI_HOST, "evil.example.org"}, {PKI_ADDRESS, "192.0.2.66"}};
	const struct pki_wish asks = {.alt = wanted, .n_alts = 2, .name = "CN=root"}, grants = wish(10);
	struct pki_request *q = NULL;
	struct pki_cert *c = NULL;
	struct err_text e;
	char cn[40];

	must(pki_request_new(key, &asks, &q, &e), &e);
	must(pki_sign(ca, ca_key, q, &grants, &c, &e), &e);
	assert_true(pki_cert_is_of(c, key));
	assert_int_equal(X509_check_host(c->x, "evil.example.org", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(c->x, "192.0.2.66", 0), 0);
	assert_int_equal(X509_check_host(c->x, "gw.example.org", 0, 0, NULL), 1);
	assert_true(
	    X509_NAME_get_text_by_NID(X509_get_subject_name(c->x), NID_commonName, cn, sizeof(cn)) > 0);
	assert_string_equal(cn, "gw.example.org");
	expect_verified(c, ca);
	pki_cert_free(c);
	pki_request_free(q);
}

static void test_a_request_that_was_changed_is_refused(void **state)
{
	const struct pki_wish w = wish(0);
	struct pki_request *q = NULL, *again = NULL;
	unsigned char *der = NULL;
	struct err_text e;
	int n;

	must(pki_request_new(key, &w, &q, &e), &e);
	n = i2d_X509_REQ(q->r, &der);
	assert_true(n > 100);
	must(pki_request_read(der, (size_t)n, &again, &e), &e);
	again = pki_request_free(again);
	der[n - 1] ^= 1;
	refused(pki_request_read(der, (size_t)n, &again, &e), -EKEYREJECTED, &e, "signature is wrong");
	refused(pki_request_read(der, 20, &again, &e), -EINVAL, &e, "no request");
	OPENSSL_free(der);
	pki_request_free(q);
}

static uint64_t list_number(const struct pki_list *l)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(l->l, NID_crl_number, NULL, NULL);
	uint64_t v = 0;

	assert_int_equal(ASN1_INTEGER_get_uint64(&v, n), 1);
	ASN1_INTEGER_free(n);
	return v;
}

static void test_a_list_remembers_and_counts(void **state)
{
	struct pki_cert *a = make(ca, ca_key, 10), *b = make(ca, ca_key, 10);
	struct pki_list *one = NULL, *two = NULL, *three = NULL;
	char sa[PKI_SERIAL_STRLEN], sb[PKI_SERIAL_STRLEN];
	struct err_text e;

	pki_cert_serial(a, sa);
	pki_cert_serial(b, sb);
	must(pki_list_new(ca, ca_key, NULL, sa, "superseded", now, 30, &one, &e), &e);
	must(pki_list_new(ca, ca_key, one, sb, NULL, now, 30, &two, &e), &e);
	must(pki_list_new(ca, ca_key, two, NULL, NULL, now, 60, &three, &e), &e);
	assert_true(pki_list_has(one, a) && !pki_list_has(one, b));
	assert_true(pki_list_has(three, a) && pki_list_has(three, b));
	assert_int_equal(pki_list_count(three), 2);
	assert_int_equal(list_number(one), 1);
	assert_int_equal(list_number(three), 3);
	assert_int_equal(pki_list_end(three), now + 60 * DAY);
	assert_int_equal(X509_CRL_verify(three->l, ca_key->p), 1);
	assert_int_equal(X509_CRL_get_version(three->l), X509_CRL_VERSION_2);
	assert_true(X509_CRL_get_ext_by_NID(three->l, NID_authority_key_identifier, -1) >= 0);
	two = pki_list_free(two);
	refused(pki_list_new(ca, ca_key, one, sa, NULL, now, 30, &two, &e), -EEXIST, &e, "revoked already");
	refused(
	    pki_list_new(ca, ca_key, one, "xyz", NULL, now, 30, &two, &e), -EINVAL, &e, "no serial number");
	refused(pki_list_new(ca, ca_key, one, "1", "bored", now, 30, &two, &e), -EIO, &e, "cannot be made");
	refused(pki_list_new(ca, other_key, one, NULL, NULL, now, 30, &two, &e), -EKEYREJECTED, &e, "belong");
	assert_null(two);
	pki_list_free(one);
	pki_list_free(three);
	pki_cert_free(a);
	pki_cert_free(b);
}

static void test_a_list_of_another_authority_is_not_read(void **state)
{
	struct pki_cert *stranger = make_ca(other_key, 100);
	struct pki_list *l = NULL, *again = NULL;
	struct sbuf pem;
	struct err_text e;

	sbuf_init(&pem);
	must(pki_list_new(stranger, other_key, NULL, "1", NULL, now, 30, &l, &e), &e);
	must(pki_list_write(l, &pem, &e), &e);
	refused(
	    pki_list_read(pem.s, pem.len, ca, &again, &e), -EKEYREJECTED, &e, "not signed by this authority");
	must(pki_list_read(pem.s, pem.len, stranger, &again, &e), &e);
	sbuf_fini(&pem);
	pki_list_free(l);
	pki_list_free(again);
	pki_cert_free(stranger);
}

static void check_p12(bool legacy, int mac, int pbe)
{
	struct secret *pass = secret_of("p\xc3\xa4ssphrase");
	struct pki_cert *c = make(ca, ca_key, 10), *chain[] = {ca};
	const ASN1_OBJECT *alg = NULL;
	const X509_ALGOR *algor = NULL;
	STACK_OF(X509) *others = NULL;
	const unsigned char *at;
	EVP_PKEY *k = NULL;
	struct err_text e;
	struct sbuf der;
	X509 *x = NULL;
	PKCS12 *p;

	sbuf_init(&der);
	must(pki_p12_write(key, c, chain, 1, pass, legacy, &der, &e), &e);
	at = (const unsigned char *)der.s;
	p = d2i_PKCS12(NULL, &at, (long)der.len);
	assert_non_null(p);
	PKCS12_get0_mac(NULL, &algor, NULL, NULL, p);
	X509_ALGOR_get0(&alg, NULL, NULL, algor);
	assert_int_equal(OBJ_obj2nid(alg), mac);
	assert_int_equal(PKCS12_verify_mac(p, "wrong", 5), 0);
	assert_int_equal(PKCS12_parse(p, "p\xc3\xa4ssphrase", &k, &x, &others), 1);
	assert_int_equal(EVP_PKEY_eq(k, key->p), 1);
	assert_int_equal(X509_cmp(x, c->x), 0);
	assert_int_equal(sk_X509_num(others), 1);
	assert_int_equal(X509_cmp(sk_X509_value(others, 0), ca->x), 0);
	assert_true(memmem(der.s, der.len, OBJ_get0_data(OBJ_nid2obj(pbe)), OBJ_length(OBJ_nid2obj(pbe))));
	PKCS12_free(p);
	EVP_PKEY_free(k);
	X509_free(x);
	sk_X509_pop_free(others, X509_free);
	sbuf_fini(&der);
	pki_cert_free(c);
	secret_free(pass);
}

static void test_pkcs12_of_both_ages(void **state)
{
	check_p12(false, NID_sha256, NID_aes_256_cbc);
	check_p12(true, NID_sha1, NID_pbe_WithSHA1And3_Key_TripleDES_CBC);
}

static void test_pkcs12_wants_what_belongs_together(void **state)
{
	struct secret *pass = secret_of("x"), *zero = secret_dup_bytes("a\0b", 3);
	struct pki_cert *c = make(ca, ca_key, 10);
	struct err_text e;
	struct sbuf der;

	sbuf_init(&der);
	refused(
	    pki_p12_write(ca_key, c, NULL, 0, pass, false, &der, &e), -EKEYREJECTED, &e, "does not belong");
	refused(pki_p12_write(key, c, NULL, 0, zero, false, &der, &e), -EINVAL, &e, "one that is 0");
	assert_int_equal(der.len, 0);
	pki_cert_free(c);
	secret_free(pass);
	secret_free(zero);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_authority_says_what_it_is),
	    cmocka_unit_test(test_what_it_issues_says_what_it_is),
	    cmocka_unit_test(test_every_kind_of_key_makes_a_chain_that_holds),
	    cmocka_unit_test(test_serial_numbers_are_random_and_positive),
	    cmocka_unit_test(test_nothing_is_valid_for_longer_than_its_authority),
	    cmocka_unit_test(test_years_behind_2049),
	    cmocka_unit_test(test_keys_that_are_refused),
	    cmocka_unit_test(test_what_is_not_issued),
	    cmocka_unit_test(test_keys_are_written_and_read_again),
	    cmocka_unit_test(test_only_the_key_comes_from_a_request),
	    cmocka_unit_test(test_a_request_that_was_changed_is_refused),
	    cmocka_unit_test(test_a_list_remembers_and_counts),
	    cmocka_unit_test(test_a_list_of_another_authority_is_not_read),
	    cmocka_unit_test(test_pkcs12_of_both_ages),
	    cmocka_unit_test(test_pkcs12_wants_what_belongs_together),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
