/*
 * The door to setkey's language under ipsecctl's own rules: all or nothing, and a refusal is an exit code.
 */
#include "cli/verbs.h"

int verb_setkey(struct cli *cli, int argc, char **argv)
{
	if (cli->json)
		return cli_usage(cli, cli_verb_find("setkey"),
		    "setkey speaks its own language only; `ipsecctl --json sad` and `ipsecctl --json spd` "
		    "show the databases.");
	return setkey_main(cli, argc, argv, false);
}
