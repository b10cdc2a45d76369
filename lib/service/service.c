/*
 * What a service asks of its skeleton while it runs.
 */
#include "service/service.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "service/service_priv.h"

const struct settings *service_settings(const struct service *s)
{
	return &s->settings;
}

uv_loop_t *service_loop(const struct service *s)
{
	return (uv_loop_t *)&s->loop;
}

const struct clock *service_clock(const struct service *s)
{
	return &clock_boottime;
}

uint64_t service_epoch_ms(const struct service *s)
{
	return s->epoch_ms;
}

void *service_data(const struct service *s)
{
	return s->data;
}

void service_set_data(struct service *s, void *data)
{
	s->data = data;
}

int service_take_fd(struct service *s, const char *name)
{
	return fds_take(&s->fds, name);
}

const char *service_next_fd_name(const struct service *s, const char *prefix, const char *after)
{
	return fds_next(&s->fds, prefix, after);
}

static size_t stored_index(const struct service *s, const char *name)
{
	size_t i = 0;

	while (i < s->n_stored && strcmp(s->stored[i], name))
		i++;
	return i;
}

int service_store_fd(struct service *s, const char *name, int fd)
{
	size_t i = stored_index(s, name);
	int r = 0;

	if (!*name || strlen(name) >= FDS_NAME_MAX)
		return -EINVAL;
	if (i == ARRAY_SIZE(s->stored))
		return -ENOSPC;
	/* systemd would keep both under one name; postern-supervisor replaces either way. */
	if (i < s->n_stored)
		r = notify_send(&s->notify, -1, "FDSTOREREMOVE=1\nFDNAME=%s", name);
	/* Never polled: a TUN device that is down looks like a hang-up, and systemd would throw the
	 * descriptor out. */
	if (!r)
		r = notify_send(&s->notify, fd, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	if (!r && i == s->n_stored)
		snprintf(s->stored[s->n_stored++], sizeof(s->stored[0]), "%s", name);
	return r;
}

int service_unstore_fd(struct service *s, const char *name)
{
	size_t i = stored_index(s, name);
	int r = notify_send(&s->notify, -1, "FDSTOREREMOVE=1\nFDNAME=%s", name);

	if (!r && i < s->n_stored)
		memmove(s->stored[i], s->stored[--s->n_stored], sizeof(s->stored[0]));
	return r;
}

void service_set_state(struct service *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->state, sizeof(s->state), fmt, ap);
	va_end(ap);
	/* A line of the notify protocol ends at a newline: the sentence must not bring one. */
	for (char *p = s->state; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	notify_send(&s->notify, -1, "STATUS=%s", s->state);
}

static void log_violation(void *owner, const char *edge, pid_t pid, uid_t uid, const char *why)
{
	struct service *s = owner;
	uint64_t held;

	if (log_limit_ok(&s->violations, &held))
		log_warning("ipc.violation", "edge=%s pid=%d uid=%u why=%s held=%llu", edge, (int)pid, uid,
		    why, (unsigned long long)held);
}

int service_serve(struct service *s, const struct ipc_edge *edge, struct ipc_server **ret, struct err_text *e)
{
	const struct ipc_server_env env = {
	    .loop = &s->loop,
	    .clock = &clock_boottime,
	    .instance = s->settings.instance,
	    .epoch_ms = s->epoch_ms,
	    .owner = s,
	    .roles_of = service_roles_of,
	    .log_violation = log_violation,
	};
	struct ipc_server *server;
	int fd, r;

	if (s->n_servers == SERVICE_SERVERS_MAX)
		return err_set(e, -ENOSPC, "more than %d edges", SERVICE_SERVERS_MAX);
	fd = service_take_fd(s, edge->name);
	if (fd < 0)
		return err_set(e, -ENOENT,
		    "the launcher passed no socket named %s: check its socket unit, or update "
		    "postern-supervisor",
		    edge->name);
	r = ipc_server_new(&env, edge, fd, &server);
	if (r)
		return err_set(e, r, "cannot serve %s: %s", edge->name, err_name(r));
	s->servers[s->n_servers].edge = edge->name;
	s->servers[s->n_servers++].server = server;
	if (ret)
		*ret = server;
	return 0;
}

static void log_client(void *owner, const char *edge, const char *why)
{
	log_info("ipc.client", "edge=%s %s", edge, why);
}

int service_connect(struct service *s, const struct ipc_client_def *def, const char *peer,
    struct ipc_client **ret, struct err_text *e)
{
	struct ipc_client_env env = {
	    .loop = &s->loop,
	    .clock = &clock_boottime,
	    .instance = s->settings.instance,
	    .epoch_ms = s->epoch_ms,
	    .owner = s,
	    .log = log_client,
	};
	const struct service_known *k = NULL;
	struct ipc_client *client;
	char path[108];
	int r;

	if (s->n_clients == SERVICE_CLIENTS_MAX)
		return err_set(e, -ENOSPC, "more than %d clients", SERVICE_CLIENTS_MAX);
	for (size_t i = 0; i < SERVICE_KNOWN_MAX; i++) {
		if (!strcmp(s->known[i].name, peer))
			k = &s->known[i];
	}
	if (!k || !k->exists)
		return err_set(e, -ENOENT,
		    "the user of %s is not known: make postern-%s, or pass --peer %s=UID:GID", peer, peer,
		    peer);
	env.server_uid = k->uid;
	r = ipc_client_new(&env, def, settings_socket_path(&s->settings, def->edge, path), &client);
	if (r)
		return err_set(e, r, "cannot make the client of %s: %s", def->edge, err_name(r));
	s->clients[s->n_clients++] = client;
	*ret = client;
	return 0;
}

struct service *service_of_conn(const struct ipc_conn *c)
{
	return ipc_conn_owner(c);
}

struct service *service_of_client(const struct ipc_client *c)
{
	return ipc_client_owner(c);
}

void service_fail(struct service *s, const char *event, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error(event, "%s", text);
	service_set_state(s, "failed: %.180s", text);
	_exit(EXIT_FAILURE);
}
