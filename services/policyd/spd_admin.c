/*
 * A statement is answered when the SPD has it; whoever must know that it is enforced sends a barrier. That
 * lets a file of ten thousand statements become a handful of commits.
 */
#include "policyd/spd_admin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "policyd/admin_client.h"
#include "policyd/ike_admin.h"
#include "policyd/keyd_msg.h"
#include "policyd/policyd.h"
#include "policyd/policyd_msg.h"
#include "service/log.h"
#include "service/service.h"

static struct policyd *of(const struct ipc_conn *c)
{
	return policyd_of(service_of_conn(c));
}

/* The refusal as an answer; what was malformed ends the connection. */
static int answer_error(struct ipc_conn *c, const struct ipc_record *rec, int r, const struct err_text *e)
{
	if (r == -EBADMSG)
		return r;
	ipc_conn_send_error(c, rec->id, -r, "%s", e->s[0] ? e->s : err_name(r));
	return 0;
}

struct admin_client *admin_client_of(struct ipc_conn *c)
{
	struct admin_client *a = ipc_conn_data(c);

	if (!a) {
		a = calloc(1, sizeof(*a));
		ipc_conn_set_data(c, a);
	}
	return a;
}

/* What this connection has of the transaction; NULL without memory. */
static struct txn_client *client_of(struct ipc_conn *c)
{
	struct admin_client *a = admin_client_of(c);

	return a ? &a->txn : NULL;
}

static int book_of(struct ipc_conn *c, struct book **ret, struct err_text *e)
{
	struct txn_client *who = client_of(c);

	return who ? txn_book(&of(c)->txn, who, ret, e) : -ENOMEM;
}

static void took_effect(struct policyd *p)
{
	p->lost.s[0] = '\0';
	commit_changed(&p->commit);
}

static void begin_life(struct policyd *p, uint32_t id)
{
	const struct spd_entry *x = spd_find_id(p->book.spd, id);

	if (x)
		lives_add(&p->lives, p->book.spd, x);
}

static void publish_policy(
    struct policyd *p, const char *event, enum policy_dir dir, const struct selector *s, uint32_t id)
{
	char src[INET_PREFIX_STRLEN], dst[INET_PREFIX_STRLEN];

	service_publish(p->service, event, "spid=%u dir=%s src=%s[%u] dst=%s[%u] upper=%u", id,
	    policy_dir_name(dir), inet_prefix_format(&s->src, src), s->sport,
	    inet_prefix_format(&s->dst, dst), s->dport, s->proto);
}

void spd_admin_on_change(void *policyd, enum book_change what, const struct policy *policy)
{
	struct policyd *p = policyd;

	if (!service_has_monitors(p->service))
		return;
	if (what == BOOK_FLUSHED)
		service_publish(p->service, "spd.flush", "all policies");
	else
		publish_policy(
		    p, what == BOOK_ADDED ? "spd.add" : "spd.delete", policy->dir, &policy->sel, policy->id);
}

/* A staged change is not one yet: the commit tells of it. */
static void changed(
    struct policyd *p, const struct book *b, enum book_change what, const struct policy *policy)
{
	if (b != &p->book)
		return;
	took_effect(p);
	spd_admin_on_change(p, what, policy);
}

static int on_put(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = of(c);
	struct err_text e = {{0}};
	struct policy policy;
	struct book *b;
	bool update;
	uint32_t id, before;
	int r = msg_put_decode(rec, &policy, &update, &before, &e);

	policy.generated = false;
	if (r == 0)
		r = book_of(c, &b, &e);
	if (r == 0)
		r = book_put_before(b, &policy, update, before, &id, &e);
	if (r < 0)
		return answer_error(c, rec, r, &e);
	policy.id = id;
	changed(p, b, BOOK_ADDED, &policy);
	begin_life(p, id);
	msg_send_done(c, rec->id, id, b->version);
	return 0;
}

static int on_delete(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = of(c);
	struct err_text e = {{0}};
	struct policy policy = {0};
	struct book *b;
	int r = msg_delete_decode(rec, &policy.dir, &policy.sel, &e);

	if (r == 0)
		r = book_of(c, &b, &e);
	if (r == 0)
		r = book_delete(b, policy.dir, &policy.sel, &policy.id, &e);
	if (r < 0)
		return answer_error(c, rec, r, &e);
	changed(p, b, BOOK_REMOVED, &policy);
	msg_send_done(c, rec->id, policy.id, b->version);
	return 0;
}

static int on_flush(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = of(c);
	struct err_text e = {{0}};
	struct book *b;
	int r = book_of(c, &b, &e);

	if (r < 0)
		return answer_error(c, rec, r, &e);
	book_flush(b);
	changed(p, b, BOOK_FLUSHED, NULL);
	msg_send_done(c, rec->id, 0, b->version);
	return 0;
}

