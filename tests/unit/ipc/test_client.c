/*
 * The service client against a real server on the same loop, and against a peer that misbehaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/client_link.h"
#include "ipc/sock.h"
#include "support/ipc_rig.h"

#include "admin.pb-c.h"

/* Four types of real edges in roles of this test: answered at once, never, rows without answer, ends the
 * connection. */
#define T_ECHO   IPC_STATUS
#define T_SILENT IPC_STATS
#define T_ROW    IPC_SNAPSHOT_ROW
#define T_KICK   IPC_LOG_SET

struct stage {
	struct ipc_rig rig;
	struct ipc_client *c;
	unsigned ups, downs, replies, events, writable;
	int last_result;
	uint16_t last_type;
	uint64_t epoch;
	uint32_t rows;
	bool free_in_callback, request_in_callback, free_in_up, free_in_down, free_in_event;
	const uint32_t *rows_wanted;
	unsigned logged;
	bool use_fake_clock;
	char said[200];
	struct ipc_conn *held; /* the server's side of the silent request */
	uint32_t held_id;
};

static struct stage *current;

static int handle_echo(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ipc_conn_send(c, IPC_OK, rec->id, NULL) == -EMSGSIZE ? -1 : 0;
}

static int handle_silent(struct ipc_conn *c, const struct ipc_record *rec)
{
	if (!current->held)
		current->held = ipc_conn_ref(c);
	current->held_id = rec->id;
	return 0;
}

static int handle_row(struct ipc_conn *c, const struct ipc_record *rec)
{
	(void)c;
	assert_int_equal(rec->row, current->rows);
	current->rows++;
	return 0;
}

static int handle_kick(struct ipc_conn *c, const struct ipc_record *rec)
{
	(void)rec;
	ipc_conn_close(c);
	return 0;
}

static const struct ipc_rule rules[] = {
    {T_ECHO, "echo", IPC_ROLE_ROOT, 64, 64, 1, false, handle_echo},
    {T_SILENT, "silent", IPC_ROLE_ROOT, 64, 2000, 1, false, handle_silent},
    {T_ROW, "row", IPC_ROLE_ROOT, 65000, 0, 1, false, handle_row},
    {T_KICK, "kick", IPC_ROLE_ROOT, 0, 1, 1, false, handle_kick},
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

static void on_up(struct ipc_client *c, uint64_t epoch)
{
	struct stage *s = ipc_client_owner(c);

	s->ups++;
	s->epoch = epoch;
	if (s->free_in_up)
		s->c = ipc_client_free(c);
	s->free_in_up = false;
}

static void on_reply(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
	struct stage *s = arg;

	assert_true(result || rec);
	s->replies++;
	s->last_result = result;
	s->last_type = rec ? rec->type : 0;
	if (s->request_in_callback && ipc_client_request(c, T_ECHO, NULL, 1000, on_reply, s) == 0)
		s->request_in_callback = false;
	if (s->free_in_callback) {
		s->free_in_callback = false;
		s->c = ipc_client_free(s->c);
	}
}

static void on_down(struct ipc_client *c)
{
	struct stage *s = ipc_client_owner(c);

	assert_false(ipc_client_is_up(c));
	assert_int_equal(ipc_client_request(c, T_ECHO, NULL, 1000, on_reply, s), -ENOTCONN);
	s->downs++;
	if (s->free_in_down)
		s->c = ipc_client_free(c);
}

static int on_event(struct ipc_client *c, const struct ipc_record *rec)
{
	struct stage *s = ipc_client_owner(c);

	s->events++;
	if (s->free_in_event)
		s->c = ipc_client_free(c);
	return rec->type == IPC_EVENT ? 0 : -EBADMSG;
}

static const struct ipc_client_def def = {.edge = RIG_EDGE,
    .version_min = 1,
    .version_max = 1,
    .backoff_min_ms = 1,
    .backoff_max_ms = 16,
    .on_up = on_up,
    .on_down = on_down,
    .on_event = on_event};

static bool is_up(void *arg)
{
	struct stage *s = arg;

	return s->c && ipc_client_is_up(s->c);
}

static bool is_down(void *arg)
{
	return !is_up(arg);
}

static void note_log(void *owner, const char *name, const char *why)
{
	struct stage *s = owner;

	assert_string_equal(name, RIG_EDGE);
	s->logged++;
	snprintf(s->said, sizeof(s->said), "%s", why);
}

/* Whoever it is may come in. */
static uint32_t nobody(void *owner, uid_t uid, gid_t gid, pid_t pid)
{
	(void)owner;
	(void)uid;
	(void)gid;
	(void)pid;
	return IPC_ROLE_ROOT;
}

static void start(struct stage *s, uid_t server_uid)
{
	const struct ipc_client_env env = {.loop = &s->rig.loop,
	    .clock = s->use_fake_clock ? &s->rig.fake.clock : &clock_boottime,
	    .instance = RIG_INSTANCE,
	    .epoch_ms = 9,
	    .owner = s,
	    .server_uid = server_uid,
	    .log = note_log};

	assert_int_equal(ipc_client_new(&env, &def, s->rig.path, &s->c), 0);
}

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	rig_init(&s->rig);
	*state = current = s;
	return 0;
}

