/*
 * The door to setkey's language under ipsecctl's own rules: all or nothing, and a refusal is an exit code.
 */
#include "cli/verbs.h"

int verb_setkey(struct cli *cli, int argc, char **argv)
{
	return setkey_main(cli, argc, argv, false);
}
