/*
 * Outbound, second half: the SA of each request, innermost first (RFC 4301 section 4.4.1;
 * setkey.md 6.1, 8.2). A missing SA is a hint to policyd at every level, and the end of the packet where the
 * level is require or unique.
 */
#include "datapathd/stage/path.h"

/* One hint per policy until control clears the flag: a flood of packets is one question. */
static void want_acquire(struct path *c, struct pkt *p, const struct sad_want *w)
{
	struct acquire_hint h = {
	    .policy_id = p->rule->p.id,
	    .request = (uint8_t)(p->next_req - 1),
	    .packet = p->key,
	    .src = w->src,
	    .dst = w->dst,
	};

	if (atomic_load_explicit(&p->rule->acquiring, memory_order_relaxed))
		return;
	if (!acquire_ring_push(c->acquires, &h)) {
		count_path(c->counters, PATH_ACQUIRE_LOST);
		return;
	}
	atomic_store_explicit(&p->rule->acquiring, true, memory_order_relaxed);
	c->hints = true;
	count_path(c->counters, PATH_ACQUIRE_WANTED);
}

static void wanted_sa(
    const struct path *c, const struct pkt *p, const struct policy_request *q, struct sad_want *ret)
{
	enum policy_level level = p->rule->level[p->next_req - 1];
	size_t n = p->v6 ? 16 : 4, at = p->v6 ? 8 : 12;

	*ret = (struct sad_want){
	    .proto = q->proto,
	    .mode = q->mode,
	    .reqid = level == LEVEL_UNIQUE ? q->reqid : 0,
	    .now_ms = c->now_ms,
	};
	if (q->mode == IPSEC_TUNNEL) {
		ret->src = q->src;
		ret->dst = q->dst;
	} else {
		ret->src = inet_addr_from_bytes(p->data + at, n);
		ret->dst = inet_addr_from_bytes(p->data + at + n, n);
	}
}

/* Works through the packet's requests until one has an SA or none is left. */
static void bind_next(struct path *c, struct pkt *p)
{
	p->sa = NULL;
	while (p->next_req < p->rule->p.n_requests) {
		const struct policy_request *q = &p->rule->p.req[p->next_req++];
		struct sad_want w;

		wanted_sa(c, p, q, &w);
		/* Transport mode protects whole datagrams only (RFC 4303 section 3.1.1). */
		if (q->mode == IPSEC_TUNNEL || !p->fragment)
			p->sa = sad_find_out(c->sad, &w);
		p->req = q;
		if (p->sa)
			return;
		want_acquire(c, p, &w);
		if (p->rule->level[p->next_req - 1] != LEVEL_USE) {
			stage_drop(c->counters, p, DROP_OUT_NOSA);
			return;
		}
	}
	p->verdict = p->n_applied ? VERDICT_SEND : VERDICT_CLEAR;
}

void stage_bind(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) bind_next(c, p);
}

/* The number is taken in SAD memory before the packet is sealed with it (RFC 4303 section 3.3.3): a process
 * killed right behind this line has wasted one, never used one twice. */
void stage_sequence(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) if (sa_rt_take_seq(p->sa, &p->seq) != SEQ_OK)
	    stage_drop(c->counters, p, DROP_OUT_SEQUENCE);
}
