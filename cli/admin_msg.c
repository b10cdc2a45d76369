/*
 * Answers are copied out of the message and the message freed at once, so no verb ever holds wire data. Text
 * from a service is printed on somebody's terminal: control characters are replaced on the way in.
 */
#include "cli/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "cli/cli.h"
#include "cli/counters.h"

#include "admin.pb-c.h"
#include "datapathd_admin.pb-c.h"
#include "policyd_admin.pb-c.h"

enum { ANSWER_CAP = 512 * 1024 };

static void copy_text(char *dst, size_t room, const char *src)
{
	snprintf(dst, room, "%s", src ? src : "");
	for (unsigned char *p = (unsigned char *)dst; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

/* Keys are one word each, so that programs can name them; status_print.c takes them apart again. */
static void join_words(char *key)
{
	for (; *key; key++)
		if (*key == ' ')
			*key = '_';
}

/* The answer to a request without body, unpacked. */
static ProtobufCMessage *ask(struct ipc_sync *s, enum ipc_type type, enum ipc_type answer,
    const ProtobufCMessageDescriptor *d, int *ret_code, struct err_text *e)
{
	ProtobufCMessage *m;
	struct ipc_record rec;

	*ret_code = ipc_sync_call(s, type, NULL, &rec, e);
	if (*ret_code < 0)
		return NULL;
	m = rec.type == answer ? ipc_unpack(d, &rec, ANSWER_CAP) : NULL;
	if (!m)
		*ret_code = err_set(
		    e, -EPROTO, "the answer cannot be read: are ipsecctl and the service of one release?");
	return m;
}

/* A request that is answered with IPC_OK. */
static int tell(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body, struct err_text *e)
{
	struct ipc_record rec;
	int r = ipc_sync_call(s, type, body, &rec, e);

	if (r < 0)
		return r;
	if (rec.type != IPC_OK)
		return err_set(e, -EPROTO, "unexpected answer of type %u", rec.type);
	return 0;
}

int admin_get_status(struct ipc_sync *s, struct admin_status *ret, struct err_text *e)
{
	int r;
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m = ask(s, IPC_STATUS, IPC_STATUS_REPLY, &postern__status_reply__descriptor, &r, e);
	const Postern__StatusReply *reply = (const Postern__StatusReply *)m;

	if (!reply)
		return r;
	memset(ret, 0, sizeof(*ret));
	copy_text(ret->service, sizeof(ret->service), reply->service);
	copy_text(ret->version, sizeof(ret->version), reply->version);
	copy_text(ret->state, sizeof(ret->state), reply->state);
	copy_text(ret->log_level, sizeof(ret->log_level), reply->log_level);
	ret->pid = reply->pid;
	ret->uptime_ms = reply->uptime_ms;
	ret->log_dropped = reply->log_dropped;
	for (size_t i = 0; i < reply->n_fields && i < ADMIN_FIELDS_MAX; i++) {
		struct admin_field *f = &ret->fields[ret->n_fields++];

		copy_text(f->key, sizeof(f->key), reply->fields[i]->key);
		join_words(f->key);
		copy_text(f->value, sizeof(f->value), reply->fields[i]->value);
	}
	return 0;
}

const char *admin_field(const struct admin_status *s, const char *key)
{
	for (uint32_t i = 0; i < s->n_fields; i++)
		if (strcmp(s->fields[i].key, key) == 0)
			return s->fields[i].value;
	return NULL;
}

int counters_fetch(struct counters *c, struct ipc_sync *service, struct err_text *e)
{
	int r;
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m =
	    ask(service, IPC_STATS, IPC_STATS_REPLY, &postern__stats_reply__descriptor, &r, e);
	const Postern__StatsReply *reply = (const Postern__StatsReply *)m;

	if (!reply)
		return r;
	for (size_t i = 0; i < reply->n_counters; i++) {
		char name[COUNTER_NAME_MAX];

		copy_text(name, sizeof(name), reply->counters[i]->name);
		r = counters_add(c, name, reply->counters[i]->value);
		if (r < 0)
			return err_set(e, r, "more counters than can be shown: %s", err_name(r));
	}
	return 0;
}

int admin_set_log(struct ipc_sync *s, uint32_t level, struct err_text *e)
{
	Postern__LogSet m = POSTERN__LOG_SET__INIT;

	m.level = level;
	return tell(s, IPC_LOG_SET, &m.base, e);
}

int admin_start_monitor(struct ipc_sync *s, struct err_text *e)
{
	return tell(s, IPC_MONITOR, NULL, e);
}

int admin_start_log(struct ipc_sync *s, struct err_text *e)
{
	Postern__Monitor m = POSTERN__MONITOR__INIT;

	m.log = true;
	return tell(s, IPC_MONITOR, &m.base, e);
}

static int read_event(struct ipc_sync *s, uint32_t timeout_ms, struct admin_event *ret, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	const Postern__Event *ev;
	struct ipc_record rec;
	int r = ipc_sync_recv(s, timeout_ms, &rec, e);

	if (r < 0)
		return r;
	m = rec.type == IPC_EVENT ? ipc_unpack(&postern__event__descriptor, &rec, ANSWER_CAP) : NULL;
	ev = (const Postern__Event *)m;
	if (!ev)
		return err_set(
		    e, -EPROTO, "an event cannot be read: are ipsecctl and the service of one release?");
	memset(ret, 0, sizeof(*ret));
	ret->wall_ms = ev->wall_ms;
	ret->lost = ev->lost;
	ret->level = ev->level;
	copy_text(ret->service, sizeof(ret->service), ev->service);
	copy_text(ret->name, sizeof(ret->name), ev->name);
	copy_text(ret->text, sizeof(ret->text), ev->text);
	return 0;
}

int admin_read_event(struct ipc_sync *s, struct admin_event *ret, struct err_text *e)
{
	return read_event(s, CLI_TIMEOUT_MS, ret, e);
}

int admin_wait_event(struct ipc_sync *s, struct admin_event *ret, struct err_text *e)
{
	return read_event(s, 0, ret, e);
}

int admin_set_enabled(struct ipc_sync *policyd, bool on, struct err_text *e)
{
	Postern__EnableSet m = POSTERN__ENABLE_SET__INIT;

	m.on = on;
	return tell(policyd, IPC_ENABLE_SET, &m.base, e);
}

int admin_get_enabled(struct ipc_sync *policyd, bool *ret, struct err_text *e)
{
	int r;
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m =
	    ask(policyd, IPC_ENABLE_GET, IPC_ENABLE_REPLY, &postern__enable_reply__descriptor, &r, e);

	if (!m)
		return r;
	*ret = ((const Postern__EnableReply *)m)->on;
	return 0;
}

int admin_set_setting(struct ipc_sync *service, const char *name, uint64_t value, struct err_text *e)
{
	Postern__SettingSet m = POSTERN__SETTING_SET__INIT;
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", name);
	m.name = copy;
	m.value = value;
	return tell(service, IPC_SETTING_SET, &m.base, e);
}
