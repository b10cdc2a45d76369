/*
 * Port 4500 with many datagrams in one message, over the loopback: what is sent as a train arrives as the
 * packets it was made of, and what arrives as one message is taken apart.
 */
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "datapathd/sa/path_mtu.h"
#include "datapathd/worker.h"
#include "support/path_rig.h"

enum { HEAD = IP4_HDR_LEN + 8, PAYLOAD = 600 };

static struct path_rig rig;
static struct worker w;
static _Atomic(struct spd_view *) view;
static _Atomic uint32_t tune;
static int far; /* the other end's socket */
static struct sockaddr_in here, there;

static int bound(struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(*ret);

	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &n), 0);
	return fd;
}

static void on(int fd, int level, int option)
{
	assert_int_equal(setsockopt(fd, level, option, &(int){1}, sizeof(int)), 0);
}

static int setup(void **state)
{
	struct worker_env env = {.view = &view, .tune = &tune};
	struct err_text e = {0};

	(void)state;
	path_rig_init(&rig);
	for (int i = 0; i < SOURCE_SOCKETS; i++)
		env.fd.in[i] = -1;
	env.fd.tun = env.fd.send4 = env.fd.send6 = -1;
	env.fd.in[SOURCE_UDP4] = bound(&here);
	on(env.fd.in[SOURCE_UDP4], IPPROTO_IP, IP_PKTINFO);
	on(env.fd.in[SOURCE_UDP4], SOL_UDP, UDP_GRO);
	far = bound(&there);
	env.epoch = &rig.epoch;
	env.sad = &rig.sad;
	env.clock = &rig.clock.clock;
	env.rng = &rig.rng.rng;
	assert_int_equal(worker_init(&w, 0, &env, &e), 0);
	w.path.view = rig.view;
	w.path.now_ms = rig.clock.ms;
	w.ike.wanted = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(far);
	close(w.fd.in[SOURCE_UDP4]);
	worker_fini(&w);
	path_rig_fini(&rig);
	return 0;
}

static struct sa_rt *udp_sa(void)
{
	struct sa_desc d = path_rig_desc(
	    "127.0.0.1", "127.0.0.1", IPSEC_ESP, 0x1000, IPSEC_TUNNEL, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE);

	d.encap = (struct sa_encap){.sport = SA_UDP_PORT, .dport = ntohs(there.sin_port)};
	return path_rig_add(&rig, &d, NULL)->rt;
}

/* A packet as the pipeline leaves it: its number in every octet. */
static void put_sealed(struct sa_rt *sa, uint8_t number, uint32_t payload, uint8_t tos, bool df)
{
	struct pkt *p = batch_slot(&w.out, w.out.n++);
	struct ip4_params ip = {.src = {127, 0, 0, 1},
	    .dst = {127, 0, 0, 1},
	    .proto = 17,
	    .ttl = 64,
	    .tos = tos,
	    .df = df,
	    .total_len = (uint16_t)(HEAD + payload)};

	ip4_write(p->data, &ip);
	p->data[20] = SA_UDP_PORT >> 8;
	p->data[21] = SA_UDP_PORT & 0xff;
	memcpy(p->data + 22, &there.sin_port, 2);
	memset(p->data + HEAD, number, payload);
	p->len = HEAD + payload;
	p->n_bound = 1;
	p->bound[0] = (struct bound){.sa = sa, .mode = IPSEC_TUNNEL};
	p->verdict = VERDICT_SEND;
}

static void expect(uint8_t number, uint32_t payload)
{
	uint8_t got[2048];

	assert_int_equal(recv(far, got, sizeof(got), 0), payload);
	for (uint32_t i = 0; i < payload; i++)
		assert_int_equal(got[i], number);
}

static void test_trains_arrive_as_their_packets_in_order(void **state)
{
	static const uint32_t lengths[] = {600, 600, 600, 300, 600, 600, 700, 700, 64, 64, 64, 64, 64, 20};
	struct sa_rt *sa = udp_sa();

	(void)state;
	w.out.n = 0;
	for (uint8_t i = 0; i < ARRAY_SIZE(lengths); i++)
		put_sealed(sa, i, lengths[i], 0, false);
	worker_send_trains(&w, &w.out, false);
	for (uint8_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		assert_int_equal(w.out.pkt[i].verdict, VERDICT_SENT);
		expect(i, lengths[i]);
	}
	assert_int_equal(counter_get(&w.counters.path[PATH_SENT]), ARRAY_SIZE(lengths));
}

static void test_trains_more_than_one_message_holds(void **state)
{
	struct sa_rt *sa = udp_sa();

	(void)state;
	w.out.n = 0;
	for (uint8_t i = 0; i < 150; i++)
		put_sealed(sa, i, 100, 0, false);
	worker_send_trains(&w, &w.out, false);
	for (uint8_t i = 0; i < 150; i++)
		expect(i, 100);
}

