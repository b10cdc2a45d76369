/*
 * A connection ends in two steps. ipc_conn_close() stops it at once; the service hears of it (on_close, a
 * stream's done) from the loop afterwards, so that nothing a handler holds is pulled away while it runs.
 */
#include "ipc/conn_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "ipc/sock.h"

#include "common.pb-c.h"

enum { HELLO_DEADLINE_MS = 10000, SNDBUF = 4 * IPC_RECORD_MAX };

static void on_poll_closed(uv_handle_t *h)
{
	struct ipc_conn *c = h->data;

	ipc_conn_finish(c);
	ipc_conn_unref(c);
}

static void on_timer_closed(uv_handle_t *h)
{
	ipc_conn_unref(h->data);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct ipc_conn *c = h->data;

	ipc_conn_ref(c);
	if (status < 0) {
		/* The peer is gone; what it said before is still worth hearing, unless it is over its budget.
		 */
		c->polled = 0;
		events = UV_READABLE | UV_WRITABLE;
		if (c->throttled)
			ipc_conn_close(c);
	}
	if (c->open && events & UV_WRITABLE) {
		if (ipc_outq_flush(&c->out, c->fd) < 0)
			ipc_conn_close(c);
		else
			ipc_stream_pump(c);
	}
	if (c->open && events & UV_READABLE)
		ipc_conn_read(c);
	ipc_conn_update_poll(c);
	ipc_conn_unref(c);
}

static void on_timer(uv_timer_t *h)
{
	struct ipc_conn *c = h->data;

	ipc_conn_ref(c);
	if (!c->said_hello)
		ipc_conn_violation(c, 0, ETIME, "no HELLO within %d s", HELLO_DEADLINE_MS / 1000);
	c->throttled = false;
	ipc_conn_update_poll(c);
	ipc_conn_unref(c);
}

void ipc_conn_throttle(struct ipc_conn *c, uint64_t ms)
{
	c->throttled = true;
	c->s->counters.throttled++;
	uv_timer_start(&c->timer, on_timer, ms, 0);
}

struct ipc_conn *ipc_conn_new(struct ipc_server *s, int fd, const struct ucred *peer, uint32_t roles)
{
	static const int sndbuf = SNDBUF;
	struct ipc_conn *c = calloc(1, sizeof(*c));

	if (!c || uv_poll_init(s->env.loop, &c->poll, fd) < 0) {
		free(c);
		close(fd);
		return NULL;
	}
	/* Larger than the default if the system allows it; everything works without. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	c->s = s;
	ipc_server_ref_(s);
	c->refs = 3;
	c->fd = fd;
	c->passed = -1;
	c->open = true;
	c->roles = roles;
	c->peer = *peer;
	ipc_outq_init(&c->out);
	list_init(&c->streams);
	bucket_init(&c->budget, s->edge->budget_rate, s->edge->budget_burst, clock_now_ms(s->env.clock));
	uv_timer_init(s->env.loop, &c->timer);
	c->poll.data = c->timer.data = c;
	uv_timer_start(&c->timer, on_timer, HELLO_DEADLINE_MS, 0);
	list_append(&s->conns, &c->node);
	s->n_open[peer->uid == 0]++;
	ipc_conn_update_poll(c);
	return c;
}

void ipc_conn_update_poll(struct ipc_conn *c)
{
	int want = 0;

	if (!c->open)
		return;
	if (ipc_conn_wants_input(c))
		want |= UV_READABLE;
	if (!ipc_outq_is_empty(&c->out) || !list_is_empty(&c->streams))
		want |= UV_WRITABLE;
	if (want == c->polled)
		return;
	c->polled = want;
	if (want)
		uv_poll_start(&c->poll, want, on_ready);
	else
		uv_poll_stop(&c->poll);
}

void ipc_conn_close(struct ipc_conn *c)
{
	if (!c->open)
		return;
	c->open = false;
	c->s->n_open[c->peer.uid == 0]--;
	ipc_outq_clear(&c->out);
	uv_close((uv_handle_t *)&c->poll, on_poll_closed);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
	close(c->fd);
	c->fd = -1;
}

void ipc_conn_finish(struct ipc_conn *c)
{
	if (c->finished)
		return;
	c->finished = true;
	list_remove(&c->node);
	ipc_stream_clear(c);
	if (c->said_hello && c->s->edge->on_close)
		c->s->edge->on_close(c);
	ipc_conn_unref(c);
}

struct ipc_conn *ipc_conn_ref(struct ipc_conn *c)
{
	c->refs++;
	return c;
}

struct ipc_conn *ipc_conn_unref(struct ipc_conn *c)
{
	if (!c || --c->refs)
		return NULL;
	ipc_flight_fini(&c->flight);
	ipc_server_unref_(c->s);
	free(c);
	return NULL;
}

static int put_error(struct ipc_conn *c, uint32_t rec_id, int code, const char *text)
{
	Postern__Error m = POSTERN__ERROR__INIT;

	m.code = (uint32_t)(code > 0 ? code : EIO);
	m.text = (char *)text;
	return ipc_conn_send(c, IPC_ERROR, rec_id, &m.base);
}

void ipc_conn_violation(struct ipc_conn *c, uint32_t rec_id, int code, const char *fmt, ...)
{
	const struct ipc_server *s = c->s;
	struct err_text why;
	va_list ap;

	if (!c->open)
		return;
	va_start(ap, fmt);
	vsnprintf(why.s, sizeof(why.s), fmt, ap);
	va_end(ap);
	c->s->counters.violations++;
	if (s->env.log_violation && bucket_take(&c->s->log_budget, 1, clock_now_ms(s->env.clock)))
		s->env.log_violation(s->env.owner, s->edge->name, c->peer.pid, c->peer.uid, why.s);
	/* Nothing is waited for: a peer whose socket is full does not learn the reason. */
	if (ipc_outq_is_empty(&c->out))
		put_error(c, rec_id, code, why.s);
	ipc_conn_close(c);
}

