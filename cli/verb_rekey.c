/*
 * New keys now: after a key may have been seen, or to try whether renewal works before the night it is due.
 */
#include <string.h>

#include "cli/ike/ike.h"
#include "cli/verbs.h"

static int parse(struct cli *cli, int argc, char **argv, bool *ret_ike, const char **ret_peer)
{
	const struct cli_verb *self = cli_verb_find("rekey");

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--ike") == 0)
			*ret_ike = true;
		else if (argv[i][0] == '-')
			return cli_usage(cli, self, "rekey does not take `%s`.", argv[i]);
		else if (*ret_peer)
			return cli_usage(cli, self, "one peer at a time.");
		else
			*ret_peer = argv[i];
	}
	return *ret_peer ? CLI_OK : cli_usage(cli, self, "say with whom.");
}

static int say(struct cli *cli, const char *peer, bool ike, const struct ike_row_ended *n)
{
	if (!n->n_sas && !n->n_children)
		return cli_fail(cli, "%s: there is nothing to renew%s.", peer,
		    ike ? " (an IKEv1 SA of key exchange is renewed by the side that began it)" : "");
	fprintf(cli->out, "%s: %u SA%s of key exchange and %u pair%s of IPsec SAs are being renewed.\n", peer,
	    n->n_sas, n->n_sas == 1 ? "" : "s", n->n_children, n->n_children == 1 ? "" : "s");
	return CLI_OK;
}

int verb_rekey(struct cli *cli, int argc, char **argv)
{
	struct ike_row_filter f = {.children = true};
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct ike_row_ended n;
	struct err_text e = {{0}};
	const char *peer = NULL;
	int r = parse(cli, argc, argv, &f.sas, &peer);

	if (r != CLI_OK)
		return r;
	if (!cli_need_root(cli, "renew associations"))
		return CLI_FAILED;
	r = cli_open_service(cli, "keyd", &keyd, &e);
	if (r == 0)
		r = ike_resolve(keyd, peer, &f.remote, &e);
	if (r == 0)
		r = ike_renew(keyd, &f, &n, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : say(cli, peer, f.sas, &n);
}
