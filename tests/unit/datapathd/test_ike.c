/*
 * IKE on port 4500: the ring against a queue, and what of a UDP socket's datagrams goes into it.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "datapathd/worker.h"
#include "support/path_rig.h"

enum { OPERATIONS = 100000, QUEUE_MAX = 20000, MARKER = 4 };

static struct ike_ring ring;
static uint8_t octets[IKE_LEN_MAX], got_octets[IKE_LEN_MAX];

/* A datagram that is all of its number, so that the model keeps the number and the length alone. */
struct numbered {
	uint16_t number;
	uint32_t n;
};

static bool push(const struct numbered *d)
{
	const struct ike_head h = {.local = path_rig_addr("10.0.0.1"),
	    .remote = path_rig_addr("fe80::1"),
	    .remote_port = d->number,
	    .n = d->n};

	memset(octets, d->number & 0xff, d->n < sizeof(octets) ? d->n : sizeof(octets));
	return ike_ring_push(&ring, &h, octets);
}

static bool pop(struct numbered *ret)
{
	struct ike_head h;

	if (!ike_ring_pop(&ring, &h, got_octets))
		return false;
	assert_int_equal(h.local.family, INET_V4);
	assert_int_equal(h.remote.family, INET_V6);
	for (uint32_t i = 0; i < h.n; i++)
		assert_int_equal(got_octets[i], h.remote_port & 0xff);
	*ret = (struct numbered){h.remote_port, h.n};
	return true;
}

static uint32_t any_length(struct rng *rng)
{
	uint32_t kind = rng_below(rng, 10);

	return kind == 0 ? rng_below(rng, IKE_LEN_MAX + 1) : kind == 1 ? 0 : rng_below(rng, 1500);
}

static void test_ike_ring_agrees_with_a_queue(void **state)
{
	static struct numbered queue[QUEUE_MAX];
	uint32_t first = 0, n = 0;
	uint64_t held = 0;
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 9);
	memset(&ring, 0, sizeof(ring));
	/* The counters wrap on the way. */
	atomic_store(&ring.head, UINT32_MAX - 100000);
	atomic_store(&ring.tail, UINT32_MAX - 100000);
	for (int op = 0; op < OPERATIONS; op++) {
		/* Phases in which it fills, and others in which it empties. */
		bool in = rng_below(&rng.rng, 10) < (op / 1000 % 2 ? 7u : 3u);
		struct numbered d = {(uint16_t)(op + 1), any_length(&rng.rng)}, got;

		if (in) {
			bool room = held + sizeof(struct ike_head) + d.n <= IKE_RING_BYTES;

			assert_int_equal(push(&d), room);
			if (!room)
				continue;
			assert_true(n < QUEUE_MAX);
			queue[(first + n++) % QUEUE_MAX] = d;
			held += sizeof(struct ike_head) + d.n;
		} else {
			assert_int_equal(pop(&got), n > 0);
			if (!n)
				continue;
			assert_int_equal(got.number, queue[first].number);
			assert_int_equal(got.n, queue[first].n);
			held -= sizeof(struct ike_head) + got.n;
			first = (first + 1) % QUEUE_MAX;
			n--;
		}
	}
	assert_true(held < IKE_RING_BYTES);
}

static void test_ike_ring_takes_nothing_over_the_longest(void **state)
{
	struct numbered d = {1, IKE_LEN_MAX + 1}, got;

	(void)state;
	memset(&ring, 0, sizeof(ring));
	assert_false(push(&d));
	assert_false(pop(&got));
	d.n--;
	assert_true(push(&d));
	assert_true(pop(&got));
	assert_int_equal(got.n, IKE_LEN_MAX);
}

static struct path_rig rig;
static struct worker w;
static _Atomic(struct spd_view *) view;
static _Atomic uint32_t tune;
static int to4, to6; /* who sends to the worker; -1: no IPv6 here */

static void on(int fd, int level, int option)
{
	assert_int_equal(setsockopt(fd, level, option, &(int){1}, sizeof(int)), 0);
}

