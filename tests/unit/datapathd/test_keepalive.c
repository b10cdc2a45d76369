/*
 * When keepalives go out and what they are (RFC 3948 sections 2.3 and 4). The clock and the socket are this
 * file's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "datapathd/datapathd.h"
#include "wire/ip/csum.h"

enum { FD4 = 400, FD6 = 600, QUIET = 20000, UDP_AT4 = 20, UDP_AT6 = 40 };

static struct clock_fake now;
static struct datapathd d;
static struct sa sa;

/* What was sent last, and how often. */
static uint8_t sent[128];
static size_t sent_len;
static int sent_fd;
static unsigned n_sent;

const struct clock *service_clock(const struct service *s)
{
	(void)s;
	return &now.clock;
}

ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	(void)flags;
	assert_true(n <= sizeof(sent));
	assert_int_equal(to->sa_family, fd == FD6 ? AF_INET6 : AF_INET);
	assert_int_equal(len, fd == FD6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	memcpy(sent, p, n);
	sent_len = n;
	sent_fd = fd;
	n_sent++;
	return (ssize_t)n;
}

/* One SA in UDP that has sent at 1000 s. */
static int setup(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	memset(&sa, 0, sizeof(sa));
	n_sent = 0;
	clock_fake_init(&now, 1000000);
	d.fd.send4 = FD4;
	d.fd.send6 = FD6;
	atomic_store(&d.tune, tunables_pack(tunables_default));
	list_init(&d.sad.all);
	sa.slot = calloc(1, sizeof(*sa.slot));
	assert_non_null(sa.slot);
	assert_int_equal(inet_addr_parse("192.0.2.1", &sa.desc.src), 0);
	assert_int_equal(inet_addr_parse("192.0.2.2", &sa.desc.dst), 0);
	sa.desc.encap = (struct sa_encap){.sport = 4500, .dport = 40000};
	atomic_store(&sa.slot->run.seq, 1);
	atomic_store(&sa.slot->run.last_used_ms, now.ms);
	list_append(&d.sad.all, &sa.link);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(sa.slot);
	return 0;
}

/* Time passes; how many were sent at its end. */
static unsigned after(uint64_t ms)
{
	unsigned before = n_sent;

	now.ms += ms;
	datapathd_keepalive(&d);
	return n_sent - before;
}

static void test_keepalive_goes_out_when_nothing_else_has(void **state)
{
	(void)state;
	assert_int_equal(after(QUIET - 1), 0);
	assert_int_equal(after(1), 1);
	assert_int_equal(after(QUIET - 1), 0);
	assert_int_equal(after(1), 1);
	atomic_store(&sa.slot->run.last_used_ms, now.ms + 5000);
	assert_int_equal(after(QUIET), 0);
	assert_int_equal(after(5000), 1);
	assert_int_equal(d.n_keepalives, 3);
}

static void test_keepalive_waits_as_long_as_was_set(void **state)
{
	struct tunables t = tunables_default;

	(void)state;
	t.keepalive = 7;
	atomic_store(&d.tune, tunables_pack(t));
	assert_int_equal(after(6999), 0);
	assert_int_equal(after(1), 1);
	t.keepalive = 0;
	atomic_store(&d.tune, tunables_pack(t));
	assert_int_equal(after(3600000), 0);
}

/* An association's own interval goes before the one that is set for all. */
static void test_keepalive_of_one_association(void **state)
{
	struct tunables t = tunables_default;

	(void)state;
	sa.desc.encap.keepalive_s = 300;
	assert_int_equal(after(299999), 0);
	assert_int_equal(after(1), 1);
	t.keepalive = 0;
	atomic_store(&d.tune, tunables_pack(t));
	assert_int_equal(after(300000), 1);
	sa.desc.encap.keepalive_s = SA_KEEPALIVE_NONE;
	atomic_store(&d.tune, tunables_pack(tunables_default));
	assert_int_equal(after(100000000), 0);
}

static void test_keepalive_is_for_living_sas_in_udp_that_we_send_on(void **state)
{
	(void)state;
	atomic_store(&sa.slot->run.seq, 0);
	assert_int_equal(after(QUIET), 0);
	atomic_store(&sa.slot->run.seq, 1);
	sa.dead_ms = now.ms;
	assert_int_equal(after(QUIET), 0);
	sa.dead_ms = 0;
	sa.desc.encap = (struct sa_encap){0};
	assert_int_equal(after(QUIET), 0);
	sa.desc.encap = (struct sa_encap){.sport = 4500, .dport = 4500};
	assert_int_equal(after(QUIET), 1);
}

static void test_keepalive_is_one_octet_from_port_to_port(void **state)
{
	(void)state;
	assert_int_equal(after(QUIET), 1);
	assert_int_equal(sent_fd, FD4);
	assert_int_equal(sent_len, UDP_AT4 + 9);
	assert_int_equal(sent[0], 0x45);
	assert_int_equal(sent[9], 17);
	assert_memory_equal(sent + 12, "\xc0\0\2\1\xc0\0\2\2", 8);
	assert_memory_equal(sent + UDP_AT4, "\x11\x94\x9c\x40\0\x09\0\0\xff", 9);
}

static void test_keepalive_over_ipv6_has_a_checksum(void **state)
{
	(void)state;
	assert_int_equal(inet_addr_parse("2001:db8::1", &sa.desc.src), 0);
	assert_int_equal(inet_addr_parse("2001:db8::2", &sa.desc.dst), 0);
	assert_int_equal(after(QUIET), 1);
	assert_int_equal(sent_fd, FD6);
	assert_int_equal(sent_len, UDP_AT6 + 9);
	assert_int_equal(sent[6], 17);
	assert_memory_equal(sent + UDP_AT6, "\x11\x94\x9c\x40\0\x09", 6);
	assert_int_equal(sent[UDP_AT6 + 8], 0xff);
	assert_true(sent[UDP_AT6 + 6] || sent[UDP_AT6 + 7]);
	assert_int_equal(csum_finish(csum_add(csum_pseudo(sent, 17, 9), sent + UDP_AT6, 9)), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_keepalive_goes_out_when_nothing_else_has),
	    T(test_keepalive_waits_as_long_as_was_set),
	    T(test_keepalive_of_one_association),
	    T(test_keepalive_is_for_living_sas_in_udp_that_we_send_on),
	    T(test_keepalive_is_one_octet_from_port_to_port),
	    T(test_keepalive_over_ipv6_has_a_checksum),
	};

	return cmocka_run_group_tests_name("datapathd/keepalive", tests, NULL, NULL);
}
