/*
 * The configuration again from where it came from. What is named in it, keys among it, is read anew too.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/load/load.h"
#include "cli/racoon/load.h"
#include "cli/racoon/place.h"
#include "cli/verbs.h"

static int load_native(struct cli *cli, const char *file, bool quiet)
{
	const struct load_options o = {.file = file, .quiet = quiet, .passphrase_fd = -1};

	return load_file(cli, &o);
}

int verb_reload(struct cli *cli, int argc, char **argv)
{
	AUTO_LOAD_STATE struct load_state native = {0};
	struct err_text e = {{0}};
	bool quiet = argc == 2 && strcmp(argv[1], "-q") == 0;
	char file[PATH_MAX];
	int r;

	if (argc > 1 && !quiet)
		return cli_usage(cli, cli_verb_find("reload"), "reload does not take `%s`.",
		    strcmp(argv[1], "-q") == 0 ? argv[2] : argv[1]);
	if (!cli_need_root(cli, "load peers and keys"))
		return CLI_FAILED;
	if (load_state_get(&cli->settings, &native, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	if (native.file)
		return load_native(cli, native.file, quiet);
	r = place_get(&cli->settings, file, &e);
	if (r == 0)
		return racoon_load_file(cli, file);
	/* Nothing was: what would have been loaded at boot, had it been there or right. */
	load_usual_file(cli, file);
	if (r == -ENOENT && access(file, F_OK) == 0)
		return load_native(cli, file, quiet);
	return cli_fail(cli, "%s", e.s);
}
