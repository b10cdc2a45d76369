/*
 * The kernel's own header may be older than the kernel, so the numbers are written out here. Everything the
 * running kernel can handle is handled, and only the service's folders are allowed again: no other file can
 * be opened, no TCP connection made or accepted, no abstract socket reached, no process outside signalled.
 * connect() to sockets with a path name is not restricted by Landlock: file modes and peer credentials guard
 * those.
 */
#include "service/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_REG = 1 << 8,
	FS_TRUNCATE = 1 << 14, /* ABI 3 */
};

/* What each ABI can handle; the last row serves every later one. */
static const struct ruleset_attr abi_attr[] = {
    [1] = {.handled_access_fs = (1 << 13) - 1},
    [2] = {.handled_access_fs = (1 << 14) - 1},
    [3] = {.handled_access_fs = (1 << 15) - 1},
    [4] = {.handled_access_fs = (1 << 15) - 1, .handled_access_net = 3},
    [5] = {.handled_access_fs = (1 << 16) - 1, .handled_access_net = 3},
    [6] = {.handled_access_fs = (1 << 16) - 1, .handled_access_net = 3, .scoped = 3},
};

static int allow_dir(int ruleset, const struct sandbox_dir *d, uint64_t handled, struct err_text *e)
{
	uint64_t read = FS_READ_FILE | FS_READ_DIR;
	uint64_t write = read | FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG | FS_TRUNCATE;
	struct path_beneath_attr rule = {.allowed_access = (d->writable ? write : read) & handled};
	AUTO_CLOSE int fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* A folder that is not there cannot be opened later either. */
	if (fd < 0 && errno == ENOENT && !d->writable)
		return 0;
	if (fd < 0)
		return err_set(e, -errno, "cannot open the folder %s: %s", d->path, err_name(errno));
	rule.parent_fd = fd;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0))
		return err_set(e, -errno, "Landlock refused the folder %s: %s", d->path, err_name(errno));
	return 0;
}

int sandbox_landlock(const struct sandbox_dir *dirs, size_t n_dirs, struct err_text *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	const struct ruleset_attr *attr;
	AUTO_CLOSE int ruleset = -1;

	/* Asking for the version takes no right: EPERM comes from the call filter of a container around us.
	 */
	if (abi < 1 && (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM))
		return err_set(e, 1,
		    "there is no Landlock here (%s): file access is limited by user and system call rules "
		    "only; boot "
		    "with lsm=...,landlock, or let the container use it",
		    err_name(errno));
	if (abi < 1)
		return err_set(e, -errno, "Landlock: %s", err_name(errno));
	attr = &abi_attr[abi < (long)ARRAY_SIZE(abi_attr) ? abi : (long)ARRAY_SIZE(abi_attr) - 1];
	/* Older kernels accept the longer struct as long as what they do not know is zero. */
	ruleset = (int)syscall(SYS_landlock_create_ruleset, attr, sizeof(*attr), 0);
	if (ruleset < 0)
		return err_set(e, -errno, "Landlock: cannot make a rule set: %s", err_name(errno));
	for (size_t i = 0; i < n_dirs; i++) {
		int r = allow_dir(ruleset, &dirs[i], attr->handled_access_fs, e);

		if (r)
			return r;
	}
	if (syscall(SYS_landlock_restrict_self, ruleset, 0))
		return err_set(e, -errno, "Landlock: cannot close the sandbox: %s", err_name(errno));
	return 0;
}
