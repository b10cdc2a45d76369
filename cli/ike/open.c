#include "cli/ike/ike.h"

int ike_open(struct cli *cli, struct ipc_sync **ret)
{
	struct err_text e = {""};
	int r = cli_open_service(cli, "keyd", ret, &e);

	if (r < 0)
		cli_fail(cli, "%s", e.s);
	return r;
}

int ike_peer_of(struct cli *cli, struct ipc_sync *keyd, const char *word, struct inet_addr *ret)
{
	struct err_text e = {""};
	int r;

	if (inet_addr_parse(word, ret) == 0)
		return 0;
	r = ike_find(keyd, word, ret, &e);
	if (r < 0)
		cli_fail(cli, "%s is no address, and no peer that can be asked for by name: %s.", word, e.s);
	return r;
}
