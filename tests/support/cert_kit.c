#include "support/cert_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

EVP_PKEY *kit_rsa(unsigned bits)
{
	EVP_PKEY *k = EVP_RSA_gen(bits);

	assert_non_null(k);
	return k;
}

EVP_PKEY *kit_ec(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	return k;
}

EVP_PKEY *kit_ed25519(void)
{
	EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	assert_non_null(k);
	return k;
}

static void add_entry(X509_NAME *n, const char *field, const char *text)
{
	if (text)
		assert_int_equal(X509_NAME_add_entry_by_txt(
		                     n, field, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0),
		    1);
}

static void add_ext(X509 *x, const X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* Ed25519 has no hash of its own choice. */
static const EVP_MD *hash_for(EVP_PKEY *k)
{
	return EVP_PKEY_is_a(k, "ED25519") || EVP_PKEY_is_a(k, "ED448") ? NULL : EVP_sha256();
}

X509 *kit_cert(const struct kit_cert *c)
{
	bool dated = c->from || c->to;
	EVP_PKEY *signer = c->signer ? c->signer : c->key;
	X509 *x = X509_new();

	assert_non_null(x);
	assert_int_equal(X509_set_version(x, c->v1 ? X509_VERSION_1 : X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), c->serial ? c->serial : 1);
	X509_gmtime_adj(X509_getm_notBefore(x), dated ? c->from : -KIT_DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), dated ? c->to : KIT_DAY);
	add_entry(X509_get_subject_name(x), "O", c->org);
	add_entry(X509_get_subject_name(x), "CN", c->cn);
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(c->issuer ? c->issuer : x)), 1);
	assert_int_equal(X509_set_pubkey(x, c->key), 1);
	if (!c->v1)
		add_ext(x, c->issuer ? c->issuer : x, NID_basic_constraints,
		    c->ca ? "critical,CA:TRUE" : "CA:FALSE");
	add_ext(x, c->issuer ? c->issuer : x, NID_key_usage, c->usage);
	add_ext(x, c->issuer ? c->issuer : x, NID_ext_key_usage, c->ext_usage);
	add_ext(x, c->issuer ? c->issuer : x, NID_subject_alt_name, c->san);
	add_ext(x, c->issuer ? c->issuer : x, NID_name_constraints, c->name_constraints);
	assert_true(X509_sign(x, signer, c->sha1 ? EVP_sha1() : hash_for(signer)) > 0);
	return x;
}

X509_CRL *kit_crl(const X509 *issuer, EVP_PKEY *signer, long revoked, long from, long to)
{
	X509_CRL *c = X509_CRL_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, from);
	X509_REVOKED *r;

	assert_non_null(c);
	assert_int_equal(X509_CRL_set_version(c, X509_CRL_VERSION_2), 1);
	assert_int_equal(X509_CRL_set_issuer_name(c, X509_get_subject_name(issuer)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(c, t), 1);
	if (revoked) {
		ASN1_INTEGER *serial = ASN1_INTEGER_new();

		r = X509_REVOKED_new();
		ASN1_INTEGER_set(serial, revoked);
		X509_REVOKED_set_serialNumber(r, serial);
		X509_REVOKED_set_revocationDate(r, t);
		assert_int_equal(X509_CRL_add0_revoked(c, r), 1);
		ASN1_INTEGER_free(serial);
	}
	assert_non_null(X509_gmtime_adj(t, to));
	assert_int_equal(X509_CRL_set1_nextUpdate(c, t), 1);
	assert_true(X509_CRL_sign(c, signer, EVP_sha256()) > 0);
	ASN1_TIME_free(t);
	return c;
}

static struct file copy(const void *p, size_t n)
{
	struct file f = {.p = malloc(n + 1), .n = n};

	assert_non_null(f.p);
	memcpy(f.p, p, n);
	f.p[n] = 0;
	return f;
}

/* Takes the BIO. */
static struct file drain(BIO *b)
{
	struct file f;
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);

	assert_true(n > 0);
	f = copy(p, (size_t)n);
	BIO_free(b);
	return f;
}

