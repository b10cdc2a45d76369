/*
 * Our own certificate and key: every form that is read, and the reason for each that is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "certd/own_key.h"
#include "support/cert_kit.h"
#include "wire/ike/v2.h"

static struct {
	EVP_PKEY *rsa, *other, *ec, *ed;
	X509 *cert, *ec_cert, *ed_cert;
} w;

/* Takes both files. */
static struct own_key *load(
    struct file cert, struct file key, const char *passphrase, int want, const char *says)
{
	AUTO_SECRET struct secret *s = passphrase ? secret_dup_bytes(passphrase, strlen(passphrase)) : NULL;
	struct own_key *k = NULL;
	struct err_text e = {{0}};
	int r = own_key_new(&cert, &key, s, &k, &e);

	if (r != want || !k != (want < 0) || (says && !strstr(e.s, says)))
		fail_msg("expected %d (%s), got %d (%s)", want, says ? says : "", r, e.s);
	file_fini(&cert);
	file_fini(&key);
	return k;
}

static void take(struct file cert, struct file key, const char *passphrase)
{
	own_key_free(load(cert, key, passphrase, 0, NULL));
}

static void refuse(struct file cert, struct file key, const char *passphrase, int r, const char *says)
{
	assert_null(load(cert, key, passphrase, r, says));
}

static struct file text(const char *s)
{
	return (struct file){.p = (uint8_t *)strdup(s), .n = strlen(s)};
}

static const struct file none;

/* PKCS #8, enciphered, as DER. */
static struct file kit_der_enciphered(EVP_PKEY *key, const char *passphrase)
{
	struct file f = kit_pem_key(key, passphrase), der = {0};
	BIO *b = BIO_new_mem_buf(f.p, (int)f.n);
	X509_SIG *sig = PEM_read_bio_PKCS8(b, NULL, NULL, NULL);

	der.n = (size_t)i2d_X509_SIG(sig, &der.p); /* OPENSSL_malloc() is malloc() here */
	X509_SIG_free(sig);
	BIO_free(b);
	file_fini(&f);
	return der;
}

/* Traditional PEM, as old files have it. */
static struct file traditional(EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	struct file f;

	assert_int_equal(PEM_write_bio_PrivateKey_traditional(b, key, NULL, NULL, 0, NULL, NULL), 1);
	f.n = (size_t)BIO_get_mem_data(b, &p);
	f.p = (uint8_t *)strndup(p, f.n);
	assert_non_null(strstr((char *)f.p, "BEGIN RSA PRIVATE KEY"));
	BIO_free(b);
	return f;
}

static void test_own_key_forms(void **state)
{
	(void)state;
	take(kit_pem(&w.cert, 1), kit_pem_key(w.rsa, NULL), NULL);
	take(kit_pem(&w.cert, 1), traditional(w.rsa), NULL);
	take(kit_pem(&w.cert, 1), kit_der_key(w.rsa), NULL);
	take(kit_der(w.cert), kit_pem_key(w.rsa, NULL), NULL);
	take(kit_pem(&w.ec_cert, 1), kit_pem_key(w.ec, NULL), NULL);
	take(kit_pem(&w.ed_cert, 1), kit_pem_key(w.ed, NULL), NULL);
	take(kit_join(kit_pem(&w.cert, 1), kit_pem_key(w.rsa, NULL)), none, NULL);
	take(kit_join(text("what openssl x509 -text writes\n"), kit_pem(&w.cert, 1)),
	    kit_pem_key(w.rsa, NULL), NULL);
	take(kit_pkcs12(w.rsa, w.cert, ""), none, NULL);
	take(kit_pkcs12(w.rsa, w.cert, "sesame"), none, "sesame");
	take(kit_pem(&w.cert, 1), kit_pem_key(w.rsa, "sesame"), "sesame");
	take(kit_pem(&w.cert, 1), kit_der_enciphered(w.rsa, "sesame"), "sesame");
	/* One file under both names, as certificate_type wants two. */
	take(kit_pkcs12(w.rsa, w.cert, "sesame"), kit_pkcs12(w.rsa, w.cert, "sesame"), "sesame");
	take(kit_pem(&w.cert, 1), kit_pkcs12(w.rsa, w.cert, "sesame"), "sesame");
	/* Not needed, and no harm. */
	take(kit_pem(&w.cert, 1), kit_pem_key(w.rsa, NULL), "sesame");
}

