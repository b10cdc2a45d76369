/*
 * The path is walked from / on, one name at a time, each opened without following it and judged by its own
 * descriptor. realpath(3) would not do: it forgets the folders in which links lie, and those who can write
 * there choose where the link goes.
 */
#include "service/root_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

enum { LINKS_MAX = 16 };

struct walk {
	int dir;             /* that was reached; -1: none yet */
	char at[PATH_MAX];   /* its name; "" is / */
	char todo[PATH_MAX]; /* names that are left */
	unsigned n_links;
};

static void walk_fini(struct walk *w)
{
	if (w->dir >= 0)
		close(w->dir);
}

static int too_long(struct err_text *e)
{
	return err_set(e, -ENAMETOOLONG, "the path is longer than %d octets", PATH_MAX - 1);
}

/* Whoever has written it, or may write it, is root. */
static int judge(const struct stat *st, const char *where, struct err_text *e)
{
	if (st->st_uid != 0)
		return err_set(e, -EPERM, "%s belongs to user %u and not to root: chown root %s", where,
		    st->st_uid, where);
	if (!S_ISLNK(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(
		    e, -EPERM, "%s can be written by others than root: chmod go-w %s", where, where);
	return 0;
}

static int judge_file(const struct stat *st, const char *where, struct err_text *e)
{
	if (!S_ISREG(st->st_mode))
		return err_set(e, -EPERM, "%s is no regular file", where);
	if (!(st->st_mode & S_IXUSR))
		return err_set(e, -EPERM, "%s is not executable: chmod u+x %s", where, where);
	return 0;
}

static int to_root(struct walk *w, struct err_text *e)
{
	struct stat st;

	walk_fini(w);
	w->at[0] = '\0';
	w->dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0 || fstat(w->dir, &st) < 0)
		return err_set(e, -errno, "/ cannot be looked at: %s", err_name(-errno));
	return judge(&st, "/", e);
}

/* Takes the next name off. False: there is none. */
static bool next_name(struct walk *w, char name[NAME_MAX + 2])
{
	char *p = w->todo + strspn(w->todo, "/");
	size_t n = strcspn(p, "/");

	/* One too many is enough for the file system to refuse it. */
	if (n > NAME_MAX + 1)
		n = NAME_MAX + 1;
	memcpy(name, p, n);
	name[n] = '\0';
	memmove(w->todo, p + n, strlen(p + n) + 1);
	return n > 0;
}

static bool is_last(const struct walk *w)
{
	return w->todo[strspn(w->todo, "/")] == '\0';
}

/* Its target stands in front of what is left. */
static int follow(struct walk *w, int link, const char *where, struct err_text *e)
{
	char target[PATH_MAX], todo[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);

	if (n < 0)
		return err_set(e, -errno, "%s cannot be read: %s", where, err_name(-errno));
	target[n] = '\0';
	if (++w->n_links > LINKS_MAX)
		return err_set(e, -ELOOP, "%s is one of more than %d symbolic links", where, LINKS_MAX);
	if ((size_t)snprintf(todo, sizeof(todo), "%s/%s", target, w->todo) >= sizeof(todo))
		return too_long(e);
	memcpy(w->todo, todo, sizeof(todo));
	return target[0] == '/' ? to_root(w, e) : 0;
}

static void leave(struct walk *w)
{
	char *slash = strrchr(w->at, '/');

	if (slash)
		*slash = '\0';
}

/* 1: that was the file. */
static int step(struct walk *w, const char *name, struct err_text *e)
{
	AUTO_CLOSE int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool up = strcmp(name, "..") == 0;
	char where[PATH_MAX];
	struct stat st;
	int r;

	if (up)
		leave(w);
	if ((size_t)snprintf(where, sizeof(where), "%s%s%s", w->at, up ? "" : "/", up ? "" : name) >=
	    sizeof(where))
		return too_long(e);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s: %s", where, err_name(-errno));
	r = judge(&st, where, e);
	if (r < 0)
		return r;
	if (S_ISLNK(st.st_mode))
		return follow(w, fd, where, e);
	if (!S_ISDIR(st.st_mode) && is_last(w)) {
		r = judge_file(&st, where, e);
		return r < 0 ? r : 1;
	}
	/* openat() says that it is no folder, if it is none. */
	close(w->dir);
	w->dir = take_fd(&fd);
	memcpy(w->at, where, sizeof(where));
	return 0;
}

int root_file_check(const char *path, struct err_text *e)
{
	AUTO(walk_fini) struct walk w = {.dir = -1};
	char name[NAME_MAX + 2];
	int r;

	if (path[0] != '/')
		return err_set(e, -EPERM, "%s does not begin with /", path);
	if ((size_t)snprintf(w.todo, sizeof(w.todo), "%s", path) >= sizeof(w.todo))
		return too_long(e);
	r = to_root(&w, e);
	while (r == 0 && next_name(&w, name))
		r = strcmp(name, ".") == 0 ? 0 : step(&w, name, e);
	if (r == 0)
		return err_set(e, -EPERM, "%s is a folder", path);
	return r < 0 ? r : 0;
}
