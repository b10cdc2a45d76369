/*
 * racoon's own log, as -l and -F want it: keyd's lines as they come, in a file or on the terminal, beside the
 * suite's log. It is this program that writes the file: a service opens none.
 */
#ifndef POSTERN_CLI_RACOON_FOLLOW_H
#define POSTERN_CLI_RACOON_FOLLOW_H

#include "base/auto.h"
#include "cli/cli.h"
#include "ipc/sync.h"

/* Zeroed: nobody wants it. */
struct follow {
	const char *file; /* of -l; NULL: the terminal */
	bool wanted;
	bool told;             /* that the file cannot be written */
	struct ipc_sync *keyd; /* NULL: it is not there at the moment */
	FILE *own, *terminal;  /* our own lines' way away from the terminal, and where they went before */
};

/* Whether the file can be written, before anything else is done. 0, or -errno with a sentence. */
must_check int follow_check(const struct follow *f, struct err_text *e);
/* Listens from now on; when keyd is not there, as soon as it is. */
void follow_listen(struct follow *f, const struct cli *cli);
/* What this program says itself goes into the file too, or to syslog when there is none; from now on until
 * follow_fini(). */
void follow_own(struct follow *f, struct cli *cli);
/* Writes what has come, without waiting for more. */
void follow_write(struct follow *f, const struct cli *cli);
/* Whether to call follow_listen() again in a while. */
static inline bool follow_is_deaf(const struct follow *f)
{
	return f->wanted && !f->keyd;
}
void follow_fini(struct follow *f, struct cli *cli);

#endif