struct file kit_pem(X509 *const *cert, size_t n)
{
	BIO *b = BIO_new(BIO_s_mem());

	for (size_t i = 0; i < n; i++)
		assert_int_equal(PEM_write_bio_X509(b, cert[i]), 1);
	return drain(b);
}

struct file kit_pem_crl(X509_CRL *crl)
{
	BIO *b = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509_CRL(b, crl), 1);
	return drain(b);
}

struct file kit_pem_key(EVP_PKEY *key, const char *passphrase)
{
	BIO *b = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(b, key, passphrase ? EVP_aes_128_cbc() : NULL,
	                     passphrase, passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
	    1);
	return drain(b);
}

struct file kit_der(const X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	struct file f;

	assert_true(n > 0);
	f = copy(der, (size_t)n);
	OPENSSL_free(der);
	return f;
}

struct file kit_der_key(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int n = i2d_PrivateKey(key, &der);
	struct file f;

	assert_true(n > 0);
	f = copy(der, (size_t)n);
	OPENSSL_free(der);
	return f;
}

struct file kit_pkcs12(EVP_PKEY *key, X509 *cert, const char *passphrase)
{
	PKCS12 *p = PKCS12_create(passphrase, "kit", key, cert, NULL, 0, 0, 0, 0, 0);
	unsigned char *der = NULL;
	struct file f;
	int n;

	assert_non_null(p);
	n = i2d_PKCS12(p, &der);
	assert_true(n > 0);
	f = copy(der, (size_t)n);
	OPENSSL_free(der);
	PKCS12_free(p);
	return f;
}

