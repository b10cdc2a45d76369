/*
 * The command line's side: calls, words for every failure, time limits. The server runs in a thread of its
 * own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/sock.h"
#include "ipc/sync.h"
#include "support/ipc_rig.h"

#include "admin.pb-c.h"

static int handle_answer(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ipc_conn_send(c, IPC_OK, rec->id, NULL);
}

static int handle_silent(struct ipc_conn *c, const struct ipc_record *rec)
{
	(void)c;
	(void)rec;
	return 0;
}

static int handle_refuse(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ipc_conn_send_error(c, rec->id, EEXIST, "there is one already: use %s", "spdupdate");
}

/* Events before the answer. */
static int handle_monitor(struct ipc_conn *c, const struct ipc_record *rec)
{
	for (int i = 0; i < 3; i++)
		if (ipc_conn_send(c, IPC_EVENT, 0, NULL) < 0)
			return 0;
	return ipc_conn_send(c, IPC_OK, rec->id, NULL);
}

static int handle_wrong_id(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ipc_conn_send(c, IPC_OK, rec->id + 1000, NULL);
}

static int handle_hangup(struct ipc_conn *c, const struct ipc_record *rec)
{
	(void)rec;
	ipc_conn_close(c);
	return 0;
}

/* type, name, roles, max_body, max_in_flight, cost, secret, handle */
static const struct ipc_rule rules[] = {
    {IPC_STATUS, "answer", IPC_ROLE_ADMIN, 0, 200, 1, false, handle_answer},
    {IPC_STATS, "silent", IPC_ROLE_ADMIN, 0, 200, 1, false, handle_silent},
    {IPC_SPD_PUT, "refuse", IPC_ROLE_ADMIN, 100, 2, 1, false, handle_refuse},
    {IPC_MONITOR, "monitor", IPC_ROLE_ADMIN, 0, 1, 1, false, handle_monitor},
    {IPC_SA_GET, "wrong", IPC_ROLE_ADMIN, 0, 1, 1, false, handle_wrong_id},
    {IPC_SA_FLUSH, "hangup", IPC_ROLE_ADMIN, 0, 1, 1, false, handle_hangup},
    {IPC_SA_ADD, "sa.add", IPC_ROLE_KEYD, 0, 1, 1, false, handle_answer},
};

static const struct ipc_edge edge = {.name = RIG_EDGE,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 100000,
    .budget_burst = 100000,
    .max_conns = 4,
    .max_queued = 262144};

struct stage {
	struct ipc_rig rig;
	uv_thread_t thread;
	uv_async_t stop;
	struct ipc_sync *s;
};

static void on_stop(uv_async_t *h)
{
	struct ipc_rig *r = h->data;

	r->server = ipc_server_free(r->server);
	uv_close((uv_handle_t *)h, NULL);
}

static void serve(void *arg)
{
	struct stage *st = arg;

	uv_run(&st->rig.loop, UV_RUN_DEFAULT);
}

static int setup(void **state)
{
	struct stage *st = calloc(1, sizeof(*st));

	rig_init(&st->rig);
	rig_serve(&st->rig, &edge, &clock_boottime);
	uv_async_init(&st->rig.loop, &st->stop, on_stop);
	st->stop.data = &st->rig;
	uv_thread_create(&st->thread, serve, st);
	*state = st;
	return 0;
}

static int setup_open(void **state)
{
	struct stage *st;
	struct err_text e = {0};

	setup(state);
	st = *state;
	if (ipc_sync_open(st->rig.path, RIG_EDGE, RIG_INSTANCE, getuid(), 20000, &st->s, &e) < 0)
		fail_msg("%s", e.s);
	return 0;
}

static int teardown(void **state)
{
	struct stage *st = *state;

	ipc_sync_close(st->s);
	uv_async_send(&st->stop);
	uv_thread_join(&st->thread);
	rig_fini(&st->rig);
	free(st);
	return 0;
}

static void test_sync_call_gets_its_answer(void **state)
{
	struct stage *st = *state;
	struct ipc_record rec;
	struct err_text e;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(ipc_sync_call(st->s, IPC_STATUS, NULL, &rec, &e), 0);
		assert_int_equal(rec.type, IPC_OK);
	}
}