static void test_own_key_kinds(void **state)
{
	static const struct {
		const char *curve, *kind; /* curve NULL: the kind is refused */
	} rows[] = {{"P-256", "ECDSA P-256"}, {"P-384", "ECDSA P-384"}, {"P-521", "ECDSA P-521"},
	    {"ED25519", "Ed25519"}, {"ED448", "Ed448"}, {"secp256k1", NULL}, {"brainpoolP256r1", NULL}};
	char kind[OWN_KIND_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool ed = rows[i].curve[0] == 'E';
		EVP_PKEY *key = ed ? EVP_PKEY_Q_keygen(NULL, NULL, rows[i].curve) : EVP_EC_gen(rows[i].curve);
		X509 *x = kit_cert(&(struct kit_cert){.cn = "a", .key = key});
		struct own_key *k = load(kit_pem(&x, 1), kit_pem_key(key, NULL), NULL,
		    rows[i].kind ? 0 : -EOPNOTSUPP, rows[i].kind ? NULL : "EC on another curve): take RSA");

		if (k) {
			assert_string_equal(own_key_kind(k, kind), rows[i].kind);
			assert_false(own_key_is_rsa(k));
			/* Another key of the same kind is another key. */
			refuse(kit_pem(&x, 1), kit_pem_key(ed ? w.ed : w.ec, NULL), NULL, -EKEYREJECTED,
			    "does not belong");
		}
		own_key_free(k);
		X509_free(x);
		EVP_PKEY_free(key);
	}
}

/* RSA that says of itself that it is for RSASSA-PSS alone (RFC 4055), and over what. */
static void test_own_key_pss(void **state)
{
	static const struct {
		const char *hash, *mask;
		int salt;
		uint8_t only;
		const char *says; /* NULL: it is taken */
	} rows[] = {
	    {NULL, NULL, 0, 0, NULL},
	    {"SHA256", "SHA256", 32, IKE2_HASH_SHA256, NULL},
	    {"SHA256", "SHA256", 20, IKE2_HASH_SHA256, NULL},
	    {"SHA384", "SHA384", 48, IKE2_HASH_SHA384, NULL},
	    {"SHA512", "SHA512", 0, IKE2_HASH_SHA512, NULL},
	    {"SHA256", "SHA256", 33, 0, "with a salt of 33 octets or more"},
	    {"SHA256", "SHA1", 20, 0, "masked with SHA1"},
	    {"SHA1", "SHA1", 20, 0, "over SHA1 alone"},
	    {"SHA224", "SHA224", 20, 0, "alone, masked with"},
	};
	char kind[OWN_KIND_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
		EVP_PKEY *key = NULL;
		struct own_key *k;
		X509 *x;

		assert_true(EVP_PKEY_keygen_init(c) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(c, 1024) == 1);
		if (rows[i].hash)
			assert_true(EVP_PKEY_CTX_set_rsa_pss_keygen_md_name(c, rows[i].hash, NULL) == 1 &&
			            EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md_name(c, rows[i].mask) == 1 &&
			            EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(c, rows[i].salt) == 1);
		assert_int_equal(EVP_PKEY_generate(c, &key), 1);
		x = kit_cert(&(struct kit_cert){.cn = "a", .key = w.rsa});
		assert_int_equal(X509_set_pubkey(x, key), 1);
		k = load(kit_pem(&x, 1), kit_pem_key(key, NULL), NULL, rows[i].says ? -EOPNOTSUPP : 0,
		    rows[i].says);
		if (k) {
			assert_string_equal(own_key_kind(k, kind), "RSA-PSS of 1024 bits");
			assert_int_equal(own_key_type(k), OWN_RSA_PSS);
			assert_int_equal(own_key_only_hash(k), rows[i].only);
			assert_false(own_key_is_rsa(k)); /* nothing for version 1 */
		}
		own_key_free(k);
		X509_free(x);
		EVP_PKEY_free(key);
		EVP_PKEY_CTX_free(c);
	}
}

/* `openssl ecparam -genkey` writes the curve in front of the key. */
static void test_own_key_behind_its_curve(void **state)
{
	static const char curve[] =
	    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

	(void)state;
	take(kit_pem(&w.ec_cert, 1), kit_join(text(curve), kit_pem_key(w.ec, NULL)), NULL);
}

static void expect_locked(bool want, struct file cert, struct file key)
{
	assert_int_equal(own_key_is_locked(&cert, &key), want);
	file_fini(&cert);
	file_fini(&key);
}

