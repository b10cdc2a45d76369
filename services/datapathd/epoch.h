/*
 * Quiet-point reclamation (QSBR). Control publishes immutable objects by pointer swap; what it takes out of
 * sight is freed only after every worker has passed a point at which it held no pointer. Workers take no
 * locks and count no references.
 */
#ifndef POSTERN_DATAPATHD_EPOCH_H
#define POSTERN_DATAPATHD_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WORKERS_MAX = 1 }; /* ownership rules are those of many; the number is one for now */

/* Embedded in what is retired. */
struct retired {
	struct retired *next;
	uint64_t epoch;
	void (*free)(struct retired *r);
};

struct epoch {
	_Atomic uint64_t now;
	_Alignas(64) _Atomic uint64_t seen[WORKERS_MAX]; /* UINT64_MAX: asleep, holds nothing */
	_Atomic uint64_t awaited;      /* control wants to hear when all have seen this; 0: nothing */
	struct retired *first, **tail; /* control's */
};

void epoch_init(struct epoch *e);
/* Frees what is left; no worker may run any more. */
void epoch_fini(struct epoch *e);

/* Worker: at the top of a round, holding nothing. True when control waits to hear of it. */
bool epoch_quiet(struct epoch *e, unsigned worker);
/* Worker: about to sleep, holding nothing until epoch_quiet(). True as above. */
bool epoch_sleep(struct epoch *e, unsigned worker);

/* Control: everything published before this call is what workers use once epoch_passed() says so. */
uint64_t epoch_advance(struct epoch *e);
bool epoch_passed(const struct epoch *e, uint64_t epoch);
/* Control: asks for a wake-up (epoch_quiet() and epoch_sleep() return true) once `epoch` may have passed. */
void epoch_await(struct epoch *e, uint64_t epoch);

/* Control: r is out of sight of new readers; free it when the last old reader is gone. */
void epoch_retire(struct epoch *e, struct retired *r, void (*free)(struct retired *r));
/* Control: frees what may be freed; true while something still waits. */
bool epoch_reclaim(struct epoch *e);

#endif
