/*
 * The common admin verbs as they travel.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin.pb-c.h"
#include "base/auto.h"
#include "service/admin.h"

enum { READERS = IPC_ROLE_ADMIN | IPC_ROLE_ROOT, UNPACK_MAX = 256 };

static int on_status(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct service *s = service_of_conn(c);
	AUTO(admin_status_fini) struct service_status_sink t = {.n = 0};
	Postern__StatusReply m = POSTERN__STATUS_REPLY__INIT;
	Postern__StatusField f[ADMIN_FIELDS_MAX], *p[ADMIN_FIELDS_MAX];

	admin_status_collect(s, &t);
	for (size_t i = 0; i < t.n; i++) {
		postern__status_field__init(&f[i]);
		f[i].key = t.key[i];
		f[i].value = t.value[i];
		p[i] = &f[i];
	}
	m.service = (char *)s->def->name;
	m.version = (char *)POSTERN_VERSION;
	m.pid = (uint32_t)getpid();
	m.uptime_ms = clock_now_ms(&clock_boottime) - s->epoch_ms;
	m.state = s->state;
	m.log_level = (char *)log_level_name(log_get_level());
	m.log_dropped = log_dropped();
	m.n_fields = t.n;
	m.fields = p;
	ipc_conn_send(c, IPC_STATUS_REPLY, rec->id, &m.base);
	return 0;
}

static int on_stats(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct service *s = service_of_conn(c);
	AUTO(admin_stats_fini) struct service_stats_sink t = {.n = 0};
	AUTO_FREE Postern__Counter *k = NULL;
	AUTO_FREE Postern__Counter **p = NULL;
	Postern__StatsReply m = POSTERN__STATS_REPLY__INIT;

	if (s->def->stats)
		s->def->stats(s, &t);
	k = calloc(t.n + 1, sizeof(*k));
	p = calloc(t.n + 1, sizeof(Postern__Counter *));
	if (!k || !p) {
		ipc_conn_send_error(c, rec->id, ENOMEM, "out of memory");
		return 0;
	}
	for (size_t i = 0; i < t.n; i++) {
		postern__counter__init(&k[i]);
		k[i].name = t.name[i];
		k[i].value = t.value[i];
		p[i] = &k[i];
	}
	m.n_counters = t.n;
	m.counters = p;
	ipc_conn_send(c, IPC_STATS_REPLY, rec->id, &m.base);
	return 0;
}

static int on_log_set(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m = ipc_unpack(&postern__log_set__descriptor, rec, UNPACK_MAX);
	uint32_t level;

	if (!m)
		return -EBADMSG;
	level = ((const Postern__LogSet *)(const void *)m)->level;
	if (level < LOG_LEVEL_ERROR || level > LOG_LEVEL_DEBUG) {
		ipc_conn_send_error(c, rec->id, EINVAL, "no log level has the number %u", level);
		return 0;
	}
	log_set_level((enum log_level)level);
	log_notice("log.level", "level=%s set by uid=%u pid=%d", log_level_name((enum log_level)level),
	    ipc_conn_uid(c), (int)ipc_conn_pid(c));
	ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int on_monitor(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m = ipc_unpack(&postern__monitor__descriptor, rec, UNPACK_MAX);

	if (!m)
		return -EBADMSG;
	if (admin_monitor_add(service_of_conn(c), c, ((const Postern__Monitor *)(const void *)m)->log))
		ipc_conn_send_error(c, rec->id, EBUSY, "%d monitors are connected already; end one of them",
		    SERVICE_MONITORS_MAX);
	else
		ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

int admin_msg_send_event(struct ipc_conn *c, const struct admin_event_msg *from)
{
	Postern__Event m = POSTERN__EVENT__INIT;

	m.wall_ms = clock_wall_ms();
	m.service = (char *)from->service;
	m.name = (char *)from->event;
	m.text = (char *)from->text;
	m.lost = from->lost;
	m.level = (uint32_t)from->level;
	return ipc_conn_send(c, IPC_EVENT, 0, &m.base);
}

const struct ipc_rule admin_common_rules[ADMIN_RULES_COMMON] = {
    {.type = IPC_STATUS,
        .name = "status",
        .roles = READERS,
        .max_in_flight = 4,
        .cost = 20,
        .handle = on_status},
    {.type = IPC_STATS,
        .name = "stats",
        .roles = READERS,
        .max_in_flight = 4,
        .cost = 50,
        .handle = on_stats},
    {.type = IPC_LOG_SET,
        .name = "log.set",
        .roles = IPC_ROLE_ROOT,
        .max_body = 64,
        .max_in_flight = 4,
        .handle = on_log_set},
    {.type = IPC_MONITOR,
        .name = "monitor",
        .roles = READERS,
        .max_body = 16,
        .max_in_flight = 1,
        .handle = on_monitor},
};