static void test_own_key_locked(void **state)
{
	(void)state;
	expect_locked(false, kit_pem(&w.cert, 1), kit_pem_key(w.rsa, NULL));
	expect_locked(false, kit_pem(&w.cert, 1), text("nothing"));
	expect_locked(false, kit_pem(&w.cert, 1), kit_der_key(w.rsa));
	expect_locked(false, kit_pkcs12(w.rsa, w.cert, ""), kit_pkcs12(w.rsa, w.cert, ""));
	expect_locked(true, kit_pem(&w.cert, 1), kit_pem_key(w.rsa, "sesame"));
	expect_locked(true, kit_pem(&w.cert, 1), kit_der_enciphered(w.ec, "sesame"));
	expect_locked(true, kit_pem(&w.cert, 1), kit_pkcs12(w.rsa, w.cert, "sesame"));
	expect_locked(true, kit_pkcs12(w.rsa, w.cert, "sesame"), kit_pem_key(w.rsa, NULL));
	expect_locked(true, kit_pkcs12(w.rsa, w.cert, "sesame"), none);
}

/* What is kept for a restart is the same key, and needs no passphrase. */
static void test_own_key_private(void **state)
{
	struct own_key *k = load(kit_pem(&w.cert, 1), kit_pem_key(w.rsa, "sesame"), "sesame", 0, NULL),
	               *again;
	AUTO_SECRET struct secret *der = NULL;
	struct file f;

	(void)state;
	assert_int_equal(own_key_private(k, &der), 0);
	f = (struct file){.p = malloc(secret_len(der)), .n = secret_len(der)};
	memcpy(f.p, secret_bytes(der), f.n);
	again = load(kit_pem(&w.cert, 1), f, NULL, 0, NULL);
	own_key_free(again);
	own_key_free(k);
}

static void test_own_key_refusals(void **state)
{
	(void)state;
	refuse(kit_pem(&w.cert, 1), kit_pem_key(w.other, NULL), NULL, -EKEYREJECTED, "does not belong");
	refuse(kit_pem(&w.cert, 1), kit_pem_key(w.ec, NULL), NULL, -EKEYREJECTED, "does not belong");
	refuse(text("nothing of the kind"), kit_pem_key(w.rsa, NULL), NULL, -EINVAL, "no certificate");
	refuse(text(""), none, NULL, -EINVAL, "no certificate");
	refuse(kit_pem(&w.cert, 1), text("nothing"), NULL, -EINVAL, "no private key");
	refuse(kit_pem(&w.cert, 1), none, NULL, -EINVAL, "no private key");
	refuse(kit_pem(&w.cert, 1), kit_pem(&w.cert, 1), NULL, -EINVAL, "no private key");
}

static void test_own_key_passphrases(void **state)
{
	(void)state;
	refuse(kit_pem(&w.cert, 1), kit_pem_key(w.rsa, "sesame"), NULL, -EACCES, "passphrase was not given");
	refuse(kit_pem(&w.cert, 1), kit_der_enciphered(w.rsa, "sesame"), NULL, -EACCES,
	    "passphrase was not given");
	refuse(kit_pem(&w.cert, 1), kit_pem_key(w.rsa, "sesame"), "close", -EACCES,
	    "the passphrase does not open the private key");
	refuse(kit_pem(&w.cert, 1), kit_der_enciphered(w.rsa, "sesame"), "close", -EACCES, "does not open");
	refuse(kit_pkcs12(w.rsa, w.cert, "sesame"), none, NULL, -EACCES, "passphrase was not given");
	refuse(kit_pkcs12(w.rsa, w.cert, "sesame"), none, "close", -EACCES, "does not open");
	refuse(kit_pem(&w.cert, 1), kit_pkcs12(w.rsa, w.cert, "sesame"), "sesam", -EACCES, "does not open");
	refuse(
	    kit_pem(&w.cert, 1), kit_pem_key(w.other, "sesame"), "sesame", -EKEYREJECTED, "does not belong");
}

static void expect_warning(long from, long to, const char *says)
{
	X509 *x = kit_cert(&(struct kit_cert){.cn = "a", .key = w.rsa, .from = from, .to = to});
	struct own_key *k = load(kit_pem(&x, 1), kit_pem_key(w.rsa, NULL), NULL, 0, NULL);
	struct err_text e = {{0}};
	const char *got = own_key_warning(k, &e);

	if (!got != !says || (says && !strstr(got, says)))
		fail_msg("expected '%s', got '%s'", says ? says : "", got ? got : "");
	own_key_free(k);
	X509_free(x);
}

static void test_own_key_dates_are_warned_of(void **state)
{
	(void)state;
	expect_warning(-KIT_DAY, 30 * KIT_DAY, NULL);
	expect_warning(-KIT_DAY, -60, "has expired");
	expect_warning(KIT_DAY, 30 * KIT_DAY, "is not valid yet");
	expect_warning(-KIT_DAY, 3 * KIT_DAY, "expires within 14 days");
}