static int setup_up(void **state)
{
	struct stage *s;

	setup(state);
	s = *state;
	rig_serve(&s->rig, &edge, &clock_boottime);
	start(s, getuid());
	assert_true(rig_until(&s->rig, is_up, s));
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;

	s->c = ipc_client_free(s->c);
	s->held = ipc_conn_unref(s->held);
	rig_fini(&s->rig);
	free(s);
	return 0;
}

static bool has_reply(void *arg)
{
	return ((struct stage *)arg)->replies > 0;
}

static void test_client_up_reports_the_servers_epoch(void **state)
{
	struct stage *s = *state;

	assert_int_equal(s->ups, 1);
	assert_int_equal(s->epoch, 77);
}

static void test_client_request_gets_its_answer(void **state)
{
	struct stage *s = *state;

	assert_int_equal(ipc_client_request(s->c, T_ECHO, NULL, 5000, on_reply, s), 0);
	assert_int_equal(s->replies, 0);
	assert_true(rig_until(&s->rig, has_reply, s));
	assert_int_equal(s->last_result, 0);
	assert_int_equal(s->last_type, IPC_OK);
}

static void test_client_server_death_resets_pending_then_reconnects(void **state)
{
	struct stage *s = *state;

	for (int i = 0; i < 5; i++)
		assert_int_equal(ipc_client_request(s->c, T_SILENT, NULL, 60000, on_reply, s), 0);
	rig_settle(&s->rig);
	s->held = ipc_conn_unref(s->held);
	s->rig.server = ipc_server_free(s->rig.server);
	assert_true(rig_until(&s->rig, is_down, s));
	assert_int_equal(s->replies, 5);
	assert_int_equal(s->last_result, -ECONNRESET);
	assert_int_equal(s->downs, 1);
	rig_serve(&s->rig, &edge, &clock_boottime);
	assert_true(rig_until(&s->rig, is_up, s));
	assert_int_equal(s->ups, 2);
}

static bool has_late(void *arg)
{
	return ipc_client_counters(((struct stage *)arg)->c)->late > 0;
}

static void test_client_deadline_gives_etime_and_the_late_answer_is_dropped(void **state)
{
	struct stage *s = *state;

	assert_int_equal(ipc_client_request(s->c, T_SILENT, NULL, 20, on_reply, s), 0);
	assert_true(rig_until(&s->rig, has_reply, s));
	assert_int_equal(s->last_result, -ETIME);
	assert_true(is_up(s));
	assert_int_equal(ipc_conn_send(s->held, IPC_OK, s->held_id, NULL), 0);
	assert_true(rig_until(&s->rig, has_late, s));
	assert_int_equal(s->replies, 1);
	assert_int_equal(s->events, 0);
	assert_int_equal(ipc_client_counters(s->c)->timeouts, 1);
	assert_true(is_up(s));
}

static void test_client_pending_requests_are_bounded(void **state)
{
	struct stage *s = *state;
	unsigned n = 0;
	int r;

	while ((r = ipc_client_request(s->c, T_SILENT, NULL, 60000, on_reply, s)) == 0) {
		n++;
		rig_turn(&s->rig);
	}
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(n, 1024);
	s->c = ipc_client_free(s->c);
	assert_int_equal(s->replies, 1024);
	assert_int_equal(s->last_result, -ECONNRESET);
	assert_int_equal(s->downs, 0);
}

