/*
 * The commonest failure of any command is that nothing is running, so its text is made here with care: it
 * names the path that was tried and the command that helps. Whoever listens in the root-owned run directory
 * was put there by the launcher, so any uid may answer: that also holds while a service is still starting and
 * the launcher's own credentials stand on its socket.
 */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"

const char *const cli_services[] = {"policyd", "datapathd", NULL};

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
		return err_set(e, r,
		    "no permission to talk to %s (%s). Run this as root; to read only, being in group %s is "
		    "enough.",
		    service, path, cli->settings.admin_group);
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
