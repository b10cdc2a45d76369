/*
 * The edge to keyd, from record to record: reserve, install, expire, remove.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "datapathd/sa/lifetime.h"
#include "support/keyd_rig.h"

#include "datapathd_admin.pb-c.h"

static struct sa_desc desc_of(bool inbound, uint32_t spi)
{
	struct sa_desc x = path_rig_desc(keyd_rig_ends[inbound], keyd_rig_ends[!inbound], IPSEC_ESP, spi,
	    IPSEC_TUNNEL, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE);

	x.fresh_key = false; /* nobody has to say so */
	x.life = (struct sa_lifetime){.soft_s = 80, .hard_s = 100, .soft_packets = 5, .hard_bytes = 1000};
	return x;
}

static uint64_t installed_with(const struct sa_desc *x, bool inbound, uint64_t partner)
{
	Postern__SaInstall m = POSTERN__SA_INSTALL__INIT;
	struct model_sa_pb sa;
	struct ipc_record rec;
	ProtobufCMessage *got;
	uint64_t serial;

	model_sa_encode(x, true, &sa);
	m.grant = KEYD_RIG_GRANT;
	m.inbound = inbound;
	m.partner = partner;
	m.sa = &sa.m;
	rec = keyd_rig_ask(IPC_SA_INSTALL, &m.base, IPC_SA_MADE);
	got = ipc_unpack(&postern__sa_made__descriptor, &rec, 1024);
	assert_non_null(got);
	serial = ((Postern__SaMade *)got)->serial;
	ipc_unpack_free(got);
	return serial;
}

static uint64_t installed(const struct sa_desc *x, bool inbound)
{
	return installed_with(x, inbound, 0);
}

/* What control_io.c does once a second. */
static void expired(void *arg, const char *event, const struct sa *sa)
{
	(void)arg;
	datapathd_tell_sa(&kr.d, event, sa);
	keyd_edge_gone(kr.d.keyd, sa, atomic_load(&sa->slot->run.told) & SAD_TOLD_HARD);
}

static void age(void)
{
	sad_age(&kr.d.sad, expired, NULL);
}

static void hear_expired(uint64_t serial, bool hard)
{
	struct ipc_record rec;
	ProtobufCMessage *got;
	const Postern__SaExpired *m;

	keyd_rig_hear(IPC_SA_EXPIRED, &rec);
	assert_int_equal(rec.id, 0);
	got = ipc_unpack(&postern__sa_expired__descriptor, &rec, 1024);
	m = (const Postern__SaExpired *)got;
	assert_non_null(m);
	assert_int_equal(m->serial, serial);
	assert_int_equal(m->hard, hard);
	assert_int_equal(m->proto, IPSEC_ESP);
	assert_int_equal(m->src->bytes.len, 4);
	ipc_unpack_free(got);
}

static void test_keyd_edge_pair_lives_and_dies(void **state)
{
	const struct sa_desc in = desc_of(true, keyd_rig_reserved()), out = desc_of(false, 0x1000);
	uint64_t a = installed(&in, true), b = installed(&out, false);
	Postern__SaRemove rm = POSTERN__SA_REMOVE__INIT;

	(void)state;
	assert_true(b > a);
	assert_int_equal(kr.d.sad.n, 2);
	assert_false(sad_find_serial(&kr.d.sad, a)->facts.manual);
	assert_int_equal(sad_find_serial(&kr.d.sad, a)->facts.pid, getpid());
	rm.serial = b;
	(void)keyd_rig_ask(IPC_SA_REMOVE, &rm.base, IPC_OK);
	assert_int_equal(kr.d.sad.n, 1);
	keyd_rig_hear_nothing(); /* it knows what it removed */
	rm.serial = 99999;
	keyd_rig_refused(IPC_SA_REMOVE, &rm.base, ENOENT, "there is no SA 99999");
}

