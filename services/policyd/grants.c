/*
 * Two hash tables and two lists over one allocation each. All lives are equally long and a renewed one goes
 * to the end, so the list of all is in order of expiry.
 */
#include "policyd/grants.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool grant_terms_bounded(const struct grant_terms *t)
{
	for (uint8_t i = 0; i < t->n_requests; i++)
		if ((t->req[i].proto == IPSEC_ESP && !t->enc) || (t->req[i].proto == IPSEC_AH && !t->auth))
			return false;
	return true;
}

void grants_init(struct grants *g, uint64_t first_id)
{
	*g = (struct grants){.next_id = first_id ? first_id : 1};
	list_init(&g->all);
	list_init(&g->to_tell);
}

/* FNV-1a. Who could choose what is hashed can at worst make one bucket as long as the bound. */
static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3ULL;
	return h;
}

static struct grant **ask_bucket(struct grants *g, const struct grant_terms *t)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	h = hash_bytes(h, &t->out_id, sizeof(t->out_id));
	h = hash_bytes(h, t->local.b, sizeof(t->local.b));
	h = hash_bytes(h, t->remote.b, sizeof(t->remote.b));
	h = hash_bytes(h, t->icookie, sizeof(t->icookie));
	h = hash_bytes(h, t->rcookie, sizeof(t->rcookie));
	for (uint16_t i = 0; i < t->n_more; i++)
		h = hash_bytes(h, &t->more[i].out_id, sizeof(t->more[i].out_id));
	return &g->by_ask[(h ^ h >> 32) & (GRANT_BUCKETS - 1)];
}

static bool same_more(const struct grant_terms *a, const struct grant_terms *b)
{
	bool same = a->n_more == b->n_more;

	for (uint16_t i = 0; same && i < a->n_more; i++)
		same = a->more[i].out_id == b->more[i].out_id;
	return same;
}

static bool same_ask(const struct grant_terms *a, const struct grant_terms *b)
{
	return a->out_id == b->out_id && inet_addr_equal(&a->local, &b->local) &&
	       inet_addr_equal(&a->remote, &b->remote) &&
	       memcmp(a->icookie, b->icookie, sizeof(a->icookie)) == 0 &&
	       memcmp(a->rcookie, b->rcookie, sizeof(a->rcookie)) == 0 && same_more(a, b);
}

static struct grant *find_ask(struct grants *g, const struct grant_terms *t)
{
	struct grant *x = *ask_bucket(g, t);

	while (x && !same_ask(&x->t, t))
		x = x->ask_next;
	return x;
}

struct grant *grants_find(const struct grants *g, uint64_t id)
{
	struct grant *x = g->by_id[id & (GRANT_BUCKETS - 1)];

	while (x && x->id != id)
		x = x->id_next;
	return x;
}

static void unlink_grant(struct grants *g, struct grant *x)
{
	struct grant **at = &g->by_id[x->id & (GRANT_BUCKETS - 1)];

	while (*at != x)
		at = &(*at)->id_next;
	*at = x->id_next;
	at = ask_bucket(g, &x->t);
	while (*at != x)
		at = &(*at)->ask_next;
	*at = x->ask_next;
	list_remove(&x->node);
	list_remove(&x->to_tell);
	g->n--;
	g->n_more -= x->t.n_more;
}

static void free_grant(struct grant *x)
{
	free(x->t.more);
	free(x);
}

void grants_fini(struct grants *g)
{
	list_foreach_safe (x, next, &g->all, struct grant, node)
		grants_drop(g, x, false);
	list_foreach_safe (x, next, &g->to_tell, struct grant, to_tell)
		free_grant(x);
	list_init(&g->to_tell);
}

static struct grant *add(struct grants *g, const struct grant_terms *t)
{
	struct grant *x = calloc(1, sizeof(*x)), **at;

	if (!x)
		return NULL;
	x->id = g->next_id++;
	x->t = *t;
	at = &g->by_id[x->id & (GRANT_BUCKETS - 1)];
	x->id_next = *at;
	*at = x;
	at = ask_bucket(g, t);
	x->ask_next = *at;
	*at = x;
	list_init(&x->node);
	list_init(&x->to_tell);
	g->n++;
	g->n_more += t->n_more;
	return x;
}

