/*
 * A process and not a thread: the command line blocks while it waits for an answer.
 */
#include "support/fake_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/model.h"
#include "ipc/server.h"

#include "admin.pb-c.h"
#include "datapathd_admin.pb-c.h"
#include "policyd_admin.pb-c.h"

enum { ROWS = 64, CAP = 65536, MAX_BODY = 4096 };

struct sa_row {
	struct sa_desc desc;
	uint8_t enc_key[ALG_KEY_MAX], auth_key[ALG_KEY_MAX];
};

struct lists {
	struct sa_row sas[ROWS];
	size_t n_sas;
	struct policy policies[ROWS];
	size_t n_policies;
};

static struct {
	const struct fake_suite *opt;
	int note_fd;
	unsigned n_asked, n_commits;
	struct lists now, before[2]; /* before a transaction: of datapathd, of policyd */
	bool txn[2];
} fake;

static void note(const char *word)
{
	if (write(fake.note_fd, word, strlen(word)) < 0 || write(fake.note_fd, " ", 1) < 0)
		_exit(3);
}

static int refuse(struct ipc_conn *c, const struct ipc_record *rec, int code, const char *text)
{
	(void)ipc_conn_send_error(c, rec->id, code, "%s", text);
	return 0;
}

static int sa_done(struct ipc_conn *c, const struct ipc_record *rec, uint32_t count)
{
	Postern__SaDone m = POSTERN__SA_DONE__INIT;

	m.count = count;
	(void)ipc_conn_send(c, IPC_SA_DONE, rec->id, &m.base);
	return 0;
}

static int spd_done(struct ipc_conn *c, const struct ipc_record *rec)
{
	Postern__SpdDone m = POSTERN__SPD_DONE__INIT;

	if (++fake.n_asked == fake.opt->end_after)
		return -EBADMSG;
	m.version = 9;
	(void)ipc_conn_send(c, IPC_SPD_DONE, rec->id, &m.base);
	return 0;
}

static int find_sa(const struct inet_addr *dst, uint32_t proto, uint32_t spi)
{
	for (size_t i = 0; i < fake.now.n_sas; i++) {
		const struct sa_desc *d = &fake.now.sas[i].desc;

		if (d->proto == proto && d->spi == spi && inet_addr_equal(&d->dst, dst))
			return (int)i;
	}
	return -1;
}

static int on_add(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__sa_add__descriptor, rec, CAP);
	struct err_text e;
	struct sa_desc d;
	struct sa_row *row;

	note("d.add");
	if (!m || model_sa_decode(((Postern__SaAdd *)m)->sa, false, &d, &e) < 0)
		return -EBADMSG;
	if (find_sa(&d.dst, d.proto, d.spi) >= 0 && !((Postern__SaAdd *)m)->update)
		return refuse(
		    c, rec, EEXIST, "an SA with this destination, protocol and SPI is there already");
	if (fake.opt->sad_full)
		return refuse(c, rec, ENOSPC, "the SAD is full");
	row = &fake.now.sas[fake.now.n_sas++ % ROWS];
	row->desc = d;
	if (d.enc_key)
		memcpy(row->enc_key, d.enc_key, d.enc_key_len);
	if (d.auth_key)
		memcpy(row->auth_key, d.auth_key, d.auth_key_len);
	return sa_done(c, rec, 1);
}

static int ident(const Postern__SaId *id, struct inet_addr *ret_dst)
{
	struct err_text e;

	return id ? model_addr_decode(id->dst, false, ret_dst, &e) : -EBADMSG;
}

static int on_delete(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__sa_delete__descriptor, rec, CAP);
	const Postern__SaId *id = m ? ((Postern__SaDelete *)m)->id : NULL;
	struct inet_addr dst;
	int i;

	note("d.delete");
	if (ident(id, &dst) < 0)
		return -EBADMSG;
	i = find_sa(&dst, id->proto, id->spi);
	if (i < 0)
		return refuse(c, rec, ENOENT, "No entry.");
	fake.now.sas[i] = fake.now.sas[--fake.now.n_sas];
	return sa_done(c, rec, 1);
}

static int on_flush(struct ipc_conn *c, const struct ipc_record *rec)
{
	note("d.flush");
	fake.now.n_sas = 0;
	return sa_done(c, rec, 0);
}

