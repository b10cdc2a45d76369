/*
 * The databases in setkey's own words: the blocks of `setkey -D` and `-DP`, to the byte (setkey.md section
 * 9).
 */
#ifndef POSTERN_CLI_DUMP_DUMP_H
#define POSTERN_CLI_DUMP_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ipsec/policy.h"
#include "ipsec/sa.h"

struct dump_style {
	bool ports; /* -p: [port] behind addresses, [0] where there is none; SAs in UDP always show theirs */
	uint64_t now_wall_ms;
	uint32_t pid; /* of whoever asks: policies show it */
};

/* One block. `seq` counts down to 0 over a dump. Keys that are not there (d->enc_key NULL) leave columns of
 * dashes. */
void dump_sa(FILE *to, const struct sa_desc *d, const struct sa_status *s, uint32_t seq,
    const struct dump_style *style);
void dump_policy(FILE *to, const struct policy *p, uint32_t seq, const struct dump_style *style);

/* What stands between spdadd and its `;`, on one line; ports of endpoints where there are some. */
void dump_policy_line(FILE *to, const struct policy *p);

/* The one-line form of -l, and the line above it. */
void dump_sa_short_head(FILE *to);
void dump_sa_short(
    FILE *to, const struct sa_desc *d, const struct sa_status *s, const struct dump_style *style);

#endif
