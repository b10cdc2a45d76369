/*
 * Key exchange without I/O: datagrams, answers, timers and commands go in, datagrams and questions come out
 * through ports. Time and randomness are injected, so a run can be repeated from its seed.
 */
#ifndef POSTERN_KEYD_CORE_CORE_H
#define POSTERN_KEYD_CORE_CORE_H

#include "base/bucket.h"
#include "base/clock.h"
#include "base/rng.h"
#include "inet/meter.h"
#include "keyd/core/leases.h"
#include "keyd/core/notes.h"
#include "keyd/core/parked.h"
#include "keyd/core/ports.h"
#include "keyd/core/repeat.h"
#include "keyd/core/spread.h"
#include "keyd/core/timers.h"

enum core_level { CORE_ERROR = 1, CORE_WARNING, CORE_NOTICE, CORE_INFO, CORE_DEBUG };

enum {
	CORE_BUCKETS = 1024,
	CORE_DATAGRAM_MAX = 65536,
	CORE_SILENT_MAX = 2000,   /* begun by strangers, of whom nothing is known; about 4 KiB each */
	CORE_RETURNED_MAX = 1000, /* by those who do receive what we send, until they prove who they are */
	CORE_ARENA =
	    4 << 20, /* octets of locked memory for keys: more than that, not every host lets us have */
	CORE_SAS_MAX =
	    4500, /* established, of both versions: with the longest keys they fit into the arena */
	CORE_SAS_OF_ADDRESS = 256, /* of these, and of one version: a site's clients behind one translator */
};

/* A loaded configuration; SAs made under it hold on to it. */
struct core_conf {
	unsigned refs;
	uint64_t generation;
	struct ike_conf *c;
};

/* Version 2's part: its IKE SAs, oldest first; beside them those of strangers who have proved nothing, of
 * which there may be many more; the dead, to be freed when nothing of theirs is on the stack. */
struct core_ike2 {
	struct list by_spi[CORE_BUCKETS];
	struct list by_peer[CORE_BUCKETS]; /* of those that are no strangers', by the peer's address */
	struct list begun[CORE_BUCKETS];   /* strangers', by what a first message that comes again has */
	struct list sas, unproved, dead;
	uint32_t n, n_unproved;
	size_t unproved_octets;    /* of what these have sent */
	size_t unproved_parts;     /* octets of fragments that are kept for them */
	uint64_t walks;            /* so many times all of them were gone through */
	uint8_t cookie_key[2][32]; /* the one of now, and the one before */
	uint64_t cookie_since_ms;  /* 0: there is none yet */
};

/* Fragments of messages that are not whole yet (ike1/fragment.c). */
struct fragment_pool {
	struct list rooms; /* oldest first */
	uint32_t octets;
};

struct core_counters {
	uint64_t datagrams, fragments, malformed, unknown, duplicates, retransmits;
	uint64_t refused_busy, established1, established2, failed1, failed2, evicted;
	uint64_t bad_hash, late_replies, not_listening;
};

struct keep;

struct core {
	struct core_ports ports;
	struct keep *keep; /* what outlives this process (keep/); NULL: nothing does */
	const struct clock *clock;
	struct rng *rng;
	struct timers timers;
	struct parking parking;
	struct core_conf *conf;              /* NULL: none is loaded, nothing is answered */
	struct list by_cookie[CORE_BUCKETS]; /* ISAKMP SAs, by our own cookie */
	struct list begun[CORE_BUCKETS]; /* those of others, by what a first message that comes again has */
	struct spread spread;            /* of both versions' tables of them */
	struct list isakmp;              /* all of them, oldest first */
	struct list children;            /* established pairs of IPsec SAs, */
	struct list by_policy[CORE_BUCKETS]; /* these by their outbound policy, */
	struct list by_peer[CORE_BUCKETS];   /* and by the peer's address (core_of_peer()) */
	struct list parties[CORE_BUCKETS];   /* whose they are (party.h), likewise */
	struct core_ike2 ike2;
	struct list upkeeps[CORE_BUCKETS]; /* connections that are kept up (upkeep.h) */
	struct bucket upkeep_tries;
	struct list waiters; /* who waits for a negotiation (waiters.h) */
	uint32_t n_waiters;
	struct list dead;        /* to be freed when nothing of theirs is on the stack */
	struct list unproved[2]; /* begun by others and not up, oldest first: silent, returned */
	uint32_t n_unproved[2];
	uint32_t n_isakmp, n_children;
	struct fragment_pool fragments[2]; /* of the trusted, of all others */
	struct bucket strangers;           /* work for those who have proved nothing */
	struct bucket hints;               /* answers to packets that nobody expects */
	struct bucket too_new;             /* answers to messages of versions that are not there yet */
	struct meter guesses;              /* aggressive and base mode's from one address */
	struct bucket keys;                /* key exchanges to compute for them */
	struct bucket again;               /* the same for those of them that ask again */
	struct repeat repeat;
	struct leases leases; /* addresses of clients */
	struct notes notes;   /* log lines that they can cause */
	struct bucket traces; /* and those of level debug */
	uint64_t traces_held;
	struct core_counters counters;
	uint8_t out[CORE_DATAGRAM_MAX], in[CORE_DATAGRAM_MAX]; /* one message being made, one being read */
	uint8_t chain[CORE_DATAGRAM_MAX]; /* version 2: payloads that will be enciphered */
};