static void test_own_key_chain_is_sent_in_order(void **state)
{
	X509 *chain[] = {w.cert, w.ec_cert, w.ed_cert};
	struct own_key *k = load(kit_pem(chain, 3), kit_pem_key(w.rsa, NULL), NULL, 0, NULL);
	struct ike1_octets got[OWN_CERTS_MAX];

	(void)state;
	assert_int_equal(own_key_certs(k, got), 3);
	for (size_t i = 0; i < 3; i++) {
		struct file want = kit_der(chain[i]);

		assert_int_equal(got[i].n, want.n);
		assert_memory_equal(got[i].p, want.p, want.n);
		file_fini(&want);
	}
	own_key_free(k);
}

static void test_own_key_more_certificates_than_are_sent(void **state)
{
	X509 *chain[OWN_CERTS_MAX + 3];
	struct ike1_octets got[OWN_CERTS_MAX];
	struct own_key *k;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chain); i++)
		chain[i] = i ? w.ec_cert : w.cert;
	k = load(kit_pem(chain, ARRAY_SIZE(chain)), kit_pem_key(w.rsa, NULL), NULL, 0, NULL);
	assert_int_equal(own_key_certs(k, got), OWN_CERTS_MAX);
	own_key_free(k);
}

/* The bare hash behind the padding of PKCS #1, and nothing else (RFC 2409 section 5.1). */
static void test_own_key_signs_without_digest_info(void **state)
{
	static const uint8_t hash[20] = "a hash of 20 octets";
	uint8_t sig[OWN_SIGNATURE_MAX], plain[512];
	struct own_key *k = load(kit_pem(&w.cert, 1), kit_pem_key(w.rsa, NULL), NULL, 0, NULL);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(w.rsa, NULL);
	size_t n = sizeof(plain);

	(void)state;
	assert_int_equal(own_key_sign1(k, hash, sizeof(hash), sig), 256);
	assert_true(EVP_PKEY_verify_recover_init(c) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) > 0);
	assert_true(EVP_PKEY_verify_recover(c, plain, &n, sig, 256) > 0);
	assert_int_equal(n, 256);
	assert_int_equal(plain[0], 0);
	assert_int_equal(plain[1], 1);
	for (size_t i = 2; i < 256 - 21; i++)
		assert_int_equal(plain[i], 0xff);
	assert_int_equal(plain[256 - 21], 0);
	assert_memory_equal(plain + 256 - 20, hash, 20);
	EVP_PKEY_CTX_free(c);
	own_key_free(k);
	k = load(kit_pem(&w.ec_cert, 1), kit_pem_key(w.ec, NULL), NULL, 0, NULL);
	assert_int_equal(own_key_sign1(k, hash, sizeof(hash), sig), -EOPNOTSUPP);
	own_key_free(k);
}

static int make_world(void **state)
{
	(void)state;
	w.rsa = kit_rsa(2048);
	w.other = kit_rsa(1024);
	w.ec = kit_ec();
	w.ed = kit_ed25519();
	w.cert = kit_cert(&(struct kit_cert){.cn = "rsa", .key = w.rsa});
	w.ec_cert = kit_cert(&(struct kit_cert){.cn = "ec", .key = w.ec});
	w.ed_cert = kit_cert(&(struct kit_cert){.cn = "ed", .key = w.ed});
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	X509_free(w.cert);
	X509_free(w.ec_cert);
	X509_free(w.ed_cert);
	EVP_PKEY_free(w.rsa);
	EVP_PKEY_free(w.other);
	EVP_PKEY_free(w.ec);
	EVP_PKEY_free(w.ed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_own_key_forms),
	    cmocka_unit_test(test_own_key_kinds),
	    cmocka_unit_test(test_own_key_pss),
	    cmocka_unit_test(test_own_key_behind_its_curve),
	    cmocka_unit_test(test_own_key_locked),
	    cmocka_unit_test(test_own_key_private),
	    cmocka_unit_test(test_own_key_refusals),
	    cmocka_unit_test(test_own_key_passphrases),
	    cmocka_unit_test(test_own_key_dates_are_warned_of),
	    cmocka_unit_test(test_own_key_chain_is_sent_in_order),
	    cmocka_unit_test(test_own_key_more_certificates_than_are_sent),
	    cmocka_unit_test(test_own_key_signs_without_digest_info),
	};
	struct err_text e;

	if (secret_init(64 << 10, &e) < 0)
		return 1;
	return cmocka_run_group_tests(tests, make_world, end_world);
}
