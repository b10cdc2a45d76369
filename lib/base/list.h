/*
 * Intrusive doubly linked list. A head and an unlinked node point at themselves, so that removing twice is
 * harmless and "is it on a list" has an answer.
 */
#ifndef POSTERN_BASE_LIST_H
#define POSTERN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)                                                                                      \
	{                                                                                                    \
		&(name), &(name)                                                                             \
	}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Links n in front of `at`; with the head as `at` this appends. */
static inline void list_insert_before(struct list *at, struct list *n)
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}

static inline void list_append(struct list *head, struct list *n)
{
	list_insert_before(head, n);
}

static inline void list_prepend(struct list *head, struct list *n)
{
	list_insert_before(head->next, n);
}

static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_foreach(it, head, type, member)                                                                 \
	for (type *it = list_entry((head)->next, type, member); &it->member != (head);                       \
	     it = list_entry(it->member.next, type, member))
#define list_foreach_safe(it, tmp, head, type, member)                                                       \
	for (type *it = list_entry((head)->next, type, member),                                              \
	          *tmp = list_entry(it->member.next, type, member);                                          \
	     &it->member != (head); it = tmp, tmp = list_entry(it->member.next, type, member))

#endif
