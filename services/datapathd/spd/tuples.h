/*
 * First match without walking the list: rules that look at the same parts of a packet (so many bits of either
 * address, the upper protocol or not, either port or not) form a tuple, in which a hash finds the one that
 * can match. Tuples are asked in the order of their first rule, until none can hold an earlier one than was
 * found.
 */
#ifndef POSTERN_DATAPATHD_SPD_TUPLES_H
#define POSTERN_DATAPATHD_SPD_TUPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "ipsec/selector.h"

struct spd_rule;
struct tuple;
struct tuple_slot;

/* Immutable once built; any number of readers. */
struct tuples {
	struct spd_rule *const *list; /* borrowed: the rules in match order */
	bool blind;                   /* for packets whose ports cannot be read */
	struct tuple *tuple;          /* in the order of their first rule */
	struct tuple_slot *slot;      /* of all tuples */
	uint32_t n_tuples, n_slots;   /* slots: a power of two, or 0 */
};

/*
 * Of the rules of one address family in list[0..n). `blind`: a rule with ports counts, whatever they are, if
 * it protects or discards, and not otherwise. 0 or -ENOMEM; `t` is to be given to tuples_fini() either way.
 */
int must_check tuples_build(
    struct tuples *t, struct spd_rule *const *list, uint32_t n, uint8_t family, bool blind);
void tuples_fini(struct tuples *t);

/* The first rule that matches, or NULL. The packet is of the family; its ports can be read unless `blind`. */
struct spd_rule *tuples_match(const struct tuples *t, const struct packet_key *k);

/* Of many packets at a time, before they are looked up, in passes from 0 to TUPLES_PASSES - 1: see
 * sad_fetch_in(). */
enum { TUPLES_PASSES = 3 };
void tuples_fetch(const struct tuples *t, const struct packet_key *k, unsigned pass);

/* Octets held. */
size_t tuples_memory(const struct tuples *t);

#endif
