/*
 * A plain ordered walk over an array of pointers: exact by construction. policyd's kernel rules have already
 * sorted out what needs no protection, and the flow cache of the classify stage spares repeated walks.
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
	return v;
}

struct spd_view *spd_view_free(struct spd_view *v)
{
	if (v)
		free(v->out);
	free(v);
	return NULL;
}

void spd_view_reclaim(struct retired *r)
{
	(void)spd_view_free(container_of(r, struct spd_view, retired));
}

int spd_view_add(struct spd_view *v, const struct policy *p)
{
	struct spd_rule *r;

	if (v->n_rules == v->room)
		return -ENOSPC;
	r = &v->rules[v->n_rules++];
	r->p = *p;
	r->cls = policy_classify(p, &v->deflev);
	for (uint8_t i = 0; i < p->n_requests; i++)
		r->level[i] = policy_request_level(&p->req[i], &v->deflev);
	return 0;
}

static uint32_t collect(struct spd_view *v, enum policy_dir dir, struct spd_rule **to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_rules; i++)
		if (v->rules[i].p.dir == dir)
			to[n++] = &v->rules[i];
	return n;
}

int spd_view_finish(struct spd_view *v)
{
	struct spd_rule **all = calloc(v->n_rules + 1, sizeof(struct spd_rule *));

	if (!all)
		return -ENOMEM;
	v->out = all;
	v->n_out = collect(v, POLICY_OUT, v->out);
	v->in = v->out + v->n_out;
	v->n_in = collect(v, POLICY_IN, v->in);
	v->n_in += collect(v, POLICY_FWD, v->in + v->n_in);
	return 0;
}

static bool fails_closed(const struct spd_rule *r)
{
	return r->cls == POLICY_CLASS_PROTECT || r->cls == POLICY_CLASS_DISCARD;
}

static struct spd_rule *match(struct spd_rule **list, uint32_t n, const struct packet_key *k)
{
	for (uint32_t i = 0; i < n; i++)
		if (selector_match(&list[i]->p.sel, k, !k->has_ports && fails_closed(list[i])))
			return list[i];
	return NULL;
}

struct spd_rule *spd_view_match_out(const struct spd_view *v, const struct packet_key *k)
{
	return match(v->out, v->n_out, k);
}

struct spd_rule *spd_view_match_in(const struct spd_view *v, const struct packet_key *k)
{
	return match(v->in, v->n_in, k);
}
