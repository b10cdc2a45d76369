/*
 * The admin socket's verbs for the SAD. Every change goes through a transaction: the one this connection
 * opened, or one of a single statement.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "datapathd/datapathd.h"
#include "datapathd/datapathd_msg.h"
#include "datapathd/keying.h"

static int answer_error(struct ipc_conn *c, uint32_t id, int r, const struct err_text *e)
{
	(void)ipc_conn_send_error(c, id, -r, "%s", e->s[0] ? e->s : err_name(r));
	return 0;
}

/* A decoder's refusal: unreadable ends the connection, anything else is answered. */
static int refuse(struct ipc_conn *c, uint32_t id, int r, const struct err_text *e)
{
	return r == -EBADMSG ? r : answer_error(c, id, r, e);
}

/* keyd hears of its SAs that root takes away. */
static void changed(void *arg, const char *event, const struct sa *sa)
{
	struct datapathd *d = arg;

	datapathd_tell_sa(d, event, sa);
	if (sa->doomed_by)
		keyd_edge_gone(d->keyd, sa, true);
}

/* Where a statement of this connection goes: its open transaction, or `single`, which is then begun. */
static int txn_of(struct datapathd *d, struct ipc_conn *c, struct sad_txn *single, struct sad_txn **ret)
{
	int r;

	if (d->txn_owner == c) {
		*ret = &d->txn;
		return 0;
	}
	r = sad_txn_init(single, &d->sad);
	if (r == 0)
		*ret = single;
	return r;
}

/* Ends what txn_of() began: a single statement is committed if it was accepted (r == 0). */
static int txn_done(struct datapathd *d, struct sad_txn *t, int r, struct err_text *e)
{
	if (t == &d->txn)
		return r;
	if (r == 0)
		r = sad_txn_commit(t, changed, d, e);
	sad_txn_fini(t);
	control_io_expect_quiet(d->io);
	return r;
}

