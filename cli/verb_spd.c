/*
 * As text this is setkey's own dump, made by the same code; as JSON it is ours.
 */
#include <string.h>

#include "base/auto.h"
#include "cli/json.h"
#include "cli/rows.h"
#include "cli/verbs.h"

static int collect(const struct policy *p, void *arg)
{
	json_array_append_new((json_t *)arg, json_from_policy(p));
	return 0;
}

static int write_json(struct cli *cli)
{
	AUTO_SYNC struct ipc_sync *s = NULL;
	json_t *doc = json_new_document(), *list = json_array();
	struct err_text e = {""};
	int r;

	json_object_set_new(doc, "policies", list);
	r = cli_open_policyd(cli, &s);
	if (r == 0 && (r = cli_each_policy(s, collect, list, &e)) < 0)
		cli_fail(cli, "the SPD could not be read: %s", e.s);
	if (r == 0)
		return json_write(cli, doc);
	json_decref(doc);
	return CLI_FAILED;
}

int verb_spd(struct cli *cli, int argc, char **argv)
{
	char prog[] = "setkey", dump[] = "-D", policies[] = "-P", ports[] = "-p";
	char *words[5] = {prog, dump, policies};
	int n = 3;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-p") != 0 || n > 3)
			return cli_usage(cli, cli_verb_find("spd"), "spd does not take `%s`.", argv[i]);
		words[n++] = ports;
	}
	if (cli->json)
		return write_json(cli);
	return setkey_main(cli, n, words, false);
}
