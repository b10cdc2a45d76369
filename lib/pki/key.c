/*
 * Private keys stay in OpenSSL's own objects, which wipe them when they are freed; their text is made in the
 * secret arena and nowhere else.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

#include "pki/internal.h"

/* Of PBKDF2, so that a stolen file is dear to guess at; about a third of a second for who has the passphrase.
 */
enum { ITERATIONS = 600000 };

static const struct {
	unsigned bits;
	const char *ours, *name;
} curves[] = {{256, "prime256v1", "P-256"}, {384, "secp384r1", "P-384"}, {521, "secp521r1", "P-521"}};

struct pki_key *pki_key_free(struct pki_key *k)
{
	if (k)
		EVP_PKEY_free(k->p);
	free(k);
	return NULL;
}

/* Takes `p`, which may be NULL. */
static int wrap(EVP_PKEY *p, struct pki_key **ret)
{
	struct pki_key *k = p ? malloc(sizeof(*k)) : NULL;

	if (!k) {
		EVP_PKEY_free(p);
		return -ENOMEM;
	}
	k->p = p;
	*ret = k;
	return 0;
}

static EVP_PKEY *generate_rsa(const char *type, unsigned bits)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *k = NULL;

	if (!c || EVP_PKEY_keygen_init(c) <= 0 || EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)bits) <= 0 ||
	    EVP_PKEY_generate(c, &k) <= 0)
		k = NULL;
	EVP_PKEY_CTX_free(c);
	return k;
}

static int new_rsa(const char *type, unsigned bits, struct pki_key **ret, struct err_text *e)
{
	if (bits < PKI_RSA_BITS_MIN || bits > PKI_RSA_BITS_MAX || bits % 8)
		return err_set(e, -EINVAL,
		    "an RSA key has %d to %d bits here, a multiple of 8: %u is not taken%s", PKI_RSA_BITS_MIN,
		    PKI_RSA_BITS_MAX, bits, bits < PKI_RSA_BITS_MIN ? ", as it can be broken" : "");
	return wrap(generate_rsa(type, bits), ret) == 0 ? 0 : pki_fail(e, -EIO, "no RSA key can be made");
}

static int new_ec(unsigned bits, struct pki_key **ret, struct err_text *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (curves[i].bits == bits)
			return wrap(EVP_EC_gen(curves[i].name), ret) == 0
			           ? 0
			           : pki_fail(e, -EIO, "no ECDSA key can be made");
	return err_set(e, -EINVAL, "an ECDSA key has 256, 384 or 521 bits, not %u", bits);
}

static int new_edwards(const char *type, unsigned bits, struct pki_key **ret, struct err_text *e)
{
	if (bits)
		return err_set(e, -EINVAL, "%s has one length only: leave --bits out", type);
	return wrap(EVP_PKEY_Q_keygen(NULL, NULL, type), ret) == 0
	           ? 0
	           : pki_fail(e, -EIO, "no key of this kind can be made");
}

int pki_key_new(enum pki_key_type type, unsigned bits, struct pki_key **ret, struct err_text *e)
{
	switch (type) {
	case PKI_RSA:
		return new_rsa("RSA", bits ? bits : 3072, ret, e);
	case PKI_RSA_PSS:
		return new_rsa("RSA-PSS", bits ? bits : 3072, ret, e);
	case PKI_ECDSA:
		return new_ec(bits ? bits : 256, ret, e);
	case PKI_ED25519:
		return new_edwards("Ed25519", bits, ret, e);
	case PKI_ED448:
		return new_edwards("Ed448", bits, ret, e);
	}
	return err_set(e, -EINVAL, "there is no such type of key");
}

static bool is_enciphered(const void *p, size_t n)
{
	const unsigned char *at = p;
	X509_SIG *der = d2i_X509_SIG(NULL, &at, (long)n);
	bool yes = der || memmem(p, n, "ENCRYPTED", 9);

	X509_SIG_free(der);
	ERR_clear_error();
	return yes;
}

static EVP_PKEY *read_key(const void *p, size_t n, const struct secret *passphrase)
{
	void *arg = (void *)(uintptr_t)passphrase;
	AUTO_BIO BIO *pem = pki_memory(p, n), *der = pki_memory(p, n);
	const unsigned char *at = p;
	EVP_PKEY *k = pem ? PEM_read_bio_PrivateKey(pem, NULL, pki_give_passphrase, arg) : NULL;

	if (!k)
		k = d2i_AutoPrivateKey(NULL, &at, (long)n);
	if (!k && der && passphrase)
		k = d2i_PKCS8PrivateKey_bio(der, NULL, pki_give_passphrase, arg);
	ERR_clear_error();
	return k;
}

