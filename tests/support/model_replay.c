/*
 * The model keeps a list and searches it: slow, and too simple to be wrong in the same way.
 */
#include "support/model_replay.h"

#include <stdlib.h>

struct model_replay {
	uint32_t window;
	uint64_t top;
	uint64_t *seen;
	size_t n_seen;
};

struct model_replay *model_replay_new(uint32_t window)
{
	struct model_replay *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->window = window;
	return m;
}

void model_replay_free(struct model_replay *m)
{
	free(m->seen);
	free(m);
}

enum replay_verdict model_replay_check(const struct model_replay *m, uint64_t seq)
{
	if (m->window == 0)
		return REPLAY_NEW;
	if (seq == 0)
		return REPLAY_ZERO;
	if (seq <= m->top && m->top - seq > m->window - 1)
		return REPLAY_OLD;
	for (size_t i = 0; i < m->n_seen; i++)
		if (m->seen[i] == seq)
			return REPLAY_SEEN;
	return REPLAY_NEW;
}

enum replay_verdict model_replay_commit(struct model_replay *m, uint64_t seq)
{
	enum replay_verdict v = model_replay_check(m, seq);

	if (v != REPLAY_NEW)
		return v;
	m->seen = realloc(m->seen, (m->n_seen + 1) * sizeof(*m->seen));
	if (!m->seen)
		abort();
	m->seen[m->n_seen++] = seq;
	if (seq > m->top)
		m->top = seq;
	return v;
}
