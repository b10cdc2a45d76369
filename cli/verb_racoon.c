/*
 * The door to racoon's configuration under ipsecctl's own rules: loaded, and done.
 */
#include "cli/verbs.h"

int verb_racoon(struct cli *cli, int argc, char **argv)
{
	return racoon_main(cli, argc, argv, false);
}
