/*
 * Monitors are kept beside the connections and not in ipc_conn_data(), which belongs to the service's own
 * verbs.
 */
#include "service/admin.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

enum {
	/* A file of ten thousand statements passes without a pause; a loop gone wild is slowed to this. */
	ADMIN_BUDGET_RATE = 20000,
	ADMIN_BUDGET_BURST = 40000,
	ADMIN_CONNS_MAX = 32,
	ADMIN_QUEUED_MAX = 1 << 20,
};

void service_status_add(struct service_status_sink *to, const char *key, const char *fmt, ...)
{
	AUTO_FREE char *value = NULL;
	va_list ap;
	int n;

	if (to->n == ADMIN_FIELDS_MAX)
		return;
	va_start(ap, fmt);
	n = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (n < 0) {
		value = NULL;
		return;
	}
	to->key[to->n] = strdup(key);
	if (!to->key[to->n])
		return;
	to->value[to->n++] = take_ptr(value);
}

void service_stats_add(struct service_stats_sink *to, const char *name, uint64_t value)
{
	if (to->n == ADMIN_COUNTERS_MAX)
		return;
	to->name[to->n] = strdup(name);
	if (to->name[to->n])
		to->value[to->n++] = value;
}

void admin_status_fini(struct service_status_sink *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->key[i]);
		free(t->value[i]);
	}
	t->n = 0;
}

void admin_stats_fini(struct service_stats_sink *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->name[i]);
	t->n = 0;
}

void admin_status_collect(struct service *s, struct service_status_sink *t)
{
	if (s->def->status)
		s->def->status(s, t);
	for (size_t i = 0; i < s->n_servers; i++) {
		const struct ipc_server_counters *c = ipc_server_counters(s->servers[i].server);
		char key[64];

		snprintf(key, sizeof(key), "edge %s", s->servers[i].edge);
		service_status_add(t, key, "accepted %llu, refused %llu, violations %llu, throttled %llu",
		    (unsigned long long)c->accepted, (unsigned long long)c->refused,
		    (unsigned long long)c->violations, (unsigned long long)c->throttled);
	}
}

static struct service_monitor *find_monitor(struct service *s, const struct ipc_conn *c)
{
	for (size_t i = 0; i < SERVICE_MONITORS_MAX; i++) {
		if (s->monitors[i].conn == c)
			return &s->monitors[i];
	}
	return NULL;
}

int admin_monitor_add(struct service *s, struct ipc_conn *c, bool log)
{
	struct service_monitor *m = find_monitor(s, c);

	if (!m)
		m = find_monitor(s, NULL);
	if (!m)
		return -ENOSPC;
	if (!m->conn)
		*m = (struct service_monitor){.conn = c};
	m->log = log;
	return 0;
}

/* The connection is borrowed: it leaves the table before it goes. */
static void on_close(struct ipc_conn *c)
{
	struct service *s = service_of_conn(c);
	struct service_monitor *m = find_monitor(s, c);

	if (m)
		m->conn = NULL;
	if (s->def->admin_on_close)
		s->def->admin_on_close(c);
}

bool service_has_monitors(const struct service *s)
{
	for (size_t i = 0; i < SERVICE_MONITORS_MAX; i++) {
		if (s->monitors[i].conn)
			return true;
	}
	return false;
}

static bool wants(const struct service_monitor *m, enum log_level level)
{
	return m->log ? level && level <= log_get_level() : level <= LOG_LEVEL_INFO;
}

static void publish(struct service *s, enum log_level level, const char *event, const char *text)
{
	for (size_t i = 0; i < SERVICE_MONITORS_MAX; i++) {
		struct service_monitor *m = &s->monitors[i];
		const struct admin_event_msg msg = {
		    .service = s->def->name, .event = event, .text = text, .level = level, .lost = m->lost};

		if (!m->conn || !wants(m, level))
			continue;
		if (!ipc_conn_has_room(m->conn)) {
			m->lost++;
			continue;
		}
		/* Sending can end the connection, and with it this entry. */
		if (!admin_msg_send_event(m->conn, &msg))
			m->lost = 0;
	}
}

void service_log(struct service *s, enum log_level level, const char *event, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (level > log_get_level() && !service_has_monitors(s))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_event(level, event, "%s", text);
	publish(s, level, event, text);
}

void service_publish(struct service *s, const char *event, const char *fmt, ...)
{
	char text[480];
	va_list ap;

	if (!service_has_monitors(s))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	publish(s, LOG_LEVEL_NONE, event, text);
}

int service_admin_start(struct service *s, struct err_text *e)
{
	size_t n = ADMIN_RULES_COMMON + s->def->n_admin_rules;

	s->admin_rules = calloc(n, sizeof(*s->admin_rules));
	if (!s->admin_rules)
		return err_set(e, -ENOMEM, "out of memory");
	memcpy(s->admin_rules, admin_common_rules, sizeof(admin_common_rules));
	if (s->def->n_admin_rules)
		memcpy(s->admin_rules + ADMIN_RULES_COMMON, s->def->admin_rules,
		    s->def->n_admin_rules * sizeof(*s->admin_rules));
	s->admin_edge = (struct ipc_edge){
	    .name = s->admin_name,
	    .version_min = 1,
	    .version_max = 1,
	    .rules = s->admin_rules,
	    .n_rules = n,
	    .budget_rate = ADMIN_BUDGET_RATE,
	    .budget_burst = ADMIN_BUDGET_BURST,
	    .max_conns = ADMIN_CONNS_MAX,
	    .max_queued = ADMIN_QUEUED_MAX,
	    .on_close = on_close,
	};
	return service_serve(s, &s->admin_edge, NULL, e);
}
