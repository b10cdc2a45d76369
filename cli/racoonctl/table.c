/*
 * racoonctl's tables: columns, widths and letters are its own (racoon-conf.md section 11).
 */
#include <inttypes.h>
#include <time.h>

#include "cli/racoonctl/racoonctl.h"

enum { NARROW = 22, WIDE = 45, STAMP_LEN = 19 };

/* "YYYY-MM-DD hh:mm:ss" in local time; blanks for 0. */
static const char *stamp(uint64_t wall_ms, char buf[STAMP_LEN + 1])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (!wall_ms || !localtime_r(&t, &tm) || !strftime(buf, STAMP_LEN + 1, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, STAMP_LEN + 1, "%*s", STAMP_LEN, "");
	return buf;
}

static void print_addr(FILE *to, const struct inet_addr *a, uint16_t port, int width)
{
	char text[INET_ADDR_STRLEN], both[INET_ADDR_STRLEN + 8];

	snprintf(both, sizeof(both), "%s.%u", inet_addr_format(a, text), port);
	fprintf(to, "%-*s ", width, both);
}

static char mode_letter(const struct ike_row_sa *sa)
{
	switch (sa->mode) {
	case IKE_MODE_MAIN:
		return 'M';
	case IKE_MODE_AGGRESSIVE:
		return 'A';
	case IKE_MODE_BASE:
		return 'B';
	default:
		return '-';
	}
}

static void print_isakmp(FILE *to, const struct ike_row_sa *sa, unsigned detail, uint64_t now_wall_ms)
{
	char spis[IKE_SPIS_LEN], at[STAMP_LEN + 1];
	int width = detail > 1 ? WIDE : NARROW;

	if (detail > 1)
		print_addr(to, &sa->local, sa->local_port, width);
	print_addr(to, &sa->remote, sa->remote_port, width);
	fprintf(to, "%s ", ike_spis_text(sa->spi_i, sa->spi_r, spis));
	if (detail)
		fprintf(to, "%2u %c %2x %c ", sa->progress, sa->initiator ? 'I' : 'R', sa->version << 4,
		    mode_letter(sa));
	fputs(stamp(sa->state == IKE_ROW_UP ? now_wall_ms - sa->up_ms : 0, at), to);
	if (detail)
		fprintf(to, " %6u", sa->n_children);
	fputc('\n', to);
}

void racoonctl_print_isakmp(FILE *to, const struct ike_rows *r, unsigned detail, uint64_t now_wall_ms)
{
	int width = detail > 1 ? WIDE : NARROW;

	if (detail > 1)
		fprintf(to, "%-*s ", width, "Source");
	fprintf(to, "%-*s %-33s ", width, "Destination", "Cookies");
	if (detail)
		fprintf(to, "ST S  V E %-*s Phase2\n", STAMP_LEN, "Created");
	else
		fprintf(to, "Created\n");
	for (size_t i = 0; i < r->n_sas; i++)
		print_isakmp(to, &r->sa[i], detail, now_wall_ms);
}

struct moment {
	FILE *to;
	unsigned n;
	uint64_t now_wall_ms;
};

static void print_moment(struct moment *m, uint64_t in_ms, uint64_t age_ms)
{
	char at[STAMP_LEN + 1], created[STAMP_LEN + 1];

	if (in_ms)
		fprintf(m->to, "%-8u %-8" PRIu64 " %s %s\n", m->n++, in_ms / 1000,
		    stamp(m->now_wall_ms + in_ms, at), stamp(m->now_wall_ms - age_ms, created));
}

void racoonctl_print_schedule(FILE *to, const struct ike_rows *r, uint64_t now_wall_ms)
{
	struct moment m = {.to = to, .now_wall_ms = now_wall_ms};

	fprintf(to, "index    tick     xtime               created\n");
	for (size_t i = 0; i < r->n_sas; i++) {
		print_moment(&m, r->sa[i].renew_ms, r->sa[i].age_ms);
		print_moment(&m, r->sa[i].left_ms, r->sa[i].age_ms);
	}
	for (size_t i = 0; i < r->n_children; i++) {
		print_moment(&m, r->child[i].renew_ms, r->child[i].age_ms);
		print_moment(&m, r->child[i].left_ms, r->child[i].age_ms);
	}
}
