/*
 * For a program that a person waits for. The socket is non-blocking all the same, so that every wait has an
 * end and every failure can be told in words: what is wrong, where, and what to do.
 */
#include "ipc/sync.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "ipc/hello.h"
#include "ipc/sock.h"

enum { HELLO_ID = 1, BACKLOG_RETRY_MS = 20, NAME_MAX_ = 32 };

struct ipc_sync {
	int fd;
	uint32_t timeout_ms;
	uint32_t next_id;
	char service[NAME_MAX_]; /* the edge up to the dot, for messages */
	size_t dirty;            /* octets of rx to be wiped */
	uint8_t rx[IPC_RECORD_MAX], tx[IPC_RECORD_MAX];
};

static uint64_t now_ms(void)
{
	return clock_now_ms(&clock_boottime);
}

static void wipe_rx(struct ipc_sync *s)
{
	wipe(s->rx, s->dirty);
	s->dirty = 0;
}

struct ipc_sync *ipc_sync_close(struct ipc_sync *s)
{
	if (!s)
		return NULL;
	wipe_rx(s);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return NULL;
}

static void sync_closep(struct ipc_sync **s)
{
	ipc_sync_close(*s);
}

/* 0 when the socket is ready; -ETIME. until_ms UINT64_MAX: no end. */
static int wait_for(int fd, short events, uint64_t until_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = now_ms();
		int ms = until_ms == UINT64_MAX ? -1 : until_ms <= now ? 0 : (int)(until_ms - now);
		int r = poll(&p, 1, ms);

		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIME;
		if (errno != EINTR)
			return -errno;
	}
}

static int connect_fault(struct err_text *e, int r, const char *path, const char *service)
{
	switch (r) {
	case -ENOENT:
		return err_set(e, r,
		    "the suite is not running: there is no %s; start it with `systemctl start "
		    "postern.target` or "
		    "`postern-supervisor`",
		    path);
	case -ECONNREFUSED:
		return err_set(e, r,
		    "the suite is not running: nobody serves %s; start it with `systemctl start "
		    "postern.target` or "
		    "`postern-supervisor`",
		    path);
	case -EACCES:
	case -EPERM:
		return err_set(e, -EACCES,
		    "permission denied: %s is for root and the members of the admin group; try again as root",
		    path);
	case -EAGAIN:
		return err_set(
		    e, -ETIME, "%s is busy: its socket %s accepts no connection; try again", service, path);
	default:
		return err_set(e, r, "cannot connect to %s: %s", path, err_name(r));
	}
}

static int connect_within(const char *path, uint64_t until_ms, int *ret_fd)
{
	const struct timespec pause = {.tv_nsec = BACKLOG_RETRY_MS * 1000000L};

	for (;;) {
		int r = ipc_sock_connect(path, ret_fd);

		if (r != -EAGAIN || now_ms() >= until_ms)
			return r;
		nanosleep(&pause, NULL);
	}
}

/* `passed` -1: no descriptor beside it. */
static int send_within(struct ipc_sync *s, const void *buf, size_t n, int passed, uint64_t until_ms)
{
	int r;

	while ((r = passed < 0 ? ipc_sock_send(s->fd, buf, n) : ipc_sock_send_fd(s->fd, buf, n, passed)) ==
	       -EAGAIN) {
		r = wait_for(s->fd, POLLOUT, until_ms);
		if (r < 0)
			break;
	}
	return r;
}

static int gone(struct ipc_sync *s, struct err_text *e)
{
	return err_set(
	    e, -ECONNRESET, "%s ended the connection; `ipsecctl status` and its log say why", s->service);
}

static int recv_until(struct ipc_sync *s, uint64_t until_ms, struct ipc_record *ret, struct err_text *e)
{
	int n;

	wipe_rx(s);
	while ((n = ipc_sock_recv(s->fd, s->rx, sizeof(s->rx))) == -EAGAIN) {
		int r = wait_for(s->fd, POLLIN, until_ms);

		if (r == -ETIME)
			return err_set(e, r, "%s does not answer; `ipsecctl status` and its log may say why",
			    s->service);
		if (r < 0)
			return err_set(e, r, "waiting for %s: %s", s->service, err_name(r));
	}
	if (n == 0 || n == -ECONNRESET)
		return gone(s, e);
	if (n > 0)
		s->dirty = (size_t)n;
	if (n < 0 || ipc_record_parse(s->rx, (size_t)n, ret) < 0)
		return err_set(e, -EPROTO, "%s sent a record that cannot be read", s->service);
	return 0;
}

/* Both HELLOs. */
static int greet(struct ipc_sync *s, const struct ipc_hello *mine, uint64_t until_ms, struct err_text *e)
{
	struct ipc_hello_peer theirs;
	struct ipc_record rec;
	int n = ipc_hello_build(s->tx, sizeof(s->tx), HELLO_ID, mine), r;

	if (n < 0)
		return err_set(e, n, "HELLO is too long");
	r = send_within(s, s->tx, (size_t)n, -1, until_ms);
	if (r == -EPIPE || r == -ECONNRESET)
		return gone(s, e);
	if (r < 0)
		return err_set(e, r, "cannot send to %s: %s", s->service, err_name(r));
	r = recv_until(s, until_ms, &rec, e);
	if (r < 0)
		return r;
	if (rec.type == IPC_ERROR) {
		r = ipc_error_decode(&rec, e);
		return err_prefix(e, r, "%s refuses the connection", s->service);
	}
	r = ipc_hello_check(&rec, mine, &theirs, e);
	return r < 0 ? err_prefix(e, r, "%s", s->service) : 0;
}

