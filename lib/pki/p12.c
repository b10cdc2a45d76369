/*
 * PKCS #12 (RFC 7292), for programs that want key and certificates in one file. The new form is PBES2 with
 * AES-256 and a MAC of SHA-256; the old one is all 3DES and SHA-1, without the RC2 of 40 bits that files of
 * its time had.
 */
#include <errno.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "pki/internal.h"

/* Each of key, certificates and MAC. Windows refuses files that would take more than 600,000 in all. */
enum { ITERATIONS = 100000, LEGACY_ITERATIONS = 2048 };

static void p12_freep(PKCS12 **p)
{
	PKCS12_free(*p);
}

/* Without references of its own. */
static STACK_OF(X509) * stack_of(struct pki_cert *const *chain, size_t n)
{
	STACK_OF(X509) *s = sk_X509_new_null();

	for (size_t i = 0; s && i < n; i++)
		if (!sk_X509_push(s, chain[i]->x)) {
			sk_X509_free(s);
			return NULL;
		}
	return s;
}

static int common_name(const X509 *x, char *buf, int room)
{
	return X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, buf, room);
}

int pki_p12_write(const struct pki_key *k, const struct pki_cert *c, struct pki_cert *const *chain,
    size_t n_chain, const struct secret *passphrase, bool legacy, struct sbuf *ret, struct err_text *e)
{
	int pbe = legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
	int rounds = legacy ? LEGACY_ITERATIONS : ITERATIONS;
	char text[PKI_PASSPHRASE_MAX + 1], name[128];
	AUTO_WIPE(text);
	AUTO(p12_freep) PKCS12 *p = NULL;
	unsigned char *der = NULL;
	STACK_OF(X509) * others;
	int n, r = pki_passphrase_text(passphrase, text, e);

	if (r < 0)
		return r;
	if (!pki_cert_is_of(c, k))
		return err_set(e, -EKEYREJECTED, "the private key does not belong to the certificate");
	others = stack_of(chain, n_chain);
	/* -1: no MAC yet, because the one of PKCS12_create() has no hash to choose. */
	p = others ? PKCS12_create(text, common_name(c->x, name, sizeof(name)) > 0 ? name : NULL, k->p, c->x,
	                 others, pbe, pbe, rounds, -1, 0)
	           : NULL;
	sk_X509_free(others);
	if (!p || !PKCS12_set_mac(p, text, -1, NULL, 0, rounds, legacy ? EVP_sha1() : EVP_sha256()))
		return pki_fail(e, -EIO, "the file cannot be made");
	n = i2d_PKCS12(p, &der);
	if (n > 0)
		sbuf_add_bytes(ret, der, (size_t)n);
	OPENSSL_free(der);
	return n > 0 && !ret->bad ? 0 : err_set(e, -ENOMEM, "out of memory");
}
