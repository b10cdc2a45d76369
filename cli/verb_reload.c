/*
 * The configuration again from where it came from. What is named in it, keys among it, is read anew too.
 */
#include "cli/load/load.h"
#include "cli/racoon/load.h"
#include "cli/racoon/place.h"
#include "cli/verbs.h"

int verb_reload(struct cli *cli, int argc, char **argv)
{
	AUTO_LOAD_STATE struct load_state native = {0};
	struct err_text e = {{0}};
	char file[PATH_MAX];

	if (argc > 1)
		return cli_usage(
		    cli, cli_verb_find("reload"), "reload takes no words, not even `%s`.", argv[1]);
	if (!cli_need_root(cli, "load peers and keys"))
		return CLI_FAILED;
	if (load_state_get(&cli->settings, &native, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	if (native.file)
		return load_file(cli, native.file, false, -1);
	if (place_get(&cli->settings, file, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	return racoon_load_file(cli, file);
}
