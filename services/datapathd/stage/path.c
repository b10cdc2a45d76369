/*
 * The order of the stages, and nothing else. Bundles are rounds: bind, number, seal until no packet has a
 * request left; inbound the same the other way, bounded by the deepest bundle a policy can ask for.
 */
#include "datapathd/stage/path.h"

#include <netinet/in.h>
#include <string.h>

#include "datapathd/sa/path_mtu.h"

enum {
	TOO_BIG_RATE = 100, /* answers a second, in all */
	TOO_BIG_BURST = 100,
	MOVED_RATE = 10,   /* a second: peers whose port has changed */
	UNKNOWN_RATE = 50, /* hints a second of packets for SAs that are not there */
	REPORT_SPAN =
	    1 << 16, /* how many numbers ago a packet may have been sent that an ICMP error is about */
};

int path_init(struct path *c, struct rng *rng)
{
	uint64_t seed[2];
	int r;

	memset(c, 0, sizeof(*c));
	c->tune = tunables_default;
	c->rng = rng;
	c->ttl = PATH_TTL;
	rng->fill(rng, seed, sizeof(seed));
	rng->fill(rng, &c->ip_id, sizeof(c->ip_id));
	rng->fill(rng, &c->ip6_id, sizeof(c->ip6_id));
	bucket_init(&c->unknown_budget, UNKNOWN_RATE, UNKNOWN_RATE, 0);
	bucket_init(&c->moved_budget, MOVED_RATE, MOVED_RATE, 0);
	bucket_init(&c->too_big, TOO_BIG_RATE, TOO_BIG_BURST, 0);
	frag_memory_init(&c->out_frags, seed[0]);
	frag_memory_init(&c->in_frags, seed[1]);
	r = reasm_new(&c->reasm);
	return r < 0 ? r : ipcomp_codec_new(&c->comp);
}

void path_fini(struct path *c)
{
	c->reasm = reasm_free(c->reasm);
	c->comp = ipcomp_codec_free(c->comp);
}

static bool any_left(const struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->pkt[i].verdict == VERDICT_GO)
			return true;
	return false;
}

void path_seal(struct path *c, struct batch *b)
{
	/* Each round uses up an SA of every packet, so the last one leaves none in the pipeline. */
	for (unsigned round = 0; round <= POLICY_REQUESTS_MAX && any_left(b); round++) {
		stage_next(c, b);
		stage_sequence(c, b);
		stage_seal_comp(c, b);
		stage_seal_esp(c, b);
		stage_seal_ah(c, b);
	}
}

void path_outbound(struct path *c, struct batch *b)
{
	stage_parse_out(c, b);
	stage_classify_out(c, b);
	stage_reassemble(c, b);
	stage_bind(c, b);
	stage_fit(c, b);
	path_seal(c, b);
}

void path_inbound(struct path *c, struct batch *b)
{
	stage_parse_in(c, b);
	for (unsigned round = 0; round <= POLICY_REQUESTS_MAX && any_left(b); round++) {
		stage_lookup(c, b);
		stage_replay_check(c, b);
		stage_open_esp(c, b);
		stage_open_ah(c, b);
		stage_open_comp(c, b);
		stage_replay_commit(c, b);
		stage_strip(c, b);
		stage_policy_in(c, b);
	}
}

/* A packet that says of itself what its length is, and nothing that has to be looked for. */
static bool is_plain(const struct pkt *p)
{
	const uint8_t *d = p->data;

	if (p->len < IP4_HDR_LEN + 4)
		return false;
	if (d[0] == 0x45)
		return (d[9] == IPPROTO_TCP || d[9] == IPPROTO_UDP) && !(d[6] & 0x3f) && !d[7] &&
		       (uint32_t)(d[2] << 8 | d[3]) == p->len;
	return d[0] >> 4 == 6 && p->len >= IP6_HDR_LEN + 4 && (d[6] == IPPROTO_TCP || d[6] == IPPROTO_UDP) &&
	       (uint32_t)(d[4] << 8 | d[5]) + IP6_HDR_LEN == p->len;
}

