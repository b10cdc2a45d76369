#include "cli/racoon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_number(const char *path, const char *temporary, struct err_text *e)
{
	AUTO_CLOSE int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (fd < 0 || write(fd, text, (size_t)n) != n || rename(temporary, path) < 0)
		return err_set(e, -errno, "%s: %s", path, err_name(-errno));
	return 0;
}

int pidfile_put(struct pidfile *p, const struct settings *s, const char *name, struct err_text *e)
{
	char temporary[PATH_MAX + 8];
	struct pidfile now;
	int n, r;

	name = name ? name : "racoon.pid";
	n = name[0] == '/' ? snprintf(now.path, sizeof(now.path), "%s", name)
	                   : snprintf(now.path, sizeof(now.path), "%s/%s", s->run_dir, name);
	if ((size_t)n >= sizeof(now.path))
		return err_set(e, -ENAMETOOLONG, "the path of %s is too long", name);
	snprintf(temporary, sizeof(temporary), "%s.new", now.path);
	r = write_number(now.path, temporary, e);
	if (r < 0)
		return r;
	if (strcmp(p->path, now.path) != 0)
		pidfile_remove(p);
	*p = now;
	return 0;
}

void pidfile_remove(struct pidfile *p)
{
	if (p->path[0])
		(void)unlink(p->path);
	p->path[0] = '\0';
}
