/*
 * The sending side against a socket that shows what arrived, with the descriptor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "service/notify.h"

/* A receiver at a path, or in the abstract name space when the path begins with @. */
static int receiver(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t n = strlen(path);

	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	return fd;
}

/* The message as text; *ret_fd the descriptor that came along, or -1. */
static void expect(int fd, const char *want, int *ret_fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char text[256] = "";
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};

	assert_true(recvmsg(fd, &msg, MSG_DONTWAIT) >= 0);
	assert_string_equal(text, want);
	*ret_fd = -1;
	if (CMSG_FIRSTHDR(&msg))
		memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*ret_fd));
}

static void test_notify_words_and_descriptors_arrive(void **state)
{
	char dir[] = "/tmp/postern-notify-XXXXXX", path[64];
	AUTO_CLOSE int rx = -1, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct stat a, b;
	struct notify n;
	struct err_text e;
	int got;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/notify", dir);
	rx = receiver(path);
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify_open(&n, &e), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	/* The connection does not need the path any more. */
	unlink(path);
	rmdir(dir);
	assert_int_equal(notify_send(&n, -1, "READY=%d", 1), 0);
	expect(rx, "READY=1", &got);
	assert_int_equal(got, -1);
	assert_int_equal(notify_send(&n, null, "FDSTORE=1\nFDNAME=%s", "tun"), 0);
	expect(rx, "FDSTORE=1\nFDNAME=tun", &got);
	assert_true(got >= 0 && got != null);
	assert_int_equal(fstat(null, &a), 0);
	assert_int_equal(fstat(got, &b), 0);
	assert_true(a.st_rdev == b.st_rdev && S_ISCHR(b.st_mode));
	close(got);
	notify_close(&n);
}

static void test_notify_abstract_address_works(void **state)
{
	AUTO_CLOSE int rx = -1;
	struct notify n;
	struct err_text e;
	char name[64];
	int got;

	(void)state;
	snprintf(name, sizeof(name), "@postern-test-%d", (int)getpid());
	rx = receiver(name);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&n, &e), 0);
	assert_int_equal(notify_send(&n, -1, "WATCHDOG=1"), 0);
	expect(rx, "WATCHDOG=1", &got);
	notify_close(&n);
}

/* The last message before a launcher that was busy must not be the one that is lost. */
static void test_notify_full_queue_drops_hints_and_send_waits(void **state)
{
	AUTO_CLOSE int rx = -1;
	struct notify n;
	struct err_text e;
	char name[64], buf[64] = "";
	int sent = 0, status;
	pid_t child;

	(void)state;
	snprintf(name, sizeof(name), "@postern-test-full-%d", (int)getpid());
	rx = receiver(name);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&n, &e), 0);
	while (sent < 100000 && notify_send(&n, -1, "WATCHDOG=1") == 0)
		sent++;
	assert_int_equal(notify_send(&n, -1, "WATCHDOG=1"), -EAGAIN);
	child = fork();
	if (child == 0)
		_exit(notify_send(&n, -1, "READY=1") == 0 ? 0 : 1);
	for (int i = 0; i < sent; i++)
		assert_true(recv(rx, buf, sizeof(buf), 0) > 0);
	memset(buf, 0, sizeof(buf));
	assert_true(recv(rx, buf, sizeof(buf) - 1, 0) > 0);
	assert_string_equal(buf, "READY=1");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	notify_close(&n);
}

static void test_notify_without_a_launcher_says_so(void **state)
{
	struct notify n;
	struct err_text e;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&n, &e), 0);
	assert_int_equal(notify_send(&n, -1, "READY=1"), -ENOTCONN);
	setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
	assert_true(notify_open(&n, &e) < 0);
	assert_non_null(strstr(e.s, "/nowhere/notify"));
	assert_int_equal(n.fd, -1);
	unsetenv("NOTIFY_SOCKET");
}

static void test_notify_watchdog_is_for_the_named_process_only(void **state)
{
	struct notify n;
	struct err_text e;
	char pid[16];

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "20000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_open(&n, &e), 0);
	assert_int_equal(n.watchdog_ms, getpid() == 1 ? 20000 : 0);
	assert_null(getenv("WATCHDOG_USEC"));
	setenv("WATCHDOG_USEC", "20000000", 1);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_open(&n, &e), 0);
	assert_int_equal(n.watchdog_ms, 20000);
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(notify_open(&n, &e), 0);
	assert_int_equal(n.watchdog_ms, 3000);
}

static void test_notify_too_long_is_refused_whole(void **state)
{
	char text[2000];
	AUTO_CLOSE int rx = -1;
	struct notify n;
	struct err_text e;
	char name[64], buf[16];

	(void)state;
	snprintf(name, sizeof(name), "@postern-test-long-%d", (int)getpid());
	rx = receiver(name);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&n, &e), 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(notify_send(&n, -1, "STATUS=%s", text), -EMSGSIZE);
	assert_int_equal(recv(rx, buf, sizeof(buf), MSG_DONTWAIT), -1);
	notify_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_notify_words_and_descriptors_arrive),
	    cmocka_unit_test(test_notify_abstract_address_works),
	    cmocka_unit_test(test_notify_full_queue_drops_hints_and_send_waits),
	    cmocka_unit_test(test_notify_without_a_launcher_says_so),
	    cmocka_unit_test(test_notify_watchdog_is_for_the_named_process_only),
	    cmocka_unit_test(test_notify_too_long_is_refused_whole),
	};

	return cmocka_run_group_tests_name("service/notify", tests, NULL, NULL);
}