/* A socket as port 4500's, on some port of the loopback, and one that is connected to it. */
static int connected(int family, const char *loopback, int *ret_bound)
{
	const struct inet_addr a = path_rig_addr(loopback);
	struct sockaddr_storage s;
	socklen_t n = inet_addr_to_sockaddr(&a, 0, &s);
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0), from;

	if (fd < 0 || bind(fd, (struct sockaddr *)&s, n) < 0) {
		*ret_bound = -1;
		return -1;
	}
	if (family == AF_INET) {
		on(fd, IPPROTO_IP, IP_PKTINFO);
	} else {
		on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&s, &n), 0);
	from = socket(family, SOCK_DGRAM, 0);
	assert_int_equal(connect(from, (struct sockaddr *)&s, n), 0);
	*ret_bound = fd;
	return from;
}

static int setup(void **state)
{
	struct worker_env env = {.sad = NULL, .view = &view, .tune = &tune};
	struct err_text e = {0};

	(void)state;
	path_rig_init(&rig);
	for (int i = 0; i < SOURCE_SOCKETS; i++)
		env.fd.in[i] = -1;
	env.fd.tun = env.fd.send4 = env.fd.send6 = -1;
	to4 = connected(AF_INET, "127.0.0.1", &env.fd.in[SOURCE_UDP4]);
	to6 = connected(AF_INET6, "::1", &env.fd.in[SOURCE_UDP6]);
	env.epoch = &rig.epoch;
	env.sad = &rig.sad;
	env.clock = &rig.clock.clock;
	env.rng = &rig.rng.rng;
	assert_int_equal(worker_init(&w, 0, &env, &e), 0);
	w.path.view = rig.view;
	w.path.now_ms = rig.clock.ms;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(to4);
	close(w.fd.in[SOURCE_UDP4]);
	if (to6 >= 0) {
		close(to6);
		close(w.fd.in[SOURCE_UDP6]);
	}
	worker_fini(&w);
	path_rig_fini(&rig);
	return 0;
}

static uint64_t dropped(enum drop_reason r)
{
	return counter_get(&w.counters.drop[r]);
}

static void send_marked(int fd, size_t n)
{
	static uint8_t sent[MARKER + IKE_LEN_MAX];

	memset(sent + MARKER, 0xab, n);
	assert_int_equal(send(fd, sent, MARKER + n, 0), MARKER + n);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage s;
	socklen_t n = sizeof(s);
	struct inet_addr a;
	uint16_t port;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&s, &n), 0);
	assert_int_equal(inet_addr_from_sockaddr((struct sockaddr *)&s, &a, &port), 0);
	return port;
}

static void arrives(int fd, enum worker_source s, const char *address, size_t n)
{
	const struct inet_addr a = path_rig_addr(address);
	struct ike_head h;

	send_marked(fd, n);
	(void)worker_datagrams(&w, s);
	assert_true(ike_ring_pop(&w.ike.ring, &h, got_octets));
	assert_true(inet_addr_equal(&h.local, &a));
	assert_true(inet_addr_equal(&h.remote, &a));
	assert_int_equal(h.remote_port, port_of(fd));
	assert_int_equal(h.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got_octets[i], 0xab);
	assert_true(w.path.hints); /* control is told */
	w.path.hints = false;
	assert_int_equal(w.in.pkt[0].verdict, VERDICT_IKE);
}

static void test_ike_datagram_is_handed_over_without_its_marker(void **state)
{
	(void)state;
	w.ike.wanted = true;
	for (size_t n = 1; n <= IKE_LEN_MAX; n = n < 2000 ? n + 97 : n < 40000 ? n * 3 : n + IKE_LEN_MAX) {
		arrives(to4, SOURCE_UDP4, "127.0.0.1", n);
		if (to6 >= 0)
			arrives(to6, SOURCE_UDP6, "::1", n);
	}
	arrives(to4, SOURCE_UDP4, "127.0.0.1", IKE_LEN_MAX);
	for (unsigned r = DROP_NONE + 1; r < DROP_N; r++)
		assert_int_equal(dropped(r), 0);
}

