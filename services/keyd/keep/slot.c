/*
 * One store publishes a slot and one takes it back, so a process that is killed leaves it whole or empty. The
 * sum shows damage; against somebody who writes here on purpose each field is judged besides.
 */
#include "keyd/keep/slot.h"

#include <stddef.h>
#include <string.h>

#include "base/auto.h"

static uint64_t sum(const struct keep_slot *s, uint64_t salt, uint32_t len)
{
	uint64_t v = slot_sum(&s->h, sizeof(s->h) + len) ^ salt;

	return v ? v : 1;
}

void keep_slot_commit(struct keep_slot *s, uint64_t salt)
{
	atomic_store_explicit(&s->commit, sum(s, salt, s->h.len), memory_order_release);
}

void keep_slot_clear(struct keep_slot *s, uint32_t n)
{
	atomic_store_explicit(&s->commit, 0, memory_order_release);
	wipe(s, (size_t)n * SLOT_SIZE);
}

static const char *fault(const struct keep_head *h, uint32_t index, uint32_t n_left)
{
	if (h->kind == KEEP_FREE || h->kind >= KEEP_KINDS || h->version != KEEP_VERSION)
		return "unknown kind or version";
	if (h->index != index)
		return "not written for this place";
	if (!h->n_slots || h->n_slots > n_left || h->n_slots > KEEP_RUN_MAX ||
	    h->len > h->n_slots * SLOT_SIZE - KEEP_HEAD)
		return "it does not have the size it claims";
	if (!h->key || h->key > UINT64_MAX / 2 || h->turn > UINT64_MAX / 2 || h->zero)
		return "impossible numbers";
	if (h->kind == KEEP_SEEN && (h->n_slots != 1 || h->len))
		return "message ids fill one slot";
	return NULL;
}

enum keep_verdict keep_slot_read(const struct keep_slot *s, uint64_t salt, uint32_t index, uint32_t n_left,
    struct keep_head *ret, const char **ret_why)
{
	uint64_t commit = atomic_load_explicit(&s->commit, memory_order_acquire);
	struct keep_head h = s->h; /* judged on a copy: the memory may be mapped elsewhere */

	if (commit == 0)
		return KEEP_EMPTY;
	*ret_why = fault(&h, index, n_left);
	if (!*ret_why && sum(s, salt, h.len) != commit)
		*ret_why = "checksum does not fit";
	if (!*ret_why && h.kind == KEEP_SEEN &&
	    atomic_load(&((const struct keep_seen *)(const void *)s->octets)->n) > KEEP_IDS)
		*ret_why = "more message ids than there can be";
	if (*ret_why)
		return KEEP_BAD;
	*ret = h;
	return KEEP_OK;
}