int grants_put(
    struct grants *g, const struct grant_terms *t, uint64_t now_ms, struct grant **ret, struct err_text *e)
{
	struct grant *x = find_ask(g, t);
	int r = x ? GRANT_RENEWED : GRANT_NEW;

	if (!x && g->n_more + t->n_more > GRANTS_MORE_MAX)
		return err_set(e, -ENOSPC,
		    "%d further policies are in grants already: drop what is not needed", GRANTS_MORE_MAX);
	if (!x && g->n == GRANTS_MAX)
		return err_set(e, -ENOSPC, "%d grants are out already: drop what is not needed", GRANTS_MAX);
	if (!x)
		x = add(g, t);
	if (!x)
		return err_set(e, -ENOMEM, "out of memory");
	if (r == GRANT_RENEWED)
		free(x->t.more);
	x->t = *t;
	x->users += x->users < UINT32_MAX;
	x->expires_ms = now_ms + GRANT_LIFE_MS;
	list_remove(&x->node);
	list_append(&g->all, &x->node);
	*ret = x;
	return r;
}

static void tell(struct grants *g, struct grant *x)
{
	list_remove(&x->to_tell);
	list_append(&g->to_tell, &x->to_tell);
}

void grants_drop(struct grants *g, struct grant *x, bool with_telling)
{
	unlink_grant(g, x);
	x->gone = true;
	if (with_telling)
		tell(g, x);
	else
		free_grant(x);
}

/* Of two renewals that cross one is undone while the other goes on, under the same grant. */
bool grants_leave(struct grants *g, struct grant *x)
{
	if (--x->users)
		return false;
	grants_drop(g, x, true);
	return true;
}

void grants_expire(struct grants *g, uint64_t now_ms)
{
	while (grants_next_ms(g) <= now_ms && !list_is_empty(&g->all))
		grants_drop(g, list_entry(g->all.next, struct grant, node), false);
}

uint64_t grants_next_ms(const struct grants *g)
{
	return list_is_empty(&g->all) ? UINT64_MAX : list_entry(g->all.next, struct grant, node)->expires_ms;
}

static bool is_there(const struct spd *spd, uint32_t out_id, uint32_t in_id)
{
	return spd_find_id(spd, out_id) && (!in_id || spd_find_id(spd, in_id));
}

static bool are_there(const struct spd *spd, const struct grant_terms *t)
{
	bool there = is_there(spd, t->out_id, t->in_id);

	for (uint16_t i = 0; there && i < t->n_more; i++)
		there = is_there(spd, t->more[i].out_id, t->more[i].in_id);
	return there;
}

unsigned grants_follow_spd(struct grants *g, const struct spd *spd)
{
	unsigned n = 0;

	/* A policy never changes under its number. */
	list_foreach_safe (x, next, &g->all, struct grant, node) {
		if (are_there(spd, &x->t))
			continue;
		grants_drop(g, x, true);
		n++;
	}
	g->n_withdrawn += n;
	return n;
}

unsigned grants_follow_view(struct grants *g, const struct ike_view *v)
{
	unsigned n = 0;

	list_foreach_safe (x, next, &g->all, struct grant, node) {
		bool same = x->t.enc == v->enc && x->t.auth == v->auth;

		x->t.enc = v->enc;
		x->t.auth = v->auth;
		if (!grant_terms_bounded(&x->t) || !ike_view_knows(v, &x->t.remote)) {
			grants_drop(g, x, true);
			n++;
		} else if (!same) {
			tell(g, x);
		}
	}
	g->n_withdrawn += n;
	return n;
}

void grants_tell_all(struct grants *g)
{
	list_foreach (x, &g->all, struct grant, node)
		tell(g, x);
}

struct grant *grants_next_to_tell(const struct grants *g)
{
	return list_is_empty(&g->to_tell) ? NULL : list_entry(g->to_tell.next, struct grant, to_tell);
}

void grants_told(struct grants *g, struct grant *x)
{
	list_remove(&x->to_tell);
	if (x->gone)
		free_grant(x);
}
