#include "policyd/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

enum { PATH_ROOM = 192 };

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return fsync(fd) ? -errno : 0;
}

int state_file_replace(const char *dir, const char *name, const struct sbuf *text, struct err_text *e)
{
	AUTO_CLOSE int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int fd = -1;
	char temp[PATH_ROOM];
	int r;

	if (dir_fd < 0)
		return err_set(e, -errno, "%s: %s", dir, err_name(-errno));
	snprintf(temp, sizeof(temp), "%s.new", name);
	fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : write_all(fd, sbuf_str(text), text->len);
	if (r == 0 && (renameat(dir_fd, temp, dir_fd, name) || fsync(dir_fd)))
		r = -errno;
	return r < 0 ? err_set(e, r, "cannot write %s/%s: %s", dir, name, err_name(r)) : 0;
}

static int read_path(const char *path, size_t max, struct sbuf *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char buf[65536];
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size > max)
		return -EBADMSG;
	while (n > 0 && ret->len <= max) {
		n = read(fd, buf, sizeof(buf));
		if (n > 0)
			sbuf_add_bytes(ret, buf, (size_t)n);
	}
	return n < 0 ? -errno : n > 0 ? -EBADMSG : ret->bad ? -ENOMEM : 0;
}

int state_file_read(const char *dir, const char *name, size_t max, struct sbuf *ret, struct err_text *e)
{
	char path[PATH_ROOM];
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = read_path(path, max, ret);
	return r < 0 ? err_set(e, r, "cannot read %s: %s", path, err_name(r)) : 0;
}
