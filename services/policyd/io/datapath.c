/*
 * Rows go out as fast as datapathd reads; nothing of an unfinished snapshot is looked at, so a newer version
 * simply begins again. A snapshot that datapathd refuses or does not answer is sent once more when the
 * connection or the SPD changes, and the barrier says that it is missing.
 */
#include "policyd/io/datapath.h"

#include <errno.h>
#include <stdlib.h>

#include "ipc/client.h"
#include "policyd/io/keyd.h"
#include "policyd/policyd.h"
#include "policyd/policyd_msg.h"
#include "service/log.h"
#include "service/service.h"

enum { COMMIT_DEADLINE_MS = 10000, RESENDS_MAX = 3 };

struct datapath {
	struct policyd *p;
	struct ipc_client *client;
	struct frozen *sending;       /* NULL: all sent */
	const struct spd_entry *next; /* row to send */
	enum policy_dir dir;
	uint32_t row;
	bool begun;
	unsigned n_failed; /* answers in a row that were no acknowledgement */
};

static struct datapath *of(const struct ipc_client *c)
{
	return policyd_of(service_of_client(c))->datapath;
}

static void on_answer(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
	struct datapath *d = of(c);
	struct err_text e = {{0}};
	uint64_t version = 0;
	int r = result;

	if (r == 0)
		r = msg_snapshot_ack_decode(rec, &version, &e);
	if (r == 0) {
		d->n_failed = 0;
		commit_on_ack(&d->p->commit, version);
		return;
	}
	if (r == -ECONNRESET)
		return;
	log_warning(
	    "datapathd.snapshot", "datapathd did not take the policies over: %s", e.s[0] ? e.s : err_name(r));
	if (++d->n_failed < RESENDS_MAX && !d->sending)
		commit_on_up(&d->p->commit);
}

/* The next row in the order of dumps; false at the end. */
static bool advance(struct datapath *d)
{
	const struct spd *spd = d->sending->book.spd;

	d->next = d->next ? spd_next(spd, d->next) : NULL;
	while (!d->next && d->dir < POLICY_FWD)
		d->next = spd_first(spd, ++d->dir);
	return d->next != NULL;
}

static int send_begin(struct datapath *d)
{
	const struct book *b = &d->sending->book;
	const struct msg_snapshot s = {.version = b->version,
	    .n_policies = (uint32_t)spd_count(b->spd, POLICY_DIR_NONE),
	    .deflev = b->deflev,
	    .enabled = b->enabled};

	return msg_send_snapshot_begin(d->client, &s);
}

/* Sends until the queue is full or the snapshot is out. */
static void pump_rows(struct datapath *d)
{
	int r = 0;

	if (!d->sending)
		return;
	if (!d->begun) {
		r = send_begin(d);
		if (r < 0)
			return;
		d->begun = true;
		d->row = 0;
		d->dir = POLICY_DIR_NONE;
		d->next = NULL;
		(void)advance(d);
	}
	while (d->next) {
		r = msg_send_snapshot_row(d->client, d->row, &d->next->policy);
		if (r < 0)
			return;
		d->row++;
		(void)advance(d);
	}
	r = msg_request_snapshot_commit(
	    d->client, d->sending->book.version, COMMIT_DEADLINE_MS, on_answer, NULL);
	if (r < 0)
		return;
	d->sending = frozen_unref(d->sending);
}

static void on_writable(struct ipc_client *c)
{
	pump_rows(of(c));
}

static void on_up(struct ipc_client *c, uint64_t server_epoch_ms)
{
	struct datapath *d = of(c);

	d->n_failed = 0;
	commit_on_up(&d->p->commit);
	keyd_on_datapath_up(d->p);
}

static void on_down(struct ipc_client *c)
{
	struct datapath *d = of(c);

	d->sending = frozen_unref(d->sending);
	commit_on_down(&d->p->commit);
}

int datapath_new(struct policyd *p, struct datapath **ret, struct err_text *e)
{
	static const struct ipc_client_def def = {
	    .edge = "datapathd.spd",
	    .version_min = 1,
	    .version_max = 1,
	    .backoff_min_ms = 20,
	    .backoff_max_ms = 1000,
	    .on_up = on_up,
	    .on_down = on_down,
	};
	struct datapath *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_set(e, -ENOMEM, "out of memory");
	d->p = p;
	r = service_connect(p->service, &def, "datapathd", &d->client, e);
	if (r < 0) {
		free(d);
		return r;
	}
	ipc_client_on_writable(d->client, on_writable);
	*ret = d;
	return 0;
}

int datapath_tell(struct datapath *d, struct frozen *f)
{
	if (!ipc_client_is_up(d->client))
		return -ENOTCONN;
	frozen_ref(f);
	frozen_unref(d->sending);
	d->sending = f;
	d->begun = false;
	pump_rows(d);
	return 0;
}

bool datapath_is_up(const struct datapath *d)
{
	return ipc_client_is_up(d->client);
}

struct ipc_client *datapath_client(const struct datapath *d)
{
	return d->client;
}
