/*
 * policyd's grants, which come by the edge datapathd.spd. They stay when policyd goes away, like the SPD: it
 * tells them again, or says which are gone.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapathd/keying.h"

int grant_on_put(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	struct grant g = {0};
	int r = msg_grant_decode(rec, &g, &e);

	if (r == -EBADMSG)
		return r;
	if (r == 0) {
		r = grants_put(&d->grants, &g, clock_now_ms(service_clock(d->service)));
		if (r == -ENOSPC)
			(void)err_set(&e, r, "%d grants are in force, the most datapathd keeps", GRANTS_MAX);
	}
	if (r < 0) {
		free(g.more);
		(void)ipc_conn_send_error(c, rec->id, -r, "%s", e.s[0] ? e.s : err_name(r));
	} else {
		(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	}
	return 0;
}

int grant_on_gone(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	uint64_t id;
	int r = msg_grant_gone_decode(rec, &id, &e);

	if (r < 0)
		return r;
	if (id)
		(void)grants_remove(&d->grants, id);
	else
		grants_clear(&d->grants);
	return 0;
}
