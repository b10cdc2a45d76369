/*
 * One transaction at a time, owned by a connection: changes go to a staged copy of the book, which takes the
 * book's place at once or not at all.
 */
#ifndef POSTERN_POLICYD_TXN_H
#define POSTERN_POLICYD_TXN_H

#include "base/clock.h"
#include "policyd/book.h"

/* How long a transaction may stay open while somebody else waits for it. */
enum { TXN_PATIENCE_MS = 30000 };

/* Of one connection; zeroed at first. Lives as long as the connection, whose txn_close() comes first. */
struct txn_client {
	bool evicted; /* lost its transaction to somebody who waited too long, and has not been told yet */
};

struct txn {
	struct book *book;
	const struct clock *clock;
	struct book staged;
	uint64_t staged_from;     /* its version when it was staged */
	struct txn_client *owner; /* NULL: no transaction */
	uint64_t begun_ms;
	book_change_fn on_change; /* may be NULL: told at commit what takes effect */
	void *arg;
};

void txn_init(struct txn *t, struct book *book, const struct clock *clock);
void txn_fini(struct txn *t);

/* 0; -EBUSY; -EALREADY when `who` has one open; -ENOMEM. */
int txn_begin(struct txn *t, struct txn_client *who, struct err_text *e);
enum { TXN_UNCHANGED = 0, TXN_CHANGED = 1 };
/* TXN_CHANGED; TXN_UNCHANGED: nothing was in it, and nothing came of it; -EINVAL without a transaction;
 * -ECANCELED when it was taken away. */
int txn_commit(struct txn *t, struct txn_client *who, struct err_text *e);
/* Its client commits elsewhere first and then here: patience with it begins anew, longer than an answer there
 * may take. 0, or errors as txn_commit(). */
int txn_prepare(struct txn *t, struct txn_client *who, struct err_text *e);
int txn_abort(struct txn *t, struct txn_client *who, struct err_text *e);
/* The connection is going: forgets what it had. */
void txn_close(struct txn *t, struct txn_client *who);

/*
 * The book that changes of `who` go to: its staged copy, or the book itself while there is no transaction.
 * -EBUSY while another connection's is open; -ECANCELED when its own was taken away.
 */
int txn_book(struct txn *t, struct txn_client *who, struct book **ret, struct err_text *e);

#endif