static int on_add(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	AUTO(msg_sa_add_fini) struct msg_sa_add m = {0};
	struct err_text e = {0};
	struct sad_txn single, *t;
	uint64_t serial = 0;
	int r = msg_sa_add_decode(rec, &m, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	r = datapathd_check_port(d, &m.desc, &e);
	if (r == 0)
		r = txn_of(d, c, &single, &t);
	if (r == 0)
		r = txn_done(
		    d, t, sad_txn_add(t, &m.desc, m.update, (uint32_t)ipc_conn_pid(c), &serial, &e), &e);
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	(void)msg_sa_done_send(c, rec->id, serial, 1);
	return 0;
}

static int on_delete(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	struct sad_txn single, *t;
	struct sa_ident id;
	uint64_t serial = 0;
	uint32_t n = 1;
	bool all;
	int r = msg_sa_delete_decode(rec, &id, &all, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	r = txn_of(d, c, &single, &t);
	if (r == 0) {
		r = all ? sad_txn_delete_all(t, &id, &n, &e) : sad_txn_delete(t, &id, &serial, &e);
		r = txn_done(d, t, r, &e);
	}
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	(void)msg_sa_done_send(c, rec->id, serial, n);
	return 0;
}

static int on_flush(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	struct sad_txn single, *t;
	uint32_t proto, n = 0;
	int r = msg_sa_flush_decode(rec, &proto, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	r = txn_of(d, c, &single, &t);
	if (r == 0) {
		sad_txn_flush(t, proto, &n);
		r = txn_done(d, t, 0, &e);
	}
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	(void)msg_sa_done_send(c, rec->id, 0, n);
	return 0;
}

static bool may_see_keys(const struct ipc_conn *c)
{
	return ipc_conn_uid(c) == 0;
}

/* A row for an SPI that has no SA yet. */
static int send_larva(
    struct ipc_conn *c, uint32_t id, uint32_t row, const struct datapathd *d, const struct larva *l)
{
	const struct sa_desc desc = {
	    .src = l->src, .dst = l->dst, .proto = l->proto, .spi = l->spi, .mode = IPSEC_MODE_ANY};
	const struct sa_status st = {.serial = l->serial,
	    .state = SA_LARVAL,
	    .manual = !l->holder,
	    .created_wall_ms = l->created_wall_ms,
	    .age_ms = clock_now_ms(service_clock(d->service)) - l->created_ms,
	    .pid = l->pid};

	return msg_sa_row_send(c, id, row, false, &desc, false, &st);
}

static int on_get(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	const struct larva *l;
	struct sa_status st;
	struct sa_ident id;
	struct sa *sa;
	int r = msg_sa_get_decode(rec, &id, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	sa = sad_find(&d->sad, &id.src, &id.dst, id.proto, id.spi);
	l = sa ? NULL : larvae_find(&d->sad.larvae, &id.dst, id.proto, id.spi);
	if (l && inet_addr_equal(&l->src, &id.src)) {
		(void)send_larva(c, rec->id, UINT32_MAX, d, l);
		return 0;
	}
	if (!sa) {
		(void)ipc_conn_send_error(c, rec->id, ENOENT, "No entry.");
		return 0;
	}
	sad_sa_status(sa, clock_now_ms(service_clock(d->service)), &st);
	(void)msg_sa_row_send(c, rec->id, UINT32_MAX, false, &sa->desc, may_see_keys(c), &st);
	return 0;
}

static int on_getspi(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	const struct larva *l = NULL;
	struct err_text e = {0};
	struct larva want;
	struct sa_ident id;
	uint32_t min, max;
	int r = msg_sa_getspi_decode(rec, &id, &min, &max, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	want =
	    (struct larva){.src = id.src, .dst = id.dst, .proto = id.proto, .pid = (uint32_t)ipc_conn_pid(c)};
	r = sad_reserve(&d->sad, &want, min, max, &rng_kernel, &l, &e);
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	(void)send_larva(c, rec->id, UINT32_MAX, d, l);
	return 0;
}

struct dump {
	struct datapathd *d;
	struct sad_iter it;
	uint32_t larva; /* place in the array of larvae, which come last */
	uint32_t proto;
	bool dead;
};

static int dump_larva(struct ipc_conn *c, uint32_t rec_id, uint32_t row, struct dump *u)
{
	const struct larva *l;

	do
		l = larvae_next(&u->d->sad.larvae, &u->larva);
	while (l && u->proto && l->proto != u->proto);
	if (!l)
		return msg_sa_row_send(c, rec_id, row, true, NULL, false, NULL);
	return send_larva(c, rec_id, row, u->d, l) < 0 ? -EPIPE : 1;
}

static int dump_next(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg)
{
	struct dump *u = arg;
	struct sa_status st;
	struct sa *sa;

	do
		sa = sad_iter_next(&u->it, &u->d->sad);
	while (sa && ((u->proto && sa->desc.proto != u->proto) || (!u->dead && sad_sa_state(sa) == SA_DEAD)));
	if (!sa)
		return dump_larva(c, rec_id, row, u);
	sad_sa_status(sa, clock_now_ms(service_clock(u->d->service)), &st);
	return msg_sa_row_send(c, rec_id, row, false, &sa->desc, may_see_keys(c), &st) < 0 ? -EPIPE : 1;
}

static void dump_done(void *arg)
{
	struct dump *u = arg;

	sad_iter_fini(&u->it);
	free(u);
}

static int on_dump(struct ipc_conn *c, const struct ipc_record *rec)
{
	static const struct ipc_stream_ops ops = {.next = dump_next, .done = dump_done};
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	struct dump *u;
	uint32_t proto;
	bool dead;
	int r = msg_sa_dump_decode(rec, &proto, &dead, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	u = calloc(1, sizeof(*u));
	if (!u)
		return answer_error(c, rec->id, -ENOMEM, &e);
	u->d = d;
	u->proto = proto;
	u->dead = dead;
	sad_iter_init(&u->it, &d->sad);
	r = ipc_conn_stream(c, rec->id, &ops, u);
	if (r < 0)
		dump_done(u);
	return r == -EPIPE ? 0 : r < 0 ? answer_error(c, rec->id, r, &e) : 0;
}

static int set_preference(struct datapathd *d, uint64_t value, struct err_text *e)
{
	if (value > 1)
		return err_set(e, -EINVAL, "key_preferred_oldsa is 0 (newest SA) or 1 (oldest SA)");
	sad_set_prefer_old(&d->sad, value == 1);
	return 0;
}

static int set_tunable(struct datapathd *d, const char *name, uint64_t value, struct err_text *e)
{
	struct tunables t = tunables_unpack(atomic_load(&d->tune));
	int r = tunables_set(&t, name, value, e);

	if (r == -ENOENT)
		return err_set(e, -EINVAL,
		    "there is no setting of that name; datapathd has key_preferred_oldsa, dfbit, ecn, dscp, "
		    "dummy and keepalive");
	if (r < 0)
		return r;
	sad_store_set_tunables(d->store, tunables_pack(t));
	atomic_store(&d->tune, tunables_pack(t));
	return 0;
}

static int on_setting(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	uint64_t value;
	char name[64];
	int r = msg_setting_decode(rec, name, &value, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	r = strcmp(name, "key_preferred_oldsa") == 0 ? set_preference(d, value, &e)
	                                             : set_tunable(d, name, value, &e);
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	log_notice("setting", "%s=%llu", name, (unsigned long long)value);
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int on_txn_begin(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	int r;

	if (d->txn_owner) {
		(void)ipc_conn_send_error(c, rec->id, EBUSY,
		    d->txn_owner == c ? "a transaction is open on this connection already"
		                      : "somebody else is loading SAs at this moment: try again");
		return 0;
	}
	r = sad_txn_init(&d->txn, &d->sad);
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	d->txn_owner = ipc_conn_ref(c);
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static void txn_close(struct datapathd *d)
{
	sad_txn_fini(&d->txn);
	d->txn_owner = ipc_conn_unref(d->txn_owner);
	control_io_expect_quiet(d->io);
}

static int no_txn(struct ipc_conn *c, uint32_t id)
{
	(void)ipc_conn_send_error(c, id, EINVAL, "no transaction is open on this connection");
	return 0;
}

static int on_txn_commit(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	int r;

	if (d->txn_owner != c)
		return no_txn(c, rec->id);
	r = sad_txn_commit(&d->txn, changed, d, &e);
	txn_close(d);
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int on_txn_abort(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);

	if (d->txn_owner != c)
		return no_txn(c, rec->id);
	txn_close(d);
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

void datapathd_admin_on_close(struct ipc_conn *c)
{
	struct datapathd *d = datapathd_of_conn(c);

	if (d && d->txn_owner == c)
		txn_close(d);
}

const struct ipc_rule datapathd_admin_rules[DATAPATHD_N_ADMIN_RULES] = {
    {IPC_SA_ADD, "sa.add", IPC_ROLE_ROOT, 1024, 1024, 1, true, on_add},
    {IPC_SA_GET, "sa.get", IPC_ROLE_ADMIN, 256, 64, 1, false, on_get},
    {IPC_SA_DELETE, "sa.delete", IPC_ROLE_ROOT, 256, 1024, 1, false, on_delete},
    {IPC_SA_FLUSH, "sa.flush", IPC_ROLE_ROOT, 64, 64, 1, false, on_flush},
    {IPC_SA_DUMP, "sa.dump", IPC_ROLE_ADMIN, 64, 4, 10, false, on_dump},
    {IPC_SA_GETSPI, "sa.getspi", IPC_ROLE_ROOT, 256, 64, 1, false, on_getspi},
    {IPC_SETTING_SET, "setting.set", IPC_ROLE_ROOT, 128, 16, 1, false, on_setting},
    {IPC_TXN_BEGIN, "txn.begin", IPC_ROLE_ROOT, 16, 1, 1, false, on_txn_begin},
    {IPC_TXN_COMMIT, "txn.commit", IPC_ROLE_ROOT, 16, 1, 1, false, on_txn_commit},
    {IPC_TXN_ABORT, "txn.abort", IPC_ROLE_ROOT, 16, 1, 1, false, on_txn_abort},
};
