/*
 * New keys now: after a key may have been seen, or to try whether renewal works before the night it is due.
 */
#include <string.h>

#include "cli/ike/ike.h"
#include "cli/verbs.h"

static int parse(struct cli *cli, int argc, char **argv, struct ike_row_filter *f, const char **ret_peer)
{
	const struct cli_verb *self = cli_verb_find("rekey");

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--ike") == 0)
			f->sas = true;
		else if (strcmp(argv[i], "--reauth") == 0)
			f->sas = f->proof = true;
		else if (argv[i][0] == '-')
			return cli_usage(cli, self, "rekey does not take `%s`.", argv[i]);
		else if (*ret_peer)
			return cli_usage(cli, self, "one peer at a time.");
		else
			*ret_peer = argv[i];
	}
	/* With a proof come all pairs too. */
	f->children = !f->proof;
	return *ret_peer ? CLI_OK : cli_usage(cli, self, "say with whom.");
}

static int say(
    struct cli *cli, const char *peer, const struct ike_row_filter *f, const struct ike_row_ended *n)
{
	if (!n->n_sas && !n->n_children)
		return cli_fail(cli, "%s: there is nothing to renew%s.", peer,
		    f->proof ? " (another proof is IKEv2's, and begun by a side that may begin; of IKEv1 say "
		               "--ike)"
		    : f->sas ? " (an IKEv1 SA of key exchange is renewed by the side that began it)"
		             : "");
	if (f->proof) {
		fprintf(cli->out, "%s: %u SA%s of key exchange, with all pairs, %s begun anew.\n", peer,
		    n->n_sas, n->n_sas == 1 ? "" : "s", n->n_sas == 1 ? "is" : "are");
		return CLI_OK;
	}
	fprintf(cli->out, "%s: %u SA%s of key exchange and %u pair%s of IPsec SAs are being renewed.\n", peer,
	    n->n_sas, n->n_sas == 1 ? "" : "s", n->n_children, n->n_children == 1 ? "" : "s");
	return CLI_OK;
}

int verb_rekey(struct cli *cli, int argc, char **argv)
{
	struct ike_row_filter f = {0};
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct ike_row_ended n;
	struct err_text e = {{0}};
	const char *peer = NULL;
	int r = parse(cli, argc, argv, &f, &peer);

	if (r != CLI_OK)
		return r;
	if (!cli_need_root(cli, "renew associations"))
		return CLI_FAILED;
	r = cli_open_service(cli, "keyd", &keyd, &e);
	if (r == 0)
		r = ike_resolve(keyd, peer, &f.remote, &e);
	if (r == 0)
		r = ike_renew(keyd, &f, &n, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : say(cli, peer, &f, &n);
}
