/*
 * The verb: picks the mode and keeps the two characters of setkey apart. Under its own names it is the tool
 * of the reference, exit codes included; as `ipsecctl setkey` it treats a file as one change.
 */
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "cli/dump/dump.h"
#include "cli/setkey/load.h"
#include "cli/setkey/monitor.h"
#include "cli/setkey/options.h"
#include "cli/setkey/session.h"
#include "cli/verbs.h"

static int usage(struct cli *cli, bool compat, FILE *to)
{
	const char *name = compat ? cli->prog : "ipsecctl setkey";

	fprintf(to,
	    "usage: %s [-nvHkr] -c         statements from standard input, one by one\n"
	    "       %s [-nvHkr] -f FILE    statements from FILE (- is standard input)\n"
	    "       %s [-alpv] -D          dump the SAD; with -P (and -g, -t, -N) the SPD\n"
	    "       %s [-v] -F             flush the SAD; with -P the SPD\n"
	    "       %s [-h] -x             show every event; -xx with seconds since 1970\n"
	    "       %s -V                  version\n"
	    "-n parses and sends nothing, -v shows what is sent, -H its bytes; -a includes dead\n"
	    "SAs, -l repeats every second, -p shows ports; -k leaves forwarded packets to `fwd`\n"
	    "policies (-r: `in` covers them too); --strict stops a file at its first error.\n"
	    "postern-ipsec.conf(5) has the language.\n",
	    name, name, name, name, name, name);
	return compat ? CLI_FAILED : CLI_USAGE;
}

static int dump_for_ever(struct session *s)
{
	const struct timespec second = {.tv_sec = 1};

	dump_sa_short_head(s->cli->out);
	for (;;) {
		if (session_dump_sad(s, 0) < 0 || fflush(s->cli->out) != 0)
			return CLI_FAILED;
		nanosleep(&second, NULL);
	}
}

static int run_dump(struct session *s)
{
	int r;

	if (s->opt->repeat && !s->opt->policies)
		return dump_for_ever(s);
	r = s->opt->policies ? session_dump_spd(s) : session_dump_sad(s, 0);
	return r < 0 ? CLI_FAILED : CLI_OK;
}

static int run_flush(struct session *s)
{
	int r = session_flush(s, s->opt->policies);

	if (r == SESSION_REFUSED)
		cli_fail(s->cli, "%s", s->refusal_text.s);
	return r == 0 ? CLI_OK : CLI_FAILED;
}

static int run(struct session *s, bool compat)
{
	struct cli *cli = s->cli;

	switch (s->opt->mode) {
	case SETKEY_MODE_STDIN:
		return load_interactive(s);
	case SETKEY_MODE_FILE:
		return compat ? load_compat(s, s->opt->file) : load_native(s, s->opt->file);
	case SETKEY_MODE_DUMP:
		return run_dump(s);
	case SETKEY_MODE_FLUSH:
		return run_flush(s);
	case SETKEY_MODE_MONITOR:
		return monitor_run(s);
	case SETKEY_MODE_VERSION:
		fprintf(cli->out, "setkey (Postern) %s\n", POSTERN_VERSION);
		return CLI_OK;
	case SETKEY_MODE_HELP:
		usage(cli, compat, cli->out);
		return compat ? CLI_FAILED : CLI_OK;
	default:
		return usage(cli, compat, cli->out);
	}
}

int setkey_main(struct cli *cli, int argc, char **argv, bool compat)
{
	struct setkey_options opt;
	struct session s;
	struct err_text e;
	int code;

	if (setkey_options_parse(&opt, argc, argv, &e) < 0) {
		cli_fail(cli, "%s", e.s);
		return usage(cli, compat, cli->err);
	}
	session_init(&s, cli, &opt);
	code = run(&s, compat);
	session_fini(&s);
	return code;
}
