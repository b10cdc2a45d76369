/*
 * An allow-list: what is not named kills the process and leaves a line in the kernel's log (audit type 1326),
 * where the call number tells what was tried. Argument checks compare 32 bits, because that is what the
 * kernel looks at: a filter that compares the whole register can be walked around by setting its upper half.
 */
#include "service/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"

/* What every service needs to serve: its loop, its sockets, memory, time. */
static const int base_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(listen),
    SCMP_SYS(connect),
    SCMP_SYS(shutdown),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(lseek),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Files inside the service's folders: Landlock decides which, and answers EACCES for the rest. */
static const int file_calls[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(getdents64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fchmod),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(flock),
    SCMP_SYS(umask),
};

/* For services without folders: the C library tries some of these on its own (locale, time zone) and must
 * learn that it cannot. */
static const int refused_calls[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
};

/* One rule with at most two 32-bit comparisons: argument number, mask, value. */
struct arg_rule {
	int call;
	struct {
		unsigned arg;
		uint32_t mask, value;
	} cmp[2];
	unsigned n_cmp;
};

#define ARG1(call_, a_, m_, v_)                                                                              \
	{                                                                                                    \
		.call = SCMP_SYS(call_), .cmp = {{a_, m_, v_}}, .n_cmp = 1                                   \
	}
#define SOCKET_OPTION(v_)                                                                                    \
	{                                                                                                    \
		.call = SCMP_SYS(setsockopt), .cmp = {{1, 0xffffffff, SOL_SOCKET}, {2, 0xffffffff, v_}},     \
		.n_cmp = 2                                                                                   \
	}
#define LEVEL(v_) ARG1(setsockopt, 1, 0xffffffff, v_)

static const struct arg_rule arg_rules[] = {
    /* No memory that can be executed. */
    ARG1(mmap, 2, PROT_EXEC, 0),
    ARG1(mprotect, 2, PROT_EXEC, 0),
    /* Threads, but no processes. */
    ARG1(clone, 0, CLONE_THREAD, CLONE_THREAD),
    ARG1(socket, 0, 0xffffffff, AF_UNIX),
    ARG1(ioctl, 1, 0xffffffff, FIONBIO),
    ARG1(ioctl, 1, 0xffffffff, FIOCLEX),
    ARG1(ioctl, 1, 0xffffffff, FIONREAD),
    ARG1(prctl, 0, 0xffffffff, PR_SET_NAME),
    ARG1(prctl, 0, 0xffffffff, PR_GET_DUMPABLE),
    ARG1(prctl, 0, 0xffffffff, 0x53564d41 /* PR_SET_VMA, the allocator names its areas */),
    /* Of socket options only sizes, time-outs and netlink's own. A taken-over service holds raw sockets that
     * go back to the launcher's store: it must not leave marks, filters or IP options on them, nor replace
     * the filter of a reuseport group (51, 52, 68). */
    LEVEL(SOL_NETLINK),
    SOCKET_OPTION(SO_SNDBUF),
    SOCKET_OPTION(SO_RCVBUF),
    SOCKET_OPTION(SO_SNDBUFFORCE),
    SOCKET_OPTION(SO_RCVBUFFORCE),
    SOCKET_OPTION(SO_RCVTIMEO),
    SOCKET_OPTION(SO_SNDTIMEO),
};

/* Calls whose argument checks hold whatever a service's own list says. */
static const int always_checked[] = {
    SCMP_SYS(setsockopt),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(prctl),
};

static void release(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static bool contains(const int *list, size_t n, int call)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == call)
			return true;
	}
	return false;
}

/* A call that this architecture does not have has a negative pseudo number: there is nothing to allow. */
static int add(scmp_filter_ctx ctx, uint32_t action, int call, unsigned n_cmp, const struct scmp_arg_cmp *cmp)
{
	return call < 0 ? 0 : seccomp_rule_add_array(ctx, action, call, n_cmp, cmp);
}