static void test_client_request_beyond_a_record_is_not_filed(void **state)
{
	static char text[IPC_RECORD_MAX];
	struct stage *s = *state;
	Postern__Event m = POSTERN__EVENT__INIT;

	memset(text, 'x', sizeof(text) - 1);
	m.text = text;
	assert_int_equal(ipc_client_request(s->c, T_ECHO, &m.base, 1000, on_reply, s), -EMSGSIZE);
	rig_settle(&s->rig);
	assert_true(is_up(s));
	assert_int_equal(s->replies, 0);
}

static void on_writable(struct ipc_client *c)
{
	struct stage *s = ipc_client_owner(c);

	s->writable++;
}

static bool has_writable(void *arg)
{
	return ((struct stage *)arg)->writable > 0;
}

static bool has_all_rows(void *arg)
{
	const struct stage *s = arg;

	return s->rows == *s->rows_wanted;
}

static void test_client_rows_wait_for_room_and_arrive_in_order(void **state)
{
	static char text[20000];
	struct stage *s = *state;
	Postern__Event m = POSTERN__EVENT__INIT;
	uint32_t row = 0;

	memset(text, 'x', sizeof(text) - 1);
	m.text = text;
	ipc_client_on_writable(s->c, on_writable);
	for (unsigned round = 1; round <= 3; round++) {
		int r;

		while ((r = ipc_client_send_row(s->c, T_ROW, row, &m.base)) == 0)
			row++;
		assert_int_equal(r, -ENOBUFS);
		/* Bounded: what the sockets hold, and the client's queue. */
		assert_true(row < round * 100);
		s->writable = 0;
		assert_true(rig_until(&s->rig, has_writable, s));
		rig_settle(&s->rig);
		assert_int_equal(s->writable, 1);
	}
	s->rows_wanted = &row;
	assert_true(rig_until(&s->rig, has_all_rows, s));
	assert_true(is_up(s));
}

static void test_client_events_reach_on_event_and_a_bad_one_ends_the_connection(void **state)
{
	struct stage *s = *state;

	assert_int_equal(ipc_client_request(s->c, T_SILENT, NULL, 60000, on_reply, s), 0);
	while (!s->held)
		rig_turn(&s->rig);
	assert_int_equal(ipc_conn_send(s->held, IPC_EVENT, 0, NULL), 0);
	assert_int_equal(ipc_conn_send(s->held, IPC_EVENT, 0, NULL), 0);
	rig_settle(&s->rig);
	assert_int_equal(s->events, 2);
	assert_int_equal(s->replies, 0);
	assert_int_equal(ipc_conn_send(s->held, IPC_STATUS_REPLY, 0, NULL), 0);
	assert_true(rig_until(&s->rig, has_reply, s));
	assert_int_equal(s->last_result, -ECONNRESET);
	assert_int_equal(s->downs, 1);
	assert_true(rig_until(&s->rig, is_up, s));
}

static void test_client_kicked_with_unread_requests_recovers(void **state)
{
	struct stage *s = *state;

	assert_int_equal(ipc_client_request(s->c, T_KICK, NULL, 60000, on_reply, s), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ipc_client_request(s->c, T_ECHO, NULL, 60000, on_reply, s), 0);
	assert_true(rig_until(&s->rig, is_down, s));
	assert_int_equal(s->replies, 21);
	assert_int_equal(s->last_result, -ECONNRESET);
	assert_true(rig_until(&s->rig, is_up, s));
}

static bool is_freed(void *arg)
{
	return !((struct stage *)arg)->c;
}

static void test_client_freed_inside_a_reply(void **state)
{
	struct stage *s = *state;

	s->free_in_callback = true;
	for (int i = 0; i < 5; i++)
		assert_int_equal(ipc_client_request(s->c, T_ECHO, NULL, 60000, on_reply, s), 0);
	assert_true(rig_until(&s->rig, is_freed, s));
	assert_int_equal(s->replies, 5);
	assert_int_equal(s->downs, 0);
}

