/*
 * Outbound, first half: what is this packet, and what does the SPD say about it (RFC 4301 section 5.1).
 */
#include "datapathd/stage/path.h"

#include <string.h>

void stage_parse_out(struct path *c, struct batch *b)
{
	const struct pkt *before = NULL;

	batch_foreach_go(p, b)
	{
		struct ip_view v;

		if (before && path_same_flow(before, p)) {
			p->like = before;
			p->v6 = before->v6;
			p->key = before->key;
			before = p;
			continue;
		}
		before = NULL;
		p->v6 = p->len > 0 && p->data[0] >> 4 == 6;
		if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK) {
			stage_drop(c->counters, p, DROP_OUT_MALFORMED);
			continue;
		}
		p->len = v.total_len;
		p->fragment = v.is_frag;
		ip_packet_key(&v, &p->key);
		path_fragment_key(&c->out_frags, &v, &p->key, c->now_ms);
		before = p;
	}
}

static void classify(struct path *c, struct pkt *p)
{
	if (p->like && p->like->verdict == VERDICT_GO) {
		p->rule = p->like->rule;
		return;
	}
	if (!c->view->enabled) {
		p->verdict = VERDICT_CLEAR;
		return;
	}
	p->rule = path_match_out(c, &p->key);
	if (!p->rule)
		stage_drop(c->counters, p, DROP_OUT_NOPOLICY);
	else if (p->rule->cls == POLICY_CLASS_DISCARD)
		stage_drop(c->counters, p, DROP_OUT_DISCARD);
	else if (p->rule->cls == POLICY_CLASS_PASS)
		p->verdict = VERDICT_CLEAR;
}

/* What will be looked at for each whose flow is not remembered. */
static void fetch_rules(struct path *c, struct batch *b)
{
	const struct packet_key *key[BATCH_ROOM];
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		if (!p->like && !path_knows_out(c, &p->key))
			key[n++] = &p->key;
	}
	for (unsigned pass = 0; n >= PATH_FETCH_MIN && pass < TUPLES_PASSES; pass++)
		for (size_t i = 0; i < n; i++)
			spd_view_fetch(c->view, SPD_OUT, key[i], pass);
}

void stage_classify_out(struct path *c, struct batch *b)
{
	fetch_rules(c, b);
	batch_foreach_go(p, b) classify(c, p);
}

static void reassemble(struct path *c, struct pkt *p)
{
	const uint8_t *whole;
	struct ip_view v;
	uint32_t len;
	int r = ip_parse(p->data, p->len, IP_TRUST_SUM, &v);

	if (r == IP_OK)
		r = reasm_put(c->reasm, &v, c->now_ms, &whole, &len);
	if (r == REASM_HELD) {
		p->verdict = VERDICT_HELD;
		count_path(c->counters, PATH_FRAGMENT_HELD);
	} else if (r != REASM_WHOLE) {
		stage_drop(c->counters, p, DROP_OUT_FRAGMENT);
	} else {
		memcpy(p->data, whole, len);
		p->len = len;
		p->fragment = false;
		p->whole_again = true;
		count_path(c->counters, PATH_REASSEMBLED);
	}
}

void stage_reassemble(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) if (p->fragment && p->rule->p.req[0].mode == IPSEC_TRANSPORT) reassemble(c, p);
}
