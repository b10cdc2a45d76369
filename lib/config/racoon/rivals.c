/*
 * Blocks for the same peers. Which of them counts is found out while a peer says more and more of itself
 * (racoon-conf.md section 4.2); what can be told when the file is read is that one will never count.
 */
#include "config/racoon/reader.h"

static bool accepts_all_modes(const struct ike_peer *q, const struct ike_peer *p)
{
	for (uint8_t i = 0; i < p->n_modes; i++)
		if (!ike_peer_accepts(q, p->mode[i]))
			return false;
	return true;
}

/* Whatever p's proposal takes, q's takes too. */
static bool takes_as_much(
    const struct ike_peer *q, const struct ike_offer *x, const struct ike_peer *p, const struct ike_offer *y)
{
	return x->enc == y->enc && x->hash == y->hash && x->group == y->group && x->auth == y->auth &&
	       (q->check == CHECK_OBEY || (q->check == p->check && x->key_bits == y->key_bits &&
	                                      q->seconds == p->seconds && x->seconds == y->seconds));
}

static bool takes_all_offers(const struct ike_peer *q, const struct ike_peer *p)
{
	for (uint8_t i = 0; i < p->n_offers; i++) {
		bool found = false;

		for (uint8_t k = 0; k < q->n_offers && !found; k++)
			found = takes_as_much(q, &q->offer[k], p, &p->offer[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool asks_for_identity(const struct ike_peer *p)
{
	return p->verify_identifier && p->n_peer_ids;
}

/* Nothing that a peer can say, and no policy, leads to p and past q, which stands before it. */
static bool hides(const struct ike_peer *q, const struct ike_peer *p)
{
	return inet_addr_equal(&q->addr, &p->addr) && q->port == p->port && !asks_for_identity(q) &&
	       !asks_for_identity(p) && q->ph1id == p->ph1id && (!q->passive || p->passive) &&
	       accepts_all_modes(q, p) && takes_all_offers(q, p);
}

void rc_warn_hidden(struct rc_cur *c, const struct ike_peer *p)
{
	for (const struct ike_peer *q = c->r->conf->peer; q < p; q++) {
		if (!hides(q, p))
			continue;
		rc_warn(c, NULL,
		    "%s is never used, but for `inherit`: remote %s in line %u of %s is for the same peers, "
		    "and "
		    "exchange modes, proposals and verified identities are no other ones there",
		    p->name, q->name, q->line, q->file ? q->file : "the file");
		return;
	}
}

bool rc_check_rivals(struct rc_cur *c, const struct ike_peer *p)
{
	unsigned n = 0;

	for (const struct ike_peer *q = c->r->conf->peer; q < p; q++)
		n += inet_addr_equal(&q->addr, &p->addr);
	return n < RC_RIVALS_MAX
	           ? true
	           : rc_fault(c, NULL, "%s: %d blocks for the same peers are enough", p->name, RC_RIVALS_MAX);
}
