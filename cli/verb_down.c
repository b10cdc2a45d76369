/*
 * Ends everything with a peer.
 */
#include "cli/ike/begin.h"
#include "cli/verbs.h"

int verb_down(struct cli *cli, int argc, char **argv)
{
	struct ike_row_filter f = {.sas = true, .children = true};
	struct err_text e = {{0}};

	if (argc != 2 || argv[1][0] == '-')
		return cli_usage(cli, cli_verb_find("down"), "say with whom.");
	if (!cli_need_root(cli, "end associations"))
		return CLI_FAILED;
	if (ike_resolve_open(cli, argv[1], &f.remote, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	return ike_finish(cli, &f, argv[1], true);
}
