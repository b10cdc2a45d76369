/*
 * As text this is setkey's own dump, made by the same code; as JSON it is ours. Keys appear in JSON only when
 * asked for by --keys: such documents end up in monitoring systems.
 */
#include <string.h>

#include "base/auto.h"
#include "cli/json.h"
#include "cli/rows.h"
#include "cli/verbs.h"

struct collector {
	json_t *list;
	bool keys;
};

static int collect(const struct sa_desc *d, const struct sa_status *s, void *arg)
{
	struct collector *c = (struct collector *)arg;

	json_array_append_new(c->list, json_from_sa(d, s, c->keys));
	return 0;
}

static int write_json(struct cli *cli, bool dead, bool keys)
{
	struct collector c = {.list = json_array(), .keys = keys};
	AUTO_SYNC struct ipc_sync *s = NULL;
	json_t *doc = json_new_document();
	struct err_text e = {""};
	int r;

	json_object_set_new(doc, "sas", c.list);
	r = cli_open_datapathd(cli, &s);
	if (r == 0 && (r = cli_each_sa(s, 0, dead, collect, &c, &e)) < 0)
		cli_fail(cli, "the SAD could not be read: %s", e.s);
	if (r == 0)
		return json_write(cli, doc);
	json_decref(doc);
	return CLI_FAILED;
}

int verb_sad(struct cli *cli, int argc, char **argv)
{
	char prog[] = "setkey", dump[] = "-D", all[] = "-a", ports[] = "-p";
	char *words[5] = {prog, dump};
	bool dead = false, keys = false;
	int n = 2;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-a") == 0 && !dead) {
			dead = true;
			words[n++] = all;
		} else if (strcmp(argv[i], "-p") == 0 && n < 4) {
			words[n++] = ports;
		} else if (strcmp(argv[i], "--keys") == 0) {
			keys = true;
		} else {
			return cli_usage(cli, cli_verb_find("sad"), "sad does not take `%s`.", argv[i]);
		}
	}
	if (cli->json)
		return write_json(cli, dead, keys);
	return setkey_main(cli, n, words, false);
}
