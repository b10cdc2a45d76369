/*
 * The settings of one suite, the same words for the supervisor, every service and ipsecctl. They come from
 * the command line only; the supervisor hands its own to every service it starts, systemd units write them
 * out.
 */
#ifndef POSTERN_SERVICE_SETTINGS_H
#define POSTERN_SERVICE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { SETTINGS_PEERS_MAX = 8, SETTINGS_PATH_MAX = 96 /* a socket path below it must fit sun_path */ };

struct settings_peer {
	char name[16]; /* service name: "datapathd" */
	uid_t uid;
	gid_t gid;
};

struct settings {
	char instance[32];                  /* --instance NAME, default "default" */
	char run_dir[SETTINGS_PATH_MAX];    /* --run-dir, default /run/postern (other instances:
	                                       /run/postern-NAME) */
	char config_dir[SETTINGS_PATH_MAX]; /* --config-dir, default /etc/postern */
	char state_dir[SETTINGS_PATH_MAX];  /* --state-dir, default /var/lib/postern (…-NAME) */
	char log_target[SETTINGS_PATH_MAX]; /* --log, default "auto" */
	char log_level[16];                 /* --log-level, default "info" */
	char device[16];                    /* --device, default "ipsec0" */
	char admin_group[32];               /* --admin-group, default "postern-admin"; may not exist */
	uint32_t mark_mask;                 /* --mark-mask, default 0xf0000000: four contiguous bits */
	uint32_t table;     /* --table, first of the two routing tables T and R = T+1, default 4500 */
	uint32_t rule_base; /* --rule-base, preference of the first ip rule, default 98 */
	uint32_t tun_mtu;   /* --tun-mtu, default 1400 */
	struct settings_peer peers[SETTINGS_PEERS_MAX]; /* --peer NAME=UID:GID, repeated; without it the
	                                                   system user postern-NAME */
	uint8_t n_peers;
};

void settings_init(struct settings *s);

/*
 * Takes the options above out of argv (both "--name value" and "--name=value"), leaving what it does not know
 * in place and adjusting *argc. 0, or -EINVAL with a sentence in `e`.
 */
int settings_parse(struct settings *s, int *argc, char **argv, struct err_text *e);
/* The lines of --help that belong to these options. */
extern const char settings_help[];

/* argv words that give a service these settings again; strings are malloc'd, NULL-terminated vector too. */
char **settings_to_argv(const struct settings *s);

/* uid and gid of a service: --peer, else the system user "postern-NAME"; false when neither exists. */
bool settings_peer_ids(const struct settings *s, const char *name, uid_t *ret_uid, gid_t *ret_gid);

/* "RUN_DIR/NAME" into buf. */
const char *settings_socket_path(const struct settings *s, const char *name, char buf[108]);

#endif
