#include "cli/racoon/loaded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

static const char *note_path(const struct cli *cli, const char *suffix, char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, "%s/racoon.conf.loaded%s", cli->settings.run_dir, suffix);
	return buf;
}

static int write_note(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	size_t n = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, n) == (ssize_t)n ? 0 : -EIO;
}

void loaded_remember(struct cli *cli, const char *file)
{
	char path[PATH_MAX], fresh[PATH_MAX], real[PATH_MAX];
	int r = 0;

	note_path(cli, "", path);
	if (!file) {
		(void)unlink(path);
		return;
	}
	if (!realpath(file, real))
		r = -errno;
	if (r == 0)
		r = write_note(note_path(cli, ".new", fresh), real);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0)
		fprintf(cli->err, "%s: warning: `ipsecctl reload` will not know this file: %s: %s\n",
		    cli->prog, path, err_name(r));
}

int loaded_recall(struct cli *cli, char ret[PATH_MAX])
{
	char path[PATH_MAX];
	AUTO_CLOSE int fd = open(note_path(cli, "", path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 0022))
		return -EPERM;
	n = read(fd, ret, PATH_MAX - 1);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0 && ret[0] == '/' ? 0 : -ENOENT;
}
