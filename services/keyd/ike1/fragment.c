/*
 * Fragments have no proof of their own. Whoever sends some has at least received our cookie, or was written
 * to by us, and can fill no more than a place of its own; the message they make is judged as any other.
 */
#include "keyd/ike1/fragment.h"

#include "keyd/core/frags.h"

/* An SA's place for one message. */
struct fragment_room {
	struct list node; /* its pool's, oldest first */
	struct fragment_pool *pool;
	struct isakmp *sa;
	struct frags frags;
	struct timer timer;
};

static struct fragment_pool *pool_of(struct isakmp *sa)
{
	return &sa->core->fragments[sa->trust == ISAKMP_TRUSTED ? 0 : 1];
}

void fragment_forget(struct isakmp *sa)
{
	struct fragment_room *r = sa->fragments;

	if (!r)
		return;
	timer_stop(&sa->core->timers, &r->timer);
	r->pool->octets -= r->frags.octets;
	frags_fini(&r->frags);
	list_remove(&r->node);
	free(r);
	sa->fragments = NULL;
}

static void on_over(struct timer *t, void *arg)
{
	(void)arg;
	fragment_forget(container_of(t, struct fragment_room, timer)->sa);
}

static struct fragment_room *room_of(struct isakmp *sa)
{
	struct core *c = sa->core;
	struct fragment_room *r = sa->fragments;

	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->sa = sa;
	r->pool = pool_of(sa);
	list_init(&r->node);
	list_append(&r->pool->rooms, &r->node);
	sa->fragments = r;
	if (timer_set(&c->timers, &r->timer, core_now(c) + FRAGMENT_LIFE_MS, on_over) == 0)
		return r;
	fragment_forget(sa);
	return NULL;
}

/* The oldest gives way; at last the one that has just grown. */
static void keep_bound(struct fragment_pool *pool)
{
	while (pool->octets > FRAGMENT_POOL_MAX)
		fragment_forget(list_entry(pool->rooms.next, struct fragment_room, node)->sa);
}

static bool read_one(const struct ike_hdr *hdr, const uint8_t *d, struct ike1_fragment *ret)
{
	struct ike_chain chain;

	return ike_chain_parse(hdr->next, d + IKE_HDR_LEN, hdr->length - IKE_HDR_LEN, false, &chain) ==
	           IKE_OK &&
	       chain.n == 1 && ike1_fragment_parse(&chain.p[0], ret) == IKE_OK;
}

/* NULL without memory. */
static uint8_t *join(const struct frags *f)
{
	uint8_t *p = malloc(f->octets);

	if (p)
		frags_join(f, p);
	return p;
}

void fragment_take(
    struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d, uint8_t **ret, size_t *ret_n)
{
	struct core *c = sa->core;
	struct fragment_room *r;
	struct ike1_fragment f;
	enum frags_result got = FRAGS_REFUSED;
	uint32_t before;

	*ret = NULL;
	c->counters.fragments++;
	r = isakmp_peer(sa)->ike_frag != IKE_OFF && read_one(hdr, d, &f) ? room_of(sa) : NULL;
	if (r) {
		before = r->frags.octets;
		got = frags_add(&r->frags, &f);
		r->pool->octets = r->pool->octets - before + r->frags.octets;
	}
	if (got == FRAGS_WHOLE) {
		*ret_n = r->frags.octets;
		*ret = join(&r->frags);
	}
	if (got != FRAGS_MORE)
		fragment_forget(sa);
	else
		keep_bound(r->pool);
	c->counters.malformed += got == FRAGS_REFUSED;
}

struct way {
	struct core *c;
	const struct ike_path *path;
};

static void send_one(void *arg, const uint8_t *d, size_t n)
{
	const struct way *w = arg;

	w->c->ports.send(w->c->ports.arg, w->path, d, n);
}

void fragment_send(struct core *c, const struct ike_path *path, bool cut, const uint8_t *d, size_t n)
{
	struct way w = {c, path};
	uint8_t buf[FRAGS_FIT];

	if (!cut || n <= FRAGS_FIT || !frags_cut(d, n, buf, sizeof(buf), send_one, &w))
		send_one(&w, d, n);
}
