/*
 * The service's state in one place.
 */
#ifndef POSTERN_KEYD_KEYD_H
#define POSTERN_KEYD_KEYD_H

#include "keyd/core/core.h"
#include "keyd/edges/hooks.h"
#include "service/service.h"

struct sockets;
struct ike_load;

struct keyd {
	struct service *service;
	struct core *core;
	int udp4, udp6; /* port 500, opened before the privilege drop; -1: this host has no such family */
	struct sockets *sockets;
	struct ipc_client *certd, *verify, *policyd, *datapathd, *hooks;
	struct hooks_late hooks_late;
	bool level_is_files;     /* the log's level was said by the configuration */
	struct ipc_conn *holder; /* whose end is the configuration's; NULL: it stays */
	struct keep *keep;       /* what outlives this process */
	struct ike_load *load;   /* a configuration that is being loaded; NULL: none is */
};

static inline struct keyd *keyd_of(const struct service *s)
{
	return (struct keyd *)service_data(s);
}

/* open.c: as root. 0, or -errno with `e`. */
must_check int keyd_open_privileged(struct service *s, struct err_text *e);
/* neighbours.c: connects to the other services. */
must_check int keyd_connect(struct keyd *k, struct err_text *e);
/* neighbours.c: the core's ports. */
struct core_ports keyd_ports(struct keyd *k);
/* admin_verbs.c */
extern const struct ipc_rule keyd_admin_rules[];
extern const size_t keyd_n_admin_rules;
void keyd_admin_on_close(struct ipc_conn *c);
/* What an earlier life of this service had loaded, if the launcher has kept it. */
void keyd_restore(struct keyd *k);
/* kept_segments.c: takes back what the launcher has kept of SAs. 0, or -errno with `e`. */
must_check int keyd_keep(struct keyd *k, struct err_text *e);
/* recall.c: datapathd is there: which of our SAs has it still? */
void keyd_recall(struct keyd *k);
/* report.c */
void keyd_status(struct service *s, struct service_status_sink *to);
void keyd_stats(struct service *s, struct service_stats_sink *to);

#endif
