/*
 * What is printed here can be fed back to spdadd after a mechanical rewrite; the tests do so.
 */
#include "cli/dump/dump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/dump/stamp.h"
#include "config/setkey/setkey.h"

enum { PRIO_BASE = 1073741824, PROTO_GRE = 47 };

static void print_end(FILE *to, const struct inet_prefix *p, uint16_t port, bool with_port)
{
	char text[INET_PREFIX_STRLEN];

	fputs(inet_prefix_format(p, text), to);
	if (with_port && port)
		fprintf(to, "[%u]", port);
	else if (with_port)
		fputs("[any]", to);
	fputc(' ', to);
}

static void print_selector(FILE *to, const struct selector *s)
{
	bool misc = ip_proto_has_misc(s->proto);
	const char *name = setkey_proto_name(s->proto);

	print_end(to, &s->src, s->sport, !misc);
	print_end(to, &s->dst, s->dport, !misc);
	if (name)
		fputs(name, to);
	else
		fprintf(to, "%u", s->proto);
	if (misc && (s->sport || s->dport)) {
		if (s->proto == PROTO_GRE)
			fprintf(to, " %u", (unsigned)s->sport << 16 | s->dport);
		else
			fprintf(to, " %u,%u", s->sport, s->dport);
	}
}

/* " prio high - 5": the nearest base and what is left. Nothing for the default. */
static void print_priority(FILE *to, int32_t priority)
{
	int64_t v = priority, base = 0;
	const char *name = "def";

	if (!v)
		return;
	if (v > PRIO_BASE / 2) {
		base = PRIO_BASE;
		name = "high";
	} else if (v < -PRIO_BASE / 2) {
		base = -PRIO_BASE;
		name = "low";
	}
	fprintf(to, " prio %s", name);
	if (v != base)
		fprintf(to, " %c %" PRId64, v > base ? '+' : '-', v > base ? v - base : base - v);
}

static void print_request(FILE *to, const struct policy_request *r, bool ports)
{
	char src[INET_ADDR_STRLEN], dst[INET_ADDR_STRLEN];

	fprintf(to, "%s/%s/", ipsec_proto_name(r->proto), ipsec_mode_name(r->mode));
	if (r->src.family != INET_NONE && ports)
		fprintf(to, "%s[%u]-%s[%u]", inet_addr_format(&r->src, src), r->src_port,
		    inet_addr_format(&r->dst, dst), r->dst_port);
	else if (r->src.family != INET_NONE)
		fprintf(to, "%s-%s", inet_addr_format(&r->src, src), inet_addr_format(&r->dst, dst));
	fprintf(to, "/%s", policy_level_name(r->level));
	if (r->level == LEVEL_UNIQUE && r->reqid)
		fprintf(to, "%c%u", r->reqid_auto ? '#' : ':', r->reqid);
}

static void print_rule(FILE *to, const struct policy *p)
{
	fputs(policy_dir_name(p->dir), to);
	print_priority(to, p->priority);
	fprintf(to, " %s", policy_action_name(p->action));
}

void dump_policy(FILE *to, const struct policy *p, uint32_t seq, const struct dump_style *style)
{
	char created[DUMP_STAMP_LEN + 1], used[DUMP_STAMP_LEN + 1];

	print_selector(to, &p->sel);
	fputs("\n\t", to);
	print_rule(to, p);
	fputc('\n', to);
	for (uint8_t i = 0; i < p->n_requests; i++) {
		fputc('\t', to);
		print_request(to, &p->req[i], style->ports);
		fputc('\n', to);
	}
	if (p->created_wall_ms)
		fprintf(to, "\tcreated: %s  lastused: %s\n", dump_stamp(p->created_wall_ms, created),
		    dump_stamp(p->last_used_wall_ms, used));
	fprintf(to, "\tlifetime: %u(s) validtime: %u(s)\n", p->lifetime_s, p->validtime_s);
	fprintf(to, "\tspid=%u seq=%u pid=%u\n\trefcnt=1\n", p->id, seq, style->pid);
}

void dump_policy_line(FILE *to, const struct policy *p)
{
	print_selector(to, &p->sel);
	if (p->lifetime_s)
		fprintf(to, " -lh %u", p->lifetime_s);
	if (p->validtime_s)
		fprintf(to, " -lv %u", p->validtime_s);
	fputs(" -P ", to);
	print_rule(to, p);
	for (uint8_t i = 0; i < p->n_requests; i++) {
		fputc(' ', to);
		print_request(to, &p->req[i], p->req[i].src_port);
	}
}