int ipc_conn_send_built(struct ipc_conn *c, int len)
{
	int r;

	if (len < 0)
		return len;
	r = ipc_outq_put(&c->out, c->fd, c->s->tx, (size_t)len, c->s->edge->max_queued);
	wipe(c->s->tx, (size_t)len);
	if (r == -ENOBUFS) {
		ipc_conn_violation(c, 0, ENOBUFS, "the peer does not read: more than %u bytes wait for it",
		    c->s->edge->max_queued);
		return r;
	}
	if (r < 0) {
		ipc_conn_close(c);
		return -EPIPE;
	}
	ipc_conn_update_poll(c);
	return 0;
}

int ipc_conn_send(struct ipc_conn *c, enum ipc_type type, uint32_t rec_id, const ProtobufCMessage *body)
{
	const struct ipc_record head = {.type = (uint16_t)type, .id = rec_id};
	int r;

	if (!c->open)
		return -EPIPE;
	r = ipc_conn_send_built(c, ipc_record_build(c->s->tx, IPC_RECORD_MAX, &head, body));
	if (!r)
		ipc_flight_release(&c->flight, rec_id);
	return r;
}

int ipc_conn_send_row(struct ipc_conn *c, enum ipc_type type, uint32_t rec_id, uint32_t row, bool end,
    const ProtobufCMessage *body)
{
	const struct ipc_record head = {
	    .type = (uint16_t)type, .flags = end ? IPC_F_END : 0, .id = rec_id, .row = row};
	int r;

	if (!c->open)
		return -EPIPE;
	r = ipc_conn_send_built(c, ipc_record_build(c->s->tx, IPC_RECORD_MAX, &head, body));
	if (!r && end)
		ipc_flight_release(&c->flight, rec_id);
	return r;
}

int ipc_conn_send_error(struct ipc_conn *c, uint32_t rec_id, int code, const char *fmt, ...)
{
	struct err_text e;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.s, sizeof(e.s), fmt, ap);
	va_end(ap);
	return put_error(c, rec_id, code, e.s);
}

bool ipc_conn_has_room(const struct ipc_conn *c)
{
	return c->open &&
	       (ipc_outq_is_empty(&c->out) || c->out.bytes + IPC_RECORD_MAX <= c->s->edge->max_queued);
}

bool ipc_conn_is_open(const struct ipc_conn *c)
{
	return c->open;
}

void *ipc_conn_owner(const struct ipc_conn *c)
{
	return c->s->env.owner;
}

uint32_t ipc_conn_roles(const struct ipc_conn *c)
{
	return c->roles;
}

pid_t ipc_conn_pid(const struct ipc_conn *c)
{
	return c->peer.pid;
}

int ipc_conn_take_fd(struct ipc_conn *c)
{
	return take_fd(&c->passed);
}

uid_t ipc_conn_uid(const struct ipc_conn *c)
{
	return c->peer.uid;
}

void *ipc_conn_data(const struct ipc_conn *c)
{
	return c->data;
}

void ipc_conn_set_data(struct ipc_conn *c, void *data)
{
	c->data = data;
}
