/*
 * A service that does nothing but be one: it stands in for the real ones (TEST_SERVICE_NAME) when
 * supervisor, start phases and sandbox are tested. Its admin socket has one more verb, PROBE, whose body is a
 * word and whose answer is an ERROR record with the result as code; words that break a rule are answered by
 * the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "service/service.h"

enum { PROBE = 1000, WORD_MAX = 200, SEGMENT_LEN = 4096, MAGIC = 0x53544f52 };

/* What lies in the stored segment: proof that a later life sees the same memory. */
struct segment {
	uint32_t magic, lives;
};

static struct {
	int fd; /* a fresh segment, made as root; -1 when the store had one */
} state = {.fd = -1};

static int open_privileged(struct service *s, struct err_text *e)
{
	if (service_next_fd_name(s, "sad-0", NULL))
		return 0;
	state.fd = memfd_create("segment", MFD_CLOEXEC);
	if (state.fd < 0 || ftruncate(state.fd, SEGMENT_LEN))
		return err_set(e, -errno, "memfd: %s", err_name(errno));
	return 0;
}

static int start(struct service *s, struct err_text *e)
{
	bool stored = state.fd < 0;
	AUTO_CLOSE int fd = stored ? service_take_fd(s, "sad-0") : take_fd(&state.fd);
	struct segment *seg;

	for (const char *n = service_next_fd_name(s, "sad-", NULL); n; n = service_next_fd_name(s, "sad-", n))
		close(service_take_fd(s, n));
	seg = mmap(NULL, SEGMENT_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (seg == MAP_FAILED)
		return err_set(e, -errno, "mmap: %s", err_name(errno));
	if (stored && seg->magic != MAGIC)
		return err_set(e, -EBADMSG, "the stored segment is not what was stored");
	seg->magic = MAGIC;
	seg->lives++;
	service_set_state(s, "life %u", seg->lives);
	/* Only datapathd may; for the others this is the refused case that does no harm. */
	if (!stored && !strcmp(TEST_SERVICE_NAME, "datapathd"))
		return service_store_fd(s, "sad-0", fd);
	return 0;
}

static int probe_store(struct service *s, const char *name)
{
	AUTO_CLOSE int fd = memfd_create("probe", MFD_CLOEXEC);

	return fd < 0 ? -errno : service_store_fd(s, name, fd);
}

static int probe_unstore(struct service *s, const char *name)
{
	return service_unstore_fd(s, name);
}

static int probe_open(struct service *s, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

static int probe_create(struct service *s, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : 0;
}

static int probe_abstract(struct service *s, const char *name)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(name);

	memcpy(sa.sun_path + 1, name, n);
	return connect(
	           fd, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n))
	           ? -errno
	           : 0;
}

static int probe_state(struct service *s, const char *text)
{
	service_set_state(s, "%s", text);
	return 0;
}

static int probe_publish(struct service *s, const char *text)
{
	service_publish(s, "probe.event", "%s", text);
	return 0;
}

static int probe_log(struct service *s, const char *text)
{
	log_info("probe.log", "%s", text);
	return 0;
}

static int probe_exit(struct service *s, const char *code)
{
	_exit(atoi(code));
}

static int probe_exec(struct service *s, const char *path)
{
	char *argv[] = {(char *)path, NULL};

	return execv(path, argv) ? -errno : 0;
}

static int probe_fork(struct service *s, const char *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -errno : 0;
}

static int probe_inet(struct service *s, const char *arg)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : 0;
}

/* With a level whose upper half is set: the kernel looks at the lower half only, and so must the filter. */
static int probe_reuseport(struct service *s, const char *how)
{
	struct sock_filter ret = {.code = BPF_RET | BPF_K, .k = 0};
	struct sock_fprog prog = {.len = 1, .filter = &ret};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned long level = SOL_SOCKET | (strcmp(how, "high") ? 0 : 1UL << 32);
	int option = strcmp(how, "detach") ? SO_ATTACH_REUSEPORT_CBPF : SO_DETACH_REUSEPORT_BPF;

	return syscall(SYS_setsockopt, fd, level, option, &prog, sizeof(prog)) ? -errno : 0;
}