struct core_def {
	struct core_ports ports;
	struct keep *keep; /* borrowed; may be NULL */
	const struct clock *clock;
	struct rng *rng;
};

/* NULL without memory. */
struct core *core_new(const struct core_def *d);
/* Forgets everything without a word to anybody, as death would: what is kept stays. NULL is fine. Returns
 * NULL.
 */
struct core *core_free(struct core *c);

/* A new configuration (taken). What is negotiated with peers whose blocks are the same goes on under it;
 * other negotiations and ISAKMP SAs end, and so do pairs with peers that it does not have any more; the peers
 * are told. 0 or -ENOMEM. */
must_check int core_load(struct core *c, uint64_t generation, struct ike_conf *conf);

/* What an earlier life has kept goes on, under the configuration that is loaded; what is of another one is
 * forgotten. Once, before any event. */
void core_restore(struct core *c);
/* The serials of all SAs that there should be in the data path: their number, and as many as there is room
 * for.
 */
size_t core_serials(const struct core *c, uint64_t *ret, size_t room);

/* A datagram, without RFC 3948's marker. */
void core_datagram(struct core *c, const struct ike_path *path, const uint8_t *d, size_t n);
/* An answer to a port's question. False: too late, nobody waits. */
bool core_reply(struct core *c, uint64_t token, struct core_reply *r);
/* Does what is due; core_next_ms() says when to come again (UINT64_MAX: not by itself). */
void core_step(struct core *c);
uint64_t core_next_ms(const struct core *c);

/* policyd: a packet needs SAs of this outbound policy. */
struct core_acquire {
	uint64_t seq;
	const struct policy *policy;
	struct selector packet;
	struct inet_addr src, dst;
};
void core_acquire(struct core *c, const struct core_acquire *a);
/* datapathd: one of our SAs has reached its soft or hard lifetime. */
void core_expired(struct core *c, uint64_t serial, bool hard);
/* datapathd: the peer sends into an SA that is not there. A hint: anybody can send such packets. */
void core_unknown_spi(struct core *c, const struct inet_addr *local, const struct inet_addr *remote,
    enum ipsec_proto proto, uint32_t spi);
/* datapathd: what came under this inbound SA of ours came from another port of its far end than before.
 * Datapathd has followed with that SA and its partner. */
void core_moved(struct core *c, uint64_t serial, uint16_t port);
/* Tells every peer that everything ends (on shutdown), and forgets it. */
void core_shutdown(struct core *c);

struct core_conf *core_conf_ref(struct core_conf *f);
/* NULL is fine. Returns NULL. */
struct core_conf *core_conf_unref(struct core_conf *f);

void core_log(struct core *c, enum core_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for lines that a stranger can cause: a few, then one every ten seconds that says how many were
 * left out. */
void core_note(struct core *c, enum core_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether one more such line may be written, for which there is something to find out first: takes its place,
 * so that core_log() is called next. False: it has been counted. */
bool core_may_note(struct core *c);

/* A line of level debug: each message causes some, so that there is a bound to them too. Costs nothing while
 * nobody reads them. */
bool core_traces(const struct core *c);
void core_trace(struct core *c, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* In `table` (CORE_BUCKETS lists) the one of those whom a first message like this one may have begun. */
static inline struct list *core_begun(
    struct core *c, struct list *table, const uint8_t *cookie, const struct inet_addr *from)
{
	return &table[spread_of(&c->spread, cookie, from) % CORE_BUCKETS];
}

/* In `table` the one of what there is with this address, and with some others. */
static inline struct list *core_of_peer(struct list *table, const struct inet_addr *remote)
{
	uint32_t h = 0;

	for (size_t i = 0; i < inet_addr_len(remote); i++)
		h = h * 31 + remote->b[i];
	return &table[h % CORE_BUCKETS];
}

static inline uint64_t core_now(const struct core *c)
{
	return clock_now_ms(c->clock);
}

/* Established, of both versions; what this side has begun and has not got yet counts too. */
static inline uint32_t core_n_up(const struct core *c)
{
	return c->n_isakmp - c->n_unproved[0] - c->n_unproved[1] + c->ike2.n - c->ike2.n_unproved;
}

/* No more of strangers': there is no place for the keys. */
static inline bool core_is_full(const struct core *c)
{
	return core_n_up(c) >= CORE_SAS_MAX;
}

/* For those who look: how long ago that was (0: never), how long until then (0: it is not set). */
static inline uint64_t core_since(const struct core *c, uint64_t ms)
{
	return ms ? core_now(c) - ms : 0;
}
static inline uint64_t core_until(const struct core *c, const struct timer *t)
{
	uint64_t now = core_now(c);

	if (!t->place)
		return 0;
	return t->due_ms > now ? t->due_ms - now : 1;
}

#endif