static void test_client_freed_inside_a_reset(void **state)
{
	struct stage *s = *state;

	for (int i = 0; i < 5; i++)
		assert_int_equal(ipc_client_request(s->c, T_SILENT, NULL, 60000, on_reply, s), 0);
	s->free_in_callback = true;
	s->rig.server = ipc_server_free(s->rig.server);
	assert_true(rig_until(&s->rig, is_freed, s));
	assert_int_equal(s->replies, 5);
	assert_int_equal(s->downs, 0);
}

static void test_client_freed_inside_a_deadline(void **state)
{
	struct stage *s = *state;

	s->free_in_callback = true;
	for (int i = 0; i < 5; i++)
		assert_int_equal(ipc_client_request(s->c, T_SILENT, NULL, 10, on_reply, s), 0);
	assert_true(rig_until(&s->rig, is_freed, s));
	assert_int_equal(s->replies, 5);
}

static void test_client_freed_inside_on_up_on_down_and_on_event(void **state)
{
	struct stage *s = *state;

	s->free_in_event = true;
	assert_int_equal(ipc_client_request(s->c, T_SILENT, NULL, 60000, on_reply, s), 0);
	while (!s->held)
		rig_turn(&s->rig);
	assert_int_equal(ipc_conn_send(s->held, IPC_STATUS, 0, NULL), 0);
	assert_true(rig_until(&s->rig, is_freed, s));
	start(s, getuid());
	s->free_in_up = true;
	assert_true(rig_until(&s->rig, is_freed, s));
	start(s, getuid());
	assert_true(rig_until(&s->rig, is_up, s));
	s->free_in_down = true;
	s->rig.server = ipc_server_free(s->rig.server);
	assert_true(rig_until(&s->rig, is_freed, s));
	assert_int_equal(s->downs, 1);
}

static void test_client_request_started_inside_a_reply(void **state)
{
	struct stage *s = *state;

	s->request_in_callback = true;
	assert_int_equal(ipc_client_request(s->c, T_ECHO, NULL, 60000, on_reply, s), 0);
	assert_true(rig_until(&s->rig, has_reply, s));
	while (s->replies < 2)
		rig_turn(&s->rig);
	assert_int_equal(s->last_result, 0);
}

static bool has_tried(void *arg)
{
	return ((struct stage *)arg)->logged >= 1;
}

static void test_client_wrong_owner_of_the_listener_is_not_talked_to(void **state)
{
	struct stage *s = *state;

	rig_serve(&s->rig, &edge, &clock_boottime);
	start(s, getuid() + 1);
	assert_true(rig_until(&s->rig, has_tried, s));
	assert_non_null(strstr(s->said, "served by uid"));
	/* Tried again and again, told once, and nothing was said to the impostor. */
	rig_settle(&s->rig);
	assert_int_equal(s->logged, 1);
	assert_false(is_up(s));
	assert_int_equal(ipc_server_counters(s->rig.server)->records, 0);
	assert_int_equal(s->ups, 0);
}

/* Nobody listens, then somebody does. */
static void test_client_waits_for_a_listener(void **state)
{
	struct stage *s = *state;

	start(s, getuid());
	assert_true(rig_until(&s->rig, has_tried, s));
	rig_settle(&s->rig);
	assert_int_equal(s->logged, 1);
	assert_int_equal(s->ups + s->downs, 0);
	rig_serve(&s->rig, &edge, &clock_boottime);
	assert_true(rig_until(&s->rig, is_up, s));
	assert_int_equal(s->logged, 2);
	assert_string_equal(s->said, "connected");
}

/* The listener's backlog is full of others: connect() says EAGAIN until they are accepted. */
static void test_client_survives_a_full_backlog(void **state)
{
	struct stage *s = *state;
	int fd[64], n = 0, listener = rig_listen(&s->rig);
	const struct ipc_server_env env = {.loop = &s->rig.loop,
	    .clock = &clock_boottime,
	    .instance = RIG_INSTANCE,
	    .owner = &s->rig,
	    .roles_of = nobody};

	while (n < 64 && ipc_sock_connect(s->rig.path, &fd[n]) == 0)
		n++;
	assert_true(n < 64);
	start(s, getuid());
	assert_true(rig_until(&s->rig, has_tried, s));
	assert_non_null(strstr(s->said, "too many"));
	while (n)
		close(fd[--n]);
	assert_int_equal(ipc_server_new(&env, &edge, listener, &s->rig.server), 0);
	assert_true(rig_until(&s->rig, is_up, s));
}

