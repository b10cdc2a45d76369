/*
 * Our own certificate with its chain, and the private key that goes with it.
 */
#ifndef POSTERN_CERTD_OWN_KEY_H
#define POSTERN_CERTD_OWN_KEY_H

#include "certd/file.h"
#include "crypto/ike1.h"
#include "ipsec/ike_conf.h"

enum { OWN_CERTS_MAX = 10, OWN_FILE_MAX = 1 << 18 /* octets */, OWN_SIGNATURE_MAX = 1024 };

struct own_key;

/* From the contents of both files: certificates as PEM (own first) or one as DER; the key as PEM of any kind
 * or DER; or PKCS#12, which has both, as `cert`, with `key` empty. Enciphered keys want a passphrase ("":
 * none is known). 0; -EINVAL, -EKEYREJECTED when the two do not belong together, -EACCES when the passphrase
 * is missing or wrong; with a sentence that says what to do. */
must_check int own_key_new(const struct file *cert, const struct file *key, const char *passphrase,
    struct own_key **ret, struct err_text *e);
/* Wipes and frees; NULL is fine. Returns NULL. */
struct own_key *own_key_free(struct own_key *k);

/* What should be known of it now: expired, not yet valid, or near its end. NULL: nothing. */
const char *own_key_warning(const struct own_key *k, struct err_text *buf);
/* DER: the subject, and the certificates in order. Borrowed. */
struct ike1_octets own_key_subject(const struct own_key *k);
struct ike1_octets own_key_issuer(const struct own_key *k);
size_t own_key_certs(const struct own_key *k, struct ike1_octets ret[OWN_CERTS_MAX]);
/* Whether the certificate speaks for this identity: its subject, or a subjectAltName. */
bool own_key_speaks_for(const struct own_key *k, const struct ike_id *id);
/* Signs a hash as version 1 wants it: PKCS #1 v1.5 without a DigestInfo (RFC 2409 section 5.1). Octets, or
 * -EOPNOTSUPP for a key that is not RSA, -EIO. */
must_check int own_key_sign1(
    const struct own_key *k, const uint8_t *hash, size_t n, uint8_t ret[OWN_SIGNATURE_MAX]);

#endif
