/*
 * Who may make sockets: a service of that kind Unix ones alone, certd and certd-verify none. Each attempt is
 * made by a child behind the wall.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/sandbox.h"
#include "support/sanitizer.h"

enum { NO_WALL = 3, MADE = 4, REFUSED = 5 };

static int attempt(bool sockets, int family, int type)
{
	const struct rlimit no_core = {0, 0};
	struct err_text e;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    sandbox_seccomp(NULL, 0, false, sockets, &e) != 0)
			_exit(NO_WALL);
		_exit(socket(family, type, 0) >= 0 ? MADE : REFUSED);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_made(int status)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), MADE);
}

static void expect_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void test_seccomp_unix_sockets_alone(void **state)
{
	(void)state;
	if (TEST_UNDER_ASAN)
		skip();
	expect_made(attempt(true, AF_UNIX, SOCK_SEQPACKET));
	expect_killed(attempt(true, AF_INET, SOCK_DGRAM));
	expect_killed(attempt(true, AF_INET6, SOCK_STREAM));
	expect_killed(attempt(true, AF_NETLINK, SOCK_RAW));
	expect_killed(attempt(true, AF_PACKET, SOCK_RAW));
}

static void test_seccomp_no_sockets_at_all(void **state)
{
	(void)state;
	if (TEST_UNDER_ASAN)
		skip();
	expect_killed(attempt(false, AF_UNIX, SOCK_SEQPACKET));
	expect_killed(attempt(false, AF_INET, SOCK_DGRAM));
	expect_killed(attempt(false, AF_NETLINK, SOCK_RAW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seccomp_unix_sockets_alone),
	    cmocka_unit_test(test_seccomp_no_sockets_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
