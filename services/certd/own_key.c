/*
 * All forms go through OpenSSL's own readers over memory, so no file is opened here. The key's octets are
 * OpenSSL's from then on, in a process that has no network and no core dumps.
 */
#include "certd/own_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "certd/own_pss.h"
#include "certd/x509_name.h"
#include "wire/ike/v2.h"

enum { SOON_S = 14 * 86400 };

struct own_key {
	unsigned refs;
	X509 *cert[OWN_CERTS_MAX]; /* own first */
	size_t n_certs;
	uint8_t *der[OWN_CERTS_MAX];
	size_t n_der[OWN_CERTS_MAX];
	uint8_t *public; /* without a certificate: SubjectPublicKeyInfo, DER */
	size_t n_public;
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
	if (!k || --k->refs)
		return NULL;
	for (size_t i = 0; i < k->n_certs; i++) {
		X509_free(k->cert[i]);
		OPENSSL_free(k->der[i]);
	}
	OPENSSL_free(k->public);
	EVP_PKEY_free(k->key);
	free(k);
	return NULL;
}

struct own_key *own_key_ref(struct own_key *k)
{
	k->refs++;
	return k;
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

/* What OpenSSL asks; it would ask the terminal itself. */
static int give_passphrase(char *buf, int size, int rwflag, void *arg)
{
	const struct secret *s = arg;
	size_t n = s ? secret_len(s) : 0;

	if (n > (size_t)size)
		return -1;
	if (n)
		memcpy(buf, secret_bytes(s), n);
	return (int)n;
}

static void *unconst(const struct secret *s)
{
	return (void *)(uintptr_t)s;
}

static bool read_pem_certs(struct own_key *k, const struct file *f)
{
	AUTO(bio_freep) BIO *b = memory(f);

	while (b && add_cert(k, PEM_read_bio_X509(b, NULL, give_passphrase, NULL)))
		;
	ERR_clear_error();
	return k->n_certs;
}

static bool read_der_cert(struct own_key *k, const struct file *f)
{
	const unsigned char *p = f->p;

	(void)add_cert(k, d2i_X509(NULL, &p, (long)f->n));
	ERR_clear_error();
	return k->n_certs;
}

/* What a PKCS #12 file holds; all NULL: it is none, or the passphrase is not its. */
struct p12 {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) * ca;
};

static void p12_fini(struct p12 *x)
{
	EVP_PKEY_free(x->key);
	X509_free(x->cert);
	sk_X509_pop_free(x->ca, X509_free);
}

/* With a MAC: what has none, OpenSSL does not read. */
static bool is_p12(const struct file *f)
{
	const unsigned char *p = f->p;
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)f->n);

	bool has_mac = p12 && PKCS12_mac_present(p12);

	PKCS12_free(p12);
	ERR_clear_error();
	return has_mac;
}

static bool p12_open(const struct file *f, const struct secret *passphrase, struct p12 *ret)
{
	char text[OWN_PASSPHRASE_MAX + 1];
	AUTO_WIPE(text);
	const unsigned char *p = f->p;
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)f->n);
	int n = give_passphrase(text, OWN_PASSPHRASE_MAX, 0, unconst(passphrase));
	bool ok;

	text[n > 0 ? n : 0] = '\0';
	ok = p12 && n >= 0 && PKCS12_parse(p12, text, &ret->key, &ret->cert, &ret->ca);
	PKCS12_free(p12);
	ERR_clear_error();
	return ok;
}

static bool read_p12_certs(struct own_key *k, const struct file *f, const struct secret *passphrase)
{
	AUTO(p12_fini) struct p12 x = {0};

	if (!p12_open(f, passphrase, &x))
		return false;
	if (x.cert)
		(void)add_cert(k, take_ptr(x.cert));
	while (sk_X509_num(x.ca) > 0)
		(void)add_cert(k, sk_X509_shift(x.ca));
	return k->n_certs;
}

/* Whether OpenSSL lacks what it would need; a wrong passphrase is another fault. Empties its list of errors.
 */
