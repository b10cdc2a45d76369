/*
 * IKE datagrams between port 4500 and keyd, both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "support/keyd_rig.h"

enum { MARKER = 4 };

/* A stand-in for port 4500, or somebody far away. -1: the host has no such address. */
static int udp_socket(const char *address, uint16_t *ret_port)
{
	const struct inet_addr a = path_rig_addr(address);
	struct sockaddr_storage s;
	socklen_t n = inet_addr_to_sockaddr(&a, 0, &s);
	int fd = socket(a.family == INET_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	struct inet_addr got;

	if (fd < 0 || bind(fd, (struct sockaddr *)&s, n) < 0)
		return -1;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&s, &n), 0);
	assert_int_equal(inet_addr_from_sockaddr((struct sockaddr *)&s, &got, ret_port), 0);
	return fd;
}

static void test_keyd_ike_goes_out_with_source_and_marker(void **state)
{
	static uint8_t octets[IKE_LEN_MAX], got[IKE_LEN_MAX + MARKER + 1];
	static const uint8_t marker[MARKER];
	Postern__IkeDatagram m = POSTERN__IKE_DATAGRAM__INIT;
	uint16_t port, from_port, remote_port;
	int far = udp_socket(keyd_rig_ends[1], &remote_port);
	struct sockaddr_storage from;
	struct inet_addr a;

	(void)state;
	memset(octets, 0xcd, sizeof(octets));
	kr.d.fd.in[SOURCE_UDP4] = udp_socket("0.0.0.0", &port);
	m.local = &kr.pb[0];
	m.remote = &kr.pb[1];
	m.remote_port = remote_port;
	for (size_t n = 1; n <= IKE_LEN_MAX; n += n == 1 ? 1399 : n == 1400 ? IKE_LEN_MAX - 1400 : 1) {
		socklen_t len = sizeof(from);

		m.octets = (ProtobufCBinaryData){.data = octets, .len = n};
		keyd_rig_tell(IPC_IKE_DATAGRAM, 0, &m.base);
		rig_settle(&kr.ipc);
		assert_int_equal(
		    recvfrom(far, got, sizeof(got), MSG_DONTWAIT, (struct sockaddr *)&from, &len),
		    n + MARKER);
		assert_memory_equal(got, marker, MARKER);
		assert_memory_equal(got + MARKER, octets, n);
		assert_int_equal(inet_addr_from_sockaddr((struct sockaddr *)&from, &a, &from_port), 0);
		assert_true(inet_addr_equal(&a, &kr.addr[0]));
		assert_int_equal(from_port, port);
	}
	assert_int_equal(kr.d.ike.n_sent, 3);
	close(kr.d.fd.in[SOURCE_UDP4]);
	kr.d.fd.in[SOURCE_UDP4] = -1;
	keyd_rig_tell(IPC_IKE_DATAGRAM, 0, &m.base);
	rig_settle(&kr.ipc);
	assert_int_equal(kr.d.ike.n_unsent, 1);
	close(far);
}