static void test_keyd_edge_every_limit_is_told_once(void **state)
{
	const struct sa_desc in = desc_of(true, keyd_rig_reserved()), out = desc_of(false, 0x1000);
	uint64_t a = installed(&in, true), b = installed(&out, false);
	struct sa *sa = sad_find_serial(&kr.d.sad, b);

	(void)state;
	for (int i = 0; i < 5; i++) /* packets: soft */
		sa_rt_account(sa->rt, 100, kr.ipc.fake.ms);
	age();
	age();
	hear_expired(b, false);
	keyd_rig_hear_nothing();
	for (int i = 0; i < 5; i++) /* bytes: hard */
		sa_rt_account(sa->rt, 100, kr.ipc.fake.ms);
	age();
	age();
	hear_expired(b, true);
	kr.ipc.fake.ms += 80000; /* time: soft */
	age();
	age();
	hear_expired(a, false);
	kr.ipc.fake.ms += 20000; /* time: hard */
	age();
	age();
	hear_expired(a, true);
	kr.ipc.fake.ms += 60000;
	age();
	assert_int_equal(kr.d.sad.n, 0);
	keyd_rig_grant(KEYD_RIG_GRANT);
	keyd_rig_hear_nothing();
}

static void push_unknown(const char *src, uint32_t spi)
{
	const struct unknown_spi u = {
	    .src = path_rig_addr(src), .dst = path_rig_addr("127.0.0.5"), .proto = IPSEC_ESP, .spi = spi};

	(void)unknown_ring_push(&kr.d.worker->unknown, &u);
}

/* All that wait, up to the answer to a question. */
static unsigned hear_unknown(void)
{
	const Postern__SpiReserve ask = keyd_rig_reserve();
	unsigned n = 0;
	struct ipc_record rec;

	keyd_rig_tell(IPC_SPI_RESERVE, ++kr.last_id, &ask.base);
	while (rig_recv(&kr.ipc, kr.fd, &rec) == 1 && rec.type == IPC_SPI_UNKNOWN) {
		ProtobufCMessage *got = ipc_unpack(&postern__spi_unknown__descriptor, &rec, 1024);
		const Postern__SpiUnknown *m = (const Postern__SpiUnknown *)got;

		assert_non_null(m);
		assert_int_equal(rec.id, 0);
		assert_int_equal(m->proto, IPSEC_ESP);
		assert_int_equal(m->dst->bytes.data[3], 5);
		n++;
		ipc_unpack_free(got);
	}
	assert_int_equal(rec.type, IPC_SPI_REPLY);
	return n;
}

/* Hints of packets for SAs that are not there: a few of one source, some more of many, and again later. */
/* Who was away when it was told asks. */
static void test_keyd_edge_what_was_missed_can_be_asked(void **state)
{
	const struct sa_desc in = desc_of(true, keyd_rig_reserved()), out = desc_of(false, 0x1000);
	uint64_t a = installed(&in, true), b = installed(&out, false),
	         serial[MSG_SA_ASK_MAX + 1] = {a, b, 99999};
	Postern__SaAsk m = POSTERN__SA_ASK__INIT;
	const Postern__SaAsked *got;
	struct ipc_record rec;
	ProtobufCMessage *u;

	(void)state;
	m.serial = serial;
	m.n_serial = 3;
	for (int i = 0; i < 5; i++) /* packets: soft */
		sa_rt_account(sad_find_serial(&kr.d.sad, b)->rt, 100, kr.ipc.fake.ms);
	age();
	hear_expired(b, false);
	rec = keyd_rig_ask(IPC_SA_ASK, &m.base, IPC_SA_ASKED);
	u = ipc_unpack(&postern__sa_asked__descriptor, &rec, 1024);
	got = (const Postern__SaAsked *)u;
	assert_non_null(got);
	assert_int_equal(got->n_gone, 1);
	assert_int_equal(got->gone[0], 99999);
	assert_int_equal(got->n_soft, 1);
	assert_int_equal(got->soft[0], b);
	ipc_unpack_free(u);
	/* Dead is gone, though it is still shown. */
	kr.ipc.fake.ms += 100000;
	age();
	hear_expired(a, true);
	hear_expired(b, true);
	m.n_serial = 2;
	rec = keyd_rig_ask(IPC_SA_ASK, &m.base, IPC_SA_ASKED);
	u = ipc_unpack(&postern__sa_asked__descriptor, &rec, 1024);
	got = (const Postern__SaAsked *)u;
	assert_non_null(got);
	assert_int_equal(got->n_gone, 2);
	assert_int_equal(got->n_soft, 0);
	ipc_unpack_free(u);
	/* More at once than anybody asks is no question. */
	m.n_serial = MSG_SA_ASK_MAX + 1;
	keyd_rig_tell(IPC_SA_ASK, 1, &m.base);
	keyd_rig_hear(IPC_ERROR, &rec);
}

