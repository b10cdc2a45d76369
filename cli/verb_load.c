/*
 * The door to the native configuration.
 */
#include <string.h>

#include "cli/load/load.h"
#include "cli/passphrase.h"
#include "cli/verbs.h"

static bool take_flag(struct load_options *o, const char *word, bool *none)
{
	if (strcmp(word, "-n") == 0 || strcmp(word, "--dry-run") == 0)
		o->dry = true;
	else if (strcmp(word, "-q") == 0)
		o->quiet = true;
	else if (strcmp(word, "--boot") == 0)
		o->boot = true;
	else if (strcmp(word, "--none") == 0)
		*none = true;
	else
		return false;
	return true;
}

int verb_load(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *self = cli_verb_find("load");
	struct load_options o = {.passphrase_fd = -1};
	char usual[PATH_MAX];
	bool none = false;

	for (int i = 1; i < argc; i++) {
		if (take_flag(&o, argv[i], &none))
			continue;
		if (strcmp(argv[i], "-f") == 0 && i + 1 < argc)
			o.file = argv[++i];
		else if (strcmp(argv[i], "--passphrase-fd") != 0 || i + 1 == argc)
			return cli_usage(
			    cli, self, "load does not take `%s`, or its word is missing.", argv[i]);
		else if (!passphrase_fd_parse(argv[++i], &o.passphrase_fd))
			return cli_usage(
			    cli, self, "--passphrase-fd wants the number of an open descriptor.");
	}
	if (none && (o.file || o.boot))
		return cli_usage(cli, self, "--none stands in the place of a file.");
	load_usual_file(cli, usual);
	if (!none && !o.file)
		o.file = usual;
	if (!cli_need_root(cli, o.dry ? "compare what is loaded" : "load connections and keys"))
		return CLI_FAILED;
	return load_file(cli, &o);
}
