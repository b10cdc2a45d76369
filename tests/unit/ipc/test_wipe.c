/*
 * Key octets do not stay behind. free(3) is wrapped: every block that the code under test gives back is
 * searched for the key first; the receive and send buffers are searched after the handler.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/conn_priv.h"
#include "ipc/client_link.h"
#include "ipc/model.h"
#include "support/ipc_rig.h"

#include "datapathd_admin.pb-c.h"

static const uint8_t key[24] = "a-key-that-is-looked-for";
static unsigned n_dirty_frees, n_handled;
static bool key_was_seen;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	if (p && memmem(p, malloc_usable_size(p), key, sizeof(key)))
		n_dirty_frees++;
	__real_free(p);
}

static int handle_add(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__sa_add__descriptor, rec, 65536);
	struct model_sa_pb pb;
	Postern__SaRow row = POSTERN__SA_ROW__INIT;
	struct sa_desc d;
	struct err_text e;

	n_handled++;
	assert_non_null(m);
	assert_int_equal(model_sa_decode(((const Postern__SaAdd *)m)->sa, false, &d, &e), 0);
	key_was_seen = memcmp(d.enc_key, key, sizeof(key)) == 0;
	/* Hand it back, often enough to fill the socket and the queue. */
	model_sa_encode(&d, true, &pb);
	row.sa = &pb.m;
	for (int i = 0; i < 2000; i++)
		assert_int_equal(ipc_conn_send(c, IPC_SA_ROW, 0, &row.base), 0);
	return ipc_conn_send(c, IPC_SA_ROW, rec->id, &row.base);
}

static int handle_malformed(struct ipc_conn *c, const struct ipc_record *rec)
{
	(void)c;
	(void)rec;
	return -EBADMSG;
}

static const struct ipc_rule rules[] = {
    {IPC_SA_ADD, "sa.add", IPC_ROLE_ROOT, 1000, 4, 1, true, handle_add},
    {IPC_SA_GET, "malformed", IPC_ROLE_ROOT, 1000, 4, 1, true, handle_malformed},
};

static const struct ipc_edge edge = {.name = RIG_EDGE,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 1000,
    .budget_burst = 1000,
    .max_conns = 4,
    .max_queued = 1 << 20};

static bool has_key(const void *p, size_t n)
{
	return memmem(p, n, key, sizeof(key));
}

static size_t add_body(uint8_t *b, size_t room)
{
	const struct sa_desc d = {.src = inet_addr_v4(0xc0000201),
	    .dst = inet_addr_v4(0xc0000202),
	    .proto = IPSEC_ESP,
	    .spi = 4096,
	    .mode = IPSEC_TRANSPORT,
	    .enc = ALG_ENC_3DES_CBC,
	    .enc_key = key,
	    .enc_key_len = sizeof(key)};
	Postern__SaAdd m = POSTERN__SA_ADD__INIT;
	struct model_sa_pb pb;

	model_sa_encode(&d, true, &pb);
	m.sa = &pb.m;
	assert_true(postern__sa_add__get_packed_size(&m) <= room);
	return postern__sa_add__pack(&m, b);
}

static bool was_handled(void *arg)
{
	(void)arg;
	return n_handled > 0;
}

static void test_wipe_after_a_secret_record_was_handled(void **state)
{
	uint8_t body[256];
	struct ipc_rig r;
	int fd;

	(void)state;
	rig_init(&r);
	rig_serve(&r, &edge, NULL);
	fd = rig_connect_greeted(&r);
	n_dirty_frees = n_handled = 0;
	assert_true(rig_send(fd, IPC_SA_ADD, 0, 1, 0, body, add_body(body, sizeof(body))));
	assert_true(rig_until(&r, was_handled, NULL));
	assert_true(key_was_seen);
	assert_false(has_key(r.server->rx, IPC_RECORD_MAX));
	assert_false(has_key(r.server->tx, IPC_RECORD_MAX));
	/* Answers wait in the queue with the key in them, and go with the connection. */
	close(fd);
	rig_settle(&r);
	assert_int_equal(n_dirty_frees, 0);
	rig_fini(&r);
	assert_int_equal(n_dirty_frees, 0);
}

