/*
 * First match must be the SPD's first match, so every entry is turned into boxes on its own and order is left
 * alone. An entry that names something the kernel cannot see in a packet "may" match it. Such an entry never
 * lets a packet pass in clear: PASS is skipped, so that a later protecting entry still gets its say; what
 * protects or discards is taken to match.
 */
#include "policyd/compile/box.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/auto.h"

static const uint8_t protos_with_ports[] = {
    IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE};

void box_list_fini(struct box_list *l)
{
	free(l->b);
	*l = (struct box_list){0};
}

static int push(struct box_list *l, const struct box *b)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct box *p = reallocarray(l->b, room, sizeof(*p));

		if (!p)
			return -ENOMEM;
		l->b = p;
		l->room = room;
	}
	l->b[l->n++] = *b;
	return 0;
}

static struct inet_prefix masked(const struct inet_prefix *p)
{
	struct inet_prefix m = {.addr = inet_prefix_first(p), .plen = p->plen};

	m.addr.scope = 0;
	return m;
}

static enum box_verdict verdict_of(const struct policy *p, const struct policy_deflev *deflev)
{
	switch (policy_classify(p, deflev)) {
	case POLICY_CLASS_PASS:
		return BOX_PASS;
	case POLICY_CLASS_DISCARD:
		return BOX_DISCARD;
	case POLICY_CLASS_USE:
		return BOX_USE;
	case POLICY_CLASS_PROTECT:
		break;
	}
	return BOX_PROTECT;
}

/*
 * The verdict when the entry may or may not match; 0 to leave it out. Outbound, datapathd judges what could
 * be read (`readable`: a GRE key, say); what nobody can read is taken at the entry's word. Inbound nobody
 * looks at a clear packet again, and `use` accepts clear.
 */
static enum box_verdict verdict_if_maybe(enum box_verdict v, enum policy_dir dir, bool readable)
{
	if (v == BOX_PASS || (v == BOX_USE && dir != POLICY_OUT))
		return 0;
	if (v == BOX_DISCARD && dir == POLICY_OUT && readable)
		return BOX_PROTECT;
	return v;
}

/* Type and code are the two octets the kernel reads as a source port. False: the pair is no interval. */
static bool icmp_interval(const struct selector *s, struct box *b)
{
	if (!s->sport)
		return !s->dport;
	if (s->sport > 255 || s->dport > 255)
		return false;
	b->sport_lo = (uint16_t)(s->sport << 8 | s->dport);
	b->sport_hi = (uint16_t)(s->dport ? b->sport_lo : b->sport_lo | 0xff);
	return true;
}

/* Narrows `b` by the selector's upper part; false when a map cannot express it. */
static bool narrow_exactly(const struct selector *s, struct box *b)
{
	if (!s->sport && !s->dport)
		return true;
	if (s->proto == IPPROTO_ICMP || s->proto == IPPROTO_ICMPV6)
		return icmp_interval(s, b);
	if (s->proto != IPPROTO_ANY_ && !ip_proto_has_ports(s->proto))
		return false;
	if (s->sport)
		b->sport_lo = b->sport_hi = s->sport;
	if (s->dport)
		b->dport_lo = b->dport_hi = s->dport;
	return true;
}

/* A port with upper protocol `any` means the protocols that have ports: one box each. */
static int push_protos(struct box_list *l, struct box *b, const struct selector *s)
{
	int r = 0;

	if (s->proto != IPPROTO_ANY_ || (!s->sport && !s->dport))
		return push(l, b);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(protos_with_ports); i++) {
		b->proto_lo = b->proto_hi = protos_with_ports[i];
		r = push(l, b);
	}
	return r;
}

static int push_policy(
    struct box_list *l, const struct policy *p, enum box_sight sight, const struct policy_deflev *deflev)
{
	const struct selector *s = &p->sel;
	bool has_upper = s->sport || s->dport, exact;
	struct box b = {.src = masked(&s->src),
	    .dst = masked(&s->dst),
	    .proto_hi = 0xff,
	    .sport_hi = 0xffff,
	    .dport_hi = 0xffff,
	    .verdict = verdict_of(p, deflev),
	    .policy = p->id};

	if (s->proto != IPPROTO_ANY_ && sight != BOX_SEES_ADDRS)
		b.proto_lo = b.proto_hi = (uint8_t)s->proto;
	if (sight == BOX_SEES_PORTS)
		exact = narrow_exactly(s, &b);
	else
		exact = !has_upper && (sight == BOX_SEES_PROTO || s->proto == IPPROTO_ANY_);
	if (!exact)
		b.verdict = verdict_if_maybe(b.verdict, p->dir, sight == BOX_SEES_PORTS);
	if (!b.verdict)
		return 0;
	return sight == BOX_SEES_ADDRS ? push(l, &b) : push_protos(l, &b, s);
}

const struct spd_entry *box_source_first(const struct spd *spd, enum box_source from)
{
	static const enum policy_dir dirs[] = {POLICY_OUT, POLICY_IN, POLICY_FWD};

	return from == BOX_FROM_MIRRORED ? spd_first_mirrored(spd) : spd_first(spd, dirs[from]);
}

const struct spd_entry *box_source_next(
    const struct spd *spd, enum box_source from, const struct spd_entry *e)
{
	return from == BOX_FROM_MIRRORED ? spd_next_mirrored(spd, e) : spd_next(spd, e);
}

int box_list_build(struct box_list *l, const struct spd *spd, enum box_source from, uint8_t family,
    enum box_sight sight, const struct policy_deflev *deflev)
{
	const struct spd_entry *e = box_source_first(spd, from);
	int r = 0;

	*l = (struct box_list){0};
	for (; r == 0 && e; e = box_source_next(spd, from, e))
		if (e->policy.sel.src.addr.family == family)
			r = push_policy(l, &e->policy, sight, deflev);
	if (r < 0)
		box_list_fini(l);
	return r;
}

bool box_overlaps(const struct box *a, const struct box *b)
{
	return a->proto_lo <= b->proto_hi && b->proto_lo <= a->proto_hi && a->sport_lo <= b->sport_hi &&
	       b->sport_lo <= a->sport_hi && a->dport_lo <= b->dport_hi && b->dport_lo <= a->dport_hi &&
	       inet_prefix_overlaps(&a->src, &b->src) && inet_prefix_overlaps(&a->dst, &b->dst);
}

bool box_covers(const struct box *a, const struct box *b)
{
	return a->src.plen <= b->src.plen && a->dst.plen <= b->dst.plen && a->proto_lo <= b->proto_lo &&
	       a->proto_hi >= b->proto_hi && a->sport_lo <= b->sport_lo && a->sport_hi >= b->sport_hi &&
	       a->dport_lo <= b->dport_lo && a->dport_hi >= b->dport_hi &&
	       inet_prefix_contains(&a->src, &b->src.addr) && inet_prefix_contains(&a->dst, &b->dst.addr);
}
