/*
 * What key exchange has, peer by peer.
 */
#include "cli/ike/ike.h"
#include "cli/verbs.h"

static int show(struct cli *cli, struct ipc_sync *keyd, const char *peer)
{
	struct inet_addr addr, *only = NULL;
	struct ike_rows rows;
	struct err_text e = {{0}};
	int r = peer ? ike_resolve(keyd, peer, &addr, &e) : 0, code = CLI_OK;

	if (r < 0)
		return cli_fail(cli, "%s", e.s);
	if (peer)
		only = &addr;
	r = ike_rows_read(keyd, &rows, &e);
	if (r < 0)
		code = cli_fail(cli, "keyd's SAs could not be read: %s", e.s);
	else if (cli->json)
		code = ike_write_json(cli, &rows, only);
	else if (!rows.n_sas && !rows.n_children && !rows.n_kept)
		fprintf(cli->out, "Nothing is negotiated.\n");
	else
		ike_print(cli->out, &rows, only);
	ike_rows_fini(&rows);
	return code;
}

int verb_show(struct cli *cli, int argc, char **argv)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct err_text e = {{0}};

	if (argc > 2)
		return cli_usage(cli, cli_verb_find("show"), "one peer is shown, or all of them.");
	if (argc == 2 && argv[1][0] == '-')
		return cli_usage(cli, cli_verb_find("show"), "show does not take `%s`.", argv[1]);
	if (cli_open_service(cli, "keyd", &keyd, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	return show(cli, keyd, argc == 2 ? argv[1] : NULL);
}
