/*
 * Asks everybody and believes nobody about anybody else, except that policyd knows how far its SPD has got
 * and the launcher why a service is not there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cli/ike/ike.h"
#include "cli/json.h"
#include "cli/rows.h"
#include "cli/status.h"
#include "cli/verbs.h"

/* A service that is down keeps its socket, so only silence shows it: nobody wants to wait long for that. */
enum { PATIENCE_MS = 2000 };

static uint64_t field_u64(const struct admin_status *st, const char *key, bool *ok)
{
	const char *v = admin_field(st, key);

	if (!v)
		*ok = false;
	return v ? strtoull(v, NULL, 10) : 0;
}

static void note_policyd(struct suite_status *s, struct ipc_sync *policyd, const struct admin_status *st)
{
	struct err_text e = {""};

	s->enabled_known = admin_get_enabled(policyd, &s->enabled, &e) == 0;
	s->spd.known = true;
	s->spd.lost = admin_field(st, "not_restored");
	s->spd.version = field_u64(st, "spd_version", &s->spd.known);
	s->spd.kernel = field_u64(st, "kernel_version", &s->spd.known);
	s->spd.datapath = field_u64(st, "datapathd_version", &s->spd.known);
}

static int judge(const struct sa_desc *d, const struct sa_status *st, void *arg)
{
	weak_judge((struct weak_notes *)arg, d);
	return 0;
}

static int judge_ike(void *arg, const struct ike_row *row)
{
	if (row->sa)
		weak_ike_judge(arg, row->sa);
	return 0;
}

static void gather_service(const struct cli *cli, struct suite_status *s, struct status_service *svc)
{
	AUTO_SYNC struct ipc_sync *sync = NULL;
	struct err_text e = {""};

	if (cli_open_service(cli, svc->name, &sync, &svc->why) < 0 ||
	    admin_get_status(sync, &svc->st, &svc->why) < 0)
		return;
	svc->up = true;
	if (strcmp(svc->name, "policyd") == 0)
		note_policyd(s, sync, &svc->st);
	if (strcmp(svc->name, "datapathd") == 0 && cli_each_sa(sync, 0, false, judge, &s->weak, &e) < 0)
		memset(&s->weak, 0, sizeof(s->weak));
	if (strcmp(svc->name, "keyd") == 0 && ike_each_row(sync, judge_ike, &s->weak_ike, &e) < 0)
		memset(&s->weak_ike, 0, sizeof(s->weak_ike));
}

static json_t *read_supervisor(const struct cli *cli)
{
	char path[SETTINGS_PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/supervisor.status", cli->settings.run_dir);
	return json_load_file(path, 0, NULL);
}

int verb_status(struct cli *cli, int argc, char **argv)
{
	AUTO_FREE struct suite_status *s = (struct suite_status *)calloc(1, sizeof(*s));
	bool any = false;
	int code;

	if (argc != 1)
		return cli_usage(cli, cli_verb_find("status"), "status takes no further words.");
	if (!s)
		return cli_fail(cli, "out of memory.");
	cli->timeout_ms = PATIENCE_MS;
	s->instance = cli->settings.instance;
	s->run_dir = cli->settings.run_dir;
	for (const char *const *name = cli_services; *name && s->n < STATUS_SERVICES_MAX; name++) {
		struct status_service *svc = &s->svc[s->n++];

		svc->name = *name;
		gather_service(cli, s, svc);
		any |= svc->up;
	}
	if (!any && !cli_suite_is_there(cli))
		return cli_fail(cli, "%s", s->svc[0].why.s);
	status_take_supervisor(s, read_supervisor(cli));
	code = status_is_good(s) ? CLI_OK : CLI_FAILED;
	if (cli->json)
		code |= json_write(cli, status_json(s));
	else
		status_print(s, cli->out);
	json_decref(s->supervisor);
	return code;
}
