/*
 * Dumps are collected before they are printed, because each block says how many follow it. Key octets of a
 * collected row are wiped as soon as it is printed.
 */
#include "cli/setkey/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/list.h"
#include "cli/dump/dump.h"
#include "cli/setkey/request.h"
#include "cli/setkey/trace.h"

struct sa_row {
	struct list link;
	struct sa_desc desc;
	struct sa_status status;
	uint8_t enc_key[ALG_KEY_MAX], auth_key[ALG_KEY_MAX];
};

struct policy_row {
	struct list link;
	struct policy policy;
};

struct rows {
	struct list head;
	uint32_t n;
};

void session_init(struct session *s, struct cli *cli, const struct setkey_options *opt)
{
	*s = (struct session){.cli = cli, .opt = opt};
}

void session_fini(struct session *s)
{
	for (int i = 0; i < SESSION_PEERS; i++)
		s->peer[i] = ipc_sync_close(s->peer[i]);
}

int session_open(struct session *s, enum session_peer peer)
{
	if (s->peer[peer])
		return 0;
	if (peer == SESSION_POLICYD)
		return cli_open_policyd(s->cli, &s->peer[peer]);
	return cli_open_datapathd(s->cli, &s->peer[peer]);
}

enum session_peer session_peer_of(enum setkey_verb v)
{
	return v >= SETKEY_SPDADD && v <= SETKEY_SPDDUMP ? SESSION_POLICYD : SESSION_DATAPATHD;
}

static struct dump_style style_of(const struct session *s)
{
	return (struct dump_style){
	    .ports = s->opt->ports,
	    .now_wall_ms = clock_wall_ms(),
	    .pid = (uint32_t)getpid(),
	};
}

static int collect_sa(const struct sa_desc *d, const struct sa_status *status, void *arg)
{
	struct rows *rows = (struct rows *)arg;
	struct sa_row *row = calloc(1, sizeof(*row));

	if (!row)
		return -ENOMEM;
	row->desc = *d;
	row->status = *status;
	if (d->enc_key && d->enc_key_len <= ALG_KEY_MAX) {
		memcpy(row->enc_key, d->enc_key, d->enc_key_len);
		row->desc.enc_key = row->enc_key;
	}
	if (d->auth_key && d->auth_key_len <= ALG_KEY_MAX) {
		memcpy(row->auth_key, d->auth_key, d->auth_key_len);
		row->desc.auth_key = row->auth_key;
	}
	list_append(&rows->head, &row->link);
	rows->n++;
	return 0;
}

static void print_sas(struct session *s, struct rows *rows)
{
	const struct dump_style style = style_of(s);

	list_foreach_safe (row, tmp, &rows->head, struct sa_row, link) {
		rows->n--;
		if (s->opt->repeat)
			dump_sa_short(s->cli->out, &row->desc, &row->status, &style);
		else
			dump_sa(s->cli->out, &row->desc, &row->status, rows->n, &style);
	}
}

/* A dump that could not be made: the connection is of no more use. */
static int dump_broken(
    struct session *s, enum session_peer peer, const char *what, int code, const struct err_text *e)
{
	cli_fail(s->cli, "the %s cannot be dumped: %s", what, e->s[0] ? e->s : err_name(code));
	s->peer[peer] = ipc_sync_close(s->peer[peer]);
	return code;
}

int session_dump_sad(struct session *s, uint32_t proto)
{
	struct rows rows = {.n = 0};
	struct err_text e = {""};
	int r = session_open(s, SESSION_DATAPATHD);

	if (r < 0)
		return r;
	list_init(&rows.head);
	trace_sent(s, SESSION_DATAPATHD, "dump");
	r = cli_each_sa(s->peer[SESSION_DATAPATHD], proto, s->opt->dead, collect_sa, &rows, &e);
	if (r == 0 && !rows.n && !s->opt->repeat)
		fputs("No SAD entries.\n", s->cli->out);
	if (r == 0)
		print_sas(s, &rows);
	list_foreach_safe (row, tmp, &rows.head, struct sa_row, link) {
		wipe(row, sizeof(*row));
		free(row);
	}
	return r < 0 ? dump_broken(s, SESSION_DATAPATHD, "SAD", r, &e) : 0;
}

