/*
 * Only the listener. Everything is counted references: uv gives its handles back a loop turn after they are
 * closed, and a handler may free the server under whose feet it runs.
 */
#include "ipc/server.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "ipc/conn_priv.h"
#include "ipc/sock.h"

enum {
	ACCEPT_BATCH = 16,
	ACCEPT_PAUSE_MS = 100,
	LOG_PER_SECOND = 1,
	LOG_BURST = 10,
	GROUPS_MAX = 256, /* a peer in more groups is judged by its own group alone */
};

void ipc_server_ref_(struct ipc_server *s)
{
	s->refs++;
}

void ipc_server_unref_(struct ipc_server *s)
{
	if (--s->refs)
		return;
	free(s->rx);
	free(s->tx);
	free(s);
}

/* Roles of the peer's own group and of every further group it is in. */
static uint32_t roles_of(const struct ipc_server *s, int fd, const struct ucred *peer)
{
	uint32_t roles = s->env.roles_of(s->env.owner, peer->uid, peer->gid, peer->pid);
	gid_t groups[GROUPS_MAX];
	int n = ipc_sock_peer_groups(fd, groups, GROUPS_MAX);

	for (int i = 0; i < n; i++)
		roles |= s->env.roles_of(s->env.owner, peer->uid, groups[i], peer->pid);
	return roles;
}

static void admit(struct ipc_server *s, int fd)
{
	struct ucred peer;
	uint32_t roles;

	/* Whoever may connect can take all places of his kind, but cannot lock root out. */
	if (ipc_sock_peer(fd, &peer) < 0 || s->n_open[peer.uid == 0] >= s->edge->max_conns)
		goto refuse;
	roles = roles_of(s, fd, &peer);
	if (!roles)
		goto refuse;
	if (ipc_conn_new(s, fd, &peer, roles))
		s->counters.accepted++;
	else
		s->counters.refused++;
	return;
refuse:
	s->counters.refused++;
	close(fd);
}

static void on_pause_over(uv_timer_t *h);

static void on_listener(uv_poll_t *h, int status, int events)
{
	struct ipc_server *s = h->data;

	(void)status;
	(void)events;
	ipc_server_ref_(s);
	for (int i = 0; i < ACCEPT_BATCH && !s->closing; i++) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(s, fd);
			continue;
		}
		/* Out of descriptors or memory: the connector waits in the backlog, and we do not spin
		 * meanwhile. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			uv_poll_stop(&s->poll);
			uv_timer_start(&s->pause, on_pause_over, ACCEPT_PAUSE_MS, 0);
		}
		break;
	}
	ipc_server_unref_(s);
}

static void on_pause_over(uv_timer_t *h)
{
	struct ipc_server *s = h->data;

	uv_poll_start(&s->poll, UV_READABLE, on_listener);
}

static void on_handle_closed(uv_handle_t *h)
{
	ipc_server_unref_(h->data);
}

/* A table that contradicts itself is a bug of the service, found at its first start. */
static bool edge_is_sane(const struct ipc_edge *e)
{
	if (!e->budget_rate || !e->budget_burst || !e->version_min || e->version_min > e->version_max)
		return false;
	for (size_t i = 0; i < e->n_rules; i++) {
		const struct ipc_rule *r = &e->rules[i];

		if (!r->handle || !r->name || r->type <= IPC_OK ||
		    r->max_body > IPC_RECORD_MAX - IPC_HEADER_LEN)
			return false;
		for (size_t k = 0; k < i; k++)
			if (e->rules[k].type == r->type)
				return false;
	}
	return true;
}

static void server_freep(struct ipc_server **s)
{
	if (*s) {
		free((*s)->rx);
		free((*s)->tx);
		free(*s);
	}
}

int ipc_server_new(
    const struct ipc_server_env *env, const struct ipc_edge *edge, int listen_fd, struct ipc_server **ret)
{
	AUTO_CLOSE int fd = listen_fd;
	AUTO(server_freep) struct ipc_server *s = NULL;
	int r;

	if (!edge_is_sane(edge))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->env = *env;
	s->edge = edge;
	list_init(&s->conns);
	bucket_init(&s->log_budget, LOG_PER_SECOND, LOG_BURST, clock_now_ms(env->clock));
	for (size_t i = 0; i < edge->n_rules; i++)
		s->takes_fds |= edge->rules[i].takes_fd;
	s->rx = malloc(IPC_RECORD_MAX);
	s->tx = malloc(IPC_RECORD_MAX);
	if (!s->rx || !s->tx)
		return -ENOMEM;
	/* uv sets O_NONBLOCK; it refuses what cannot be polled before it knows the handle. */
	r = uv_poll_init(env->loop, &s->poll, fd);
	if (r < 0)
		return r;
	uv_timer_init(env->loop, &s->pause);
	s->poll.data = s->pause.data = s;
	s->refs = 3;
	s->fd = take_fd(&fd);
	uv_poll_start(&s->poll, UV_READABLE, on_listener);
	*ret = take_ptr(s);
	return 0;
}

struct ipc_server *ipc_server_free(struct ipc_server *s)
{
	if (!s || s->closing)
		return NULL;
	s->closing = true;
	uv_close((uv_handle_t *)&s->poll, on_handle_closed);
	uv_close((uv_handle_t *)&s->pause, on_handle_closed);
	close(s->fd);
	while (!list_is_empty(&s->conns)) {
		struct ipc_conn *c = list_entry(s->conns.next, struct ipc_conn, node);

		ipc_conn_close(c);
		ipc_conn_finish(c);
	}
	ipc_server_unref_(s);
	return NULL;
}

const struct ipc_server_counters *ipc_server_counters(const struct ipc_server *s)
{
	return &s->counters;
}

void ipc_server_each(struct ipc_server *s, void (*fn)(struct ipc_conn *c, void *arg), void *arg)
{
	ipc_server_ref_(s);
	/* A connection leaves the list only from the loop or in ipc_server_free(), which ends this walk. */
	for (struct list *l = s->conns.next; !s->closing && l != &s->conns;) {
		struct ipc_conn *c = list_entry(l, struct ipc_conn, node);

		ipc_conn_ref(c);
		if (c->open && c->said_hello)
			fn(c, arg);
		l = l->next;
		ipc_conn_unref(c);
	}
	ipc_server_unref_(s);
}
