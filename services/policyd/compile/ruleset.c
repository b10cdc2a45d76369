/*
 * One transaction that brings both a map and the rule using it leaks a packet or so per reload: the rule is
 * live before the elements are (kernel-mechanics section 2). Hence versioned names, and separate transactions
 * for filling, swapping and dropping. Dropping is not part of the swap either: a packet that entered the old
 * chains just before the swap still finds its map.
 */
#include "policyd/compile/ruleset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policyd/conf.h"
#include "policyd/compile/frame.h"
#include "policyd/compile/layer.h"

enum { NAME_ROOM = 48 };

struct list_name {
	const char *name; /* of the list in chain names */
	enum policy_dir dir;
};
static const struct list_name lists[] = {{"out", POLICY_OUT}, {"in", POLICY_IN}, {"fwd", POLICY_FWD}};

static const struct {
	char letter;
	const char *readable; /* matches when that much of the packet can be read */
} sights[BOX_SIGHTS] = {
    [BOX_SEES_PORTS] = {'p', "th dport 0-65535"},
    [BOX_SEES_PROTO] = {'n', "meta l4proto 0-255"},
    [BOX_SEES_ADDRS] = {'a', NULL},
};

/* What is being written, and for which list. */
struct writer {
	struct ruleset *r;
	const struct policyd_conf *conf;
	struct sbuf *to; /* the current fill transaction */
	size_t n_in_chunk;
	enum policy_dir dir;
	bool v6;
	char chain[NAME_ROOM]; /* of the list, family and generation: "out4_1f" */
};

static int next_chunk(struct writer *w)
{
	struct sbuf *fill = reallocarray(w->r->fill, w->r->n_fill + 1, sizeof(*fill));

	if (!fill)
		return -ENOMEM;
	w->r->fill = fill;
	w->to = &fill[w->r->n_fill++];
	sbuf_init(w->to);
	w->n_in_chunk = 0;
	return 0;
}

static const char *field_expr(enum box_field f, bool v6)
{
	static const char *const expr[][2] = {
	    [BOX_SRC] = {"ip saddr", "ip6 saddr"},
	    [BOX_DST] = {"ip daddr", "ip6 daddr"},
	    [BOX_PROTO] = {"meta l4proto", "meta l4proto"},
	    [BOX_SPORT] = {"th sport", "th sport"},
	    [BOX_DPORT] = {"th dport", "th dport"},
	};

	return expr[f][v6];
}

static const char *field_type(enum box_field f, bool v6)
{
	switch (f) {
	case BOX_SRC:
	case BOX_DST:
		return v6 ? "ipv6_addr" : "ipv4_addr";
	case BOX_PROTO:
		return "inet_proto";
	default:
		return "inet_service";
	}
}

static void write_interval(struct sbuf *to, unsigned lo, unsigned hi)
{
	if (lo == hi)
		sbuf_add(to, "%u", lo);
	else
		sbuf_add(to, "%u-%u", lo, hi);
}

static void write_prefix(struct sbuf *to, const struct inet_prefix *p)
{
	char buf[INET_ADDR_STRLEN];

	sbuf_add(to, "%s/%u", inet_addr_format(&p->addr, buf), p->plen);
}

static void write_field(struct sbuf *to, const struct box *b, enum box_field f)
{
	switch (f) {
	case BOX_SRC:
		write_prefix(to, &b->src);
		break;
	case BOX_DST:
		write_prefix(to, &b->dst);
		break;
	case BOX_PROTO:
		write_interval(to, b->proto_lo, b->proto_hi);
		break;
	case BOX_SPORT:
		write_interval(to, b->sport_lo, b->sport_hi);
		break;
	default:
		write_interval(to, b->dport_lo, b->dport_hi);
		break;
	}
}

static const char *verdict_text(enum box_verdict v, enum policy_dir dir)
{
	bool out = dir == POLICY_OUT;

	switch (v) {
	case BOX_PASS:
		return "return";
	case BOX_USE:
		return out ? "goto " FRAME_OUT_USE : "return";
	case BOX_DISCARD:
		return out ? "goto " FRAME_OUT_DISCARD : "goto " FRAME_IN_REFUSE;
	case BOX_PROTECT:
		break;
	}
	return out ? "goto " FRAME_OUT_PROTECT : "goto " FRAME_IN_REFUSE;
}

