/*
 * Each side hashes the two ends as it sees them; where the other's hash is not one's own view, an address was
 * changed on the way.
 */
#include "keyd/ike1/nat.h"

#include "keyd/ike1/kept.h"

#include "base/wr.h"
#include "wire/ike/v1.h"

static uint8_t payload_type(const struct isakmp *sa)
{
	return sa->nat_form == NAT_DRAFT_02 ? IKE1_P_NAT_D_DRAFT : IKE1_P_NAT_D;
}

/* HASH(CKY-I | CKY-R | address | port). Octets; 0: OpenSSL refuses. */
static size_t hash_end(
    const struct isakmp *sa, const struct inet_addr *a, uint16_t port, uint8_t ret[ALG_PRF_LEN_MAX])
{
	uint8_t be[2] = {(uint8_t)(port >> 8), (uint8_t)port};
	const struct iovec v[] = {
	    {.iov_base = (void *)(uintptr_t)sa->icookie, .iov_len = IKE_COOKIE_LEN},
	    {.iov_base = (void *)(uintptr_t)sa->rcookie, .iov_len = IKE_COOKIE_LEN},
	    {.iov_base = (void *)(uintptr_t)a->b, .iov_len = inet_addr_len(a)},
	    {.iov_base = be, .iov_len = sizeof(be)},
	};

	return crypto_hash(sa->terms.prf, v, ARRAY_SIZE(v), ret) == 0 ? crypto_prf_len(sa->terms.prf) : 0;
}

void nat_put_discovery(struct isakmp *sa, struct ike_out *o)
{
	const struct ike_path *p = &sa->path;
	uint8_t hash[ALG_PRF_LEN_MAX];
	size_t n;

	if (sa->nat_form == NAT_NONE)
		return;
	/* The other end first (RFC 3947 section 3.2). */
	n = hash_end(sa, &p->remote, p->remote_port, hash);
	ike_out_whole(o, payload_type(sa), hash, n);
	n = hash_end(sa, &p->local, p->local_port, hash);
	/* `force`: a hash of nobody's address, so that the peer finds a NAT where there is none. */
	if (isakmp_peer(sa)->nat_traversal == IKE_FORCE)
		hash[0] ^= 0xff;
	ike_out_whole(o, payload_type(sa), hash, n);
}

static bool is_end(
    const struct isakmp *sa, const struct ike_payload *p, const struct inet_addr *a, uint16_t port)
{
	uint8_t hash[ALG_PRF_LEN_MAX];
	size_t n = hash_end(sa, a, port, hash);

	return n && p->len == n && memcmp(p->body, hash, n) == 0;
}

/* Nobody vouches for vendor ids: where one of the two was altered on its way, the sides mean different forms.
 * What the peer does counts then, not what it was heard to announce. */
static const struct ike_payload *first_hash(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *p = ike_chain_find(c, payload_type(sa), 0);

	if (p || sa->nat_form == NAT_NONE)
		return p;
	p = ike_chain_find(c, sa->nat_form == NAT_RFC ? IKE1_P_NAT_D_DRAFT : IKE1_P_NAT_D, 0);
	if (p)
		sa->nat_form = p->type == IKE1_P_NAT_D ? NAT_RFC : NAT_DRAFT_02;
	return p;
}

/* Aggressive mode's initiator has moved to port 4500 when it says this: some peers hash the ports of that
 * message, some those that the negotiation began with. */
static bool is_local(const struct isakmp *sa, const struct ike_payload *p)
{
	const struct inet_addr *a = &sa->path.local;

	return is_end(sa, p, a, sa->path.local_port) ||
	       (sa->heard_from.local_port && is_end(sa, p, a, sa->heard_from.local_port));
}

static bool is_remote(const struct isakmp *sa, const struct ike_payload *p)
{
	const struct inet_addr *a = &sa->path.remote;

	return is_end(sa, p, a, sa->path.remote_port) ||
	       (sa->heard_from.remote_port && is_end(sa, p, a, sa->heard_from.remote_port));
}

void nat_take_discovery(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *p = first_hash(sa, c);

	if (sa->nat_form == NAT_NONE || !p)
		return;
	sa->nat_here = !is_local(sa, p) || isakmp_peer(sa)->nat_traversal == IKE_FORCE;
	/* A host with several addresses says all of them: one that fits is enough. */
	sa->nat_there = true;
	for (uint32_t i = 1; (p = ike_chain_find(c, payload_type(sa), i)); i++)
		if (is_remote(sa, p))
			sa->nat_there = false;
	if (nat_found(sa))
		core_note(sa->core, CORE_INFO, "isakmp.nat", "NAT detected: %s%s", sa->nat_here ? "ME " : "",
		    sa->nat_there ? "PEER" : "");
}

void nat_move(struct isakmp *sa)
{
	/* One that was begun at 4500 stays where the peer's NAT has put it. */
	if (nat_found(sa) && sa->path.local_port == IKE_PORT)
		sa->path.local_port = sa->path.remote_port = IKE_PORT_NATT;
}

void nat_moved(struct party *who, uint16_t port)
{
	list_foreach (sa, &who->core->isakmp, struct isakmp, all)
		if (sa->party == who && ike_path_turn(&sa->path, port)) {
			/* It was asked where it was no more: that it did not answer says nothing. */
			sa->dpd_unanswered = 0;
			kept_isakmp(sa);
		}
}

/* From port 4500 nobody goes back (RFC 3947 section 4): base mode's responder may speak once more from port
 * 500 before it hears from there. */
static bool moved(const struct isakmp *sa)
{
	return nat_found(sa) && sa->path.local_port == IKE_PORT_NATT;
}

void nat_follow(struct isakmp *sa)
{
	if (!sa->heard_from.remote_port || (moved(sa) && sa->heard_from.local_port != IKE_PORT_NATT))
		return;
	if (isakmp_is_up(sa) && sa->path.local_port == IKE_PORT_NATT &&
	    sa->heard_from.local_port == IKE_PORT_NATT && sa->path.remote_port != sa->heard_from.remote_port)
		party_moved(sa->party, sa->heard_from.remote_port);
	if (sa->path.local_port == sa->heard_from.local_port &&
	    sa->path.remote_port == sa->heard_from.remote_port)
		return;
	sa->path.local_port = sa->heard_from.local_port;
	sa->path.remote_port = sa->heard_from.remote_port;
	if (sa->party)
		sa->party->path = sa->path;
	kept_isakmp(sa);
}
