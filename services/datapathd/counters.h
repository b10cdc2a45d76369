/*
 * The counters of one worker. Only that worker writes them; the control thread reads them while they move.
 */
#ifndef POSTERN_DATAPATHD_COUNTERS_H
#define POSTERN_DATAPATHD_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapathd/drop.h"

enum { HIST_ALG_MAX = 32 }; /* above every number in alg.h */
enum hist { HIST_IN_AH, HIST_IN_ESP, HIST_IN_COMP, HIST_OUT_AH, HIST_OUT_ESP, HIST_OUT_COMP, HIST_N };

/* What neither KAME nor a drop reason counts: enum suffix, stable name. */
#define PATH_COUNTER_LIST(X)                                                                                 \
	X(TUN_READ, "path.tun_read")                                                                         \
	X(TUN_WRITTEN, "path.tun_written")                                                                   \
	X(RECEIVED, "path.received")                                                                         \
	X(SENT, "path.sent")                                                                                 \
	X(SENT_CLEAR, "path.sent_clear")                                                                     \
	X(FRAGMENTED, "path.fragmented")                                                                     \
	X(CUT_BEFORE, "path.cut_before")                                                                     \
	X(TOO_BIG_TOLD, "path.too_big_told")                                                                 \
	X(MTU_LEARNT, "path.mtu_learnt")                                                                     \
	X(MTU_IGNORED, "path.mtu_ignored")                                                                   \
	X(IKE_RECEIVED, "path.ike_received")                                                                 \
	X(DUMMIES, "path.dummies")                                                                           \
	X(MSS_LOWERED, "path.mss_lowered")                                                                   \
	X(NOT_COMPRESSED, "path.not_compressed")                                                             \
	X(REASSEMBLED, "path.reassembled")                                                                   \
	X(FRAGMENT_HELD, "path.fragment_held")                                                               \
	X(WAITED, "path.waited")                                                                             \
	X(ACQUIRE_WANTED, "path.acquire_wanted")                                                             \
	X(ACQUIRE_LOST, "path.acquire_lost")

enum path_counter {
#define X(id, name) PATH_##id,
	PATH_COUNTER_LIST(X)
#undef X
	    PATH_N,
};

struct counters {
	_Alignas(64) _Atomic uint64_t kame[2][KAME_N]; /* [is IPv6] */
	_Atomic uint64_t hist[2][HIST_N][HIST_ALG_MAX];
	_Atomic uint64_t drop[DROP_N];
	_Atomic uint64_t path[PATH_N];
};

/* One writer, so a plain read-add-write is enough; relaxed because nobody orders anything by a counter. */
static inline void counter_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t counter_get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static inline void count_kame(struct counters *c, bool v6, enum kame_counter k)
{
	if (k != KAME_NONE)
		counter_add(&c->kame[v6][k], 1);
}

static inline void count_hist(struct counters *c, bool v6, enum hist h, unsigned alg)
{
	if (alg < HIST_ALG_MAX)
		counter_add(&c->hist[v6][h][alg], 1);
}

static inline void count_path(struct counters *c, enum path_counter p)
{
	counter_add(&c->path[p], 1);
}

/* Calls fn once per counter, in display order: KAME's IPv4 set, the IPv6 set ("ip6."), drops, path. Histogram
 * lines with zero are left out. */
void counters_each(
    const struct counters *c, void (*fn)(void *arg, const char *name, uint64_t value), void *arg);

#endif
