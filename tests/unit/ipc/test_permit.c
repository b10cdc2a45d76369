/*
 * The permission table: everything that ends a connection, and that it ends that connection only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/hello.h"
#include "support/ipc_rig.h"

static unsigned n_handled;

static int handle_answer(struct ipc_conn *c, const struct ipc_record *rec)
{
	n_handled++;
	return ipc_conn_send(c, IPC_OK, rec->id, NULL);
}

static int handle_later(struct ipc_conn *c, const struct ipc_record *rec)
{
	(void)c;
	(void)rec;
	n_handled++;
	return 0;
}

static int handle_malformed(struct ipc_conn *c, const struct ipc_record *rec)
{
	(void)c;
	(void)rec;
	n_handled++;
	return -EBADMSG;
}

/* type, name, roles, max_body, max_in_flight, cost, secret, handle */
static const struct ipc_rule rules[] = {
    {IPC_STATUS, "status", IPC_ROLE_ADMIN, 0, 2, 1, false, handle_answer},
    {IPC_SPD_PUT, "spd.put", IPC_ROLE_ROOT, 100, 2, 1, false, handle_later},
    {IPC_SPD_FLUSH, "spd.flush", IPC_ROLE_ROOT | IPC_ROLE_KEYD, 0, 1, 1, false, handle_later},
    {IPC_SNAPSHOT_ROW, "snapshot.row", IPC_ROLE_ROOT, 100, 0, 1, false, handle_later},
    {IPC_LOG_SET, "log.set", IPC_ROLE_ROOT, 100, 1, 1, false, handle_malformed},
};

static const struct ipc_edge edge = {.name = RIG_EDGE,
    .version_min = 2,
    .version_max = 4,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 1000,
    .budget_burst = 1000,
    .max_conns = 4,
    .max_queued = 262144};

struct said {
	uint16_t type, flags;
	uint32_t id, row;
	size_t body_len;
};

