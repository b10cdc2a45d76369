/*
 * Bulk answers: pulled at the reader's pace, in order, and ended once whatever happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/conn_priv.h"
#include "support/ipc_rig.h"

#include "admin.pb-c.h"

enum { ROWS = 10000 };

/* Long enough that one turn's rows fill the socket. */
static char long_text[10000];

/* What the handlers of a test do and see. */
static struct {
	unsigned handled, closed, done;
	struct ipc_conn *conn; /* the last that said something; not a reference */
	uint32_t rows, end_at;
	int end_with; /* next() returns this at end_at instead of the END row */
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
	return ipc_conn_send(c, IPC_OK, rec->id, NULL);
}

static int next_row(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg)
{
	Postern__Counter m = POSTERN__COUNTER__INIT;
	bool end = row + 1 == ROWS;
	int r;

	assert_ptr_equal(arg, &seen);
	assert_int_equal(row, seen.rows);
	assert_true(ipc_outq_is_empty(&c->out));
	if (row == seen.end_at) {
		rug(c);
		return seen.end_with;
	}
	seen.rows++;
	m.name = long_text;
	m.value = row;
	r = ipc_conn_send_row(c, IPC_SPD_DUMP_ROW, rec_id, row, end, &m.base);
	assert_true(r == 0 || r == -EPIPE);
	return r ? r : end ? 0 : 1;
}

static void stream_done(void *arg)
{
	assert_ptr_equal(arg, &seen);
	seen.done++;
}

static int handle_dump(struct ipc_conn *c, const struct ipc_record *rec)
{
	static const struct ipc_stream_ops ops = {.next = next_row, .done = stream_done};

	seen.handled++;
	seen.conn = c;
	assert_int_equal(ipc_conn_stream(c, rec->id, &ops, &seen), 0);
	/* The first row comes from the loop. */
	assert_int_equal(seen.rows, 0);
	return 0;
}

static void on_close(struct ipc_conn *c)
{
	(void)c;
	seen.closed++;
}

/* type, name, roles, max_body, max_in_flight, cost, secret, handle */
static const struct ipc_rule rules[] = {
    {IPC_STATUS, "status", IPC_ROLE_ADMIN, 0, 100, 1, false, handle_answer},
    {IPC_SPD_DUMP, "spd.dump", IPC_ROLE_ADMIN, 0, 1, 1, false, handle_dump},
};

static const struct ipc_edge fast = {.name = RIG_EDGE,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 100000,
    .budget_burst = 100000,
    .max_conns = 3,
    .max_queued = 200000,
    .on_close = on_close};

