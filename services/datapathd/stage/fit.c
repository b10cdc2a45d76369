/*
 * Path MTU (RFC 4301 section 8): what is known of the way belongs to the outermost SA; worked inwards through
 * the bundle it says how long the clear packet may be. Where nothing is known, nothing is limited; a packet
 * that then turns out too long is cut behind its protection, and what that taught counts from the next one
 * on.
 *
 * TCP is helped further: over IPv6 no router cuts, nor over IPv4 where the tunnel's header has DF, and where
 * somebody filters ICMP nobody ever hears that a packet was too long. So the segment size of a connection is
 * offered as if the way carried no more than every IPv6 link must.
 */
#include "datapathd/stage/fit.h"

#include <netinet/in.h>
#include <string.h>

#include "datapathd/sa/path_mtu.h"
#include "wire/ip/fields.h"
#include "wire/ip/frag.h"
#include "wire/ip/icmp.h"
#include "wire/ip/mss.h"

enum {
	INNER_MIN4 =
	    552, /* no IPv4 sender is told to send less: Linux would not believe it, others would crawl */
	INNER_MIN6 = 1280,
	TCP_HEADERS4 = 40,
	TCP_HEADERS6 = 60,
	MSS_MIN = 256,
	NO_LIMIT = UINT32_MAX,
};

/* The IP header that an SA's transport mode leaves in front: the packet's own, or that of the tunnel inside.
 */
static uint32_t header_in_front(const struct pkt *p, const struct bound *b, uint8_t i)
{
	struct ip_place place;

	while (i > 0)
		if (b[--i].mode == IPSEC_TUNNEL)
			return b[i].sa->dst.family == INET_V6 ? IP6_HDR_LEN : IP4_HDR_LEN;
	return ip_find_insertion(p->data, p->len, &place) == IP_OK ? place.at : IP6_HDR_LEN;
}

/* From the room outside to the longest clear packet. */
static uint32_t inwards(const struct pkt *p, const struct bound *b, uint8_t n, uint32_t room)
{
	while (n-- > 0)
		room = sa_inner_max(b[n].sa, b[n].mode, header_in_front(p, b, n), room);
	return room;
}

/* Whether the tunnel's header over IPv4 will forbid it; an IPv6 packet inside has no DF to copy. */
static bool sets_df(const struct path *c, enum ipsec_mode mode, bool v6_inside)
{
	return mode == IPSEC_TUNNEL &&
	       (c->tune.dfbit == TUNE_DF_SET || (c->tune.dfbit == TUNE_DF_COPY && !v6_inside));
}

/* What a way of which nothing is known may be trusted with, when routers cannot cut; 0: anything, for they
 * can. In transport mode over IPv4 the DF bit is the sender's own choice. */
static uint32_t careful_room(const struct path *c, const struct bound *outer, bool v6_inside)
{
	return outer->sa->dst.family == INET_V6 || sets_df(c, outer->mode, v6_inside) ? PATH_MTU_MIN6 : 0;
}

static uint32_t longest(const struct path *c, const struct pkt *p, bool careful)
{
	const struct bound *outermost = &p->bound[p->n_bound - 1];
	const struct sa_rt *outer = outermost->sa;
	uint32_t room = sa_path_mtu(outer, c->now_ms), most, frag = outer->encap.frag;

	if (careful && !room)
		room = careful_room(c, outermost, p->v6);
	/* No datagram is longer than this, whatever the way carries. */
	if (!room && p->len > PKT_LEN_MAX - (PKT_HEADROOM + PKT_TAILROOM))
		room = PKT_LEN_MAX;
	most = room ? inwards(p, p->bound, p->n_bound, room) : NO_LIMIT;
	return frag && frag < most ? frag : most;
}

/* Only a SYN has the option; anything else is left with one look at its flags. */
static bool may_carry_mss(const struct ip_view *v)
{
	return v->proto == IPPROTO_TCP && !v->frag_off && v->total_len >= v->upper_off + TCP_HDR_MIN &&
	       v->pkt[v->upper_off + TCP_FLAGS_AT] & TCP_SYN;
}

static void clamp(struct path *c, struct pkt *p, const struct ip_view *v, uint32_t most)
{
	uint32_t headers = p->v6 ? TCP_HEADERS6 : TCP_HEADERS4;
	uint32_t mss = most > headers + MSS_MIN ? most - headers : MSS_MIN;

	if (most < NO_LIMIT && mss <= UINT16_MAX && tcp_clamp_mss(p->data, v, (uint16_t)mss))
		count_path(c->counters, PATH_MSS_LOWERED);
}

/* The sender's host learns it by an ICMP error that comes out of the device as if from the way ahead. */
static void tell_sender(
    struct path *c, struct batch *b, struct pkt *p, const struct ip_view *v, uint32_t most)
{
	struct pkt *answer;
	size_t n;

