/*
 * Several services may start at once: the file appears under its name complete or not at all (link(2)), and
 * who comes second takes what is there.
 */
#include "ticket/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/rng.h"

enum { PATH_ROOM = 160 };

/* 0; -ENOENT; -EPERM when it is not root's alone. */
static int read_key(const char *path, struct ticket_key *ret, struct err_text *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return err_set(e, -errno, "cannot open %s: %s", path, err_name(-errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return err_set(
		    e, -EPERM, "%s is not a file of root's alone: remove it and restart the suite", path);
	if (read(fd, ret->octets, sizeof(ret->octets)) != (ssize_t)sizeof(ret->octets))
		return err_set(e, -EIO, "%s is cut short: remove it and restart the suite", path);
	return 0;
}

static int make_key(const char *run_dir, const char *path, struct err_text *e)
{
	struct ticket_key key;
	char temp[PATH_ROOM];
	int r = 0;

	snprintf(temp, sizeof(temp), "%s/ticket.key.%d", run_dir, (int)getpid());
	(void)unlink(temp);
	AUTO_CLOSE int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, -errno, "cannot make %s: %s", temp, err_name(-errno));
	rng_kernel.fill(&rng_kernel, key.octets, sizeof(key.octets));
	if (write(fd, key.octets, sizeof(key.octets)) != (ssize_t)sizeof(key.octets))
		r = err_set(e, -EIO, "cannot write %s", temp);
	else if (link(temp, path) < 0 && errno != EEXIST)
		r = err_set(e, -errno, "cannot make %s: %s", path, err_name(-errno));
	wipe(&key, sizeof(key));
	(void)unlink(temp);
	return r;
}

int ticket_key_file(const char *run_dir, struct ticket_key *ret, struct err_text *e)
{
	char path[PATH_ROOM];
	int r;

	snprintf(path, sizeof(path), "%s/ticket.key", run_dir);
	r = read_key(path, ret, e);
	if (r == -ENOENT) {
		r = make_key(run_dir, path, e);
		if (r == 0)
			r = read_key(path, ret, e);
	}
	return r;
}
