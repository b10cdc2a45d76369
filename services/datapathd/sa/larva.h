/*
 * SPIs that were reserved and have no SA yet (RFC 2367 section 3.1.1, GETSPI; setkey.md 8.4): state larval.
 * They hold no key and no packet asks for them, so they live in ordinary memory, few and not for long.
 */
#ifndef POSTERN_DATAPATHD_SA_LARVA_H
#define POSTERN_DATAPATHD_SA_LARVA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "inet/addr.h"
#include "ipsec/policy.h"

enum {
	LARVAE_MAX = 256, /* of setkey's */
	LARVA_LIFE_MS = 30000,
	LARVAE_HELD_MAX = 2048, /* of those that have a holder */
	LARVA_HELD_LIFE_MS =
	    300000, /* longer than any negotiation: the holder gives back what it does not use */
};

struct larva {
	uint64_t serial; /* 0: free */
	struct inet_addr src, dst;
	enum ipsec_proto proto;
	uint32_t spi, pid;
	uint64_t created_ms, created_wall_ms;
	const void *holder;    /* whose negotiation it is for, and with whom it ends; NULL: setkey's */
	const void *doomed_by; /* the transaction at whose commit it goes; NULL: none */
};

struct larvae {
	struct larva l[LARVAE_MAX + LARVAE_HELD_MAX];
	uint32_t end; /* places from here on are free */
	uint32_t n, n_held;
};

void larvae_init(struct larvae *v);
/* Takes a copy; spi, serial and times are set. 0, or -ENOSPC: those with a holder and those without have a
 * limit each. */
int must_check larvae_add(struct larvae *v, const struct larva *l);
/* By what identifies an SA; NULL when there is none. */
struct larva *larvae_find(
    struct larvae *v, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi);
void larvae_remove(struct larvae *v, struct larva *l);
/* Removes those whose time is over. */
void larvae_age(struct larvae *v, uint64_t now_ms);
/* Removes those of this holder, which is gone. */
void larvae_remove_held(struct larvae *v, const void *holder);
/* Marks those of `proto` (0: all) for a flush by the transaction `by`. How many did not have its mark. */
uint32_t larvae_doom(struct larvae *v, uint32_t proto, const void *by);
/* The transaction's end: those with its mark go, or are spared. */
void larvae_remove_doomed(struct larvae *v, const void *by);
void larvae_spare(struct larvae *v, const void *by);
/* The first at or behind place `*at`, which moves behind it; NULL at the end. */
const struct larva *larvae_next(const struct larvae *v, uint32_t *at);

#endif
