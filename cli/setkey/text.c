/*
 * The text of a file with keys is wiped wherever it was, also where it was before a buffer grew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "cli/setkey/load.h"

enum { FIRST_ROOM = 16 * 1024, ARENA_MIN = 64 * 1024, ARENA_MAX = 64 * 1024 * 1024 };

void load_text_fini(struct load_text *t)
{
	if (t->p)
		wipe(t->p, t->n);
	free(t->p);
	*t = (struct load_text){0};
}

static int grow(struct load_text *t, size_t *room)
{
	char *p = malloc(*room * 2);

	if (!p)
		return -ENOMEM;
	memcpy(p, t->p, t->n);
	wipe(t->p, t->n);
	free(t->p);
	t->p = p;
	*room *= 2;
	return 0;
}

static int read_all(int fd, struct load_text *t)
{
	size_t room = FIRST_ROOM;
	ssize_t n;
	int r;

	t->p = malloc(room);
	if (!t->p)
		return -ENOMEM;
	for (;;) {
		n = read(fd, t->p + t->n, room - t->n);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		t->n += (size_t)n;
		if (t->n > SETKEY_TEXT_MAX)
			return -EFBIG;
		if (t->n == room && (r = grow(t, &room)) < 0)
			return r;
	}
}

int load_text_read(struct cli *cli, const char *file, struct load_text *ret)
{
	bool from_stdin = strcmp(file, "-") == 0;
	AUTO_CLOSE int fd = -1;
	struct load_text t = {0};
	int r;

	if (!from_stdin) {
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			r = -errno;
			cli_fail(cli, "Can't open %s: %s.", file, err_name(r));
			return r;
		}
	}
	r = read_all(from_stdin ? STDIN_FILENO : fd, &t);
	if (r < 0) {
		load_text_fini(&t);
		cli_fail(cli, "%s cannot be read: %s.", file, err_name(r));
		return r;
	}
	*ret = t;
	return 0;
}

/* The shortest `add` has forty characters and its two keys take at most 256 bytes of the arena. */
int load_keys_init(struct cli *cli, size_t n)
{
	size_t want = n < ARENA_MAX / 8 ? n * 8 : ARENA_MAX;
	struct err_text e = {""};
	int r;

	for (want = want < ARENA_MIN ? ARENA_MIN : want;; want /= 2) {
		r = secret_init(want, &e);
		if (r == 0)
			return 0;
		if (want <= ARENA_MIN / 4)
			break;
	}
	cli_fail(cli, "%s", e.s);
	return r;
}
