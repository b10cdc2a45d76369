/*
 * What an edge costs, as JSON: a round trip of the command line with a server process, the same with many
 * requests under way, rows of a dump, and the decoding of one policy. Each figure is the best of several
 * rounds.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/model.h"
#include "ipc/server.h"
#include "ipc/sync.h"

#include "policyd_admin.pb-c.h"

enum { ROUNDS = 9, CALLS = 2000, WINDOW = 64, ROWS = 10000, DECODES = 20000, TIMEOUT_MS = 20000 };

#define EDGE "bench.admin"

static char dir[] = "/tmp/postern-bench-XXXXXX";
static char path[64];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_ipc: %s\n", what);
	unlink(path);
	rmdir(dir);
	exit(1);
}

static const struct policy *a_policy(void)
{
	static struct policy p = {.id = 7, .dir = POLICY_OUT, .action = POLICY_IPSEC, .n_requests = 1};

	p.sel.src = (struct inet_prefix){inet_addr_v4(0x0a000000), 24};
	p.sel.dst = (struct inet_prefix){inet_addr_v4(0x0a000100), 24};
	p.sel.proto = IPPROTO_ANY_;
	p.req[0] = (struct policy_request){.proto = IPSEC_ESP,
	    .mode = IPSEC_TUNNEL,
	    .level = LEVEL_REQUIRE,
	    .src = inet_addr_v4(0xc0000201),
	    .dst = inet_addr_v4(0xc0000202)};
	return &p;
}

static int handle_put(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__spd_put__descriptor, rec, 65536);
	Postern__SpdDone done = POSTERN__SPD_DONE__INIT;
	struct policy p;
	struct err_text e;

	if (!m || model_policy_decode(((const Postern__SpdPut *)m)->policy, &p, &e) < 0)
		return -1;
	done.id = p.id;
	(void)ipc_conn_send(c, IPC_SPD_DONE, rec->id, &done.base);
	return 0;
}

static int next_row(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg)
{
	Postern__SpdDumpRow m = POSTERN__SPD_DUMP_ROW__INIT;
	struct model_policy_pb pb;
	bool end = row + 1 == ROWS;
	int r;

	(void)arg;
	model_policy_encode(a_policy(), &pb);
	m.policy = &pb.m;
	r = ipc_conn_send_row(c, IPC_SPD_DUMP_ROW, rec_id, row, end, &m.base);
	return r ? r : end ? 0 : 1;
}

static int handle_dump(struct ipc_conn *c, const struct ipc_record *rec)
{
	static const struct ipc_stream_ops ops = {.next = next_row};

	return ipc_conn_stream(c, rec->id, &ops, NULL);
}

static const struct ipc_rule rules[] = {
    {IPC_SPD_PUT, "spd.put", IPC_ROLE_ADMIN, 4096, WINDOW, 1, false, handle_put},
    {IPC_SPD_DUMP, "spd.dump", IPC_ROLE_ADMIN, 0, 1, 1, false, handle_dump},
};

static const struct ipc_edge edge = {.name = EDGE,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 100000000,
    .budget_burst = 100000000,
    .max_conns = 2,
    .max_queued = 262144};

static uint32_t roles_of(void *owner, uid_t uid, gid_t gid, pid_t pid)
{
	(void)owner;
	(void)uid;
	(void)gid;
	(void)pid;
	return IPC_ROLE_ADMIN;
}

static _Noreturn void serve(int listener)
{
	uv_loop_t loop;
	const struct ipc_server_env env = {
	    .loop = &loop, .clock = &clock_boottime, .instance = "bench", .roles_of = roles_of};
	struct ipc_server *s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (uv_loop_init(&loop) == 0 && ipc_server_new(&env, &edge, listener, &s) == 0)
		uv_run(&loop, UV_RUN_DEFAULT);
	_exit(1);
}

static pid_t start_server(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t pid;

	if (!mkdtemp(dir))
		die("no folder for the socket");
	snprintf(path, sizeof(path), "%s/edge", dir);
	strcpy(a.sun_path, path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 4) < 0)
		die("no socket");
	pid = fork();
	if (pid == 0)
		serve(fd);
	close(fd);
	return pid;
}

/* SpdPut with at most `window` unanswered; ns for one. */
static double puts_ns(struct ipc_sync *s, unsigned window)
{
	Postern__SpdPut m = POSTERN__SPD_PUT__INIT;
	struct model_policy_pb pb;
	struct ipc_record rec;
	struct err_text e;
	uint64_t t = now_ns();

	model_policy_encode(a_policy(), &pb);
	m.policy = &pb.m;
	for (unsigned sent = 0, got = 0; got < CALLS; got++) {
		uint32_t id;

		for (; sent < CALLS && sent - got < window; sent++)
			if (ipc_sync_send(s, IPC_SPD_PUT, &m.base, &id, &e) < 0)
				die(e.s);
		if (ipc_sync_recv(s, TIMEOUT_MS, &rec, &e) < 0 || rec.type != IPC_SPD_DONE)
			die("a put was not answered");
	}
	return (double)(now_ns() - t) / CALLS;
}

static double row_ns(struct ipc_sync *s, unsigned unused)
{
	struct ipc_record rec = {0};
	struct err_text e;
	uint64_t t = now_ns();
	uint32_t id;

	(void)unused;
	if (ipc_sync_send(s, IPC_SPD_DUMP, NULL, &id, &e) < 0)
		die(e.s);
	while (!(rec.flags & IPC_F_END))
		if (ipc_sync_recv(s, TIMEOUT_MS, &rec, &e) < 0)
			die(e.s);
	return (double)(now_ns() - t) / ROWS;
}

static double decode_ns(struct ipc_sync *s, unsigned unused)
{
	uint8_t b[4096];
	struct model_policy_pb pb;
	struct ipc_record rec = {.body = b};
	struct policy p;
	struct err_text e;
	uint64_t t;

	(void)s;
	(void)unused;
	model_policy_encode(a_policy(), &pb);
	rec.body_len = postern__policy__pack(&pb.m, b);
	t = now_ns();
	for (int i = 0; i < DECODES; i++) {
		ProtobufCMessage *m = ipc_unpack(&postern__policy__descriptor, &rec, 65536);

		if (!m || model_policy_decode((const Postern__Policy *)m, &p, &e) < 0)
			die("a policy was not decoded");
		ipc_unpack_free(m);
	}
	return (double)(now_ns() - t) / DECODES;
}

static double best_of(double (*measure)(struct ipc_sync *s, unsigned arg), struct ipc_sync *s, unsigned arg)
{
	double best = measure(s, arg);

	for (int i = 1; i < ROUNDS; i++) {
		double v = measure(s, arg);

		best = v < best ? v : best;
	}
	return best;
}

int main(void)
{
	struct ipc_sync *s = NULL;
	pid_t server = start_server();
	struct err_text e;

	if (ipc_sync_open(path, EDGE, "bench", getuid(), TIMEOUT_MS, &s, &e) < 0)
		die(e.s);
	printf("{\"schema_version\": 1, \"bench\": \"ipc\", \"window\": %d,\n", WINDOW);
	printf(" \"round_trip_ns\": %.0f,\n", best_of(puts_ns, s, 1));
	printf(" \"pipelined_request_ns\": %.0f,\n", best_of(puts_ns, s, WINDOW));
	printf(" \"dump_row_ns\": %.0f,\n", best_of(row_ns, s, 0));
	printf(" \"policy_decode_ns\": %.0f}\n", best_of(decode_ns, s, 0));
	ipc_sync_close(s);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
	rmdir(dir);
	return 0;
}
