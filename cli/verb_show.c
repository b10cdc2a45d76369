/*
 * What key exchange has made and is making. Reading is for the admin group.
 */
#include "cli/ike/ike.h"
#include "cli/ike/json.h"
#include "cli/json.h"
#include "cli/verbs.h"

int verb_show(struct cli *cli, int argc, char **argv)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	AUTO_IKE_ROWS struct ike_rows rows = {0};
	struct inet_addr peer = {.family = INET_NONE};
	struct err_text e = {""};

	if (argc > 2)
		return cli_usage(cli, cli_verb_find("show"), "show takes one peer at most.");
	if (ike_open(cli, &keyd) < 0 || (argc == 2 && ike_peer_of(cli, keyd, argv[1], &peer) < 0))
		return CLI_FAILED;
	if (ike_fetch(keyd, &rows, &e) < 0)
		return cli_fail(cli, "keyd's SAs cannot be read: %s", e.s);
	if (cli->json)
		return json_write(cli, ike_json(&rows, &peer));
	ike_print(cli->out, &rows, &peer);
	return CLI_OK;
}
