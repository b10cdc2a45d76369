/*
 * Every service counts what it sees; the numbers people know are the sums. A service that cannot be asked
 * makes the sums wrong, so that is a failure and not a smaller number.
 */
#include "base/auto.h"
#include "cli/json.h"
#include "cli/stats.h"
#include "cli/verbs.h"

static int fetch_all(struct cli *cli, struct counters *c)
{
	for (const char *const *name = cli_services; *name; name++) {
		AUTO_SYNC struct ipc_sync *s = NULL;
		struct err_text e = {""};

		if (cli_open_service(cli, *name, &s, &e) < 0)
			return cli_fail(cli, "%s", e.s);
		if (counters_fetch(c, s, &e) < 0)
			return cli_fail(cli, "%s could not give its counters: %s", *name, e.s);
	}
	return CLI_OK;
}

static int show(struct cli *cli, const struct stats_options *o)
{
	struct counters c AUTO_COUNTERS;
	int code;

	counters_init(&c);
	code = fetch_all(cli, &c);
	if (code != CLI_OK)
		return code;
	if (cli->json)
		return json_write(cli, stats_json(&c));
	stats_print(&c, o, cli->out);
	return CLI_OK;
}

int verb_stats(struct cli *cli, int argc, char **argv)
{
	struct stats_options o;
	struct err_text e = {""};

	if (stats_parse(argc, argv, &o, &e) < 0)
		return cli_usage(cli, cli_verb_find("stats"), "%s", e.s);
	return show(cli, &o);
}

int verb_netstat(struct cli *cli, int argc, char **argv)
{
	struct stats_options o;
	struct err_text e = {""};

	if (netstat_parse(argc, argv, &o, &e) < 0)
		return cli_usage(cli, cli_verb_find("netstat"), "%s", e.s);
	return show(cli, &o);
}
