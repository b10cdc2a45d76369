/*
 * What -v and -H show of the messages on their way: everything but key octets.
 */
#ifndef POSTERN_CLI_SETKEY_TRACE_H
#define POSTERN_CLI_SETKEY_TRACE_H

#include "cli/setkey/request.h"
#include "cli/setkey/session.h"

/* All print to the session's err stream, and nothing without -v. */
void trace_stmt(const struct session *s, const struct setkey_stmt *stmt);
void trace_sent(const struct session *s, enum session_peer peer, const char *what);
void trace_done(const struct session *s, enum session_peer peer, const struct request_done *done);
void trace_refusal(const struct session *s, enum session_peer peer);

/* Lines of 16 bytes, "%08x: " and "%02x " each. */
void trace_hex(FILE *to, const void *p, size_t n);

#endif
