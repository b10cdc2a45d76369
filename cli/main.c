/*
 * The process around cli_run(): its name decides the language, and output that could not be written is a
 * failure like any other.
 */
#include <errno.h>
#include <libgen.h>
#include <string.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	struct cli cli = {.out = stdout, .err = stderr};
	const char *name = argc > 0 ? basename(argv[0]) : "ipsecctl";
	int code = cli_run(&cli, name, argc, argv);

	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_fail(&cli, "could not write the output: %s", strerror(errno));
	return code;
}