/* Only what has the marker is keyd's: the rest goes the way it always went. */
static void test_ike_esp_and_keepalives_are_not_handed_over(void **state)
{
	struct ike_head h;

	(void)state;
	w.ike.wanted = true;
	assert_int_equal(send(to4, "\xff", 1, 0), 1);
	assert_int_equal(send(to4, "\0\0\x10\0\0\0\0\1 and what is sealed", 24, 0), 24);
	assert_int_equal(send(to4, "\0\0\0", 3, 0), 3);
	(void)worker_datagrams(&w, SOURCE_UDP4);
	assert_false(ike_ring_pop(&w.ike.ring, &h, got_octets));
	assert_int_equal(dropped(DROP_IN_KEEPALIVE), 1);
	assert_int_equal(dropped(DROP_IN_NOSA), 1);
	assert_int_equal(dropped(DROP_IN_MALFORMED), 1);
	send_marked(to4, 0); /* a marker and nothing behind it */
	(void)worker_datagrams(&w, SOURCE_UDP4);
	assert_int_equal(dropped(DROP_IN_MALFORMED), 2);
	assert_false(ike_ring_pop(&w.ike.ring, &h, got_octets));
}

static void test_ike_without_keyd_is_counted_and_dropped(void **state)
{
	struct ike_head h;

	(void)state;
	send_marked(to4, 28);
	(void)worker_datagrams(&w, SOURCE_UDP4);
	assert_int_equal(dropped(DROP_IN_IKE), 1);
	assert_false(ike_ring_pop(&w.ike.ring, &h, got_octets));
	assert_false(w.path.hints);
}

/* The budget: a flood costs keyd no more than so much, and comes back with time. */
static void test_ike_flood_ends_at_the_budget(void **state)
{
	unsigned taken, n = w.ike.budget.burst + 500;
	struct ike_head h;

	(void)state;
	w.ike.wanted = true;
	for (unsigned i = 0; i < n; i++) {
		send_marked(to4, 28);
		(void)worker_datagrams(&w, SOURCE_UDP4);
		assert_int_equal(ike_ring_pop(&w.ike.ring, &h, got_octets), i < w.ike.budget.burst);
	}
	assert_int_equal(dropped(DROP_IN_IKE_ROOM), 500);
	w.path.now_ms += 100;
	for (taken = 0; taken < 5000; taken++) {
		send_marked(to4, 28);
		(void)worker_datagrams(&w, SOURCE_UDP4);
		if (!ike_ring_pop(&w.ike.ring, &h, got_octets))
			break;
	}
	assert_int_equal(taken, w.ike.budget.rate / 10);
	assert_int_equal(counter_get(&w.counters.path[PATH_IKE_RECEIVED]), w.ike.budget.burst + taken);
}

/* keyd does not read: what is in the ring stays, what comes then is dropped. */
static void test_ike_full_ring_drops_the_newest(void **state)
{
	unsigned room = IKE_RING_BYTES / (sizeof(struct ike_head) + 50000);
	struct ike_head h;

	(void)state;
	w.ike.wanted = true;
	for (unsigned i = 0; i < room + 3; i++) {
		send_marked(to4, 50000);
		(void)worker_datagrams(&w, SOURCE_UDP4);
	}
	assert_int_equal(dropped(DROP_IN_IKE_ROOM), 3);
	for (unsigned i = 0; i < room; i++)
		assert_true(ike_ring_pop(&w.ike.ring, &h, got_octets));
	assert_false(ike_ring_pop(&w.ike.ring, &h, got_octets));
}

static void test_ike_datagram_over_the_longest_is_dropped(void **state)
{
	static const uint8_t sent[MARKER + IKE_LEN_MAX + 1];
	struct ike_head h;

	(void)state;
	w.ike.wanted = true;
	assert_int_equal(send(to4, sent, sizeof(sent), 0), sizeof(sent));
	(void)worker_datagrams(&w, SOURCE_UDP4);
	assert_false(ike_ring_pop(&w.ike.ring, &h, got_octets));
	assert_int_equal(dropped(DROP_IN_IKE_ROOM), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ike_ring_agrees_with_a_queue),
	    cmocka_unit_test(test_ike_ring_takes_nothing_over_the_longest),
	    T(test_ike_datagram_is_handed_over_without_its_marker),
	    T(test_ike_esp_and_keepalives_are_not_handed_over),
	    T(test_ike_without_keyd_is_counted_and_dropped),
	    T(test_ike_flood_ends_at_the_budget),
	    T(test_ike_full_ring_drops_the_newest),
	    T(test_ike_datagram_over_the_longest_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
