/*
 * Who may make sockets: a service of that kind Unix ones alone, certd and certd-verify none. Each attempt is
 * made by a child behind the wall.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/sandbox.h"
#include "support/sanitizer.h"

enum { NO_WALL = 3, MADE = 4, REFUSED = 5 };

static int behind_wall(bool sockets, bool (*act)(int family, int type), int family, int type)
{
	const struct rlimit no_core = {0, 0};
	struct err_text e;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    sandbox_seccomp(NULL, 0, false, sockets, &e) != 0)
			_exit(NO_WALL);
		_exit(act(family, type) ? MADE : REFUSED);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool make_socket(int family, int type)
{
	return socket(family, type, 0) >= 0;
}

static int attempt(bool sockets, int family, int type)
{
	return behind_wall(sockets, make_socket, family, type);
}

/* On what is no socket: the filter looks at the call alone. */
static bool bind_any(int family, int type)
{
	const struct sockaddr a = {.sa_family = (sa_family_t)family};

	(void)type;
	return bind(STDIN_FILENO, &a, sizeof(a)) == 0;
}

static bool open_any(int family, int type)
{
	(void)family;
	(void)type;
	return open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES;
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

/* What certd and certd-verify import from the libraries, and use before the wall is closed. */
static void test_seccomp_no_names(void **state)
{
	int status;

	(void)state;
	if (TEST_UNDER_ASAN)
		skip();
	expect_killed(behind_wall(false, bind_any, AF_UNIX, 0));
	status = behind_wall(false, open_any, 0, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seccomp_unix_sockets_alone),
	    cmocka_unit_test(test_seccomp_no_sockets_at_all),
	    cmocka_unit_test(test_seccomp_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