int pki_key_read(
    const void *p, size_t n, const struct secret *passphrase, struct pki_key **ret, struct err_text *e)
{
	EVP_PKEY *k = read_key(p, n, passphrase);

	if (k)
		return wrap(k, ret) == 0 ? 0 : err_set(e, -ENOMEM, "out of memory");
	if (is_enciphered(p, n))
		return err_set(e, -EACCES, "%s",
		    passphrase ? "the passphrase does not open the private key"
		               : "the private key is enciphered, and its passphrase was not given");
	return err_set(e, -EINVAL, "there is no private key in it: PEM and DER are read");
}

static int write_plain(BIO *b, PKCS8_PRIV_KEY_INFO *info)
{
	return PEM_write_bio_PKCS8_PRIV_KEY_INFO(b, info);
}

static int write_enciphered(BIO *b, PKCS8_PRIV_KEY_INFO *info, const struct secret *passphrase)
{
	X509_SIG *locked = PKCS8_encrypt(-1, EVP_aes_256_cbc(), (const char *)secret_bytes(passphrase),
	    (int)secret_len(passphrase), NULL, 0, ITERATIONS, info);
	int ok = locked && PEM_write_bio_PKCS8(b, locked);

	X509_SIG_free(locked);
	return ok;
}

int pki_key_write(
    const struct pki_key *k, const struct secret *passphrase, struct secret **ret, struct err_text *e)
{
	AUTO_BIO BIO *b = BIO_new(BIO_s_secmem());
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->p);
	int ok = b && info && (passphrase ? write_enciphered(b, info, passphrase) : write_plain(b, info));
	char *p = NULL;
	long n = ok ? BIO_get_mem_data(b, &p) : 0;

	PKCS8_PRIV_KEY_INFO_free(info);
	if (n <= 0)
		return pki_fail(e, -EIO, "the private key cannot be written");
	*ret = secret_dup_bytes(p, (size_t)n);
	return *ret ? 0 : err_set(e, -ENOMEM, "there is no room for the key in secret memory");
}

int pki_key_public_write(const struct pki_key *k, struct sbuf *ret, struct err_text *e)
{
	return pki_public_write(k->p, ret, e);
}

bool pki_key_is_rsa(const struct pki_key *k)
{
	return EVP_PKEY_is_a(k->p, "RSA");
}

int pki_public_write(const EVP_PKEY *k, struct sbuf *ret, struct err_text *e)
{
	AUTO_BIO BIO *b = BIO_new(BIO_s_mem());

	if (!b || !PEM_write_bio_PUBKEY(b, k))
		return pki_fail(e, -EIO, "the public key cannot be written");
	return pki_drain(b, ret, e);
}

bool pki_is_any_rsa(const EVP_PKEY *k)
{
	return EVP_PKEY_is_a(k, "RSA") || EVP_PKEY_is_a(k, "RSA-PSS");
}

const EVP_MD *pki_digest(const EVP_PKEY *k)
{
	int bits = EVP_PKEY_get_bits(k);

	if (pki_is_any_rsa(k))
		return bits > 4096 ? EVP_sha384() : EVP_sha256();
	if (EVP_PKEY_is_a(k, "EC"))
		return bits > 384 ? EVP_sha512() : bits > 256 ? EVP_sha384() : EVP_sha256();
	return NULL;
}

bool pki_kind(const EVP_PKEY *k, char *buf, size_t room)
{
	char group[32] = "";

	if (pki_is_any_rsa(k))
		return snprintf(buf, room, "%s of %d bits", EVP_PKEY_is_a(k, "RSA") ? "RSA" : "RSA-PSS",
		    EVP_PKEY_get_bits(k));
	if (EVP_PKEY_is_a(k, "ED25519") || EVP_PKEY_is_a(k, "ED448"))
		return snprintf(buf, room, "%s", EVP_PKEY_is_a(k, "ED448") ? "Ed448" : "Ed25519");
	if (EVP_PKEY_is_a(k, "EC") && EVP_PKEY_get_group_name(k, group, sizeof(group), NULL))
		for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
			if (strcmp(group, curves[i].ours) == 0)
				return snprintf(buf, room, "ECDSA %s", curves[i].name);
	if (group[0])
		snprintf(buf, room, "EC on %.20s", group);
	else
		snprintf(
		    buf, room, "%.20s", EVP_PKEY_get0_type_name(k) ? EVP_PKEY_get0_type_name(k) : "unknown");
	return false;
}

int pki_key_fits(const EVP_PKEY *k, struct err_text *e)
{
	char kind[40];
	int bits = EVP_PKEY_get_bits(k);

	if (!pki_kind(k, kind, sizeof(kind)))
		return err_set(e, -EOPNOTSUPP,
		    "the key is of a kind that IKE does not use (%s): take RSA, ECDSA on P-256, P-384 or "
		    "P-521, Ed25519 or Ed448",
		    kind);
	if (pki_is_any_rsa(k) && (bits < PKI_RSA_BITS_MIN || bits > PKI_RSA_BITS_MAX))
		return err_set(e, -EKEYREJECTED, "the key is %s: %d to %d are taken", kind, PKI_RSA_BITS_MIN,
		    PKI_RSA_BITS_MAX);
	return 0;
}
