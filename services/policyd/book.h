/*
 * The SPD as KAME's verbs see it: spdadd, spdupdate, spddelete, spdflush on the ordered list, with the
 * numbers policyd gives out. Every change makes a new version.
 */
#ifndef POSTERN_POLICYD_BOOK_H
#define POSTERN_POLICYD_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "ipsec/spd.h"

enum { BOOK_POLICIES_MAX = 200000 };

struct book {
	struct spd *spd;
	const struct clock *clock; /* CLOCK_BOOTTIME unless a test says otherwise */
	uint64_t version;
	uint32_t next_id;    /* spid, never reused while the machine runs */
	uint32_t next_reqid; /* for plain `unique` */
	bool enabled;        /* ipsec_enable */
	struct policy_deflev deflev;
};

/* 0 or -ENOMEM. */
int book_init(struct book *b, uint64_t version);
void book_fini(struct book *b);

/*
 * Takes a copy of `p`. Without `update` an entry of the same identity is -EEXIST "File exists", except one
 * inherited from an earlier boot, which is replaced; with it the entry is replaced, moving to the end, or
 * added. One made for a client gives way to root's. The sentence in `e` is setkey's text where setkey has
 * one. 0; -EEXIST; -EINVAL; -ENOSPC; -ENOMEM.
 */
int book_put(struct book *b, const struct policy *p, bool update, uint32_t *ret_id, struct err_text *e);
/* The same, to be tried before the policy of this number (0: behind all, as book_put()), which has its
 * direction and priority; -ENOENT, -EINVAL: there is none, or it has not. */
int book_put_before(struct book *b, const struct policy *p, bool update, uint32_t before, uint32_t *ret_id,
    struct err_text *e);
/* 0 with the removed entry's id; -ENOENT "No entry". */
int book_delete(
    struct book *b, enum policy_dir dir, const struct selector *sel, uint32_t *ret_id, struct err_text *e);
void book_flush(struct book *b);
/* Its life is over: takes it out into *ret. False when there is none of this number. */
bool book_expire(struct book *b, uint32_t id, struct policy *ret);
/* A packet met it so long ago. Makes no new version. */
void book_used(struct book *b, uint32_t id, uint32_t age_ms);
void book_set_enabled(struct book *b, bool on);
/* What `default` means from now on. False when it meant that before. */
bool book_set_deflev(struct book *b, const struct policy_deflev *d);

/* What changed between two versions, told in this order: everything went (`p` NULL), or each that went; then
 * each that came, in match order. */
enum book_change { BOOK_FLUSHED, BOOK_REMOVED, BOOK_ADDED };
typedef void (*book_change_fn)(void *arg, enum book_change what, const struct policy *p);
void book_diff(const struct spd *before, const struct spd *after, book_change_fn fn, void *arg);

/* A staged copy for a transaction; then either the copy takes the original's place or is forgotten, its
 * numbers used up all the same. */
int book_stage(const struct book *b, struct book *ret_staged);
void book_apply(struct book *b, struct book *staged);
void book_forget(struct book *b, struct book *staged);

#endif
