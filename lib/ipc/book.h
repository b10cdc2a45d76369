/*
 * The request book: what was asked and not yet answered, by id and by deadline.
 */
#ifndef POSTERN_IPC_BOOK_H
#define POSTERN_IPC_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "ipc/client.h"

struct ipc_book {
	struct list entries; /* by deadline */
	size_t n;
};

/* One request, taken out of the book. */
struct ipc_filed {
	ipc_reply_fn fn;
	void *arg;
};

void ipc_book_init(struct ipc_book *b);

/* 0 or -ENOMEM. */
int ipc_book_file(struct ipc_book *b, uint32_t id, uint64_t deadline_ms, const struct ipc_filed *f);

/* Each takes one request out; false when there is none such. */
bool ipc_book_take(struct ipc_book *b, uint32_t id, struct ipc_filed *ret);
bool ipc_book_take_first(struct ipc_book *b, struct ipc_filed *ret);
bool ipc_book_take_expired(struct ipc_book *b, uint64_t now_ms, struct ipc_filed *ret);

/* Of the request that expires first; UINT64_MAX when the book is empty. */
uint64_t ipc_book_next_deadline(const struct ipc_book *b);

#endif
