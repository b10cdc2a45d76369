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
#include "policyd/compile/key.h"
#include "policyd/compile/layer.h"

enum { NAME_ROOM = 48 };

/* Lists by their name in chain names. */
static const char *const lists[BOX_SOURCES] = {
    [BOX_FROM_OUT] = "out", [BOX_FROM_IN] = "in", [BOX_FROM_FWD] = "fwd", [BOX_FROM_MIRRORED] = "mir"};

/*
 * The ways a list is looked up, each with maps and a chain of its own. An ICMP error made here quotes a
 * packet; when that packet had to arrive protected, the quotation must not leave in clear.
 */
struct look {
	char letter;
	enum box_sight sight;
	bool quoted; /* looks at the packet that an ICMP error quotes; inbound list only */
};
static const struct look looks[] = {
    {'p', BOX_SEES_PORTS, false},
    {'n', BOX_SEES_PROTO, false},
    {'a', BOX_SEES_ADDRS, false},
    {'q', BOX_SEES_PROTO, true},
    {'r', BOX_SEES_ADDRS, true},
};

/*
 * Which look a packet gets, in this order. Later fragments come before what has ports: the kernel would read
 * "ports" out of their payload (its fast path for short loads does not look at the fragment offset).
 */
static const struct {
	const char *match[2]; /* by family */
	char letter;
} dispatch[] = {
    {{"ip frag-off & 0x1fff != 0 ", "frag frag-off != 0 "}, 'n'},
    {{"th dport 0-65535 ", "th dport 0-65535 "}, 'p'},
    {{"meta l4proto 0-255 ", "meta l4proto 0-255 "}, 'n'},
    {{"", ""}, 'a'},
};

/* What is being written, and for which list. */
struct writer {
	struct ruleset *r;
	const struct policyd_conf *conf;
	struct sbuf *to; /* the current fill transaction */
	size_t n_in_chunk;
	enum box_source from;
	bool v6;
	bool ports, protos;    /* some policy of the list names a port, or an upper protocol */
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

static const char *verdict_text(enum box_verdict v, enum box_source from, bool quoted)
{
	bool out = from == BOX_FROM_OUT;

	switch (v) {
	case BOX_PASS:
		return "return";
	case BOX_USE:
		return out ? "goto " FRAME_OUT_USE : "return";
	case BOX_DISCARD:
		if (out)
			return "goto " FRAME_OUT_DISCARD;
		break;
	case BOX_PROTECT:
		if (out)
			return "goto " FRAME_OUT_PROTECT;
		break;
	}
	if (quoted)
		return "goto " FRAME_GUARD;
	return v == BOX_DISCARD ? "goto " FRAME_IN_DISCARD : "goto " FRAME_IN_REFUSE;
}

static int write_elements(
    struct writer *w, const char *map, const struct key_form *k, const struct box *b, size_t n)
{
	bool open = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (open)
			sbuf_add(w->to, ", ");
		else
			sbuf_add(w->to, "add element inet %s %s { ", w->conf->table, map);
		open = true;
		key_write_value(w->to, k, &b[i]);
		sbuf_add(w->to, " : %s", verdict_text(b[i].verdict, w->from, k->quoted));
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
    struct writer *w, const struct look *look, const char *chain, const struct box *b, size_t n)
{
	struct key_form k = {.v6 = w->v6, .quoted = look->quoted};
	char map[NAME_ROOM + 24];
	int r;

	k.n_fields = box_field_order(b, n, look->sight, k.order);
	if (k.n_fields < 0)
		return k.n_fields;
	snprintf(map, sizeof(map), "%s%u", chain, b->layer);
	sbuf_add(w->to, "add map inet %s %s { ", w->conf->table, map);
	key_write_type(w->to, &k);
	sbuf_add(w->to, " : verdict; flags interval; }\n");
	sbuf_add(&w->r->drop, "delete map inet %s %s\n", w->conf->table, map);
	r = write_elements(w, map, &k, b, n);
	if (r < 0)
		return r;
	sbuf_add(w->to, "add rule inet %s %s ", w->conf->table, chain);
	key_write_expr(w->to, &k);
	sbuf_add(w->to, " vmap @%s\n", map);
	return 0;
}

/* All layers of one look, in a chain of their own. */
static int write_look(
    struct writer *w, const struct spd *spd, const struct policy_deflev *deflev, const struct look *look)
{
	AUTO_BOX_LIST struct box_list l = {0};
	char chain[NAME_ROOM + 8];
	uint32_t n_layers = 0;
	int r = box_list_build(&l, spd, w->from, w->v6 ? INET_V6 : INET_V4, look->sight, deflev);

