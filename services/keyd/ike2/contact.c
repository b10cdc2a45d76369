/*
 * Who comes from anywhere may be somewhere else too, under the same name: to find out would take a look at
 * all there are, so to him nothing is said.
 */
#include "keyd/ike2/contact.h"

#include "keyd/core/party.h"
#include "keyd/ike2/pair.h"
#include "wire/ike/v2_payload.h"

enum { TWIN_MS = 30000, BUSY_MS = 5000 };

static bool is_first(const struct ikesa *sa)
{
	const struct ike_peer *p = ike2_peer(sa);

	if (!p->initial_contact || (!sa->initiator && p->addr.family == INET_NONE))
		return false;
	list_foreach (other, core_of_peer(sa->core->ike2.by_peer, &sa->path.remote), struct ikesa, by_peer)
		if (other != sa && other->established_ms &&
		    inet_addr_equal(&other->path.remote, &sa->path.remote))
			return false;
	return true;
}

void contact_put(const struct ikesa *sa, struct ike_out *o)
{
	if (is_first(sa))
		ike2_put_note(o, IKE2_N_INITIAL_CONTACT, NULL, 0);
}

/* What there was with this peer before is no more: it says so, or its old SAs would have been used. */
void contact_end_others(struct ikesa *sa)
{
	struct ike2_walk w = ike2_walk_peer(sa->core, &sa->path.remote);
	struct ikesa *other;

	while ((other = ike2_walk_next(&w)))
		if (other != sa && other->proved && !other->replaces &&
		    ike_id_equal(&other->peer_id, &sa->peer_id) &&
		    inet_addr_equal(&other->path.remote, &sa->path.remote) && other->established_ms &&
		    other->established_ms < sa->begun_ms)
			ike2_sa_end(other, "purged: the peer began anew");
}

static bool is_twin(const struct ikesa *other, const struct ikesa *sa)
{
	return other != sa && ike2_is_up(other) && other->peer == sa->peer && other->conf == sa->conf &&
	       party_same(other->party, sa->party);
}

/* The peer has begun it and given it up, as our last message did not arrive, and goes on under the one
 * before. */
static bool is_given_up(const struct ikesa *newer, const struct ikesa *sa)
{
	return !newer->initiator && newer->heard_ms <= newer->established_ms &&
	       sa->heard_ms > newer->established_ms;
}

static bool has_children(const struct ikesa *sa)
{
	list_foreach (k, core_of_peer(sa->core->by_peer, &sa->path.remote), struct child, by_peer)
		if (k->owner == sa && !k->told && !k->replaced)
			return true;
	return false;
}

/* Its children are still being made. */
static bool is_busy(const struct ikesa *sa)
{
	list_foreach (p, &sa->pairs, struct ike2_pair, node)
		if (p->state != PAIR_HOLDING)
			return true;
	return false;
}

static void on_twin(struct timer *t, void *arg)
{
	struct ikesa *sa = container_of(t, struct ikesa, twin);
	struct ike2_walk w = ike2_walk_peer(arg, &sa->path.remote);
	struct ikesa *other;

	while ((other = ike2_walk_next(&w))) {
		if (!is_twin(other, sa) || other->proof_ms < sa->proof_ms)
			continue;
		if (is_busy(other))
			contact_yield(sa, BUSY_MS);
		else if (is_given_up(other, sa))
			ike2_sa_leave(other, "redundant: the peer goes on under another one");
		else if (has_children(sa) && !has_children(other))
			ike2_sa_leave(other, "no child could be made under it: the one before goes on");
		else
			ike2_sa_leave(sa, "replaced by one that was begun anew");
		return;
	}
}

void contact_yield(struct ikesa *sa, uint64_t ms)
{
	struct core *c = sa->core;

	if (!sa->twin.place)
		(void)!timer_set(&c->timers, &sa->twin, core_now(c) + ms, on_twin);
}

/* Both have begun at once: one is enough, and both sides see the same SPIs. */
static bool crossed(const struct ikesa *other, const struct ikesa *sa)
{
	return other->established_ms >= sa->begun_ms;
}

/* One that was there before is replaced, as the peer wants it that began the new one; should it not end it
 * itself, because it does not know it any more, we do, once what is under way has come. */
void contact_end_twins(struct ikesa *sa)
{
	struct ike2_walk w = ike2_walk_peer(sa->core, &sa->path.remote);
	struct ikesa *other;

	while ((other = ike2_walk_next(&w))) {
		if (!is_twin(other, sa) || other->full || other->anew == sa)
			continue;
		/* It was begun in place of one, and takes no other one's. */
		if (sa->is_anew && !crossed(other, sa))
			continue;
		if (crossed(other, sa) && memcmp(other->spi_i, sa->spi_i, IKE2_SPI) > 0) {
			ike2_sa_leave(sa, "redundant: there is another one with this peer");
			return;
		}
		if (crossed(other, sa) || sa->initiator)
			ike2_sa_leave(other, "redundant: there is a newer one with this peer");
		else
			contact_yield(other, TWIN_MS);
	}
}
