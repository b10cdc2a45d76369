/*
 * The same maps serve three questions, told apart by the packet's mark when a verdict chain is reached:
 *
 *   none   classification on the way out (output hook) or before forwarding (prerouting): give it mark OUT
 *   IN     it came out of a tunnel and is about to be forwarded: mark HAIRPIN if it must go into one again
 *   CHECK  last look before it leaves (postrouting): a packet that only now matches a protecting policy,
 * because NAT rewrote it or the rules changed under way, is dropped
 *
 * The first postrouting rules are the guard: what is marked for protection leaves through the device or not
 * at all, whatever became of rules and routes.
 */
#include "policyd/compile/frame.h"

#include <inttypes.h>
#include <stddef.h>

#include "policyd/conf.h"

const char *const frame_counters[] = {"in_polvio", "out_polvio", "guard", NULL};

static const struct {
	const char *name, *spec;
} base_chains[] = {
    {"output", "type route hook output priority -310; policy accept;"},
    {"prerouting", "type filter hook prerouting priority -310; policy accept;"},
    {"input", "type filter hook input priority -310; policy accept;"},
    {"forward", "type filter hook forward priority -310; policy accept;"},
    {"postrouting", "type filter hook postrouting priority 350; policy accept;"},
};
static const char *const verdict_chains[] = {FRAME_OUT_PROTECT, FRAME_OUT_USE, FRAME_OUT_DISCARD,
    FRAME_IN_REFUSE, FRAME_IN_DISCARD, "v_mark", FRAME_GUARD};

enum { MSS_OVERHEAD4 = 40, MSS_OVERHEAD6 = 60 };

void frame_write_skeleton(struct sbuf *to, const struct policyd_conf *c)
{
	sbuf_add(to, "add table inet %s\n", c->table);
	for (int i = 0; frame_counters[i]; i++)
		sbuf_add(to, "add counter inet %s %s\nadd counter inet %s %s6\n", c->table, frame_counters[i],
		    c->table, frame_counters[i]);
	for (size_t i = 0; i < ARRAY_SIZE(verdict_chains); i++)
		sbuf_add(to, "add chain inet %s %s\n", c->table, verdict_chains[i]);
	for (size_t i = 0; i < ARRAY_SIZE(base_chains); i++)
		sbuf_add(
		    to, "add chain inet %s %s { %s }\n", c->table, base_chains[i].name, base_chains[i].spec);
}

void frame_write_idle(struct sbuf *to, const struct policyd_conf *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(base_chains); i++)
		sbuf_add(to, "flush chain inet %s %s\n", c->table, base_chains[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(verdict_chains); i++)
		sbuf_add(to, "flush chain inet %s %s\n", c->table, verdict_chains[i]);
}

static void rule(struct sbuf *to, const struct policyd_conf *c, const char *chain)
{
	sbuf_add(to, "add rule inet %s %s ", c->table, chain);
}

static void add_if_mark(struct sbuf *to, const struct policyd_conf *c, const char *chain, uint32_t mark)
{
	rule(to, c, chain);
	sbuf_add(to, "meta mark & 0x%08x == 0x%08x ", c->mask, mark);
}

static void add_set_mark(struct sbuf *to, const struct policyd_conf *c, uint32_t mark)
{
	if (mark)
		sbuf_add(to, "meta mark set meta mark & 0x%08x | 0x%08x ", ~c->mask, mark);
	else
		sbuf_add(to, "meta mark set meta mark & 0x%08x ", ~c->mask);
}

/* Counts by family, then drops. */
static void add_counted_drop(
    struct sbuf *to, const struct policyd_conf *c, const char *chain, const char *counter)
{
	rule(to, c, chain);
	sbuf_add(to, "meta nfproto ipv4 counter name \"%s\" drop\n", counter);
	rule(to, c, chain);
	sbuf_add(to, "counter name \"%s6\" drop\n", counter);
}

