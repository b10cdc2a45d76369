/*
 * What certd-verify may get of a file: every form that OpenSSL writes keys in is held back, every form of
 * certificates and lists let through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "cli/racoon/public.h"
#include "support/cert_kit.h"

enum { NOTHING, PUBLIC, PRIVATE, BOTH };

static EVP_PKEY *rsa, *ec, *ed;
static X509 *cert;
static X509_CRL *crl;

static struct file text(const char *s)
{
	return (struct file){.p = (uint8_t *)strdup(s), .n = strlen(s)};
}

/* What an i2d_ function has written, which malloc() gave. */
static struct file der(unsigned char **p, int n)
{
	assert_true(n > 0);
	return (struct file){.p = *p, .n = (size_t)n};
}

static void expect_at(int line, struct file f, int want)
{
	struct public_look l = public_look(f.p, f.n);
	int got = l.has_public && l.has_private ? BOTH
	          : l.has_public                ? PUBLIC
	          : l.has_private               ? PRIVATE
	                                        : NOTHING;

	if (got != want)
		fail_msg("line %d: expected %d, got %d", line, want, got);
	file_fini(&f);
}
#define expect(f, want) expect_at(__LINE__, f, want)

static void test_public_certificates_and_lists(void **state)
{
	unsigned char *p = NULL;
	BIO *b = BIO_new(BIO_s_mem());
	struct file f;
	char *pem;
	long n;

	(void)state;
	expect(kit_pem(&cert, 1), PUBLIC);
	expect(kit_pem_crl(crl), PUBLIC);
	expect(kit_der(cert), PUBLIC);
	expect(der(&p, i2d_X509_CRL(crl, &p)), PUBLIC);
	expect(kit_join(text("Certificate:\n\tSubject: CN=\xc3\xa4\r\n"), kit_pem(&cert, 1)), PUBLIC);
	expect(kit_join(kit_pem(&cert, 1), kit_pem_crl(crl)), PUBLIC);
	assert_int_equal(PEM_write_bio_X509_AUX(b, cert), 1);
	n = BIO_get_mem_data(b, &pem);
	f = (struct file){.p = (uint8_t *)strndup(pem, (size_t)n), .n = (size_t)n};
	expect(f, PUBLIC);
	BIO_free(b);
	expect(text(""), NOTHING);
	expect(text("0"), PRIVATE); /* the beginning of something in DER */
	expect(text("a note"), NOTHING);
	expect(text("-----BEGIN CERTIFICATE REQUEST-----\n"), NOTHING);
	expect(text("-----BEGIN PUBLIC KEY-----\n"), NOTHING);
}

/* What remote-key may name. */
static void expect_key_at(int line, struct file f, bool has_key, bool has_private)
{
	struct public_look l = public_look(f.p, f.n);

	if (l.has_key != has_key || l.has_private != has_private)
		fail_msg("line %d: a public key %d, a private one %d", line, l.has_key, l.has_private);
	file_fini(&f);
}
#define expect_key(f, has_key, has_private) expect_key_at(__LINE__, f, has_key, has_private)

static struct file public_pem(EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());
	struct file f;
	char *pem;

	assert_int_equal(PEM_write_bio_PUBKEY(b, key), 1);
	f.n = (size_t)BIO_get_mem_data(b, &pem);
	f.p = (uint8_t *)strndup(pem, f.n);
	BIO_free(b);
	return f;
}

static void test_public_keys(void **state)
{
	EVP_PKEY *const keys[] = {rsa, ec, ed};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		unsigned char *p = NULL, *q = NULL;

		expect_key(public_pem(keys[i]), true, false);
		expect_key(der(&p, i2d_PUBKEY(keys[i], &p)), true, false);
		expect_key(kit_der_key(keys[i]), false, true);
		expect_key(kit_pem_key(keys[i], NULL), false, true);
		expect_key(kit_join(public_pem(keys[i]), kit_pem_key(keys[i], NULL)), true, true);
		expect_key(kit_join(public_pem(keys[i]), kit_der_key(keys[i])), true, true);
		expect_key(kit_join(der(&q, i2d_PUBKEY(keys[i], &q)), kit_der_key(keys[i])), false, true);
	}
	expect_key(kit_der(cert), false, false);
	expect_key(kit_pem(&cert, 1), false, false);
}

static void test_private_keys_as_der(void **state)
{
	EVP_PKEY *const keys[] = {rsa, ec, ed};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		unsigned char *p = NULL, *old = NULL, *sealed = NULL;
		PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(keys[i]);
		X509_SIG *sig = PKCS8_encrypt(-1, EVP_aes_128_cbc(), "sesame", 6, NULL, 0, 100, info);

		/* PKCS #1, RFC 5915; Ed25519 has none of its own. */
		if (keys[i] != ed)
			expect(der(&old, i2d_PrivateKey(keys[i], &old)), PRIVATE);
		expect(der(&p, i2d_PKCS8_PRIV_KEY_INFO(info, &p)), PRIVATE);
		expect(der(&sealed, i2d_X509_SIG(sig, &sealed)), PRIVATE);
		expect(kit_pkcs12(keys[i], NULL, "sesame"), PRIVATE);
		expect(kit_pkcs12(keys[i], NULL, ""), PRIVATE);
		X509_SIG_free(sig);
		PKCS8_PRIV_KEY_INFO_free(info);
	}
	/* Lengths without an end, as old programs write PKCS #12. */
	expect(text("\x30\x80\x02\x01\x03\x30"), PRIVATE);
	/* A key behind a certificate. */
	expect(kit_join(kit_der(cert), kit_der_key(rsa)), PRIVATE);
}

