/*
 * The edge datapathd <- policyd: SPD snapshots, and grants (grant_verbs.c). Nothing of an unfinished snapshot
 * is ever looked at; a finished one is published by one pointer swap and acknowledged when the worker has let
 * go of the one before. The last snapshot stays in force when policyd goes away: its rules are in the kernel
 * too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapathd/datapathd.h"
#include "datapathd/datapathd_msg.h"
#include "datapathd/keying.h"

enum { ACKS_MAX = 8 };

/* A snapshot being received on one connection. */
struct build {
	struct spd_view *view;
	uint32_t n_expected;
	struct err_text fault; /* of the first row that was refused; the commit is answered with it */
};

/* A commit whose acknowledgement waits for the worker. */
struct pending_ack {
	struct ipc_conn *conn; /* reference; NULL: free */
	uint32_t id;
	uint64_t version, epoch;
};

struct spd_edge {
	struct datapathd *d;
	struct ipc_server *server; /* the skeleton's */
	struct pending_ack ack[ACKS_MAX];
};

static void build_free(struct ipc_conn *c)
{
	struct build *b = ipc_conn_data(c);

	if (!b)
		return;
	ipc_conn_set_data(c, NULL);
	(void)spd_view_free(b->view);
	free(b);
}

static int on_begin(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct err_text e = {0};
	struct msg_snapshot m;
	struct build *b;

	if (msg_snapshot_begin_decode(rec, &m, &e) < 0 || m.n_policies > SPD_POLICIES_MAX)
		return -EBADMSG;
	build_free(c);
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->n_expected = m.n_policies;
	b->view = spd_view_new(m.version, m.n_policies, &m.deflev, m.enabled);
	if (!b->view) {
		free(b);
		return -ENOMEM;
	}
	ipc_conn_set_data(c, b);
	return 0;
}

static int on_row(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct build *b = ipc_conn_data(c);
	struct err_text e = {0};
	struct policy p;
	int r;

	if (!b || rec->row >= b->n_expected)
		return -EBADMSG;
	if (b->fault.s[0])
		return 0;
	if (rec->row != b->view->n_rules)
		return -EBADMSG;
	r = msg_snapshot_row_decode(rec, &p, &e);
	if (r == -EBADMSG)
		return r;
	if (r < 0)
		(void)err_set(&b->fault, r, "policy %u is refused: %s", rec->row, e.s);
	else
		r = spd_view_add(b->view, &p);
	return r == -ENOSPC ? -EBADMSG : 0;
}

static struct pending_ack *free_ack(struct spd_edge *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->ack); i++)
		if (!s->ack[i].conn)
			return &s->ack[i];
	return NULL;
}

static void publish(struct datapathd *d, struct spd_view *v)
{
	struct spd_view *old;

	v->generation = ++d->generation;
	acquirer_mark(d->acquirer, v);
	used_carry(atomic_load(&d->view), v);
	old = atomic_exchange(&d->view, v);
	if (old)
		epoch_retire(&d->epoch, &old->retired, spd_view_reclaim);
	worker_wake(d->worker);
}

/* Why the snapshot cannot be used; NULL when it can. */
static const char *build_fault(const struct build *b, uint64_t version)
{
	if (!b)
		return "no snapshot was begun";
	if (b->fault.s[0])
		return b->fault.s;
	if (b->view->version != version)
		return "the commit names another version than the snapshot";
	return b->view->n_rules != b->n_expected ? "the snapshot is not complete" : NULL;
}

static void commit(
    struct spd_edge *s, struct ipc_conn *c, uint32_t id, struct build *b, struct pending_ack *ack)
{
	struct datapathd *d = s->d;
	struct spd_view *v = take_ptr(b->view);

	log_info("spd.snapshot", "version=%llu policies=%u enabled=%d", (unsigned long long)v->version,
	    v->n_rules, v->enabled);
	service_set_state(d->service,
	    v->enabled ? "protecting with %u policies" : "switched off: %u policies are kept", v->n_rules);
	publish(d, v);
	*ack = (struct pending_ack){
	    .conn = ipc_conn_ref(c), .id = id, .version = v->version, .epoch = epoch_advance(&d->epoch)};
	control_io_expect_quiet(d->io);
}

static int on_commit(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct spd_edge *s = d->spd;
	struct build *b = ipc_conn_data(c);
	struct pending_ack *ack = free_ack(s);
	struct err_text e = {0};
	const char *why;
	uint64_t version;

	if (msg_snapshot_commit_decode(rec, &version, &e) < 0)
		return -EBADMSG;
	why = build_fault(b, version);
	if (!why && !ack)
		why = "too many snapshots wait for their acknowledgement";
	if (!why && spd_view_finish(b->view) < 0)
		why = "out of memory";
	if (why) {
		log_warning("spd.snapshot.refused", "version=%llu: %s", (unsigned long long)version, why);
		(void)ipc_conn_send_error(c, rec->id, EINVAL, "%s", why);
	} else {
		commit(s, c, rec->id, b, ack);
	}
	build_free(c);
	return 0;
}

static void drop_acks(struct spd_edge *s, const struct ipc_conn *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->ack); i++)
		if (s->ack[i].conn && (!c || s->ack[i].conn == c))
			s->ack[i].conn = ipc_conn_unref(s->ack[i].conn);
}

static void on_close(struct ipc_conn *c)
{
	struct datapathd *d = datapathd_of_conn(c);

	build_free(c);
	if (d && d->spd)
		drop_acks(d->spd, c);
}

bool spd_edge_quiet(struct spd_edge *s)
{
	bool waits = false;

	for (size_t i = 0; s && i < ARRAY_SIZE(s->ack); i++) {
		struct pending_ack *a = &s->ack[i];

		if (!a->conn)
			continue;
		if (!epoch_passed(&s->d->epoch, a->epoch)) {
			waits = true;
			continue;
		}
		(void)msg_snapshot_ack_send(a->conn, a->id, a->version);
		a->conn = ipc_conn_unref(a->conn);
	}
	return waits;
}

static const struct ipc_rule rules[] = {
    {IPC_SNAPSHOT_BEGIN, "snapshot.begin", IPC_ROLE_POLICYD, 256, 0, 1, false, on_begin},
    {IPC_SNAPSHOT_ROW, "snapshot.row", IPC_ROLE_POLICYD, 4096, 0, 1, false, on_row},
    {IPC_SNAPSHOT_COMMIT, "snapshot.commit", IPC_ROLE_POLICYD, 64, ACKS_MAX, 1, false, on_commit},
    {IPC_GRANT_PUT, "grant.put", IPC_ROLE_POLICYD, 8192, 1024, 1, false, grant_on_put},
    {IPC_GRANT_GONE, "grant.gone", IPC_ROLE_POLICYD, 64, 0, 1, false, grant_on_gone},
};

static const struct ipc_edge edge = {
    .name = "datapathd.spd",
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 200000,
    .budget_burst = 200000,
    .max_conns = 2,
    .max_queued = 1 << 16,
    .on_close = on_close,
};

int spd_edge_new(struct datapathd *d, struct spd_edge **ret, struct err_text *e)
{
	struct spd_edge *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	s->d = d;
	r = service_serve(d->service, &edge, &s->server, e);
	if (r < 0) {
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct spd_edge *spd_edge_free(struct spd_edge *s)
{
	if (s)
		drop_acks(s, NULL);
	free(s);
	return NULL;
}
