/*
 * The four meanings of proposal_check: what of a peer's offer is taken, and with which lifetime. Pure: one
 * answer for one offer, whoever asks.
 */
#ifndef POSTERN_KEYD_IKE1_CHOOSE_H
#define POSTERN_KEYD_IKE1_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "ipsec/ike_conf.h"
#include "wire/ike/v1_transform.h"

/* Why one of our proposals and one of the peer's transforms do not meet; the first of these in this order. */
enum ike1_mismatch {
	IKE1_MEETS = 0,
	IKE1_MISS_MALFORMED, /* attributes that cannot be together */
	IKE1_MISS_UNKNOWN,   /* an attribute that we do not know */
	IKE1_MISS_CIPHER,
	IKE1_MISS_HASH,
	IKE1_MISS_AUTH,
	IKE1_MISS_GROUP,
	IKE1_MISS_KEY_BITS,
	IKE1_MISS_LIFE,
};

/* racoon's word for it in its log: "enctype", "hashtype", "authmethod", "dh_group", ...; "" when they meet.
 */
const char *ike1_mismatch_name(enum ike1_mismatch m);

/* One `proposal` of a racoon.conf. key_bits 0: the cipher has one length. */
struct ike1_own1 {
	uint16_t cipher, key_bits, hash, auth, group;
	uint64_t seconds;
};

/* Bits that a cipher of variable length has when nobody says how many; 0: of fixed length. */
uint16_t ike1_default_bits(uint16_t cipher);

/* Whether a key length is taken, this side answering. */
bool ike1_bits_fit(enum proposal_check check, uint16_t own, uint16_t peer);

/* Whether `own` takes the peer's transform; then *ret_seconds is the ISAKMP SA's lifetime. */
enum ike1_mismatch ike1_meet1(enum proposal_check check, const struct ike1_own1 *own,
    const struct ike1_phase1 *peer, uint64_t *ret_seconds);

struct ike1_choice1 {
	uint32_t own;
	const struct ike1_proposal *proposal;
	const struct ike1_transform *transform;
	struct ike1_phase1 peer;
	uint64_t seconds;
};

/* Told for each pair that did not meet. `own` from 0; of `peer` the proposal, the transform, and its values
 * as far as they can be read. */
typedef void (*ike1_missed_fn)(
    void *arg, enum ike1_mismatch why, uint32_t own, const struct ike1_choice1 *peer);

/* The first of the peer's transforms that has a partner, this side answering. False: none has. `missed` may
 * be NULL. */
must_check bool ike1_choose1(enum proposal_check check, const struct ike1_own1 *own, uint32_t n_own,
    const struct ike1_sa *peer, ike1_missed_fn missed, void *arg, struct ike1_choice1 *ret);

/* What a peer takes a lifetime to be that nobody named (RFC 2407 section 4.5). */
enum { IKE1_LIFE_DEFAULT_S = 28800 };

/* Phase 2. 0: not limited; `group` 0: without perfect forward secrecy. */
struct ike1_terms {
	uint64_t seconds, kilobytes;
	uint16_t group;
};

enum ike1_verdict2 {
	IKE1_TERMS_OK = 0,
	IKE1_TERMS_LONG_SECONDS,   /* "long lifetime proposed" */
	IKE1_TERMS_LONG_KILOBYTES, /* "long lifebyte proposed" */
	IKE1_TERMS_OTHER_SECONDS,  /* "lifetime mismatched" */
	IKE1_TERMS_OTHER_KILOBYTES,
	IKE1_TERMS_GROUP, /* "pfs group mismatched" */
};

/* Whether the peer's terms are taken, this side answering. *ret are those that hold; *ret_tell: the peer must
 * hear of shorter lifetimes (RESPONDER-LIFETIME, RFC 2407 section 4.6.3.1). */
enum ike1_verdict2 ike1_terms2(enum proposal_check check, const struct ike1_terms *own,
    const struct ike1_terms *peer, struct ike1_terms *ret, bool *ret_tell);

#endif
