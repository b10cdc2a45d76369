/*
 * Rows have no answer, so that a large file takes one round trip; what is wrong with one is told when the
 * load is prepared. Saving may fail without holding the load back: other services have it in force by then.
 */
#include "policyd/ike_admin.h"

#include <errno.h>

#include "policyd/admin_client.h"
#include "policyd/ike_file.h"
#include "policyd/keyd_msg.h"
#include "policyd/policyd.h"
#include "service/log.h"
#include "service/service.h"

static int on_begin(struct ike_load *load, const struct ipc_record *rec, struct err_text *e)
{
	struct msg_ike_begin m;
	int r = msg_ike_begin_decode(rec, &m, e);

	if (r == 0)
		r = ike_load_begin(load, m.n_peers, m.n_children, e);
	if (r == 0)
		ike_load_pool(load, &m.pool_first, &m.pool_last);
	return r;
}

static int on_row(struct ike_load *load, const struct ipc_record *rec)
{
	struct err_text e = {{0}};
	struct ike_row row;
	int r = msg_ike_row_decode(rec, &row, &e);

	if (r == -EBADMSG)
		return r;
	if (r < 0)
		ike_load_bad_row(load, rec->row, &e);
	else
		ike_load_row(load, rec->row, &row);
	return 0;
}

static void save(struct policyd *p)
{
	struct err_text e = {{0}};

	p->ike_save_why.s[0] = '\0';
	if (ike_file_save(p->state_dir, p->ike.now, &e) == 0)
		return;
	p->ike_save_why = e;
	log_error("ike.save.failed",
	    "the configuration for key exchange is in force and will be lost with this process: %s", e.s);
}

static int on_commit(
    struct policyd *p, struct ike_load *load, const struct ipc_record *rec, struct err_text *e)
{
	struct ike_view *v = NULL;
	unsigned n_withdrawn;
	uint64_t generation;
	int r = msg_ike_commit_decode(rec, &generation);

	if (r == 0)
		r = ike_load_take(load, generation, &v, e);
	if (r < 0)
		return r;
	ike_gens_switch(&p->ike, v, clock_now_ms(p->clock));
	save(p);
	n_withdrawn = grants_follow_view(&p->grants, v);
	log_notice("ike.loaded", "generation=%llu peers=%u children=%u grants_withdrawn=%u",
	    (unsigned long long)generation, v->n_peers, v->n_children, n_withdrawn);
	return 0;
}

int ike_admin_on_load(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct admin_client *who = admin_client_of(c);
	struct err_text e = {{0}};
	int r;

	if (!who) {
		ipc_conn_close(c);
		return 0;
	}
	if (rec->type == IPC_IKE_LOAD_ROW)
		return on_row(&who->load, rec);
	if (rec->type == IPC_IKE_LOAD_BEGIN)
		r = on_begin(&who->load, rec, &e);
	else if (rec->type == IPC_IKE_LOAD_PREPARE)
		r = ike_load_prepare(&who->load, &e);
	else
		r = on_commit(policyd_of(service_of_conn(c)), &who->load, rec, &e);
	if (r == -EBADMSG)
		return r;
	if (r < 0)
		ipc_conn_send_error(c, rec->id, -r, "%s", e.s);
	else
		ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

void ike_admin_restore(struct policyd *p)
{
	struct err_text e = {{0}};
	struct ike_view *v = NULL;
	int r = ike_file_load(p->state_dir, &v, &e);

	if (r == -ENOENT)
		return;
	if (r < 0) {
		log_error("ike.restore.failed",
		    "no keys are negotiated until the configuration is loaded again: %s", e.s);
		return;
	}
	ike_gens_switch(&p->ike, v, clock_now_ms(p->clock));
	log_notice("ike.restored", "generation=%llu peers=%u", (unsigned long long)v->generation, v->n_peers);
}
