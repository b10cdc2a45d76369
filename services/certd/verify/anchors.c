/*
 * Names of files do not count: everything of the folder goes into one store, which finds issuers by itself,
 * so that links by either of OpenSSL's two hashes are as good as none. Files of the folder that are neither
 * certificates nor lists (keys, requests) are passed over.
 */
#include "certd/verify/anchors.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certd/verify/judge2.h"
#include "certd/verify/raw_key.h"

struct anchors *anchors_new(uint32_t n_peers)
{
	struct anchors *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->n_peers = n_peers;
	a->all = X509_STORE_new();
	a->crls = sk_X509_CRL_new_null();
	a->own = calloc(n_peers + 1U, sizeof(X509_STORE *));
	a->pinned = calloc(n_peers + 1U, sizeof(X509 *));
	a->key = calloc(n_peers + 1U, sizeof(EVP_PKEY *));
	return a->all && a->crls && a->own && a->pinned && a->key ? a : anchors_free(a);
}

struct anchors *anchors_free(struct anchors *a)
{
	if (!a)
		return NULL;
	for (uint32_t i = 0; i < a->n_peers; i++) {
		if (a->own)
			X509_STORE_free(a->own[i]);
		if (a->pinned)
			X509_free(a->pinned[i]);
		if (a->key)
			EVP_PKEY_free(a->key[i]);
	}
	X509_STORE_free(a->all);
	sk_X509_CRL_pop_free(a->crls, X509_CRL_free);
	free(a->own);
	free(a->pinned);
	free(a->key);
	ike_conf_free(a->conf);
	free(a);
	return NULL;
}

static void bio_freep(BIO **b)
{
	BIO_free(*b);
}

/* 1, or 0 without memory. */
static int add_crl(struct anchors *a, X509_CRL *crl)
{
	if (!sk_X509_CRL_push(a->crls, crl))
		return 0;
	X509_CRL_up_ref(crl);
	return 1;
}

/* What a file in PEM holds. */
struct found {
	STACK_OF(X509) * certs;
	STACK_OF(X509_CRL) * crls;
};

static void found_fini(struct found *f)
{
	sk_X509_pop_free(f->certs, X509_free);
	sk_X509_CRL_pop_free(f->crls, X509_CRL_free);
}

static bool keep_cert(struct found *to, X509 *x)
{
	bool ok = x && sk_X509_push(to->certs, x);

	if (!ok)
		X509_free(x);
	return ok;
}

static bool keep_crl(struct found *to, X509_CRL *x)
{
	bool ok = x && sk_X509_CRL_push(to->crls, x);

	if (!ok)
		X509_CRL_free(x);
	return ok;
}

/* False: it should have been a certificate or a list, and cannot be read. Everything else is let lie, keys
 * above all: there is nobody here who could read one. */
static bool take_block(
    struct found *to, const char *kind, const char *header, const unsigned char *der, long n)
{
	bool old = strcmp(kind, PEM_STRING_X509_OLD) == 0, aux = strcmp(kind, PEM_STRING_X509_TRUSTED) == 0;

	if (strcmp(kind, PEM_STRING_X509_CRL) == 0)
		return !*header && keep_crl(to, d2i_X509_CRL(NULL, &der, n));
	if (aux)
		return !*header && keep_cert(to, d2i_X509_AUX(NULL, &der, n));
	return (!old && strcmp(kind, PEM_STRING_X509) != 0) ||
	       (!*header && keep_cert(to, d2i_X509(NULL, &der, n)));
}

/* All blocks. False: one is damaged, and then none counts: half a file might lack just the list that
 * revokes. */
static bool read_pem(const struct file *f, struct found *ret)
{
	AUTO(bio_freep) BIO *b = BIO_new_mem_buf(f->p, (int)f->n);
	char *kind = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool ok = b && ret->certs && ret->crls;
	long n;

	while (ok && PEM_read_bio(b, &kind, &header, &der, &n)) {
		ok = take_block(ret, kind, header, der, n);
		OPENSSL_free(kind);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)n);
	}
	ok = ok && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return ok;
}

/* Everything PEM in it. */
static int add_pem(struct anchors *a, X509_STORE *to, const struct file *f)
{
	AUTO(found_fini) struct found found = {.certs = sk_X509_new_null(), .crls = sk_X509_CRL_new_null()};
	int n = 0;

	if (!read_pem(f, &found))
		return 0;
	for (int i = 0; i < sk_X509_num(found.certs); i++)
		n += X509_STORE_add_cert(to, sk_X509_value(found.certs, i));
	for (int i = 0; i < sk_X509_CRL_num(found.crls); i++)
		n += add_crl(a, sk_X509_CRL_value(found.crls, i));
	ERR_clear_error();
	return n;
}