static int add_list(scmp_filter_ctx ctx, uint32_t action, const int *list, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = add(ctx, action, list[i], 0, NULL);
	return r;
}

static int add_arg_rules(scmp_filter_ctx ctx, const int *extra, size_t n_extra, bool sockets)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(arg_rules) && !r; i++) {
		const struct arg_rule *a = &arg_rules[i];
		struct scmp_arg_cmp cmp[2];

		if (a->call == SCMP_SYS(socket) && !sockets)
			continue;
		if (contains(extra, n_extra, a->call) &&
		    !contains(always_checked, ARRAY_SIZE(always_checked), a->call))
			continue;
		for (unsigned k = 0; k < a->n_cmp; k++)
			cmp[k] =
			    SCMP_CMP32(a->cmp[k].arg, SCMP_CMP_MASKED_EQ, a->cmp[k].mask, a->cmp[k].value);
		r = add(ctx, SCMP_ACT_ALLOW, a->call, a->n_cmp, cmp);
	}
	return r;
}

static int add_own_process(scmp_filter_ctx ctx)
{
	/* abort() signals its own thread; prlimit64 is how limits are read. */
	struct scmp_arg_cmp self = SCMP_CMP32(0, SCMP_CMP_EQ, (uint32_t)getpid());
	struct scmp_arg_cmp no_new_limit = SCMP_CMP(2, SCMP_CMP_EQ, 0);
	int r = add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);

	if (!r)
		r = add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &no_new_limit);
	/* Its flags lie in memory, out of a filter's sight; the C library falls back to clone(). */
	if (!r)
		r = add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
	return r;
}

static int add_extra(scmp_filter_ctx ctx, const int *extra, size_t n_extra)
{
	int r = 0;

	for (size_t i = 0; i < n_extra && !r; i++) {
		if (!contains(always_checked, ARRAY_SIZE(always_checked), extra[i]))
			r = add(ctx, SCMP_ACT_ALLOW, extra[i], 0, NULL);
	}
	return r;
}

/* Refusing a call that the service's own list allows would contradict it. */
static int add_refused(scmp_filter_ctx ctx, const int *extra, size_t n_extra)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(refused_calls) && !r; i++) {
		if (!contains(extra, n_extra, refused_calls[i]))
			r = add(ctx, SCMP_ACT_ERRNO(EACCES), refused_calls[i], 0, NULL);
	}
	return r;
}

static int fill(scmp_filter_ctx ctx, const int *extra, size_t n_extra, bool files, bool sockets)
{
	int r = add_list(ctx, SCMP_ACT_ALLOW, base_calls, ARRAY_SIZE(base_calls));

	if (!r)
		r = files ? add_list(ctx, SCMP_ACT_ALLOW, file_calls, ARRAY_SIZE(file_calls))
		          : add_refused(ctx, extra, n_extra);
	if (!r)
		r = add_arg_rules(ctx, extra, n_extra, sockets);
	if (!r)
		r = add_own_process(ctx);
	return r ? r : add_extra(ctx, extra, n_extra);
}

int sandbox_seccomp(const int *extra, size_t n_extra, bool files, bool sockets, struct err_text *e)
{
	AUTO(release) scmp_filter_ctx ctx = NULL;
	int r;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL)
		return err_set(e, 1, "this kernel has no seccomp filters: system calls are not limited");
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		return err_set(e, -ENOMEM, "out of memory while making the system call filter");
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	/* Calls in the numbering of another architecture (32 bit on 64 bit) are as foreign as any other. */
	if (!r)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* Bit 2 of the optimisation level: a binary tree, so that the length of the list costs little per
	 * call. */
	if (!r)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!r)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!r)
		r = fill(ctx, extra, n_extra, files, sockets);
	if (r)
		return err_set(e, r, "cannot make the system call filter: %s", err_name(r));
	r = seccomp_load(ctx);
	if (r)
		return err_set(e, r, "cannot load the system call filter: %s", err_name(r));
	return 0;
}
