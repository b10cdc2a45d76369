/*
 * The same for key exchange itself: how many of its SAs have what ipsec/ike_weak.h speaks of.
 */
#ifndef POSTERN_CLI_WEAK_IKE_H
#define POSTERN_CLI_WEAK_IKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipsec/ike_row.h"

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
