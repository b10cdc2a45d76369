/*
 * All forms go through OpenSSL's own readers over memory, so no file is opened here. The key's octets are
 * OpenSSL's from then on, in a process that has no network and no core dumps.
 */
#include "certd/own_key.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "certd/x509_name.h"

enum { SOON_S = 14 * 86400 };

struct own_key {
	X509 *cert[OWN_CERTS_MAX]; /* own first */
	size_t n_certs;
	uint8_t *der[OWN_CERTS_MAX];
	size_t n_der[OWN_CERTS_MAX];
	EVP_PKEY *key;
};

static void bio_freep(BIO **b)
{
	BIO_free(*b);
}

static BIO *memory(const struct file *f)
{
	return f->n <= INT32_MAX ? BIO_new_mem_buf(f->p, (int)f->n) : NULL;
}

struct own_key *own_key_free(struct own_key *k)
{
	if (!k)
		return NULL;
	for (size_t i = 0; i < k->n_certs; i++) {
		X509_free(k->cert[i]);
		OPENSSL_free(k->der[i]);
	}
	EVP_PKEY_free(k->key);
	free(k);
	return NULL;
}

static void own_key_freep(struct own_key **k)
{
	own_key_free(*k);
}

/* Takes `c`. */
static bool add_cert(struct own_key *k, X509 *c)
{
	int n;

	if (!c || k->n_certs == OWN_CERTS_MAX) {
		X509_free(c);
		return false;
	}
	k->cert[k->n_certs] = c;
	n = i2d_X509(c, &k->der[k->n_certs]);
	k->n_der[k->n_certs] = n > 0 ? (size_t)n : 0;
	k->n_certs++;
	return n > 0;
}

static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	const char *text = arg;
	size_t n = text ? strlen(text) : 0;

	if (n > (size_t)size)
		return -1;
	memcpy(buf, text, n);
	return (int)n;
}

static void read_pem_certs(struct own_key *k, const struct file *f)
{
	AUTO(bio_freep) BIO *b = memory(f);

	while (b && add_cert(k, PEM_read_bio_X509(b, NULL, no_passphrase, NULL)))
		;
	ERR_clear_error();
}

static void read_der_cert(struct own_key *k, const struct file *f)
{
	const unsigned char *p = f->p;

	(void)add_cert(k, d2i_X509(NULL, &p, (long)f->n));
	ERR_clear_error();
}

/* Both in one; false: it is none, or the passphrase is wrong. */
static bool read_pkcs12(struct own_key *k, const struct file *f, const char *passphrase)
{
	const unsigned char *p = f->p;
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)f->n);
	STACK_OF(X509) *ca = NULL;
	X509 *cert = NULL;
	bool ok = p12 && PKCS12_parse(p12, passphrase, &k->key, &cert, &ca) && k->key && add_cert(k, cert);

	while (sk_X509_num(ca) > 0)
		(void)add_cert(k, sk_X509_shift(ca));
	sk_X509_free(ca);
	PKCS12_free(p12);
	ERR_clear_error();
	return ok;
}

static void read_key(struct own_key *k, const struct file *f, const char *passphrase)
{
	AUTO(bio_freep) BIO *b = memory(f);
	const unsigned char *p = f->p;

	k->key = b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, (void *)(uintptr_t)passphrase) : NULL;
	if (!k->key)
		k->key = d2i_AutoPrivateKey(NULL, &p, (long)f->n);
	ERR_clear_error();
}

/* A PKCS #12 file that this passphrase is not the one of. */
static bool is_locked_pkcs12(const struct file *f, const char *passphrase)
{
	const unsigned char *p = f->p;
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)f->n);
	bool locked = p12 && PKCS12_mac_present(p12) && !PKCS12_verify_mac(p12, passphrase, -1) &&
	              (*passphrase || !PKCS12_verify_mac(p12, NULL, 0));

	PKCS12_free(p12);
	ERR_clear_error();
	return locked;
}

/* PEM of both kinds says so; PKCS #8 as DER has a form of its own (RFC 5958 section 3). */
static bool is_enciphered(const struct file *f)
{
	const unsigned char *p = f->p;
	X509_SIG *der = d2i_X509_SIG(NULL, &p, (long)f->n);
	bool yes = der || memmem(f->p, f->n, "ENCRYPTED", 9);

	X509_SIG_free(der);
	ERR_clear_error();
	return yes;
}

