/*
 * A dump is one request and any number of rows. Rows are decoded one at a time and forgotten at once, so that
 * a large SAD costs no memory and key octets live no longer than the printing of their row.
 */
#include "cli/rows.h"

#include <errno.h>

#include "base/auto.h"
#include "cli/cli.h"
#include "ipc/model.h"

#include "datapathd_admin.pb-c.h"
#include "policyd_admin.pb-c.h"

enum { ROW_CAP = 64 * 1024 }; /* most memory one decoded row may take */

static int sa_row(const struct ipc_record *rec, cli_sa_fn fn, void *arg, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__sa_row__descriptor, rec, ROW_CAP);
	const Postern__SaRow *row = (const Postern__SaRow *)m;
	struct sa_desc d;
	struct sa_status s;

	if (!row)
		return err_set(
		    e, -EBADMSG, "datapathd sent a row that cannot be read: are both of one release?");
	if (!row->sa)
		return 0;
	if (model_sa_decode(row->sa, true, &d, e) < 0 || model_sa_status_decode(row->status, &s, e) < 0)
		return err_prefix(e, -EBADMSG, "datapathd sent a row that makes no sense");
	return fn(&d, &s, arg);
}

int cli_each_sa(
    struct ipc_sync *datapathd, uint32_t proto, bool dead, cli_sa_fn fn, void *arg, struct err_text *e)
{
	Postern__SaDump dump = POSTERN__SA_DUMP__INIT;
	struct ipc_record rec;
	int r;

	dump.proto = proto;
	dump.dead = dead;
	r = ipc_sync_call(datapathd, IPC_SA_DUMP, &dump.base, &rec, e);
	while (r == 0) {
		if (rec.type != IPC_SA_ROW)
			return err_set(e, -EPROTO, "datapathd answered a dump with record type %u", rec.type);
		r = sa_row(&rec, fn, arg, e);
		if (r != 0 || (rec.flags & IPC_F_END))
			return r;
		r = ipc_sync_recv(datapathd, CLI_TIMEOUT_MS, &rec, e);
	}
	return r;
}

static int policy_row(const struct ipc_record *rec, cli_policy_fn fn, void *arg, struct err_text *e)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *m = ipc_unpack(&postern__spd_dump_row__descriptor, rec, ROW_CAP);
	const Postern__SpdDumpRow *row = (const Postern__SpdDumpRow *)m;
	struct policy p;

	if (!row)
		return err_set(
		    e, -EBADMSG, "policyd sent a row that cannot be read: are both of one release?");
	if (!row->policy)
		return 0;
	if (model_policy_decode(row->policy, &p, e) < 0)
		return err_prefix(e, -EBADMSG, "policyd sent a row that makes no sense");
	return fn(&p, arg);
}

int cli_each_policy(struct ipc_sync *policyd, cli_policy_fn fn, void *arg, struct err_text *e)
{
	Postern__SpdDump dump = POSTERN__SPD_DUMP__INIT;
	struct ipc_record rec;
	int r;

	r = ipc_sync_call(policyd, IPC_SPD_DUMP, &dump.base, &rec, e);
	while (r == 0) {
		if (rec.type != IPC_SPD_DUMP_ROW)
			return err_set(e, -EPROTO, "policyd answered a dump with record type %u", rec.type);
		r = policy_row(&rec, fn, arg, e);
		if (r != 0 || (rec.flags & IPC_F_END))
			return r;
		r = ipc_sync_recv(policyd, CLI_TIMEOUT_MS, &rec, e);
	}
	return r;
}