/* Refused before any handler: not root; unknown type; oversized; malformed; not greeted. */
static void test_wipe_after_a_refused_record(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t roles;
		size_t padding;
	} cases[] = {{IPC_SA_ADD, IPC_ROLE_ADMIN, 0}, {99, IPC_ROLE_ROOT, 0},
	    {IPC_SA_ADD, IPC_ROLE_ROOT, 2000}, {IPC_SA_GET, IPC_ROLE_ROOT, 0},
	    {IPC_SA_ADD, IPC_ROLE_ROOT, IPC_RECORD_MAX}};
	static uint8_t body[IPC_RECORD_MAX + 1000];

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		size_t k = i / 2, n = add_body(body, 256) + cases[k].padding;
		struct ipc_rig r;
		int fd;

		rig_init(&r);
		r.roles = cases[k].roles;
		rig_serve(&r, &edge, NULL);
		fd = i % 2 ? rig_connect_greeted(&r) : rig_connect(&r);
		n_dirty_frees = 0;
		assert_true(rig_send(fd, cases[k].type, 0, 1, 0, body, n));
		rig_settle(&r);
		assert_int_equal(ipc_server_counters(r.server)->violations, 1);
		assert_false(has_key(r.server->rx, IPC_RECORD_MAX));
		close(fd);
		rig_fini(&r);
		assert_int_equal(n_dirty_frees, 0);
	}
}

/* An unpack that fails half way has copied the key already. */
static void test_wipe_after_an_unpack_that_failed(void **state)
{
	uint8_t body[256];
	struct ipc_record rec = {.body = body};
	bool failed = false, succeeded = false;

	(void)state;
	n_dirty_frees = 0;
	rec.body_len = add_body(body, sizeof(body));
	for (size_t cap = 0; cap < 2048; cap += 8) {
		ProtobufCMessage *m = ipc_unpack(&postern__sa_add__descriptor, &rec, cap);

		failed |= !m;
		succeeded |= !!m;
		ipc_unpack_free(m);
	}
	/* The last octets broken: the message fails after its fields. */
	body[rec.body_len++] = 0x0a;
	assert_null(ipc_unpack(&postern__sa_add__descriptor, &rec, 65536));
	assert_true(failed && succeeded);
	assert_int_equal(n_dirty_frees, 0);
}

static bool client_is_up(void *arg)
{
	return ipc_client_is_up(arg);
}

static void on_row(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
	unsigned *n = arg;

	(void)c;
	assert_int_equal(result, 0);
	assert_true(has_key(rec->body, rec->body_len));
	(*n)++;
}

static bool is_set(void *arg)
{
	return *(const unsigned *)arg > 0;
}

static void test_wipe_in_the_client(void **state)
{
	static const struct ipc_client_def def = {
	    .edge = RIG_EDGE, .version_min = 1, .version_max = 1, .backoff_min_ms = 1, .backoff_max_ms = 10};
	uint8_t body[256];
	struct ipc_record rec = {.body = body, .body_len = add_body(body, sizeof(body))};
	ProtobufCMessage *m = ipc_unpack(&postern__sa_add__descriptor, &rec, 65536);
	unsigned n = 0;
	struct ipc_client *c;
	struct ipc_rig r;

	(void)state;
	rig_init(&r);
	rig_serve(&r, &edge, NULL);
	assert_int_equal(ipc_client_new(&(const struct ipc_client_env){.loop = &r.loop,
	                                    .clock = &clock_boottime,
	                                    .instance = RIG_INSTANCE,
	                                    .server_uid = getuid()},
	                     &def, r.path, &c),
	    0);
	assert_true(rig_until(&r, client_is_up, c));
	n_dirty_frees = 0;
	assert_int_equal(ipc_client_request(c, IPC_SA_ADD, m, 60000, on_row, &n), 0);
	assert_false(has_key(c->tx, IPC_RECORD_MAX));
	ipc_unpack_free(m);
	assert_true(rig_until(&r, is_set, &n));
	assert_false(has_key(c->rx, IPC_RECORD_MAX));
	ipc_client_free(c);
	rig_fini(&r);
	assert_int_equal(n_dirty_frees, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wipe_after_a_secret_record_was_handled),
	    cmocka_unit_test(test_wipe_after_a_refused_record),
	    cmocka_unit_test(test_wipe_after_an_unpack_that_failed),
	    cmocka_unit_test(test_wipe_in_the_client),
	};

	return cmocka_run_group_tests_name("ipc/wipe", tests, NULL, NULL);
}