/* Connected, but nobody accepts: the timer is pulled forward, the clock with it. */
static void test_client_server_that_does_not_greet_is_left(void **state)
{
	struct stage *s = *state;
	int listener = rig_listen(&s->rig);

	s->use_fake_clock = true;
	start(s, getuid());
	rig_settle(&s->rig);
	assert_int_equal(s->logged, 0);
	assert_in_range(uv_timer_get_due_in(&s->c->timer), 1000, 10000);
	s->rig.fake.ms += 10000;
	uv_timer_start(&s->c->timer, s->c->timer.timer_cb, 0, 0);
	assert_true(rig_until(&s->rig, has_tried, s));
	assert_non_null(strstr(s->said, "does not answer HELLO"));
	assert_null(s->c->link);
	close(listener);
}

/* Between attempts it waits twice as long each time, up to the most. */
static void test_client_back_off_doubles_up_to_its_most(void **state)
{
	static const uint64_t waits[] = {1, 2, 4, 8, 16, 16, 16};
	struct stage *s = *state;

	s->use_fake_clock = true;
	start(s, getuid());
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		rig_settle(&s->rig);
		assert_int_equal(s->c->retry_ms - s->rig.fake.ms, waits[i]);
		s->rig.fake.ms = s->c->retry_ms;
		uv_timer_start(&s->c->timer, s->c->timer.timer_cb, 0, 0);
	}
}

/* A server that answers HELLO with anything else. */
static void test_client_strange_answer_to_hello_is_refused(void **state)
{
	static const struct {
		uint16_t type;
		const char *edge, *why;
	} cases[] = {{IPC_OK, NULL, "not HELLO"}, {IPC_HELLO, "other", "HELLO for the edge 'other'"}};
	struct stage *s = *state;
	int listener = rig_listen(&s->rig);

	start(s, getuid());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ipc_record rec;
		int fd = -1;

		while (fd < 0) {
			rig_turn(&s->rig);
			fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		}
		assert_int_equal(rig_recv(&s->rig, fd, &rec), 1);
		assert_int_equal(rec.type, IPC_HELLO);
		if (cases[i].edge)
			rig_send_hello(fd, 1, 1, cases[i].edge, RIG_INSTANCE);
		else
			assert_true(rig_send(fd, cases[i].type, 0, 1, 0, NULL, 0));
		assert_int_equal(rig_recv(&s->rig, fd, &rec), 0);
		assert_non_null(strstr(s->said, cases[i].why));
		close(fd);
	}
	assert_int_equal(s->ups, 0);
	close(listener);
}

#define UP(f)   cmocka_unit_test_setup_teardown(f, setup_up, teardown)
#define DOWN(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UP(test_client_up_reports_the_servers_epoch),
	    UP(test_client_request_gets_its_answer),
	    UP(test_client_server_death_resets_pending_then_reconnects),
	    UP(test_client_deadline_gives_etime_and_the_late_answer_is_dropped),
	    UP(test_client_pending_requests_are_bounded),
	    UP(test_client_request_beyond_a_record_is_not_filed),
	    UP(test_client_rows_wait_for_room_and_arrive_in_order),
	    UP(test_client_events_reach_on_event_and_a_bad_one_ends_the_connection),
	    UP(test_client_kicked_with_unread_requests_recovers),
	    UP(test_client_freed_inside_a_reply),
	    UP(test_client_freed_inside_a_reset),
	    UP(test_client_freed_inside_a_deadline),
	    UP(test_client_freed_inside_on_up_on_down_and_on_event),
	    UP(test_client_request_started_inside_a_reply),
	    DOWN(test_client_wrong_owner_of_the_listener_is_not_talked_to),
	    DOWN(test_client_waits_for_a_listener),
	    DOWN(test_client_survives_a_full_backlog),
	    DOWN(test_client_server_that_does_not_greet_is_left),
	    DOWN(test_client_back_off_doubles_up_to_its_most),
	    DOWN(test_client_strange_answer_to_hello_is_refused),
	};

	return cmocka_run_group_tests_name("ipc/client", tests, NULL, NULL);
}
