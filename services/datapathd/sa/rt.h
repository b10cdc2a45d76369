/*
 * The run-time half of an SA: compiled once from the control description, never changed afterwards. What
 * moves per packet (sequence number, window, counters) stands in SAD memory behind `run` and `window` and
 * belongs to one worker, as do the keyed states.
 */
#ifndef POSTERN_DATAPATHD_SA_RT_H
#define POSTERN_DATAPATHD_SA_RT_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "datapathd/rhash.h"
#include "datapathd/sa/slot.h"
#include "ipsec/sa.h"
#include "wire/esp/esp.h"
#include "wire/esp/replay.h"

struct sa;

/* What the worker has learnt about the way to the far end (RFC 4301 section 8.2): its own, and forgotten with
 * it. */
struct sa_path {
	uint32_t mtu;      /* longest packet of this SA, outer header and all; 0: nothing is known */
	uint64_t until_ms; /* then it is looked for anew (RFC 1191 section 6.3) */
};

struct sa_rt {
	struct rhash_node by_spi, by_pair;
	struct sa *control; /* for the control thread only */
	struct inet_addr src, dst;
	uint64_t serial;
	uint32_t spi, reqid;
	enum ipsec_proto proto;
	enum ipsec_mode mode;
	enum alg_enc enc;
	enum alg_auth auth;
	enum alg_comp comp;
	uint16_t cpi; /* ipcomp: on the wire */
	struct sa_encap encap;
	enum seq_kind seq_kind;
	enum esp_pad pad;
	uint32_t *more; /* further reqids, as in struct sa_desc; NULL: none */
	uint16_t n_more;
	bool authenticates; /* ESP without integrity has no replay check (RFC 4303 section 3.4.3) */
	bool esn;
	uint8_t icv_len;
	struct esp_geom geom;                          /* ESP only */
	uint64_t hard_bytes, hard_packets, hard_at_ms; /* UINT64_MAX: none */
	struct crypto_sa *seal, *open;                 /* NULL: ipcomp */
	struct sa_path path;
	/* A packet went out with this one's header in front of all: what is inside of another one must not
	 * send anything by itself. */
	_Atomic bool outermost;
	struct sad_slot_run *run;
	struct replay *window;
};

/* `d` has its keys, `run` and `window` outlive the result. 0, or -ENOMEM, -EOPNOTSUPP, -EIO from the library.
 */
int must_check sa_rt_compile(
    const struct sa_desc *d, const struct sad_slot_facts *f, struct sad_slot *slot, struct sa_rt **ret);
/* Wipes and frees; no worker may hold it. NULL is fine; returns NULL. */
struct sa_rt *sa_rt_free(struct sa_rt *rt);

/* Whether a packet may use it: mature or dying, and within its hard limits at now_ms. */
bool sa_rt_usable(const struct sa_rt *rt, uint64_t now_ms);

/* Whether it is for packets of the policy with this reqid. */
static inline bool sa_rt_serves(const struct sa_rt *rt, uint32_t reqid)
{
	return rt->reqid == reqid || (rt->n_more && sa_reqids_have(rt->more, rt->n_more, reqid));
}

/* In UDP: the far end's port now. `was`: as it was negotiated. */
static inline uint16_t sa_rt_far_port(const struct sa_rt *rt, uint16_t was)
{
	uint32_t moved = atomic_load_explicit(&rt->run->far_port, memory_order_relaxed);

	return moved ? (uint16_t)moved : was;
}

/* The worker's accounting of one packet of `bytes`. */
static inline void sa_rt_account(struct sa_rt *rt, uint64_t bytes, uint64_t now_ms)
{
	struct sad_slot_run *r = rt->run;

	atomic_store_explicit(
	    &r->bytes, atomic_load_explicit(&r->bytes, memory_order_relaxed) + bytes, memory_order_relaxed);
	atomic_store_explicit(
	    &r->packets, atomic_load_explicit(&r->packets, memory_order_relaxed) + 1, memory_order_relaxed);
	atomic_store_explicit(&r->last_used_ms, now_ms, memory_order_relaxed);
}

/* Takes one number in SAD memory, before anything is sealed with it: whatever happens next, it is used up. 0,
 * or SEQ_EXHAUSTED. */
int must_check sa_rt_take_seq(struct sa_rt *rt, uint64_t *ret_seq);

#endif
