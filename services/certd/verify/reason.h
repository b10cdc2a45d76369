/*
 * Why a peer's certificate or signature is not believed: one list, from which enum, name, sentence and remedy
 * follow. The log has all of it; the wire only the standard notify.
 */
#ifndef POSTERN_CERTD_VERIFY_REASON_H
#define POSTERN_CERTD_VERIFY_REASON_H

#define VERIFY_REASONS(X)                                                                                    \
	X(NONE, "none", "", "")                                                                              \
	X(NO_CERT, "cert-missing", "the peer sent no certificate",                                           \
	    "let the peer send one (send_cert on), or name its file with peers_certfile")                    \
	X(MALFORMED, "cert-malformed", "the peer's certificate cannot be read",                              \
	    "ask the peer for a X.509 one")                                                                  \
	X(NOT_YET, "cert-not-yet-valid", "the certificate is not valid yet",                                 \
	    "compare the clocks of both hosts")                                                              \
	X(EXPIRED, "cert-expired", "the certificate has expired", "the peer has to renew it")                \
	X(REVOKED, "cert-revoked", "the certificate has been revoked by its issuer",                         \
	    "the peer needs a new one")                                                                      \
	X(UNTRUSTED, "cert-untrusted", "no authority that is trusted here has issued the certificate",       \
	    "put the authority's certificate into the folder of path certificate")                           \
	X(BAD_CHAIN, "cert-chain", "the certificate's chain does not hold",                                  \
	    "look at the chain with openssl verify")                                                         \
	X(PURPOSE, "cert-purpose", "the certificate is not meant for this use",                              \
	    "its key usage must allow digital signatures, its extended key usage IKE or TLS")                \
	X(CRL, "crl-invalid", "the issuer's revocation list cannot be used",                                 \
	    "put a current list into the folder")                                                            \
	X(ID_MISMATCH, "id-mismatch", "the identity is not one that the certificate bears",                  \
	    "compare the peer's my_identifier with its certificate's subject and subjectAltName")            \
	X(ID_UNEXPECTED, "id-unexpected", "the identity is none of peers_identifier",                        \
	    "correct peers_identifier, or switch verify_identifier off")                                     \
	X(KEY_TYPE, "key-type", "the certificate's key is not RSA, which rsasig needs",                      \
	    "give the peer a certificate with an RSA key")                                                   \
	X(BAD_SIGNATURE, "signature-wrong",                                                                  \
	    "the signature is wrong: the peer does not have the key of this certificate",                    \
	    "the peer's private key and certificate may not belong together, or the pinned file is "         \
	    "another's")                                                                                     \
	X(WEAK, "cert-weak",                                                                                 \
	    "the certificate could be forged: its key is too small or its signature's hash is broken",       \
	    "let the peer have one with an RSA key of 2048 bits or an ECDSA key, issued over SHA-256; "      \
	    "weak-certificates yes believes it all the same")                                                \
	X(OTHER_KEY, "key-other", "the peer has sent another public key than the one it is to have",         \
	    "if it was changed, put the new one into the file of remote-key")                                \
	X(KEY_MALFORMED, "key-malformed", "the public key that the peer has sent cannot be read",            \
	    "let it send none, or a SubjectPublicKeyInfo (RFC 7670)")                                        \
	X(ALGORITHM, "signature-algorithm",                                                                  \
	    "the signature's algorithm is none that is believed, or not one of the certificate's key",       \
	    "let the peer sign with its certificate's key, over SHA-256 or better")                          \
	X(INTERNAL, "internal", "the check could not be made", "look at the log of certd-verify")

enum verify_reason {
#define ENUM(name_, text_, sentence_, remedy_) VERIFY_##name_,
	VERIFY_REASONS(ENUM)
#undef ENUM
	    VERIFY_REASONS_N
};

const char *verify_reason_name(enum verify_reason r);     /* "cert-expired" */
const char *verify_reason_sentence(enum verify_reason r); /* without a full stop */
const char *verify_reason_remedy(enum verify_reason r);
/* What keyd is answered: EACCES, such an identity is not wanted; EBADMSG, the proof is none. */
int verify_reason_code(enum verify_reason r);

#endif
