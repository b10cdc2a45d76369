/*
 * What a server does over time: budgets, slow readers, connections that come and go, and handlers that pull
 * the rug.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/conn_priv.h"
#include "support/ipc_rig.h"

#include "admin.pb-c.h"

enum { RATE = 10, BURST = 5, MAX_QUEUED = 200000 };

/* Some of these fill the socket. */
static char long_text[10000];

/* What the handlers of a test do and see. */
static struct {
	unsigned handled, opened, closed;
	struct ipc_conn *conn; /* the last that said something; not a reference */
	struct ipc_conn *held;
	bool free_server, close_conn;
	struct ipc_rig *rig;
} seen;

static void rug(struct ipc_conn *c)
{
	if (seen.close_conn)
		ipc_conn_close(c);
	if (seen.free_server)
		seen.rig->server = ipc_server_free(seen.rig->server);
}

static int handle_answer(struct ipc_conn *c, const struct ipc_record *rec)
{
	seen.handled++;
	seen.conn = c;
	rug(c);
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int handle_long_answer(struct ipc_conn *c, const struct ipc_record *rec)
{
	Postern__Event m = POSTERN__EVENT__INIT;

	seen.handled++;
	seen.conn = c;
	m.text = long_text;
	return ipc_conn_send(c, IPC_EVENT, rec->id, &m.base);
}

static int handle_hold(struct ipc_conn *c, const struct ipc_record *rec)
{
	(void)rec;
	seen.handled++;
	seen.held = ipc_conn_ref(c);
	return 0;
}

static void on_open(struct ipc_conn *c)
{
	seen.opened++;
	assert_null(ipc_conn_data(c));
	ipc_conn_set_data(c, &seen);
}

static void on_close(struct ipc_conn *c)
{
	seen.closed++;
	assert_false(ipc_conn_is_open(c));
	assert_ptr_equal(ipc_conn_data(c), &seen);
	assert_int_equal(ipc_conn_send(c, IPC_EVENT, 0, NULL), -EPIPE);
	assert_int_equal(ipc_conn_stream(c, 1, NULL, NULL), -EPIPE);
}

/* type, name, roles, max_body, max_in_flight, cost, secret, handle */
static const struct ipc_rule rules[] = {
    {IPC_STATUS, "status", IPC_ROLE_ADMIN, 0, 100, 1, false, handle_answer},
    {IPC_STATS, "stats", IPC_ROLE_ADMIN, 0, 100, 3, false, handle_answer},
    {IPC_ENABLE_GET, "costly", IPC_ROLE_ADMIN, 0, 100, 1000, false, handle_answer},
    {IPC_TXN_BEGIN, "long", IPC_ROLE_ADMIN, 0, 100, 1, false, handle_long_answer},
    {IPC_MONITOR, "monitor", IPC_ROLE_ADMIN, 0, 1, 1, false, handle_hold},
};

static const struct ipc_edge slow = {.name = RIG_EDGE,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = RATE,
    .budget_burst = BURST,
    .max_conns = 3,
    .max_queued = MAX_QUEUED,
    .on_open = on_open,
    .on_close = on_close};

static const struct ipc_edge fast = {.name = RIG_EDGE,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 100000,
    .budget_burst = 100000,
    .max_conns = 3,
    .max_queued = MAX_QUEUED,
    .on_open = on_open,
    .on_close = on_close};

static int setup(void **state)
{
	struct ipc_rig *r = calloc(1, sizeof(*r));

	rig_init(r);
	memset(&seen, 0, sizeof(seen));
	seen.rig = r;
	memset(long_text, 'x', sizeof(long_text) - 1);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct ipc_rig *r = *state;

	seen.held = ipc_conn_unref(seen.held);
	rig_fini(r);
	assert_int_equal(seen.opened, seen.closed);
	free(r);
	return 0;
}

static void ask(int fd, enum ipc_type type, uint32_t id)
{
	assert_true(rig_send(fd, type, 0, id, 0, NULL, 0));
}

static bool has_closed(void *arg)
{
	return seen.closed >= *(const unsigned *)arg;
}

static bool has_handled(void *arg)
{
	return seen.handled >= *(const unsigned *)arg;
}

/* The budget of 5 pays for HELLO and four requests; one more is read on credit. */
static void test_server_empty_budget_stops_reading_and_drops_nothing(void **state)
{
	struct ipc_rig *r = *state;
	unsigned want = 20;
	int fd, other;

	rig_serve(r, &slow, NULL);
	fd = rig_connect_greeted(r);
	for (uint32_t id = 1; id <= 20; id++)
		ask(fd, IPC_STATUS, id);
	rig_settle(r);
	assert_int_equal(seen.handled, BURST);
	/* A second connection has its own budget. */
	other = rig_connect_greeted(r);
	ask(other, IPC_STATUS, 1);
	rig_settle(r);
	assert_int_equal(seen.handled, BURST + 1);
	assert_int_equal(r->server->counters.throttled > 0, 1);
	for (unsigned step = 1; step <= 3; step++) {
		unsigned now = BURST + 1 + 2 * step;

		r->fake.ms += 2 * 1000 / RATE;
		assert_true(rig_until(r, has_handled, &now));
		rig_settle(r);
		assert_int_equal(seen.handled, now);
	}
	for (want = 21; seen.handled < want;) {
		r->fake.ms += 1000;
		rig_turn(r);
	}
	for (uint32_t id = 1; id <= 20; id++) {
		struct ipc_record rec;

		assert_int_equal(rig_recv(r, fd, &rec), 1);
		assert_int_equal(rec.id, id);
	}
	assert_int_equal(r->server->counters.violations, 0);
	close(fd);
	close(other);
}

static void test_server_cost_is_taken_from_the_budget(void **state)
{
	struct ipc_rig *r = *state;
	int fd;

	rig_serve(r, &slow, NULL);
	fd = rig_connect_greeted(r);
	for (uint32_t id = 1; id <= 10; id++)
		ask(fd, IPC_STATS, id);
	rig_settle(r);
	/* 5 tokens: HELLO 1, a request of 3, and the next on credit. */
	assert_int_equal(seen.handled, 2);
	close(fd);
}

static void test_server_cost_above_the_burst_counts_as_the_burst(void **state)
{
	struct ipc_rig *r = *state;
	unsigned want = 2;
	int fd;

	rig_serve(r, &slow, NULL);
	fd = rig_connect_greeted(r);
	ask(fd, IPC_ENABLE_GET, 1);
	ask(fd, IPC_ENABLE_GET, 2);
	rig_settle(r);
	assert_int_equal(seen.handled, 1);
	r->fake.ms += 1000 * BURST / RATE;
	assert_true(rig_until(r, has_handled, &want));
	close(fd);
}

static void test_server_slow_reader_of_events_ends_at_max_queued(void **state)
{
	static char text[8000];
	struct ipc_rig *r = *state;
	Postern__Event m = POSTERN__EVENT__INIT;
	unsigned want = 1, sent = 0;
	int fd, e = 0;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	ask(fd, IPC_MONITOR, 1);
	assert_true(rig_until(r, has_handled, &want));
	memset(text, 'x', sizeof(text) - 1);
	m.text = text;
	while (sent < 1000) {
		bool room = ipc_conn_has_room(seen.held);

		e = ipc_conn_send(seen.held, IPC_EVENT, 0, &m.base);
		if (e)
			break;
		sent++;
		/* Room was promised only where the bound allowed a record of any size. */
		assert_true(!room || seen.held->out.bytes <= MAX_QUEUED);
		assert_true(seen.held->out.bytes <= MAX_QUEUED);
	}
	assert_int_equal(e, -ENOBUFS);
	assert_true(sent * sizeof(text) > MAX_QUEUED);
	assert_false(ipc_conn_is_open(seen.held));
	assert_int_equal(seen.held->out.bytes, 0);
	assert_int_equal(ipc_conn_send(seen.held, IPC_EVENT, 0, &m.base), -EPIPE);
	/* The service hears of it from the loop. */
	assert_int_equal(seen.closed, 0);
	assert_true(rig_until(r, has_closed, &want));
	assert_int_equal(r->server->counters.violations, 1);
	assert_non_null(strstr(r->logged, "does not read"));
	close(fd);
}

/* Its own questions never end a slow reader: they are not read while its answers wait. */
static void test_server_slow_reader_of_answers_is_not_asked_on(void **state)
{
	struct ipc_rig *r = *state;
	struct ipc_record rec;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	for (uint32_t id = 1; id <= 200; id++) {
		ask(fd, IPC_TXN_BEGIN, id);
		rig_turn(r);
	}
	rig_settle(r);
	assert_true(seen.handled < 150);
	assert_int_equal(seen.conn->polled, UV_WRITABLE);
	assert_true(seen.conn->out.bytes > MAX_QUEUED / 2 && seen.conn->out.bytes < MAX_QUEUED);
	for (uint32_t id = 1; id <= 200; id++) {
		assert_int_equal(rig_recv(r, fd, &rec), 1);
		assert_int_equal(rec.id, id);
	}
	assert_int_equal(seen.handled, 200);
	close(fd);
}

static void test_server_events_with_room_never_end_the_connection(void **state)
{
	static char text[60000];
	struct ipc_rig *r = *state;
	Postern__Event m = POSTERN__EVENT__INIT;
	unsigned want = 1;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	ask(fd, IPC_MONITOR, 1);
	assert_true(rig_until(r, has_handled, &want));
	memset(text, 'x', sizeof(text) - 1);
	m.text = text;
	for (unsigned i = 0; i < 100 && ipc_conn_has_room(seen.held); i++)
		assert_int_equal(ipc_conn_send(seen.held, IPC_EVENT, 0, &m.base), 0);
	assert_true(ipc_conn_is_open(seen.held));
	assert_false(ipc_conn_has_room(seen.held));
	close(fd);
}

static void test_server_rug_pulled_inside_a_handler(void **state)
{
	struct ipc_rig *r = *state;

	for (int way = 0; way < 3; way++) {
		struct ipc_record rec;
		int fd;

		rig_serve(r, &fast, NULL);
		fd = rig_connect_greeted(r);
		seen.close_conn = way != 1;
		seen.free_server = way != 0;
		ask(fd, IPC_STATUS, 1);
		ask(fd, IPC_STATUS, 2);
		assert_int_equal(rig_recv(r, fd, &rec), 0);
		assert_int_equal(seen.handled, way + 1);
		close(fd);
		r->server = ipc_server_free(r->server);
		rig_settle(r);
	}
}

static void test_server_held_connection_outlives_peer_and_server(void **state)
{
	struct ipc_rig *r = *state;
	unsigned want = 1;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	ask(fd, IPC_MONITOR, 1);
	assert_true(rig_until(r, has_handled, &want));
	assert_true(ipc_conn_is_open(seen.held));
	close(fd);
	assert_true(rig_until(r, has_closed, &want));
	assert_false(ipc_conn_is_open(seen.held));
	r->server = ipc_server_free(r->server);
	rig_settle(r);
	assert_int_equal(ipc_conn_send_error(seen.held, 1, EIO, "nobody hears this"), -EPIPE);
	assert_ptr_equal(ipc_conn_owner(seen.held), r);
	assert_int_equal(ipc_conn_pid(seen.held), getpid());
	assert_int_equal(ipc_conn_uid(seen.held), getuid());
}

static void test_server_peer_that_vanishes_after_asking_is_heard(void **state)
{
	struct ipc_rig *r = *state;
	unsigned want = 1;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	for (uint32_t id = 1; id <= 40; id++)
		ask(fd, IPC_STATUS, id);
	close(fd);
	assert_true(rig_until(r, has_closed, &want));
	/* Answers hit a closed socket: that ends the connection and is nobody's fault. */
	assert_true(seen.handled >= 1);
	assert_int_equal(r->server->counters.violations, 0);
}

static void test_server_refuses_beyond_max_conns_and_without_roles(void **state)
{
	struct ipc_rig *r = *state;
	struct ipc_record rec;
	int fd[3], extra;

	rig_serve(r, &fast, NULL);
	for (int i = 0; i < 3; i++)
		fd[i] = rig_connect_greeted(r);
	extra = rig_connect(r);
	assert_int_equal(rig_recv(r, extra, &rec), 0);
	close(extra);
	close(fd[0]);
	rig_settle(r);
	r->roles = 0;
	extra = rig_connect(r);
	assert_int_equal(rig_recv(r, extra, &rec), 0);
	close(extra);
	assert_int_equal(r->server->counters.refused, 2);
	assert_int_equal(r->server->counters.accepted, 3);
	r->roles = IPC_ROLE_ADMIN;
	fd[0] = rig_connect_greeted(r);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}

/* The timer is pulled forward; what it does is the server's. */
static void test_server_connection_that_says_nothing_is_ended(void **state)
{
	struct ipc_rig *r = *state;
	struct ipc_record rec;
	struct ipc_conn *c;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect(r);
	rig_settle(r);
	c = list_entry(r->server->conns.next, struct ipc_conn, node);
	assert_in_range(uv_timer_get_due_in(&c->timer), 1000, 10000);
	uv_timer_start(&c->timer, c->timer.timer_cb, 0, 0);
	assert_int_equal(rig_recv(r, fd, &rec), 1);
	assert_int_equal(rec.type, IPC_ERROR);
	assert_int_equal(rig_recv(r, fd, &rec), 0);
	assert_non_null(strstr(r->logged, "no HELLO"));
	close(fd);
	/* Who said HELLO may be silent for ever. */
	fd = rig_connect_greeted(r);
	c = list_entry(r->server->conns.next, struct ipc_conn, node);
	assert_false(uv_is_active((uv_handle_t *)&c->timer));
	close(fd);
}

static bool is_paused(void *arg)
{
	struct ipc_rig *r = arg;

	return uv_is_active((uv_handle_t *)&r->server->pause);
}

static void test_server_out_of_descriptors_waits_and_goes_on(void **state)
{
	struct ipc_rig *r = *state;
	struct rlimit old, none;
	struct ipc_record rec;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect(r);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_true(rig_until(r, is_paused, r));
	/* Not spinning on a listener that stays readable. */
	assert_false(uv_is_active((uv_handle_t *)&r->server->poll));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	rig_send_hello(fd, 1, 1, RIG_EDGE, RIG_INSTANCE);
	assert_int_equal(rig_recv(r, fd, &rec), 1);
	assert_int_equal(rec.type, IPC_HELLO);
	close(fd);
}

static void each_counts(struct ipc_conn *c, void *arg)
{
	unsigned *n = arg;

	if (*n == 100)
		seen.rig->server = ipc_server_free(seen.rig->server);
	(*n)++;
	ipc_conn_close(c);
}

static void test_server_each_skips_closed_and_ungreeted(void **state)
{
	struct ipc_rig *r = *state;
	unsigned n = 0;
	int fd[3];

	rig_serve(r, &fast, NULL);
	fd[0] = rig_connect_greeted(r);
	fd[1] = rig_connect(r);
	rig_settle(r);
	fd[2] = rig_connect_greeted(r);
	ipc_server_each(r->server, each_counts, &n);
	assert_int_equal(n, 2);
	ipc_server_each(r->server, each_counts, &n);
	assert_int_equal(n, 2);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	rig_settle(r);
	for (int i = 0; i < 2; i++)
		fd[i] = rig_connect_greeted(r);
	/* Freed in the middle: the walk ends there. */
	n = 100;
	ipc_server_each(r->server, each_counts, &n);
	assert_int_equal(n, 101);
	close(fd[0]);
	close(fd[1]);
}

static void test_server_answer_too_large_leaves_the_request_open(void **state)
{
	static char text[IPC_RECORD_MAX];
	struct ipc_rig *r = *state;
	Postern__Event m = POSTERN__EVENT__INIT;
	struct ipc_record rec;
	unsigned want = 1;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	ask(fd, IPC_MONITOR, 1);
	assert_true(rig_until(r, has_handled, &want));
	memset(text, 'x', sizeof(text) - 1);
	m.text = text;
	assert_int_equal(ipc_conn_send(seen.held, IPC_EVENT, 1, &m.base), -EMSGSIZE);
	assert_int_equal(seen.held->flight.n, 1);
	assert_int_equal(ipc_conn_send_error(seen.held, 1, E2BIG, "more than %d", 65536), 0);
	assert_int_equal(seen.held->flight.n, 0);
	assert_int_equal(rig_recv(r, fd, &rec), 1);
	assert_int_equal(rec.type, IPC_ERROR);
	close(fd);
}

static void test_server_new_refuses_tables_that_contradict_themselves(void **state)
{
	static const struct ipc_rule twice[] = {{IPC_STATUS, "a", 1, 0, 1, 1, false, handle_answer},
	    {IPC_STATUS, "b", 1, 0, 1, 1, false, handle_answer}};
	static const struct ipc_rule no_handler[] = {{IPC_STATUS, "a", 1, 0, 1, 1, false, NULL}};
	static const struct ipc_rule reserved[] = {{IPC_HELLO, "a", 1, 0, 1, 1, false, handle_answer}};
	static const struct ipc_rule huge[] = {
	    {IPC_STATUS, "a", 1, IPC_RECORD_MAX, 1, 1, false, handle_answer}};
	struct ipc_rig *r = *state;
	const struct ipc_server_env env = {
	    .loop = &r->loop, .clock = &r->fake.clock, .instance = RIG_INSTANCE};
	struct ipc_edge edges[] = {fast, fast, fast, fast, fast, fast};

	edges[0].rules = twice;
	edges[0].n_rules = 2;
	edges[1].rules = no_handler;
	edges[2].rules = reserved;
	edges[3].rules = huge;
	edges[1].n_rules = edges[2].n_rules = edges[3].n_rules = 1;
	edges[4].budget_rate = 0;
	edges[5].version_min = 3;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		struct ipc_server *s = NULL;

		assert_int_equal(ipc_server_new(&env, &edges[i], rig_listen(r), &s), -EINVAL);
		assert_null(s);
	}
}

