/*
 * A descriptor beside a record: it reaches the handler whose rule wants one, is closed when nobody takes it,
 * and ends the connection where none belongs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/sock.h"
#include "support/ipc_rig.h"

static int taken = -1;

static int handle_take(struct ipc_conn *c, const struct ipc_record *rec)
{
	taken = ipc_conn_take_fd(c);
	assert_int_equal(ipc_conn_take_fd(c), -1); /* there is one, once */
	return ipc_conn_send(c, IPC_OK, rec->id, NULL);
}

static int handle_leave(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ipc_conn_send(c, IPC_OK, rec->id, NULL);
}

/* type, name, roles, max_body, max_in_flight, cost, secret, handle, takes_fd */
static const struct ipc_rule rules[] = {
    {IPC_CREDENTIAL_PUT, "take", IPC_ROLE_ROOT, 100, 2, 1, false, handle_take, true},
    {IPC_SPD_PUT, "leave", IPC_ROLE_ROOT, 100, 2, 1, false, handle_leave, true},
    {IPC_SPD_FLUSH, "none", IPC_ROLE_ROOT, 100, 2, 1, false, handle_leave, false},
    {IPC_SA_FLUSH, "keyd's", IPC_ROLE_KEYD, 100, 2, 1, false, handle_take, true},
};
static const struct ipc_edge edge = {.name = RIG_EDGE,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 1000,
    .budget_burst = 1000,
    .max_conns = 4,
    .max_queued = 262144};

/* How many descriptors this process has. */
static unsigned n_open(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void send_with(int fd, uint16_t type, uint32_t id, int passed)
{
	const struct ipc_record head = {.type = type, .id = id};
	uint8_t b[IPC_HEADER_LEN];
	int n = ipc_record_build(b, sizeof(b), &head, NULL);

	assert_int_equal(n, IPC_HEADER_LEN);
	assert_int_equal(ipc_sock_send_fd(fd, b, (size_t)n, passed), 0);
}

struct stage {
	struct ipc_rig r;
	int fd, pipe[2];
	unsigned n_before;
};

static int setup(void **state)
{
	static struct stage x;

	rig_init(&x.r);
	rig_serve(&x.r, &edge, NULL);
	x.fd = rig_connect_greeted(&x.r);
	assert_int_equal(pipe(x.pipe), 0);
	x.n_before = n_open();
	taken = -1;
	*state = &x;
	return 0;
}

static int teardown(void **state)
{
	struct stage *x = *state;

	close(x->fd);
	close(x->pipe[0]);
	close(x->pipe[1]);
	rig_fini(&x->r);
	return 0;
}

static void expect_ok(struct stage *x, uint32_t id)
{
	struct ipc_record rec;

	assert_int_equal(rig_recv(&x->r, x->fd, &rec), 1);
	assert_int_equal(rec.type, IPC_OK);
	assert_int_equal(rec.id, id);
}

static void test_fd_reaches_the_handler(void **state)
{
	struct stage *x = *state;
	char c = 0;

	send_with(x->fd, IPC_CREDENTIAL_PUT, 1, x->pipe[1]);
	expect_ok(x, 1);
	assert_true(taken >= 0);
	assert_true(fcntl(taken, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(taken, "x", 1), 1);
	assert_int_equal(read(x->pipe[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	close(taken);
	assert_int_equal(n_open(), x->n_before);
}

static void test_fd_may_be_missing(void **state)
{
	struct stage *x = *state;

	assert_true(rig_send(x->fd, IPC_CREDENTIAL_PUT, 0, 1, 0, NULL, 0));
	expect_ok(x, 1);
	assert_int_equal(taken, -1);
}

/* Nor does the next record get what the one before it brought. */
static void test_fd_nobody_takes_is_closed(void **state)
{
	struct stage *x = *state;

	send_with(x->fd, IPC_SPD_PUT, 1, x->pipe[1]);
	expect_ok(x, 1);
	assert_int_equal(n_open(), x->n_before);
	assert_true(rig_send(x->fd, IPC_CREDENTIAL_PUT, 0, 2, 0, NULL, 0));
	expect_ok(x, 2);
	assert_int_equal(taken, -1);
}

/* The record that is refused, and the reason; the descriptor is closed in each case. */
static void refuse(struct stage *x, uint16_t type, uint32_t id, const char *why)
{
	struct ipc_record rec = {0};
	struct err_text e = {{0}};
	int code = 0;

	send_with(x->fd, type, id, x->pipe[1]);
	while (rig_recv(&x->r, x->fd, &rec) == 1)
		if (rec.type == IPC_ERROR)
			code = ipc_error_decode(&rec, &e);
	if (code >= 0 || !strstr(e.s, why) || x->r.n_logged != 1)
		fail_msg("expected '%s', got %d '%s' with %u lines", why, code, e.s, x->r.n_logged);
	assert_int_equal(ipc_server_counters(x->r.server)->violations, 1);
	rig_settle(&x->r);
	assert_int_equal(n_open(), x->n_before - 1); /* the server's end of the connection has gone */
	assert_int_equal(taken, -1);
}

static void test_fd_where_none_belongs(void **state)
{
	refuse(*state, IPC_SPD_FLUSH, 1, "a descriptor where none belongs (none)");
}

static void test_fd_of_somebody_who_may_not(void **state)
{
	refuse(*state, IPC_SA_FLUSH, 1, "(keyd's)");
}

static void test_fd_beside_an_unknown_record(void **state)
{
	refuse(*state, 9999, 1, "unknown record type 9999");
}

static void test_fd_beside_a_request_without_an_id(void **state)
{
	refuse(*state, IPC_CREDENTIAL_PUT, 0, "an id other than 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_fd_reaches_the_handler, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_fd_may_be_missing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_fd_nobody_takes_is_closed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_fd_where_none_belongs, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_fd_of_somebody_who_may_not, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_fd_beside_an_unknown_record, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_fd_beside_a_request_without_an_id, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
