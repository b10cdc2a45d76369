/*
 * What `ipsecctl pki` makes, and what it says of a certificate, against those who will judge it: certd takes
 * the key, certd-verify believes the certificate, and refuses for its use exactly what is called unfit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <openssl/pem.h>

#include "certd/own_key.h"
#include "certd/verify/judge.h"
#include "crypto/crypto.h"
#include "pki/look.h"
#include "support/cert_kit.h"

static const struct pki_alt names[] = {{PKI_HOST, "gw.example.org"}, {PKI_USER, "joe@example.org"}};
static struct pki_key *ca_key, *key;
static struct pki_cert *ca, *cert;
static const uint8_t hash[20] = "twenty octets of it";

static void must(int r, const struct err_text *e)
{
	if (r < 0)
		fail_msg("%d: %s", r, e->s);
}

static int setup(void **state)
{
	struct pki_wish w = {.name = "Example CA", .days = 100, .now = (int64_t)time(NULL)};
	struct err_text e;

	must(secret_init(256 << 10, &e), &e);
	must(crypto_init(&e), &e);
	must(pki_key_new(PKI_RSA, 2048, &ca_key, &e), &e);
	must(pki_ca_new(ca_key, &w, &ca, &e), &e);
	must(pki_key_new(PKI_RSA, 2048, &key, &e), &e);
	w = (struct pki_wish){.alt = names, .n_alts = 2, .days = 50, .now = w.now};
	must(pki_issue(ca, ca_key, key, &w, &cert, &e), &e);
	return 0;
}

static int teardown(void **state)
{
	pki_key_free(ca_key);
	pki_key_free(key);
	pki_cert_free(ca);
	pki_cert_free(cert);
	return 0;
}

static struct file file_of(const void *p, size_t n)
{
	struct file f = {.p = malloc(n + 1), .n = n};

	assert_non_null(f.p);
	memcpy(f.p, p, n);
	f.p[n] = 0;
	return f;
}

static struct file pem_of(const struct pki_cert *c)
{
	struct err_text e;
	struct sbuf b;
	struct file f;

	sbuf_init(&b);
	must(pki_cert_write(c, &b, &e), &e);
	f = file_of(b.s, b.len);
	sbuf_fini(&b);
	return f;
}

static EVP_PKEY *openssl_key(void)
{
	struct secret *text = NULL;
	struct err_text e;
	EVP_PKEY *k;
	BIO *b;

	must(pki_key_write(key, NULL, &text, &e), &e);
	b = BIO_new_mem_buf(secret_bytes(text), (int)secret_len(text));
	k = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	assert_non_null(k);
	BIO_free(b);
	secret_free(text);
	return k;
}

/* Judges a certificate whose bearer proves that it is `id`, and whose issuer is trusted. */
static enum verify_reason judged(
    X509 *x, struct file trusted, const struct pki_list *list, struct ike_id id, EVP_PKEY *k)
{
	struct anchors *a = anchors_new(1);
	uint8_t signature[1024];
	size_t n = kit_sign(k, hash, sizeof(hash), signature);
	struct file der = kit_der(x);
	struct judge_claim c = {.id = id,
	    .over = {hash, sizeof(hash)},
	    .cert = {{der.p, der.n}},
	    .n_certs = 1,
	    .signature = {signature, n}};
	struct err_text e = {""};
	enum verify_reason r;
	struct sbuf b;

	sbuf_init(&b);
	a->conf = ike_conf_new();
	ike_conf_add_peer(a->conf)->verify_cert = true;
	assert_true(anchors_add(a, CREDENTIAL_ANCHOR, 0, &trusted, &e) > 0);
	if (list) {
		struct file f;

		must(pki_list_write(list, &b, &e), &e);
		f = file_of(b.s, b.len);
		assert_true(anchors_add(a, CREDENTIAL_ANCHOR, 0, &f, &e) > 0);
		file_fini(&f);
	}
	r = judge(a, &c, &e);
	sbuf_fini(&b);
	file_fini(&der);
	file_fini(&trusted);
	anchors_free(a);
	return r;
}

static X509 *x509_of(const struct pki_cert *c)
{
	struct file f = pem_of(c);
	BIO *b = BIO_new_mem_buf(f.p, (int)f.n);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

	assert_non_null(x);
	BIO_free(b);
	file_fini(&f);
	return x;
}

static void test_certd_takes_key_and_certificate(void **state)
{
	struct secret *pass = secret_dup_bytes("sesame", 6), *text = NULL;
	struct file c = pem_of(cert), k, none = {0};
	struct own_key *own = NULL;
	struct err_text e;
	struct sbuf der;

	must(pki_key_write(key, pass, &text, &e), &e);
	k = file_of(secret_bytes(text), secret_len(text));
	assert_true(own_key_is_locked(&c, &k));
	must(own_key_new(&c, &k, pass, &own, &e), &e);
	assert_null(own_key_warning(own, &e));
	own_key_free(own);
	file_fini(&k);
	sbuf_init(&der);
	must(pki_p12_write(key, cert, &ca, 1, pass, false, &der, &e), &e);
	k = file_of(der.s, der.len);
	must(own_key_new(&k, &none, pass, &own, &e), &e);
	own_key_free(own);
	sbuf_fini(&der);
	file_fini(&k);
	file_fini(&c);
	secret_free(text);
	secret_free(pass);
}

