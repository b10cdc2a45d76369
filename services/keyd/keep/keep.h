/*
 * What keyd remembers over its own death: ISAKMP SAs and pairs of IPsec SAs that are established, in segments
 * of secret memory that wait in the launcher's store while no process of ours runs (as the SAD does). A thing
 * is there whole or not at all; what cannot be kept as it is, is not kept.
 */
#ifndef POSTERN_KEYD_KEEP_KEEP_H
#define POSTERN_KEYD_KEEP_KEEP_H

#include "base/err.h"
#include "base/rng.h"
#include "base/wr.h"
#include "keyd/keep/slot.h"
#include "secret/region.h"

enum {
	KEEP_SEGMENTS_MAX = 64, /* 64 MiB: 20000 ISAKMP SAs with a pair each, and two million message ids */
	KEEP_NAME_MAX = 16,     /* "sas-63" */
};

struct keep;

struct keep_env {
	struct rng *rng;
	/* Makes memory; NULL: secret_region_create(). */
	int (*create)(const char *name, size_t n, struct secret_region *ret, struct err_text *e);
	/* Puts a copy of a new segment into the launcher's store. Negative: nobody keeps it. May be NULL. */
	int (*store)(void *arg, const char *name, int fd);
	/* Takes it out: it is not what its name says. May be NULL. */
	void (*forget)(void *arg, const char *name);
	/* One line about memory that was refused, or that there is not. May be NULL. */
	void (*log)(void *arg, const char *what);
	void *arg;
};

/* Where something is kept: lies in it. Zero: it is not. */
struct keep_place {
	uint64_t key, turn;
	uint32_t at, n_slots; /* at 0: nowhere */
	uint32_t *seen;       /* slots with its message ids; owned */
	uint32_t n_seen;
	bool refused; /* it could not be kept once, so something of it may be missing */
};

/* NULL: no memory. `env` is copied. */
struct keep *keep_new(const struct keep_env *env);
/* Unmaps; what is in memory stays there for a successor. NULL is fine. Returns NULL. */
struct keep *keep_free(struct keep *k);

/* Takes over a descriptor (owned from here on, also on failure) that came back under `name`. 0; -EINVAL when
 * it is none of our segments: logged, and the launcher forgets it; -ENOMEM. */
must_check int keep_adopt(struct keep *k, const char *name, int fd);

/* What an earlier life has left. */
struct keep_found {
	enum keep_kind kind;   /* ISAKMP or CHILD */
	const uint8_t *octets; /* borrowed, until it is dropped */
	size_t n;
	uint64_t heard_ms;
	uint32_t dpd_seq;
	struct keep_place place; /* to be taken over by a move */
};
struct keep_counts {
	uint32_t taken, bad;
};
/* After the last adopt and before the first put: calls fn for each in the order in which they were made.
 * False from it refuses one, for which it has said why in the log. What is damaged is cleared and counted. */
struct keep_counts keep_scan(struct keep *k, bool (*fn)(void *arg, struct keep_found *f), void *arg);
/* The message ids of one, each once or twice. */
void keep_each_seen(
    const struct keep *k, const struct keep_place *p, void (*fn)(void *arg, uint32_t id), void *arg);

/* Writes it, in the place of what it was before: a kill leaves either. `write` writes octets. A failure
 * leaves neither, and it is refused from then on. `k` NULL: nothing is kept, here and below. */
void keep_put(struct keep *k, struct keep_place *p, enum keep_kind kind,
    void (*write)(struct wr *w, const void *what), const void *what);
/* It is over. `k` NULL: only its place is forgotten. */
void keep_drop(struct keep *k, struct keep_place *p);
/* A message id of its peer: down before the message does anything. Before the first put, too. */
void keep_saw(struct keep *k, struct keep_place *p, uint32_t id);
void keep_heard(struct keep *k, const struct keep_place *p, uint64_t ms);
void keep_asked(struct keep *k, const struct keep_place *p, uint32_t dpd_seq);

static inline bool keep_has(const struct keep_place *p)
{
	return p->at != 0;
}

/* Slots in use, headers apart; segments; and whether all of these wait in a launcher's store. */
uint32_t keep_n_slots(const struct keep *k);
uint32_t keep_n_segments(const struct keep *k);
bool keep_is_stored(const struct keep *k);

#endif
