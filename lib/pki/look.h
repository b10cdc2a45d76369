/*
 * What is in a file of certificates, keys, requests or revocation lists, as plain values and words; and what
 * would keep IKE from using it.
 */
#ifndef POSTERN_PKI_LOOK_H
#define POSTERN_PKI_LOOK_H

#include "pki/pki.h"

enum { PKI_ITEMS_MAX = 64, PKI_NAME_STRLEN = 512, PKI_KIND_STRLEN = 32 };

enum pki_item_kind { PKI_ITEM_CERT, PKI_ITEM_REQUEST, PKI_ITEM_LIST, PKI_ITEM_KEY, PKI_ITEM_PUBLIC };

/* A growing row of texts, owned. */
struct pki_words {
	char **v;
	size_t n;
};

struct pki_revoked {
	char serial[PKI_SERIAL_STRLEN];
	int64_t when;
	const char *reason; /* one of pki_reasons, another word of RFC 5280's, or NULL */
};

/* Of a private key only kind, key and is_locked are told, of a public one kind, key, fingerprint and unfit.
 */
struct pki_item {
	enum pki_item_kind kind;
	char subject[PKI_NAME_STRLEN]; /* as racoon.conf writes names; not of lists */
	char issuer[PKI_NAME_STRLEN];  /* of certificates and lists */
	char serial[PKI_SERIAL_STRLEN];
	char key[PKI_KIND_STRLEN];       /* "RSA of 3072 bits" */
	char signature[PKI_KIND_STRLEN]; /* the hash it is signed over: "SHA256"; "" where the signature has
	                                    its own */
	char fingerprint[2 * 32 + 1];    /* SHA-256 of the DER */
	char hash[PKI_HASH_STRLEN];      /* of certificates */
	int64_t from, to; /* validity, or this and the next update; seconds since 1970, 0: not said */
	bool is_ca, is_self_signed, is_locked;
	struct pki_words
	    names; /* "host gw.example.org", "address 192.0.2.1", "user joe@example.org", "other ..." */
	struct pki_words uses;     /* of keyUsage and extendedKeyUsage */
	struct pki_words unfit;    /* sentences: why IKE cannot use it; none: it can */
	struct pki_words warnings; /* sentences: why somebody might not take it */
	struct pki_revoked *revoked;
	size_t n_revoked;
};

struct pki_look {
	struct pki_item *item;
	size_t n;
	bool is_p12;
};

/* PEM with any number of blocks, DER, or PKCS #12 that the passphrase (NULL: none) opens. -EACCES: it does
 * not; -EINVAL: it is none of that; with a sentence. */
must_check int pki_look(const void *p, size_t n, const struct secret *passphrase, int64_t now,
    struct pki_look *ret, struct err_text *e);
void pki_look_fini(struct pki_look *l);
#define AUTO_PKI_LOOK AUTO(pki_look_fini)

#endif