static void test_keyd_edge_unknown_spis_are_rationed(void **state)
{
	char text[20];

	(void)state;
	for (uint32_t i = 0; i < 60; i++)
		push_unknown("192.0.2.1", i);
	keyd_edge_unknown(&kr.d);
	assert_int_equal(hear_unknown(), 3);
	for (uint32_t i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i + 2);
		push_unknown(text, i);
	}
	keyd_edge_unknown(&kr.d);
	assert_in_range(hear_unknown(), 10, 20);
	kr.ipc.fake.ms += 5000;
	for (uint32_t i = 0; i < 60; i++)
		push_unknown("192.0.2.1", i);
	keyd_edge_unknown(&kr.d);
	assert_int_equal(hear_unknown(), 3);
}

static void hear_moved(uint64_t serial, uint16_t port)
{
	struct ipc_record rec;
	ProtobufCMessage *got;
	const Postern__PeerMoved *m;

	keyd_rig_hear(IPC_PEER_MOVED, &rec);
	got = ipc_unpack(&postern__peer_moved__descriptor, &rec, 1024);
	m = (const Postern__PeerMoved *)got;
	assert_non_null(m);
	assert_int_equal(m->n_serial, 1);
	assert_int_equal(m->serial[0], serial);
	assert_int_equal(m->port, port);
	ipc_unpack_free(got);
}

/* A translator has moved a peer: what is sent with that pair follows, keyd hears of it once, and says of
 * others whose peer it is. */
static void test_keyd_edge_moved_peers_are_followed(void **state)
{
	struct sa_desc in = desc_of(true, keyd_rig_reserved()), out = desc_of(false, 0x1000);
	Postern__PeerMoved told = POSTERN__PEER_MOVED__INIT;
	struct moved m = {.port = 20002};
	const struct sa *sa, *other;
	uint64_t serial[2];

	(void)state;
	kr.d.fd.in[SOURCE_UDP4] = STDERR_FILENO; /* port 4500 is to be had */
	in.encap = (struct sa_encap){.sport = 20001, .dport = 4500};
	out.encap = (struct sa_encap){.sport = 4500, .dport = 20001};
	serial[0] = installed(&in, true);
	sa = sad_find_serial(&kr.d.sad, installed_with(&out, false, serial[0]));
	in.spi = keyd_rig_reserved();
	out.spi++;
	serial[1] = installed(&in, true);
	other = sad_find_serial(&kr.d.sad, installed_with(&out, false, serial[1]));
	assert_int_equal(sa_rt_far_port(sa->rt, sa->rt->encap.dport), 20001);
	m.serial = serial[0];
	assert_true(moved_ring_push(&kr.d.worker->moved, &m));
	assert_true(moved_ring_push(&kr.d.worker->moved, &m));
	keyd_edge_moved(&kr.d);
	assert_int_equal(sa_rt_far_port(sa->rt, sa->rt->encap.dport), 20002);
	assert_int_equal(sa->desc.encap.dport, 20002);
	assert_int_equal(other->desc.encap.dport, 20001);
	hear_moved(serial[0], 20002);
	keyd_rig_hear_nothing();
	told.serial = serial + 1;
	told.n_serial = 1;
	told.port = 20003;
	keyd_rig_tell(IPC_PEER_MOVED, 0, &told.base);
	keyd_rig_hear_nothing();
	assert_int_equal(sa->desc.encap.dport, 20002);
	assert_int_equal(sa_rt_far_port(other->rt, other->rt->encap.dport), 20003);
	told.serial = serial;
	told.n_serial = 2;
	told.port = 20004;
	keyd_rig_tell(IPC_PEER_MOVED, 0, &told.base);
	keyd_rig_hear_nothing();
	assert_int_equal(sa->desc.encap.dport, 20004);
	assert_int_equal(other->desc.encap.dport, 20004);
	kr.d.fd.in[SOURCE_UDP4] = -1;
}