void spd_admin_end_lives(struct policyd *p)
{
	char src[INET_PREFIX_STRLEN], dst[INET_PREFIX_STRLEN];
	struct policy gone;
	uint32_t id;

	while (lives_take(&p->lives, p->book.spd, clock_now_ms(p->clock), &id)) {
		if (!book_expire(&p->book, id, &gone))
			continue;
		/* Or an open transaction would bring it back. */
		if (p->txn.owner)
			(void)book_expire(&p->txn.staged, id, &gone);
		log_info("spd.expire", "spid=%u dir=%s src=%s dst=%s its life is over", id,
		    policy_dir_name(gone.dir), inet_prefix_format(&gone.sel.src, src),
		    inet_prefix_format(&gone.sel.dst, dst));
		publish_policy(p, "spd.expire", gone.dir, &gone.sel, id);
		commit_changed(&p->commit);
	}
}

/* Who asked, kept until the answer is known. */
struct waiter {
	struct ipc_conn *c;
	uint32_t rec_id;
	bool barrier; /* else: the switch, answered by OK */
};

static void on_in_force(void *arg, int result, uint64_t version, const char *why)
{
	struct waiter *w = arg;

	if (ipc_conn_is_open(w->c)) {
		if (result < 0)
			ipc_conn_send_error(w->c, w->rec_id, -result, "%s", why);
		else if (w->barrier)
			msg_send_barrier_done(w->c, w->rec_id, version);
		else
			ipc_conn_send(w->c, IPC_OK, w->rec_id, NULL);
	}
	ipc_conn_unref(w->c);
	free(w);
}

static int wait_in_force(struct ipc_conn *c, const struct ipc_record *rec, uint64_t version, bool barrier)
{
	struct waiter *w = malloc(sizeof(*w));
	int r = w ? 0 : -ENOMEM;

	if (w) {
		*w = (struct waiter){.c = ipc_conn_ref(c), .rec_id = rec->id, .barrier = barrier};
		r = commit_wait(&of(c)->commit, version, on_in_force, w);
	}
	if (r == 0)
		return 0;
	ipc_conn_send_error(c, rec->id, -r, r == -EBUSY ? "too many wait already" : "out of memory");
	if (w)
		ipc_conn_unref(w->c);
	free(w);
	return 0;
}

static int on_barrier(struct ipc_conn *c, const struct ipc_record *rec)
{
	uint64_t version;
	int r = msg_barrier_decode(rec, &version);

	return r < 0 ? r : wait_in_force(c, rec, version, true);
}

/* A dump shows one version however long its reader takes. */
struct dump {
	struct spd *spd;
	const struct spd_entry *next;
	enum policy_dir dir;
};

static void dump_advance(struct dump *d)
{
	static const enum policy_dir after[] = {
	    [POLICY_IN] = POLICY_FWD, [POLICY_FWD] = POLICY_OUT, [POLICY_OUT] = POLICY_DIR_NONE};

	if (d->next)
		d->next = spd_next(d->spd, d->next);
	while (!d->next && d->dir != POLICY_DIR_NONE) {
		d->dir = after[d->dir];
		if (d->dir != POLICY_DIR_NONE)
			d->next = spd_first(d->spd, d->dir);
	}
}

static int dump_next(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg)
{
	struct dump *d = arg;
	const struct policy *p = d->next ? &d->next->policy : NULL;
	int r = msg_send_dump_row(c, rec_id, row, p);

	if (r < 0)
		return r;
	if (!p)
		return 0;
	dump_advance(d);
	return 1;
}

static void dump_done(void *arg)
{
	struct dump *d = arg;

	spd_free(d->spd);
	free(d);
}

static int on_dump(struct ipc_conn *c, const struct ipc_record *rec)
{
	static const struct ipc_stream_ops ops = {.next = dump_next, .done = dump_done};
	struct dump *d = calloc(1, sizeof(*d));

	if (!d || spd_clone(of(c)->book.spd, &d->spd) < 0) {
		free(d);
		ipc_conn_send_error(c, rec->id, ENOMEM, "out of memory");
		return 0;
	}
	d->dir = POLICY_IN;
	d->next = spd_first(d->spd, POLICY_IN);
	if (!d->next)
		dump_advance(d);
	return ipc_conn_stream(c, rec->id, &ops, d);
}

static int on_enable_set(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = of(c);
	bool on, other;
	int r = msg_enable_decode(rec, &on);

	if (r < 0)
		return r;
	other = p->book.enabled != on;
	book_set_enabled(&p->book, on);
	if (other)
		commit_changed(&p->commit);
	log_notice("spd.switch", "pid=%d protection is switched %s", (int)ipc_conn_pid(c), on ? "on" : "off");
	return wait_in_force(c, rec, 0, false);
}

