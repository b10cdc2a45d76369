/*
 * Who comes from anywhere may be somewhere else too, under the same name: to find out would take a look at
 * all there are, so to him nothing is said.
 */
#include "keyd/ike2/contact.h"

#include "keyd/core/party.h"
#include "wire/ike/v2_payload.h"

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

/* Both may have begun at once, or one anew without the other's knowledge; one IKE SA is enough. Of two that
 * both are in use the one with the greater SPI stays, which both sides see; one that has not been heard of
 * since is taken for lost. */
static bool gives_way(const struct ikesa *other, const struct ikesa *sa)
{
	return other->heard_ms < sa->begun_ms || memcmp(other->spi_i, sa->spi_i, IKE2_SPI) < 0;
}

static bool is_twin(const struct ikesa *other, const struct ikesa *sa)
{
	return other != sa && !other->full && ike2_is_up(other) && other->peer == sa->peer &&
	       other->conf == sa->conf && party_same(other->party, sa->party);
}

void contact_end_twins(struct ikesa *sa)
{
	struct ike2_walk w = ike2_walk_peer(sa->core, &sa->path.remote);
	struct ikesa *other;

	while ((other = ike2_walk_next(&w))) {
		if (!is_twin(other, sa))
			continue;
		if (!gives_way(other, sa)) {
			ike2_sa_leave(sa, "redundant: there is another one with this peer");
			return;
		}
		ike2_sa_leave(other, "redundant: there is a newer one with this peer");
	}
}
