/*
 * The SAD: control descriptions on the control thread's list, run-time halves in two lock-free indexes that
 * the worker reads. All changes are made by the control thread.
 */
#ifndef POSTERN_DATAPATHD_SA_SAD_H
#define POSTERN_DATAPATHD_SA_SAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "datapathd/epoch.h"
#include "datapathd/rhash.h"
#include "datapathd/sa/larva.h"
#include "datapathd/sa/rt.h"
#include "datapathd/sa/store.h"
#include "ipsec/sa.h"

struct sad_txn;

/* The control half. What `desc` points to is its own: keys are in the slot, reqids in the run-time half. */
struct sa {
	struct list link; /* in the SAD by serial, or in a transaction */
	struct retired retired;
	struct sad *sad;
	struct sa_desc desc;
	struct sad_slot_facts facts;
	struct sad_slot *slot;
	struct sa_rt *rt;
	bool indexed;                    /* workers can find it */
	bool leaving;                    /* removed; stays in the indexes until the quiet point */
	bool carries_on;                 /* staged by `update`: goes on where the SA it replaces stands */
	const struct sad_txn *doomed_by; /* the transaction that removes it; NULL: none */
	uint64_t kept_alive_ms;          /* when the last NAT keepalive was sent */
	uint16_t untold_port;            /* the peer's by now, of which keyd has not heard; 0: it knows */
	uint64_t dead_ms;                /* since when it is only shown, not used; 0: alive */
};

enum { SAD_DEAD_KEEP_MS = 10000 /* how long an expired SA is still shown by `-a` */ };

struct sad {
	struct epoch *epoch;
	struct sad_store *store;
	struct rhash by_spi, by_pair; /* of struct sa_rt */
	_Atomic bool prefer_old;
	struct list all; /* struct sa, oldest serial first */
	struct larvae larvae;
	struct list iters; /* struct sad_iter */
	uint32_t n;
	const struct clock *clock;
};

/* Where a dump stands; it survives any change in between. */
struct sad_iter {
	struct list link;
	struct list *next;
};

/* `epoch` and `store` (scanned by sad_recover()) are borrowed. 0, or -ENOMEM. */
int must_check sad_init(
    struct sad *s, struct epoch *epoch, struct sad_store *store, const struct clock *clock);
/* Frees the control halves, not SAD memory; no worker may run. */
void sad_fini(struct sad *s);
/* Takes over what an earlier life left in the store. */
struct sad_store_found sad_recover(struct sad *s);

/* --- worker --- */

/* Inbound: (destination, protocol, SPI), RFC 4301 section 4.1. In any state. NULL: none. */
struct sa_rt *sad_find_in(struct sad *s, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi);

/* Inbound IPComp with a well-known CPI names no SA: any usable one of this pair (RFC 3173 section 3.3). NULL:
 * none. */
struct sa_rt *sad_find_comp(
    struct sad *s, const struct inet_addr *src, const struct inet_addr *dst, uint16_t cpi, uint64_t now_ms);

struct sad_want {
	struct inet_addr src, dst;
	enum ipsec_proto proto;
	enum ipsec_mode mode;  /* transport or tunnel */
	uint32_t reqid;        /* 0: SAs with any */
	uint16_t sport, dport; /* of an SA in UDP; 0: any */
	uint64_t now_ms;
};
/* Outbound: the usable SA that `key_preferred_oldsa` chooses (setkey.md 8.2, 8.3), or NULL. */
struct sa_rt *sad_find_out(struct sad *s, const struct sad_want *w);

enum { SAD_FETCH_MAX = 192 };

/* Of many packets at a time, before they are looked up: with many SAs what is asked for here is in no cache,
 * and the waits for it overlap. Hashes of what will be searched, at most SAD_FETCH_MAX. */
uint64_t sad_hash_in(const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi);
uint64_t sad_hash_out(const struct inet_addr *src, const struct inet_addr *dst, enum ipsec_proto proto);
void sad_fetch_in(const struct sad *s, const uint64_t *hash, size_t n);
void sad_fetch_out(const struct sad *s, const uint64_t *hash, size_t n);

/* --- control --- */

/* The live SA of this identity, or NULL. src INET_NONE: any source. */
struct sa *sad_find(const struct sad *s, const struct inet_addr *src, const struct inet_addr *dst,
    enum ipsec_proto proto, uint32_t spi);
/* The SA of this number, also one that is only shown; NULL: none. */
struct sa *sad_find_serial(const struct sad *s, uint64_t serial);

/* Who adds an SA. */
struct sad_origin {
	uint32_t pid;
	bool manual; /* by root's own authority; false: keyd's, under a grant */
	uint64_t partner;
};
/* Writes a slot and compiles, out of everybody's sight. 0, or negative with `e`. */
int must_check sad_make(
    struct sad *s, const struct sa_desc *d, const struct sad_origin *by, struct sa **ret, struct err_text *e);
/* For an SA that is not in the SAD (yet). Wipes its slot. NULL is fine; returns NULL. */
struct sa *sad_unmake(struct sa *sa);
/* From here on it is found by workers and counts for a successor. Cannot fail. */
void sad_insert(struct sad *s, struct sa *sa);
/* Gone for control and for a successor; workers stop using it now, or, when something else in the SAD takes
 * its place (`replaced`), at their next quiet point. Then slot and keys are wiped. */
void sad_remove(struct sad *s, struct sa *sa, bool replaced);
/* Like remove, but still shown by `-a` for SAD_DEAD_KEEP_MS. */
void sad_expire(struct sad *s, struct sa *sa);

/* Reserves an SPI in [min, max] that nothing of this destination and protocol has. 0; -ENOSPC with `e` when
 * there is none, or too many are reserved. */
int must_check sad_reserve(struct sad *s, const struct larva *want, uint32_t min, uint32_t max,
    struct rng *rng, const struct larva **ret, struct err_text *e);

/* Counter-mode keys that somebody made up are loaded once. 0, or -EEXIST, -ENOSPC ... with `e`. */
int must_check sad_check_key(const struct sad *s, const struct sa_desc *d, struct err_text *e);
int must_check sad_remember_key(struct sad *s, const struct sa_desc *d, struct err_text *e);

void sad_set_prefer_old(struct sad *s, bool old);
enum sa_state sad_sa_state(const struct sa *sa);
void sad_sa_status(const struct sa *sa, uint64_t now_ms, struct sa_status *ret);

void sad_iter_init(struct sad_iter *it, struct sad *s);
/* The next SA, or NULL. */
struct sa *sad_iter_next(struct sad_iter *it, struct sad *s);
void sad_iter_fini(struct sad_iter *it);

#endif