static void test_certd_verify_believes_it_until_it_is_revoked(void **state)
{
	EVP_PKEY *k = openssl_key();
	X509 *x = x509_of(cert);
	struct pki_list *list = NULL, *next = NULL;
	char serial[PKI_SERIAL_STRLEN];
	struct err_text e;
	int64_t now = (int64_t)time(NULL);

	assert_int_equal(judged(x, pem_of(ca), NULL, kit_id(IKE_ID_FQDN, "gw.example.org"), k), VERIFY_NONE);
	assert_int_equal(
	    judged(x, pem_of(ca), NULL, kit_id(IKE_ID_USER_FQDN, "joe@example.org"), k), VERIFY_NONE);
	assert_int_equal(judged(x, pem_of(ca), NULL, kit_subject(x), k), VERIFY_NONE);
	assert_int_equal(judged(x, pem_of(ca), NULL, kit_id(IKE_ID_FQDN, "other"), k), VERIFY_ID_MISMATCH);
	must(pki_list_new(ca, ca_key, NULL, NULL, NULL, now, 10, &list, &e), &e);
	assert_int_equal(judged(x, pem_of(ca), list, kit_subject(x), k), VERIFY_NONE);
	pki_cert_serial(cert, serial);
	must(pki_list_new(ca, ca_key, list, serial, "superseded", now, 10, &next, &e), &e);
	assert_int_equal(judged(x, pem_of(ca), next, kit_subject(x), k), VERIFY_REVOKED);
	pki_list_free(list);
	pki_list_free(next);
	X509_free(x);
	EVP_PKEY_free(k);
}

/* Each certificate is tried on both. */
static void test_unfit_is_what_certd_verify_refuses(void **state)
{
	EVP_PKEY *k = kit_rsa(2048), *issuer = kit_rsa(2048);
	X509 *root = kit_cert(
	    &(struct kit_cert){.key = issuer, .cn = "ca", .ca = true, .usage = "keyCertSign,cRLSign"});
	const struct {
		const char *usage, *ext_usage;
		long from, to;
		bool refused;
	} rows[] = {
	    {"digitalSignature", NULL, 0, 0, false},
	    {"nonRepudiation", NULL, 0, 0, false},
	    {NULL, NULL, 0, 0, false},
	    {"keyEncipherment", NULL, 0, 0, true},
	    {"digitalSignature", "serverAuth", 0, 0, false},
	    {"digitalSignature", "clientAuth", 0, 0, false},
	    {"digitalSignature", "1.3.6.1.5.5.7.3.17", 0, 0, false},
	    {"digitalSignature", "1.3.6.1.5.5.8.2.2", 0, 0, false},
	    {"digitalSignature", "anyExtendedKeyUsage", 0, 0, false},
	    {"digitalSignature", "1.3.6.1.5.5.7.3.5", 0, 0, false},
	    {"digitalSignature", "1.3.6.1.5.5.7.3.6", 0, 0, false},
	    {"digitalSignature", "1.3.6.1.5.5.7.3.7", 0, 0, false},
	    {"digitalSignature", "codeSigning", 0, 0, true},
	    {"digitalSignature", "emailProtection,timeStamping", 0, 0, true},
	    {"digitalSignature", NULL, -2 * KIT_DAY, -KIT_DAY, true},
	    {"digitalSignature", NULL, KIT_DAY, 2 * KIT_DAY, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		X509 *x = kit_cert(&(struct kit_cert){.key = k,
		    .issuer = root,
		    .signer = issuer,
		    .cn = "gw",
		    .serial = 2,
		    .usage = rows[i].usage,
		    .ext_usage = rows[i].ext_usage,
		    .from = rows[i].from,
		    .to = rows[i].to});
		AUTO_PKI_LOOK struct pki_look l = {0};
		struct file der = kit_der(x);
		struct err_text e;
		enum verify_reason r = judged(x, kit_pem(&root, 1), NULL, kit_subject(x), k);

		must(pki_look(der.p, der.n, NULL, (int64_t)time(NULL), &l, &e), &e);
		if ((l.item->unfit.n > 0) != rows[i].refused || (r != VERIFY_NONE) != rows[i].refused)
			fail_msg("row %zu: %s, and %s", i, l.item->unfit.n ? l.item->unfit.v[0] : "fit",
			    verify_reason_name(r));
		file_fini(&der);
		X509_free(x);
	}
	X509_free(root);
	EVP_PKEY_free(k);
	EVP_PKEY_free(issuer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_certd_takes_key_and_certificate),
	    cmocka_unit_test(test_certd_verify_believes_it_until_it_is_revoked),
	    cmocka_unit_test(test_unfit_is_what_certd_verify_refuses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
