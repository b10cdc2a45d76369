/*
 * The one wrapper around OpenSSL for packets: keyed state for one direction of one SA, and operations on
 * bursts of packets, in place, without allocation and without looking an algorithm up.
 */
#ifndef POSTERN_CRYPTO_CRYPTO_H
#define POSTERN_CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/auto.h"
#include "base/err.h"
#include "ipsec/alg.h"

/*
 * Fetches every algorithm of lib/ipsec/alg.c once and runs its known-answer test. To be called before a
 * sandbox closes the file system (OpenSSL reads its configuration). 0 (also when done already), -EOPNOTSUPP
 * or -EIO with *e naming the algorithm that is missing or that computes wrongly.
 */
must_check int crypto_init(struct err_text *e);
/* Releases what crypto_init() fetched, once all SAs are freed. */
void crypto_fini(void);

enum crypto_dir { CRYPTO_DIR_NONE = 0, CRYPTO_SEAL, CRYPTO_OPEN };

/* Keys are borrowed during crypto_sa_new() only. */
struct crypto_sa_params {
	enum crypto_dir dir;
	enum alg_enc enc;   /* ALG_ENC_NONE: an AH SA, crypto_mac_* only */
	enum alg_auth auth; /* ALG_AUTH_NONE: combined mode, or no integrity at all */
	const uint8_t *enc_key, *auth_key;
	size_t enc_key_len, auth_key_len;
	uint8_t icv_len; /* octets on the wire; 0: the algorithm's default */
	bool esn;        /* extended sequence numbers: the top half of `seq` is authenticated, not sent */
};

/* Keyed state. Belongs to one worker: no two threads may use it at a time. */
struct crypto_sa;

/* 0, -EOPNOTSUPP for an unknown algorithm, -EINVAL for a key or ICV length that does not fit, -ENOMEM, -EIO
 * when OpenSSL refuses. */
must_check int crypto_sa_new(const struct crypto_sa_params *p, struct crypto_sa **ret);
/* Wipes and frees; NULL is fine. Always returns NULL. */
struct crypto_sa *crypto_sa_free(struct crypto_sa *sa);

uint8_t crypto_sa_icv_len(const struct crypto_sa *sa); /* octets on the wire, 0 without integrity */
uint8_t crypto_sa_iv_len(const struct crypto_sa *sa);  /* octets on the wire */
uint8_t crypto_sa_block(const struct crypto_sa *sa);   /* data must be a multiple of this; at least 1 */

enum crypto_result {
	CRYPTO_OK = 0,
	CRYPTO_BAD_ICV, /* open only: not what the peer sent; nothing in the packet may be believed */
	CRYPTO_BAD_LEN, /* data is not a whole number of cipher blocks */
	CRYPTO_FAILED,  /* the library refused, or sa is of the other direction; a fault of ours, counted as
	                   such */
};

/*
 * One ESP packet, in place. On the wire the parts follow each other: header (SPI, sequence number: 8 octets),
 * IV, data, ICV; the pointers say where, and adjacent parts are handled in one pass.
 *
 * Seal fills iv and icv. The IV is made here from `seq`, which must never repeat under one SA: as it is (64
 * bits, big-endian) for counter modes, enciphered together with a random start value, so that nobody can
 * foresee it, for CBC (NIST SP 800-38A appendix C). Open checks the ICV first, in constant time, and leaves
 * data as it was when the ICV is wrong (for GCM: wiped).
 */
struct crypto_op {
	struct crypto_sa *sa;
	uint8_t *hdr;  /* 8 octets, read only */
	uint8_t *iv;   /* crypto_sa_iv_len() octets; read on open, written on seal */
	uint8_t *data; /* len octets: payload, padding, pad length, next header */
	uint8_t *icv;  /* crypto_sa_icv_len() octets */
	uint64_t seq;  /* the whole number; open uses only the top half, and that only with esn */
	uint32_t len;
	bool
	    iv_given; /* seal with the octets already at iv: for known answers and tests, never for traffic */
	uint8_t result; /* enum crypto_result, written for every op */
};

/* Every op gets a result; a bad one does not disturb its neighbours. Returns how many are CRYPTO_OK. */
size_t crypto_seal_burst(struct crypto_op *ops, size_t n);
size_t crypto_open_burst(struct crypto_op *ops, size_t n);

enum { CRYPTO_MAC_PIECES_MAX = 4 };

/* One integrity value over pieces in order (AH, RFC 4302 section 3.3.3). */
struct crypto_mac_op {
	struct crypto_sa *sa;
	const struct iovec *piece;
	uint32_t n_pieces;
	uint8_t *icv;   /* crypto_sa_icv_len() octets: written by seal, compared by open */
	uint64_t seq;   /* with esn the top half is authenticated behind the pieces */
	uint8_t result; /* enum crypto_result */
};

size_t crypto_mac_seal_burst(struct crypto_mac_op *ops, size_t n);
size_t crypto_mac_open_burst(struct crypto_mac_op *ops, size_t n);

/* "OpenSSL 3.0.11": for status and bug reports. */
const char *crypto_engine_name(void);

#endif
