/*
 * Kinds of files that ipsecctl opens for certd and certd-verify.
 */
#ifndef POSTERN_IPSEC_CREDENTIAL_H
#define POSTERN_IPSEC_CREDENTIAL_H

enum credential_kind {
	CREDENTIAL_NONE = 0,
	CREDENTIAL_PSK,       /* certd: psk.txt */
	CREDENTIAL_CERT,      /* certd: a peer's block's own certificate, and what leads to its authority */
	CREDENTIAL_KEY,       /* certd: the private key of it, or one without a certificate */
	CREDENTIAL_PEER_CERT, /* certd-verify: the one certificate a peer may have */
	CREDENTIAL_CA,        /* certd-verify: authorities of one peer */
	CREDENTIAL_ANCHOR,    /* certd-verify: authorities and revocation lists of all others */
	CREDENTIAL_USERS,     /* certd: names and hashed passwords of XAuth's users */
	CREDENTIAL_PEER_KEY,  /* certd-verify: the one public key a peer may have */
	CREDENTIAL_KINDS,
};

#endif
