/*
 * The edge to hooks.
 */
#include <errno.h>
#include <stdlib.h>

#include "ipc/model.h"
#include "ipc/types.h"
#include "keyd/edges/hooks.h"
#include "wire/ike/v1_cfg.h"

#include "hooks_keyd.pb-c.h"

enum { TEXT_MAX = 1024 };

struct given_pb {
	Postern__HookGiven m;
	Postern__Addr address, netmask, server[2][IKE1_CFG_SERVERS_MAX], *server_p[2][IKE1_CFG_SERVERS_MAX];
	Postern__Addr addr[2][IKE1_CFG_NETS_MAX];
	Postern__Prefix net[2][IKE1_CFG_NETS_MAX], *net_p[2][IKE1_CFG_NETS_MAX];
};

static ProtobufCBinaryData text_of(struct ike1_octets o)
{
	return (ProtobufCBinaryData){
	    .data = (uint8_t *)(uintptr_t)o.p, .len = o.n < TEXT_MAX ? o.n : TEXT_MAX};
}

static void put_servers(const struct inet_addr *from, size_t n, Postern__Addr *to, Postern__Addr **p)
{
	for (size_t i = 0; i < n; i++) {
		model_addr_encode(&from[i], &to[i]);
		p[i] = &to[i];
	}
}

static void put_nets(
    const struct inet_prefix *from, size_t n, Postern__Addr *addr, Postern__Prefix *to, Postern__Prefix **p)
{
	for (size_t i = 0; i < n; i++) {
		model_prefix_encode(&from[i], &addr[i], &to[i]);
		p[i] = &to[i];
	}
}

static void put_given(const struct core_hook *h, struct given_pb *x)
{
	x->m = (Postern__HookGiven)POSTERN__HOOK_GIVEN__INIT;
	if (h->address.family != INET_NONE) {
		model_addr_encode(&h->address, &x->address);
		x->m.address = &x->address;
	}
	if (h->netmask.family != INET_NONE) {
		model_addr_encode(&h->netmask, &x->netmask);
		x->m.netmask = &x->netmask;
	}
	put_servers(h->dns, h->n_dns, x->server[0], x->server_p[0]);
	put_servers(h->wins, h->n_wins, x->server[1], x->server_p[1]);
	put_nets(h->include, h->n_include, x->addr[0], x->net[0], x->net_p[0]);
	put_nets(h->kept_out, h->n_kept_out, x->addr[1], x->net[1], x->net_p[1]);
	x->m.dns = x->server_p[0];
	x->m.n_dns = h->n_dns;
	x->m.wins = x->server_p[1];
	x->m.n_wins = h->n_wins;
	x->m.include = x->net_p[0];
	x->m.n_include = h->n_include;
	x->m.local = x->net_p[1];
	x->m.n_local = h->n_kept_out;
	x->m.domain = text_of(h->domain);
}

/* One that waits: the message as it will go. */
struct late {
	struct list node;
	size_t len;
	uint8_t message[];
};

void hooks_late_init(struct hooks_late *l)
{
	*l = (struct hooks_late){0};
	list_init(&l->waiting);
}

static void drop(struct hooks_late *l, struct late *w)
{
	list_remove(&w->node);
	l->n--;
	free(w);
}

void hooks_late_fini(struct hooks_late *l)
{
	list_foreach_safe (w, next, &l->waiting, struct late, node)
		drop(l, w);
}

static int wait(struct hooks_late *l, const Postern__HookRun *m)
{
	size_t len = postern__hook_run__get_packed_size(m);
	struct late *w;

	if (l->n == HOOKS_LATE_MAX)
		return -ENOBUFS;
	w = malloc(sizeof(*w) + len);
	if (!w)
		return -ENOMEM;
	w->len = postern__hook_run__pack(m, w->message);
	list_init(&w->node);
	list_append(&l->waiting, &w->node);
	l->n++;
	return 0;
}

static int send_late(struct ipc_client *c, const struct late *w)
{
	Postern__HookRun *m = postern__hook_run__unpack(NULL, w->len, w->message);
	int r;

	if (!m)
		return -ENOMEM;
	r = ipc_client_send_row(c, IPC_HOOK_RUN, 0, &m->base);
	postern__hook_run__free_unpacked(m, NULL);
	return r;
}

void hooks_late_tell(struct hooks_late *l, struct ipc_client *c)
{
	list_foreach_safe (w, next, &l->waiting, struct late, node) {
		if (send_late(c, w) < 0)
			return;
		drop(l, w);
	}
}

int hooks_tell(struct ipc_client *c, struct hooks_late *l, const struct core_hook *h)
{
	Postern__HookRun m = POSTERN__HOOK_RUN__INIT;
	Postern__Addr local, remote;
	struct given_pb given;

	m.event = h->hook;
	m.generation = h->generation;
	m.peer = h->peer;
	model_addr_encode(&h->path->local, &local);
	model_addr_encode(&h->path->remote, &remote);
	m.local = &local;
	m.local_port = h->path->local_port;
	m.remote = &remote;
	m.remote_port = h->path->remote_port;
	m.remote_id = text_of(h->id);
	if (h->has_given) {
		put_given(h, &given);
		m.given = &given.m;
	}
	hooks_late_tell(l, c);
	if (l->n || ipc_client_send_row(c, IPC_HOOK_RUN, 0, &m.base) < 0)
		return wait(l, &m);
	return 0;
}
