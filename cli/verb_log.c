/*
 * Without a level this reads; with one it writes to the services named, or to all of them. One service that
 * cannot be reached does not keep the others from being set, but it is said and makes the exit code.
 */
#include <string.h>

#include "base/auto.h"
#include "base/nearest.h"
#include "cli/admin.h"
#include "cli/json.h"
#include "cli/verbs.h"
#include "service/log.h"

static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};

static bool is_service(const char *name)
{
	for (const char *const *s = cli_services; *s; s++)
		if (strcmp(*s, name) == 0)
			return true;
	return false;
}

static int set_one(struct cli *cli, const char *service, enum log_level level)
{
	AUTO_SYNC struct ipc_sync *s = NULL;
	struct err_text e = {""};

	if (cli_open_service(cli, service, &s, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	if (admin_set_log(s, level, &e) < 0)
		return cli_fail(cli, "%s keeps its log level: %s", service, e.s);
	return CLI_OK;
}

/* The services of a NULL-terminated list; a stopped suite is said once, not once per service. */
static int set_all(struct cli *cli, const char *const *services, enum log_level level)
{
	int code = CLI_OK;

	for (; *services; services++) {
		code |= set_one(cli, *services, level);
		if (code != CLI_OK && !cli_suite_is_there(cli))
			break;
	}
	return code;
}

static int show(struct cli *cli)
{
	json_t *doc = json_new_document(), *list = json_object();
	int code = CLI_OK;

	json_object_set_new(doc, "levels", list);
	for (const char *const *name = cli_services; *name; name++) {
		AUTO_SYNC struct ipc_sync *s = NULL;
		struct admin_status st;
		struct err_text e = {""};

		if (cli_open_service(cli, *name, &s, &e) < 0 || admin_get_status(s, &st, &e) < 0) {
			code = cli_fail(cli, "%s", e.s);
			if (!cli_suite_is_there(cli))
				break;
			continue;
		}
		if (cli->json)
			json_object_set_new(list, *name, json_string(st.log_level));
		else
			fprintf(cli->out, "%-10s %s\n", *name, st.log_level);
	}
	if (cli->json && code == CLI_OK)
		return json_write(cli, doc);
	json_decref(doc);
	return code;
}

int verb_log(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *self = cli_verb_find("log");
	enum log_level level;

	if (argc == 1)
		return show(cli);
	level = log_level_parse(argv[1]);
	if (level == LOG_LEVEL_NONE) {
		const char *near = nearest_word(argv[1], levels);

		return cli_usage(cli, self,
		    "there is no log level `%s`%s%s. From few words to many: error, warning, notice, "
		    "info, debug.",
		    argv[1], near ? "; perhaps " : "", near ? near : "");
	}
	for (int i = 2; i < argc; i++)
		if (!is_service(argv[i]))
			return cli_usage(cli, self,
			    "there is no service `%s`; there are policyd, datapathd, keyd, certd, "
			    "certd-verify and hooks.",
			    argv[i]);
	if (!cli_need_root(cli, "change log levels"))
		return CLI_FAILED;
	return set_all(cli, argc > 2 ? (const char *const *)(argv + 2) : cli_services, level);
}