/* What a greeted peer says; the last record is the one that ends it. */
static const struct {
	const char *why; /* part of the reason told to the log and to the peer */
	int code;
	uint32_t roles;
	unsigned n_handled;
	struct said said[4];
} cases[] = {
    {"unknown record type 99", EPROTO, IPC_ROLE_ROOT, 0, {{99, 0, 1, 0, 0}}},
    {"unknown record type 0", EPROTO, IPC_ROLE_ROOT, 0, {{0, 0, 1, 0, 1}}},
    {"unknown record type 3", EPROTO, IPC_ROLE_ROOT, 0, {{IPC_OK, 0, 1, 0, 0}}},
    {"unknown record type 2", EPROTO, IPC_ROLE_ROOT, 0, {{IPC_ERROR, 0, 1, 0, 0}}},
    {"unknown record type 65535", EPROTO, IPC_ROLE_ROOT, 0, {{65535, 0, 1, 0, 0}}},
    {"only root may do this (spd.put)", EPERM, IPC_ROLE_ADMIN, 0, {{IPC_SPD_PUT, 0, 1, 0, 10}}},
    {"the caller may not do this (status)", EPERM, IPC_ROLE_ROOT, 0, {{IPC_STATUS, 0, 1, 0, 0}}},
    {"the caller may not do this (spd.flush)", EPERM, IPC_ROLE_ADMIN, 0, {{IPC_SPD_FLUSH, 0, 1, 0, 0}}},
    {"too large (spd.put)", EMSGSIZE, IPC_ROLE_ROOT, 1,
        {{IPC_SPD_PUT, 0, 1, 0, 100}, {IPC_SPD_PUT, 0, 2, 0, 101}}},
    {"too large (status)", EMSGSIZE, IPC_ROLE_ADMIN, 1, {{IPC_STATUS, 0, 1, 0, 0}, {IPC_STATUS, 0, 1, 0, 1}}},
    {"too large (snapshot.row)", EMSGSIZE, IPC_ROLE_ROOT, 1,
        {{IPC_SNAPSHOT_ROW, 0, 0, 5, 100}, {IPC_SNAPSHOT_ROW, 0, 0, 6, 60000}}},
    {"more than 65536 bytes", EMSGSIZE, IPC_ROLE_ROOT, 0, {{IPC_SPD_PUT, 0, 1, 0, IPC_RECORD_MAX}}},
    {"not answered yet (spd.put)", EPROTO, IPC_ROLE_ROOT, 2,
        {{IPC_SPD_PUT, 0, 1, 0, 0}, {IPC_SPD_PUT, 0, 2, 0, 0}, {IPC_SPD_PUT, 0, 3, 0, 0}}},
    {"not answered yet (spd.flush)", EPROTO, IPC_ROLE_ROOT, 2,
        {{IPC_SPD_PUT, 0, 1, 0, 0}, {IPC_SPD_FLUSH, 0, 2, 0, 0}, {IPC_SPD_FLUSH, 0, 3, 0, 0}}},
    {"under way already (spd.put)", EPROTO, IPC_ROLE_ROOT, 1,
        {{IPC_SPD_PUT, 0, 7, 0, 0}, {IPC_SPD_PUT, 0, 7, 0, 0}}},
    {"under way already (spd.flush)", EPROTO, IPC_ROLE_ROOT, 1,
        {{IPC_SPD_PUT, 0, 7, 0, 0}, {IPC_SPD_FLUSH, 0, 7, 0, 0}}},
    {"an id other than 0", EPROTO, IPC_ROLE_ROOT, 0, {{IPC_SPD_PUT, 0, 0, 0, 0}}},
    {"no row number", EPROTO, IPC_ROLE_ROOT, 0, {{IPC_SPD_PUT, 0, 1, 1, 0}}},
    {"no END flag (spd.put)", EPROTO, IPC_ROLE_ROOT, 0, {{IPC_SPD_PUT, IPC_F_END, 1, 0, 0}}},
    {"no END flag (snapshot.row)", EPROTO, IPC_ROLE_ROOT, 0, {{IPC_SNAPSHOT_ROW, IPC_F_END, 0, 3, 0}}},
    {"unknown flags", EBADMSG, IPC_ROLE_ROOT, 0, {{IPC_SPD_PUT, 0x0002, 1, 0, 0}}},
    {"unknown flags", EBADMSG, IPC_ROLE_ROOT, 0, {{IPC_SPD_PUT, 0x8001, 1, 0, 0}}},
    {"malformed record (log.set)", EBADMSG, IPC_ROLE_ROOT, 1, {{IPC_LOG_SET, 0, 1, 0, 3}}},
    {"a second HELLO", EPROTO, IPC_ROLE_ROOT, 0, {{IPC_HELLO, 0, 1, 0, 0}}},
};

static int greeted(struct ipc_rig *r)
{
	struct ipc_record rec;
	int fd = rig_connect(r);

	rig_send_hello(fd, 1, 9, RIG_EDGE, RIG_INSTANCE);
	assert_int_equal(rig_recv(r, fd, &rec), 1);
	assert_int_equal(rec.type, IPC_HELLO);
	return fd;
}

/* The connection ends with an IPC_ERROR that says why, the log has it once, and `other` is served as before.
 */
static void expect_end(struct ipc_rig *r, int fd, int other, int code, const char *why)
{
	struct ipc_record rec = {0};
	struct err_text e = {0};
	int got = 0;

	while (rig_recv(r, fd, &rec) == 1)
		if (rec.type == IPC_ERROR)
			got = ipc_error_decode(&rec, &e);
	if (got != -code || !strstr(e.s, why) || !strstr(r->logged, why))
		fail_msg("expected '%s', the peer was told %d '%s', the log '%s'", why, got, e.s, r->logged);
	assert_int_equal(r->n_logged, 1);
	assert_int_equal(ipc_server_counters(r->server)->violations, 1);
	assert_true(rig_send(other, IPC_STATUS, 0, 5, 0, NULL, 0));
	assert_int_equal(rig_recv(r, other, &rec), 1);
	assert_int_equal(rec.type, IPC_OK);
	assert_int_equal(rec.id, 5);
	close(fd);
	close(other);
}

