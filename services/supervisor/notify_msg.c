/*
 * A table of keys; each reads its own value from a window that ends with the line. Nothing happens while
 * parsing.
 */
#include "supervisor/notify_msg.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/rd.h"

static bool is_one(struct rd *v)
{
	return rd_u8(v) == '1' && rd_done(v);
}

static bool set_flag(struct rd *v, bool *flag)
{
	if (*flag || !is_one(v))
		return false;
	*flag = true;
	return true;
}

static bool on_ready(struct rd *v, struct notify_msg *m)
{
	return set_flag(v, &m->ready);
}

static bool on_stopping(struct rd *v, struct notify_msg *m)
{
	return set_flag(v, &m->stopping);
}

/* WATCHDOG=trigger (a service that asks to be aborted) is none of ours. */
static bool on_watchdog(struct rd *v, struct notify_msg *m)
{
	return set_flag(v, &m->ping);
}

static bool on_store(struct rd *v, struct notify_msg *m)
{
	return set_flag(v, &m->store);
}

static bool on_unstore(struct rd *v, struct notify_msg *m)
{
	return set_flag(v, &m->unstore);
}

/* Whether the launcher may watch the descriptor for hang-ups; this one never does. */
static bool on_fdpoll(struct rd *v, struct notify_msg *m)
{
	uint8_t c = rd_u8(v);

	return rd_done(v) && (c == '0' || c == '1');
}

static bool on_status(struct rd *v, struct notify_msg *m)
{
	size_t n = rd_left(v);

	if (m->has_status)
		return false;
	m->has_status = true;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = rd_u8(v);

		if (i < sizeof(m->status) - 1)
			m->status[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	return rd_done(v);
}

static bool on_fdname(struct rd *v, struct notify_msg *m)
{
	size_t n = rd_left(v);

	if (m->fdname[0] || !n || n >= sizeof(m->fdname))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = rd_u8(v);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
		m->fdname[i] = (char)c;
	}
	return rd_done(v);
}

static const struct {
	const char *key;
	bool (*read)(struct rd *v, struct notify_msg *m);
} keys[] = {
    {"READY", on_ready},
    {"STOPPING", on_stopping},
    {"WATCHDOG", on_watchdog},
    {"STATUS", on_status},
    {"FDSTORE", on_store},
    {"FDSTOREREMOVE", on_unstore},
    {"FDNAME", on_fdname},
    {"FDPOLL", on_fdpoll},
};

/* Octets before the first `c`, or all that is left; the reader then stands behind the `c`. */
static struct rd until(struct rd *r, uint8_t c, bool *ret_found)
{
	const uint8_t *at = rd_left(r) ? memchr(r->p, c, rd_left(r)) : NULL;
	struct rd part = rd_sub(r, at ? (size_t)(at - r->p) : rd_left(r));

	if (at)
		rd_skip(r, 1);
	*ret_found = at != NULL;
	return part;
}

static bool read_line(struct rd line, struct notify_msg *m)
{
	bool found;
	struct rd key = until(&line, '=', &found);

	if (!found)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (rd_left(&key) == strlen(keys[i].key) && !memcmp(key.p, keys[i].key, rd_left(&key)))
			return keys[i].read(&line, m);
	}
	return true;
}

int notify_msg_parse(const void *buf, size_t n, struct notify_msg *ret)
{
	struct rd r = rd_init(buf, n);
	struct notify_msg m = {.ready = false};

	if (!n || n > NOTIFY_MSG_MAX)
		return -EBADMSG;
	while (rd_left(&r)) {
		bool found;
		struct rd line = until(&r, '\n', &found);

		if (rd_left(&line) && !read_line(line, &m))
			return -EBADMSG;
	}
	if ((m.store && m.unstore) || ((m.store || m.unstore) && !m.fdname[0]))
		return -EBADMSG;
	*ret = m;
	return 0;
}