static bool lacks_algorithm(void)
{
	unsigned long x;
	bool lacks = false;

	while ((x = ERR_get_error()))
		lacks |= ERR_GET_LIB(x) == ERR_LIB_EVP && ERR_GET_REASON(x) == ERR_R_UNSUPPORTED;
	return lacks;
}

static EVP_PKEY *read_key(const struct file *f, const struct secret *passphrase, bool *ret_lacks)
{
	AUTO(bio_freep) BIO *b = memory(f);
	AUTO(p12_fini) struct p12 x = {0};
	const unsigned char *p = f->p;
	EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, give_passphrase, unconst(passphrase)) : NULL;
	X509_SIG *enciphered;

	if (!key)
		key = d2i_AutoPrivateKey(NULL, &p, (long)f->n);
	*ret_lacks = lacks_algorithm();
	if (!key && p12_open(f, passphrase, &x))
		key = take_ptr(x.key);
	p = f->p;
	enciphered = key ? NULL : d2i_X509_SIG(NULL, &p, (long)f->n);
	if (enciphered) {
		AUTO(bio_freep) BIO *der = memory(f);

		key = der ? d2i_PKCS8PrivateKey_bio(der, NULL, give_passphrase, unconst(passphrase)) : NULL;
	}
	X509_SIG_free(enciphered);
	*ret_lacks |= lacks_algorithm();
	return key;
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

static bool is_locked(const struct file *f)
{
	AUTO(p12_fini) struct p12 x = {0};
	EVP_PKEY *key;
	bool lacks;

	if (is_p12(f))
		return !p12_open(f, NULL, &x);
	if (!is_enciphered(f))
		return false;
	key = read_key(f, NULL, &lacks);
	EVP_PKEY_free(key);
	return !key;
}

bool own_key_is_locked(const struct file *cert, const struct file *key)
{
	return (key->n && is_locked(key)) || (cert && (!key->n || is_p12(cert)) && is_locked(cert));
}

static int refuse_passphrase(const struct secret *passphrase, struct err_text *e)
{
	return err_set(e, -EACCES, "%s",
	    passphrase ? "the passphrase does not open the private key"
	               : "the private key is enciphered, and its passphrase was not given");
}

static int read_files(struct own_key *k, const struct file *cert, const struct file *key,
    const struct secret *passphrase, struct err_text *e)
{
	const struct file *of_key = key->n || !cert ? key : cert;
	bool lacks;

	if (cert && !read_pem_certs(k, cert) && !read_der_cert(k, cert) &&
	    !read_p12_certs(k, cert, passphrase)) {
		if (is_p12(cert) && is_locked(cert))
			return refuse_passphrase(passphrase, e);
		return err_set(e, -EINVAL, "it is no certificate: PEM, DER and PKCS #12 with a MAC are read");
	}
	k->key = read_key(of_key, passphrase, &lacks);
	if (k->key)
		return 0;
	if (lacks && is_enciphered(of_key))
		return err_set(e, -EOPNOTSUPP,
		    "the private key is enciphered in a way that OpenSSL does not read any more: encipher it "
		    "anew (openssl pkcs8 -topk8 -provider legacy -provider default -in FILE -out NEW)");
	if (is_p12(of_key) ? is_locked(of_key) : is_enciphered(of_key))
		return refuse_passphrase(passphrase, e);
	return err_set(e, -EINVAL,
	    "it is no private key: PEM (traditional and PKCS #8), DER and PKCS #12 with a MAC are read");
}

/* OpenSSL's name of the curve, and the one of FIPS 186-4; NULL: another curve, or no key on one. */
static const char *curve_name(const EVP_PKEY *key)
{
	static const struct {
		const char *ours, *name;
	} curves[] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}};
	char group[32];

	if (!EVP_PKEY_is_a(key, "EC") || !EVP_PKEY_get_group_name(key, group, sizeof(group), NULL))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (strcmp(group, curves[i].ours) == 0)
			return curves[i].name;
	return NULL;
}

