/*
 * A descriptor beside a datagram: one arrives, several do not, and who wants none gets none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/sock.h"

static int pair[2], spare[2];

static int setup(void **state)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 || pipe(spare) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(spare[i]);
	}
	return 0;
}

/* The lowest free number: whether something stayed open. */
static int lowest(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void test_one(void **state)
{
	char buf[8];
	int fd = -1;

	assert_int_equal(ipc_sock_send_fd(pair[0], "hello", 5, spare[1]), 0);
	assert_int_equal(ipc_sock_recv_fd(pair[1], buf, sizeof(buf), &fd), 5);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(spare[0], buf, 1), 1);
	close(fd);
}

static void test_none(void **state)
{
	char buf[8];
	int fd = 7;

	assert_int_equal(ipc_sock_send(pair[0], "hello", 5), 0);
	assert_int_equal(ipc_sock_recv_fd(pair[1], buf, sizeof(buf), &fd), 5);
	assert_int_equal(fd, -1);
}

static void test_not_wanted(void **state)
{
	int before = lowest();
	char buf[8];

	assert_int_equal(ipc_sock_send_fd(pair[0], "hello", 5, spare[1]), 0);
	assert_int_equal(ipc_sock_recv(pair[1], buf, sizeof(buf)), 5);
	assert_int_equal(lowest(), before);
}

static void test_too_many(void **state)
{
	for (size_t n = 2; n <= 4; n++) {
		int fds[4] = {spare[0], spare[1], spare[0], spare[1]}, before = lowest(), fd = -1;
		union {
			char buf[CMSG_SPACE(sizeof(fds))];
			struct cmsghdr align;
		} control = {{0}};
		struct iovec iov = {.iov_base = (void *)(uintptr_t) "hello", .iov_len = 5};
		struct msghdr m = {.msg_iov = &iov,
		    .msg_iovlen = 1,
		    .msg_control = control.buf,
		    .msg_controllen = CMSG_SPACE(n * sizeof(int))};
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		char buf[8];

		*c = (struct cmsghdr){
		    .cmsg_len = CMSG_LEN(n * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
		assert_int_equal(sendmsg(pair[0], &m, 0), 5);
		assert_int_equal(ipc_sock_recv_fd(pair[1], buf, sizeof(buf), &fd), -EPROTO);
		assert_int_equal(lowest(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_none, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_not_wanted, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
