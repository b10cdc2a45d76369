/*
 * The device's side of delivery, with a device that refuses: what one chain met with says nothing about the
 * next, and no packet is lost for it. writev() is this file's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "datapathd/tun_frame.h"
#include "datapathd/worker.h"
#include "support/path_rig.h"
#include "wire/ip/csum.h"

enum { FRAMES = 64, PAYLOAD = 1000, HEADERS = IP4_HDR_LEN + 20, PACKET = HEADERS + PAYLOAD };

static struct path_rig rig;
static struct worker w;
static _Atomic(struct spd_view *) view;
static _Atomic uint32_t tune;

/* What the device was given, and what it says to a chain; 0: it takes it. */
static struct frame {
	struct virtio_net_hdr h;
	uint32_t len;
	uint8_t data[65536];
} frame[FRAMES];
static unsigned n_frames, n_calls;
static int chain_error;
static uint8_t sent[FRAMES][PACKET];

ssize_t __wrap_writev(int fd, const struct iovec *iov, int n);

ssize_t __wrap_writev(int fd, const struct iovec *iov, int n)
{
	struct frame *f = &frame[n_frames];
	size_t at = 0;

	n_calls++;
	assert_int_equal(fd, w.fd.tun);
	assert_int_equal(iov[0].iov_len, sizeof(f->h));
	memcpy(&f->h, iov[0].iov_base, sizeof(f->h));
	if (f->h.gso_type != VIRTIO_NET_HDR_GSO_NONE && chain_error) {
		errno = chain_error;
		return -1;
	}
	for (int i = 1; i < n; i++) {
		memcpy(f->data + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	f->len = (uint32_t)at;
	n_frames++;
	return (ssize_t)(at + sizeof(f->h));
}

static int setup(void **state)
{
	struct worker_env env = {.view = &view, .tune = &tune};
	struct err_text e = {0};

	(void)state;
	path_rig_init(&rig);
	for (int i = 0; i < SOURCE_SOCKETS; i++)
		env.fd.in[i] = -1;
	env.fd.send4 = env.fd.send6 = -1;
	env.fd.tun = open("/dev/null", O_RDWR | O_CLOEXEC);
	env.epoch = &rig.epoch;
	env.sad = &rig.sad;
	env.clock = &rig.clock.clock;
	env.rng = &rig.rng.rng;
	assert_int_equal(worker_init(&w, 0, &env, &e), 0);
	n_frames = n_calls = 0;
	chain_error = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(w.fd.tun);
	worker_fini(&w);
	path_rig_fini(&rig);
	return 0;
}

/* Packets of one TCP connection that follow each other, the last with PSH, as decrypted ones are. */
static void put_stream(uint32_t n)
{
	struct ip4_params ip = {.src = {10, 0, 0, 1},
	    .dst = {10, 0, 0, 2},
	    .proto = 6,
	    .ttl = 64,
	    .df = true,
	    .total_len = PACKET};

	w.in.n = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct pkt *p = batch_slot(&w.in, w.in.n++);
		uint32_t seq = i * PAYLOAD;
		struct ip_view v;

		ip4_write(p->data, &ip);
		memset(p->data + IP4_HDR_LEN, 0, 20);
		p->data[20 + 4] = (uint8_t)(seq >> 24);
		p->data[20 + 5] = (uint8_t)(seq >> 16);
		p->data[20 + 6] = (uint8_t)(seq >> 8);
		p->data[20 + 7] = (uint8_t)seq;
		p->data[20 + 12] = 5 << 4;
		p->data[20 + 13] = i + 1 == n ? 0x18 : 0x10;
		memset(p->data + HEADERS, (int)i, PAYLOAD);
		p->len = PACKET;
		p->verdict = VERDICT_DELIVER;
		assert_int_equal(ip_parse(p->data, p->len, IP_TRUST_SUM, &v), IP_OK);
		assert_true(csum_l4_fill(p->data, &v));
		memcpy(sent[i], p->data, PACKET);
	}
}

static void test_deliver_a_stream_is_one_write(void **state)
{
	(void)state;
	put_stream(20);
	worker_deliver(&w, &w.in);
	assert_int_equal(n_frames, 1);
	assert_int_equal(frame[0].h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(frame[0].h.gso_size, PAYLOAD);
	assert_int_equal(frame[0].len, HEADERS + 20 * PAYLOAD);
	assert_int_equal(counter_get(&w.counters.path[PATH_TUN_WRITTEN]), 20);
}

static void test_deliver_a_refused_chain_goes_packet_by_packet(void **state)
{
	(void)state;
	chain_error = EINVAL;
	put_stream(20);
	worker_deliver(&w, &w.in);
	assert_int_equal(n_frames, 20);
	for (unsigned i = 0; i < n_frames; i++) {
		assert_int_equal(frame[i].h.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		assert_int_equal(frame[i].h.flags, 0);
		assert_int_equal(frame[i].len, PACKET);
		assert_memory_equal(frame[i].data, sent[i], PACKET);
	}
	assert_int_equal(counter_get(&w.counters.path[PATH_TUN_WRITTEN]), 20);
	assert_int_equal(counter_get(&w.counters.drop[DROP_IN_DELIVER]), 0);
}

static void test_deliver_the_next_chain_is_tried_again(void **state)
{
	(void)state;
	chain_error = EINVAL;
	put_stream(5);
	worker_deliver(&w, &w.in);
	chain_error = 0;
	n_frames = 0;
	put_stream(5);
	worker_deliver(&w, &w.in);
	assert_int_equal(n_frames, 1);
	assert_int_equal(frame[0].h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
}

/* A device that is down refuses everything: once is enough to see it. */
static void test_deliver_another_error_ends_all_of_a_chain(void **state)
{
	(void)state;
	chain_error = EIO;
	put_stream(20);
	worker_deliver(&w, &w.in);
	assert_int_equal(n_calls, 1);
	assert_int_equal(counter_get(&w.counters.path[PATH_TUN_WRITTEN]), 0);
	assert_int_equal(counter_get(&w.counters.drop[DROP_IN_DELIVER]), 20);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(w.in.pkt[i].verdict, VERDICT_DROP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_deliver_a_stream_is_one_write, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_deliver_a_refused_chain_goes_packet_by_packet, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_deliver_the_next_chain_is_tried_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_deliver_another_error_ends_all_of_a_chain, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
