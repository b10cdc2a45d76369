/*
 * The file is marked first: should this be interrupted, the kernel still protects, and the entries are merely
 * replaceable.
 */
#include "policyd/withdraw.h"

#include <stdio.h>

#include "base/clock.h"
#include "policyd/conf.h"
#include "policyd/kernel/enforce.h"
#include "service/settings.h"
#include "policyd/snapshot_file.h"

int withdraw(const struct settings *s, struct err_text *e)
{
	struct policyd_conf conf;
	struct tables tables;
	struct routing routing;
	struct nft *nft = NULL;
	char dir[128];
	int r = policyd_conf_init(&conf, s, e);

	if (r < 0)
		return r;
	snprintf(dir, sizeof(dir), "%s/policyd", s->state_dir);
	r = snapshot_mark_left(dir, e);
	if (r < 0)
		return r;
	r = routing_open(&routing, &conf);
	if (r < 0)
		return err_set(e, r, "cannot talk to the kernel's routing: %s", err_name(r));
	r = nft_open(&nft, e);
	if (r == 0) {
		tables_init(&tables, &conf, &clock_boottime, nft);
		r = enforce_withdraw(&tables, &routing, e);
		tables_fini(&tables);
	}
	nft_close(nft);
	routing_close(&routing);
	return r;
}
