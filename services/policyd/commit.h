/*
 * Bringing versions of the SPD into force: saved, enforced by the kernel, known to datapathd, in an order
 * that leaks nothing; and telling those who wait for it. A state machine without I/O: what happens goes
 * through ports, time is injected.
 */
#ifndef POSTERN_POLICYD_COMMIT_H
#define POSTERN_POLICYD_COMMIT_H

#include "base/clock.h"
#include "base/list.h"
#include "policyd/frozen.h"

enum {
	COMMIT_COALESCE_MS = 3,   /* changes that arrive together make one commit */
	COMMIT_REST_TIMES = 4,    /* after a commit that worked for n ms the next one waits 4n, */
	COMMIT_REST_MAX_MS = 500, /* but never longer than this, and not when a barrier asks for it */
	COMMIT_ACK_WAIT_MS =
	    1000, /* how long additions wait for datapathd before the kernel gets them anyway */
	COMMIT_BARRIER_MS = 5000, /* how long a barrier waits, */
	COMMIT_PER_MS = 10,       /* and both a millisecond longer for so many policies */
	COMMIT_RETRY_MS = 1000,   /* after the kernel or the disk refused */
	COMMIT_BARRIERS_MAX = 256,
};

struct commit_ports {
	void *arg;
	/* Synchronous; 0 or -errno with a sentence. */
	int (*save)(void *arg, const struct frozen *f, struct err_text *e);
	int (*enforce)(void *arg, const struct frozen *f, struct err_text *e);
	/* Starts telling datapathd, which answers through commit_on_ack(). 0, or -ENOTCONN. */
	int (*tell)(void *arg, struct frozen *f);
};

/* `result` 0, or -EIO with a sentence saying who does not have the version and what that means. Called once.
 */
typedef void (*commit_done_fn)(void *arg, int result, uint64_t version, const char *why);

struct commit {
	struct commit_ports ports;
	const struct clock *clock;
	const struct book *book;
	struct frozen *newest;                /* last frozen */
	struct frozen *in_kernel;             /* what the kernel enforces; NULL before the first success */
	bool waiting;                         /* `newest` waits for datapathd before it goes to the kernel */
	uint64_t due_ms;                      /* when to freeze, or to try again; 0: nothing to do */
	uint64_t ack_due_ms;                  /* end of that wait */
	uint64_t work_ms, worked_until_ms;    /* what the last commit cost us, and when it ended */
	uint64_t saved, acked;                /* versions */
	struct err_text save_why, kernel_why; /* empty: fine */
	struct err_text held_why;             /* why the kernel is left alone; empty: it is not */
	struct list barriers;
	unsigned n_barriers;
};

void commit_init(
    struct commit *c, const struct commit_ports *ports, const struct clock *clock, const struct book *book);
/* Barriers still waiting are answered with -EIO. */
void commit_fini(struct commit *c);

/* The book has changed. */
void commit_changed(struct commit *c);
/* Until the next change the kernel keeps what it has, and barriers get `why`: the book is not what was there
 * before. */
void commit_hold(struct commit *c, const char *why);
/* That reason, or NULL. */
const char *commit_held(const struct commit *c);
/* At the start: the book is brought into force before this returns, without waiting for datapathd. */
void commit_at_once(struct commit *c);
/* Calls `done` when `version` (0: the book's newest) is in force. 0, or -EBUSY when too many wait. */
int commit_wait(struct commit *c, uint64_t version, commit_done_fn done, void *arg);

/* datapathd uses this version; it is there and wants the newest; it is gone. */
void commit_on_ack(struct commit *c, uint64_t version);
void commit_on_up(struct commit *c);
void commit_on_down(struct commit *c);

/* Does what is due. */
void commit_step(struct commit *c);
/* When to call it next; UINT64_MAX: only after one of the calls above. */
uint64_t commit_next_ms(const struct commit *c);

uint64_t commit_kernel_version(const struct commit *c);

#endif
