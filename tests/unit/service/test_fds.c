/*
 * What a launcher may say in its three variables. Descriptors live where the protocol puts them, so each case
 * runs in a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "service/fds.h"

static struct fds table;

/* Opens descriptors 3 to 3 + n - 1, sets the variables and receives. */
static int receive(int n_open, const char *fds, const char *names, bool other_pid)
{
	struct err_text e;
	char pid[16];

	for (int i = 0; i < n_open; i++) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd != FDS_FIRST + i)
			dup2(fd, FDS_FIRST + i);
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid() + other_pid);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", fds, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
	return fds_receive(&table, &e);
}

static const struct {
	int n_open;
	const char *fds, *names;
	bool other_pid;
	int want_n; /* -1: refused */
} cases[] = {
    /*  1 */ {2, "2", "a.admin:tun", false, 2},
    /*  2 */ {1, "1", "sad-0", false, 1},
    /*  3 */ {2, "2", "same:same", false, 2},
    /*  4 */ {2, "2", "a:b", true, 0},
    /*  5 */ {0, "0", "", false, 0},
    /*  6 */ {2, "2", NULL, false, -1},
    /*  7 */ {2, "2", "a", false, -1},
    /*  8 */ {2, "2", "a:b:c", false, -1},
    /*  9 */ {2, "2", "a:", false, -1},
    /* 10 */ {2, "2", ":b", false, -1},
    /* 11 */ {1, "2", "a:b", false, -1},
    /* 12 */ {1, "321", "a", false, -1},
    /* 13 */ {1, "x", "a", false, 0},
    /* 14 */ {1, "-1", "a", false, 0},
    /* 15 */ {1, "1", "a-name-that-is-longer-than-any-descriptor-needs-to-be", false, -1},
};

static int run_case(size_t i)
{
	int r;

	/* cmocka's own descriptors must not be in the way. */
	closefrom(FDS_FIRST);
	r = receive(cases[i].n_open, cases[i].fds, cases[i].names, cases[i].other_pid);
	if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES"))
		return 2;
	if (cases[i].want_n < 0)
		return r < 0 ? 0 : 3;
	if (r || (int)table.n != cases[i].want_n)
		return 4;
	for (size_t k = 0; k < table.n; k++) {
		if (!(fcntl(table.e[k].fd, F_GETFD) & FD_CLOEXEC))
			return 5;
	}
	return 0;
}

static void test_fds_variables_are_believed_only_as_a_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			_exit(run_case(i));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			fail_msg("case %zu: %d", i + 1, WEXITSTATUS(status));
	}
}

static void test_fds_are_taken_once_and_walked_by_prefix(void **state)
{
	const char *name;
	int a, b;

	(void)state;
	table = (struct fds){.n = 4, .e = {{"sad-1", -1}, {"tun", -1}, {"sad-0", -1}, {"sad-1", -1}}};
	for (size_t i = 0; i < table.n; i++)
		table.e[i].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	name = fds_next(&table, "sad-", NULL);
	assert_string_equal(name, "sad-1");
	name = fds_next(&table, "sad-", name);
	assert_string_equal(name, "sad-0");
	/* Walking goes on behind a name that was taken on the way. */
	b = fds_take(&table, "sad-0");
	name = fds_next(&table, "sad-", name);
	assert_string_equal(name, "sad-1");
	assert_null(fds_next(&table, "sad-", name));
	a = fds_take(&table, "sad-1");
	assert_true(a >= 0 && b >= 0 && a != b);
	assert_int_equal(fds_take(&table, "sad-0"), -1);
	assert_int_equal(fds_take(&table, "nothing"), -1);
	close(a);
	close(b);
	a = table.e[1].fd;
	fds_fini(&table);
	assert_int_equal(fcntl(a, F_GETFD), -1);
	assert_null(fds_next(&table, "", NULL));
}

static int bound(int type, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void test_fds_listener_is_checked_for_kind_and_name(void **state)
{
	char dir[] = "/tmp/postern-fds-XXXXXX", path[64];
	AUTO_CLOSE int fd = -1, stream = -1, file = open("/dev/null", O_RDONLY);
	struct err_text e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/policyd.admin", dir);
	stream = bound(SOCK_STREAM, path);
	listen(stream, 1);
	assert_true(fds_check_listener(stream, "policyd.admin", &e) < 0);
	fd = bound(SOCK_SEQPACKET, path);
	/* Bound, but not yet listening. */
	assert_true(fds_check_listener(fd, "policyd.admin", &e) < 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(fds_check_listener(fd, "policyd.admin", &e), 0);
	assert_true(fds_check_listener(fd, "policyd.acquire", &e) < 0);
	assert_non_null(strstr(e.s, "names are mixed up"));
	assert_true(fds_check_listener(file, "policyd.admin", &e) < 0);
	assert_true(fds_check_listener(-1, "policyd.admin", &e) < 0);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fds_variables_are_believed_only_as_a_whole),
	    cmocka_unit_test(test_fds_are_taken_once_and_walked_by_prefix),
	    cmocka_unit_test(test_fds_listener_is_checked_for_kind_and_name),
	};

	return cmocka_run_group_tests_name("service/fds", tests, NULL, NULL);
}
