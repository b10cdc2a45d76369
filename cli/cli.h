/*
 * What every verb of ipsecctl is given, and the few things all of them do: open a service's admin socket, say
 * what went wrong and what helps, and end with one of a few exit codes.
 */
#ifndef POSTERN_CLI_CLI_H
#define POSTERN_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "ipc/sync.h"
#include "service/settings.h"

/* Exit codes. The names setkey and ipseckey have setkey's own: 0 and 1 (setkey(8)). */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* refused, not reachable, not found; a line on stderr says which */
	CLI_USAGE = 2,  /* the command line makes no sense */
	CLI_PARTLY = 3, /* convert: done, and something of what was read is not in what was written */
	CLI_LATER = 4,  /* load: refused for what may pass by itself, a name or a way that is not there yet */
};

enum { CLI_TIMEOUT_MS = 10000 };

struct cli {
	struct settings settings;
	const char *prog;    /* what error lines begin with: "ipsecctl", "setkey", "ipseckey" */
	bool json;           /* --json: machine form of everything a read verb prints */
	uint32_t timeout_ms; /* how long a service may take to answer one request; 0: CLI_TIMEOUT_MS */
	FILE *out, *err;
};

/* One line of `help` and what runs it. argv[0] is the verb's own name. Returns an exit code. */
struct cli_verb {
	const char *name;
	const char *args;    /* for the synopsis: "LEVEL [SERVICE]" */
	const char *summary; /* one line */
	const char *detail;  /* what `help VERB` adds; may be NULL */
	int (*run)(struct cli *cli, int argc, char **argv);
	bool json; /* --json means something to it; with another verb it is refused */
};

/* The table ends with a row whose name is NULL. */
extern const struct cli_verb cli_verbs[];
const struct cli_verb *cli_verb_find(const char *name);

/* Runs one command line; `main` but for the process around it. `name` is the program's name without its
 * folder. */
int cli_run(struct cli *cli, const char *name, int argc, char **argv);

/* Writes "PROG: TEXT" to cli->err. Returns CLI_FAILED. */
int cli_fail(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a command line that makes no sense; adds where help is. Returns CLI_USAGE. */
int cli_usage(struct cli *cli, const struct cli_verb *verb, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Services with an admin socket, in display order, NULL-terminated. */
extern const char *const cli_services[];

/*
 * Opens a service's admin socket. 0 with *ret to be closed by ipc_sync_close(), or a negative errno. The
 * first two write the error line (with the remedy when the suite is stopped) themselves; the third leaves the
 * sentence in `e`.
 */
int cli_open_policyd(struct cli *cli, struct ipc_sync **ret);
int cli_open_datapathd(struct cli *cli, struct ipc_sync **ret);
int cli_open_service(const struct cli *cli, const char *service, struct ipc_sync **ret, struct err_text *e);

/* False when no service's socket exists at all: then one sentence is enough for all of them. */
bool cli_suite_is_there(const struct cli *cli);

/* For verbs that change something: a sentence and false unless we are root. The service decides for itself
 * all the same. */
bool cli_need_root(struct cli *cli, const char *what);

/* Closes on the way out of a block. */
static inline void cli_sync_closep_(struct ipc_sync **s)
{
	ipc_sync_close(*s);
}
#define AUTO_SYNC __attribute__((cleanup(cli_sync_closep_)))

#endif