static void run_tool(const char *const argv[])
{
	char *env[] = {NULL};
	pid_t pid;
	int status;

	assert_int_equal(
	    posix_spawn(&pid, "/usr/bin/openssl", NULL, NULL, (char *const *)(uintptr_t)argv, env), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

struct file kit_pkcs7(X509 *const *cert, size_t n)
{
	struct file pem = kit_pem(cert, n), f;
	int from = kit_fd(pem.p, pem.n, 0600), to = memfd_create("pkcs7", 0);
	char in[32], out[32];
	const char *const argv[] = {
	    "openssl", "crl2pkcs7", "-nocrl", "-certfile", in, "-outform", "DER", "-out", out, NULL};
	struct stat st;
	uint8_t *der;

	assert_true(from >= 0 && to >= 0 && fcntl(from, F_SETFD, 0) == 0);
	snprintf(in, sizeof(in), "/dev/fd/%d", from);
	snprintf(out, sizeof(out), "/dev/fd/%d", to);
	run_tool(argv);
	assert_int_equal(fstat(to, &st), 0);
	der = malloc((size_t)st.st_size);
	assert_non_null(der);
	assert_int_equal(pread(to, der, (size_t)st.st_size, 0), st.st_size);
	f = copy(der, (size_t)st.st_size);
	free(der);
	close(from);
	close(to);
	file_fini(&pem);
	return f;
}

struct file kit_join(struct file a, struct file b)
{
	struct file f = {.p = malloc(a.n + b.n + 1), .n = a.n + b.n};

	assert_non_null(f.p);
	memcpy(f.p, a.p, a.n);
	memcpy(f.p + a.n, b.p, b.n);
	f.p[f.n] = 0;
	file_fini(&a);
	file_fini(&b);
	return f;
}

int kit_fd(const void *p, size_t n, unsigned mode)
{
	int fd = memfd_create("kit", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	assert_int_equal(fchmod(fd, mode), 0);
	return fd;
}

struct ike_id kit_subject(const X509 *cert)
{
	struct ike_id id = {.kind = IKE_ID_DN_DER};
	const unsigned char *der = NULL;
	size_t n = 0;

	assert_int_equal(X509_NAME_get0_der(X509_get_subject_name(cert), &der, &n), 1);
	assert_true(n <= sizeof(id.data));
	memcpy(id.data, der, n);
	id.len = (uint16_t)n;
	return id;
}

struct ike_id kit_id(enum ike_id_kind kind, const char *text)
{
	struct ike_id id = {.kind = kind, .len = (uint16_t)strlen(text)};

	memcpy(id.data, text, id.len);
	return id;
}

size_t kit_id_body(uint8_t type, const void *data, size_t n, uint8_t *buf)
{
	memcpy(buf, (const uint8_t[]){type, 0, 0, 0}, 4);
	memcpy(buf + 4, data, n);
	return n + 4;
}

void kit_hmac(const void *key, size_t n_key, const struct ike1_octets *part, size_t n, uint8_t ret[20])
{
	uint8_t all[8192];
	unsigned len = 20;
	size_t at = 0;

	for (size_t i = 0; i < n; at += part[i++].n) {
		assert_true(at + part[i].n <= sizeof(all));
		memcpy(all + at, part[i].p, part[i].n);
	}
	assert_non_null(HMAC(EVP_sha1(), key, (int)n_key, all, at, ret, &len));
}

/* prf(pre-shared-key, Ni_b | Nr_b), or prf(Ni_b | Nr_b, g^xy) */
void kit_skeyid(const char *psk, const struct kit_exchange *x, uint8_t ret[20])
{
	const struct ike1_octets part[] = {x->ni, x->nr};
	uint8_t nonces[512];

	if (psk) {
		kit_hmac(psk, strlen(psk), part, 2, ret);
		return;
	}
	assert_true(x->ni.n + x->nr.n <= sizeof(nonces));
	memcpy(nonces, x->ni.p, x->ni.n);
	memcpy(nonces + x->ni.n, x->nr.p, x->nr.n);
	kit_hmac(nonces, x->ni.n + x->nr.n, &x->gxy, 1, ret);
}

/* prf(SKEYID, g^xy | CKY-I | CKY-R | 0), and the one before in front with 1 and 2. */
void kit_keys(const uint8_t skeyid[20], const struct kit_exchange *x, uint8_t ret[3][20])
{
	for (uint8_t i = 0; i < 3; i++) {
		const struct ike1_octets part[] = {
		    {i ? ret[i - 1] : ret[0], i ? 20 : 0}, x->gxy, x->icookie, x->rcookie, {&i, 1}};

		kit_hmac(skeyid, 20, part, 5, ret[i]);
	}
}

/* prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b), and with r for i and i for r. */
void kit_hash(const uint8_t skeyid[20], const struct kit_exchange *x, bool initiators, struct ike1_octets id,
    uint8_t ret[20])
{
	const struct ike1_octets i[] = {x->gxi, x->gxr, x->icookie, x->rcookie, x->sa, id},
	                         r[] = {x->gxr, x->gxi, x->rcookie, x->icookie, x->sa, id};

	kit_hmac(skeyid, 20, initiators ? i : r, 6, ret);
}

void kit_base_hash(
    const char *psk, const struct kit_exchange *x, bool initiators, struct ike1_octets idi, uint8_t ret[20])
{
	const struct ike1_octets i[] = {x->gxi, x->icookie, x->rcookie, x->sa, idi},
	                         r[] = {x->gxi, x->gxr, x->icookie, x->rcookie, x->sa, idi};
	uint8_t nonces[512], key[20];

	assert_true(psk == NULL || initiators);
	assert_true(x->ni.n + x->nr.n <= sizeof(nonces));
	memcpy(nonces, x->ni.p, x->ni.n);
	memcpy(nonces + x->ni.n, x->nr.p, x->nr.n);
	if (psk)
		kit_skeyid(psk, x, key);
	else
		assert_true(EVP_Digest(nonces, x->ni.n + x->nr.n, key, NULL, EVP_sha1(), NULL));
	kit_hmac(key, sizeof(key), initiators ? i : r, initiators ? ARRAY_SIZE(i) : ARRAY_SIZE(r), ret);
}

size_t kit_sign(EVP_PKEY *key, const uint8_t *hash, size_t n, uint8_t ret[1024])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	size_t len = 1024;

	assert_true(EVP_PKEY_sign_init(c) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) > 0);
	assert_true(EVP_PKEY_sign(c, ret, &len, hash, n) > 0);
	EVP_PKEY_CTX_free(c);
	return len;
}