static void test_private_keys_as_pem(void **state)
{
	(void)state;
	expect(kit_pem_key(rsa, NULL), PRIVATE);
	expect(kit_pem_key(ec, "sesame"), PRIVATE);
	expect(text("-----BEGIN RSA PRIVATE KEY-----\n"), PRIVATE);
	expect(text("-----BEGIN OPENSSH PRIVATE KEY-----\n"), PRIVATE);
	expect(text("-----BEGIN PKCS12-----\n"), PRIVATE);
	expect(text("-----BEGIN SOMETHING NEW-----\n"), PRIVATE);
	expect(kit_join(kit_pem(&cert, 1), kit_pem_key(rsa, NULL)), BOTH);
	expect(kit_join(kit_pem_key(ec, "sesame"), kit_pem(&cert, 1)), BOTH);
	expect(kit_join(kit_pem(&cert, 1), kit_der_key(rsa)), BOTH);
	expect(kit_join(kit_pem(&cert, 1), kit_der_key(ec)), BOTH);
	expect(kit_join(kit_der_key(rsa), kit_pem(&cert, 1)), BOTH);
}

static void expect_blocks(struct file f, bool ok, struct file want)
{
	AUTO_SBUF struct sbuf got;

	sbuf_init(&got);
	assert_int_equal(public_blocks(f.p, f.n, &got), ok);
	if (ok) {
		assert_int_equal(got.len, want.n);
		assert_memory_equal(got.s, want.p, want.n);
	}
	file_fini(&f);
	file_fini(&want);
}

static void test_private_keys_are_left_out_of_what_is_handed_over(void **state)
{
	(void)state;
	expect_blocks(kit_join(kit_pem(&cert, 1), kit_pem_key(rsa, NULL)), true, kit_pem(&cert, 1));
	expect_blocks(kit_join(kit_join(text("bag attributes\n"), kit_pem_key(ec, NULL)),
	                  kit_join(kit_pem(&cert, 1), kit_pem_crl(crl))),
	    true, kit_join(kit_pem(&cert, 1), kit_pem_crl(crl)));
	expect_blocks(kit_join(kit_join(kit_pem(&cert, 1), kit_der_key(ec)), kit_pem(&cert, 1)), true,
	    kit_join(kit_pem(&cert, 1), kit_pem(&cert, 1)));
	/* A key that stands within a certificate's lines. */
	expect_blocks(kit_join(text("-----BEGIN CERTIFICATE-----\n"),
	                  kit_join(kit_pem_key(rsa, NULL), text("-----END CERTIFICATE-----\n"))),
	    false, text(""));
	expect_blocks(kit_join(text("-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\nMIIB\n"),
	                  text("-----END CERTIFICATE-----\n")),
	    false, text(""));
	expect_blocks(text("-----BEGIN CERTIFICATE-----\nMIIB\n"), false, text(""));
	expect_blocks(text("-----BEGIN CERTIFICATE"), false, text(""));
}

/* Neither an end that is not there nor an odd octet makes it read elsewhere. */
static void test_public_of_damaged_files(void **state)
{
	struct file f = kit_der(cert);

	(void)state;
	for (size_t n = 1; n < f.n; n++) {
		uint8_t *p = malloc(n);

		memcpy(p, f.p, n);
		assert_false(public_look(p, n).has_public);
		free(p);
	}
	for (size_t i = 0; i < 64; i++) {
		f.p[i] ^= 0x80;
		(void)public_look(f.p, f.n);
		f.p[i] ^= 0x80;
	}
	file_fini(&f);
}

static int make_world(void **state)
{
	(void)state;
	rsa = kit_rsa(2048);
	ec = kit_ec();
	ed = kit_ed25519();
	cert = kit_cert(&(struct kit_cert){.cn = "a", .ca = true, .key = rsa});
	crl = kit_crl(cert, rsa, 7, -KIT_DAY, KIT_DAY);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	X509_CRL_free(crl);
	X509_free(cert);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_public_certificates_and_lists),
	    cmocka_unit_test(test_public_keys),
	    cmocka_unit_test(test_private_keys_as_der),
	    cmocka_unit_test(test_private_keys_as_pem),
	    cmocka_unit_test(test_private_keys_are_left_out_of_what_is_handed_over),
	    cmocka_unit_test(test_public_of_damaged_files),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
