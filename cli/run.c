/*
 * Words that mean the same everywhere (--json, the suite's settings) are taken out of the command line first;
 * what is left is a verb and its own words. Under the names setkey, ipseckey, racoon and racoonctl there is
 * no verb: the whole command line is theirs.
 */
#include "cli/cli.h"

#include <string.h>

#include "base/auto.h"
#include "base/nearest.h"
#include "cli/verbs.h"

const struct cli_verb *cli_verb_find(const char *name)
{
	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static int unknown_verb(struct cli *cli, const char *word)
{
	const char *names[64];
	const char *near;
	size_t n = 0;

	for (const struct cli_verb *v = cli_verbs; v->name && n + 1 < ARRAY_SIZE(names); v++)
		names[n++] = v->name;
	names[n] = NULL;
	near = nearest_word(word, names);
	if (near)
		return cli_usage(cli, NULL, "there is no verb `%s`. Did you mean `%s`?", word, near);
	return cli_usage(cli, NULL, "there is no verb `%s`.", word);
}

static int unknown_option(struct cli *cli, const char *word)
{
	static const char *const common[] = {"--json", "--help", "--version", NULL};
	const char *near = nearest_word(word, common);

	if (near)
		return cli_usage(cli, NULL, "there is no option `%s`. Did you mean `%s`?", word, near);
	return cli_usage(cli, NULL, "there is no option `%s` before a verb.", word);
}

/* Takes --json out, up to a "--". */
static void take_json(struct cli *cli, int *argc, char **argv)
{
	int kept = 1, i = 1;

	for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			cli->json = true;
		else
			argv[kept++] = argv[i];
	}
	for (; i < *argc; i++)
		argv[kept++] = argv[i];
	argv[kept] = NULL;
	*argc = kept;
}

static const char *verb_of_option(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "-?") == 0)
		return "help";
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return "version";
	return word;
}

int cli_run(struct cli *cli, const char *name, int argc, char **argv)
{
	bool racoon = strcmp(name, "racoon") == 0, racoonctl = strcmp(name, "racoonctl") == 0;
	bool compat = racoon || racoonctl || strcmp(name, "setkey") == 0 || strcmp(name, "ipseckey") == 0;
	const struct cli_verb *verb;
	struct err_text e = {""};

	cli->prog = compat ? name : "ipsecctl";
	settings_init(&cli->settings);
	if (settings_parse(&cli->settings, &argc, argv, &e) < 0) {
		fprintf(cli->err, "%s: %s\n", cli->prog, e.s);
		return compat ? CLI_FAILED : CLI_USAGE;
	}
	if (racoon)
		return racoon_main(cli, argc, argv, true);
	if (racoonctl)
		return racoonctl_main(cli, argc, argv);
	if (compat)
		return setkey_main(cli, argc, argv, true);
	take_json(cli, &argc, argv);
	if (argc < 2)
		return cli_usage(cli, NULL, "say what to do: ipsecctl VERB [WORDS]");
	verb = cli_verb_find(verb_of_option(argv[1]));
	if (!verb)
		return argv[1][0] == '-' ? unknown_option(cli, argv[1]) : unknown_verb(cli, argv[1]);
	if (cli->json && !verb->json)
		return cli_usage(cli, verb, "%s has no JSON form; leave --json out.", verb->name);
	return verb->run(cli, argc - 1, argv + 1);
}
