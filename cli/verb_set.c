/*
 * The tunables of the old systems under their old names, now at run time: no kernel to link, no reboot. A
 * confirmation is printed, because a switch that says nothing gets thrown twice.
 */
#include <string.h>

#include "base/auto.h"
#include "base/nearest.h"
#include "cli/admin.h"
#include "cli/verbs.h"

static int set_enabled(struct cli *cli, bool on)
{
	AUTO_SYNC struct ipc_sync *s = NULL;
	struct err_text e = {""};

	if (!cli_need_root(cli, on ? "switch IPsec on" : "switch IPsec off") || cli_open_policyd(cli, &s) < 0)
		return CLI_FAILED;
	if (admin_set_enabled(s, on, &e) < 0)
		return cli_fail(cli, "IPsec could not be switched %s: %s", on ? "on" : "off", e.s);
	fprintf(cli->out, on ? "IPsec is on: the policies of the SPD are enforced.\n"
	                     : "IPsec is off: packets pass as if there were no policies. `ipsecctl enable` "
	                       "switches it on again.\n");
	return CLI_OK;
}

static int set_preferred(struct cli *cli, bool old)
{
	AUTO_SYNC struct ipc_sync *s = NULL;
	struct err_text e = {""};

	if (!cli_need_root(cli, "change key_preferred_oldsa") || cli_open_datapathd(cli, &s) < 0)
		return CLI_FAILED;
	if (admin_set_setting(s, "key_preferred_oldsa", old, &e) < 0)
		return cli_fail(cli, "key_preferred_oldsa could not be set: %s", e.s);
	fprintf(
	    cli->out, "Where several SAs fit, the %s one is used from now on.\n", old ? "oldest" : "newest");
	return CLI_OK;
}

static const struct {
	const char *name;
	int (*set)(struct cli *cli, bool on);
} settings[] = {
    {"ipsec_enable", set_enabled},
    {"key_preferred_oldsa", set_preferred},
};

int verb_enable(struct cli *cli, int argc, char **argv)
{
	if (argc != 1)
		return cli_usage(cli, cli_verb_find(argv[0]), "enable takes no further words.");
	return set_enabled(cli, true);
}

int verb_disable(struct cli *cli, int argc, char **argv)
{
	if (argc != 1)
		return cli_usage(cli, cli_verb_find(argv[0]), "disable takes no further words.");
	return set_enabled(cli, false);
}

int verb_set(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *self = cli_verb_find("set");
	const char *names[ARRAY_SIZE(settings) + 1] = {0};
	const char *near;

	if (argc != 3)
		return cli_usage(cli, self, "say which setting and 0 or 1.");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		names[i] = settings[i].name;
		if (strcmp(argv[1], settings[i].name) != 0)
			continue;
		if (strcmp(argv[2], "0") != 0 && strcmp(argv[2], "1") != 0)
			return cli_usage(cli, self, "%s is 0 or 1, not `%s`.", argv[1], argv[2]);
		return settings[i].set(cli, argv[2][0] == '1');
	}
	near = nearest_word(argv[1], names);
	return cli_usage(cli, self, "there is no setting `%s`%s%s%s", argv[1], near ? ". Did you mean `" : "",
	    near ? near : "; there are ipsec_enable and key_preferred_oldsa.", near ? "`?" : "");
}