static void write_verdicts(struct sbuf *to, const struct policyd_conf *c)
{
	add_if_mark(to, c, FRAME_OUT_PROTECT, c->check);
	sbuf_add(to, "goto v_guard\n");
	rule(to, c, FRAME_OUT_PROTECT);
	sbuf_add(to, "goto v_mark\n");

	add_if_mark(to, c, FRAME_OUT_USE, c->check);
	add_set_mark(to, c, 0);
	sbuf_add(to, "accept\n");
	rule(to, c, FRAME_OUT_USE);
	sbuf_add(to, "goto v_mark\n");

	add_if_mark(to, c, "v_mark", c->in);
	add_set_mark(to, c, c->hairpin);
	sbuf_add(to, "accept\n");
	rule(to, c, "v_mark");
	add_set_mark(to, c, c->out);
	sbuf_add(to, "ct zone set %u accept\n", c->zone);

	add_counted_drop(to, c, FRAME_OUT_DISCARD, "out_polvio");
	/* Its protection was judged by datapathd. */
	rule(to, c, FRAME_IN_REFUSE);
	sbuf_add(to, "iifname \"%s\" return\n", c->device);
	add_counted_drop(to, c, FRAME_IN_REFUSE, "in_polvio");
	add_counted_drop(to, c, FRAME_IN_DISCARD, "in_polvio");
	add_counted_drop(to, c, FRAME_GUARD, "guard");
}

/* "jump out4_GENERATION" for the families that have one. */
static void add_jumps(struct sbuf *to, const struct policyd_conf *c, const char *chain, const char *list,
    const bool has[2], uint64_t generation)
{
	for (int i = 0; i < 2; i++) {
		int family = i ? 6 : 4;

		if (!has[i])
			continue;
		rule(to, c, chain);
		sbuf_add(to, "meta nfproto ipv%d jump %s%d_%" PRIx64 "\n", family, list, family, generation);
	}
}

/*
 * ICMP errors that no policy took: what they quote may have come out of a tunnel. Behind an extension header
 * the quoted protocol is not looked for; addresses have to do.
 */
static void write_quotations(struct sbuf *to, const struct policyd_conf *c, const struct frame *f)
{
	static const char *const errors[] = {
	    "icmp type { 3, 4, 5, 11, 12 }", "icmpv6 type { 1, 2, 3, 4, 137 }"};

	for (int i = 0; i < 2; i++) {
		if (!f->has[BOX_FROM_IN][i])
			continue;
		if (i && f->in_by_proto[i]) {
			rule(to, c, "output");
			sbuf_add(to, "%s @th,112,8 { 0, 43, 44, 51, 60 } jump in6_%" PRIx64 "_r\n", errors[i],
			    f->generation);
		}
		rule(to, c, "output");
		sbuf_add(to, "%s jump in%d_%" PRIx64 "_%c\n", errors[i], i ? 6 : 4, f->generation,
		    f->in_by_proto[i] ? 'q' : 'r');
	}
}

static void write_out(struct sbuf *to, const struct policyd_conf *c, const struct frame *f)
{
	add_if_mark(to, c, "output", c->bypass);
	sbuf_add(to, "accept\n");
	/* A mark that a socket brought along decides nothing. */
	rule(to, c, "output");
	sbuf_add(to, "meta mark & 0x%08x != 0 ", c->mask);
	add_set_mark(to, c, 0);
	sbuf_add(to, "\n");
	exempt_write(to, c->table, "output", f->out_exempt, EXEMPT_OUT);
	add_jumps(to, c, "output", "out", f->has[BOX_FROM_OUT], f->generation);
	write_quotations(to, c, f);
}

