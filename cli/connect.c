/*
 * The commonest failure of any command is that nothing is running, so its text is made here with care: it
 * names the path that was tried and the command that helps. Whoever listens in the root-owned run directory
 * was put there by the launcher, so any uid may answer: that also holds while a service is still starting and
 * the launcher's own credentials stand on its socket.
 */
#include "cli/cli.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

const char *const cli_services[] = {"policyd", "datapathd", "keyd", "certd", "certd-verify", "hooks", NULL};

/* The socket's own mode says who may read; better than a setting, which may not be the one the suite was
 * started with. */
static int no_permission(const char *service, const char *path, struct err_text *e)
{
	const struct group *g = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 0060) == 0060 && st.st_gid != 0)
		g = getgrgid(st.st_gid);
	if (g)
		return err_set(e, -EACCES,
		    "no permission to talk to %s (%s). Run this as root; to read only, being in group %s is "
		    "enough.",
		    service, path, g->gr_name);
	return err_set(e, -EACCES, "no permission to talk to %s (%s). Only root may: run this with sudo.",
	    service, path);
}

int cli_open_service(const struct cli *cli, const char *service, struct ipc_sync **ret, struct err_text *e)
{
	char path[108], edge[32];
	int r;

	snprintf(edge, sizeof(edge), "%s.admin", service);
	settings_socket_path(&cli->settings, edge, path);
	e->s[0] = '\0';
	r = ipc_sync_open(path, edge, cli->settings.instance, (unsigned)-1,
	    cli->timeout_ms ? cli->timeout_ms : CLI_TIMEOUT_MS, ret, e);
	if (r == -EACCES || r == -EPERM)
		return no_permission(service, path, e);
	return r;
}

static int open_or_say(struct cli *cli, const char *service, struct ipc_sync **ret)
{
	struct err_text e;
	int r = cli_open_service(cli, service, ret, &e);

	if (r < 0)
		cli_fail(cli, "%s", e.s);
	return r;
}

int cli_open_policyd(struct cli *cli, struct ipc_sync **ret)
{
	return open_or_say(cli, "policyd", ret);
}

int cli_open_datapathd(struct cli *cli, struct ipc_sync **ret)
{
	return open_or_say(cli, "datapathd", ret);
}

bool cli_suite_is_there(const struct cli *cli)
{
	char path[108], edge[32];

	for (const char *const *name = cli_services; *name; name++) {
		snprintf(edge, sizeof(edge), "%s.admin", *name);
		if (access(settings_socket_path(&cli->settings, edge, path), F_OK) == 0)
			return true;
	}
	return false;
}

bool cli_need_root(struct cli *cli, const char *what)
{
	if (geteuid() == 0)
		return true;
	cli_fail(cli, "only root may %s. Try again with sudo.", what);
	return false;
}