static void test_permit_violation_ends_that_connection_only(void **state)
{
	static const uint8_t body[IPC_RECORD_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ipc_rig r;
		int fd, other;

		rig_init(&r);
		rig_serve(&r, &edge, NULL);
		other = greeted(&r);
		r.roles = cases[i].roles;
		fd = greeted(&r);
		n_handled = 0;
		for (size_t k = 0; k < 4; k++) {
			const struct said *s = &cases[i].said[k];

			if (k == 0 || s->type)
				assert_true(
				    rig_send(fd, s->type, s->flags, s->id, s->row, body, s->body_len));
		}
		rig_settle(&r);
		assert_int_equal(n_handled, cases[i].n_handled);
		expect_end(&r, fd, other, cases[i].code, cases[i].why);
		rig_fini(&r);
	}
}

static const struct {
	const char *why;
	uint16_t low, high;
	const char *edge, *instance;
} hellos[] = {
    {"no common version", 5, 6, RIG_EDGE, RIG_INSTANCE},
    {"no common version", 1, 1, RIG_EDGE, RIG_INSTANCE},
    {"empty version range", 3, 2, RIG_EDGE, RIG_INSTANCE},
    {"empty version range", 0, 4, RIG_EDGE, RIG_INSTANCE},
    {"HELLO for the edge 'other.edge'", 2, 4, "other.edge", RIG_INSTANCE},
    {"HELLO for the edge ''", 2, 4, "", RIG_INSTANCE},
    {"HELLO of the instance 'lab'", 2, 4, RIG_EDGE, "lab"},
    {"HELLO of the instance '?[2J'", 2, 4, RIG_EDGE, "\x1b[2J"},
};

static void test_permit_hello_that_does_not_fit_ends_the_connection(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hellos); i++) {
		struct ipc_rig r;
		int fd, other;

		rig_init(&r);
		rig_serve(&r, &edge, NULL);
		other = greeted(&r);
		fd = rig_connect(&r);
		rig_send_hello(fd, hellos[i].low, hellos[i].high, hellos[i].edge, hellos[i].instance);
		expect_end(&r, fd, other, EPROTO, hellos[i].why);
		rig_fini(&r);
	}
}

static const struct {
	const char *why;
	int code;
	struct said said;
} firsts[] = {
    {"not HELLO", EPROTO, {IPC_STATUS, 0, 1, 0, 0}},
    {"not HELLO", EPROTO, {IPC_SPD_PUT, 0, 1, 0, 10}},
    {"not HELLO", EPROTO, {99, 0, 1, 0, 0}},
    {"HELLO with flags", EPROTO, {IPC_HELLO, IPC_F_END, 1, 0, 0}},
    {"HELLO with flags", EPROTO, {IPC_HELLO, 0, 1, 1, 0}},
    {"oversized body", EPROTO, {IPC_HELLO, 0, 1, 0, IPC_HELLO_BODY_MAX + 1}},
    {"HELLO that cannot be read", EPROTO, {IPC_HELLO, 0, 1, 0, IPC_HELLO_BODY_MAX}},
    {"HELLO for the edge ''", EPROTO, {IPC_HELLO, 0, 1, 0, 0}},
};

static void test_permit_first_record_other_than_hello_ends_the_connection(void **state)
{
	static uint8_t body[IPC_RECORD_MAX];

	(void)state;
	memset(body, 0xff, sizeof(body));
	for (size_t i = 0; i < ARRAY_SIZE(firsts); i++) {
		const struct said *s = &firsts[i].said;
		struct ipc_rig r;
		int fd, other;

		rig_init(&r);
		rig_serve(&r, &edge, NULL);
		other = greeted(&r);
		fd = rig_connect(&r);
		n_handled = 0;
		assert_true(rig_send(fd, s->type, s->flags, s->id, s->row, body, s->body_len));
		/* What follows is not looked at. */
		assert_true(rig_send(fd, IPC_SPD_PUT, 0, 1, 0, NULL, 0));
		rig_settle(&r);
		assert_int_equal(n_handled, 0);
		expect_end(&r, fd, other, firsts[i].code, firsts[i].why);
		rig_fini(&r);
	}
}