static void test_sync_refusal_is_code_and_text(void **state)
{
	struct stage *st = *state;
	struct ipc_record rec;
	struct err_text e;

	assert_int_equal(ipc_sync_call(st->s, IPC_SPD_PUT, NULL, &rec, &e), -EEXIST);
	assert_string_equal(e.s, "there is one already: use spdupdate");
	assert_int_equal(ipc_sync_call(st->s, IPC_STATUS, NULL, &rec, &e), 0);
}

static void test_sync_call_skips_events(void **state)
{
	struct stage *st = *state;
	struct ipc_record rec;
	struct err_text e;

	assert_int_equal(ipc_sync_call(st->s, IPC_MONITOR, NULL, &rec, &e), 0);
	assert_int_equal(rec.type, IPC_OK);
}

static void test_sync_many_requests_before_the_first_answer(void **state)
{
	struct stage *st = *state;
	struct pollfd p = {.fd = ipc_sync_fd(st->s), .events = POLLIN};
	struct ipc_record rec;
	struct err_text e;
	uint32_t id[100];

	for (size_t i = 0; i < ARRAY_SIZE(id); i++)
		assert_int_equal(ipc_sync_send(st->s, IPC_STATUS, NULL, &id[i], &e), 0);
	assert_int_equal(poll(&p, 1, 20000), 1);
	for (size_t i = 0; i < ARRAY_SIZE(id); i++) {
		assert_int_equal(ipc_sync_recv(st->s, 20000, &rec, &e), 0);
		assert_int_equal(rec.id, id[i]);
	}
}

static void test_sync_answer_of_another_request_is_refused(void **state)
{
	struct stage *st = *state;
	struct ipc_record rec;
	struct err_text e;

	assert_int_equal(ipc_sync_call(st->s, IPC_SA_GET, NULL, &rec, &e), -EPROTO);
}

static void test_sync_hangup_is_told(void **state)
{
	struct stage *st = *state;
	struct ipc_record rec;
	struct err_text e;
	uint32_t id;

	assert_int_equal(ipc_sync_call(st->s, IPC_SA_FLUSH, NULL, &rec, &e), -ECONNRESET);
	assert_non_null(strstr(e.s, "test ended the connection"));
	assert_int_equal(ipc_sync_send(st->s, IPC_STATUS, NULL, &id, &e), -ECONNRESET);
}

/* The reason of a violation arrives, although requests of ours were left unread and the socket was reset. */
static void test_sync_violation_tells_its_reason(void **state)
{
	struct stage *st = *state;
	struct ipc_record rec;
	struct err_text e;
	uint32_t id;
	int r = 0;

	assert_int_equal(ipc_sync_send(st->s, IPC_SA_ADD, NULL, &id, &e), 0);
	for (int i = 0; i < 50 && r == 0; i++)
		r = ipc_sync_send(st->s, IPC_STATUS, NULL, &id, &e);
	if (r == 0) {
		assert_int_equal(ipc_sync_recv(st->s, 20000, &rec, &e), 0);
		assert_int_equal(rec.type, IPC_ERROR);
		r = ipc_error_decode(&rec, &e);
	}
	assert_int_equal(r, -EPERM);
	assert_string_equal(e.s, "the caller may not do this (sa.add)");
}

static void test_sync_request_too_large_is_told(void **state)
{
	static char text[IPC_RECORD_MAX];
	struct stage *st = *state;
	Postern__Event m = POSTERN__EVENT__INIT;
	struct ipc_record rec;
	struct err_text e;

	memset(text, 'x', sizeof(text) - 1);
	m.text = text;
	assert_int_equal(ipc_sync_call(st->s, IPC_STATUS, &m.base, &rec, &e), -EMSGSIZE);
	assert_int_equal(ipc_sync_call(st->s, IPC_STATUS, NULL, &rec, &e), 0);
}

