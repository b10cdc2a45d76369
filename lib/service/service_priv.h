/*
 * What the files of the skeleton share; no service sees it.
 */
#ifndef POSTERN_SERVICE_SERVICE_PRIV_H
#define POSTERN_SERVICE_SERVICE_PRIV_H

#include "service/fds.h"
#include "service/notify.h"
#include "service/service.h"

enum {
	SERVICE_SERVERS_MAX = 8,
	SERVICE_CLIENTS_MAX = 8,
	SERVICE_MONITORS_MAX = 16,
	SERVICE_KNOWN_MAX = 6,   /* services of the suite that can be peers */
	SERVICE_STATE_MAX = 200, /* bytes of the state sentence */
};

/* A service of the suite, looked up while the user database could still be read. */
struct service_known {
	const char *name;
	uint32_t role; /* enum ipc_role, 0: none */
	bool exists;
	uid_t uid;
	gid_t gid;
};

struct service_monitor {
	struct ipc_conn *conn; /* NULL: free */
	bool log;              /* wants what the log has */
	uint64_t lost;
};

struct service {
	const struct service_def *def;
	struct settings settings;
	uint64_t epoch_ms;
	void *data;
	char tag[32]; /* "postern-policyd" */
	int argc;
	char **argv;

	uv_loop_t loop;
	uv_signal_t on_term, on_int;
	uv_timer_t watchdog;

	struct service_known known[SERVICE_KNOWN_MAX];
	uid_t uid;
	gid_t gid;
	bool has_admin_gid;
	gid_t admin_gid;

	struct fds fds;
	/* Names this service has put into the store, or got back from it. */
	char stored[FDS_MAX][FDS_NAME_MAX];
	size_t n_stored;
	struct notify notify;
	char state[SERVICE_STATE_MAX];

	struct ipc_rule *admin_rules; /* the common ones and the service's own */
	struct ipc_edge admin_edge;
	char admin_name[32];
	struct service_monitor monitors[SERVICE_MONITORS_MAX];
	struct {
		const char *edge;
		struct ipc_server *server;
	} servers[SERVICE_SERVERS_MAX];
	size_t n_servers;
	struct ipc_client *clients[SERVICE_CLIENTS_MAX];
	size_t n_clients;
	struct log_limit violations;
	bool finished; /* an option did all there was to do */
};

/* Makes the admin server on the socket "NAME.admin". */
int service_admin_start(struct service *s, struct err_text *e);

/* Roles by ids, for lib/ipc. */
uint32_t service_roles_of(void *owner, uid_t uid, gid_t gid, pid_t pid);
/* Fills s->known and the admin group; -ENOENT when this service itself has no ids. */
int service_resolve_ids(struct service *s, struct err_text *e);
/* Makes "@state" folders, raises limits, runs def->open_privileged. */
int service_open_privileged(struct service *s, struct err_text *e);
/* Landlock, then seccomp. */
int service_close_sandbox(struct service *s, struct err_text *e);

#endif
