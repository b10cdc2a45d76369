/*
 * Statements from a file or from standard input, in the two ways they can be run.
 */
#ifndef POSTERN_CLI_SETKEY_LOAD_H
#define POSTERN_CLI_SETKEY_LOAD_H

#include "cli/setkey/session.h"

/* A text in memory that holds keys. */
struct load_text {
	char *p;
	size_t n;
};

/* The whole of a file, "-" for standard input. 0, or a negative errno after the error line was written. */
int load_text_read(struct cli *cli, const char *file, struct load_text *ret);
/* Wipes. */
void load_text_fini(struct load_text *t);

/* Makes the locked memory for the keys of a text of n bytes. 0, or a negative errno after the error line. */
int load_keys_init(struct cli *cli, size_t n);

/* Statement by statement while reading, as setkey always did. Returns an exit code. */
int load_compat(struct session *s, const char *file);
/* The whole file first, then all of it or nothing. Returns an exit code. */
int load_native(struct session *s, const char *file);
/* -c: line by line, going on after errors. Returns an exit code. */
int load_interactive(struct session *s);

/* Runs one statement in the compatible way: a refusal is told and forgotten. 0, or a negative errno when the
 * run is over. */
int load_run_compat(struct session *s, const char *file, const struct setkey_stmt *stmt);
/* setkey_reader's on_message for a struct session. */
void load_message(void *session, enum setkey_severity sev, const char *text);

#endif