static int send_sa(struct ipc_conn *c, const struct ipc_record *rec, size_t i, bool end)
{
	static const struct sa_status status = {.serial = 1,
	    .state = SA_MATURE,
	    .manual = true,
	    .seq = 42,
	    .created_wall_ms = 1741000500000,
	    .age_ms = 100000,
	    .last_used_wall_ms = 1741000598000,
	    .bytes = 5712,
	    .packets = 42,
	    .pid = 4711};
	Postern__SaRow m = POSTERN__SA_ROW__INIT;
	Postern__SaStatus st;
	struct model_sa_pb pb;
	struct sa_desc d;

	if (i < fake.now.n_sas) {
		d = fake.now.sas[i].desc;
		d.enc_key = d.enc_key_len && !fake.opt->hide_keys ? fake.now.sas[i].enc_key : NULL;
		d.auth_key = d.auth_key_len && !fake.opt->hide_keys ? fake.now.sas[i].auth_key : NULL;
		model_sa_encode(&d, !fake.opt->hide_keys, &pb);
		model_sa_status_encode(&status, &st);
		m.sa = &pb.m;
		m.status = &st;
	}
	if (rec->type == IPC_SA_GET)
		return ipc_conn_send(c, IPC_SA_ROW, rec->id, &m.base);
	return ipc_conn_send_row(c, IPC_SA_ROW, rec->id, (uint32_t)i, end, &m.base);
}

static int on_get(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__sa_get__descriptor, rec, CAP);
	const Postern__SaId *id = m ? ((Postern__SaGet *)m)->id : NULL;
	struct inet_addr dst;
	int i;

	note("d.get");
	if (ident(id, &dst) < 0)
		return -EBADMSG;
	i = find_sa(&dst, id->proto, id->spi);
	return i < 0 ? refuse(c, rec, ENOENT, "No entry.") : send_sa(c, rec, (size_t)i, false);
}

/* The one SPI that this service ever chooses. */
static int on_getspi(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__sa_getspi__descriptor, rec, CAP);
	const Postern__SaId *id = m ? ((Postern__SaGetspi *)m)->id : NULL;
	struct sa_status status = {.serial = 2, .state = SA_LARVAL, .manual = true};
	Postern__SaRow row = POSTERN__SA_ROW__INIT;
	struct sa_desc d = {.mode = IPSEC_MODE_ANY};
	Postern__SaStatus st;
	struct model_sa_pb pb;
	struct err_text e;

	note("d.getspi");
	if (!id || model_addr_decode(id->src, false, &d.src, &e) < 0 ||
	    model_addr_decode(id->dst, false, &d.dst, &e) < 0)
		return -EBADMSG;
	if (fake.opt->sad_full)
		return refuse(c, rec, ENOSPC, "the SAD is full");
	d.proto = (enum ipsec_proto)id->proto;
	d.spi = 0xabcd;
	model_sa_encode(&d, false, &pb);
	model_sa_status_encode(&status, &st);
	row.sa = &pb.m;
	row.status = &st;
	return ipc_conn_send(c, IPC_SA_ROW, rec->id, &row.base);
}

static int on_dump(struct ipc_conn *c, const struct ipc_record *rec)
{
	note("d.dump");
	for (size_t i = 0; i <= fake.now.n_sas; i++)
		(void)send_sa(c, rec, i, i == fake.now.n_sas);
	return 0;
}

static int on_put(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__spd_put__descriptor, rec, CAP);
	struct err_text e;
	struct policy p;

	note("p.put");
	if (!m || model_policy_decode(((Postern__SpdPut *)m)->policy, &p, &e) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < fake.now.n_policies; i++)
		if (policy_same_entry(&fake.now.policies[i], &p) && !((Postern__SpdPut *)m)->update)
			return refuse(c, rec, EEXIST, "File exists");
	p.id = (uint32_t)fake.now.n_policies + 1;
	fake.now.policies[fake.now.n_policies++ % ROWS] = p;
	return spd_done(c, rec);
}

static int on_spd_delete(struct ipc_conn *c, const struct ipc_record *rec)
{
	note("p.delete");
	if (!fake.now.n_policies)
		return refuse(c, rec, ENOENT, "there is no such policy");
	fake.now.n_policies--;
	return spd_done(c, rec);
}

static int on_spd_flush(struct ipc_conn *c, const struct ipc_record *rec)
{
	note("p.flush");
	fake.now.n_policies = 0;
	return spd_done(c, rec);
}

