/*
 * A plain change during somebody else's transaction would be lost when the staged copy takes over, so it is
 * refused rather than merged. A client that hangs with an open transaction does not lock the others out for
 * ever: after a while the next one who wants in ends it, and the hung one learns it when it goes on. That is
 * kept with each connection: what it says next must not slip into the SPD on its own, however many were hung.
 */
#include "policyd/txn.h"

#include <errno.h>

void txn_init(struct txn *t, struct book *book, const struct clock *clock)
{
	*t = (struct txn){.book = book, .clock = clock};
}

static void drop(struct txn *t)
{
	if (t->owner)
		book_forget(t->book, &t->staged);
	t->owner = NULL;
}

void txn_fini(struct txn *t)
{
	drop(t);
}

/* Nobody but `who` is in the way, or is any longer. */
static int make_way(struct txn *t, struct txn_client *who, struct err_text *e)
{
	if (!t->owner || t->owner == who)
		return 0;
	if (clock_now_ms(t->clock) - t->begun_ms < TXN_PATIENCE_MS)
		return err_set(e, -EBUSY, "another transaction is open: try again when it is done");
	t->owner->evicted = true;
	drop(t);
	return 0;
}

static int check_evicted(const struct txn_client *who, struct err_text *e)
{
	if (!who->evicted)
		return 0;
	return err_set(e, -ECANCELED,
	    "this transaction was open for more than %d s and gave way to another: abort it and begin again",
	    TXN_PATIENCE_MS / 1000);
}

int txn_begin(struct txn *t, struct txn_client *who, struct err_text *e)
{
	int r = make_way(t, who, e);

	if (r < 0)
		return r;
	if (t->owner == who)
		return err_set(e, -EALREADY, "this connection has a transaction open already");
	who->evicted = false;
	r = book_stage(t->book, &t->staged);
	if (r < 0)
		return err_set(e, r, "out of memory");
	t->staged_from = t->staged.version;
	t->owner = who;
	t->begun_ms = clock_now_ms(t->clock);
	return 0;
}

static int check_owner(struct txn *t, struct txn_client *who, struct err_text *e)
{
	int r = check_evicted(who, e);

	if (r < 0)
		who->evicted = false;
	else if (t->owner != who)
		r = err_set(e, -EINVAL, "this connection has no transaction open");
	return r;
}

int txn_commit(struct txn *t, struct txn_client *who, struct err_text *e)
{
	int r = check_owner(t, who, e);

	if (r < 0)
		return r;
	if (t->staged.version == t->staged_from) {
		drop(t);
		return TXN_UNCHANGED;
	}
	if (t->on_change)
		book_diff(t->book->spd, t->staged.spd, t->on_change, t->arg);
	book_apply(t->book, &t->staged);
	t->owner = NULL;
	return TXN_CHANGED;
}

int txn_prepare(struct txn *t, struct txn_client *who, struct err_text *e)
{
	int r = check_owner(t, who, e);

	if (r == 0)
		t->begun_ms = clock_now_ms(t->clock);
	return r;
}

int txn_abort(struct txn *t, struct txn_client *who, struct err_text *e)
{
	int r = check_owner(t, who, e);

	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	drop(t);
	return 0;
}

void txn_close(struct txn *t, struct txn_client *who)
{
	if (t->owner == who)
		drop(t);
}

int txn_book(struct txn *t, struct txn_client *who, struct book **ret, struct err_text *e)
{
	int r = check_evicted(who, e);

	if (r == 0)
		r = make_way(t, who, e);
	if (r == 0)
		*ret = t->owner == who ? &t->staged : t->book;
	return r;
}