static int add_der(struct anchors *a, X509_STORE *to, const struct file *f)
{
	const unsigned char *p = f->p;
	X509 *cert = d2i_X509(NULL, &p, (long)f->n);
	X509_CRL *crl;
	int n = 0;

	if (cert)
		n = X509_STORE_add_cert(to, cert);
	X509_free(cert);
	p = f->p;
	crl = n ? NULL : d2i_X509_CRL(NULL, &p, (long)f->n);
	if (crl)
		n = add_crl(a, crl);
	X509_CRL_free(crl);
	ERR_clear_error();
	return n;
}

static int add_to(struct anchors *a, X509_STORE *to, const struct file *f)
{
	int n = add_pem(a, to, f);

	return n ? n : add_der(a, to, f);
}

/* Certificates are no secrets; OpenSSL would ask the terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static X509 *first_cert(const struct file *f)
{
	AUTO(bio_freep) BIO *b = BIO_new_mem_buf(f->p, (int)f->n);
	const unsigned char *p = f->p;
	X509 *x = b ? PEM_read_bio_X509(b, NULL, no_passphrase, NULL) : NULL;

	if (!x)
		x = d2i_X509(NULL, &p, (long)f->n);
	ERR_clear_error();
	return x;
}

static int pin(struct anchors *a, uint32_t peer, const struct file *f, struct err_text *e)
{
	X509 *x = first_cert(f);

	if (!x)
		return err_set(e, -EINVAL, "it is no certificate: PEM and DER are read");
	X509_free(a->pinned[peer]);
	a->pinned[peer] = x;
	return 1;
}

static EVP_PKEY *public_key(const struct file *f)
{
	AUTO(bio_freep) BIO *b = BIO_new_mem_buf(f->p, (int)f->n);
	EVP_PKEY *key = b ? PEM_read_bio_PUBKEY(b, NULL, no_passphrase, NULL) : NULL;

	if (!key)
		key = raw_key_parse((struct ike1_octets){f->p, f->n});
	ERR_clear_error();
	return key;
}

static int pin_key(struct anchors *a, uint32_t peer, const struct file *f, struct err_text *e)
{
	EVP_PKEY *key = public_key(f);

	if (!key)
		return err_set(e, -EINVAL,
		    "it is no public key: PEM and DER are read, as `ipsecctl pki public` writes them");
	if (!judge2_knows_key(key)) {
		EVP_PKEY_free(key);
		return err_set(e, -EOPNOTSUPP,
		    "it is a public key of a kind that is not used: take RSA, ECDSA on P-256, P-384 or "
		    "P-521, "
		    "Ed25519 or Ed448");
	}
	EVP_PKEY_free(a->key[peer]);
	a->key[peer] = key;
	return 1;
}

static int add_own(struct anchors *a, uint32_t peer, const struct file *f, struct err_text *e)
{
	int n;

	if (!a->own[peer])
		a->own[peer] = X509_STORE_new();
	if (!a->own[peer])
		return err_set(e, -ENOMEM, "out of memory");
	n = add_to(a, a->own[peer], f);
	return n ? n : err_set(e, -EINVAL, "there is no certificate of an authority in it");
}

int anchors_add(
    struct anchors *a, enum credential_kind kind, uint32_t peer, const struct file *f, struct err_text *e)
{
	if (kind == CREDENTIAL_ANCHOR && a->n_files++ == ANCHORS_FILES_MAX)
		return err_set(e, -ENOSPC, "the folder has more than %d files", ANCHORS_FILES_MAX);
	if (kind == CREDENTIAL_ANCHOR)
		return add_to(a, a->all, f);
	if (a->n_own++ == ANCHORS_OWN_MAX)
		return err_set(e, -ENOSPC, "more than %d files of single peers' authorities and certificates",
		    ANCHORS_OWN_MAX);
	if (peer >= a->n_peers)
		return err_set(e, -EINVAL, "there is no peer %u", peer);
	if (kind == CREDENTIAL_CA)
		return add_own(a, peer, f, e);
	if (kind == CREDENTIAL_PEER_KEY)
		return pin_key(a, peer, f, e);
	return kind == CREDENTIAL_PEER_CERT
	           ? pin(a, peer, f, e)
	           : err_set(e, -EINVAL, "a file of kind %d does not belong here", kind);
}
