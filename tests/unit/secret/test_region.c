#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "secret/region.h"
#include "support/sanitizer.h"

typedef int create_fn(const char *, size_t, struct secret_region *, struct err_text *);

static int send_fd(int sock, int fd)
{
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(sizeof(int))];
	} c = {0};
	char octet = 'x';
	struct iovec v = {.iov_base = &octet, .iov_len = 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	return sendmsg(sock, &m, 0) == 1 ? 0 : -1;
}

static int receive_fd(int sock)
{
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(sizeof(int))];
	} c = {0};
	char octet;
	int fd = -1;
	struct iovec v = {.iov_base = &octet, .iov_len = 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};

	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* First life: makes the region, writes, hands the descriptor to the launcher, and is killed without a chance
 * to tidy up. */
static void first_life(int sock, create_fn *create, size_t n)
{
	struct secret_region r = SECRET_REGION_INIT;
	struct err_text e = {0};

	if (create("test", n, &r, &e) < 0)
		_exit(1);
	for (size_t i = 0; i < n; i++)
		r.p[i] = (uint8_t)(i * 7 + 1);
	if (send_fd(sock, r.fd) < 0)
		_exit(2);
	kill(getpid(), SIGKILL);
}

static void survives_with(create_fn *create, enum secret_region_kind kind)
{
	struct secret_region r = SECRET_REGION_INIT;
	struct err_text e = {0};
	int sock[2], status, fd;
	size_t n = 10000;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		first_life(sock[1], create, n);
	close(sock[1]);
	fd = receive_fd(sock[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(fd >= 0);
	if (secret_region_adopt(fd, n, &r, &e) < 0)
		fail_msg("%s", e.s);
	assert_int_equal(r.kind, kind);
	assert_int_equal(r.len, 12288);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(r.p[i], (uint8_t)(i * 7 + 1));
	secret_region_fini(&r);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	close(sock[0]);
}

static void test_region_passes_to_another_process_after_a_kill(void **state)
{
	struct secret_region r = SECRET_REGION_INIT;
	enum secret_region_kind kind;

	(void)state;
	assert_int_equal(secret_region_create("probe", 1, &r, NULL), 0);
	kind = r.kind;
	secret_region_fini(&r);
	print_message("regions here are %s\n", secret_region_kind_name(kind));
	survives_with(secret_region_create, kind);
}

static void test_region_fallback_passes_to_another_process_after_a_kill(void **state)
{
	(void)state;
	survives_with(secret_region_create_memfd, SECRET_REGION_MEMFD);
}

static void flags_of(const void *p, char *ret, size_t room)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long a, b;
	char line[512];
	bool mine = false;

	assert_non_null(f);
	ret[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &a, &b) == 2)
			mine = (uintptr_t)p >= a && (uintptr_t)p < b;
		else if (mine && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(ret, room, "%s", line);
	}
	fclose(f);
}

static void test_region_is_locked_undumped_and_absent_from_children(void **state)
{
	static create_fn *const creates[] = {secret_region_create, secret_region_create_memfd};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(creates); i++) {
		AUTO_SECRET_REGION struct secret_region r = SECRET_REGION_INIT;
		char flags[512];

		assert_int_equal(creates[i]("test", 4096, &r, NULL), 0);
		flags_of(r.p, flags, sizeof(flags));
		assert_true(TEST_UNDER_ASAN || strstr(flags, " lo"));
		assert_non_null(strstr(flags, " dd"));
		assert_non_null(strstr(flags, " dc"));
		assert_true(fcntl(r.fd, F_GETFD) & FD_CLOEXEC);
	}
}

static void expect_refused(int fd, size_t n, const char *why)
{
	struct secret_region r = SECRET_REGION_INIT;
	struct err_text e = {0};

	assert_int_equal(secret_region_adopt(fd, n, &r, &e), -EINVAL);
	if (!strstr(e.s, why))
		fail_msg("'%s' does not say '%s'", e.s, why);
	assert_int_equal(r.fd, -1);
	assert_null(r.p);
	assert_true(fcntl(fd, F_GETFD) >= 0); /* still the caller's */
	close(fd);
}

static int sealed_memfd(off_t n, int seals)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, n), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void test_region_adopt_hostile_descriptors_are_refused(void **state)
{
	const int good = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	char name[] = "/dev/shm/postern-test-XXXXXX", path[64];
	int p[2], fd, ro;

	(void)state;
	assert_int_equal(pipe(p), 0);
	close(p[1]);
	expect_refused(p[0], 4096, "not open for reading and writing");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	close(p[1]);
	expect_refused(p[0], 4096, "not memory");
	expect_refused(open("/dev/zero", O_RDWR), 4096, "not memory");
	expect_refused(sealed_memfd(4096, F_SEAL_GROW), 4096, "not sealed");
	expect_refused(sealed_memfd(4096, F_SEAL_SHRINK | F_SEAL_GROW), 4096, "not sealed");
	expect_refused(sealed_memfd(4096, good), 8192, "4096 bytes");
	expect_refused(sealed_memfd(4097, good), 4097, "4097 bytes");
	expect_refused(sealed_memfd(0, good), 0, "0 bytes");
	expect_refused(sealed_memfd((off_t)1 << 31, good), 0, "bytes");
	fd = sealed_memfd(4096, good);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	close(fd);
	expect_refused(ro, 4096, "not open for reading and writing");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	expect_refused(dup(fd), 4096, "has a name");
	unlink(name);
	expect_refused(fd, 4096, "not sealed");
}

static void test_region_adopt_any_size_takes_what_is_there(void **state)
{
	AUTO_SECRET_REGION struct secret_region a = SECRET_REGION_INIT;
	AUTO_SECRET_REGION struct secret_region b = SECRET_REGION_INIT;

	(void)state;
	assert_int_equal(secret_region_create("test", 5 * 4096, &a, NULL), 0);
	assert_int_equal(secret_region_adopt(dup(a.fd), 0, &b, NULL), 0);
	assert_int_equal(b.len, 5 * 4096);
	b.p[20000] = 0x5a;
	assert_int_equal(a.p[20000], 0x5a);
}

/* The limit binds only those without CAP_IPC_LOCK, so a child gives up root first. */
static void test_region_beyond_memlock_says_what_to_raise(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit little = {4096, 4096};
		struct secret_region r = SECRET_REGION_INIT;
		struct err_text e = {0};
		int err;

		if (setrlimit(RLIMIT_MEMLOCK, &little) < 0 ||
		    (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0))
			_exit(2);
		err = secret_region_create("test", 1 << 20, &r, &e);
		_exit(err < 0 && strstr(e.s, "LimitMEMLOCK") && r.fd == -1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_region_passes_to_another_process_after_a_kill),
	    cmocka_unit_test(test_region_fallback_passes_to_another_process_after_a_kill),
	    cmocka_unit_test(test_region_is_locked_undumped_and_absent_from_children),
	    cmocka_unit_test(test_region_adopt_hostile_descriptors_are_refused),
	    cmocka_unit_test(test_region_adopt_any_size_takes_what_is_there),
	    cmocka_unit_test(test_region_beyond_memlock_says_what_to_raise),
	};

	return cmocka_run_group_tests_name("secret/region", tests, NULL, NULL);
}
