/*
 * The verbs every admin socket has: STATUS, STATS, LOG_SET, MONITOR. Their protobuf side is admin_msg.c.
 */
#ifndef POSTERN_SERVICE_ADMIN_H
#define POSTERN_SERVICE_ADMIN_H

#include "service/service_priv.h"

enum { ADMIN_FIELDS_MAX = 64, ADMIN_COUNTERS_MAX = 512, ADMIN_RULES_COMMON = 4 };

struct service_status_sink {
	char *key[ADMIN_FIELDS_MAX], *value[ADMIN_FIELDS_MAX]; /* owned */
	size_t n;
};

struct service_stats_sink {
	char *name[ADMIN_COUNTERS_MAX]; /* owned */
	uint64_t value[ADMIN_COUNTERS_MAX];
	size_t n;
};

extern const struct ipc_rule admin_common_rules[ADMIN_RULES_COMMON];

void admin_status_fini(struct service_status_sink *t);
void admin_stats_fini(struct service_stats_sink *t);
/* What the skeleton itself knows, then what the service adds. */
void admin_status_collect(struct service *s, struct service_status_sink *t);

/* Registers a connection for events, or for what the log has; -ENOSPC when there are too many. */
int admin_monitor_add(struct service *s, struct ipc_conn *c, bool log);

/* One Event record. */
struct admin_event_msg {
	const char *service, *event, *text;
	enum log_level level; /* LOG_LEVEL_NONE: no line of the log */
	uint64_t lost;
};
int admin_msg_send_event(struct ipc_conn *c, const struct admin_event_msg *m);

#endif