static int collect_policy(const struct policy *p, void *arg)
{
	struct rows *rows = (struct rows *)arg;
	struct policy_row *row = calloc(1, sizeof(*row));

	if (!row)
		return -ENOMEM;
	row->policy = *p;
	list_append(&rows->head, &row->link);
	rows->n++;
	return 0;
}

int session_dump_spd(struct session *s)
{
	const struct dump_style style = style_of(s);
	struct rows rows = {.n = 0};
	struct err_text e = {""};
	int r = session_open(s, SESSION_POLICYD);

	if (r < 0)
		return r;
	list_init(&rows.head);
	trace_sent(s, SESSION_POLICYD, "spddump");
	if (!s->opt->bound_only)
		r = cli_each_policy(s->peer[SESSION_POLICYD], collect_policy, &rows, &e);
	if (r == 0 && !rows.n)
		fputs("No SPD entries.\n", s->cli->out);
	list_foreach_safe (row, tmp, &rows.head, struct policy_row, link) {
		if (r == 0)
			dump_policy(s->cli->out, &row->policy, --rows.n, &style);
		free(row);
	}
	return r < 0 ? dump_broken(s, SESSION_POLICYD, "SPD", r, &e) : 0;
}

static int print_one_sa(const struct sa_desc *d, const struct sa_status *status, void *arg)
{
	struct session *s = (struct session *)arg;
	const struct dump_style style = style_of(s);

	dump_sa(s->cli->out, d, status, 0, &style);
	return 0;
}

/* In the words of a dump, so that a script cuts it the same way. */
static int print_spi(const struct sa_desc *d, const struct sa_status *status, void *arg)
{
	char src[INET_ADDR_STRLEN], dst[INET_ADDR_STRLEN];
	struct session *s = (struct session *)arg;

	(void)status;
	fprintf(s->cli->out, "%s %s %s spi=%u(0x%08x)\n", inet_addr_format(&d->src, src),
	    inet_addr_format(&d->dst, dst), ipsec_proto_name(d->proto), d->spi, d->spi);
	return 0;
}

static int run_sa(struct session *s, const struct setkey_stmt *stmt)
{
	struct request_done done = {0};
	int r;

	switch (stmt->verb) {
	case SETKEY_GET:
		return request_sa_get(s, &stmt->id, print_one_sa, s);
	case SETKEY_GETSPI:
		return request_sa_getspi(s, &stmt->id, print_spi, s);
	case SETKEY_DUMP:
		return session_dump_sad(s, stmt->proto);
	case SETKEY_FLUSH:
		r = request_sa_flush(s, stmt->proto, &done);
		break;
	case SETKEY_DELETE:
	case SETKEY_DELETEALL:
		r = request_sa_delete(s, &stmt->id, stmt->verb == SETKEY_DELETEALL, &done);
		break;
	default:
		r = request_sa_add(s, &stmt->sa.desc, stmt->verb == SETKEY_UPDATE, &done);
		break;
	}
	if (r == 0 && !s->posting)
		trace_done(s, SESSION_DATAPATHD, &done);
	return r;
}

static int run_spd(struct session *s, const struct setkey_stmt *stmt)
{
	struct request_done done = {0};
	struct policy policy;
	int r;

	switch (stmt->verb) {
	case SETKEY_SPDDUMP:
		return session_dump_spd(s);
	case SETKEY_SPDFLUSH:
		r = request_spd_flush(s, &done);
		break;
	case SETKEY_SPDDELETE:
		r = request_spd_delete(s, &stmt->policy, &done);
		break;
	default:
		policy = stmt->policy;
		policy.in_only = s->opt->kernel_fwd && policy.dir == POLICY_IN;
		r = request_spd_put(s, &policy, stmt->verb == SETKEY_SPDUPDATE, &done);
		break;
	}
	if (r == 0 && !s->posting)
		trace_done(s, SESSION_POLICYD, &done);
	return r;
}