int ipc_sync_open(const char *path, const char *edge, const char *instance, unsigned server_uid,
    uint32_t timeout_ms, struct ipc_sync **ret, struct err_text *e)
{
	const struct ipc_hello mine = {.version_min = IPC_SYNC_VERSION_MIN,
	    .version_max = IPC_SYNC_VERSION_MAX,
	    .edge = edge,
	    .instance = instance,
	    .epoch_ms = now_ms()};
	AUTO(sync_closep) struct ipc_sync *s = calloc(1, sizeof(*s));
	uint64_t until = now_ms() + timeout_ms;
	struct ucred peer;
	int r;

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	s->fd = -1;
	s->timeout_ms = timeout_ms;
	s->next_id = HELLO_ID;
	ipc_text_copy(
	    s->service, strcspn(edge, ".") + 1 < NAME_MAX_ ? strcspn(edge, ".") + 1 : NAME_MAX_, edge);
	r = connect_within(path, until, &s->fd);
	if (r < 0)
		return connect_fault(e, r, path, s->service);
	r = ipc_sock_peer(s->fd, &peer);
	if (r < 0)
		return err_set(e, r, "cannot tell who serves %s: %s", path, err_name(r));
	if (server_uid != (unsigned)-1 && peer.uid != server_uid)
		return err_set(e, -EACCES,
		    "%s is served by uid %u, not by %s (uid %u): the service has not started yet, "
		    "or something else took its place",
		    path, (unsigned)peer.uid, s->service, server_uid);
	r = greet(s, &mine, until, e);
	if (r < 0)
		return r;
	*ret = take_ptr(s);
	return 0;
}

int ipc_sync_send(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body, uint32_t *ret_id,
    struct err_text *e)
{
	return ipc_sync_send_fd(s, type, body, -1, ret_id, e);
}

static int send_record(struct ipc_sync *s, const struct ipc_record *head, const ProtobufCMessage *body,
    int fd, struct err_text *e)
{
	int n = ipc_record_build(s->tx, sizeof(s->tx), head, body), r;

	if (n < 0)
		return err_set(e, n, "the request to %s is too large for one record", s->service);
	r = send_within(s, s->tx, (size_t)n, fd, now_ms() + s->timeout_ms);
	wipe(s->tx, (size_t)n);
	if (r == -ETIME)
		return err_set(
		    e, r, "%s does not read its requests; `ipsecctl status` may say why", s->service);
	/* The reason may still be waiting to be read. */
	if (r == -EPIPE || r == -ECONNRESET) {
		struct ipc_record rec;

		if (recv_until(s, now_ms(), &rec, e) == 0 && rec.type == IPC_ERROR)
			return ipc_error_decode(&rec, e);
		return gone(s, e);
	}
	return r < 0 ? err_set(e, r, "cannot send to %s: %s", s->service, err_name(r)) : 0;
}

int ipc_sync_send_fd(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body, int fd,
    uint32_t *ret_id, struct err_text *e)
{
	const struct ipc_record head = {
	    .type = (uint16_t)type, .id = ++s->next_id ? s->next_id : ++s->next_id};
	int r = send_record(s, &head, body, fd, e);

	if (r == 0)
		*ret_id = head.id;
	return r;
}

int ipc_sync_send_row(
    struct ipc_sync *s, enum ipc_type type, uint32_t row, const ProtobufCMessage *body, struct err_text *e)
{
	const struct ipc_record head = {.type = (uint16_t)type, .row = row};

	return send_record(s, &head, body, -1, e);
}

int ipc_sync_recv(struct ipc_sync *s, uint32_t timeout_ms, struct ipc_record *ret, struct err_text *e)
{
	return recv_until(s, timeout_ms ? now_ms() + timeout_ms : UINT64_MAX, ret, e);
}

int ipc_sync_call(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body,
    struct ipc_record *ret, struct err_text *e)
{
	return ipc_sync_call_fd(s, type, body, -1, ret, e);
}

int ipc_sync_call_fd(struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body, int fd,
    struct ipc_record *ret, struct err_text *e)
{
	struct ipc_record rec;
	uint64_t until;
	uint32_t id;
	int r = ipc_sync_send_fd(s, type, body, fd, &id, e);

	if (r < 0)
		return r;
	until = now_ms() + s->timeout_ms;
	do {
		r = recv_until(s, until, &rec, e);
		if (r < 0)
			return r;
	} while (!rec.id && rec.type != IPC_ERROR);
	if (rec.type == IPC_ERROR)
		return ipc_error_decode(&rec, e);
	if (rec.id != id)
		return err_set(e, -EPROTO, "%s answered another request", s->service);
	*ret = rec;
	return 0;
}

int ipc_sync_fd(const struct ipc_sync *s)
{
	return s->fd;
}