static int check_kind(const struct own_key *k, struct err_text *e)
{
	const char *type = EVP_PKEY_get0_type_name(k->key);
	bool pss = own_pss_is(k->key);

	if (pss && own_pss_check(k->key, e) < 0)
		return -EOPNOTSUPP;
	if (own_key_is_rsa(k) || pss) {
		if ((size_t)EVP_PKEY_get_size(k->key) <= OWN_SIGNATURE_MAX)
			return 0;
		return err_set(e, -EOPNOTSUPP, "the RSA key has %d bits: %d are the most",
		    EVP_PKEY_get_bits(k->key), 8 * OWN_SIGNATURE_MAX);
	}
	if (curve_name(k->key) || EVP_PKEY_is_a(k->key, "ED25519") || EVP_PKEY_is_a(k->key, "ED448"))
		return 0;
	return err_set(e, -EOPNOTSUPP,
	    "the private key is of a kind that is not used (%s): take RSA, ECDSA on P-256, P-384 or P-521, "
	    "Ed25519 or Ed448",
	    EVP_PKEY_is_a(k->key, "EC") ? "EC on another curve"
	    : type                      ? type
	                                : "unknown");
}

static int check_pair(const struct own_key *k, struct err_text *e)
{
	if (X509_check_private_key(k->cert[0], k->key))
		return 0;
	ERR_clear_error();
	return err_set(e, -EKEYREJECTED,
	    "the private key does not belong to the certificate: one of the two files is another's");
}

static int make_public(struct own_key *k, struct err_text *e)
{
	int n = i2d_PUBKEY(k->key, &k->public);

	ERR_clear_error();
	if (n <= 0 || n > IKE_PUBLIC_KEY_MAX)
		return err_set(e, -EIO, "its public key cannot be made");
	k->n_public = (size_t)n;
	return 0;
}

int own_key_new(const struct file *cert, const struct file *key, const struct secret *passphrase,
    struct own_key **ret, struct err_text *e)
{
	AUTO(own_key_freep) struct own_key *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_set(e, -ENOMEM, "out of memory");
	k->refs = 1;
	r = read_files(k, cert, key, passphrase, e);
	if (r == 0)
		r = check_kind(k, e);
	if (r < 0)
		return r;
	r = cert ? check_pair(k, e) : make_public(k, e);
	if (r == 0)
		*ret = take_ptr(k);
	return r;
}

int own_key_private(const struct own_key *k, struct secret **ret)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->key);
	unsigned char *der = NULL;
	int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;

	*ret = n > 0 ? secret_dup_bytes(der, (size_t)n) : NULL;
	if (n > 0)
		OPENSSL_clear_free(der, (size_t)n);
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	return *ret ? 0 : -ENOMEM;
}

uint8_t own_key_only_hash(const struct own_key *k)
{
	return own_pss_hash(k->key);
}

enum own_kind own_key_type(const struct own_key *k)
{
	const char *curve = curve_name(k->key);

	if (curve)
		return strcmp(curve, "P-256") == 0   ? OWN_P256
		       : strcmp(curve, "P-384") == 0 ? OWN_P384
		                                     : OWN_P521;
	if (own_key_is_rsa(k) || own_pss_is(k->key))
		return own_pss_is(k->key) ? OWN_RSA_PSS : OWN_RSA;
	return EVP_PKEY_is_a(k->key, "ED448") ? OWN_ED448 : OWN_ED25519;
}

bool own_key_is_rsa(const struct own_key *k)
{
	return EVP_PKEY_is_a(k->key, "RSA");
}

const char *own_key_kind(const struct own_key *k, char buf[OWN_KIND_MAX])
{
	const char *curve = curve_name(k->key);

	if (curve)
		snprintf(buf, OWN_KIND_MAX, "ECDSA %s", curve);
	else if (own_key_is_rsa(k) || own_pss_is(k->key))
		snprintf(buf, OWN_KIND_MAX, "RSA%s of %d bits", own_pss_is(k->key) ? "-PSS" : "",
		    EVP_PKEY_get_bits(k->key));
	else
		snprintf(buf, OWN_KIND_MAX, "%s", EVP_PKEY_is_a(k->key, "ED448") ? "Ed448" : "Ed25519");
	return buf;
}

