/*
 * Everything that goes wrong is said in one line that begins with the program's name, so that it can be found
 * in a boot log.
 */
#include <stdarg.h>

#include "cli/cli.h"

static void say(struct cli *cli, const char *fmt, va_list ap)
{
	fprintf(cli->err, "%s: ", cli->prog);
	vfprintf(cli->err, fmt, ap);
	fputc('\n', cli->err);
}

int cli_fail(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cli, fmt, ap);
	va_end(ap);
	return CLI_FAILED;
}

int cli_usage(struct cli *cli, const struct cli_verb *verb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cli, fmt, ap);
	va_end(ap);
	if (verb)
		fprintf(cli->err, "usage: ipsecctl %s%s%s\n`ipsecctl help %s` says more.\n", verb->name,
		    *verb->args ? " " : "", verb->args, verb->name);
	else
		fprintf(cli->err, "`ipsecctl help` lists the verbs.\n");
	return CLI_USAGE;
}
