/*
 * Everything here trusts the folder once it is known to be root's and writable by nobody else; that check is
 * therefore the first thing.
 */
#include "supervisor/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

static const char lock_name[] = "supervisor.lock";

static int make_dir(const char *path, struct err_text *e)
{
	struct stat st;

	if (mkdir(path, 0755) && errno != EEXIST)
		return err_set(e, -errno, "cannot make the run folder %s: %s", path, err_name(errno));
	if (lstat(path, &st))
		return err_set(e, -errno, "run folder %s: %s", path, err_name(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid || (st.st_mode & 0022))
		return err_set(e, -EPERM,
		    "the run folder %s must be a folder of root's that nobody else can write to: remove it, "
		    "or choose another --run-dir",
		    path);
	/* A strict umask must not keep the services out. */
	if ((st.st_mode & 0777) != 0755 && chmod(path, 0755))
		return err_set(e, -errno, "run folder %s: %s", path, err_name(errno));
	return 0;
}

int run_dir_open(const struct settings *s, int *ret_lock, struct err_text *e)
{
	char path[SETTINGS_PATH_MAX + 32];
	int r = make_dir(s->run_dir, e);

	if (r)
		return r;
	snprintf(path, sizeof(path), "%s/%s", s->run_dir, lock_name);
	for (;;) {
		AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat mine, there;

		if (fd < 0)
			return err_set(e, -errno, "cannot open %s: %s", path, err_name(errno));
		if (flock(fd, LOCK_EX | LOCK_NB))
			return err_set(e, -EBUSY,
			    "another postern-supervisor runs in %s; give this one another --instance, or end "
			    "that one",
			    s->run_dir);
		/* The one before may have removed the file between our open() and its own end: then nobody
		 * else sees our lock. */
		if (!fstat(fd, &mine) && !stat(path, &there) && mine.st_ino == there.st_ino &&
		    mine.st_dev == there.st_dev) {
			*ret_lock = take_fd(&fd);
			return 0;
		}
	}
}

void run_dir_read(const struct settings *s, const char *name, char *buf, size_t room)
{
	char path[SETTINGS_PATH_MAX + 32];
	AUTO_CLOSE int fd = -1;
	ssize_t n = -1;

	snprintf(path, sizeof(path), "%s/%s", s->run_dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		n = read(fd, buf, room - 1);
	buf[n > 0 ? n : 0] = '\0';
}

static int write_all(int fd, mode_t mode, const void *data, size_t n)
{
	if (fchmod(fd, mode))
		return -errno;
	/* A small file on tmpfs: short writes mean that it is full. */
	return write(fd, data, n) == (ssize_t)n ? 0 : -ENOSPC;
}

int run_dir_write(const struct settings *s, const char *name, mode_t mode, const void *data, size_t n)
{
	char path[SETTINGS_PATH_MAX + 32], temporary[SETTINGS_PATH_MAX + 40];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", s->run_dir, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, mode, data, n);
	close(fd);
	if (!r && rename(temporary, path))
		r = -errno;
	if (r)
		unlink(temporary);
	return r;
}

void run_dir_unlink(const struct settings *s, const char *name)
{
	char path[SETTINGS_PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", s->run_dir, name);
	unlink(path);
}

void run_dir_remove(const struct settings *s)
{
	run_dir_unlink(s, "ids");
	/* ipsecctl's: which configuration is loaded, and the key of what it says of it. */
	run_dir_unlink(s, "racoon.file");
	run_dir_unlink(s, "native.loaded");
	run_dir_unlink(s, "load.key");
	run_dir_unlink(s, "supervisor.status");
	run_dir_unlink(s, lock_name);
	/* Stays when somebody else put something there. */
	rmdir(s->run_dir);
}
