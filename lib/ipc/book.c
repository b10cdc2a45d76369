/*
 * One list sorted by deadline. Deadlines of an edge are mostly of one length, so filing ends at the tail and
 * answers are found near the head.
 */
#include "ipc/book.h"

#include <errno.h>

struct entry {
	struct list node;
	uint32_t id;
	uint64_t deadline_ms;
	struct ipc_filed filed;
};

void ipc_book_init(struct ipc_book *b)
{
	list_init(&b->entries);
	b->n = 0;
}

int ipc_book_file(struct ipc_book *b, uint32_t id, uint64_t deadline_ms, const struct ipc_filed *f)
{
	struct list *at = &b->entries;
	struct entry *e = malloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	*e = (struct entry){.id = id, .deadline_ms = deadline_ms, .filed = *f};
	while (at->prev != &b->entries && list_entry(at->prev, struct entry, node)->deadline_ms > deadline_ms)
		at = at->prev;
	list_insert_before(at, &e->node);
	b->n++;
	return 0;
}

static void take(struct ipc_book *b, struct entry *e, struct ipc_filed *ret)
{
	list_remove(&e->node);
	b->n--;
	*ret = e->filed;
	free(e);
}

bool ipc_book_take(struct ipc_book *b, uint32_t id, struct ipc_filed *ret)
{
	list_foreach (e, &b->entries, struct entry, node)
		if (e->id == id) {
			take(b, e, ret);
			return true;
		}
	return false;
}

bool ipc_book_take_first(struct ipc_book *b, struct ipc_filed *ret)
{
	return ipc_book_take_expired(b, UINT64_MAX, ret);
}

bool ipc_book_take_expired(struct ipc_book *b, uint64_t now_ms, struct ipc_filed *ret)
{
	if (ipc_book_next_deadline(b) > now_ms || !b->n)
		return false;
	take(b, list_entry(b->entries.next, struct entry, node), ret);
	return true;
}

uint64_t ipc_book_next_deadline(const struct ipc_book *b)
{
	return b->n ? list_entry(b->entries.next, struct entry, node)->deadline_ms : UINT64_MAX;
}
