/*
 * The tunables of the old systems under their old names, now at run time: no kernel to link, no reboot. A
 * confirmation is printed, because a switch that says nothing gets thrown twice.
 */
#include <string.h>

#include "base/auto.h"
#include "base/nearest.h"
#include "base/sbuf.h"
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

/* What each value of a setting means, said after it was set. */
static const struct setting {
	const char *name;
	int (*open)(struct cli *cli, struct ipc_sync **ret); /* whose it is; NULL: policyd's switch */
	unsigned min, max;
	const char *values;   /* in words */
	const char *said[3];  /* by value */
	const char *above[2]; /* said of higher values, in front of and behind the number */
} settings[] = {
    {"ipsec_enable", NULL, 0, 1, "0 or 1", {NULL}, {NULL}},
    {"key_preferred_oldsa", cli_open_datapathd, 0, 1, "0 or 1",
        {"Where several SAs fit, the newest one is used from now on.",
            "Where several SAs fit, the oldest one is used from now on."},
        {NULL}},
    {"dfbit", cli_open_datapathd, 0, 2, "0, 1 or 2",
        {"Outer headers of tunnels never have the don't-fragment bit from now on.",
            "Outer headers of tunnels always have the don't-fragment bit from now on.",
            "Outer headers of tunnels have the inner header's don't-fragment bit from now on."},
        {NULL}},
    {"ecn", cli_open_datapathd, 0, 1, "0 or 1",
        {"Congestion marks do not pass into and out of tunnels from now on.",
            "Congestion marks pass into and out of tunnels from now on (RFC 6040)."},
        {NULL}},
    {"dscp", cli_open_datapathd, 0, 1, "0 or 1",
        {"Outer headers of tunnels have a traffic class of zero from now on.",
            "Outer headers of tunnels have the inner header's traffic class from now on."},
        {NULL}},
    {"dummy", cli_open_datapathd, 0, 255, "a number of seconds from 0 to 255",
        {"No dummy packets are sent from now on."},
        {"Associations that encrypt send a dummy packet after", " quiet seconds from now on."}},
    {"keepalive", cli_open_datapathd, 0, 255, "a number of seconds from 0 to 255",
        {"No NAT keepalives are sent from now on."},
        {"ESP in UDP is kept alive after", " quiet seconds from now on."}},
#define DEFLEV(name, what)                                                                                   \
	{                                                                                                    \
		name, cli_open_policyd, 1, 2, "1 (use) or 2 (require)",                                      \
		    {NULL,                                                                                   \
		        "Level `default` of " what " means `use` from now on: clear where there is no SA.",  \
		        "Level `default` of " what                                                           \
		        " means `require` from now on: nothing passes in clear."},                           \
		{                                                                                            \
			NULL                                                                                 \
		}                                                                                            \
	}
    DEFLEV("esp_trans_deflev", "esp in transport mode"),
    DEFLEV("esp_net_deflev", "esp in tunnel mode"),
    DEFLEV("ah_trans_deflev", "ah in transport mode"),
    DEFLEV("ah_net_deflev", "ah in tunnel mode"),
#undef DEFLEV
};

/* Decimal and nothing else, from the setting's lowest to its highest. */
static bool read_value(const struct setting *t, const char *text, unsigned *ret)
{
	unsigned v = 0;

	if (!text[0] || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (unsigned)(*text - '0');
		if (v > t->max)
			return false;
	}
	*ret = v;
	return v >= t->min;
}

static void confirm(struct cli *cli, const struct setting *t, unsigned value)
{
	if (value < ARRAY_SIZE(t->said) && t->said[value])
		fprintf(cli->out, "%s\n", t->said[value]);
	else
		fprintf(cli->out, "%s %u%s\n", t->above[0], value, t->above[1]);
}

static int set_at_service(struct cli *cli, const struct setting *t, unsigned value)
{
	AUTO_SYNC struct ipc_sync *s = NULL;
	struct err_text e = {""};
	char what[64];

	snprintf(what, sizeof(what), "change %s", t->name);
	if (!cli_need_root(cli, what) || t->open(cli, &s) < 0)
		return CLI_FAILED;
	if (admin_set_setting(s, t->name, value, &e) < 0)
		return cli_fail(cli, "%s: %s", t->name, e.s);
	confirm(cli, t, value);
	return CLI_OK;
}

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

static int set_value(struct cli *cli, const struct setting *t, const char *text)
{
	unsigned value;

	if (!read_value(t, text, &value))
		return cli_usage(cli, cli_verb_find("set"), "%s is %s, not `%s`.", t->name, t->values, text);
	return t->open ? set_at_service(cli, t, value) : set_enabled(cli, value);
}

/* "A, B and C" */
static const char *all_names(struct sbuf *buf)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		sbuf_add(buf, "%s%s",
		    !i                             ? ""
		    : i + 1 < ARRAY_SIZE(settings) ? ", "
		                                   : " and ",
		    settings[i].name);
	return sbuf_str(buf);
}

int verb_set(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *self = cli_verb_find("set");
	const char *names[ARRAY_SIZE(settings) + 1] = {0};
	struct sbuf list AUTO_SBUF;
	const char *near;

	sbuf_init(&list);
	if (argc != 3)
		return cli_usage(cli, self, "say which setting and its value.");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		names[i] = settings[i].name;
		if (strcmp(argv[1], settings[i].name) == 0)
			return set_value(cli, &settings[i], argv[2]);
	}
	near = nearest_word(argv[1], names);
	if (near)
		return cli_usage(cli, self, "there is no setting `%s`. Did you mean `%s`?", argv[1], near);
	return cli_usage(cli, self, "there is no setting `%s`; there are %s.", argv[1], all_names(&list));
}
