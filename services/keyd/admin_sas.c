/*
 * The admin socket's verbs for SAs. Who asks for one to come up waits here, as a reference to the connection
 * and the number of its request, until the core says what became of it; nothing else waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/admin_verbs.h"
#include "keyd/edges/admin.h"

/* A request that waits for a negotiation. */
struct up {
	struct list node;
	uint64_t token;
	struct ipc_conn *conn; /* held */
	uint32_t rec_id;
};

static struct keyd *keyd_of_conn(const struct ipc_conn *c)
{
	return keyd_of(service_of_conn(c));
}

/* A decoder's refusal: unreadable ends the connection, anything else is answered. */
static int refuse(struct ipc_conn *c, uint32_t id, int r, const struct err_text *e)
{
	if (r == -EBADMSG)
		return r;
	(void)ipc_conn_send_error(c, id, -r, "%s", e->s[0] ? e->s : err_name(r));
	return 0;
}

static int show_next(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg)
{
	return admin_send_row(c, rec_id, row, keyd_of_conn(c)->core, arg);
}

int keyd_on_show(struct ipc_conn *c, const struct ipc_record *rec)
{
	static const struct ipc_stream_ops ops = {.next = show_next, .done = free};
	struct admin_show *at = calloc(1, sizeof(*at));
	int r = at ? ipc_conn_stream(c, rec->id, &ops, at) : -ENOMEM;

	if (r < 0)
		free(at);
	if (r == -ENOMEM)
		(void)ipc_conn_send_error(c, rec->id, ENOMEM, "out of memory");
	return 0;
}

static void up_free(struct up *u)
{
	list_remove(&u->node);
	ipc_conn_unref(u->conn);
	free(u);
}

static struct up *up_new(struct keyd *k, struct ipc_conn *c, uint32_t rec_id)
{
	struct up *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->token = ++k->last_up;
	u->conn = ipc_conn_ref(c);
	u->rec_id = rec_id;
	list_init(&u->node);
	list_append(&k->ups, &u->node);
	return u;
}

static struct up *up_find(struct keyd *k, uint64_t token)
{
	list_foreach (u, &k->ups, struct up, node)
		if (u->token == token)
			return u;
	return NULL;
}

void keyd_up_done(struct keyd *k, uint64_t token, int result, const char *why)
{
	struct up *u = up_find(k, token);

	if (!u)
		return;
	if (result < 0)
		(void)ipc_conn_send_error(u->conn, u->rec_id, -result, "%s", why);
	else
		(void)admin_send_up(u->conn, u->rec_id, false);
	up_free(u);
}

static int begin_only(struct keyd *k, struct ipc_conn *c, uint32_t rec_id, const struct admin_up *a)
{
	struct err_text e = {{0}};
	int r = core_up(k->core, 0, &a->path, a->has_policy ? &a->policy : NULL, &e);

	if (r < 0)
		return refuse(c, rec_id, r, &e);
	(void)admin_send_up(c, rec_id, r > 0);
	return 0;
}

int keyd_on_up(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct keyd *k = keyd_of_conn(c);
	struct err_text e = {{0}};
	struct admin_up a;
	struct up *u;
	uint64_t token;
	int r = admin_up_decode(rec, &a, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	if (a.no_wait)
		return begin_only(k, c, rec->id, &a);
	u = up_new(k, c, rec->id);
	if (!u)
		return refuse(c, rec->id, -ENOMEM, &e);
	token = u->token;
	r = core_up(k->core, token, &a.path, a.has_policy ? &a.policy : NULL, &e);
	/* It may have failed already, and been told. */
	u = up_find(k, token);
	if (r == 0 || !u)
		return 0;
	up_free(u);
	if (r < 0)
		return refuse(c, rec->id, r, &e);
	(void)admin_send_up(c, rec->id, true);
	return 0;
}

int keyd_on_delete(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct keyd *k = keyd_of_conn(c);
	struct err_text e = {{0}};
	struct core_ended n;
	struct ike_filter f;
	int r = admin_delete_decode(rec, &f, &e);

	if (r < 0)
		return refuse(c, rec->id, r, &e);
	n = core_delete(k->core, &f);
	log_notice("admin.delete", "isakmp=%u ipsec=%u pairs, by uid=%u pid=%d", n.sas, n.children,
	    (unsigned)ipc_conn_uid(c), (int)ipc_conn_pid(c));
	(void)admin_send_ended(c, rec->id, &n);
	return 0;
}

static const struct ike_peer *find_peer(const struct core_conf *f, const char *name)
{
	for (uint32_t i = 0; f && i < f->c->n_peers; i++)
		if (strcmp(f->c->peer[i].name, name) == 0)
			return &f->c->peer[i];
	return NULL;
}

int keyd_on_find(struct ipc_conn *c, const struct ipc_record *rec)
{
	const struct core_conf *f = keyd_of_conn(c)->core->conf;
	char name[IKE_VIEW_PEER_MAX];
	const struct ike_peer *p;

	if (admin_find_decode(rec, name, sizeof(name)) < 0)
		return -EBADMSG;
	p = find_peer(f, name);
	if (!p)
		(void)ipc_conn_send_error(c, rec->id, ENOENT, "%s",
		    f ? "the configuration has no remote of that name" : "no configuration is loaded");
	else if (p->addr.family == INET_NONE)
		(void)ipc_conn_send_error(
		    c, rec->id, EINVAL, "remote %s stands for many: name the peer's address", p->name);
	else
		(void)admin_send_found(c, rec->id, &p->addr);
	return 0;
}

void keyd_ups_fini(struct keyd *k)
{
	list_foreach_safe (u, next, &k->ups, struct up, node)
		up_free(u);
}