static int probe_executable_memory(struct service *s, const char *arg)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
	           ? -errno
	           : 0;
}

static int probe_kill(struct service *s, const char *pid)
{
	return kill(atoi(pid), 0) ? -errno : 0;
}

static int probe_setuid(struct service *s, const char *arg)
{
	return setuid(0) ? -errno : 0;
}

static int probe_ptrace(struct service *s, const char *arg)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) ? -errno : 0;
}

static int probe_mount(struct service *s, const char *arg)
{
	return syscall(SYS_mount, "none", "/", "tmpfs", 0, "") ? -errno : 0;
}

static const struct {
	const char *word;
	int (*run)(struct service *s, const char *arg);
} probes[] = {
    {"store", probe_store},
    {"unstore", probe_unstore},
    {"open", probe_open},
    {"create", probe_create},
    {"abstract", probe_abstract},
    {"state", probe_state},
    {"publish", probe_publish},
    {"log", probe_log},
    {"exit", probe_exit},
    {"exec", probe_exec},
    {"fork", probe_fork},
    {"inet", probe_inet},
    {"reuseport", probe_reuseport},
    {"executable-memory", probe_executable_memory},
    {"kill", probe_kill},
    {"setuid", probe_setuid},
    {"ptrace", probe_ptrace},
    {"mount", probe_mount},
};

static int on_probe(struct ipc_conn *c, const struct ipc_record *rec)
{
	char word[WORD_MAX + 1], *arg;

	memcpy(word, rec->body, rec->body_len);
	word[rec->body_len] = '\0';
	arg = strchr(word, ' ');
	if (arg)
		*arg++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!strcmp(word, probes[i].word)) {
			int r = probes[i].run(service_of_conn(c), arg ? arg : "");

			if (r)
				ipc_conn_send_error(c, rec->id, -r, "probe");
			else
				ipc_conn_send(c, IPC_OK, rec->id, NULL);
			return 0;
		}
	}
	return -EBADMSG;
}

static void status(struct service *s, struct service_status_sink *to)
{
	service_status_add(to, "kind", "stand-in for %s", TEST_SERVICE_NAME);
}

static void stats(struct service *s, struct service_stats_sink *to)
{
	service_stats_add(to, "probe", 42);
}

/* Supervisor's last act: leaves a trace that the test looks for. */
static int option(struct service *s, const char *word)
{
	char path[SETTINGS_PATH_MAX + 16];
	int fd;

	if (strcmp(word, "--withdraw"))
		return 0;
	snprintf(path, sizeof(path), "%s/withdrawn", service_settings(s)->state_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 1;
}

static const struct ipc_rule rules[] = {
    {.type = PROBE,
        .name = "probe",
        .roles = IPC_ROLE_ROOT,
        .max_body = WORD_MAX,
        .max_in_flight = 1,
        .handle = on_probe},
};
static const int caps[] = {CAP_NET_ADMIN};
static const int syscalls[] = {SCMP_SYS(memfd_create)};
static const struct service_dir dirs[] = {{"@state", SERVICE_DIR_WRITE}};

static const struct service_def def = {
    .name = TEST_SERVICE_NAME,
    .caps = caps,
    .n_caps = TEST_SERVICE_CAPS,
    .syscalls = syscalls,
    .n_syscalls = ARRAY_SIZE(syscalls),
    .dirs = dirs,
    .n_dirs = TEST_SERVICE_DIRS,
    .no_sockets = TEST_SERVICE_NO_SOCKETS,
    .stays_root = TEST_SERVICE_ROOT,
    .open_privileged = open_privileged,
    .start = start,
    .admin_rules = rules,
    .n_admin_rules = ARRAY_SIZE(rules),
    .status = status,
    .stats = stats,
    .option = option,
};

int main(int argc, char **argv)
{
	return service_main(&def, argc, argv);
}