static void test_keyd_ike_goes_out_over_ipv6(void **state)
{
	const struct inet_addr loopback = path_rig_addr("::1");
	Postern__IkeDatagram m = POSTERN__IKE_DATAGRAM__INIT;
	Postern__Addr end;
	uint16_t port, remote_port;
	int far = udp_socket("::1", &remote_port);
	uint8_t octets[40] = {1}, got[100];

	(void)state;
	if (far < 0)
		skip();
	kr.d.fd.in[SOURCE_UDP6] = udp_socket("::", &port);
	model_addr_encode(&loopback, &end);
	m.local = m.remote = &end;
	m.remote_port = remote_port;
	m.octets = (ProtobufCBinaryData){.data = octets, .len = sizeof(octets)};
	keyd_rig_tell(IPC_IKE_DATAGRAM, 0, &m.base);
	rig_settle(&kr.ipc);
	assert_int_equal(recv(far, got, sizeof(got), MSG_DONTWAIT), sizeof(octets) + MARKER);
	assert_memory_equal(got + MARKER, octets, sizeof(octets));
	/* An address that is not this host's is nobody's to send from. */
	m.local = &(Postern__Addr){
	    .base = end.base, .bytes = {.data = (uint8_t[16]){0x20, 1, 0xd, 0xb8}, .len = 16}};
	keyd_rig_tell(IPC_IKE_DATAGRAM, 0, &m.base);
	rig_settle(&kr.ipc);
	assert_int_equal(recv(far, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(kr.d.ike.n_unsent, 1);
	close(kr.d.fd.in[SOURCE_UDP6]);
	close(far);
}

static void test_keyd_ike_malformed_ends_the_connection(void **state)
{
	static uint8_t octets[IKE_LEN_MAX + 1];
	const size_t len[] = {0, sizeof(octets), 1, 1};
	const uint32_t port[] = {500, 500, 0, 65536};
	struct ipc_record rec;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		Postern__IkeDatagram m = POSTERN__IKE_DATAGRAM__INIT;

		m.local = &kr.pb[0];
		m.remote = &kr.pb[1];
		m.remote_port = port[i];
		m.octets = (ProtobufCBinaryData){.data = octets, .len = len[i]};
		keyd_rig_tell(IPC_IKE_DATAGRAM, 0, &m.base);
		keyd_rig_hear(IPC_ERROR, &rec);
		assert_int_equal(rig_recv(&kr.ipc, kr.fd, &rec), 0);
		close(kr.fd);
		kr.fd = rig_connect_greeted(&kr.ipc);
	}
	assert_int_equal(kr.d.ike.n_sent + kr.d.ike.n_unsent, 0);
}

static void push(uint16_t port, uint32_t n)
{
	static const uint8_t octets[IKE_LEN_MAX];
	const struct ike_head h = {.local = kr.addr[0], .remote = kr.addr[1], .remote_port = port, .n = n};

	assert_true(ike_ring_push(&kr.w.ike.ring, &h, octets));
}

static void test_keyd_ike_comes_in_as_an_event(void **state)
{
	struct ipc_record rec;
	struct msg_ike m;
	struct err_text e;

	(void)state;
	push(1000, 28);
	push(65535, IKE_LEN_MAX);
	datapathd_ike_collect(&kr.d);
	keyd_rig_hear(IPC_IKE_DATAGRAM, &rec);
	assert_int_equal(rec.id, 0);
	assert_int_equal(msg_ike_decode(&rec, &m, &e), 0);
	assert_true(inet_addr_equal(&m.local, &kr.addr[0]) && inet_addr_equal(&m.remote, &kr.addr[1]));
	assert_int_equal(m.remote_port, 1000);
	assert_int_equal(m.n, 28);
	msg_ike_fini(&m);
	keyd_rig_hear(IPC_IKE_DATAGRAM, &rec);
	assert_int_equal(msg_ike_decode(&rec, &m, &e), 0);
	assert_int_equal(m.n, IKE_LEN_MAX);
	msg_ike_fini(&m);
	/* On the way when keyd went. */
	close(kr.fd);
	rig_settle(&kr.ipc);
	push(1, 28);
	datapathd_ike_collect(&kr.d);
	assert_int_equal(kr.d.ike.n_lost, 1);
	kr.fd = rig_connect_greeted(&kr.ipc);
	keyd_rig_hear_nothing();
}

/* keyd does not read: its queue fills, then the ring, and its connection stays. */
static void test_keyd_ike_waits_for_a_slow_keyd(void **state)
{
	unsigned n = 0, got = 0;
	struct ipc_record rec;

	(void)state;
	do {
		push(1, 50000);
		datapathd_ike_collect(&kr.d);
		n++;
		assert_true(n < 1000);
	} while (atomic_load(&kr.w.ike.ring.head) == atomic_load(&kr.w.ike.ring.tail));
	assert_true(n > 50);
	while (got < n) {
		keyd_rig_hear(IPC_IKE_DATAGRAM, &rec);
		got++;
		datapathd_ike_collect(&kr.d);
	}
	assert_int_equal(kr.d.ike.n_lost, 0);
	keyd_rig_hear_nothing();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, keyd_rig_setup, keyd_rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_keyd_ike_goes_out_with_source_and_marker),
	    T(test_keyd_ike_goes_out_over_ipv6),
	    T(test_keyd_ike_malformed_ends_the_connection),
	    T(test_keyd_ike_comes_in_as_an_event),
	    T(test_keyd_ike_waits_for_a_slow_keyd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
