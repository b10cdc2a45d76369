/*
 * What a test asks of the two sides: what they have, and whether it fits; and what their data paths tell by
 * themselves.
 */
#include "support/ike_rig.h"

#include <string.h>

size_t rig_count(const struct rig_side *s, bool inbound)
{
	size_t n = 0;

	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		n += s->sa[i].serial && s->sa[i].inbound == inbound && !s->sa[i].orphan;
	return n;
}

/* Whatever a translator makes of it, one host has one address here. */
static bool same_end(const struct rig *r, const struct inet_addr *a, const struct inet_addr *b)
{
	const struct inet_addr *x = inet_addr_equal(a, &r->nat) ? &r->a.addr : a,
	                       *y = inet_addr_equal(b, &r->nat) ? &r->a.addr : b;

	return inet_addr_equal(x, y);
}

static bool same_sa(const struct rig *r, const struct rig_sa *x, const struct rig_sa *y)
{
	const struct sa_desc *d = &x->desc, *e = &y->desc;

	return same_end(r, &d->src, &e->src) && same_end(r, &d->dst, &e->dst) && d->proto == e->proto &&
	       d->spi == e->spi && d->mode == e->mode && d->enc == e->enc && d->auth == e->auth &&
	       d->enc_key_len == e->enc_key_len && d->auth_key_len == e->auth_key_len &&
	       memcmp(x->enc_key, y->enc_key, d->enc_key_len) == 0 &&
	       memcmp(x->auth_key, y->auth_key, d->auth_key_len) == 0;
}

static bool is_received(const struct rig_sa *x, const struct rig_side *by)
{
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (by->sa[i].serial && by->sa[i].inbound && same_sa(by->rig, x, &by->sa[i]))
			return true;
	return false;
}

/* What nobody knows of any more ends by itself, unused when there are others. */
static bool is_sent(const struct rig_sa *x)
{
	return x->serial && !x->inbound && !x->orphan;
}

static void send_through(struct rig_side *from, struct rig_side *to)
{
	const struct inet_addr seen = from == &from->rig->a ? rig_outside(from->rig) : from->addr;

	for (size_t i = 0; i < RIG_SAS_MAX; i++) {
		const struct rig_sa *x = &from->sa[i];

		if (is_sent(x) && !is_received(x, to))
			core_unknown_spi(to->core, &to->addr, &seen, x->desc.proto, x->desc.spi);
	}
}

void rig_traffic(struct rig *r)
{
	send_through(&r->a, &r->b);
	send_through(&r->b, &r->a);
	rig_run(r, 1000);
}

bool rig_agrees(const struct rig *r, const char **ret_why)
{
	for (size_t i = 0; i < RIG_SAS_MAX; i++) {
		const struct rig_sa *x = &r->a.sa[i], *y = &r->b.sa[i];

		*ret_why = "A sends into what B does not receive";
		if (is_sent(x) && !is_received(x, &r->b))
			return false;
		*ret_why = "B sends into what A does not receive";
		if (is_sent(y) && !is_received(y, &r->a))
			return false;
	}
	return true;
}

bool rig_logged(const struct rig_side *s, const char *text)
{
	return strstr(s->log, text) != NULL;
}

/* SAs that its children have in one direction. */
static size_t parts(const struct rig_side *s, bool inbound)
{
	size_t n = 0;

	list_foreach (k, &s->core->children, struct child, node)
		n += inbound || !k->receives ? k->n_parts : 0;
	return n;
}

/* Addresses that are taken, less the ISAKMP SAs that have one. */
static int64_t forgotten_leases(const struct rig_side *s)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < s->core->leases.n; i++)
		n += s->core->leases.slot[i].users;
	list_foreach (sa, &s->core->isakmp, struct isakmp, all)
		n -= sa->ra.has_lease;
	return n;
}

static uint32_t half_messages(const struct rig_side *s)
{
	return s->core->fragments[0].octets + s->core->fragments[1].octets;
}

static bool is_calm(const struct rig_side *s, const char **ret_why)
{
	*ret_why = "a state followed another that it may not follow";
	if (rig_logged(s, "cannot go from"))
		return false;
	*ret_why = "somebody still waits for an answer";
	if (s->core->parking.n)
		return false;
	*ret_why = "an SPI is still reserved";
	if (s->n_larvae)
		return false;
	*ret_why = "a grant is left that no child owns";
	if (s->n_grants != s->core->n_children)
		return false;
	*ret_why = "an SA is left that no child owns";
	if (rig_count(s, true) != parts(s, true) || rig_count(s, false) != parts(s, false))
		return false;
	*ret_why = "an address is taken, and nobody has it";
	if (forgotten_leases(s))
		return false;
	*ret_why = "fragments are kept of a message that never came";
	if (half_messages(s) || s->core->ike2.unproved_parts)
		return false;
	*ret_why = "a negotiation is still under way";
	list_foreach (sa, &s->core->isakmp, struct isakmp, all)
		if (!isakmp_is_up(sa))
			return false;
	list_foreach (sa, &s->core->ike2.sas, struct ikesa, all)
		if (!ike2_is_up(sa) || !list_is_empty(&sa->pairs) || !list_is_empty(&sa->tasks) ||
		    sa->own.out)
			return false;
	return list_is_empty(&s->core->ike2.unproved);
}

bool rig_is_calm(const struct rig *r, const char **ret_why)
{
	return is_calm(&r->a, ret_why) && is_calm(&r->b, ret_why);
}

/* What a data path sends through: the newest. */
static const struct rig_sa *newest(const struct rig_side *s)
{
	const struct rig_sa *best = NULL;

	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (s->sa[i].serial && !s->sa[i].inbound && (!best || s->sa[i].serial > best->serial))
			best = &s->sa[i];
	return best;
}

bool rig_is_usable(const struct rig *r)
{
	const struct rig_sa *a = newest(&r->a), *b = newest(&r->b);

	return a && b && is_received(a, &r->b) && is_received(b, &r->a);
}

/* It ends by itself, and keyd hears of it. */
static void expire_old(struct rig_side *s)
{
	for (size_t i = 0; i < RIG_SAS_MAX; i++) {
		struct rig_sa *x = &s->sa[i];
		uint64_t serial = x->serial, hard_ms = x->desc.life.hard_s * 1000;

		if (!serial || !hard_ms || s->rig->clock.ms < x->made_ms + hard_ms)
			continue;
		x->serial = 0;
		core_expired(s->core, serial, true);
	}
}

bool rig_live(struct rig *r, uint64_t ms)
{
	enum { STEP_MS = 100 };
	bool always = true;

	for (uint64_t until = r->clock.ms + ms; r->clock.ms < until;) {
		rig_run(r, STEP_MS);
		expire_old(&r->a);
		expire_old(&r->b);
		always = always && rig_is_usable(r);
	}
	return always;
}

void rig_spent(struct rig_side *s, bool hard)
{
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (s->sa[i].serial)
			core_expired(s->core, s->sa[i].serial, hard);
}
