/*
 * What one loaded configuration trusts: authorities and revocation lists for everybody, and for single peers
 * an authority or a certificate of their own.
 */
#ifndef POSTERN_CERTD_VERIFY_ANCHORS_H
#define POSTERN_CERTD_VERIFY_ANCHORS_H

#include <openssl/x509.h>

#include "base/err.h"
#include "certd/file.h"
#include "ipsec/credential.h"
#include "ipsec/ike_conf.h"

enum {
	ANCHORS_FILES_MAX = 4096,            /* of the folder, which may be a wrong one */
	ANCHORS_OWN_MAX = 2 * IKE_PEERS_MAX, /* of single peers, each of which was named */
	ANCHORS_FILE_MAX = 1 << 20,
};

struct anchors {
	uint64_t generation;
	struct ike_conf *conf;
	uint32_t n_peers, n_files, n_own;
	X509_STORE *all; /* the folder */
	STACK_OF(X509_CRL) *
	    crls;         /* of all files, for all peers: also those with an authority of their own */
	X509_STORE **own; /* of a peer with ca_type; NULL: the folder counts */
	X509 **pinned;    /* of a peer with peers_certfile; NULL: none */
	EVP_PKEY **key;   /* of a peer that has no certificate but this key (RFC 7670); NULL: another one */
};

/* NULL without memory. */
struct anchors *anchors_new(uint32_t n_peers);
/* NULL is fine. Returns NULL. */
struct anchors *anchors_free(struct anchors *a);
/* A file's contents: certificates and revocation lists, or one public key, PEM or DER. 0 with how many were
 * found in it; -EINVAL for one that should have been one; -ENOSPC; with a sentence. */
must_check int anchors_add(
    struct anchors *a, enum credential_kind kind, uint32_t peer, const struct file *f, struct err_text *e);

#endif