static int on_spd_dump(struct ipc_conn *c, const struct ipc_record *rec)
{
	note("p.dump");
	for (size_t i = 0; i <= fake.now.n_policies; i++) {
		Postern__SpdDumpRow m = POSTERN__SPD_DUMP_ROW__INIT;
		struct model_policy_pb pb;

		if (i < fake.now.n_policies) {
			model_policy_encode(&fake.now.policies[i], &pb);
			m.policy = &pb.m;
		}
		(void)ipc_conn_send_row(
		    c, IPC_SPD_DUMP_ROW, rec->id, (uint32_t)i, i == fake.now.n_policies, &m.base);
	}
	return 0;
}

static int on_barrier(struct ipc_conn *c, const struct ipc_record *rec)
{
	Postern__SpdBarrierDone m = POSTERN__SPD_BARRIER_DONE__INIT;

	note("p.barrier");
	if (fake.opt->refuse_barrier)
		return refuse(c, rec, EIO, "the kernel does not take the rules");
	(void)ipc_conn_send(c, IPC_SPD_BARRIER_DONE, rec->id, &m.base);
	return 0;
}

static int on_txn(struct ipc_conn *c, const struct ipc_record *rec)
{
	int who = *(int *)ipc_conn_owner(c);
	bool ends = false, fail = who ? fake.opt->refuse_policy_commit : fake.opt->refuse_sa_commit;
	const char *const words[2][4] = {
	    {"d.begin", "d.commit", "d.abort", ""}, {"p.begin", "p.commit", "p.abort", "p.prepare"}};

	note(words[who][rec->type - IPC_TXN_BEGIN]);
	if (rec->type == IPC_TXN_BEGIN)
		fake.before[who] = fake.now;
	if (who && rec->type == IPC_TXN_COMMIT) {
		fake.n_commits++;
		ends = fake.n_commits <= fake.opt->end_policy_commits;
		fail |= ends || fake.n_commits <= fake.opt->refuse_policy_commits;
	}
	fail = fail && rec->type == IPC_TXN_COMMIT;
	if (fail || rec->type == IPC_TXN_ABORT) {
		if (who) {
			memcpy(fake.now.policies, fake.before[1].policies, sizeof(fake.now.policies));
			fake.now.n_policies = fake.before[1].n_policies;
		} else {
			memcpy(fake.now.sas, fake.before[0].sas, sizeof(fake.now.sas));
			fake.now.n_sas = fake.before[0].n_sas;
		}
	}
	if (ends)
		return -EBADMSG;
	if (fail)
		return refuse(c, rec, ENOSPC, "no room for all of it");
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int on_setting(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__setting_set__descriptor, rec, CAP);
	const Postern__SettingSet *set = (const Postern__SettingSet *)m;
	bool policyd = *(int *)ipc_conn_owner(c) != 0;
	char word[96];

	if (!set)
		return -EBADMSG;
	snprintf(word, sizeof(word), "%c.set:%s=%u", policyd ? 'p' : 'd', set->name, (unsigned)set->value);
	note(word);
	if (fake.opt->refuse_settings)
		return refuse(c, rec, EINVAL, "there is no such setting");
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int on_enable(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__enable_set__descriptor, rec, CAP);

	if (!m)
		return -EBADMSG;
	note(((Postern__EnableSet *)m)->on ? "p.enable:1" : "p.enable:0");
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int on_monitor(struct ipc_conn *c, const struct ipc_record *rec)
{
	Postern__Event m = POSTERN__EVENT__INIT;
	char service[] = "policyd", name[] = "spd.add", text[] = "spid=1\033[2J";

	note("monitor");
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	if (*(int *)ipc_conn_owner(c) == 0)
		return 0;
	m.wall_ms = 1741000500123;
	m.service = service;
	m.name = name;
	m.text = text;
	m.lost = 3;
	(void)ipc_conn_send(c, IPC_EVENT, 0, &m.base);
	return -EBADMSG; /* and that is all */
}

#define RULE(type, fn)                                                                                       \
	{                                                                                                    \
		type, #type, IPC_ROLE_ROOT, MAX_BODY, 64, 1, false, fn                                       \
	}
static const struct ipc_rule sad_rules[] = {
    RULE(IPC_SA_ADD, on_add),
    RULE(IPC_SA_GET, on_get),
    RULE(IPC_SA_GETSPI, on_getspi),
    RULE(IPC_SA_DELETE, on_delete),
    RULE(IPC_SA_FLUSH, on_flush),
    RULE(IPC_SA_DUMP, on_dump),
    RULE(IPC_SETTING_SET, on_setting),
    RULE(IPC_TXN_BEGIN, on_txn),
    RULE(IPC_TXN_COMMIT, on_txn),
    RULE(IPC_TXN_ABORT, on_txn),
    RULE(IPC_MONITOR, on_monitor),
};
static const struct ipc_rule spd_rules[] = {
    RULE(IPC_SPD_PUT, on_put),
    RULE(IPC_SPD_DELETE, on_spd_delete),
    RULE(IPC_SPD_FLUSH, on_spd_flush),
    RULE(IPC_SPD_DUMP, on_spd_dump),
    RULE(IPC_SPD_BARRIER, on_barrier),
    RULE(IPC_ENABLE_SET, on_enable),
    RULE(IPC_SETTING_SET, on_setting),
    RULE(IPC_TXN_BEGIN, on_txn),
    RULE(IPC_TXN_COMMIT, on_txn),
    RULE(IPC_TXN_ABORT, on_txn),
    RULE(IPC_TXN_PREPARE, on_txn),
    RULE(IPC_MONITOR, on_monitor),
};
#define EDGE(edge_name, table)                                                                               \
	{                                                                                                    \
		.name = edge_name, .version_min = 1, .version_max = 1, .rules = table,                       \
		.n_rules = ARRAY_SIZE(table), .budget_rate = 10000, .budget_burst = 10000, .max_conns = 8,   \
		.max_queued = 1 << 20                                                                        \
	}
static const struct ipc_edge edges[2] = {
    EDGE("datapathd.admin", sad_rules), EDGE("policyd.admin", spd_rules)};

static uint32_t everybody_is_root(void *owner, uid_t uid, gid_t gid, pid_t pid)
{
	(void)owner;
	(void)uid;
	(void)gid;
	(void)pid;
	return IPC_ROLE_ROOT | IPC_ROLE_ADMIN;
}

static int listen_at(const struct fake_suite *f, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", f->dir, name);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0) {
		perror(a.sun_path);
		abort();
	}
	return fd;
}

