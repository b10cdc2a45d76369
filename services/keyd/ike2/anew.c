/*
 * The old one goes on until the new one has its children. A peer that we cannot call has to begin itself:
 * then everything lives as long as it may, and ends.
 */
#include "keyd/ike2/anew.h"

#include "keyd/ike2/contact.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/init.h"
#include "keyd/ike2/pair_more.h"

/* Longer than one of ours holds on to the old SAs when it answers (pair_hold()): should our deletion be lost,
 * it sends under the new ones by then. */
enum { UNDER_WAY_MS = 5000 };

static bool can_call(const struct ikesa *sa)
{
	const struct ike_peer *p = ike2_peer(sa);

	return !p->passive && p->addr.family != INET_NONE;
}

/* Once for each IKE SA. */
static void note_full(struct ikesa *sa)
{
	char name[IKE2_NAME_MAX];

	if (!sa->full)
		core_log(sa->core, CORE_NOTICE, "ike.full",
		    "the peer takes no more under this IKE SA (NO_ADDITIONAL_SAS): %s. %s",
		    can_call(sa) ? "another one is begun" : "it has to begin another one itself",
		    ike2_name(sa, name));
	sa->full = true;
}

static struct ikesa *begin(const struct ikesa *sa)
{
	const struct ike_path path = {.local = sa->path.local,
	    .remote = sa->path.remote,
	    .local_port = IKE_PORT,
	    .remote_port = IKE_PORT};

	return ike2_sa_new(sa->core, sa->peer, &path, NULL);
}

/* All that it serves is wished, since the peer may take it in other portions than before. */
static void plan_child(const struct child *k, struct ikesa *to)
{
	(void)!pair_want(to, &k->out, 0, NULL);
	for (uint16_t i = 0; i < k->n_more; i++) {
		const struct policy also = {.id = k->more[i].policy, .sel = k->more[i].sel};

		(void)!pair_want(to, &also, 0, NULL);
	}
}

static void plan_children(const struct ikesa *from, struct ikesa *to)
{
	list_foreach (k, core_of_peer(from->core->by_peer, &from->path.remote), struct child, by_peer)
		if (k->owner == from && !k->told && !k->replaced)
			plan_child(k, to);
}

static void end_replaced(struct ikesa *sa)
{
	struct ike2_walk w = ike2_walk_peer(sa->core, &sa->path.remote);
	struct ikesa *other;

	while ((other = ike2_walk_next(&w)))
		if (other->anew == sa)
			contact_yield(other, UNDER_WAY_MS);
}

bool anew_is_meant(struct ikesa *sa)
{
	if (!sa->full && !sa->no_more) {
		sa->no_more++;
		return false;
	}
	return true;
}

void anew_full(struct ikesa *sa)
{
	note_full(sa);
	(void)anew_begin(sa);
}

bool anew_begin(struct ikesa *sa)
{
	/* What should have taken its place was up and is here still: its first child has failed. */
	if (sa->anew && ike2_is_up(sa->anew))
		end_replaced(sa->anew);
	if (!ike2_is_up(sa) || sa->conf != sa->core->conf || !can_call(sa))
		return false;
	if (sa->anew)
		return true;
	sa->anew = begin(sa);
	if (!sa->anew)
		return false;
	sa->anew->is_anew = true;
	sa->anew->single = sa->single;
	plan_children(sa, sa->anew);
	init_begin(sa->anew);
	return true;
}

void anew_done(struct ikesa *sa)
{
	if (!sa->is_anew || !ike2_is_up(sa) || !list_is_empty(&sa->pairs))
		return;
	end_replaced(sa);
}

/* One that is up and takes more, one that is coming, or another one. */
static struct ikesa *elsewhere(const struct ikesa *sa)
{
	struct ikesa *to = ike2_find_open(sa->core, &sa->path, sa->peer);

	if (!to)
		to = ike2_find_coming(sa->core, &sa->path, sa->peer);
	return to ? to : begin(sa);
}

void anew_pair(struct ike2_pair *p)
{
	struct ikesa *sa = p->sa, *to;

	if (p->old && !anew_is_meant(sa)) {
		pair_fail(p, 0, "the peer refuses: NO_ADDITIONAL_SAS");
		return;
	}
	note_full(sa);
	if (p->old || sa->conf != sa->core->conf || !can_call(sa)) {
		pair_fail(p, 0, "the peer refuses: NO_ADDITIONAL_SAS");
		(void)anew_begin(sa);
		return;
	}
	to = elsewhere(sa);
	if (!to || !(p = pair_hand_over(p, to)))
		return;
	if (ike2_is_up(to))
		pair_begin(p, false, pair_ask_in_turn);
	else
		init_begin(to);
}
