/*
 * Policies that were made for clients, and until when they are there: whose they are stands in the book. They
 * are in the book like root's, with the lowest priority there is, and this table says which of them go when a
 * client goes: when keyd says that the last association has gone; a minute after they were made without leave
 * for one; a day after the last leave; and with a boot. A restart of this process keeps them. No I/O, no time
 * of its own.
 */
#ifndef POSTERN_POLICYD_GENERATED_H
#define POSTERN_POLICYD_GENERATED_H

#include "policyd/book.h"
#include "policyd/generate_rules.h"

enum {
	GENERATED_MAX = 20000,
	GENERATED_OF_ONE_MAX = 64,            /* pairs of one identity */
	GENERATED_NEW_MS = 60000,             /* without leave to make associations for it */
	GENERATED_LIFE_MS = 24 * 3600 * 1000, /* after the last such leave, as long as that is */
};

struct generated {
	struct list node;
	uint32_t out_id, in_id;
	uint64_t expires_ms; /* CLOCK_BOOTTIME */
};

struct generated_set {
	struct list all;
	unsigned n;
};

void generated_init(struct generated_set *g);
void generated_fini(struct generated_set *g);
/* After a start: takes over what the book has from before; what is from before a boot, or nobody's, is taken
 * out. How many were. */
unsigned generated_adopt(struct generated_set *g, struct book *b, uint64_t now_ms);

/* Puts a pair into the book for whom the ticket names. One of his own for the same traffic stays when it is
 * the same in everything, as when he renews his keys, and is replaced else. 0 with the outbound one's number,
 * 1 with that of one that stays; -EEXIST: root's, or another client's; -ENOSPC; -ENOMEM; with a sentence. */
int generated_put(struct generated_set *g, struct book *b, const struct ticket *t,
    const struct generate_pair *p, uint64_t now_ms, uint32_t *ret_out_id, struct err_text *e);
/* Takes a pair out, of `staged` too where a transaction is open (NULL: none). False: no such pair. */
bool generated_drop(struct generated_set *g, struct book *b, struct book *staged, uint32_t out_id);
/* Leave was given to make associations for it. */
void generated_used(struct generated_set *g, uint32_t out_id, uint64_t now_ms);
/* Takes out what is over; forgets what is not in the book any more. How many were taken out. */
unsigned generated_expire(struct generated_set *g, struct book *b, struct book *staged, uint64_t now_ms);
/* UINT64_MAX: there is none. */
uint64_t generated_next_ms(const struct generated_set *g);

#endif
