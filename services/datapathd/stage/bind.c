/*
 * Outbound, second half: the SAs of a policy's requests, innermost first (RFC 4301 section 4.4.1;
 * setkey.md 6.1, 8.2). The whole bundle is found before anything is built, because how long a packet may be
 * depends on all of it. A missing SA is a hint to policyd at every level; where the level is require or
 * unique the packet waits for the answer, and is dropped where there will be none.
 */
#include "datapathd/stage/path.h"

#include <string.h>

/* The addresses a transport request's SA must have: those of the header that will be in front of it. */
struct ends {
	struct inet_addr src, dst;
	bool fragment; /* what is behind that header is no whole datagram */
};

/* One hint per policy until control clears the flag: a flood of packets is one question. True while an answer
 * may come. A packet that has waited does not ask again: it would for ever. */
static bool want_acquire(struct path *c, struct pkt *p, uint8_t request, const struct sad_want *w)
{
	struct acquire_hint h = {
	    .policy_id = p->rule->p.id,
	    .request = request,
	    .packet = p->key,
	    .src = w->src,
	    .dst = w->dst,
	};
	enum acquiring now = atomic_load_explicit(&p->rule->acquiring, memory_order_relaxed);

	if (now != ACQUIRING_NO || p->wait_until_ms)
		return now == ACQUIRING_ASKED;
	if (!acquire_ring_push(c->acquires, &h)) {
		count_path(c->counters, PATH_ACQUIRE_LOST);
		return false;
	}
	atomic_store_explicit(&p->rule->acquiring, ACQUIRING_ASKED, memory_order_relaxed);
	c->hints = true;
	count_path(c->counters, PATH_ACQUIRE_WANTED);
	return true;
}

static struct sad_want want_of(
    const struct path *c, const struct policy_request *q, enum policy_level level, const struct ends *ends)
{
	bool tunnel = q->mode == IPSEC_TUNNEL;

	return (struct sad_want){
	    .src = tunnel ? q->src : ends->src,
	    .dst = tunnel ? q->dst : ends->dst,
	    .proto = q->proto,
	    .mode = q->mode,
	    .reqid = level == LEVEL_UNIQUE ? q->reqid : 0,
	    .sport = q->src_port,
	    .dport = q->dst_port,
	    .now_ms = c->now_ms,
	};
}

/* It waits for its SA, or ends here. */
static void hold_or_drop(struct path *c, struct pkt *p, bool asked)
{
	if (!asked || !wait_room_keep(&c->wait, p, c->now_ms)) {
		stage_drop(c->counters, p, DROP_OUT_NOSA);
		return;
	}
	if (!p->wait_until_ms)
		count_path(c->counters, PATH_WAITED);
	p->verdict = VERDICT_HELD;
}

/* Finds the SA of request i; false when the packet cannot go on for want of it. */
static bool bind_one(struct path *c, struct pkt *p, uint8_t i, struct ends *ends)
{
	const struct policy_request *q = &p->rule->p.req[i];
	enum policy_level level = p->rule->level[i];
	struct sad_want w = want_of(c, q, level, ends);
	struct sa_rt *sa = NULL;
	bool asked;

	/* Transport mode protects whole datagrams only (RFC 4303 section 3.1.1). */
	if (q->mode == IPSEC_TUNNEL || !ends->fragment)
		sa = sad_find_out(c->sad, &w);
	if (sa) {
		p->bound[p->n_bound++] = (struct bound){.sa = sa, .mode = q->mode};
		if (q->mode == IPSEC_TUNNEL)
			*ends = (struct ends){.src = sa->src, .dst = sa->dst};
		return true;
	}
	asked = want_acquire(c, p, i, &w);
	/* A packet that does not shrink goes uncompressed whatever the level (RFC 3173 section 2.2); without
	 * an SA it cannot be known whether it would. */
	if (level == LEVEL_USE)
		return true;
	hold_or_drop(c, p, asked);
	return false;
}

static void bind_all(struct path *c, struct pkt *p)
{
	struct ends ends = {.src = p->key.src, .dst = p->key.dst, .fragment = p->fragment};

	p->n_bound = p->next_bound = 0;
	if (p->like && p->like->verdict == VERDICT_GO) {
		p->n_bound = p->like->n_bound;
		memcpy(p->bound, p->like->bound, p->n_bound * sizeof(p->bound[0]));
		return;
	}
	for (uint8_t i = 0; i < p->rule->p.n_requests; i++)
		if (!bind_one(c, p, i, &ends))
			return;
	if (!p->n_bound)
		p->verdict = VERDICT_CLEAR;
}

/* What will be looked at for the innermost request of each. */
static void fetch_sas(struct path *c, struct batch *b)
{
	uint64_t hash[SAD_FETCH_MAX];
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		const struct policy_request *q = &p->rule->p.req[0];
		bool tunnel = q->mode == IPSEC_TUNNEL;

		if (!p->like && n < ARRAY_SIZE(hash))
			hash[n++] = sad_hash_out(
			    tunnel ? &q->src : &p->key.src, tunnel ? &q->dst : &p->key.dst, q->proto);
	}
	if (n >= PATH_FETCH_MIN)
		sad_fetch_out(c->sad, hash, n);
}

void stage_bind(struct path *c, struct batch *b)
{
	fetch_sas(c, b);
	batch_foreach_go(p, b) bind_all(c, p);
}

void stage_next(struct path *c, struct batch *b)
{
	(void)c;
	batch_foreach_go(p, b)
	{
		if (p->next_bound == p->n_bound) {
			p->verdict = VERDICT_SEND;
			continue;
		}
		p->sa = p->bound[p->next_bound].sa;
		p->mode = p->bound[p->next_bound].mode;
		p->next_bound++;
		if (p->next_bound == p->n_bound &&
		    !atomic_load_explicit(&p->sa->outermost, memory_order_relaxed))
			atomic_store_explicit(&p->sa->outermost, true, memory_order_relaxed);
	}
}

/* The number is taken in SAD memory before the packet is sealed with it (RFC 4303 section 3.3.3): a process
 * killed right behind this line has wasted one, never used one twice. IPComp has none. */
void stage_sequence(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) if (p->sa->proto != IPSEC_IPCOMP && sa_rt_take_seq(p->sa, &p->seq) != SEQ_OK)
	    stage_drop(c->counters, p, DROP_OUT_SEQUENCE);
}