	if (b->n == BATCH_ROOM || !bucket_take(&c->too_big, 1, c->now_ms))
		return;
	answer = batch_slot(b, b->n);
	n = icmp_too_big(v, most, answer->data, PKT_LEN_MAX);
	if (!n)
		return;
	answer->len = (uint32_t)n;
	answer->v6 = p->v6;
	answer->verdict = VERDICT_DELIVER;
	b->n++;
	count_path(c->counters, PATH_TOO_BIG_TOLD);
}

static void add_fragment(struct batch *b, const struct pkt *whole, const struct ip_frag *f)
{
	struct pkt *q = batch_slot(b, b->n++);

	memcpy(q->data, f->hdr, f->hdr_len);
	memcpy(q->data + f->hdr_len, f->data, f->len);
	q->len = f->hdr_len + f->len;
	q->v6 = whole->v6;
	q->fragment = true;
	q->key = whole->key;
	q->rule = whole->rule;
	q->n_bound = whole->n_bound;
	memcpy(q->bound, whole->bound, sizeof(q->bound));
}

/* Cut before it is protected, so that the far end need not put anything together. False: no room or no way.
 */
static bool cut(struct path *c, struct batch *b, struct pkt *p, const struct ip_view *v, uint32_t most)
{
	struct ip_fragger fr;
	struct ip_frag f;

	if (most < v->hdr_len + 8u || b->n + v->total_len / ((most - v->hdr_len) & ~7u) + 2 > BATCH_ROOM ||
	    ip_fragger_init(&fr, v, most, 0) != IP_FRAG_OK)
		return false;
	while (ip_fragger_next(&fr, &f))
		add_fragment(b, p, &f);
	p->verdict = VERDICT_CUT;
	count_path(c->counters, PATH_CUT_BEFORE);
	return true;
}

/* What the sender may be told, at least; 0: it is not told, and the packet is cut behind its protection. */
static uint32_t worth_telling(const struct pkt *p, const struct ip_view *v, uint32_t most)
{
	if (p->whole_again)
		return 0; /* the sender sent fragments; we put them together */
	if (p->v6)
		return most < INNER_MIN6 ? INNER_MIN6 : most;
	return v->df && most >= INNER_MIN4 ? most : 0;
}

/* Told or not, a packet that can still be carried is: cut behind its protection, which its sender does not
 * see. */
static bool may_be_cut_outside(const struct path *c, const struct pkt *p)
{
	const struct bound *outer = &p->bound[p->n_bound - 1];

	if (outer->sa->dst.family == INET_V6)
		return true;
	return outer->mode == IPSEC_TUNNEL && !sets_df(c, outer->mode, p->v6);
}

/* One of its flow that was no shorter fitted, and it opens no connection. */
static bool fits_like(const struct pkt *p)
{
	const struct pkt *like = p->like;

	if (!like || !like->fits || like->verdict != VERDICT_GO || p->len > like->len ||
	    p->n_bound != like->n_bound || p->bound[0].sa != like->bound[0].sa)
		return false;
	return p->key.proto == IPPROTO_UDP || (p->len > plain_upper(p) + TCP_FLAGS_AT &&
	                                          !(p->data[plain_upper(p) + TCP_FLAGS_AT] & TCP_SYN));
}

static void fit(struct path *c, struct batch *b, struct pkt *p)
{
	uint32_t most, told;
	struct ip_view v;
	bool syn;

	p->fits = fits_like(p);
	if (p->fits)
		return;
	most = longest(c, p, false);
	p->fits = p->len <= most;
	if (p->len <= most && p->key.proto != IPPROTO_TCP)
		return;
	if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK)
		return;
	syn = may_carry_mss(&v);
	if (syn)
		clamp(c, p, &v, longest(c, p, true));
	if (p->len <= most)
		return;
	if (!p->v6 && !v.df && p->bound[0].mode == IPSEC_TUNNEL && cut(c, b, p, &v, most))
		return;
	told = worth_telling(p, &v, most);
	if (!told || p->len <= told)
		return;
	tell_sender(c, b, p, &v, told);
	if (!may_be_cut_outside(c, p))
		stage_drop(c->counters, p, DROP_OUT_PATH);
}

void stage_fit(struct path *c, struct batch *b)
{
	uint32_t n = b->n;

	for (uint32_t i = 0; i < n; i++)
		if (b->pkt[i].verdict == VERDICT_GO)
			fit(c, b, &b->pkt[i]);
}

void fit_inbound(struct path *c, struct pkt *p, const struct ip_view *v)
{
	struct bound b[POLICY_REQUESTS_MAX];
	uint32_t room;

	if (!p->n_applied || !may_carry_mss(v))
		return;
	for (uint8_t i = 0; i < p->n_applied; i++)
		b[p->n_applied - 1 - i] = (struct bound){
		    .sa = (struct sa_rt *)(uintptr_t)p->applied[i].sa, .mode = p->applied[i].mode};
	room = careful_room(c, &b[p->n_applied - 1], p->v6);
	if (room)
		clamp(c, p, v, inwards(p, b, p->n_applied, room));
}
