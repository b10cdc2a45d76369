/*
 * pread(2), because the descriptor is shared with whoever opened it and stays for the next reading.
 */
#include "certd/file.h"

#include <errno.h>
#include <sys/stat.h>

void file_fini(struct file *f)
{
	if (f->p)
		wipe(f->p, f->n);
	free(f->p);
	*f = (struct file){0};
}

static int read_all(int fd, struct file *f)
{
	for (size_t at = 0; at < f->n;) {
		ssize_t n = pread(fd, f->p + at, f->n - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			f->n = at; /* it has become shorter meanwhile */
			break;
		}
		at += (size_t)n;
	}
	return 0;
}

int file_read(int fd, const char *name, size_t max, struct file *ret, struct err_text *e)
{
	AUTO_FILE struct file f = {0};
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, -EBADF, "%s is no regular file", name);
	if (st.st_size < 0 || (size_t)st.st_size > max)
		return err_set(e, -EFBIG, "%s is longer than %zu octets", name, max);
	f.n = (size_t)st.st_size;
	f.p = malloc(f.n + 1);
	if (!f.p)
		return err_set(e, -ENOMEM, "out of memory");
	f.p[f.n] = 0;
	r = read_all(fd, &f);
	if (r < 0)
		return err_set(e, r, "%s cannot be read: %s", name, err_name(r));
	*ret = f;
	f = (struct file){0};
	return 0;
}
