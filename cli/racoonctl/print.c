/*
 * Tables as racoonctl had them: scripts cut them into columns.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/dump/dump.h"
#include "cli/racoonctl/racoonctl.h"
#include "cli/rows.h"

enum { NARROW = 22, WIDE = 45, COOKIES = 33, STATE_ESTABLISHED = 9, STATE_UNDER_WAY = 1 };

static void print_head(FILE *to, unsigned details)
{
	int width = details > 1 ? WIDE : NARROW;

	if (details > 1)
		fprintf(to, "%-*s ", width, "Source");
	fprintf(to, "%-*s %-*s ", width, "Destination", COOKIES, "Cookies");
	if (details)
		fprintf(to, "%-2s %-1s %-2s %-1s ", "ST", "S", "V", "E");
	fprintf(to, "%s", "Created");
	if (details)
		fprintf(to, "%*s", 19 - 7 + 7, "Phase2");
	fputc('\n', to);
}

static char mode_letter(enum ike_mode m)
{
	switch (m) {
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

static void print_end(FILE *to, const struct inet_addr *a, uint16_t port, int width)
{
	char text[INET_ADDR_STRLEN], whole[IKE_END_MAX];

	snprintf(whole, sizeof(whole), "%s.%u", inet_addr_format(a, text), port);
	fprintf(to, "%-*s ", width, whole);
}

static unsigned children_of(const struct ike_rows *r, const struct ike_sa_view *v)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < r->n_children; i++)
		n += ike_rows_parent(r, &r->child[i]) == v;
	return n;
}

static void print_row(
    FILE *to, const struct ike_rows *r, const struct ike_sa_view *v, unsigned details, uint64_t now_wall_ms)
{
	int width = details > 1 ? WIDE : NARROW;
	char i[IKE_SPI_TEXT], c[IKE_SPI_TEXT], when[32];
	time_t made = (time_t)((now_wall_ms - v->age_ms) / 1000);
	bool up = v->state == IKE_VIEW_ESTABLISHED;
	struct tm tm;

	localtime_r(&made, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	if (details > 1)
		print_end(to, &v->local, v->local_port, width);
	print_end(to, &v->remote, v->remote_port, width);
	fprintf(to, "%s:%s ", ike_spi(v->spi_i, i), ike_spi(v->spi_r, c));
	if (details)
		fprintf(to, "%2d %c %2x %c ", up ? STATE_ESTABLISHED : STATE_UNDER_WAY,
		    v->initiator ? 'I' : 'R', (unsigned)v->version << 4, mode_letter(v->mode));
	fputs(up ? when : "", to);
	if (details)
		fprintf(to, "%*u", up ? 7 : 19 + 7, children_of(r, v));
	fputc('\n', to);
}

void racoonctl_print_isakmp(FILE *to, const struct ike_rows *r, unsigned details, uint64_t now_wall_ms)
{
	print_head(to, details);
	for (uint32_t i = 0; i < r->n_sas; i++)
		print_row(to, r, &r->sa[i], details, now_wall_ms);
}

struct sad {
	FILE *to; /* NULL: they are only counted */
	uint32_t left;
	struct dump_style style;
};

static int each_sa(const struct sa_desc *d, const struct sa_status *s, void *arg)
{
	struct sad *x = arg;

	if (!x->to)
		x->left++;
	else
		dump_sa(x->to, d, s, x->left ? --x->left : 0, &x->style);
	return 0;
}

/* Twice: each block says how many come after it. */
int racoonctl_show_sad(struct cli *cli, enum ipsec_proto proto)
{
	AUTO_SYNC struct ipc_sync *datapathd = NULL;
	struct sad x = {.style = {.now_wall_ms = clock_wall_ms()}};
	struct err_text e = {""};
	int r;

	if (cli_open_datapathd(cli, &datapathd) < 0)
		return CLI_FAILED;
	r = cli_each_sa(datapathd, proto, false, each_sa, &x, &e);
	if (r == 0 && !x.left)
		fputs("No SAD entries.\n", cli->out);
	x.to = cli->out;
	if (r == 0 && x.left)
		r = cli_each_sa(datapathd, proto, false, each_sa, &x, &e);
	return r < 0 ? cli_fail(cli, "the SAD could not be read: %s", e.s) : CLI_OK;
}
