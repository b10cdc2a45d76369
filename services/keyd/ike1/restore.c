/*
 * What an earlier life of this process has kept, made into objects again. They go on where they were; nothing
 * is begun for them, and nobody is told. Negotiations that were under way are not among them: the peer
 * repeats its message, or somebody begins anew.
 */
#include <errno.h>
#include <stdlib.h>

#include "keyd/core/versions.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/kept.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"

/* What is overdue waits so long: the neighbours that it takes have to be found first. */
enum { SETTLE_MS = 1000 };

struct restore {
	struct core *core;
	uint32_t n_isakmp, n_children;
};

static void refuse(struct core *c, const char *what, const char *why)
{
	core_log(
	    c, CORE_WARNING, "restore.dropped", "%s of before this process began is dropped: %s", what, why);
}

static int copy_secret(struct secret **to, struct ike1_octets from)
{
	*to = secret_dup_bytes(from.p, from.n);
	return *to ? 0 : -ENOMEM;
}

static void not_before(struct core *c, struct timer *t, uint64_t ms)
{
	/* Cannot fail: it has its place in the heap. */
	if (t->place && t->due_ms < ms)
		(void)!timer_set(&c->timers, t, ms, t->fn);
}

/* 0 or -ENOMEM. */
static int take_keys(struct isakmp *sa, const struct kept_isakmp *k)
{
	int r = copy_secret(&sa->keys.d, k->d);

	if (r == 0)
		r = copy_secret(&sa->keys.a, k->a);
	if (r == 0)
		r = copy_secret(&sa->cipher_key, k->cipher_key);
	sa->keys.prf = k->terms.prf;
	sa->block = k->block;
	memcpy(sa->iv, k->iv, k->block);
	return r;
}

static int take_texts(struct isakmp *sa, const struct kept_isakmp *k)
{
	int r = octets_set(&sa->ticket, k->ticket.p, k->ticket.n);

	if (r == 0 && k->user.n)
		r = octets_set(&sa->ra.user, k->user.p, k->user.n);
	if (r == 0 && k->groups.n)
		r = octets_set(&sa->ra.groups, k->groups.p, k->groups.n);
	return r;
}

/* Banner and names behind the tunnel were for the log. */
static int take_given(struct isakmp *sa, const struct kept_isakmp *k)
{
	if (!k->has_given)
		return 0;
	sa->ra.given = calloc(1, sizeof(*sa->ra.given));
	if (!sa->ra.given)
		return -ENOMEM;
	sa->ra.given->v = k->given;
	return octets_set(&sa->ra.given->domain, k->domain.p, k->domain.n);
}

static void take_facts(struct isakmp *sa, const struct kept_isakmp *k)
{
	sa->terms = k->terms;
	sa->nat_form = k->nat_form;
	sa->nat_here = k->nat_here;
	sa->nat_there = k->nat_there;
	sa->peer_dpd = k->peer_dpd;
	sa->cuts = k->cuts;
	sa->peer_id = k->peer_id;
	sa->ra.user_known = sa->ra.said_so = k->user_known;
	sa->ra.configured = k->configured;
	sa->begun_ms = k->begun_ms;
	sa->established_ms = k->established_ms;
}

/* NULL; or why it cannot be. */
static const char *fill(struct isakmp *sa, const struct kept_isakmp *k)
{
	int r = take_keys(sa, k);

	if (r == 0)
		r = take_texts(sa, k);
	if (r == 0)
		r = take_given(sa, k);
	if (r < 0)
		return "out of memory";
	take_facts(sa, k);
	sa->party = party_join(sa->core, &sa->path, &sa->peer_id, octets_slice(&sa->ra.user));
	if (!sa->party)
		return "out of memory";
	if (k->has_lease && mode_config_reclaim(sa, k->lease) < 0)
		return "its address of the pool is not to be had again";
	return NULL;
}

static void on_seen(void *arg, uint32_t id)
{
	struct isakmp *sa = arg;

	if (id)
		(void)!seen_add(&sa->seen, id);
}