const char *own_key_warning(const struct own_key *k, struct err_text *buf)
{
	time_t soon = time(NULL) + SOON_S;

	if (!k->n_certs)
		return NULL;
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
	return k->n_certs ? x509_subject(k->cert[0]) : (struct ike1_octets){0};
}

struct ike1_octets own_key_issuer(const struct own_key *k)
{
	return k->n_certs ? x509_issuer(k->cert[0]) : (struct ike1_octets){0};
}

size_t own_key_certs(const struct own_key *k, struct ike1_octets ret[OWN_CERTS_MAX])
{
	for (size_t i = 0; i < k->n_certs; i++)
		ret[i] = (struct ike1_octets){k->der[i], k->n_der[i]};
	return k->n_certs;
}

struct ike1_octets own_key_public(const struct own_key *k)
{
	return (struct ike1_octets){k->public, k->n_public};
}

bool own_key_speaks_for(const struct own_key *k, const struct ike_id *id)
{
	return k->n_certs && x509_is_called(k->cert[0], id);
}

static void ctx_freep(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

int own_key_sign1(const struct own_key *k, const uint8_t *hash, size_t n, uint8_t ret[OWN_SIGNATURE_MAX])
{
	AUTO(ctx_freep) EVP_PKEY_CTX *c = NULL;
	size_t len = OWN_SIGNATURE_MAX;

	if (!own_key_is_rsa(k))
		return -EOPNOTSUPP;
	c = EVP_PKEY_CTX_new(k->key, NULL);
	if (!c || EVP_PKEY_sign_init(c) <= 0 || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) <= 0 ||
	    EVP_PKEY_sign(c, ret, &len, hash, n) <= 0) {
		ERR_clear_error();
		return -EIO;
	}
	return (int)len;
}

static void md_freep(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

/* False: none of ours. NULL: the octets themselves. */
static bool find_hash(uint8_t hash, const char **ret)
{
	static const char *const names[] = {[IKE2_HASH_SHA1] = "SHA1",
	    [IKE2_HASH_SHA256] = "SHA256",
	    [IKE2_HASH_SHA384] = "SHA384",
	    [IKE2_HASH_SHA512] = "SHA512"};

	*ret = hash < ARRAY_SIZE(names) ? names[hash] : NULL;
	return *ret || hash == IKE2_HASH_IDENTITY;
}

/* r | s in place of the DER that OpenSSL makes. */
static int bare_of(const EVP_PKEY *key, uint8_t buf[OWN_SIGNATURE_MAX], size_t n)
{
	int half = (EVP_PKEY_get_bits(key) + 7) / 8;
	const unsigned char *p = buf;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	bool ok = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), buf, half) == half &&
	          BN_bn2binpad(ECDSA_SIG_get0_s(s), buf + half, half) == half;

	ECDSA_SIG_free(s);
	return ok ? 2 * half : -EIO;
}

int own_key_sign2(const struct own_key *k, const struct own_manner *m, struct ike1_octets over,
    uint8_t ret[OWN_SIGNATURE_MAX])
{
	AUTO(md_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key = NULL;
	size_t n = OWN_SIGNATURE_MAX;
	const char *hash;
	bool ok;

	if (!find_hash(m->hash, &hash))
		return -EOPNOTSUPP;
	ok = c && EVP_DigestSignInit_ex(c, &key, hash, NULL, NULL, k->key, NULL) > 0;
	if (ok && m->pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) > 0 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) > 0;
	ok = ok && EVP_DigestSign(c, ret, &n, over.p, over.n) > 0;
	ERR_clear_error();
	if (!ok)
		return -EIO;
	return m->bare ? bare_of(k->key, ret, n) : (int)n;
}
