/*
 * The ordered SPD (setkey.md 8.1): three lists, `in`, `out` and `fwd`, first match wins. Larger priority
 * comes first, then whoever was added first. An entry's identity is its direction and exact selector.
 */
#ifndef POSTERN_IPSEC_SPD_H
#define POSTERN_IPSEC_SPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "ipsec/policy.h"

struct spd;

enum { SPD_OWNER_LEN = 16 /* octets */ };

/* Owned by its SPD; readers may look at `policy`, `inherited` and the times. */
struct spd_entry {
	struct list in_list; /* of its direction, in match order */
	struct spd_entry *hash_next, *id_next;
	/* CLOCK_BOOTTIME, below 0: before this boot. used: 0, not known. Its user's to set. */
	int64_t born_ms, used_ms;
	/* Whom a generated one was made for, as its user tells people apart; zero: not known. Its user's to
	 * set. */
	uint8_t owner[SPD_OWNER_LEN];
	bool inherited; /* restored from an earlier boot: a new entry of the same identity replaces it */
	struct policy policy; /* last, cut off: see policy_copy() */
};

/* 0 or -ENOMEM. Free with spd_free(), which accepts NULL and returns NULL. */
int spd_new(struct spd **ret);
struct spd *spd_free(struct spd *s);
static inline void spd_freep_(struct spd **s)
{
	*s = spd_free(*s);
}
#define AUTO_SPD AUTO(spd_freep_)

/* A copy with the same entries in the same order. 0 or -ENOMEM. */
int spd_clone(const struct spd *s, struct spd **ret);

/*
 * Takes a copy of `p` (which has passed policy_check()) into its place: behind every entry of the same or a
 * larger priority. 0; -EEXIST when the identity is there already; -ENOMEM. `ret` may be NULL.
 */
int spd_insert(struct spd *s, const struct policy *p, struct spd_entry **ret);
/* The same in front of an entry of `s`, which has its direction and priority; NULL: where spd_insert() puts
 * it. */
int spd_insert_before(
    struct spd *s, const struct policy *p, struct spd_entry *before, struct spd_entry **ret);
/* `e` belongs to `s` and is gone afterwards. */
void spd_remove(struct spd *s, struct spd_entry *e);
void spd_clear(struct spd *s);

/* By identity, in constant time; NULL when there is none. */
struct spd_entry *spd_find(const struct spd *s, enum policy_dir dir, const struct selector *sel);

/* By number (not 0), in constant time; NULL when there is none. */
struct spd_entry *spd_find_id(const struct spd *s, uint32_t id);

/* In match order; NULL at the end. */
struct spd_entry *spd_first(const struct spd *s, enum policy_dir dir);
struct spd_entry *spd_next(const struct spd *s, const struct spd_entry *e);

/* What of `in` counts for forwarded packets: the entries without in_only, in the same order. */
const struct spd_entry *spd_first_mirrored(const struct spd *s);
const struct spd_entry *spd_next_mirrored(const struct spd *s, const struct spd_entry *e);
/* How many `in` entries do not. */
size_t spd_count_in_only(const struct spd *s);

/* POLICY_DIR_NONE counts all three. */
size_t spd_count(const struct spd *s, enum policy_dir dir);

/* The entry that decides about this packet, or NULL. `lenient` as in selector_match(). Walks the list. */
struct spd_entry *spd_match(
    const struct spd *s, enum policy_dir dir, const struct packet_key *k, bool lenient);

#endif
