/*
 * One run of setkey against the two services: connections that open when they are first needed, requests that
 * tell a refusal from a failure, and the trace of -v.
 */
#ifndef POSTERN_CLI_SETKEY_SESSION_H
#define POSTERN_CLI_SETKEY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"
#include "cli/setkey/options.h"
#include "config/setkey/setkey.h"

enum session_peer { SESSION_DATAPATHD = 0, SESSION_POLICYD, SESSION_PEERS };

/* Functions below return 0, SESSION_REFUSED with the refusal filled in, or a negative errno after the error
 * line was written. */
enum { SESSION_REFUSED = 1 };

struct session {
	struct cli *cli;
	const struct setkey_options *opt;
	struct ipc_sync *peer[SESSION_PEERS];
	bool txn[SESSION_PEERS]; /* begun and not yet ended */
	bool spd_changed;        /* since the last barrier */
	int refusal;             /* positive errno */
	struct err_text refusal_text;
};

void session_init(struct session *s, struct cli *cli, const struct setkey_options *opt);
void session_fini(struct session *s);

/* The open connection. 0, or a negative errno after the error line was written. */
int session_open(struct session *s, enum session_peer peer);
/* The service a statement goes to. */
enum session_peer session_peer_of(enum setkey_verb v);

/* Sends what the statement asks for and waits for the answer; prints what get, dump and spddump print. exit
 * does nothing. */
int session_run(struct session *s, const struct setkey_stmt *stmt);
int session_flush(struct session *s, bool policies);
int session_dump_sad(struct session *s, uint32_t proto);
int session_dump_spd(struct session *s);

int session_txn_begin(struct session *s, enum session_peer peer);
/* Asks policyd whether its transaction still is, and to keep it while the commits are made. */
int session_txn_prepare(struct session *s);
int session_txn_commit(struct session *s, enum session_peer peer);
void session_txn_abort(struct session *s, enum session_peer peer);
/* Waits until kernel and data path enforce what was changed; nothing when the SPD was not. */
int session_barrier(struct session *s);

/* Words of the refusal as setkey has them ("File exists", "No entry"). */
const char *session_refusal_name(const struct session *s, enum setkey_verb v);

#endif
