/*
 * The one wrapper around OpenSSL (and ipsec-mb where it is there) for packets: keyed state for one direction
 * of one SA, and operations on bursts of packets, in place, without allocation and without looking an
 * algorithm up.
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
 * sandbox closes the file system (OpenSSL reads its configuration and loads its legacy provider). What is
 * missing or computes wrongly is absent from then on; only aes-cbc, aes-gcm, 3des-cbc and HMAC with MD5,
 * SHA-1 and SHA-2 must be there. 0 (also when done already), -EOPNOTSUPP or -EIO with *e naming which is not.
 */
must_check int crypto_init(struct err_text *e);
/* Releases what crypto_init() fetched, once all SAs are freed. */
void crypto_fini(void);

/* Whether this OpenSSL provides it. key_len: octets with salt; 0 asks for all lengths it has. */
bool crypto_has_enc(enum alg_enc id, size_t key_len);
bool crypto_has_auth(enum alg_auth id);
/* The same for what an SA needs (NONE: not needed), with a reason. 0, or -EOPNOTSUPP with *e naming the one
 * that is absent and what to install. */
must_check int crypto_check_present(enum alg_enc enc, size_t key_len, enum alg_auth auth, struct err_text *e);
/* "des-cbc, cast128-cbc": setkey's names of all that is absent; "" when nothing is. Until crypto_fini(). */
const char *crypto_absent_names(void);
/* For a log: why the n-th of these is absent. False when there are not so many. */
bool crypto_absent_at(size_t n, struct err_text *e);

/* What is wrong with these octets as a key, to be put behind "the key is refused: "; NULL when nothing is.
 * DES: weak and semi-weak keys, parity bits ignored; 3DES: if one of its three keys is such a one. Static. */
const char *crypto_key_fault(enum alg_enc enc, const uint8_t *key, size_t len);

enum crypto_dir { CRYPTO_DIR_NONE = 0, CRYPTO_SEAL, CRYPTO_OPEN };

/* Keys are borrowed during crypto_sa_new() only. */
struct crypto_sa_params {
	enum crypto_dir dir;
	enum alg_enc enc;   /* ALG_ENC_NONE: an AH SA, crypto_mac_* only */
	enum alg_auth auth; /* ALG_AUTH_NONE: combined mode, or no integrity at all */
	const uint8_t *enc_key, *auth_key;
	size_t enc_key_len, auth_key_len;
	uint8_t icv_len; /* octets on the wire; 0: the algorithm's default (AH's GMAC: IV and tag, 24) */
	bool esn;        /* extended sequence numbers: the top half of `seq` is authenticated, not sent */
};

/* Keyed state. Belongs to one worker: no two threads may use it at a time. */
struct crypto_sa;

/* 0, -EOPNOTSUPP for an unknown algorithm or one that is absent, -EINVAL for a key or ICV length that does
 * not fit, -EKEYREJECTED for a key with a fault (crypto_key_fault()), -ENOMEM, -EIO when OpenSSL refuses. */
must_check int crypto_sa_new(const struct crypto_sa_params *p, struct crypto_sa **ret);
/* Has the processor fetch the state, and in a later call with `keys` what it points to, before they are used;
 * for one of many, so that it waits for all of them at once. NULL is fine. */
void crypto_sa_fetch(const struct crypto_sa *sa, bool keys);
/* Wipes and frees; NULL is fine. Always returns NULL. */
struct crypto_sa *crypto_sa_free(struct crypto_sa *sa);

uint8_t crypto_sa_icv_len(const struct crypto_sa *sa); /* octets on the wire, 0 without integrity */
uint8_t crypto_sa_iv_len(const struct crypto_sa *sa);  /* octets on the wire */
uint8_t crypto_sa_block(const struct crypto_sa *sa);   /* data must be a multiple of this; at least 1 */

enum crypto_result {
	CRYPTO_OK = 0,
	CRYPTO_BAD_ICV, /* open only: not what the peer sent; nothing in the packet may be believed */
	CRYPTO_BAD_LEN, /* data is not a whole number of cipher blocks, or none at all for CCM */
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
 * data as it was when the ICV is wrong (GCM, CCM, ChaCha20: wiped).
 */
struct crypto_op {
	struct crypto_sa *sa;
	uint8_t *hdr;  /* 8 octets, read only */
	uint8_t *iv;   /* crypto_sa_iv_len() octets; read on open, written on seal */
	uint8_t *data; /* len octets: payload, padding, pad length, next header */
	uint8_t *icv;  /* crypto_sa_icv_len() octets */
	uint64_t seq;  /* the whole number; open uses only the top half, and that only with esn */
	uint32_t len;
	bool iv_given;  /* seal with the octets already at iv: for known answers, never for traffic */
	uint8_t result; /* enum crypto_result, written for every op */
};

/* Every op gets a result; a bad one does not disturb its neighbours. Returns how many are CRYPTO_OK. */
size_t crypto_seal_burst(struct crypto_op *ops, size_t n);
size_t crypto_open_burst(struct crypto_op *ops, size_t n);

enum { CRYPTO_MAC_PIECES_MAX = 4 };

/* One integrity value over pieces in order (AH, RFC 4302 section 3.3.3). GMAC's field begins with its IV,
 * which seal makes from `seq` and open reads; the pieces count the whole field as zeros. */
struct crypto_mac_op {
	struct crypto_sa *sa;
	const struct iovec *piece;
	uint32_t n_pieces;
	uint8_t *icv;   /* crypto_sa_icv_len() octets: written by seal, compared by open */
	uint64_t seq;   /* the whole number; with esn the top half is authenticated behind the pieces */
	uint8_t result; /* enum crypto_result */
};

size_t crypto_mac_seal_burst(struct crypto_mac_op *ops, size_t n);
size_t crypto_mac_open_burst(struct crypto_mac_op *ops, size_t n);

/* "OpenSSL 3.0.11, ipsec-mb 1.3.0 (AVX2)": for status and bug reports. Static. */
const char *crypto_engine_name(void);
/* Has SAs that are made from now on worked on by this engine for what it has (crypto/mb/mb.h); NULL: by
 * OpenSSL alone. After crypto_init(), before a sandbox, while there is no SA. False: it is not for this
 * processor or gives wrong answers, and is not used. */
struct crypto_engine;
bool crypto_use_engine(const struct crypto_engine *e);

#endif