static int on_setting(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = of(c);
	struct policy_deflev d = p->book.deflev;
	struct err_text e = {{0}};
	int r = msg_deflev_decode(rec, &d, &e);

	/* What a default means is no reason to put the empty SPD in place of what is lost. */
	if (r == 0 && commit_held(&p->commit))
		r = err_set(&e, -EIO, "%s", commit_held(&p->commit));
	if (r < 0)
		return answer_error(c, rec, r, &e);
	if (book_set_deflev(&p->book, &d))
		commit_changed(&p->commit);
	log_notice("spd.default",
	    "pid=%d level default is %s for esp, %s for esp tunnels, %s for ah, %s for ah tunnels",
	    (int)ipc_conn_pid(c), policy_level_name(d.esp_trans), policy_level_name(d.esp_net),
	    policy_level_name(d.ah_trans), policy_level_name(d.ah_net));
	return wait_in_force(c, rec, 0, false);
}

static int on_enable_get(struct ipc_conn *c, const struct ipc_record *rec)
{
	msg_send_enable(c, rec->id, of(c)->book.enabled);
	return 0;
}

static int on_txn(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = of(c);
	struct txn_client *who = client_of(c);
	struct err_text e = {{0}};
	int r;

	if (!who)
		return answer_error(c, rec, -ENOMEM, &e);
	switch (rec->type) {
	case IPC_TXN_BEGIN:
		r = txn_begin(&p->txn, who, &e);
		break;
	case IPC_TXN_COMMIT:
		r = txn_commit(&p->txn, who, &e);
		if (r == TXN_CHANGED) {
			took_effect(p);
			lives_rebuild(&p->lives, p->book.spd);
		}
		break;
	case IPC_TXN_PREPARE:
		r = txn_prepare(&p->txn, who, &e);
		break;
	default:
		r = txn_abort(&p->txn, who, &e);
		break;
	}
	if (r < 0)
		return answer_error(c, rec, r, &e);
	ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

void spd_admin_on_close(struct ipc_conn *c)
{
	struct admin_client *who = ipc_conn_data(c);

	if (who) {
		txn_close(&of(c)->txn, &who->txn);
		ike_load_forget(&who->load);
	}
	ipc_conn_set_data(c, NULL);
	free(who);
}

enum { READERS = IPC_ROLE_ADMIN | IPC_ROLE_ROOT, BODY_SMALL = 64, MANY = 1024 };

const struct ipc_rule spd_admin_rules[] = {
    {IPC_SPD_PUT, "spd.put", IPC_ROLE_ROOT, MSG_POLICY_MAX, MANY, .handle = on_put},
    {IPC_SPD_DELETE, "spd.delete", IPC_ROLE_ROOT, 512, MANY, .handle = on_delete},
    {IPC_SPD_FLUSH, "spd.flush", IPC_ROLE_ROOT, BODY_SMALL, MANY, .handle = on_flush},
    {IPC_SPD_BARRIER, "spd.barrier", READERS, BODY_SMALL, 16, .handle = on_barrier},
    {IPC_SPD_DUMP, "spd.dump", READERS, BODY_SMALL, 2, .cost = 10, .handle = on_dump},
    {IPC_ENABLE_SET, "enable.set", IPC_ROLE_ROOT, BODY_SMALL, 4, .handle = on_enable_set},
    {IPC_ENABLE_GET, "enable.get", READERS, BODY_SMALL, 16, .handle = on_enable_get},
    {IPC_SETTING_SET, "setting.set", IPC_ROLE_ROOT, BODY_SMALL, 4, .handle = on_setting},
    {IPC_TXN_BEGIN, "txn.begin", IPC_ROLE_ROOT, BODY_SMALL, 4, .cost = 10, .handle = on_txn},
    {IPC_TXN_COMMIT, "txn.commit", IPC_ROLE_ROOT, BODY_SMALL, 4, .handle = on_txn},
    {IPC_TXN_ABORT, "txn.abort", IPC_ROLE_ROOT, BODY_SMALL, 4, .handle = on_txn},
    {IPC_TXN_PREPARE, "txn.prepare", IPC_ROLE_ROOT, BODY_SMALL, 4, .handle = on_txn},
    {IPC_IKE_LOAD_BEGIN, "ike.begin", IPC_ROLE_ROOT, 8192, 4, .cost = 10, .handle = ike_admin_on_load},
    {IPC_IKE_LOAD_ROW, "ike.row", IPC_ROLE_ROOT, MSG_IKE_ROW_MAX, 0, .handle = ike_admin_on_load},
    {IPC_IKE_LOAD_PREPARE, "ike.prepare", IPC_ROLE_ROOT, BODY_SMALL, 4, .cost = 10,
        .handle = ike_admin_on_load},
    {IPC_IKE_LOAD_COMMIT, "ike.commit", IPC_ROLE_ROOT, BODY_SMALL, 4, .cost = 100,
        .handle = ike_admin_on_load},
};
const size_t spd_admin_n_rules = ARRAY_SIZE(spd_admin_rules);