static void test_sync_silence_ends_at_the_limit(void **state)
{
	struct stage *st = *state;
	struct ipc_record rec;
	struct err_text e;
	uint32_t id;

	assert_int_equal(ipc_sync_send(st->s, IPC_STATS, NULL, &id, &e), 0);
	assert_int_equal(ipc_sync_recv(st->s, 20, &rec, &e), -ETIME);
	assert_non_null(strstr(e.s, "test does not answer"));
	/* The connection is as good as before. */
	assert_int_equal(ipc_sync_call(st->s, IPC_STATUS, NULL, &rec, &e), 0);
}

static const struct {
	const char *edge, *instance, *path; /* NULL path: the server's */
	int uid_offset, want;
	const char *why;
} opens[] = {
    {RIG_EDGE, RIG_INSTANCE, "/nonexistent/postern/edge", 0, -ENOENT, "the suite is not running"},
    {"other.edge", RIG_INSTANCE, NULL, 0, -EPROTO, "refuses the connection: HELLO for the edge 'other.edge'"},
    {RIG_EDGE, "other", NULL, 0, -EPROTO, "refuses the connection: HELLO of the instance 'other'"},
    {RIG_EDGE, RIG_INSTANCE, NULL, 1, -EACCES, "served by uid"},
};

static void test_sync_open_failures_say_what_to_do(void **state)
{
	struct stage *st = *state;
	struct err_text e;

	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		const char *path = opens[i].path ? opens[i].path : st->rig.path;
		int r = ipc_sync_open(path, opens[i].edge, opens[i].instance,
		    (unsigned)((int)getuid() + opens[i].uid_offset), 20000, &st->s, &e);

		if (r != opens[i].want || !strstr(e.s, opens[i].why))
			fail_msg("%zu: %d '%s'", i, r, e.s);
		assert_null(st->s);
	}
	assert_int_equal(
	    ipc_sync_open(st->rig.path, RIG_EDGE, RIG_INSTANCE, (unsigned)-1, 20000, &st->s, &e), 0);
}

/* A socket that nobody serves any more; one whose server hangs; one with a full backlog. */
static void test_sync_open_without_a_live_server(void **state)
{
	struct ipc_sync *s = NULL;
	struct ipc_rig r;
	struct err_text e;
	int fd, peers[64], n = 0;

	(void)state;
	rig_init(&r);
	close(rig_listen(&r));
	assert_int_equal(
	    ipc_sync_open(r.path, RIG_EDGE, RIG_INSTANCE, getuid(), 20000, &s, &e), -ECONNREFUSED);
	assert_non_null(strstr(e.s, "the suite is not running"));
	fd = rig_listen(&r);
	assert_int_equal(ipc_sync_open(r.path, RIG_EDGE, RIG_INSTANCE, getuid(), 30, &s, &e), -ETIME);
	assert_non_null(strstr(e.s, "does not answer"));
	while (n < 64 && ipc_sock_connect(r.path, &peers[n]) == 0)
		n++;
	assert_true(n < 64);
	assert_int_equal(ipc_sync_open(r.path, RIG_EDGE, RIG_INSTANCE, getuid(), 30, &s, &e), -ETIME);
	assert_non_null(strstr(e.s, "busy"));
	while (n)
		close(peers[--n]);
	close(fd);
	assert_null(s);
	assert_null(ipc_sync_close(NULL));
	rig_fini(&r);
}

#define OPEN(f) cmocka_unit_test_setup_teardown(f, setup_open, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    OPEN(test_sync_call_gets_its_answer),
	    OPEN(test_sync_refusal_is_code_and_text),
	    OPEN(test_sync_call_skips_events),
	    OPEN(test_sync_many_requests_before_the_first_answer),
	    OPEN(test_sync_answer_of_another_request_is_refused),
	    OPEN(test_sync_hangup_is_told),
	    OPEN(test_sync_violation_tells_its_reason),
	    OPEN(test_sync_request_too_large_is_told),
	    OPEN(test_sync_silence_ends_at_the_limit),
	    cmocka_unit_test_setup_teardown(test_sync_open_failures_say_what_to_do, setup, teardown),
	    cmocka_unit_test(test_sync_open_without_a_live_server),
	};

	return cmocka_run_group_tests_name("ipc/sync", tests, NULL, NULL);
}
