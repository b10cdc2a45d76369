/*
 * nftables has no names for the fields of a quoted packet, so those are raw payload and their values plain
 * numbers: offsets in bits from the start of the ICMP header, which has eight octets before the quotation.
 */
#include "policyd/compile/key.h"

static const char *expr_of(enum box_field f, const struct key_form *k)
{
	static const char *const direct[][2] = {
	    [BOX_SRC] = {"ip saddr", "ip6 saddr"},
	    [BOX_DST] = {"ip daddr", "ip6 daddr"},
	    [BOX_PROTO] = {"meta l4proto", "meta l4proto"},
	    [BOX_SPORT] = {"th sport", "th sport"},
	    [BOX_DPORT] = {"th dport", "th dport"},
	};
	static const char *const quoted[][2] = {
	    [BOX_SRC] = {"@th,160,32", "@th,128,128"},
	    [BOX_DST] = {"@th,192,32", "@th,256,128"},
	    [BOX_PROTO] = {"@th,136,8", "@th,112,8"},
	};

	return k->quoted ? quoted[f][k->v6] : direct[f][k->v6];
}

static const char *type_of(enum box_field f, bool v6)
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

static void write_number(struct sbuf *to, const struct inet_addr *a)
{
	sbuf_add(to, "0x");
	sbuf_add_hex(to, a->b, inet_addr_len(a));
}

static void write_prefix(struct sbuf *to, const struct inet_prefix *p, bool as_number)
{
	char buf[INET_ADDR_STRLEN];
	struct inet_addr last = inet_prefix_last(p);

	if (!as_number) {
		sbuf_add(to, "%s/%u", inet_addr_format(&p->addr, buf), p->plen);
		return;
	}
	write_number(to, &p->addr);
	if (!inet_prefix_is_host(p)) {
		sbuf_add(to, "-");
		write_number(to, &last);
	}
}

static void write_field(struct sbuf *to, const struct key_form *k, const struct box *b, enum box_field f)
{
	switch (f) {
	case BOX_SRC:
		write_prefix(to, &b->src, k->quoted);
		break;
	case BOX_DST:
		write_prefix(to, &b->dst, k->quoted);
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

void key_write_type(struct sbuf *to, const struct key_form *k)
{
	if (k->quoted) {
		sbuf_add(to, "typeof ");
		key_write_expr(to, k);
		return;
	}
	sbuf_add(to, "type ");
	for (int i = 0; i < k->n_fields; i++)
		sbuf_add(to, "%s%s", i ? " . " : "", type_of(k->order[i], k->v6));
}

void key_write_expr(struct sbuf *to, const struct key_form *k)
{
	for (int i = 0; i < k->n_fields; i++)
		sbuf_add(to, "%s%s", i ? " . " : "", expr_of(k->order[i], k));
}

void key_write_value(struct sbuf *to, const struct key_form *k, const struct box *b)
{
	for (int i = 0; i < k->n_fields; i++) {
		if (i)
			sbuf_add(to, " . ");
		write_field(to, k, b, k->order[i]);
	}
}