bool path_same_flow(const struct pkt *a, const struct pkt *b)
{
	const uint8_t *x = a->data, *y = b->data;

	if (!is_plain(a) || !is_plain(b) || x[0] >> 4 != y[0] >> 4)
		return false;
	return x[0] == 0x45 ? x[9] == y[9] && memcmp(x + 12, y + 12, 8 + 4) == 0
	                    : x[6] == y[6] && memcmp(x + 8, y + 8, 32 + 4) == 0;
}

static bool same_key(const struct packet_key *a, const struct packet_key *b)
{
	return a->proto == b->proto && a->has_ports == b->has_ports && a->sport == b->sport &&
	       a->dport == b->dport && inet_addr_equal(&a->src, &b->src) && inet_addr_equal(&a->dst, &b->dst);
}

static struct flow_entry *flow_slot(struct flow_entry *table, const struct packet_key *k)
{
	uint64_t ports =
	    (uint64_t)k->proto << 33 | (uint64_t)k->has_ports << 32 | (uint32_t)k->sport << 16 | k->dport;
	uint64_t h = rhash_bytes(ports, k->src.b, k->src.family == INET_V4 ? 4 : 16);

	return &table[rhash_bytes(h, k->dst.b, k->dst.family == INET_V4 ? 4 : 16) % FLOW_CACHE_SLOTS];
}

/* For the administrator, not for packets: the line is written once a round at most. */
static void stamp(struct spd_rule *r, uint64_t now_ms)
{
	if (r && atomic_load_explicit(&r->last_used_ms, memory_order_relaxed) != now_ms)
		atomic_store_explicit(&r->last_used_ms, now_ms, memory_order_relaxed);
}

bool path_knows_out(struct path *c, const struct packet_key *k)
{
	const struct flow_entry *f = flow_slot(c->flow_out, k);

	return f->generation == c->view->generation && same_key(&f->key, k);
}

struct spd_rule *path_match_out(struct path *c, const struct packet_key *k)
{
	struct flow_entry *f = flow_slot(c->flow_out, k);

	if (f->generation != c->view->generation || !same_key(&f->key, k)) {
		f->generation = c->view->generation;
		f->key = *k;
		f->found = (struct spd_found){.own = spd_view_match_out(c->view, k)};
	}
	stamp(f->found.own, c->now_ms);
	return f->found.own;
}

struct spd_found path_match_in(struct path *c, const struct packet_key *k)
{
	struct flow_entry *f = flow_slot(c->flow_in, k);

	if (f->generation != c->view->generation || !same_key(&f->key, k)) {
		f->generation = c->view->generation;
		f->key = *k;
		f->found = spd_view_match_in(c->view, k);
	}
	stamp(f->found.own, c->now_ms);
	stamp(f->found.fwd, c->now_ms);
	if (f->found.mirrored != f->found.own)
		stamp(f->found.mirrored, c->now_ms);
	return f->found;
}

void path_fragment_key(struct frag_memory *m, const struct ip_view *v, struct packet_key *k, uint64_t now_ms)
{
	if (!v->is_frag)
		return;
	if (v->frag_off)
		(void)frag_memory_get(m, k, v->frag_id, now_ms);
	else if (k->has_ports)
		frag_memory_put(m, k, v->frag_id, now_ms);
}

static bool is_believed(const struct path *c, const struct sa_rt *sa, const struct path_report *r)
{
	uint64_t last;
	uint32_t ago;

	if (!sa || !sa_rt_usable(sa, c->now_ms))
		return false;
	if (sa->proto == IPSEC_IPCOMP)
		return true; /* it has no numbers */
	last = atomic_load_explicit(&sa->run->seq, memory_order_relaxed);
	ago = (uint32_t)last - r->seq;
	return r->has_seq && ago < REPORT_SPAN &&
	       ago < last; /* number 0 and those before it were never sent */
}

enum report_outcome path_report(struct path *c, const struct path_report *r)
{
	struct sa_rt *sa = sad_find_in(c->sad, &r->dst, r->proto, r->spi);

	if (!is_believed(c, sa, r)) {
		count_path(c->counters, PATH_MTU_IGNORED);
		return REPORT_DISBELIEVED;
	}
	if (!sa_path_learn(sa, r->mtu, c->now_ms))
		return REPORT_KNOWN;
	count_path(c->counters, PATH_MTU_LEARNT);
	return REPORT_LEARNT;
}