static void test_permit_short_datagrams_end_the_connection(void **state)
{
	static const uint8_t b[IPC_HEADER_LEN] = {0, IPC_STATUS, 0, 0, 0, 0, 0, 1};

	(void)state;
	for (size_t n = 1; n < IPC_HEADER_LEN; n++) {
		struct ipc_rig r;
		int fd, other;

		rig_init(&r);
		rig_serve(&r, &edge, NULL);
		other = greeted(&r);
		fd = greeted(&r);
		assert_int_equal(send(fd, b, n, MSG_NOSIGNAL), n);
		expect_end(&r, fd, other, EBADMSG, "short header");
		rig_fini(&r);
	}
}

static void test_permit_empty_datagram_is_the_end(void **state)
{
	struct ipc_record rec;
	struct ipc_rig r;
	int fd;

	(void)state;
	rig_init(&r);
	rig_serve(&r, &edge, NULL);
	fd = greeted(&r);
	assert_int_equal(send(fd, "", 0, MSG_NOSIGNAL), 0);
	assert_int_equal(rig_recv(&r, fd, &rec), 0);
	assert_int_equal(ipc_server_counters(r.server)->violations, 0);
	close(fd);
	rig_fini(&r);
}

static void test_permit_answered_requests_leave_the_count(void **state)
{
	struct ipc_record rec;
	struct ipc_rig r;
	int fd;

	(void)state;
	rig_init(&r);
	rig_serve(&r, &edge, NULL);
	fd = greeted(&r);
	for (uint32_t id = 1; id <= 50; id++) {
		/* Two at once is the limit; the same ids again and again are fine once answered. */
		assert_true(rig_send(fd, IPC_STATUS, 0, 1, 0, NULL, 0));
		assert_true(rig_send(fd, IPC_STATUS, 0, 2, 0, NULL, 0));
		for (uint32_t k = 1; k <= 2; k++) {
			assert_int_equal(rig_recv(&r, fd, &rec), 1);
			assert_int_equal(rec.type, IPC_OK);
			assert_int_equal(rec.id, k);
		}
	}
	assert_int_equal(ipc_server_counters(r.server)->records, 100);
	assert_int_equal(ipc_server_counters(r.server)->violations, 0);
	close(fd);
	rig_fini(&r);
}

static void test_permit_rows_without_answer_are_unlimited_in_number(void **state)
{
	struct ipc_rig r;
	int fd;

	(void)state;
	rig_init(&r);
	rig_serve(&r, &edge, NULL);
	fd = greeted(&r);
	n_handled = 0;
	for (uint32_t row = 0; row < 100; row++) {
		assert_true(rig_send(fd, IPC_SNAPSHOT_ROW, 0, 0, row, "x", 1));
		if (row % 20 == 19)
			rig_settle(&r);
	}
	rig_settle(&r);
	assert_int_equal(n_handled, 100);
	close(fd);
	rig_fini(&r);
}

static void test_permit_log_of_violations_is_rationed(void **state)
{
	struct ipc_rig r;

	(void)state;
	rig_init(&r);
	rig_serve(&r, &edge, NULL);
	for (int i = 0; i < 100; i++) {
		struct ipc_record rec;
		int fd = greeted(&r);

		assert_true(rig_send(fd, 99, 0, 1, 0, NULL, 0));
		while (rig_recv(&r, fd, &rec) == 1)
			;
		close(fd);
	}
	assert_int_equal(ipc_server_counters(r.server)->violations, 100);
	assert_int_equal(r.n_logged, 10);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_permit_violation_ends_that_connection_only),
	    cmocka_unit_test(test_permit_hello_that_does_not_fit_ends_the_connection),
	    cmocka_unit_test(test_permit_first_record_other_than_hello_ends_the_connection),
	    cmocka_unit_test(test_permit_short_datagrams_end_the_connection),
	    cmocka_unit_test(test_permit_empty_datagram_is_the_end),
	    cmocka_unit_test(test_permit_answered_requests_leave_the_count),
	    cmocka_unit_test(test_permit_rows_without_answer_are_unlimited_in_number),
	    cmocka_unit_test(test_permit_log_of_violations_is_rationed),
	};

	return cmocka_run_group_tests_name("ipc/permit", tests, NULL, NULL);
}
