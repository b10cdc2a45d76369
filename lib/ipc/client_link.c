/*
 * The life of a connection: attempt, HELLO, up, lost, back-off. The timer in client.c drives the attempts, so
 * that nothing here is called inside ipc_client_new().
 */
#include "ipc/client_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "ipc/hello.h"
#include "ipc/sock.h"

enum { READ_BATCH = 32, GREET_MS = 10000, HELLO_ID = 1 };

/* Each state is told once, however often it is tried; a server that comes and goes all the time is told of at
 * a rate. */
static void say(struct ipc_client *c, const char *why)
{
	if (!c->env.log || strncmp(c->said, why, sizeof(c->said) - 1) == 0)
		return;
	if (!bucket_take(&c->log_budget, 1, clock_now_ms(c->env.clock)))
		return;
	snprintf(c->said, sizeof(c->said), "%s", why);
	c->env.log(c->env.owner, c->def.edge, why);
}

static void on_link_closed(uv_handle_t *h)
{
	free(h->data);
}

void ipc_link_drop(struct ipc_client *c)
{
	struct ipc_link *l = take_ptr(c->link);

	c->state = CLIENT_DOWN;
	c->broken = c->throttled = c->want_writable = false;
	ipc_outq_clear(&c->out);
	if (!l)
		return;
	l->c = NULL;
	uv_close((uv_handle_t *)&l->poll, on_link_closed);
	close(l->fd);
}

void ipc_link_down(struct ipc_client *c, const char *why)
{
	bool was_up = c->state == CLIENT_UP;

	ipc_link_drop(c);
	if (was_up)
		c->counters.downs++;
	c->retry_ms = clock_now_ms(c->env.clock) + c->backoff_ms;
	c->backoff_ms = c->backoff_ms < c->def.backoff_max_ms / 2 ? 2 * c->backoff_ms : c->def.backoff_max_ms;
	ipc_client_ref_(c);
	say(c, why);
	if (was_up)
		ipc_client_fail_pending(c, -ECONNRESET);
	if (was_up && !c->freed && c->def.on_down)
		c->def.on_down(c);
	ipc_client_rearm(c);
	ipc_client_unref_(c);
}

static void drained(struct ipc_client *c)
{
	if (!c->want_writable || !ipc_outq_is_empty(&c->out))
		return;
	c->want_writable = false;
	if (c->on_writable)
		c->on_writable(c);
}

static void greeted(struct ipc_client *c, const struct ipc_record *rec)
{
	const struct ipc_hello mine = {.version_min = c->def.version_min,
	    .version_max = c->def.version_max,
	    .edge = c->def.edge,
	    .instance = c->env.instance,
	    .epoch_ms = c->env.epoch_ms};
	struct ipc_hello_peer theirs;
	struct err_text e;

	if (rec->type == IPC_ERROR) {
		ipc_error_decode(rec, &e);
		ipc_link_down(c, e.s);
		return;
	}
	if (ipc_hello_check(rec, &mine, &theirs, &e) < 0) {
		ipc_link_down(c, e.s);
		return;
	}
	c->state = CLIENT_UP;
	c->backoff_ms = c->def.backoff_min_ms;
	c->counters.ups++;
	ipc_client_rearm(c);
	say(c, "connected");
	if (c->def.on_up)
		c->def.on_up(c, theirs.epoch_ms);
}

static void take_record(struct ipc_client *c, const struct ipc_record *rec)
{
	struct ipc_filed f;

	if (c->state == CLIENT_GREETING) {
		greeted(c, rec);
		return;
	}
	if (rec->id && ipc_book_take(&c->book, rec->id, &f)) {
		f.fn(c, 0, rec, f.arg);
		return;
	}
	if (rec->id) {
		c->counters.late++;
		return;
	}
	if (rec->type == IPC_ERROR) {
		struct err_text e;

		ipc_error_decode(rec, &e);
		ipc_link_down(c, e.s);
		return;
	}
	c->counters.events++;
	if (c->def.on_event && c->def.on_event(c, rec) < 0 && !c->freed)
		ipc_link_down(c, "the other side sent a malformed record");
}

static bool may_read(struct ipc_client *c)
{
	uint64_t now = clock_now_ms(c->env.clock);

	if (bucket_take(&c->budget, 1, now))
		return true;
	c->throttled = true;
	c->counters.throttled++;
	c->resume_ms = now + bucket_wait_ms(&c->budget, 1, now);
	ipc_client_rearm(c);
	return false;
}

