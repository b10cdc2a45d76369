/*
 * The raw peer lives in the same thread as the server: a test sends, turns the loop and looks, and every run
 * is the same.
 */
#include "support/ipc_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/wr.h"
#include "ipc/hello.h"
#include "ipc/sock.h"

enum { TICK_MS = 2, LIMIT_MS = 20000, SETTLE_TURNS = 6 };

static uint8_t rx[IPC_RECORD_MAX];

static void on_tick(uv_timer_t *h)
{
	(void)h;
}

void rig_init(struct ipc_rig *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(uv_loop_init(&r->loop), 0);
	uv_timer_init(&r->loop, &r->tick);
	clock_fake_init(&r->fake, 1000000);
	strcpy(r->dir, "/tmp/postern-unit-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/edge", r->dir);
	r->roles = IPC_ROLE_ROOT | IPC_ROLE_ADMIN;
}

void rig_fini(struct ipc_rig *r)
{
	r->server = ipc_server_free(r->server);
	uv_close((uv_handle_t *)&r->tick, NULL);
	assert_int_equal(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&r->loop), 0);
	unlink(r->path);
	assert_int_equal(rmdir(r->dir), 0);
}

int rig_listen(struct ipc_rig *r)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, r->path);
	unlink(r->path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static uint32_t roles_of(void *owner, uid_t uid, gid_t gid, pid_t pid)
{
	const struct ipc_rig *r = owner;

	assert_int_equal(uid, getuid());
	assert_int_equal(gid, getgid());
	assert_int_equal(pid, getpid());
	return r->roles;
}

static void log_violation(void *owner, const char *edge, pid_t pid, uid_t uid, const char *why)
{
	struct ipc_rig *r = owner;

	(void)uid;
	assert_string_equal(edge, RIG_EDGE);
	assert_int_equal(pid, getpid());
	r->n_logged++;
	snprintf(r->logged, sizeof(r->logged), "%s", why);
}

void rig_serve(struct ipc_rig *r, const struct ipc_edge *edge, const struct clock *clock)
{
	const struct ipc_server_env env = {.loop = &r->loop,
	    .clock = clock ? clock : &r->fake.clock,
	    .instance = RIG_INSTANCE,
	    .epoch_ms = 77,
	    .owner = r,
	    .roles_of = roles_of,
	    .log_violation = log_violation};

	assert_int_equal(ipc_server_new(&env, edge, rig_listen(r), &r->server), 0);
}

void rig_turn(struct ipc_rig *r)
{
	/* Repeating: if it is due before the loop polls, the poll still has an end. */
	uv_timer_start(&r->tick, on_tick, TICK_MS, TICK_MS);
	uv_run(&r->loop, UV_RUN_ONCE);
	uv_timer_stop(&r->tick);
}

bool rig_until(struct ipc_rig *r, bool (*done)(void *arg), void *arg)
{
	uint64_t limit = clock_now_ms(&clock_boottime) + LIMIT_MS;

	while (!done(arg)) {
		if (clock_now_ms(&clock_boottime) > limit)
			return false;
		rig_turn(r);
	}
	return true;
}

void rig_settle(struct ipc_rig *r)
{
	for (int i = 0; i < SETTLE_TURNS; i++)
		rig_turn(r);
}

int rig_connect(struct ipc_rig *r)
{
	int fd;

	assert_int_equal(ipc_sock_connect(r->path, &fd), 0);
	return fd;
}

void rig_send_hello(int fd, uint16_t low, uint16_t high, const char *edge, const char *instance)
{
	const struct ipc_hello h = {
	    .version_min = low, .version_max = high, .edge = edge, .instance = instance, .epoch_ms = 5};
	uint8_t b[1024];
	int n = ipc_hello_build(b, sizeof(b), 1, &h);

	assert_true(n > 0);
	assert_int_equal(ipc_sock_send(fd, b, (size_t)n), 0);
}

int rig_connect_greeted(struct ipc_rig *r)
{
	struct ipc_record rec;
	int fd = rig_connect(r);

	rig_send_hello(fd, 1, 1, RIG_EDGE, RIG_INSTANCE);
	assert_int_equal(rig_recv(r, fd, &rec), 1);
	assert_int_equal(rec.type, IPC_HELLO);
	return fd;
}

bool rig_send(int fd, uint16_t type, uint16_t flags, uint32_t id, uint32_t row, const void *body, size_t n)
{
	static uint8_t b[2 * IPC_RECORD_MAX];
	struct wr w = wr_init(b, sizeof(b));

	wr_u16(&w, type);
	wr_u16(&w, flags);
	wr_u32(&w, id);
	wr_u32(&w, row);
	wr_bytes(&w, body, n);
	assert_true(wr_ok(&w));
	return ipc_sock_send(fd, b, wr_len(&w)) == 0;
}

struct arrival {
	int fd, n;
};

static bool has_arrived(void *arg)
{
	struct arrival *a = arg;

	a->n = ipc_sock_recv(a->fd, rx, sizeof(rx));
	return a->n != -EAGAIN;
}

int rig_recv(struct ipc_rig *r, int fd, struct ipc_record *ret)
{
	struct arrival a = {.fd = fd};

	assert_true(rig_until(r, has_arrived, &a));
	if (a.n == 0 || a.n == -ECONNRESET)
		return 0;
	assert_true(a.n > 0);
	assert_int_equal(ipc_record_parse(rx, (size_t)a.n, ret), 0);
	return 1;
}
