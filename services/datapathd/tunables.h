/*
 * What an administrator may turn on the data path while it runs, under KAME's names.
 */
#ifndef POSTERN_DATAPATHD_TUNABLES_H
#define POSTERN_DATAPATHD_TUNABLES_H

#include <stdint.h>

#include "base/err.h"

enum tune_df { TUNE_DF_CLEAR = 0, TUNE_DF_SET, TUNE_DF_COPY };

/* Packed into one word, so that a worker takes all of them at once. */
struct tunables {
	uint8_t dfbit; /* enum tune_df: DF of an outer IPv4 header (RFC 4301 section 8.1) */
	uint8_t ecn;   /* 0: the outer header never carries ECN; 1: RFC 6040's normal mode */
	uint8_t dscp;  /* 0: the outer DSCP is zero; 1: the inner one is copied (RFC 4301 section 5.1.2) */
	uint8_t dummy; /* seconds of quiet before a dummy packet (RFC 4303 section 2.6); 0: none is sent */
	uint8_t keepalive; /* seconds of quiet before a NAT keepalive (RFC 3948 section 4); 0: none is sent */
};

extern const struct tunables tunables_default;

uint32_t tunables_pack(struct tunables t);
/* A word from outside: values out of range become the default's. */
struct tunables tunables_unpack(uint32_t word);

/* Sets one by name. 0; -ENOENT: no such name; -EINVAL with `e`: not a value of it. */
int tunables_set(struct tunables *t, const char *name, uint64_t value, struct err_text *e);

#endif
