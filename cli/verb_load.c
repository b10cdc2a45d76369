/*
 * The door to the native configuration.
 */
#include <limits.h>
#include <string.h>

#include "cli/load/load.h"
#include "cli/passphrase.h"
#include "cli/verbs.h"

int verb_load(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *self = cli_verb_find("load");
	const char *file = NULL;
	int passphrase_fd = -1;
	char usual[PATH_MAX];
	bool dry = false, none = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-n") == 0 || strcmp(argv[i], "--dry-run") == 0)
			dry = true;
		else if (strcmp(argv[i], "--none") == 0)
			none = true;
		else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc)
			file = argv[++i];
		else if (strcmp(argv[i], "--passphrase-fd") != 0 || i + 1 == argc)
			return cli_usage(
			    cli, self, "load does not take `%s`, or its word is missing.", argv[i]);
		else if (!passphrase_fd_parse(argv[++i], &passphrase_fd))
			return cli_usage(
			    cli, self, "--passphrase-fd wants the number of an open descriptor.");
	}
	if (none && file)
		return cli_usage(cli, self, "--none stands in the place of a file.");
	snprintf(usual, sizeof(usual), "%s/postern.conf", cli->settings.config_dir);
	if (!cli_need_root(cli, dry ? "compare what is loaded" : "load connections and keys"))
		return CLI_FAILED;
	return load_file(cli, none ? NULL : file ? file : usual, dry, passphrase_fd);
}