static int setup(void **state)
{
	struct ipc_rig *r = calloc(1, sizeof(*r));

	rig_init(r);
	memset(&seen, 0, sizeof(seen));
	seen.rig = r;
	seen.end_at = UINT32_MAX;
	memset(long_text, 'x', sizeof(long_text) - 1);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	rig_fini(*state);
	free(*state);
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

/* Reads the rows in bursts with pauses; `on_way` is asked in between. */
static void read_rows(struct ipc_rig *r, int fd, uint32_t n)
{
	for (uint32_t row = 0; row < n; row++) {
		struct ipc_record rec;

		assert_int_equal(rig_recv(r, fd, &rec), 1);
		if (rec.type == IPC_OK) {
			row--;
			continue;
		}
		assert_int_equal(rec.type, IPC_SPD_DUMP_ROW);
		assert_int_equal(rec.id, 9);
		assert_int_equal(rec.row, row);
		assert_int_equal(rec.flags, row + 1 == ROWS ? IPC_F_END : 0);
		if (row % 700 == 0)
			rig_settle(r);
		if (row % 1000 == 500)
			ask(fd, IPC_STATUS, 100 + row);
	}
}

static void test_stream_to_a_slow_reader_completes_in_order(void **state)
{
	struct ipc_rig *r = *state;
	struct ipc_record rec;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	ask(fd, IPC_SPD_DUMP, 9);
	rig_settle(r);
	rig_settle(r);
	/* Nobody has read: the socket is full, and one row waits at most. */
	assert_true(seen.rows > 10 && seen.rows < ROWS / 4);
	assert_true(seen.conn->out.bytes < 2 * sizeof(long_text));
	read_rows(r, fd, ROWS);
	assert_int_equal(seen.done, 1);
	/* The dump is answered: another may be asked for. */
	seen.rows = 0;
	ask(fd, IPC_SPD_DUMP, 9);
	read_rows(r, fd, ROWS);
	assert_int_equal(seen.done, 2);
	/* The requests in between were answered while the rows ran, or are now. */
	for (unsigned want = 2 + 20; seen.handled < want;)
		assert_int_equal(rig_recv(r, fd, &rec), 1);
	assert_int_equal(r->server->counters.violations, 0);
	close(fd);
}

/* A dump counts as under way until its END row. */
static void test_stream_second_dump_before_the_end_is_a_violation(void **state)
{
	struct ipc_rig *r = *state;
	struct ipc_record rec;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	ask(fd, IPC_SPD_DUMP, 9);
	read_rows(r, fd, 100);
	ask(fd, IPC_SPD_DUMP, 10);
	while (rig_recv(r, fd, &rec) == 1)
		assert_int_not_equal(rec.id, 10);
	assert_int_equal(ipc_server_counters(r->server)->violations, 1);
	assert_non_null(strstr(r->logged, "not answered yet (spd.dump)"));
	rig_settle(r);
	assert_int_equal(seen.done, 1);
	close(fd);
}

static void test_stream_cut_by_the_reader_is_done_once(void **state)
{
	struct ipc_rig *r = *state;
	unsigned want = 1;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	ask(fd, IPC_SPD_DUMP, 9);
	read_rows(r, fd, 50);
	close(fd);
	assert_true(rig_until(r, has_closed, &want));
	assert_int_equal(seen.done, 1);
}

static void test_stream_that_fails_ends_the_connection(void **state)
{
	struct ipc_rig *r = *state;
	struct ipc_record rec;
	int fd;

	rig_serve(r, &fast, NULL);
	fd = rig_connect_greeted(r);
	seen.end_at = 20;
	seen.end_with = -EIO;
	ask(fd, IPC_SPD_DUMP, 9);
	read_rows(r, fd, 20);
	assert_int_equal(rig_recv(r, fd, &rec), 0);
	assert_int_equal(seen.done, 1);
	close(fd);
}

/* next() closes its connection or frees the server under it, and says that all is well. */
static void test_stream_rug_pulled_by_next(void **state)
{
	struct ipc_rig *r = *state;

	for (int way = 0; way < 6; way++) {
		struct ipc_record rec;
		int fd;

		rig_serve(r, &fast, NULL);
		fd = rig_connect_greeted(r);
		seen.rows = seen.done = 0;
		seen.end_at = 5;
		seen.end_with = way % 3 - 1;
		seen.close_conn = way < 3;
		seen.free_server = way >= 3;
		ask(fd, IPC_SPD_DUMP, 9);
		read_rows(r, fd, 5);
		assert_int_equal(rig_recv(r, fd, &rec), 0);
		rig_settle(r);
		assert_int_equal(seen.done, 1);
		close(fd);
		r->server = ipc_server_free(r->server);
		rig_settle(r);
	}
}

#define ON_STAGE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ON_STAGE(test_stream_to_a_slow_reader_completes_in_order),
	    ON_STAGE(test_stream_second_dump_before_the_end_is_a_violation),
	    ON_STAGE(test_stream_cut_by_the_reader_is_done_once),
	    ON_STAGE(test_stream_that_fails_ends_the_connection),
	    ON_STAGE(test_stream_rug_pulled_by_next),
	};

	return cmocka_run_group_tests_name("ipc/stream", tests, NULL, NULL);
}