/* It moves while keyd is away: what keyd has to name besides is named when it is back and asks. */
static void test_keyd_edge_moves_that_keyd_has_missed_are_told(void **state)
{
	struct sa_desc in = desc_of(true, keyd_rig_reserved()), out = desc_of(false, 0x1000);
	Postern__SaAsk ask = POSTERN__SA_ASK__INIT;
	struct moved m = {.port = 20002};
	struct ipc_record rec;

	(void)state;
	kr.d.fd.in[SOURCE_UDP4] = STDERR_FILENO;
	in.encap = (struct sa_encap){.sport = 20001, .dport = 4500};
	out.encap = (struct sa_encap){.sport = 4500, .dport = 20001};
	m.serial = installed(&in, true);
	(void)installed_with(&out, false, m.serial);
	close(kr.fd);
	while (keyd_edge_conn(kr.d.keyd))
		rig_turn(&kr.ipc);
	assert_true(moved_ring_push(&kr.d.worker->moved, &m));
	keyd_edge_moved(&kr.d);
	kr.fd = rig_connect_greeted(&kr.ipc);
	ask.serial = &m.serial;
	ask.n_serial = 1;
	rec = keyd_rig_ask(IPC_SA_ASK, &ask.base, IPC_SA_ASKED);
	(void)rec;
	hear_moved(m.serial, 20002);
	(void)keyd_rig_ask(IPC_SA_ASK, &ask.base, IPC_SA_ASKED);
	keyd_rig_hear_nothing();
	kr.d.fd.in[SOURCE_UDP4] = -1;
}

/* Root's own SAs are none of keyd's business. */
static void test_keyd_edge_manual_sas_are_not_told_of(void **state)
{
	struct sa_desc x = desc_of(false, 0x1000);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;
	Postern__SaRemove rm = POSTERN__SA_REMOVE__INIT;
	char sentence[100];

	(void)state;
	x.fresh_key = true;
	assert_int_equal(sad_txn_init(&t, &kr.d.sad), 0);
	assert_int_equal(sad_txn_add(&t, &x, false, 1, &serial, &e), 0);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	rm.serial = serial;
	snprintf(sentence, sizeof(sentence), "SA %u is root's: setkey added it, setkey deletes it",
	    (unsigned)serial);
	keyd_rig_refused(IPC_SA_REMOVE, &rm.base, EACCES, sentence);
	kr.ipc.fake.ms += 100000;
	age();
	keyd_rig_grant(KEYD_RIG_GRANT);
	keyd_rig_hear_nothing();
}

static void test_keyd_edge_refusals_have_their_sentences(void **state)
{
	Postern__SpiReserve m = keyd_rig_reserve();
	Postern__SaInstall in = POSTERN__SA_INSTALL__INIT;
	struct sa_desc x = desc_of(false, 0x1000);
	struct model_sa_pb sa;

	(void)state;
	m.grant = 7;
	keyd_rig_refused(IPC_SPI_RESERVE, &m.base, EACCES, "policyd has told of no grant 7");
	m = keyd_rig_reserve();
	m.proto = IPSEC_AH;
	keyd_rig_refused(IPC_SPI_RESERVE, &m.base, EACCES, "grant 41 allows no ah");
	x.encap = (struct sa_encap){.sport = 4500, .dport = 4500};
	model_sa_encode(&x, true, &sa);
	in.grant = KEYD_RIG_GRANT;
	in.sa = &sa.m;
	keyd_rig_refused(IPC_SA_INSTALL, &in.base, EOPNOTSUPP,
	    "esp-udp cannot be received: UDP port 4500 of IPv4 was not to be had when datapathd started; end "
	    "the program that has it (another IKE daemon?) and restart the suite");
	x.encap = (struct sa_encap){0};
	x.life.hard_s = 0;
	model_sa_encode(&x, true, &sa);
	keyd_rig_refused(IPC_SA_INSTALL, &in.base, EACCES,
	    "a negotiated SA needs an end: its hard lifetime in seconds is missing");
	x = desc_of(false, 17); /* the model's own rules come first */
	model_sa_encode(&x, true, &sa);
	keyd_rig_refused(IPC_SA_INSTALL, &in.base, EINVAL, "SPI range violation: 0 to 255 are reserved");
	assert_int_equal(kr.d.sad.n, 0);
}