	if (r == 0)
		r = box_list_layer(&l, &n_layers);
	snprintf(chain, sizeof(chain), "%s_%c", w->chain, look->letter);
	sbuf_add(w->to, "add chain inet %s %s\n", w->conf->table, chain);
	for (size_t i = 0, n; r == 0 && i < l.n; i += n) {
		for (n = 1; i + n < l.n && l.b[i + n].layer == l.b[i].layer; n++)
			;
		r = write_layer(w, look, chain, &l.b[i], n);
	}
	if (n_layers > w->r->n_layers)
		w->r->n_layers = n_layers;
	return r;
}

static bool has_family(const struct spd *spd, enum box_source from, bool v6)
{
	for (const struct spd_entry *e = box_source_first(spd, from); e; e = box_source_next(spd, from, e))
		if ((e->policy.sel.src.addr.family == INET_V6) == v6)
			return true;
	return false;
}

/* Chains are emptied before any is deleted, so that none is still referred to. */
static void write_drop_chain(struct writer *w, const char *suffix, struct sbuf *deletions)
{
	sbuf_add(&w->r->drop, "flush chain inet %s %s%s\n", w->conf->table, w->chain, suffix);
	sbuf_add(deletions, "delete chain inet %s %s%s\n", w->conf->table, w->chain, suffix);
}

static void find_needs(struct writer *w, const struct spd *spd)
{
	const struct spd_entry *e = box_source_first(spd, w->from);

	w->ports = w->protos = false;
	for (; e; e = box_source_next(spd, w->from, e)) {
		const struct selector *s = &e->policy.sel;

		if ((s->src.addr.family == INET_V6) != w->v6)
			continue;
		w->ports |= s->sport || s->dport;
		w->protos |= s->sport || s->dport || s->proto != IPPROTO_ANY_;
	}
}

/* What no policy of the list asks about need not be looked at: addresses alone then decide, in one map. */
static bool has_look(const struct writer *w, char letter)
{
	switch (letter) {
	case 'p':
		return w->ports;
	case 'n':
		return w->protos;
	case 'q':
		return w->from == BOX_FROM_IN && w->protos;
	case 'r':
		return w->from == BOX_FROM_IN;
	default:
		return true;
	}
}

static int write_list(
    struct writer *w, const struct spd *spd, const struct policy_deflev *deflev, struct sbuf *deletions)
{
	int r = 0;

	find_needs(w, spd);
	snprintf(
	    w->chain, sizeof(w->chain), "%s%d_%" PRIx64, lists[w->from], w->v6 ? 6 : 4, w->r->generation);
	sbuf_add(w->to, "add chain inet %s %s\n", w->conf->table, w->chain);
	write_drop_chain(w, "", deletions);
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		if (has_look(w, looks[i].letter))
			write_drop_chain(w, (const char[]){'_', looks[i].letter, '\0'}, deletions);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(looks); i++)
		if (has_look(w, looks[i].letter))
			r = write_look(w, spd, deflev, &looks[i]);
	for (size_t i = 0; i < ARRAY_SIZE(dispatch); i++)
		if (has_look(w, dispatch[i].letter))
			sbuf_add(w->to, "add rule inet %s %s %sgoto %s_%c\n", w->conf->table, w->chain,
			    dispatch[i].match[w->v6], w->chain, dispatch[i].letter);
	return r;
}

static int write_lists(
    struct writer *w, const struct spd *spd, const struct policy_deflev *deflev, struct frame *f)
{
	AUTO_SBUF struct sbuf deletions = {0};
	int r = 0;

	f->mirrored = spd_count_in_only(spd) != 0;
	f->one_list = !f->mirrored && !spd_count(spd, POLICY_FWD);
	for (enum box_source from = 0; from < BOX_SOURCES; from++)
		for (int v6 = 0; r == 0 && v6 < 2; v6++) {
			if (from == BOX_FROM_MIRRORED && !f->mirrored)
				continue;
			w->from = from;
			w->v6 = v6;
			f->has[from][v6] = has_family(spd, from, v6);
			if (!f->has[from][v6])
				continue;
			r = write_list(w, spd, deflev, &deletions);
			if (from == BOX_FROM_IN)
				f->in_by_proto[v6] = w->protos;
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