static void test_trains_what_the_socket_cannot_say_stays(void **state)
{
	struct sa_rt *sa = udp_sa();
	int tos = -1;
	uint8_t control[CMSG_SPACE(sizeof(int))], octets[2048];
	struct iovec iov = {octets, sizeof(octets)};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

	(void)state;
	on(far, IPPROTO_IP, IP_RECVTOS);
	w.out.n = 0;
	put_sealed(sa, 1, PAYLOAD, 0, true); /* DF is the raw socket's to set */
	put_sealed(sa, 2, PAYLOAD, 0x28, false);
	put_sealed(sa, 3, PAYLOAD, 0, false);
	w.out.pkt[2].data[0] = 0x46; /* options */
	worker_send_trains(&w, &w.out, false);
	assert_int_equal(w.out.pkt[0].verdict, VERDICT_SEND);
	assert_int_equal(w.out.pkt[1].verdict, VERDICT_SENT);
	assert_int_equal(w.out.pkt[2].verdict, VERDICT_SEND);
	assert_int_equal(recvmsg(far, &m, 0), PAYLOAD);
	assert_non_null(CMSG_FIRSTHDR(&m));
	memcpy(&tos, CMSG_DATA(CMSG_FIRSTHDR(&m)), 1);
	assert_int_equal(tos & 0xff, 0x28);
}

/* The kernel refuses what is longer than the way; the raw socket learns how long it is. */
static void test_trains_too_long_a_packet_stays(void **state)
{
	struct sa_rt *sa = udp_sa();

	(void)state;
	w.out.n = 0;
	put_sealed(sa, 1, 65000, 0, false);
	put_sealed(sa, 2, PAYLOAD, 0, false);
	w.out.pkt[0].len += 600; /* the loopback carries 65536 */
	worker_send_trains(&w, &w.out, false);
	assert_int_equal(w.out.pkt[0].verdict, VERDICT_SEND);
	assert_int_equal(w.out.pkt[1].verdict, VERDICT_SENT);
}

/* A router further on has said how much it carries; the kernel does not know. */
static void test_trains_longer_than_the_way_is_known_to_carry_stays(void **state)
{
	struct sa_rt *sa = udp_sa();

	(void)state;
	assert_true(sa_path_learn(sa, 1300, w.path.now_ms));
	w.out.n = 0;
	put_sealed(sa, 1, 1300 - HEAD, 0, false);
	put_sealed(sa, 2, 1301 - HEAD, 0, false);
	worker_send_trains(&w, &w.out, false);
	assert_int_equal(w.out.pkt[0].verdict, VERDICT_SENT);
	assert_int_equal(w.out.pkt[1].verdict, VERDICT_SEND);
	expect(1, 1300 - HEAD);
}

static void send_long(const uint8_t *octets, size_t n, uint16_t each)
{
	uint8_t control[CMSG_SPACE(sizeof(each))] = {0};
	struct iovec iov = {(void *)(uintptr_t)octets, n};
	struct msghdr m = {.msg_name = &here,
	    .msg_namelen = sizeof(here),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	*c = (struct cmsghdr){
	    .cmsg_len = CMSG_LEN(sizeof(each)), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT};
	memcpy(CMSG_DATA(c), &each, sizeof(each));
	assert_int_equal(sendmsg(far, &m, 0), n);
}

/* One message of 30 datagrams: IKE, ESP without an association, and a shorter last one. */
static void test_trains_a_long_message_is_many_datagrams(void **state)
{
	static uint8_t octets[30 * 100], got[IKE_LEN_MAX];
	struct ike_head h;

	(void)state;
	memset(octets, 0, sizeof(octets));
	for (uint32_t i = 0; i < 30; i++) {
		octets[i * 100] = i % 3 == 1; /* an SPI */
		memset(octets + i * 100 + 4, (int)i, 96);
	}
	send_long(octets, sizeof(octets) - 50, 100);
	(void)worker_datagrams(&w, SOURCE_UDP4);
	assert_int_equal(counter_get(&w.counters.path[PATH_RECEIVED]), 30);
	assert_int_equal(counter_get(&w.counters.drop[DROP_IN_NOSA]), 10);
	for (uint32_t i = 0; i < 30; i++) {
		if (i % 3 == 1)
			continue;
		assert_true(ike_ring_pop(&w.ike.ring, &h, got));
		assert_int_equal(h.n, i == 29 ? 46 : 96);
		assert_int_equal(got[0], i);
		assert_int_equal(h.remote_port, ntohs(there.sin_port));
	}
	assert_false(ike_ring_pop(&w.ike.ring, &h, got));
}

/* More than a batch takes, one octet each. */
static void test_trains_datagrams_beyond_a_batch(void **state)
{
	static uint8_t octets[64];

	(void)state;
	memset(octets, 0xff, sizeof(octets)); /* keepalives */
	for (int i = 0; i < 5; i++)
		send_long(octets, sizeof(octets), 1);
	(void)worker_datagrams(&w, SOURCE_UDP4);
	assert_int_equal(counter_get(&w.counters.drop[DROP_IN_KEEPALIVE]), 5 * 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_trains_arrive_as_their_packets_in_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_trains_more_than_one_message_holds, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_trains_what_the_socket_cannot_say_stays, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_trains_too_long_a_packet_stays, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_trains_longer_than_the_way_is_known_to_carry_stays, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_trains_a_long_message_is_many_datagrams, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_trains_datagrams_beyond_a_batch, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
