/*
 * The files of the configuration that is loaded, read again.
 */
#include <errno.h>

#include "cli/racoon/load.h"
#include "cli/racoon/loaded.h"
#include "cli/verbs.h"

int verb_reload(struct cli *cli, int argc, char **argv)
{
	char file[PATH_MAX];
	int r;

	if (argc > 1)
		return cli_usage(cli, cli_verb_find("reload"), "reload takes no words.");
	if (!cli_need_root(cli, "load peers and keys"))
		return CLI_FAILED;
	r = loaded_recall(cli, file);
	if (r == -EPERM)
		return cli_fail(cli,
		    "%s/racoon.conf.loaded is not root's, or others can write to it: remove it.",
		    cli->settings.run_dir);
	if (r < 0)
		return cli_fail(cli, "no racoon.conf is loaded; `ipsecctl racoon -f FILE` loads one.");
	if (racoon_load_file(cli, file) != CLI_OK)
		return CLI_FAILED;
	fprintf(cli->out, "loaded %s\n", file);
	return CLI_OK;
}
