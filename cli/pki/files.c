#include "cli/pki/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void octets_fini(struct octets *o)
{
	if (o->p)
		wipe(o->p, o->n);
	free(o->p);
	*o = (struct octets){0};
}

static int read_all(int fd, uint8_t *p, size_t room, size_t *ret_n)
{
	size_t n = 0;

	while (n < room) {
		ssize_t r = read(fd, p + n, room - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	*ret_n = n;
	return 0;
}

int file_read(const char *path, struct octets *ret, struct err_text *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	AUTO_OCTETS struct octets o = {0};
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s cannot be opened: %s", path, err_name(-errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s is no regular file", path);
	if (st.st_size > PKI_FILE_MAX)
		return err_set(e, -EFBIG, "%s is longer than %d octets", path, PKI_FILE_MAX);
	o.p = calloc(1, (size_t)st.st_size + 1);
	if (!o.p)
		return err_set(e, -ENOMEM, "out of memory");
	r = read_all(fd, o.p, (size_t)st.st_size, &o.n);
	if (r < 0)
		return err_set(e, r, "%s cannot be read: %s", path, err_name(r));
	*ret = o;
	o = (struct octets){0};
	return 0;
}

int file_must_be_new(const char *path, bool force, struct err_text *e)
{
	struct stat st;

	if (force || lstat(path, &st) < 0)
		return 0;
	return err_set(e, -EEXIST, "%s is there already, and is not overwritten without --force", path);
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t r = write(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		p += r;
		n -= (size_t)r;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_new(const char *path, unsigned mode, const void *p, size_t n)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, p, n);
	if (r < 0)
		(void)unlink(path);
	return r;
}

/* Beside the place, so that it is put there in one step. */
static int replace(const char *path, unsigned mode, const void *p, size_t n)
{
	AUTO_FREE char *beside = NULL;
	int r;

	if (asprintf(&beside, "%s.%d.new", path, getpid()) < 0)
		return -ENOMEM;
	r = write_new(beside, mode, p, n);
	if (r == 0 && rename(beside, path) < 0) {
		r = -errno;
		(void)unlink(beside);
	}
	return r;
}

int file_put(const char *path, unsigned mode, const void *p, size_t n, bool force, struct err_text *e)
{
	int r = force ? replace(path, mode, p, n) : write_new(path, mode, p, n);

	if (r == -EEXIST && !force)
		return file_must_be_new(path, false, e);
	return r < 0 ? err_set(e, r, "%s cannot be written: %s", path, err_name(r)) : 0;
}

int folder_make(const char *path, struct err_text *e)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	struct stat st;

	if (!n || n >= sizeof(part))
		return err_set(e, -ENAMETOOLONG, "the name of a folder is wanted, not `%s`", path);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return err_set(e, -errno, "the folder %s cannot be made: %s", part, err_name(-errno));
	}
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%s is no folder", path);
	return 0;
}

int file_path(char ret[PATH_MAX], struct err_text *e, const char *folder, const char *fmt, ...)
{
	size_t n = strlen(folder);
	va_list ap;
	int k;

	if (n + 2 >= PATH_MAX)
		return err_set(e, -ENAMETOOLONG, "the path %.40s... is too long", folder);
	memcpy(ret, folder, n);
	ret[n] = '/';
	va_start(ap, fmt);
	k = vsnprintf(ret + n + 1, PATH_MAX - n - 1, fmt, ap);
	va_end(ap);
	return k < 0 || (size_t)k >= PATH_MAX - n - 1
	           ? err_set(e, -ENAMETOOLONG, "the path %.40s... is too long", folder)
	           : 0;
}
