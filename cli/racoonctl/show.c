/*
 * show-sa and show-schedule.
 */
#include <unistd.h>

#include "base/clock.h"
#include "cli/dump/dump.h"
#include "cli/racoonctl/racoonctl.h"

struct sad {
	FILE *to;
	uint32_t n;
	struct dump_style style;
};

static int count(const struct sa_desc *d, const struct sa_status *s, void *arg)
{
	((struct sad *)arg)->n++;
	return 0;
}

static int print(const struct sa_desc *d, const struct sa_status *s, void *arg)
{
	struct sad *x = arg;

	/* It may have grown since it was counted. */
	if (x->n)
		x->n--;
	dump_sa(x->to, d, s, x->n, &x->style);
	return 0;
}

static int show_sad(struct cli *cli, enum ipsec_proto proto)
{
	AUTO_SYNC struct ipc_sync *s = NULL;
	struct sad x = {.to = cli->out, .style = {.now_wall_ms = clock_wall_ms(), .pid = (uint32_t)getpid()}};
	struct err_text e = {{0}};
	int r = cli_open_service(cli, "datapathd", &s, &e);

	if (r == 0)
		r = cli_each_sa(s, proto, false, count, &x, &e);
	if (r == 0 && !x.n)
		fprintf(cli->out, "No SAD entries.\n");
	else if (r == 0)
		r = cli_each_sa(s, proto, false, print, &x, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}

static int with_rows(const struct racoonctl *x, bool schedule)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct ike_rows rows = {0};
	struct err_text e = {{0}};
	int r = cli_open_service(x->cli, "keyd", &keyd, &e);

	if (r == 0)
		r = ike_rows_read(keyd, &rows, &e);
	if (r == 0 && schedule)
		racoonctl_print_schedule(x->cli->out, &rows, clock_wall_ms());
	else if (r == 0)
		racoonctl_print_isakmp(x->cli->out, &rows, x->detail, clock_wall_ms());
	ike_rows_fini(&rows);
	return r < 0 ? cli_fail(x->cli, "%s", e.s) : CLI_OK;
}

int racoonctl_show_sa(const struct racoonctl *x, int argc, char **argv)
{
	enum ipsec_proto proto;
	bool isakmp;
	int code;

	if (argc == 1) {
		code = with_rows(x, false);
		return code == CLI_OK ? show_sad(x->cli, IPSEC_PROTO_NONE) : code;
	}
	if (argc > 2 || !racoonctl_parse_kind(argv[1], &isakmp, &proto))
		return cli_fail(x->cli, "show-sa takes one of isakmp, esp, ah and ipsec.");
	return isakmp ? with_rows(x, false) : show_sad(x->cli, proto);
}

int racoonctl_show_schedule(const struct racoonctl *x, int argc, char **argv)
{
	return argc == 1 ? with_rows(x, true) : cli_fail(x->cli, "show-schedule takes no words.");
}
