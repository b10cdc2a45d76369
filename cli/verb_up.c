/*
 * Begins with a peer and waits; the failure's own words are keyd's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ike/begin.h"
#include "cli/verbs.h"

enum { WAIT_S = 30, WAIT_MAX_S = 600 };

static bool parse_seconds(const char *text, uint32_t *ret_ms)
{
	char *end;
	unsigned long s;

	errno = 0;
	s = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || s > WAIT_MAX_S)
		return false;
	*ret_ms = (uint32_t)s * 1000;
	return true;
}

static int parse(struct cli *cli, int argc, char **argv, struct ike_wish *w)
{
	const struct cli_verb *self = cli_verb_find("up");

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(word, "-1") == 0) {
			w->alone = true;
		} else if (strcmp(word, "-t") == 0) {
			if (!value || !parse_seconds(value, &w->wait_ms))
				return cli_usage(cli, self, "-t wants seconds, 0 to %d.", WAIT_MAX_S);
			i++;
		} else if (strcmp(word, "-l") == 0) {
			if (!value || inet_addr_parse(value, &w->local) < 0)
				return cli_usage(cli, self, "-l wants an address of this host.");
			i++;
		} else if (word[0] == '-') {
			return cli_usage(cli, self, "up does not take `%s`.", word);
		} else if (w->peer) {
			return cli_usage(cli, self, "one peer at a time.");
		} else {
			w->peer = word;
		}
	}
	return w->peer ? CLI_OK : cli_usage(cli, self, "say with whom.");
}

int verb_up(struct cli *cli, int argc, char **argv)
{
	struct ike_wish w = {.wait_ms = WAIT_S * 1000};
	struct err_text e = {{0}};
	int code = parse(cli, argc, argv, &w);

	if (code != CLI_OK)
		return code;
	if (!cli_need_root(cli, "begin negotiations"))
		return CLI_FAILED;
	return ike_resolve_open(cli, w.peer, &w.remote, &e) < 0 ? cli_fail(cli, "%s", e.s)
	                                                        : ike_begin(cli, &w);
}
