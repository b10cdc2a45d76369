/*
 * datapathd tells of lifetimes as events, which are missed by who is not there. So whenever the two find each
 * other, keyd asks about the SAs that it knows of, a few hundred at a time, and what has ended or is old
 * meanwhile is dealt with as if it had just been told.
 */
#include <errno.h>
#include <stdlib.h>

#include "keyd/edges/datapathd.h"
#include "keyd/keyd.h"

struct recall {
	struct keyd *k;
	size_t n, at;
	uint64_t serial[];
};

static void on_one(void *arg, uint64_t serial, bool hard)
{
	core_expired(arg, serial, hard);
}

static void ask(struct recall *r);

static void on_answer(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
	struct recall *r = arg;

	(void)c;
	if (result < 0) {
		free(r); /* its end is ours: the next connection asks again */
		return;
	}
	if (datapathd_sas_decode(rec, on_one, r->k->core) < 0)
		log_warning("datapathd.sas", "datapathd does not say which SAs it has");
	ask(r);
}

/* Takes it. */
static void ask(struct recall *r)
{
	size_t left = r->n - r->at, n = left < DATAPATHD_ASK_MAX ? left : DATAPATHD_ASK_MAX, at = r->at;
	int x;

	r->at += n;
	x = n ? datapathd_ask_sas(r->k->datapathd, r->serial + at, n, on_answer, r) : -ENODATA;
	if (x == 0)
		return;
	if (n)
		log_warning("datapathd.sas", "datapathd cannot be asked which SAs it has: %s", err_name(x));
	free(r);
}

void keyd_recall(struct keyd *k)
{
	size_t n = core_serials(k->core, NULL, 0);
	struct recall *r = n ? malloc(sizeof(*r) + n * sizeof(r->serial[0])) : NULL;

	if (!r)
		return;
	r->k = k;
	r->at = 0;
	r->n = core_serials(k->core, r->serial, n);
	ask(r);
}