static int write_elements(struct writer *w, const char *map, const struct box *b, size_t n,
    const enum box_field *order, int n_fields)
{
	bool open = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		sbuf_add(w->to, open ? "," : "add element inet %s %s {", w->conf->table, map);
		open = true;
		for (int f = 0; f < n_fields; f++) {
			sbuf_add(w->to, f ? " . " : " ");
			write_field(w->to, &b[i], order[f]);
		}
		sbuf_add(w->to, " : %s", verdict_text(b[i].verdict, w->dir));
		if (++w->n_in_chunk == RULESET_CHUNK || i + 1 == n) {
			sbuf_add(w->to, " }\n");
			open = false;
		}
		if (w->n_in_chunk == RULESET_CHUNK)
			r = next_chunk(w);
	}
	w->r->n_elements += n;
	return r;
}

/* One layer: its map, its elements, and its rule in `chain`. */
static int write_layer(
    struct writer *w, const char *chain, const struct box *b, size_t n, enum box_sight sight)
{
	enum box_field order[BOX_FIELDS];
	int n_fields = box_field_order(b, n, sight, order), r;
	char map[NAME_ROOM + 24];

	if (n_fields < 0)
		return n_fields;
	snprintf(map, sizeof(map), "%s_%c%u", w->chain, sights[sight].letter, b->layer);
	sbuf_add(w->to, "add map inet %s %s { type ", w->conf->table, map);
	for (int f = 0; f < n_fields; f++)
		sbuf_add(w->to, "%s%s", f ? " . " : "", field_type(order[f], w->v6));
	sbuf_add(w->to, " : verdict; flags interval; }\n");
	sbuf_add(&w->r->drop, "delete map inet %s %s\n", w->conf->table, map);
	r = write_elements(w, map, b, n, order, n_fields);
	if (r < 0)
		return r;
	sbuf_add(w->to, "add rule inet %s %s ", w->conf->table, chain);
	for (int f = 0; f < n_fields; f++)
		sbuf_add(w->to, "%s%s", f ? " . " : "", field_expr(order[f], w->v6));
	sbuf_add(w->to, " vmap @%s\n", map);
	return 0;
}

/* All layers for packets of which this much can be read, in a chain of their own that the list's chain goes
 * to. */
static int write_sight(
    struct writer *w, const struct spd *spd, const struct policy_deflev *deflev, enum box_sight sight)
{
	AUTO_BOX_LIST struct box_list l = {0};
	char chain[NAME_ROOM + 8];
	uint32_t n_layers = 0;
	size_t i = 0, n;
	int r = box_list_build(&l, spd, w->dir, w->v6 ? INET_V6 : INET_V4, sight, deflev);

	if (r == 0)
		r = box_list_layer(&l, &n_layers);
	if (r < 0)
		return r;
	snprintf(chain, sizeof(chain), "%s_%c", w->chain, sights[sight].letter);
	sbuf_add(w->to, "add chain inet %s %s\n", w->conf->table, chain);
	for (; r == 0 && i < l.n; i += n) {
		for (n = 1; i + n < l.n && l.b[i + n].layer == l.b[i].layer; n++)
			;
		r = write_layer(w, chain, &l.b[i], n, sight);
	}
	if (r < 0)
		return r;
	sbuf_add(w->to, "add rule inet %s %s ", w->conf->table, w->chain);
	if (sights[sight].readable)
		sbuf_add(w->to, "%s ", sights[sight].readable);
	sbuf_add(w->to, "goto %s\n", chain);
	if (n_layers > w->r->n_layers)
		w->r->n_layers = n_layers;
	return 0;
}

static bool has_family(const struct spd *spd, enum policy_dir dir, bool v6)
{
	for (const struct spd_entry *e = spd_first(spd, dir); e; e = spd_next(spd, e))
		if ((e->policy.sel.src.addr.family == INET_V6) == v6)
			return true;
	return false;
}

