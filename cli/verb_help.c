/*
 * Help is made from the table of verbs, so that it cannot fall behind it.
 */
#include <string.h>

#include "base/auto.h"
#include "cli/verbs.h"

static int help_all(struct cli *cli)
{
	fprintf(cli->out, "usage: ipsecctl [--json] [SETTINGS] VERB [WORDS]\n\n");
	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		fprintf(cli->out, "  %-9s %s\n", v->name, v->summary);
	fprintf(cli->out,
	    "\n`ipsecctl help VERB` says more about one; ipsecctl(8) has it all.\n"
	    "--json gives what a reading verb prints as one JSON document.\n"
	    "SETTINGS, for a suite that was started with other than the usual ones:\n%s"
	    "\nExit codes: 0 done, 1 refused or not reachable, 2 the command line makes no sense.\n",
	    settings_help);
	return CLI_OK;
}

static int help_one(struct cli *cli, const struct cli_verb *v)
{
	fprintf(cli->out, "usage: ipsecctl %s%s%s\n\n%s: %s.\n", v->name, *v->args ? " " : "", v->args,
	    v->name, v->summary);
	if (v->detail)
		fprintf(cli->out, "\n%s\n", v->detail);
	return CLI_OK;
}

int verb_help(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *v;

	if (argc < 2 || argv[0][0] == '-')
		return help_all(cli);
	v = cli_verb_find(argv[1]);
	if (!v)
		return cli_usage(cli, NULL, "there is no verb `%s`.", argv[1]);
	return help_one(cli, v);
}

int verb_version(struct cli *cli, int argc, char **argv)
{
	if (cli->json) {
		fprintf(cli->out, "{\"schema_version\": 1, \"version\": \"%s\"}\n", POSTERN_VERSION);
		return CLI_OK;
	}
	fprintf(cli->out, "ipsecctl (Postern) %s\n", POSTERN_VERSION);
	return CLI_OK;
}
