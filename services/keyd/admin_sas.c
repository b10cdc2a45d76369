/*
 * Nothing here waits: an `up` is a question that stays with the core, and its answer goes to the connection
 * if that is still there.
 */
#include "keyd/admin_sas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/edges/admin.h"
#include "keyd/keyd.h"

/* Somebody who waits. Not counted as a reference: it goes before its connection does. */
struct asker {
	struct list node;
	struct ipc_conn *c;
	uint32_t rec_id;
};

static struct list askers = LIST_INIT(askers);

static struct keyd *of(const struct ipc_conn *c)
{
	return keyd_of(service_of_conn(c));
}

static int refuse(struct ipc_conn *c, const struct ipc_record *rec, int r, const struct err_text *e)
{
	if (r == -EBADMSG)
		return r;
	ipc_conn_send_error(c, rec->id, -r, "%s", e->s[0] ? e->s : err_name(r));
	return 0;
}

static void dump_done(void *arg)
{
	admin_dump_free(arg);
}

int admin_on_dump(struct ipc_conn *c, const struct ipc_record *rec)
{
	static const struct ipc_stream_ops ops = {.next = admin_dump_next, .done = dump_done};
	struct admin_dump *d = admin_dump_new(of(c)->core);
	int r;

	if (!d) {
		ipc_conn_send_error(c, rec->id, ENOMEM, "out of memory");
		return 0;
	}
	r = ipc_conn_stream(c, rec->id, &ops, d);
	if (r < 0)
		admin_dump_free(d);
	return r;
}

int admin_on_find(struct ipc_conn *c, const struct ipc_record *rec)
{
	const struct core_conf *conf = of(c)->core->conf;
	char name[ADMIN_NAME_MAX];
	int r = admin_find_decode(rec, name);

	if (r < 0)
		return r;
	for (uint32_t i = 0; conf && i < conf->c->n_peers; i++) {
		const struct ike_peer *p = &conf->c->peer[i];

		if (p->name && strcmp(p->name, name) == 0) {
			admin_send_found(c, rec->id, p);
			return 0;
		}
	}
	ipc_conn_send_error(c, rec->id, ENOENT, "%s",
	    conf ? "the configuration has no remote of this name" : "no configuration is loaded");
	return 0;
}

static void on_up_done(void *arg, int result, const char *why, const struct ike_row *row)
{
	struct asker *a = arg;

	if (result < 0)
		ipc_conn_send_error(a->c, a->rec_id, -result, "%s", why);
	else
		admin_send_row(a->c, a->rec_id, row);
	list_remove(&a->node);
	free(a);
}

int admin_on_up(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct err_text e = {{0}};
	struct policy policy;
	struct core_up up;
	bool has_policy;
	struct asker *a;
	int r = admin_up_decode(rec, &up, &policy, &has_policy, &e);

	if (r < 0)
		return refuse(c, rec, r, &e);
	a = malloc(sizeof(*a));
	if (!a)
		return refuse(c, rec, -ENOMEM, &e);
	*a = (struct asker){.c = c, .rec_id = rec->id};
	list_init(&a->node);
	list_append(&askers, &a->node);
	up.policy = has_policy ? &policy : NULL;
	up.done = on_up_done;
	up.arg = a;
	core_up(of(c)->core, &up);
	return 0;
}

int admin_on_end(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct ike_row_filter f;
	struct ike_row_ended n;
	struct err_text e = {{0}};
	int r = admin_end_decode(rec, &f, &e);

	if (r < 0)
		return refuse(c, rec, r, &e);
	core_end(of(c)->core, &f, &n);
	log_notice("sas.ended", "pid=%d had %u SAs of key exchange and %u pairs of SAs deleted",
	    (int)ipc_conn_pid(c), n.n_sas, n.n_children);
	admin_send_ended(c, rec->id, &n);
	return 0;
}

int admin_on_renew(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct ike_row_filter f;
	struct ike_row_ended n;
	struct err_text e = {{0}};
	int r = admin_end_decode(rec, &f, &e);

	if (r < 0)
		return refuse(c, rec, r, &e);
	core_renew(of(c)->core, &f, &n);
	log_notice("sas.renewed",
	    "pid=%d asked for the renewal of %u SAs of key exchange and %u pairs of SAs",
	    (int)ipc_conn_pid(c), n.n_sas, n.n_children);
	admin_send_ended(c, rec->id, &n);
	return 0;
}

void admin_sas_on_close(struct ipc_conn *c)
{
	list_foreach_safe (a, next, &askers, struct asker, node) {
		if (a->c != c)
			continue;
		core_up_forget(of(c)->core, a);
		list_remove(&a->node);
		free(a);
	}
}