/* Chains are emptied before any is deleted, so that none is still referred to. */
static void write_drop_chains(struct writer *w, struct sbuf *deletions)
{
	static const char *const suffix[] = {"", "_p", "_n", "_a"};

	for (size_t i = 0; i < ARRAY_SIZE(suffix); i++) {
		sbuf_add(&w->r->drop, "flush chain inet %s %s%s\n", w->conf->table, w->chain, suffix[i]);
		sbuf_add(deletions, "delete chain inet %s %s%s\n", w->conf->table, w->chain, suffix[i]);
	}
}

static int write_list(struct writer *w, const struct spd *spd, const struct policy_deflev *deflev,
    const struct list_name *list, struct sbuf *deletions)
{
	int r = 0;

	w->dir = list->dir;
	snprintf(w->chain, sizeof(w->chain), "%s%d_%" PRIx64, list->name, w->v6 ? 6 : 4, w->r->generation);
	sbuf_add(w->to, "add chain inet %s %s\n", w->conf->table, w->chain);
	write_drop_chains(w, deletions);
	for (enum box_sight s = BOX_SEES_PORTS; r == 0 && s < BOX_SIGHTS; s++)
		r = write_sight(w, spd, deflev, s);
	return r;
}

static int write_lists(
    struct writer *w, const struct spd *spd, const struct policy_deflev *deflev, struct frame *f)
{
	AUTO_SBUF struct sbuf deletions = {0};
	bool *has[] = {f->has_out, f->has_in, f->has_fwd};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (int v6 = 0; r == 0 && v6 < 2; v6++) {
			has[i][v6] = has_family(spd, lists[i].dir, v6);
			w->v6 = v6;
			if (has[i][v6])
				r = write_list(w, spd, deflev, &lists[i], &deletions);
		}
	sbuf_add(&w->r->drop, "%s", sbuf_str(&deletions));
	return deletions.bad ? -ENOMEM : r;
}

static bool any_bad(const struct ruleset *r)
{
	for (size_t i = 0; i < r->n_fill; i++)
		if (r->fill[i].bad)
			return true;
	return r->swap.bad || r->drop.bad;
}

void ruleset_marker(char *buf, size_t room, uint64_t generation)
{
	snprintf(buf, room, "gen_%" PRIx64, generation);
}

int ruleset_build(struct ruleset *ret, const struct policyd_conf *conf, const struct spd *spd,
    const struct policy_deflev *deflev, uint64_t generation)
{
	struct writer w = {.r = ret, .conf = conf};
	struct frame f = {.generation = generation};
	char marker[NAME_ROOM];
	int r;

	*ret = (struct ruleset){.generation = generation};
	r = next_chunk(&w);
	if (r < 0)
		return r;
	ruleset_marker(marker, sizeof(marker), generation);
	frame_write_skeleton(w.to, conf);
	sbuf_add(w.to, "add chain inet %s %s\n", conf->table, marker);
	if (!spd || !spd_count(spd, POLICY_DIR_NONE)) {
		frame_write_idle(&ret->swap, conf);
	} else {
		r = write_lists(&w, spd, deflev, &f);
		if (r < 0)
			return r;
		f.out_exempt = exempt_unnamed(spd, POLICY_OUT);
		f.in_exempt = exempt_unnamed(spd, POLICY_IN);
		frame_write_rules(&ret->swap, conf, &f);
	}
	sbuf_add(&ret->drop, "delete chain inet %s %s\n", conf->table, marker);
	return any_bad(ret) ? -ENOMEM : 0;
}

void ruleset_fini(struct ruleset *r)
{
	for (size_t i = 0; i < r->n_fill; i++)
		sbuf_fini(&r->fill[i]);
	free(r->fill);
	sbuf_fini(&r->swap);
	sbuf_fini(&r->drop);
	*r = (struct ruleset){0};
}

void ruleset_write_withdraw(struct sbuf *to, const struct policyd_conf *conf)
{
	sbuf_add(to, "delete table inet %s\n", conf->table);
}
