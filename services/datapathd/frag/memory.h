/*
 * Remembers what a first fragment said about ports, so that later fragments of the same datagram meet the
 * same policy. Bounded: a full set forgets its oldest entry, and what is not remembered fails closed.
 */
#ifndef POSTERN_DATAPATHD_FRAG_MEMORY_H
#define POSTERN_DATAPATHD_FRAG_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "ipsec/selector.h"

enum { FRAG_MEMORY_SETS = 256, FRAG_MEMORY_WAYS = 4, FRAG_MEMORY_MS = 30000 };

struct frag_memory_entry {
	struct inet_addr src, dst;
	uint32_t id;
	uint8_t proto;
	uint16_t sport, dport;
	uint64_t until_ms; /* 0: free */
};

struct frag_memory {
	uint64_t seed; /* so that a stranger cannot choose which set fills */
	struct frag_memory_entry e[FRAG_MEMORY_SETS][FRAG_MEMORY_WAYS];
};

void frag_memory_init(struct frag_memory *m, uint64_t seed);
/* From a first fragment whose ports could be read. */
void frag_memory_put(struct frag_memory *m, const struct packet_key *k, uint32_t id, uint64_t now_ms);
/* Completes the key of a later fragment, of an IPv6 one the protocol too; false, and k untouched, when the
 * first one was not seen. */
bool frag_memory_get(const struct frag_memory *m, struct packet_key *k, uint32_t id, uint64_t now_ms);

#endif
