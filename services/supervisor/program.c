/*
 * The supervisor runs these as root, so it looks where its own file lies and where the install put them, and
 * nowhere a variable says.
 */
#include "supervisor/program.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"

/* Folder of this program's own file; "" when it cannot be told. */
static void own_dir(char *buf, size_t room)
{
	ssize_t n = readlink("/proc/self/exe", buf, room - 1);
	char *slash;

	buf[n > 0 ? n : 0] = '\0';
	slash = strrchr(buf, '/');
	if (slash)
		*slash = '\0';
}

static bool try_path(char *buf, size_t room, const char *dir, const char *between, const char *unit)
{
	int n = snprintf(buf, room, "%s%s/postern-%s", dir, between, unit);

	return n > 0 && (size_t)n < room && !access(buf, X_OK);
}

static bool try_ipsecctl(char *buf, size_t room, const char *dir, const char *between)
{
	int n = snprintf(buf, room, "%s%s/ipsecctl", dir, between);

	return n > 0 && (size_t)n < room && !access(buf, X_OK);
}

int program_find(const char *bin_dir, const char *unit, char *buf, size_t room, struct err_text *e)
{
	char own[PATH_MAX - 64], neighbour[64];

	if (bin_dir) {
		if (try_path(buf, room, bin_dir, "", unit))
			return 0;
		return err_set(e, -ENOENT, "there is no program postern-%s in --bin-dir %s", unit, bin_dir);
	}
	own_dir(own, sizeof(own));
	/* In the build folder; certd-verify lies beside certd. */
	snprintf(neighbour, sizeof(neighbour), "/../%.*s", (int)strcspn(unit, "-"), unit);
	if (own[0] && (try_path(buf, room, own, "", unit) || try_path(buf, room, own, neighbour, unit)))
		return 0;
	if (try_path(buf, room, POSTERN_LIBEXECDIR, "", unit))
		return 0;
	return err_set(e, -ENOENT,
	    "there is no program postern-%s beside %s/postern-supervisor or in %s: install the suite, or say "
	    "--bin-dir",
	    unit, own, POSTERN_LIBEXECDIR);
}

int program_find_ipsecctl(const char *bin_dir, char *buf, size_t room, struct err_text *e)
{
	char own[PATH_MAX - 64];

	if (bin_dir) {
		if (try_ipsecctl(buf, room, bin_dir, ""))
			return 0;
		return err_set(e, -ENOENT, "there is no ipsecctl in --bin-dir %s", bin_dir);
	}
	own_dir(own, sizeof(own));
	/* In the build folder it has one beside that of the services. */
	if (own[0] && (try_ipsecctl(buf, room, own, "") || try_ipsecctl(buf, room, own, "/../../cli")))
		return 0;
	if (try_ipsecctl(buf, room, POSTERN_SBINDIR, ""))
		return 0;
	return err_set(
	    e, -ENOENT, "there is no ipsecctl beside %s/postern-supervisor or in %s", own, POSTERN_SBINDIR);
}
