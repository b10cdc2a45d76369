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

/* Changes that may be under way before the first of them is answered: fewer than any permission table
 * allows, and so few that their answers always fit the socket. */
enum { SESSION_WINDOW = 32 };

/* A change that was sent. */
struct session_sent {
	enum session_peer peer;
	uint32_t id; /* of its record */
	enum setkey_verb verb;
	struct setkey_loc at, end;
};

struct session {
	struct cli *cli;
	const struct setkey_options *opt;
	struct ipc_sync *peer[SESSION_PEERS];
	bool txn[SESSION_PEERS]; /* begun and not yet ended */
	bool spd_changed;        /* since the last barrier */
	struct session_sent sent[SESSION_WINDOW];
	unsigned first_sent, n_sent; /* not answered, in the order of sending */
	bool posting;                /* requests return before their answer */
	int refusal;                 /* positive errno */
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
/*
 * For long files: sends a change without waiting for its answer, which session_take() gets, for the oldest
 * change first; *ret is the one it belongs to. Whoever posts calls session_take() as long as
 * session_must_take(), and until n_sent is 0 before anything else is asked of the session.
 */
int session_post(struct session *s, const struct setkey_stmt *stmt);
int session_take(struct session *s, struct session_sent *ret);
/* Before a statement `next` is posted or run. */
bool session_must_take(const struct session *s, enum setkey_verb next);
/* The rest of the answers is of no interest. */
void session_forget_sent(struct session *s);
/* Statements that change something and print nothing. */
bool session_can_post(enum setkey_verb v);
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