static void write_pre(struct sbuf *to, const struct policyd_conf *c, const struct frame *f)
{
	rule(to, c, "prerouting");
	sbuf_add(to, "iifname \"%s\" ", c->device);
	add_set_mark(to, c, c->in);
	sbuf_add(to, "ct zone set %u\n", c->zone);
	rule(to, c, "prerouting");
	sbuf_add(to, "iifname \"lo\" accept\n");
	rule(to, c, "prerouting");
	sbuf_add(to, "iifname != \"%s\" meta mark & 0x%08x != 0 ", c->device, c->mask);
	add_set_mark(to, c, 0);
	sbuf_add(to, "\n");
	rule(to, c, "prerouting");
	sbuf_add(to, "fib daddr type { local, broadcast, multicast, anycast } accept\n");
	exempt_write(to, c->table, "prerouting", f->out_exempt, EXEMPT_FORWARD);
	add_jumps(to, c, "prerouting", "out", f->has[BOX_FROM_OUT], f->generation);
}

/* The clear route chose the MSS before the packet was marked (kernel-mechanics section 1). The kernel only
 * ever lowers it. */
static void write_clamp(
    struct sbuf *to, const struct policyd_conf *c, const char *chain, const char *direction)
{
	for (int i = 0; i < 2; i++) {
		rule(to, c, chain);
		sbuf_add(to,
		    "%s \"%s\" meta nfproto ipv%d tcp flags & (syn|rst) == syn tcp option maxseg size set "
		    "%u\n",
		    direction, c->device, i ? 6 : 4, c->mtu - (i ? MSS_OVERHEAD6 : MSS_OVERHEAD4));
	}
}

/*
 * What comes out of the device was judged by datapathd, and passes. Only where packets for this host and
 * forwarded ones are judged by different lists, datapathd cannot know which of them may discard a packet;
 * here it is known.
 */
static void write_inbound(struct sbuf *to, const struct policyd_conf *c, const struct frame *f)
{
	static const char *const hooks[] = {"input", "forward"};

	write_clamp(to, c, "input", "iifname");
	for (size_t i = 0; f->one_list && i < ARRAY_SIZE(hooks); i++) {
		rule(to, c, hooks[i]);
		sbuf_add(to, "iifname \"%s\" accept\n", c->device);
	}
	exempt_write(to, c->table, "input", f->in_exempt, EXEMPT_IN);
	add_jumps(to, c, "input", "in", f->has[BOX_FROM_IN], f->generation);
	add_jumps(to, c, "forward", "fwd", f->has[BOX_FROM_FWD], f->generation);
	if (f->mirrored)
		add_jumps(to, c, "forward", "mir", f->has[BOX_FROM_MIRRORED], f->generation);
	else
		add_jumps(to, c, "forward", "in", f->has[BOX_FROM_IN], f->generation);
}

static void write_post(struct sbuf *to, const struct policyd_conf *c, const struct frame *f)
{
	write_clamp(to, c, "postrouting", "oifname");
	write_clamp(to, c, "postrouting", "iifname");
	rule(to, c, "postrouting");
	sbuf_add(to, "oifname \"%s\" accept\n", c->device);
	rule(to, c, "postrouting");
	sbuf_add(to,
	    "meta mark & 0x%08x vmap { 0x%08x : accept, 0x%08x : accept, 0x%08x : goto v_guard, 0x%08x : "
	    "goto v_guard }\n",
	    c->mask, c->bypass, c->in, c->out, c->hairpin);
	exempt_write(to, c->table, "postrouting", f->out_exempt, EXEMPT_OUT);
	rule(to, c, "postrouting");
	add_set_mark(to, c, c->check);
	sbuf_add(to, "\n");
	add_jumps(to, c, "postrouting", "out", f->has[BOX_FROM_OUT], f->generation);
	add_if_mark(to, c, "postrouting", c->check);
	add_set_mark(to, c, 0);
	sbuf_add(to, "\n");
}

void frame_write_rules(struct sbuf *to, const struct policyd_conf *c, const struct frame *f)
{
	frame_write_idle(to, c);
	write_verdicts(to, c);
	write_out(to, c, f);
	write_pre(to, c, f);
	write_inbound(to, c, f);
	write_post(to, c, f);
}