int session_run(struct session *s, const struct setkey_stmt *stmt)
{
	trace_stmt(s, stmt);
	if (stmt->verb == SETKEY_EXIT)
		return 0;
	if (session_peer_of(stmt->verb) == SESSION_POLICYD)
		return run_spd(s, stmt);
	return run_sa(s, stmt);
}

bool session_can_post(enum setkey_verb v)
{
	switch (v) {
	case SETKEY_ADD:
	case SETKEY_UPDATE:
	case SETKEY_DELETE:
	case SETKEY_DELETEALL:
	case SETKEY_FLUSH:
	case SETKEY_SPDADD:
	case SETKEY_SPDUPDATE:
	case SETKEY_SPDDELETE:
	case SETKEY_SPDFLUSH:
		return true;
	default:
		return false;
	}
}

/* Each service works through its requests in order; between the two there is order only if the one is done
 * before the other is asked. A trace tells request and answer in pairs. */
bool session_must_take(const struct session *s, enum setkey_verb next)
{
	bool in_pairs = s->opt->verbose || s->opt->hex;

	if (!s->n_sent)
		return false;
	return in_pairs || s->n_sent == SESSION_WINDOW || !session_can_post(next) ||
	       session_peer_of(next) != s->sent[s->first_sent].peer;
}

int session_post(struct session *s, const struct setkey_stmt *stmt)
{
	struct session_sent *w = &s->sent[(s->first_sent + s->n_sent) % SESSION_WINDOW];
	int r;

	*w = (struct session_sent){
	    .peer = session_peer_of(stmt->verb), .verb = stmt->verb, .at = stmt->at, .end = stmt->end};
	s->posting = true;
	r = session_run(s, stmt);
	s->posting = false;
	return r;
}

int session_take(struct session *s, struct session_sent *ret)
{
	struct request_done done = {0};
	int r;

	*ret = s->sent[s->first_sent];
	s->first_sent = (s->first_sent + 1) % SESSION_WINDOW;
	s->n_sent--;
	r = request_take(s, ret, &done);
	if (r == 0)
		trace_done(s, ret->peer, &done);
	return r;
}

void session_forget_sent(struct session *s)
{
	s->n_sent = 0;
}

int session_flush(struct session *s, bool policies)
{
	const struct setkey_stmt stmt = {.verb = policies ? SETKEY_SPDFLUSH : SETKEY_FLUSH};
	int r = session_run(s, &stmt);

	return r == 0 ? session_barrier(s) : r;
}

int session_txn_begin(struct session *s, enum session_peer peer)
{
	int r = request_plain(s, peer, IPC_TXN_BEGIN);

	trace_sent(s, peer, "begin");
	s->txn[peer] = r == 0;
	return r;
}

int session_txn_prepare(struct session *s)
{
	trace_sent(s, SESSION_POLICYD, "prepare");
	return request_plain(s, SESSION_POLICYD, IPC_TXN_PREPARE);
}

int session_txn_commit(struct session *s, enum session_peer peer)
{
	trace_sent(s, peer, "commit");
	s->txn[peer] = false;
	return request_plain(s, peer, IPC_TXN_COMMIT);
}

void session_txn_abort(struct session *s, enum session_peer peer)
{
	if (!s->txn[peer] || !s->peer[peer])
		return;
	trace_sent(s, peer, "abort");
	s->txn[peer] = false;
	request_plain(s, peer, IPC_TXN_ABORT);
}

int session_barrier(struct session *s)
{
	int r;

	if (!s->spd_changed)
		return 0;
	trace_sent(s, SESSION_POLICYD, "barrier");
	s->spd_changed = false;
	r = request_spd_barrier(s);
	if (r != SESSION_REFUSED)
		return r;
	cli_fail(s->cli, "the policies are in the SPD, but they are not in force yet: %s", s->refusal_text.s);
	return -EIO;
}

const char *session_refusal_name(const struct session *s, enum setkey_verb v)
{
	bool by_name =
	    v == SETKEY_GET || v == SETKEY_DELETE || v == SETKEY_DELETEALL || v == SETKEY_SPDDELETE;

	if (s->refusal == ENOENT && by_name)
		return "No entry";
	return err_name(-s->refusal);
}
