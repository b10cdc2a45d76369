/*
 * Hostile processes against one server process: noise, floods, descriptors nobody asked for, connections that
 * say nothing, from another user where the test may change users. Meanwhile the command line's side is served
 * as ever, and afterwards the server has the descriptors and the memory it had before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/rng.h"
#include "ipc/hello.h"
#include "ipc/model.h"
#include "ipc/sock.h"
#include "ipc/sync.h"
#include "support/ipc_rig.h"
#include "support/sanitizer.h"

#include "policyd_admin.pb-c.h"

enum { PEERS = 4, CONNECTIONS = 150, NOBODY = 65534, RSS_GROWTH_KB = 4096, ROWS = 2000 };

static int handle_answer(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ipc_conn_send(c, IPC_OK, rec->id, NULL) == -EMSGSIZE ? -1 : 0;
}

/* As policyd does it: malformed ends the connection, unacceptable is answered. */
static int handle_put(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__spd_put__descriptor, rec, 65536);
	struct policy p;
	struct err_text e;
	int r = m ? model_policy_decode(((const Postern__SpdPut *)m)->policy, &p, &e) : -EBADMSG;

	if (r == -EBADMSG)
		return r;
	(void)(r ? ipc_conn_send_error(c, rec->id, -r, "%s", e.s) : ipc_conn_send(c, IPC_OK, rec->id, NULL));
	return 0;
}

static int next_row(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg)
{
	bool end = row + 1 == ROWS;
	int r = ipc_conn_send_row(c, IPC_SPD_DUMP_ROW, rec_id, row, end, NULL);

	(void)arg;
	return r ? r : end ? 0 : 1;
}

static int handle_dump(struct ipc_conn *c, const struct ipc_record *rec)
{
	static const struct ipc_stream_ops ops = {.next = next_row};

	(void)ipc_conn_stream(c, rec->id, &ops, NULL);
	return 0;
}

/* type, name, roles, max_body, max_in_flight, cost, secret, handle */
static const struct ipc_rule rules[] = {
    {IPC_STATUS, "status", IPC_ROLE_ADMIN, 0, 1000, 1, false, handle_answer},
    {IPC_SPD_PUT, "spd.put", IPC_ROLE_ADMIN, 4096, 100, 1, false, handle_put},
    {IPC_SPD_FLUSH, "spd.flush", IPC_ROLE_ROOT, 0, 1, 1, false, handle_answer},
    {IPC_SPD_DUMP, "spd.dump", IPC_ROLE_ADMIN, 0, 2, 1, false, handle_dump},
};

static const struct ipc_edge edge = {.name = RIG_EDGE,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 5000,
    .budget_burst = 500,
    .max_conns = 8,
    .max_queued = 200000};

static uint32_t roles_of(void *owner, uid_t uid, gid_t gid, pid_t pid)
{
	const uid_t *root = owner;

	(void)gid;
	(void)pid;
	return IPC_ROLE_ADMIN | (uid == *root ? IPC_ROLE_ROOT : 0);
}

/* The server process. Ends when its parent does. */
static _Noreturn void serve(int listener)
{
	static uv_loop_t loop;
	static uid_t root;
	const struct ipc_server_env env = {.loop = &loop,
	    .clock = &clock_boottime,
	    .instance = RIG_INSTANCE,
	    .owner = &root,
	    .roles_of = roles_of};
	struct ipc_server *s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	root = getuid();
	if (uv_loop_init(&loop) == 0 && ipc_server_new(&env, &edge, listener, &s) == 0)
		uv_run(&loop, UV_RUN_DEFAULT);
	_exit(1);
}

static void send_with_descriptor(int fd, const void *buf, size_t n)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {
	    .h = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = n};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
	(void)sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One thing a hostile peer may say on an open connection. */
