/*
 * The verbs every admin socket has, and the switches, as plain values. Protobuf stays in admin_msg.c.
 */
#ifndef POSTERN_CLI_ADMIN_H
#define POSTERN_CLI_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/sync.h"

enum { ADMIN_FIELDS_MAX = 64 };

struct admin_field {
	char key[48];
	char value[256];
};

struct admin_status {
	char service[32], version[32], state[256], log_level[16];
	uint32_t pid;
	uint64_t uptime_ms, log_dropped;
	uint32_t n_fields;
	struct admin_field fields[ADMIN_FIELDS_MAX];
};

struct admin_event {
	uint64_t wall_ms, lost;
	uint32_t level; /* enum log_level of a line of the log; 0: it is none */
	char service[32], name[64], text[1024];
};

/* All: 0, or a negative errno with a sentence in `e`. */
int admin_get_status(struct ipc_sync *s, struct admin_status *ret, struct err_text *e);
int admin_set_log(struct ipc_sync *s, uint32_t level, struct err_text *e);
int admin_start_monitor(struct ipc_sync *s, struct err_text *e);
/* The same for the lines of its log, as many as it has. */
int admin_start_log(struct ipc_sync *s, struct err_text *e);
/* The next event after admin_start_monitor(); call it when the descriptor is readable. */
int admin_read_event(struct ipc_sync *s, struct admin_event *ret, struct err_text *e);

/* The same, waiting for it as long as it takes. */
int admin_wait_event(struct ipc_sync *s, struct admin_event *ret, struct err_text *e);

int admin_set_enabled(struct ipc_sync *policyd, bool on, struct err_text *e);
int admin_get_enabled(struct ipc_sync *policyd, bool *ret, struct err_text *e);
/* One of policyd's or datapathd's own settings. */
int admin_set_setting(struct ipc_sync *service, const char *name, uint64_t value, struct err_text *e);

/* Value of a status field, or NULL. */
const char *admin_field(const struct admin_status *s, const char *key);

#endif
