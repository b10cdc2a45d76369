/*
 * The order is XAuth's (draft-beaulieu-ike-xauth-02 section 2): the user before the addresses, and both
 * before any quick mode.
 */
#include "keyd/ike1/remote_access.h"

#include <stdlib.h>

#include "keyd/ike1/inform.h"
#include "keyd/ike1/isakmp.h"
#include "keyd/ike1/transaction.h"
#include "wire/ike/v1.h"

enum { EARLY_MAX = 2048 };

void remote_access_init(struct isakmp *sa)
{
	list_init(&sa->ra.transactions);
}

void remote_access_fini(struct isakmp *sa)
{
	struct remote_access *ra = &sa->ra;

	list_foreach_safe (t, next, &ra->transactions, struct transaction, node)
		transaction_free(t);
	timer_stop(&sa->core->timers, &ra->pause);
	timer_stop(&sa->core->timers, &ra->later);
	if (ra->has_lease)
		leases_give_back(&sa->core->leases, ra->lease);
	ra->has_lease = false;
	for (size_t i = 0; i < REMOTE_EARLY; i++)
		octets_fini(&ra->early[i]);
	octets_fini(&ra->user);
	octets_fini(&ra->groups);
	mode_given_free(ra->given);
	ra->given = NULL;
}

void remote_access_early(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	struct octets *at = sa->ra.early;

	if (hdr->exchange == IKE1_INFORMATIONAL)
		for (at++; at->n;)
			if (++at == sa->ra.early + REMOTE_EARLY)
				return;
	if (hdr->length <= EARLY_MAX && (at == sa->ra.early || sa->initiator))
		(void)!octets_set(at, d, hdr->length);
}

static void take_one(struct isakmp *sa, struct octets *at)
{
	struct octets early = *at;
	struct ike_hdr hdr;

	*at = (struct octets){0};
	if (early.n && isakmp_has_keys(sa) && ike_hdr_parse(early.p, early.n, &hdr) == IKE_OK) {
		if (hdr.exchange == IKE1_TRANSACTION)
			transaction_message(sa, &hdr, early.p);
		else
			inform_message(sa, &hdr, early.p);
	}
	octets_fini(&early);
}

static void take_early(struct isakmp *sa)
{
	for (size_t i = 0; i < REMOTE_EARLY; i++)
		take_one(sa, &sa->ra.early[i]);
}

static void on_later(struct timer *t, void *arg)
{
	(void)arg;
	take_early(container_of(t, struct isakmp, ra.later));
}

bool remote_access_goes_on(struct isakmp *sa)
{
	struct remote_access *ra = &sa->ra;
	bool asks = ike_auth_asks(sa->terms.auth), asked = ike_auth_is_asked(sa->terms.auth);

	if (isakmp_is_up(sa))
		return false;
	if ((asks || asked) && !ra->user_known) {
		isakmp_set_state(sa, ISAKMP_XAUTH);
		isakmp_returned(sa);
		isakmp_be_patient(sa);
		if (asks)
			xauth_ask(sa);
		else
			take_early(sa);
		return true;
	}
	if (sa->initiator && isakmp_peer(sa)->mode_cfg && !asks && !ra->configured) {
		isakmp_set_state(sa, ISAKMP_CONFIG);
		/* A server that tells by itself does so right behind its proof. */
		take_one(sa, ra->early);
		if (sa->state == ISAKMP_CONFIG)
			mode_config_ask(sa);
		return true;
	}
	return false;
}

void remote_access_up(struct isakmp *sa)
{
	if (!sa->initiator && isakmp_peer(sa)->mode_cfg && sa->conf->c->pool.present)
		mode_config_push(sa);
	/* Not now: it may be a message that brought us here, and they would take its place in core->in. */
	(void)!timer_set(&sa->core->timers, &sa->ra.later, core_now(sa->core), on_later);
}

const struct inet_addr *remote_access_addr(const struct isakmp *sa)
{
	return sa->ra.address.family == INET_NONE ? &sa->path.remote : &sa->ra.address;
}

const char *remote_access_groups(const struct isakmp *sa)
{
	return sa->ra.groups.n ? (const char *)sa->ra.groups.p : NULL;
}