/* A configuration that was loaded since it was kept may have the very same block in another place. */
static bool find_peer(const struct core_conf *conf, struct kept_isakmp *k)
{
	const struct ike_peer *p = ike_conf_find_block(conf->c, k->peer_block);

	if (k->generation == conf->generation)
		return k->peer < conf->c->n_peers;
	if (p)
		k->peer = (uint32_t)(p - conf->c->peer);
	return p != NULL;
}

static bool take_isakmp(struct restore *to, struct keep_found *f)
{
	struct core *c = to->core;
	uint64_t now = core_now(c);
	struct kept_isakmp k;
	const char *why = NULL;
	struct isakmp *sa;

	if (kept_isakmp_decode(f->octets, f->n, now, &k, &why) < 0) {
		refuse(c, "an ISAKMP SA", why);
		return false;
	}
	if (!find_peer(c->conf, &k)) {
		refuse(c, "an ISAKMP SA", "it is of another configuration");
		return false;
	}
	sa = isakmp_back(c, &k);
	why = sa ? fill(sa, &k) : "it is there twice, or there is no room for it";
	if (why) {
		refuse(c, "an ISAKMP SA", why);
		if (sa)
			isakmp_end(sa);
		return false;
	}
	sa->heard_ms = f->heard_ms >= k.established_ms && f->heard_ms <= now ? f->heard_ms : k.established_ms;
	sa->dpd_seq = f->dpd_seq;
	sa->place = f->place;
	keep_each_seen(c->keep, &sa->place, on_seen, sa);
	dpd_go_on(sa);
	phase1_plan(sa);
	not_before(c, &sa->dpd, now + SETTLE_MS);
	not_before(c, &sa->renew, now + SETTLE_MS);
	to->n_isakmp++;
	return true;
}

static bool is_there(struct core *c, const struct child *k)
{
	for (uint8_t i = 0; i < k->n_parts; i++)
		if (child_by_serial(c, k->part[i].serial_in) || child_by_serial(c, k->part[i].serial_out))
			return true;
	return false;
}

static bool take_child(struct restore *to, struct keep_found *f)
{
	struct core *c = to->core;
	const char *why = NULL;
	struct child k, *back = NULL;
	struct ike1_octets name;
	int r = kept_child_decode(f->octets, f->n, core_now(c), &k, &name, &why);

	if (r == 0 && is_there(c, &k))
		why = "it is there twice";
	k.place = f->place;
	k.ops = &quick_child_ops;
	k.party = why ? NULL : party_back(c, &k.path, name);
	if (!why && !(k.party && (back = child_back(c, &k))))
		why = "out of memory";
	party_unref(k.party);
	if (why) {
		refuse(c, "a pair of IPsec SAs", why);
		return false;
	}
	not_before(c, &back->renew, core_now(c) + SETTLE_MS);
	to->n_children++;
	return true;
}

static bool take(void *arg, struct keep_found *f)
{
	return f->kind == KEEP_ISAKMP ? take_isakmp(arg, f) : take_child(arg, f);
}

static bool take_none(void *arg, struct keep_found *f)
{
	(void)arg;
	(void)f;
	return false;
}

void core_restore(struct core *c)
{
	struct restore to = {.core = c};
	struct keep_counts n;

	if (!c->keep)
		return;
	n = keep_scan(c->keep, c->conf ? take : take_none, &to);
	core_settle(c);
	if (n.taken || n.bad)
		core_log(c, CORE_NOTICE, "restore.done",
		    "%u ISAKMP SAs and %u pairs of IPsec SAs go on after a restart, %u are forgotten%s",
		    to.n_isakmp, to.n_children, n.bad, c->conf ? "" : ": no configuration came back");
}

size_t core_serials(const struct core *c, uint64_t *ret, size_t room)
{
	size_t n = 0;

	list_foreach (k, &c->children, struct child, node)
		for (uint8_t i = 0; i < k->n_parts; i++) {
			const uint64_t both[] = {k->part[i].serial_in, k->part[i].serial_out};

			for (size_t j = 0; j < ARRAY_SIZE(both); j++, n++)
				if (n < room)
					ret[n] = both[j];
		}
	return n;
}