static int refuse_passphrase(const char *passphrase, struct err_text *e)
{
	return err_set(e, -EACCES,
	    *passphrase ? "the passphrase does not open the private key"
	                : "the private key is enciphered, and its passphrase was not given: store it without "
	                  "(openssl pkey -in FILE -out NEW), readable by root alone");
}

static int read_files(struct own_key *k, const struct file *cert, const struct file *key,
    const char *passphrase, struct err_text *e)
{
	if (!key->n && is_locked_pkcs12(cert, passphrase))
		return refuse_passphrase(passphrase, e);
	if (!key->n && read_pkcs12(k, cert, passphrase))
		return 0;
	read_pem_certs(k, cert);
	if (!k->n_certs)
		read_der_cert(k, cert);
	if (!k->n_certs)
		return err_set(e, -EINVAL, "it is no certificate: PEM, DER and PKCS #12 are read");
	read_key(k, key->n ? key : cert, passphrase);
	if (k->key)
		return 0;
	if (is_enciphered(key->n ? key : cert))
		return refuse_passphrase(passphrase, e);
	return err_set(e, -EINVAL, "it is no private key: PEM (traditional and PKCS #8) and DER are read");
}

int own_key_new(const struct file *cert, const struct file *key, const char *passphrase, struct own_key **ret,
    struct err_text *e)
{
	AUTO(own_key_freep) struct own_key *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_set(e, -ENOMEM, "out of memory");
	r = read_files(k, cert, key, passphrase, e);
	if (r < 0)
		return r;
	if (!X509_check_private_key(k->cert[0], k->key)) {
		ERR_clear_error();
		return err_set(e, -EKEYREJECTED,
		    "the private key does not belong to the certificate: one of the two files is another's");
	}
	*ret = take_ptr(k);
	return 0;
}

const char *own_key_warning(const struct own_key *k, struct err_text *buf)
{
	time_t soon = time(NULL) + SOON_S;

	if (X509_cmp_current_time(X509_get0_notBefore(k->cert[0])) > 0)
		(void)err_set(buf, 0,
		    "our own certificate is not valid yet: peers will refuse it; is the clock right?");
	else if (X509_cmp_current_time(X509_get0_notAfter(k->cert[0])) < 0)
		(void)err_set(buf, 0, "our own certificate has expired: peers will refuse it; renew it");
	else if (X509_cmp_time(X509_get0_notAfter(k->cert[0]), &soon) < 0)
		(void)err_set(buf, 0, "our own certificate expires within 14 days");
	else
		return NULL;
	return buf->s;
}

struct ike1_octets own_key_subject(const struct own_key *k)
{
	return x509_subject(k->cert[0]);
}

struct ike1_octets own_key_issuer(const struct own_key *k)
{
	return x509_issuer(k->cert[0]);
}

size_t own_key_certs(const struct own_key *k, struct ike1_octets ret[OWN_CERTS_MAX])
{
	for (size_t i = 0; i < k->n_certs; i++)
		ret[i] = (struct ike1_octets){k->der[i], k->n_der[i]};
	return k->n_certs;
}

bool own_key_speaks_for(const struct own_key *k, const struct ike_id *id)
{
	return x509_is_called(k->cert[0], id);
}

static void ctx_freep(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

int own_key_sign1(const struct own_key *k, const uint8_t *hash, size_t n, uint8_t ret[OWN_SIGNATURE_MAX])
{
	AUTO(ctx_freep) EVP_PKEY_CTX *c = NULL;
	size_t len = OWN_SIGNATURE_MAX;

	if (!EVP_PKEY_is_a(k->key, "RSA") || (size_t)EVP_PKEY_get_size(k->key) > OWN_SIGNATURE_MAX)
		return -EOPNOTSUPP;
	c = EVP_PKEY_CTX_new(k->key, NULL);
	if (!c || EVP_PKEY_sign_init(c) <= 0 || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) <= 0 ||
	    EVP_PKEY_sign(c, ret, &len, hash, n) <= 0) {
		ERR_clear_error();
		return -EIO;
	}
	return (int)len;
}
