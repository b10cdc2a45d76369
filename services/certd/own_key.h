/*
 * Our own private key, and the certificate with its chain that goes with it, if there is one.
 */
#ifndef POSTERN_CERTD_OWN_KEY_H
#define POSTERN_CERTD_OWN_KEY_H

#include "certd/file.h"
#include "crypto/ike1.h"
#include "ipsec/ike_conf.h"
#include "secret/secret.h"

enum {
	OWN_CERTS_MAX = 10,
	OWN_FILE_MAX = 1 << 18 /* octets */,
	OWN_SIGNATURE_MAX = 1024,
	OWN_KIND_MAX = 32,
	OWN_PASSPHRASE_MAX = 1023 /* octets */
};

struct own_key;

enum own_kind { OWN_RSA = 1, OWN_RSA_PSS, OWN_P256, OWN_P384, OWN_P521, OWN_ED25519, OWN_ED448 };

/* From the contents of both files: certificates as PEM (own first) or one as DER, NULL: there is none (RFC
 * 7670); the key as PEM of any kind or DER, in the same file if `key` is empty; either as PKCS #12. Keys are
 * RSA, RSA for RSASSA-PSS alone (RFC 4055), ECDSA on P-256, P-384 and P-521, Ed25519 and Ed448. `passphrase`
 * opens what is enciphered (NULL: none is known). 0; -EINVAL; -EOPNOTSUPP for another kind of key;
 * -EKEYREJECTED when the two do not belong together; -EACCES when the passphrase is missing or wrong; with a
 * sentence that says what to do. */
must_check int own_key_new(const struct file *cert, const struct file *key, const struct secret *passphrase,
    struct own_key **ret, struct err_text *e);
/* Whether one of the two takes a passphrase to read. */
bool own_key_is_locked(const struct file *cert, const struct file *key);
/* The private key in clear, PKCS #8 as DER (RFC 5208): what own_key_new() takes for `key` without a
 * passphrase. 0; -ENOMEM: also when the arena of secrets is full. */
must_check int own_key_private(const struct own_key *k, struct secret **ret);
/* One more owner of it. */
struct own_key *own_key_ref(struct own_key *k);
/* Once its last owner lets go of it wipes and frees; NULL is fine. Returns NULL. */
struct own_key *own_key_free(struct own_key *k);

/* "RSA of 2048 bits", "ECDSA P-256", "Ed25519" ... into buf. */
const char *own_key_kind(const struct own_key *k, char buf[OWN_KIND_MAX]);
enum own_kind own_key_type(const struct own_key *k);
/* The one hash that a key for RSASSA-PSS may sign over (RFC 4055 section 1.2), enum ike2_hash; 0: any. */
uint8_t own_key_only_hash(const struct own_key *k);
/* The one kind that signs in version 1 (RFC 2409 section 5.1, authentication method 3). */
bool own_key_is_rsa(const struct own_key *k);
/* What should be known of it now: expired, not yet valid, or near its end. NULL: nothing. */
const char *own_key_warning(const struct own_key *k, struct err_text *buf);
/* DER: the subject, and the certificates in order. Borrowed. */
struct ike1_octets own_key_subject(const struct own_key *k);
struct ike1_octets own_key_issuer(const struct own_key *k);
size_t own_key_certs(const struct own_key *k, struct ike1_octets ret[OWN_CERTS_MAX]);
/* SubjectPublicKeyInfo of a key without a certificate, DER, borrowed; empty: it has one. */
struct ike1_octets own_key_public(const struct own_key *k);
/* Whether the certificate speaks for this identity: its subject, or a subjectAltName. */
bool own_key_speaks_for(const struct own_key *k, const struct ike_id *id);
/* Signs a hash as version 1 wants it: PKCS #1 v1.5 without a DigestInfo (RFC 2409 section 5.1). Octets, or
 * -EOPNOTSUPP for a key that is not RSA, -EIO. */
must_check int own_key_sign1(
    const struct own_key *k, const uint8_t *hash, size_t n, uint8_t ret[OWN_SIGNATURE_MAX]);
/* How version 2 has it signed. */
struct own_manner {
	uint8_t hash; /* enum ike2_hash; with Ed25519 and Ed448 IKE2_HASH_IDENTITY */
	bool pss;     /* of RSA: with a salt as long as the hash; else PKCS #1 v1.5 */
	bool bare; /* of ECDSA: r | s, each as long as the curve's numbers (RFC 4754 section 7); else DER */
};
/* Signs octets. Octets of the signature, or -EOPNOTSUPP for a hash that is none of these, -EIO. */
must_check int own_key_sign2(const struct own_key *k, const struct own_manner *m, struct ike1_octets over,
    uint8_t ret[OWN_SIGNATURE_MAX]);

#endif
