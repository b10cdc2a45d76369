/*
 * Who begins does not know yet who will answer, only whom the configuration means; who answers does.
 */
#include "keyd/ike2/contact.h"

#include "wire/ike/v2_payload.h"

static bool is_same(const struct ikesa *sa, const struct ikesa *other)
{
	if (inet_addr_equal(&other->path.remote, &sa->path.remote))
		return true;
	return sa->initiator ? other->conf == sa->conf && other->peer == sa->peer
	                     : ike_id_equal(&other->peer_id, &sa->peer_id);
}

static bool is_first(const struct ikesa *sa)
{
	if (!ike2_peer(sa)->initial_contact)
		return false;
	list_foreach (other, &sa->core->ike2.sas, struct ikesa, all)
		if (other != sa && other->established_ms && is_same(sa, other))
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