#define ON_STAGE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ON_STAGE(test_server_empty_budget_stops_reading_and_drops_nothing),
	    ON_STAGE(test_server_cost_is_taken_from_the_budget),
	    ON_STAGE(test_server_cost_above_the_burst_counts_as_the_burst),
	    ON_STAGE(test_server_slow_reader_of_events_ends_at_max_queued),
	    ON_STAGE(test_server_slow_reader_of_answers_is_not_asked_on),
	    ON_STAGE(test_server_events_with_room_never_end_the_connection),
	    ON_STAGE(test_server_rug_pulled_inside_a_handler),
	    ON_STAGE(test_server_held_connection_outlives_peer_and_server),
	    ON_STAGE(test_server_peer_that_vanishes_after_asking_is_heard),
	    ON_STAGE(test_server_refuses_beyond_max_conns_and_without_roles),
	    ON_STAGE(test_server_connection_that_says_nothing_is_ended),
	    ON_STAGE(test_server_out_of_descriptors_waits_and_goes_on),
	    ON_STAGE(test_server_each_skips_closed_and_ungreeted),
	    ON_STAGE(test_server_answer_too_large_leaves_the_request_open),
	    ON_STAGE(test_server_new_refuses_tables_that_contradict_themselves),
	};

	return cmocka_run_group_tests_name("ipc/server", tests, NULL, NULL);
}
