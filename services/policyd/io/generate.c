/*
 * The answer comes when kernel and data path have the policies: what keyd makes next is held against them.
 */
#include "policyd/io/generate.h"

#include <errno.h>
#include <stdlib.h>

#include "ipc/server.h"
#include "policyd/keyd_msg.h"
#include "policyd/match.h"
#include "policyd/policyd.h"
#include "policyd/spd_admin.h"
#include "service/log.h"
#include "service/service.h"

struct waiter {
	struct policyd *p;
	struct ipc_conn *c;
	uint32_t rec_id, out_id;
	bool fresh; /* made for this question */
};

static struct book *staged(struct policyd *p)
{
	return p->txn.owner ? &p->txn.staged : NULL;
}

static void take_back(struct policyd *p, uint32_t out_id, bool fresh)
{
	if (fresh)
		(void)generated_drop(&p->generated, &p->book, staged(p), out_id);
}

static void on_in_force(void *arg, int result, uint64_t version, const char *why)
{
	struct waiter *w = arg;
	const struct spd *spd = policyd_newest(w->p)->spd;
	const struct spd_entry *out = spd_find_id(spd, w->out_id), *in = NULL;

	(void)version;
	if (out) {
		const struct selector mirror = match_mirror(&out->policy.sel);

		in = spd_find(spd, POLICY_IN, &mirror);
	}
	if (!ipc_conn_is_open(w->c))
		take_back(w->p, w->out_id, w->fresh);
	else if (result < 0)
		ipc_conn_send_error(w->c, w->rec_id, -result, "%s", why);
	else if (!out || !in)
		ipc_conn_send_error(w->c, w->rec_id, ESTALE, "it was taken out again at once");
	else
		msg_send_match_reply(w->c, w->rec_id, &out->policy, &in->policy);
	ipc_conn_unref(w->c);
	free(w);
}

/* As generated_put(). */
static int put(struct policyd *p, const struct msg_make *m, uint32_t *ret_id, struct err_text *e)
{
	const struct grant_world world = {.key = &p->ticket_key,
	    .gens = &p->ike,
	    .spd = policyd_newest(p)->spd,
	    .now_ms = clock_now_ms(p->clock)};
	const struct generate_ask ask = {.ticket = m->ticket,
	    .ticket_len = m->ticket_len,
	    .out = &m->out,
	    .local = m->local,
	    .remote = m->remote};
	struct generate_pair pair;
	struct ticket t;
	struct book *b;
	int r = 0;

	if (p->ticket_why.s[0])
		r = err_set(e, -EIO, "policyd cannot check tickets: %.400s", p->ticket_why.s);
	if (r == 0 && commit_held(&p->commit))
		r = err_set(e, -EIO, "%s", commit_held(&p->commit));
	if (r == 0)
		r = generate_judge(&world, &ask, &t, &pair, e);
	if (r == 0)
		r = txn_book(&p->txn, &p->generate_txn, &b, e);
	if (r == 0)
		r = generated_put(&p->generated, b, &t, &pair, world.now_ms, ret_id, e);
	return r;
}

static void tell(struct policyd *p, uint32_t id, enum book_change what)
{
	const struct spd_entry *x = spd_find_id(p->book.spd, id);

	if (x)
		spd_admin_on_change(p, what, &x->policy);
}

int generate_on_make(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = policyd_of(service_of_conn(c));
	struct waiter *w = malloc(sizeof(*w));
	struct err_text e = {{0}};
	struct msg_make m;
	uint32_t id = 0;
	uint64_t held;
	int r = w ? msg_make_decode(rec, &m, &e) : err_set(&e, -ENOMEM, "out of memory");

	if (r == 0)
		r = put(p, &m, &id, &e);
	if (r >= 0) {
		bool fresh = r == 0;

		*w = (struct waiter){
		    .p = p, .c = ipc_conn_ref(c), .rec_id = rec->id, .out_id = id, .fresh = fresh};
		if (fresh) {
			tell(p, id, BOOK_ADDED);
			commit_changed(&p->commit);
			log_info("policy.generated", "spid=%u for a client", id);
		}
		r = commit_wait(&p->commit, 0, on_in_force, w);
		if (r == 0)
			return 0;
		(void)err_set(&e, r, "too many wait already");
		take_back(p, id, fresh);
		ipc_conn_unref(c);
	}
	free(w);
	if (r == -EBADMSG)
		return r;
	p->grants.n_refused++;
	if (log_limit_ok(&p->generate_refusals, &held))
		log_warning("policy.refused", "%s held=%llu", e.s, (unsigned long long)held);
	ipc_conn_send_error(c, rec->id, -r, "%s", e.s[0] ? e.s : err_name(r));
	return 0;
}

int generate_on_drop(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = policyd_of(service_of_conn(c));
	uint32_t id;
	int r = msg_policy_drop_decode(rec, &id);

	if (r < 0)
		return r;
	tell(p, id, BOOK_REMOVED);
	if (!generated_drop(&p->generated, &p->book, staged(p), id))
		return 0;
	log_info("policy.gone", "spid=%u its client has gone", id);
	commit_changed(&p->commit);
	return 0;
}

void generate_turn(struct policyd *p, uint64_t now_ms)
{
	unsigned n = generated_expire(&p->generated, &p->book, staged(p), now_ms);

	if (!n)
		return;
	log_info("policy.expired", "%u policies of clients are over", n);
	commit_changed(&p->commit);
}
