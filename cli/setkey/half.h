/*
 * A file of which the SAs are in force and the policies are not: policyd went away between the two commits.
 */
#ifndef POSTERN_CLI_SETKEY_HALF_H
#define POSTERN_CLI_SETKEY_HALF_H

#include "cli/setkey/session.h"

/* Puts the policies of the statements in force in a transaction of their own, waiting some seconds for
 * policyd to come back. 0, or a negative errno after it was said what is in force. */
int half_finish(struct session *s, struct setkey_stmt *stmts, size_t n, const char *file);

/* An earlier load of these statements got no further than their SAs: every one says what is in force already.
 */
bool half_is_applied(struct session *s, const struct setkey_stmt *stmts, size_t n);

#endif