static _Noreturn void serve(const struct fake_suite *f, const int fds[2], int note_fd)
{
	static int who[2] = {0, 1};
	struct ipc_server *servers[2];
	uv_loop_t loop;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fake.opt = f;
	fake.note_fd = note_fd;
	uv_loop_init(&loop);
	for (int i = 0; i < 2; i++) {
		const struct ipc_server_env env = {
		    .loop = &loop,
		    .clock = &clock_boottime,
		    .instance = "default",
		    .owner = &who[i],
		    .roles_of = everybody_is_root,
		};

		if (ipc_server_new(&env, &edges[i], fds[i], &servers[i]) < 0)
			_exit(2);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	_exit(0);
}

static void note_path(const struct fake_suite *f, char buf[128])
{
	snprintf(buf, 128, "%s/said", f->dir);
}

void fake_suite_start(struct fake_suite *f)
{
	char path[128];
	int fds[2], note_fd;

	strcpy(f->dir, "/tmp/postern-fake-XXXXXX");
	if (!mkdtemp(f->dir))
		abort();
	note_path(f, path);
	note_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	for (int i = 0; i < 2; i++)
		fds[i] = listen_at(f, edges[i].name);
	f->pid = fork();
	if (f->pid == 0)
		serve(f, fds, note_fd);
	close(note_fd);
	close(fds[0]);
	close(fds[1]);
}

void fake_suite_stop(struct fake_suite *f)
{
	char path[128];

	kill(f->pid, SIGTERM);
	waitpid(f->pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, edges[i].name);
		unlink(path);
	}
	note_path(f, path);
	unlink(path);
	if (rmdir(f->dir) < 0)
		abort();
}

void fake_suite_said(const struct fake_suite *f, char *buf, size_t room)
{
	char path[128];
	size_t n = 0;
	FILE *file;

	note_path(f, path);
	file = fopen(path, "r+");
	if (file) {
		n = fread(buf, 1, room - 1, file);
		if (ftruncate(fileno(file), 0) < 0)
			abort();
		fclose(file);
	}
	buf[n] = '\0';
	if (n && buf[n - 1] == ' ')
		buf[n - 1] = '\0';
}
