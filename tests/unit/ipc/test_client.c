/*
 * The service client against a real server on the same loop, and against a peer that misbehaves.
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
#include "ipc/client.h"
#include "support/ipc_rig.h"

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
	bool free_in_callback, request_in_callback;
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
}

static int on_event(struct ipc_client *c, const struct ipc_record *rec)
{
	struct stage *s = ipc_client_owner(c);

	s->events++;
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

static void start(struct stage *s, uid_t server_uid)
{
	const struct ipc_client_env env = {.loop = &s->rig.loop,
	    .clock = &clock_boottime,
	    .instance = RIG_INSTANCE,
	    .epoch_ms = 9,
	    .owner = s,
	    .server_uid = server_uid};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_client_up_reports_the_servers_epoch, setup_up, teardown),
	    cmocka_unit_test_setup_teardown(test_client_request_gets_its_answer, setup_up, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_client_server_death_resets_pending_then_reconnects, setup_up, teardown),
	};

	return cmocka_run_group_tests_name("ipc/client", tests, NULL, NULL);
}
