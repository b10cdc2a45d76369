/*
 * Users of XAuth. That somebody knows a group's key is not enough to try passwords: he needs the ticket of
 * the exchange that showed it, and each address and each user has a bound of its own. Tries against a user
 * are counted by a hash of the name, so that no table grows; two names in one place share its bound.
 */
#include <errno.h>
#include <string.h>

#include "certd/prove.h"

static uint32_t place_of(struct ike1_octets name)
{
	const uint8_t *p = name.p;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ p[i]) * 16777619U;
	return h % WRONG_PLACES;
}

/* How many wrong ones count against this user now. */
static uint32_t *wrong_of(struct prover *p, struct ike1_octets name, uint64_t now_ms)
{
	uint32_t i = place_of(name);
	uint64_t rest = WRONG_REST_S * 1000ULL, forgotten = (now_ms - p->wrong[i].since_ms) / rest;

	if (forgotten >= p->wrong[i].n) {
		p->wrong[i].n = 0;
		p->wrong[i].since_ms = now_ms;
	} else {
		p->wrong[i].n -= (uint32_t)forgotten;
		p->wrong[i].since_ms += forgotten * rest;
	}
	return &p->wrong[i].n;
}

/* The configuration, and the peer in it, that a ticket is about. */
static int open_ticket(struct prover *p, struct ike1_octets octets, uint64_t now_ms, struct ticket *ret,
    const struct creds **ret_c, const struct ike_peer **ret_p, struct err_text *e)
{
	int r = ticket_open(&p->ticket_key, octets.p, octets.n, now_ms, ret, e);
	const struct creds *c =
	    p->now && r == 0 && p->now->generation == ret->generation ? p->now : p->before;

	if (r < 0)
		return r;
	if (!c || c->generation != ret->generation || ret->peer >= c->conf->n_peers)
		return err_set(
		    e, -ESTALE, "the configuration was loaded anew: the peer has to prove itself again");
	*ret_c = c;
	*ret_p = &c->conf->peer[ret->peer];
	return 0;
}

static bool has_method(const struct ike_peer *p, bool (*is)(enum ike_auth_method m))
{
	for (uint8_t i = 0; i < p->n_offers; i++)
		if (is(p->offer[i].auth))
			return true;
	return false;
}

/* auth_groups: the user is in one of them. */
static int check_groups(const struct ike_pool *pool, const char *groups, struct err_text *e)
{
	for (const char *at = pool->auth_groups; at;) {
		size_t n = strcspn(at, ",");

		if (ike_list_has(groups, at, n))
			return 0;
		at = at[n] ? at + n + 1 : NULL;
	}
	return pool->auth_groups
	           ? err_set(e, -EACCES, "the user is in none of auth_groups %s", pool->auth_groups)
	           : 0;
}

int prove_user(struct prover *p, const struct prove_login *l, uint64_t now_ms, uint8_t ret[TICKET_MAX],
    char ret_groups[USERS_GROUPS_MAX], struct err_text *e)
{
	const struct creds *c = NULL;
	const struct ike_peer *peer = NULL;
	char a[INET_ADDR_STRLEN];
	struct ticket t;
	uint32_t *wrong;
	int r = open_ticket(p, l->ticket, now_ms, &t, &c, &peer, e);

	if (r < 0)
		return r;
	inet_addr_format(&t.addr, a);
	if (!has_method(peer, ike_auth_asks))
		return err_set(e, -EACCES, "remote %s is asked for no user", peer->name);
	if (!l->user.n || l->user.n > TICKET_USER_MAX || memchr(l->user.p, 0, l->user.n))
		return err_set(e, -EACCES, "a user's name from %s that is empty, too long or no text", a);
	wrong = wrong_of(p, l->user, now_ms);
	if (!meter_ok(&p->logins, &t.addr, now_ms))
		return err_set(e, -EBUSY, "%s tries more passwords than are judged for one address", a);
	if (*wrong >= WRONG_BURST)
		return err_set(e, -EBUSY,
		    "too many wrong passwords for one user: the next one is judged in %d s", WRONG_REST_S);
	r = creds_user(c, l->user, l->password, ret_groups, e);
	if (r == 0)
		r = check_groups(&c->conf->pool, ret_groups, e);
	if (r == -EACCES)
		++*wrong;
	if (r < 0)
		return err_prefix(e, r, "from %s", a);
	memcpy(t.user, l->user.p, l->user.n);
	t.user[l->user.n] = 0;
	return ticket_seal(&p->ticket_key, &t, ret, TICKET_MAX);
}

int prove_password(
    struct prover *p, struct ike1_octets ticket, uint64_t now_ms, struct secret **ret, struct err_text *e)
{
	const struct creds *c = NULL;
	const struct ike_peer *peer = NULL;
	struct ticket t;
	int r = open_ticket(p, ticket, now_ms, &t, &c, &peer, e);

	if (r == 0 && !has_method(peer, ike_auth_is_asked))
		r = err_set(e, -EACCES, "remote %s does not ask us for a user", peer->name);
	if (r == 0 && !meter_ok(&p->meter, &t.addr, now_ms))
		r = err_set(e, -EBUSY, "remote %s asks for our password too often", peer->name);
	return r < 0 ? r : creds_login(c, peer, ret, e);
}