static void test_keyd_edge_end_of_the_connection_ends_reservations(void **state)
{
	const struct sa_desc in = desc_of(true, keyd_rig_reserved());
	Postern__SpiRelease rel = POSTERN__SPI_RELEASE__INIT;
	struct ipc_record rec;

	(void)state;
	(void)installed(&in, true);
	rel.src = &kr.pb[1];
	rel.dst = &kr.pb[0];
	rel.proto = IPSEC_ESP;
	rel.spi = keyd_rig_reserved();
	(void)keyd_rig_reserved();
	assert_int_equal(kr.d.sad.larvae.n, 2);
	keyd_rig_tell(IPC_SPI_RELEASE, 0, &rel.base);
	rig_settle(&kr.ipc);
	assert_int_equal(kr.d.sad.larvae.n, 1);
	assert_true(kr.w.ike.wanted);
	close(kr.fd);
	rig_settle(&kr.ipc);
	assert_int_equal(kr.d.sad.larvae.n, 0);
	assert_int_equal(kr.d.sad.n, 1);
	assert_null(keyd_edge_conn(kr.d.keyd));
	assert_false(kr.w.ike.wanted);
	/* The next one hears of it all the same. */
	kr.fd = rig_connect_greeted(&kr.ipc);
	assert_true(kr.w.ike.wanted);
	kr.ipc.fake.ms += 100000;
	age();
	keyd_rig_hear(IPC_SA_EXPIRED, &rec);
}

/* setkey -F takes keyd's SAs too, and keyd hears of it. */
static void test_keyd_edge_what_root_takes_away_is_told(void **state)
{
	const struct sa_desc in = desc_of(true, keyd_rig_reserved()), out = desc_of(false, 0x1000);
	uint64_t a = installed(&in, true), b = installed(&out, false);
	const Postern__SaFlush all = POSTERN__SA_FLUSH__INIT;
	struct ipc_record rec;
	size_t i = 0;

	(void)state;
	while (datapathd_admin_rules[i].type != IPC_SA_FLUSH)
		i++;
	keyd_rig_handle(datapathd_admin_rules[i].handle, &all.base);
	hear_expired(a, true);
	hear_expired(b, true);
	keyd_rig_hear(IPC_SA_DONE, &rec);
	assert_int_equal(kr.d.sad.n, 0);
	keyd_rig_hear_nothing();
}

/* Others may know the socket's name; it is for keyd. */
static void test_keyd_edge_is_for_keyd_alone(void **state)
{
	const Postern__SpiReserve m = keyd_rig_reserve();
	struct ipc_record rec;

	(void)state;
	close(kr.fd);
	kr.ipc.roles = IPC_ROLE_ROOT | IPC_ROLE_ADMIN | IPC_ROLE_POLICYD;
	kr.fd = rig_connect_greeted(&kr.ipc);
	keyd_rig_tell(IPC_SPI_RESERVE, 1, &m.base);
	keyd_rig_hear(IPC_ERROR, &rec);
	assert_int_equal(rig_recv(&kr.ipc, kr.fd, &rec), 0);
	assert_int_equal(kr.ipc.n_logged, 1);
	assert_int_equal(kr.d.sad.larvae.n, 0);
}

/* Without the socket of a launcher that knows keyd, keys are loaded by hand. */
static int setup_without_socket(void **state)
{
	kr.no_socket = true;
	kr.fd = -1;
	return keyd_rig_setup(state);
}

static void test_keyd_edge_can_be_missing(void **state)
{
	(void)state;
	kr.no_socket = false;
	assert_non_null(kr.d.keyd);
	assert_null(keyd_edge_conn(kr.d.keyd));
	assert_false(kr.w.ike.wanted);
	datapathd_ike_collect(&kr.d);
	age();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, keyd_rig_setup, keyd_rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_keyd_edge_pair_lives_and_dies),
	    T(test_keyd_edge_every_limit_is_told_once),
	    T(test_keyd_edge_what_was_missed_can_be_asked),
	    T(test_keyd_edge_unknown_spis_are_rationed),
	    T(test_keyd_edge_moved_peers_are_followed),
	    T(test_keyd_edge_moves_that_keyd_has_missed_are_told),
	    T(test_keyd_edge_manual_sas_are_not_told_of),
	    T(test_keyd_edge_refusals_have_their_sentences),
	    T(test_keyd_edge_end_of_the_connection_ends_reservations),
	    T(test_keyd_edge_what_root_takes_away_is_told),
	    T(test_keyd_edge_is_for_keyd_alone),
	    cmocka_unit_test_setup_teardown(
	        test_keyd_edge_can_be_missing, setup_without_socket, keyd_rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
