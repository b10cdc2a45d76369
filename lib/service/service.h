/*
 * The daemon skeleton. A service is a table of what it needs; the phases are the same for all of them and
 * happen in this order: settings, log, descriptors from the launcher, what only root can open, privilege
 * drop, sandbox, listen() again, start, READY, serve.
 */
#ifndef POSTERN_SERVICE_SERVICE_H
#define POSTERN_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "ipc/client.h"
#include "ipc/server.h"
#include "service/log.h"
#include "service/settings.h"

struct service;

enum service_dir_access { SERVICE_DIR_READ = 1, SERVICE_DIR_WRITE };

/* A folder that stays reachable through Landlock. */
struct service_dir {
	const char *path; /* absolute, or "@state" for STATE_DIR/NAME (made, owned by the service) */
	enum service_dir_access access;
};

struct service_status_sink; /* service_status_add() writes to it */
struct service_stats_sink;  /* service_stats_add() writes to it */

struct service_def {
	const char *name; /* "policyd": program postern-policyd, user postern-policyd */
	const int *caps;  /* CAP_* kept after the drop */
	size_t n_caps;
	const int *syscalls; /* SCMP_SYS numbers allowed beyond the skeleton's own list */
	size_t n_syscalls;
	const struct service_dir *dirs;
	size_t n_dirs;
	bool no_sockets; /* it connects nowhere: socket(2) is not among its calls */
	/* It stays root, without walls, because what it starts has to be root without walls. */
	bool stays_root;
	uint64_t memlock_bytes; /* RLIMIT_MEMLOCK to raise before the drop; 0: leave */
	uint64_t open_files;    /* RLIMIT_NOFILE, the same */

	/* As root, before the drop; may be NULL. */
	int (*open_privileged)(struct service *s, struct err_text *e);
	/* As the service's own user, inside the sandbox. Makes its servers and clients. */
	int (*start)(struct service *s, struct err_text *e);
	/* On SIGTERM, before the process ends; may be NULL. */
	void (*stop)(struct service *s);

	/* The admin socket "NAME.admin" is served by the skeleton: common verbs plus these. */
	const struct ipc_rule *admin_rules;
	size_t n_admin_rules;
	void (*admin_on_close)(struct ipc_conn *c);                        /* may be NULL */
	void (*status)(struct service *s, struct service_status_sink *to); /* may be NULL */
	void (*stats)(struct service *s, struct service_stats_sink *to);   /* may be NULL */
	/* A mode of this program that is not serving, such as --withdraw: runs as root after settings and log
	 * are there, before anything of the launcher is looked at. 1: done, the process ends with 0; 0: the
	 * word is not known; -errno: the process ends with 1, `option` having logged why. May be NULL. */
	int (*option)(struct service *s, const char *word);
	const char *option_help; /* their lines of --help; may be NULL */
};

/* Runs the service to its end; the value is main()'s. */
int service_main(const struct service_def *def, int argc, char **argv);

const struct settings *service_settings(const struct service *s);
uv_loop_t *service_loop(const struct service *s);
const struct clock *service_clock(const struct service *s);
uint64_t service_epoch_ms(const struct service *s);
void *service_data(const struct service *s);
void service_set_data(struct service *s, void *data);

/*
 * Descriptors from the launcher (LISTEN_FDS, LISTEN_FDNAMES): taken once, by name; -1 when there is none.
 * What was stored by an earlier life of this service comes back here under the name it was stored with, and
 * is to be treated as hostile input.
 */
int service_take_fd(struct service *s, const char *name);
/* Names still to be taken that begin with `prefix`, one after the other: next name after `after` (NULL:
 * first), or NULL. */
const char *service_next_fd_name(const struct service *s, const char *prefix, const char *after);
/* Puts a copy of `fd` (borrowed) into the launcher's store under `name` (FDSTORE=1, FDNAME=). 0, or -errno:
 * -ENOTCONN when no launcher listens. */
int service_store_fd(struct service *s, const char *name, int fd);
/* Takes it out of the store (FDSTOREREMOVE=1). */
int service_unstore_fd(struct service *s, const char *name);
/* One sentence for `status` and the launcher's STATUS=. */
void service_set_state(struct service *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Servers and clients belong to the skeleton, which frees them after `stop`. */
/* A server for a further listening socket of this service, `edge->name` being the socket's name. */
int service_serve(
    struct service *s, const struct ipc_edge *edge, struct ipc_server **ret, struct err_text *e);
/* A client to another service's socket; `peer` is the service that must answer there ("datapathd"). */
int service_connect(struct service *s, const struct ipc_client_def *def, const char *peer,
    struct ipc_client **ret, struct err_text *e);
/* The service an edge's connection belongs to: handlers get it from ipc_conn_owner(); here typed. */
struct service *service_of_conn(const struct ipc_conn *c);
struct service *service_of_client(const struct ipc_client *c);

/* For `status` and `stats` callbacks. */
void service_status_add(struct service_status_sink *to, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void service_stats_add(struct service_stats_sink *to, const char *name, uint64_t value);

/* Tells everybody who runs `ipsecctl monitor`; lossy, never blocks. */
void service_publish(struct service *s, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A line of the log, and the same for them; one of level debug for who asked for the log alone. */
void service_log(struct service *s, enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool service_has_monitors(const struct service *s);

/* Ends the service with an error line; for invariants that do not hold. */
_Noreturn void service_fail(struct service *s, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
