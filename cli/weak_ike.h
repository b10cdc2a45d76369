/*
 * The same for key exchange itself: what RFC 8247 advises against, and modes that give away more than they
 * must.
 */
#ifndef POSTERN_CLI_WEAK_IKE_H
#define POSTERN_CLI_WEAK_IKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipsec/ike_row.h"

/* What is wrong with it and what to take, to stand behind "negotiates with"; NULL: nothing. */
const char *weak_ike_cipher(enum alg_enc enc);
const char *weak_ike_hash(enum alg_prf hash);
const char *weak_ike_group(enum alg_group group);
/* Whether a mode lets others guess at a pre-shared key, by themselves and as often as they like. */
bool weak_ike_guess(enum ike_mode mode, enum ike_auth_method auth);

enum { WEAK_IKE_KINDS = 4 };

struct weak_ike_notes {
	uint32_t n[WEAK_IKE_KINDS]; /* IKE SAs per kind */
	uint32_t n_sas;             /* that have agreed on something */
};

void weak_ike_judge(struct weak_ike_notes *w, const struct ike_row_sa *sa);
/* "name" and sentence of a kind, for SAs counted in n[kind]. */
const char *weak_ike_name(size_t kind);
const char *weak_ike_text(size_t kind);

#endif