/* True when there may be more. The client may be gone down or freed afterwards. */
static bool read_one(struct ipc_client *c)
{
	struct ipc_record rec;
	int n;

	if (!may_read(c))
		return false;
	n = ipc_sock_recv(c->link->fd, c->rx, IPC_RECORD_MAX);
	if (n == -EAGAIN)
		return false;
	if (n <= 0 || ipc_record_parse(c->rx, (size_t)n, &rec) < 0) {
		ipc_link_down(c, n <= 0 && n != -EMSGSIZE ? "the connection was lost"
		                                          : "the other side sent a malformed record");
		return false;
	}
	take_record(c, &rec);
	wipe(c->rx, (size_t)n);
	return true;
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct ipc_link *l = h->data;
	struct ipc_client *c = l->c;

	if (!c)
		return;
	ipc_client_ref_(c);
	if (status < 0) {
		l->polled = 0;
		events = UV_READABLE;
		/* Not to be read now, and uv would call again and again. */
		if (c->throttled)
			ipc_link_down(c, "the connection was lost");
	}
	for (int i = 0; events & UV_READABLE && i < READ_BATCH; i++)
		if (c->link != l || c->throttled || !read_one(c))
			break;
	if (c->link == l && events & UV_WRITABLE) {
		if (ipc_outq_flush(&c->out, l->fd) < 0)
			ipc_link_down(c, "the connection was lost");
		else
			drained(c);
	}
	/* The same link, and not a new one at its place: the old one is freed by the loop only. */
	if (c->link == l)
		ipc_link_update_poll(c);
	ipc_client_unref_(c);
}

void ipc_link_update_poll(struct ipc_client *c)
{
	struct ipc_link *l = c->link;
	int want = 0;

	if (!l)
		return;
	if (!c->throttled)
		want |= UV_READABLE;
	if (!ipc_outq_is_empty(&c->out) || c->want_writable)
		want |= UV_WRITABLE;
	if (want == l->polled)
		return;
	l->polled = want;
	if (want)
		uv_poll_start(&l->poll, want, on_ready);
	else
		uv_poll_stop(&l->poll);
}

/* Connected and checked, or -errno with the reason. */
static int open_socket(const struct ipc_client *c, int *ret_fd, struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	struct ucred peer;
	int r = ipc_sock_connect(c->path, &fd);

	if (r == -EAGAIN)
		return err_set(e, r, "%s: too many connections wait there", c->path);
	if (r < 0)
		return err_set(e, r, "%s: %s", c->path, err_name(r));
	r = ipc_sock_peer(fd, &peer);
	if (r < 0)
		return err_set(e, r, "%s: %s", c->path, err_name(r));
	if (peer.uid != c->env.server_uid)
		return err_set(e, -EPERM, "%s: served by uid %u instead of uid %u%s", c->path,
		    (unsigned)peer.uid, (unsigned)c->env.server_uid,
		    peer.uid == 0 ? " (it has not started yet)" : "");
	*ret_fd = take_fd(&fd);
	return 0;
}

static int open_link(struct ipc_client *c, struct err_text *e)
{
	AUTO_FREE struct ipc_link *l = calloc(1, sizeof(*l));
	AUTO_CLOSE int fd = -1;
	int r;

	if (!l)
		return err_set(e, -ENOMEM, "out of memory");
	r = open_socket(c, &fd, e);
	if (r < 0)
		return r;
	r = uv_poll_init(c->env.loop, &l->poll, fd);
	if (r < 0)
		return err_set(e, r, "%s: %s", c->path, err_name(r));
	l->poll.data = l;
	l->fd = take_fd(&fd);
	l->c = c;
	c->link = take_ptr(l);
	return 0;
}

void ipc_link_connect(struct ipc_client *c)
{
	const struct ipc_hello mine = {.version_min = c->def.version_min,
	    .version_max = c->def.version_max,
	    .edge = c->def.edge,
	    .instance = c->env.instance,
	    .epoch_ms = c->env.epoch_ms};
	struct err_text e;
	int n;

	if (open_link(c, &e) < 0) {
		ipc_link_down(c, e.s);
		return;
	}
	c->state = CLIENT_GREETING;
	c->greet_by_ms = clock_now_ms(c->env.clock) + GREET_MS;
	n = ipc_hello_build(c->tx, IPC_RECORD_MAX, HELLO_ID, &mine);
	if (n < 0 || ipc_outq_put(&c->out, c->link->fd, c->tx, (size_t)n, IPC_RECORD_MAX) < 0) {
		ipc_link_down(c, "the connection was lost");
		return;
	}
	c->next_id = HELLO_ID;
	ipc_link_update_poll(c);
}
