#include "support/keyd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

const char *const keyd_rig_ends[2] = {"127.0.0.5", "127.0.0.6"};
struct keyd_rig kr;
static struct ipc_edge edge;

/* --- the service --- */

int service_serve(
    struct service *s, const struct ipc_edge *served, struct ipc_server **ret, struct err_text *e)
{
	(void)s;
	assert_string_equal(served->name, "datapathd.keyd");
	if (kr.no_socket)
		return err_set(e, -ENOENT, "no socket");
	edge = *served;
	edge.name = RIG_EDGE;
	rig_serve(&kr.ipc, &edge, NULL);
	if (ret)
		*ret = kr.ipc.server;
	return 0;
}

struct service *service_of_conn(const struct ipc_conn *c)
{
	(void)c;
	return NULL;
}

void *service_data(const struct service *s)
{
	(void)s;
	return &kr.d;
}

const struct clock *service_clock(const struct service *s)
{
	(void)s;
	return &kr.ipc.fake.clock;
}

bool service_has_monitors(const struct service *s)
{
	(void)s;
	return false;
}

void service_publish(struct service *s, const char *event, const char *fmt, ...)
{
	(void)s;
	(void)event;
	(void)fmt;
}

void control_io_expect_quiet(struct control_io *io)
{
	(void)io;
	(void)epoch_reclaim(&kr.d.epoch);
}

/* --- talking to it --- */

void keyd_rig_tell(uint16_t type, uint32_t id, const ProtobufCMessage *m)
{
	static uint8_t b[IPC_RECORD_MAX];

	assert_true(protobuf_c_message_get_packed_size(m) <= sizeof(b));
	assert_true(rig_send(kr.fd, type, 0, id, 0, b, protobuf_c_message_pack(m, b)));
}

void keyd_rig_hear(uint16_t type, struct ipc_record *ret)
{
	assert_int_equal(rig_recv(&kr.ipc, kr.fd, ret), 1);
	assert_int_equal(ret->type, type);
}

struct ipc_record keyd_rig_ask(uint16_t type, const ProtobufCMessage *m, uint16_t answer)
{
	struct ipc_record rec;

	keyd_rig_tell(type, ++kr.last_id, m);
	keyd_rig_hear(answer, &rec);
	assert_int_equal(rec.id, kr.last_id);
	return rec;
}

void keyd_rig_refused(uint16_t type, const ProtobufCMessage *m, int code, const char *sentence)
{
	struct ipc_record rec = keyd_rig_ask(type, m, IPC_ERROR);
	struct err_text e;

	assert_int_equal(ipc_error_decode(&rec, &e), -code);
	assert_string_equal(e.s, sentence);
}

void keyd_rig_handle(int (*fn)(struct ipc_conn *c, const struct ipc_record *rec), const ProtobufCMessage *m)
{
	uint8_t b[1024];
	const struct ipc_record rec = {
	    .id = ++kr.last_id, .body = b, .body_len = protobuf_c_message_pack(m, b)};

	assert_int_equal(fn(keyd_edge_conn(kr.d.keyd), &rec), 0);
}

void keyd_rig_grant(uint64_t id)
{
	const struct grant g = {.id = id,
	    .local = kr.addr[0],
	    .remote = kr.addr[1],
	    .expires_ms = kr.ipc.fake.ms + 60000,
	    .n_requests = 1,
	    .req[0] = {.proto = IPSEC_ESP, .mode = IPSEC_TUNNEL}};

	assert_int_equal(grants_put(&kr.d.grants, &g, kr.ipc.fake.ms), 0);
}

int keyd_rig_setup(void **state)
{
	struct sad_store_env env = {.rng = &kr.rng.rng};
	struct worker_env we = {.view = &kr.d.view, .tune = &kr.d.tune, .rng = &kr.rng.rng};
	struct err_text e = {0};

	(void)state;
	memset(&kr.d, 0, sizeof(kr.d));
	rig_init(&kr.ipc);
	kr.ipc.roles = IPC_ROLE_KEYD;
	rng_seeded_init(&kr.rng, 5);
	assert_int_equal(crypto_init(&e), 0);
	env.clock = we.clock = &kr.ipc.fake.clock;
	epoch_init(&kr.d.epoch);
	assert_int_equal(sad_store_new(&env, &kr.d.store), 0);
	assert_int_equal(sad_init(&kr.d.sad, &kr.d.epoch, kr.d.store, &kr.ipc.fake.clock), 0);
	assert_int_equal(sad_store_begin(kr.d.store, &e), 0);
	assert_int_equal(grants_init(&kr.d.grants), 0);
	we.sad = &kr.d.sad;
	we.epoch = &kr.d.epoch;
	we.fd.tun = -1;
	for (int i = 0; i < SOURCE_SOCKETS; i++)
		we.fd.in[i] = kr.d.fd.in[i] = -1;
	assert_int_equal(worker_init(&kr.w, 0, &we, &e), 0);
	kr.d.worker = &kr.w;
	for (int i = 0; i < 2; i++) {
		kr.addr[i] = path_rig_addr(keyd_rig_ends[i]);
		model_addr_encode(&kr.addr[i], &kr.pb[i]);
	}
	keyd_rig_grant(KEYD_RIG_GRANT);
	assert_int_equal(keyd_edge_new(&kr.d, &kr.d.keyd, &e), 0);
	if (!kr.no_socket)
		kr.fd = rig_connect_greeted(&kr.ipc);
	kr.last_id = 10;
	return 0;
}

int keyd_rig_teardown(void **state)
{
	(void)state;
	if (kr.fd >= 0)
		close(kr.fd);
	rig_fini(&kr.ipc);
	free(kr.d.keyd);
	worker_fini(&kr.w);
	grants_fini(&kr.d.grants);
	epoch_fini(&kr.d.epoch);
	sad_fini(&kr.d.sad);
	epoch_fini(&kr.d.epoch);
	kr.d.store = sad_store_free(kr.d.store);
	return 0;
}

Postern__SpiReserve keyd_rig_reserve(void)
{
	Postern__SpiReserve m = POSTERN__SPI_RESERVE__INIT;

	m.grant = KEYD_RIG_GRANT;
	m.src = &kr.pb[1];
	m.dst = &kr.pb[0];
	m.proto = IPSEC_ESP;
	return m;
}

uint32_t keyd_rig_reserved(void)
{
	const Postern__SpiReserve m = keyd_rig_reserve();
	struct ipc_record rec = keyd_rig_ask(IPC_SPI_RESERVE, &m.base, IPC_SPI_REPLY);
	ProtobufCMessage *got = ipc_unpack(&postern__spi_reply__descriptor, &rec, 1024);
	uint32_t spi;

	assert_non_null(got);
	spi = ((Postern__SpiReply *)got)->spi;
	ipc_unpack_free(got);
	return spi;
}

void keyd_rig_hear_nothing(void)
{
	(void)keyd_rig_reserved();
}
