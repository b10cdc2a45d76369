/*
 * A descriptor coming back from the launcher's store is somebody else's until it is shown to be ours, and a
 * mapping that its sender could shrink would kill us with SIGBUS. Secret memory cannot be resized once used;
 * a memfd can, unless it is sealed, so the seals are part of the check.
 */
#include "secret/region.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

enum {
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
	SYS_MEMFD_SECRET = 447 /* the same on every architecture */
};

#define REGION_MAX ((size_t)1 << 30)

static size_t round_to_pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

static int map_failed(int r, size_t n, struct err_text *e)
{
	if (r == -EAGAIN || r == -EPERM || r == -ENOMEM)
		return err_set(e, r,
		    "cannot lock %zu bytes of memory for keys: raise the memlock limit (ulimit -l, or "
		    "LimitMEMLOCK= in "
		    "the unit)",
		    n);
	return err_set(e, r, "cannot map %zu bytes of memory for keys: %s", n, err_name(r));
}

/* Maps and hides; secret memory is locked and undumped by itself, but asking again does no harm. */
static int region_map(int fd, size_t len, enum secret_region_kind kind, uint8_t **ret, struct err_text *e)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int r = 0;

	if (p == MAP_FAILED)
		return map_failed(-errno, len, e);
	if (madvise(p, len, MADV_DONTFORK) < 0 ||
	    (kind == SECRET_REGION_MEMFD && (madvise(p, len, MADV_DONTDUMP) < 0 || mlock2(p, len, 0) < 0)))
		r = map_failed(-errno, len, e);
	if (r < 0)
		munmap(p, len);
	else
		*ret = p;
	return r;
}

static int region_finish(
    int *fd, size_t len, enum secret_region_kind kind, struct secret_region *ret, struct err_text *e)
{
	uint8_t *p = NULL;
	int r = region_map(*fd, len, kind, &p, e);

	if (r < 0)
		return r;
	*ret = (struct secret_region){.kind = kind, .fd = take_fd(fd), .p = p, .len = len};
	return 0;
}

static int check_size_wanted(size_t n, struct err_text *e)
{
	if (n == 0 || n > REGION_MAX)
		return err_set(e, -EINVAL, "a region for keys has 1 to %zu bytes, not %zu", REGION_MAX, n);
	return 0;
}

int secret_region_create_memfd(const char *name, size_t n, struct secret_region *ret, struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	int r = check_size_wanted(n, e);

	if (r < 0)
		return r;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	n = round_to_pages(n);
	if (fd < 0 || ftruncate(fd, (off_t)n) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		r = -errno;
		return err_set(e, r, "cannot make a memory file for keys: %s", err_name(r));
	}
	return region_finish(&fd, n, SECRET_REGION_MEMFD, ret, e);
}

int secret_region_create(const char *name, size_t n, struct secret_region *ret, struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	int r = check_size_wanted(n, e);

	if (r < 0)
		return r;
	fd = (int)syscall(SYS_MEMFD_SECRET, O_CLOEXEC);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
		return secret_region_create_memfd(name, n, ret, e);
	n = round_to_pages(n);
	if (fd < 0 || ftruncate(fd, (off_t)n) < 0) {
		r = -errno;
		return err_set(e, r, "cannot make secret memory: %s", err_name(r));
	}
	return region_finish(&fd, n, SECRET_REGION_KERNEL, ret, e);
}

/* What kind of memory the descriptor is, or why it is not one of ours. */
static enum secret_region_kind judge(int fd, const struct stat *st, const char **ret_why)
{
	struct statfs fs;
	int flags = fcntl(fd, F_GETFL), seals;

	if (flags < 0 || (flags & O_ACCMODE) != O_RDWR)
		*ret_why = "it is not open for reading and writing";
	else if (!S_ISREG(st->st_mode) || fstatfs(fd, &fs) < 0)
		*ret_why = "it is not memory";
	else if ((unsigned long)fs.f_type == SECRETMEM_MAGIC)
		return SECRET_REGION_KERNEL;
	else if ((unsigned long)fs.f_type != TMPFS_MAGIC)
		*ret_why = "it is not memory";
	else if (st->st_nlink != 0)
		*ret_why = "it has a name in a file system";
	else if ((seals = fcntl(fd, F_GET_SEALS)) < 0 || (seals & SEALS) != SEALS)
		*ret_why = "its size is not sealed";
	else
		return SECRET_REGION_MEMFD;
	return SECRET_REGION_NONE;
}

int secret_region_adopt(int fd, size_t n, struct secret_region *ret, struct err_text *e)
{
	enum secret_region_kind kind;
	const char *why = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0) {
		r = -errno;
		return err_set(e, r, "cannot examine the stored memory for keys: %s", err_name(r));
	}
	kind = judge(fd, &st, &why);
	if (kind == SECRET_REGION_NONE)
		return err_set(e, -EINVAL, "the stored memory for keys cannot be used: %s", why);
	if (st.st_size <= 0 || (size_t)st.st_size > REGION_MAX ||
	    (size_t)st.st_size != round_to_pages((size_t)st.st_size) ||
	    (n && (size_t)st.st_size != round_to_pages(n)))
		return err_set(e, -EINVAL, "the stored memory for keys cannot be used: it has %lld bytes",
		    (long long)st.st_size);
	return region_finish(&fd, (size_t)st.st_size, kind, ret, e);
}

void secret_region_fini(struct secret_region *r)
{
	if (r->p)
		munmap(r->p, r->len);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct secret_region)SECRET_REGION_INIT;
}

const char *secret_region_kind_name(enum secret_region_kind k)
{
	switch (k) {
	case SECRET_REGION_KERNEL:
		return "memfd_secret";
	case SECRET_REGION_MEMFD:
		return "memfd (locked, not dumped)";
	case SECRET_REGION_NONE:
		break;
	}
	return "none";
}
