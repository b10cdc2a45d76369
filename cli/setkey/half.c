/*
 * Two processes have no common commit. policyd promises to keep its transaction until both are made, so that
 * only its end in these milliseconds is left. The supervisor brings it back with the SPD it had, and the
 * policies are sent once more; should even that fail, the next load of the same file finishes it. Policies
 * are sent again in a way that does not mind if the first commit got through after all.
 */
#include "cli/setkey/half.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/setkey/request.h"

enum { TRIES = 40 };
static const struct timespec pause_between = {.tv_nsec = 250 * 1000 * 1000};

static int put_again(struct session *s, struct setkey_stmt *stmt)
{
	int r;

	if (session_peer_of(stmt->verb) != SESSION_POLICYD || stmt->verb == SETKEY_SPDDUMP)
		return 0;
	if (stmt->verb == SETKEY_SPDADD)
		stmt->verb = SETKEY_SPDUPDATE;
	r = session_run(s, stmt);
	return r == SESSION_REFUSED && stmt->verb == SETKEY_SPDDELETE && s->refusal == ENOENT ? 0 : r;
}

static int try_again(struct session *s, struct setkey_stmt *stmts, size_t n)
{
	struct err_text e = {""};
	int r = 0;

	if (!s->peer[SESSION_POLICYD])
		r = cli_open_service(s->cli, "policyd", &s->peer[SESSION_POLICYD], &e);
	if (r == 0)
		r = session_txn_begin(s, SESSION_POLICYD);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = put_again(s, &stmts[i]);
	return r == 0 ? session_txn_commit(s, SESSION_POLICYD) : r;
}

int half_finish(struct session *s, struct setkey_stmt *stmts, size_t n, const char *file)
{
	int r = -EIO;

	cli_fail(s->cli, "policyd did not take the policies of %s over; they are sent once more.", file);
	for (int i = 0; r < 0 && i < TRIES; i++) {
		if (i)
			nanosleep(&pause_between, NULL);
		r = try_again(s, stmts, n);
	}
	if (r == 0)
		return 0;
	if (r == SESSION_REFUSED)
		cli_fail(s->cli, "%s", s->refusal_text.s);
	session_txn_abort(s, SESSION_POLICYD);
	cli_fail(s->cli,
	    "the SAs of %s are in force, its policies are not: the SPD is as it was before. Once `ipsecctl "
	    "status` shows policyd up, run the same command again: that finishes it.",
	    file);
	return -EIO;
}

static bool same_key(const uint8_t *a, uint8_t a_len, const uint8_t *b, uint8_t b_len)
{
	return a_len == b_len && (!a_len || (a && b && memcmp(a, b, a_len) == 0));
}

static int compare(const struct sa_desc *there, const struct sa_status *status, void *arg)
{
	const struct sa_desc *want = (const struct sa_desc *)arg;

	(void)status;
	return inet_addr_equal(&want->src, &there->src) && want->mode == there->mode &&
	               want->reqid == there->reqid && want->enc == there->enc && want->auth == there->auth &&
	               want->comp == there->comp && want->flags == there->flags &&
	               want->encap.sport == there->encap.sport && want->encap.dport == there->encap.dport &&
	               inet_addr_equal(&want->encap.nat_oa, &there->encap.nat_oa) &&
	               want->icv_len == there->icv_len && want->replay_bytes == there->replay_bytes &&
	               same_key(want->enc_key, want->enc_key_len, there->enc_key, there->enc_key_len) &&
	               same_key(want->auth_key, want->auth_key_len, there->auth_key, there->auth_key_len)
	           ? 0
	           : SESSION_REFUSED;
}

static bool is_in_force(struct session *s, struct setkey_stmt *stmt)
{
	struct sa_desc *d = &stmt->sa.desc;
	const struct setkey_sa_id id = {.src = d->src, .dst = d->dst, .proto = d->proto, .spi = d->spi};

	return (stmt->verb == SETKEY_ADD || stmt->verb == SETKEY_UPDATE) &&
	       request_sa_get(s, &id, compare, d) == 0;
}

bool half_is_applied(struct session *s, const struct setkey_stmt *stmts, size_t n)
{
	bool sas = false, policies = false;

	for (size_t i = 0; i < n; i++) {
		struct setkey_stmt stmt = stmts[i];

		switch (stmt.verb) {
		case SETKEY_GET:
		case SETKEY_GETSPI:
		case SETKEY_DUMP:
		case SETKEY_SPDDUMP:
		case SETKEY_EXIT:
			break;
		default:
			if (session_peer_of(stmt.verb) == SESSION_POLICYD)
				policies = true;
			else if (!is_in_force(s, &stmt))
				return false;
			else
				sas = true;
		}
	}
	return sas && policies;
}