static void say_something(struct rng *rng, int fd)
{
	static const uint16_t types[] = {
	    IPC_HELLO, IPC_ERROR, IPC_STATUS, IPC_SPD_PUT, IPC_SPD_FLUSH, IPC_SPD_DUMP, 999};
	static uint8_t body[IPC_RECORD_MAX + 100];
	uint16_t type = types[rng_below(rng, ARRAY_SIZE(types))];
	size_t n = rng_below(rng, 3) ? rng_below(rng, 64) : rng_below(rng, sizeof(body));

	rng->fill(rng, body, 64);
	switch (rng_below(rng, 6)) {
	case 0:
		(void)ipc_sock_send(fd, body, n);
		break;
	case 1:
		send_with_descriptor(fd, body, n);
		break;
	case 2:
		for (uint32_t id = 1; id < 400; id++)
			rig_send(fd, rng_below(rng, 2) ? IPC_STATUS : IPC_SPD_DUMP, 0, id, 0, NULL, 0);
		break;
	case 3:
		(void)ipc_sock_recv(fd, body, sizeof(body));
		break;
	default:
		rig_send(fd, type, (uint16_t)(rng_below(rng, 8) == 0), rng_below(rng, 4), rng_below(rng, 2),
		    body, rng_below(rng, 2) ? 0 : n);
	}
}

/* Into the void where all places are taken. */
static void say_hello(int fd)
{
	static const struct ipc_hello h = {
	    .version_min = 1, .version_max = 1, .edge = RIG_EDGE, .instance = RIG_INSTANCE};
	uint8_t b[256];
	int n = ipc_hello_build(b, sizeof(b), 1, &h);

	(void)ipc_sock_send(fd, b, n > 0 ? (size_t)n : 0);
}

static _Noreturn void be_hostile(const char *path, uint64_t seed)
{
	struct rng_seeded seeded;
	struct rng *rng = &seeded.rng;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rng_seeded_init(&seeded, seed);
	if (getuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
		_exit(1);
	for (int i = 0; i < CONNECTIONS; i++) {
		int fd;

		if (ipc_sock_connect(path, &fd) < 0) {
			usleep(1000);
			continue;
		}
		/* A quarter says nothing at first, or nothing at all. */
		if (rng_below(rng, 4))
			say_hello(fd);
		for (uint32_t k = rng_below(rng, 20); k; k--)
			say_something(rng, fd);
		close(fd);
	}
	_exit(0);
}

static int count_descriptors(pid_t pid)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* The server closes its end of a finished call a moment after we did: the fewest it holds within a while. */
static int settled_descriptors(pid_t pid)
{
	int least = count_descriptors(pid);

	for (int i = 0; i < 300; i++) {
		int n = count_descriptors(pid);

		least = n < least ? n : least;
		usleep(1000);
	}
	return least;
}

static long resident_kb(pid_t pid)
{
	char path[64];
	long total, resident;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &total, &resident), 2);
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void call(const char *path)
{
	struct ipc_sync *s = NULL;
	struct ipc_record rec;
	struct err_text e;

	if (ipc_sync_open(path, RIG_EDGE, RIG_INSTANCE, getuid(), 20000, &s, &e) < 0 ||
	    ipc_sync_call(s, IPC_STATUS, NULL, &rec, &e) < 0)
		fail_msg("%s", e.s);
	assert_int_equal(rec.type, IPC_OK);
	ipc_sync_close(s);
}

static void test_hostile_processes_disturb_nobody(void **state)
{
	int before, after = 0, living = PEERS;
	unsigned calls = 0;
	struct ipc_rig r;
	pid_t server;
	long kb;

	(void)state;
	rig_init(&r);
	before = rig_listen(&r);
	assert_int_equal(chmod(r.dir, 0755), 0);
	assert_int_equal(chmod(r.path, 0666), 0);
	server = fork();
	if (server == 0)
		serve(before);
	close(before);
	call(r.path);
	call(r.path);
	before = settled_descriptors(server);
	kb = resident_kb(server);
	for (uint64_t i = 0; i < PEERS; i++)
		if (fork() == 0)
			be_hostile(r.path, i);
	while (living) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		assert_true(pid != server);
		if (pid > 0) {
			assert_int_equal(status, 0);
			living--;
		}
		/* Without root all share one user, and the places may be taken for a moment. */
		if (getuid() == 0) {
			call(r.path);
			calls++;
		}
	}
	for (int i = 0; i < 5000 && after != before; i++) {
		usleep(1000);
		after = count_descriptors(server);
	}
	assert_int_equal(after, before);
	call(r.path);
	print_message("%u calls meanwhile, %ld kB more than before\n", calls, resident_kb(server) - kb);
	assert_true(TEST_UNDER_ASAN || resident_kb(server) - kb < RSS_GROWTH_KB);
	kill(server, SIGKILL);
	assert_int_equal(waitpid(server, NULL, 0), server);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile_processes_disturb_nobody)};

	return cmocka_run_group_tests_name("ipc/hostile", tests, NULL, NULL);
}
