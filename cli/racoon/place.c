/*
 * RUN_DIR/racoon.file: an absolute path and a newline.
 */
#include "cli/racoon/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char place_name[] = "racoon.file";

int place_put(const struct settings *s, const char *file, struct err_text *e)
{
	char path[108], temporary[116], full[PATH_MAX];
	AUTO_CLOSE int fd = -1;
	size_t n;

	if (!realpath(file, full))
		return err_set(e, -errno, "%s: %s", file, err_name(-errno));
	n = strlen(full);
	if (n + 1 >= sizeof(full))
		return err_set(e, -ENAMETOOLONG, "the path of %s is too long", file);
	full[n] = '\n';
	settings_socket_path(s, place_name, path);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, full, n + 1) != (ssize_t)(n + 1) || rename(temporary, path) < 0)
		return err_set(e, -errno, "%s: %s", path, err_name(-errno));
	return 0;
}

int place_get(const struct settings *s, char ret[PATH_MAX], struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	char path[108];
	struct stat st;
	ssize_t n;

	settings_socket_path(s, place_name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, -ENOENT,
		    "no racoon.conf is loaded, so there is nothing to load again: `ipsecctl racoon` loads "
		    "one");
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, err_name(-errno));
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022))
		return err_set(
		    e, -EPERM, "%s is not root's alone: remove it, and load with `ipsecctl racoon`", path);
	n = read(fd, ret, PATH_MAX - 1);
	if (n < 2 || ret[0] != '/' || ret[n - 1] != '\n')
		return err_set(e, -EBADMSG, "%s holds no path: load with `ipsecctl racoon -f FILE`", path);
	ret[n - 1] = '\0';
	return 0;
}

void place_forget(const struct settings *s)
{
	char path[108];

	(void)unlink(settings_socket_path(s, place_name, path));
}
