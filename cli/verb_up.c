/*
 * Begins negotiations with a peer and waits for what becomes of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ike/ike.h"
#include "cli/verbs.h"

enum { SECONDS_DEFAULT = 30, SECONDS_MAX = 3600 };

static int parse(struct cli *cli, int argc, char **argv, struct ike_wish *w, const char **ret_peer)
{
	const struct cli_verb *self = cli_verb_find("up");
	char *end;

	*ret_peer = NULL;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-1") == 0) {
			w->only_sa = true;
		} else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc) {
			unsigned long s = strtoul(argv[++i], &end, 10);

			if (argv[i][0] < '0' || argv[i][0] > '9' || *end || !s || s > SECONDS_MAX)
				return cli_usage(
				    cli, self, "-t wants seconds, 1 to %d, not `%s`.", SECONDS_MAX, argv[i]);
			w->timeout_ms = (uint32_t)s * 1000;
		} else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
			if (inet_addr_parse(argv[++i], &w->local) < 0)
				return cli_usage(
				    cli, self, "-s wants an address of this host, not `%s`.", argv[i]);
		} else if (argv[i][0] == '-' || *ret_peer) {
			return cli_usage(cli, self, "up does not take `%s`.", argv[i]);
		} else {
			*ret_peer = argv[i];
		}
	}
	return *ret_peer ? CLI_OK : cli_usage(cli, self, "say with whom: an address, or a remote's name.");
}

int verb_up(struct cli *cli, int argc, char **argv)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct ike_wish w = {.timeout_ms = SECONDS_DEFAULT * 1000};
	const char *peer;
	int code = parse(cli, argc, argv, &w, &peer);

	if (code != CLI_OK)
		return code;
	if (!cli_need_root(cli, "begin negotiations"))
		return CLI_FAILED;
	if (ike_open(cli, &keyd) < 0 || ike_peer_of(cli, keyd, peer, &w.remote) < 0)
		return CLI_FAILED;
	if (w.local.family != INET_NONE && w.local.family != w.remote.family)
		return cli_usage(
		    cli, cli_verb_find("up"), "-s names an address of another family than the peer's.");
	return ike_bring_up(cli, &w);
}
