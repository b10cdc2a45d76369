/*
 * Rules are kept one by one, cut off behind their last request, and pointed to by the lists: a hundred
 * thousand policies of one request each are a few dozen megabytes and not a hundred.
 */
#include "datapathd/spd/view.h"

#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"

struct spd_view *spd_view_new(uint64_t version, uint32_t room, const struct policy_deflev *d, bool enabled)
{
	struct spd_view *v = calloc(1, sizeof(*v) + room * sizeof(v->rules[0]));

	if (!v)
		return NULL;
	v->version = version;
	v->room = room;
	v->deflev = *d;
	v->enabled = enabled;
	v->memory = sizeof(*v) + room * sizeof(v->rules[0]);
	return v;
}

struct spd_view *spd_view_free(struct spd_view *v)
{
	if (!v)
		return NULL;
	for (int l = 0; l < SPD_LISTS; l++)
		for (int i = 0; i < 4; i++)
			tuples_fini(&v->tuples[l][i / 2][i % 2]);
	for (uint32_t i = 0; i < v->n_rules; i++)
		free(v->rules[i]);
	free(v->list[SPD_OUT]);
	free(v);
	return NULL;
}

void spd_view_reclaim(struct retired *r)
{
	(void)spd_view_free(container_of(r, struct spd_view, retired));
}

int spd_view_add(struct spd_view *v, const struct policy *p)
{
	size_t size = offsetof(struct spd_rule, p) + policy_size(p);
	struct spd_rule *r;

	if (v->n_rules == v->room)
		return -ENOSPC;
	r = calloc(1, size);
	if (!r)
		return -ENOMEM;
	policy_copy(&r->p, p);
	r->cls = (uint8_t)policy_classify(p, &v->deflev);
	for (uint8_t i = 0; i < p->n_requests; i++)
		r->level[i] = (uint8_t)policy_request_level(&p->req[i], &v->deflev);
	v->rules[v->n_rules++] = r;
	v->memory += size;
	return 0;
}

static bool is_in(const struct spd_rule *r, enum spd_list l)
{
	switch (l) {
	case SPD_OUT:
		return r->p.dir == POLICY_OUT;
	case SPD_IN:
		return r->p.dir == POLICY_IN;
	case SPD_FWD:
		return r->p.dir == POLICY_FWD;
	default:
		return r->p.dir == POLICY_IN && !r->p.in_only;
	}
}

static uint32_t collect(struct spd_view *v, enum spd_list l, struct spd_rule **to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_rules; i++)
		if (is_in(v->rules[i], l))
			to[n++] = v->rules[i];
	return n;
}

static int make_searchable(struct spd_view *v, enum spd_list l)
{
	static const uint8_t families[] = {INET_V4, INET_V6};

	for (int f = 0; f < 2; f++)
		for (int blind = 0; blind < 2; blind++) {
			struct tuples *t = &v->tuples[l][f][blind];
			int r = tuples_build(t, v->list[l], v->n[l], families[f], blind);

			if (r < 0)
				return r;
			v->memory += tuples_memory(t);
		}
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct spd_rule *x = *(struct spd_rule *const *)a, *y = *(struct spd_rule *const *)b;

	return x->p.id < y->p.id ? -1 : x->p.id > y->p.id;
}

int spd_view_finish(struct spd_view *v)
{
	size_t room = 3 * (size_t)v->n_rules + 1;
	struct spd_rule **at = calloc(room, sizeof(struct spd_rule *));
	int r = 0;

	if (!at)
		return -ENOMEM;
	v->memory += room * sizeof(struct spd_rule *);
	for (enum spd_list l = 0; l < SPD_LISTS; l++) {
		v->list[l] = at;
		v->n[l] = collect(v, l, at);
		/* A mirror of the whole of `in` is no list of its own. */
		if (l == SPD_MIRRORED && v->n[l] == v->n[SPD_IN])
			v->n[l] = 0;
		at += v->n[l];
	}
	v->by_id = at;
	memcpy(at, v->rules, v->n_rules * sizeof(*at));
	qsort(at, v->n_rules, sizeof(*at), by_id);
	v->one_in = !v->n[SPD_FWD] && !v->n[SPD_MIRRORED];
	for (uint32_t i = 0; v->one_in && i < v->n[SPD_IN]; i++)
		v->one_in = !v->list[SPD_IN][i]->p.in_only;
	for (enum spd_list l = 0; r == 0 && l < SPD_LISTS; l++)
		r = make_searchable(v, l);
	return r;
}

struct spd_rule *spd_view_find(const struct spd_view *v, uint32_t id)
{
	uint32_t lo = 0, hi = v->n_rules;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->by_id[mid]->p.id == id)
			return v->by_id[mid];
		if (v->by_id[mid]->p.id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct spd_rule *spd_view_match(const struct spd_view *v, enum spd_list l, const struct packet_key *k)
{
	return tuples_match(&v->tuples[l][k->src.family == INET_V6][!k->has_ports], k);
}

void spd_view_fetch(const struct spd_view *v, enum spd_list l, const struct packet_key *k, unsigned pass)
{
	tuples_fetch(&v->tuples[l][k->src.family == INET_V6][!k->has_ports], k, pass);
}

struct spd_found spd_view_match_in(const struct spd_view *v, const struct packet_key *k)
{
	struct spd_found f = {.own = spd_view_match(v, SPD_IN, k)};

	if (v->one_in)
		return f;
	f.fwd = spd_view_match(v, SPD_FWD, k);
	/* A rule that counts for both is the first of both. */
	f.mirrored = f.own && !f.own->p.in_only ? f.own : spd_view_match(v, SPD_MIRRORED, k);
	return f;
}
