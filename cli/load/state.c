/*
 * RUN_DIR/native.loaded, root's alone: the file's path, the number of the load, and a line for each fact with
 * tabs between. In the run folder, because what is loaded ends with the machine too.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/load/load.h"

enum { STATE_MAX = 256 << 20 };

static const char state_name[] = "native.loaded", first_line[] = "postern native 1";

void load_state_fini(struct load_state *st)
{
	free(st->file);
	facts_fini(&st->facts);
	*st = (struct load_state){0};
}

void load_state_forget(const struct settings *s)
{
	char path[108];

	(void)unlink(settings_socket_path(s, state_name, path));
}

/* Tabs and line ends are the form's own. */
static void add_text(struct sbuf *to, const char *text, char end)
{
	for (const char *p = text; *p; p++)
		sbuf_add_bytes(to, (unsigned char)*p < ' ' ? "?" : p, 1);
	sbuf_add_bytes(to, &end, 1);
}

static int write_all(int fd, const struct sbuf *text)
{
	for (size_t at = 0; at < text->len;) {
		ssize_t n = write(fd, text->s + at, text->len - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int load_state_put(const struct settings *s, const struct load_state *st, struct err_text *e)
{
	char path[108], temporary[116];
	AUTO_SBUF struct sbuf text;
	int r;

	sbuf_init(&text);
	add_text(&text, first_line, '\n');
	add_text(&text, st->file, '\n');
	sbuf_add(&text, "%llu\n", (unsigned long long)st->generation);
	for (size_t i = 0; i < st->facts.n; i++) {
		const struct fact *f = &st->facts.f[i];

		add_text(&text, f->conn, '\t');
		add_text(&text, f->what, '\t');
		add_text(&text, f->value, '\t');
		add_text(&text, f->mark, '\n');
	}
	if (text.bad)
		return err_set(e, -ENOMEM, "out of memory");
	settings_socket_path(s, state_name, path);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	(void)unlink(temporary);
	AUTO_CLOSE int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : write_all(fd, &text);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	return r < 0 ? err_set(e, r, "%s: %s", path, err_name(r)) : 0;
}

/* The next field, which ends with `end`; NULL: there is none. */
static char *field(char **at, char end)
{
	char *p = *at, *stop = strchr(p, end);

	if (!stop)
		return NULL;
	*stop = '\0';
	*at = stop + 1;
	return p;
}

static bool read_fact(char **at, struct facts *to)
{
	const char *conn = field(at, '\t'), *what = conn ? field(at, '\t') : NULL,
	           *value = what ? field(at, '\t') : NULL, *mark = value ? field(at, '\n') : NULL;

	if (mark)
		facts_add(to, conn, what, value, mark);
	return mark != NULL;
}

static int parse(char *text, struct load_state *ret, struct err_text *e)
{
	const char *first = field(&text, '\n'), *file = first ? field(&text, '\n') : NULL,
	           *number = file ? field(&text, '\n') : NULL;

	if (!number || strcmp(first, first_line) != 0 || file[0] != '/')
		return -EBADMSG;
	ret->file = strdup(file);
	ret->generation = strtoull(number, NULL, 10);
	while (*text)
		if (!read_fact(&text, &ret->facts))
			return -EBADMSG;
	return !ret->file || ret->facts.bad ? err_set(e, -ENOMEM, "out of memory") : 0;
}

static int read_text(int fd, size_t n, char **ret)
{
	char *p = malloc(n + 1);
	size_t at = 0;

	while (p && at < n) {
		ssize_t x = pread(fd, p + at, n - at, (off_t)at);

		if (x < 0 && errno == EINTR)
			continue;
		if (x <= 0)
			break;
		at += (size_t)x;
	}
	if (p)
		p[at] = '\0';
	*ret = p;
	return !p ? -ENOMEM : at < n ? -EIO : 0;
}

int load_state_get(const struct settings *s, struct load_state *ret, struct err_text *e)
{
	AUTO_LOAD_STATE struct load_state st = {0};
	AUTO_FREE char *text = NULL;
	AUTO_CLOSE int fd = -1;
	char path[108];
	struct stat f;
	int r;

	*ret = (struct load_state){0};
	fd = open(settings_socket_path(s, state_name, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &f) < 0)
		return err_set(e, -errno, "%s: %s", path, err_name(-errno));
	if (!S_ISREG(f.st_mode) || f.st_uid != geteuid() || (f.st_mode & 077) || f.st_size > STATE_MAX)
		return err_set(
		    e, -EPERM, "%s is not root's alone: remove it, and what it says is loaded anew", path);
	r = read_text(fd, (size_t)f.st_size, &text);
	if (r == 0)
		r = parse(text, &st, e);
	if (r < 0)
		return err_set(e, r, "%s cannot be used (%s): remove it, and what it says is loaded anew",
		    path, err_name(r));
	*ret = st;
	st = (struct load_state){0};
	return 0;
}
