/*
 * Who can cause this? A message that was deciphered comes from whoever agreed on the keys, but phase 1 has no
 * integrity: somebody on the path can change octets of its ciphertext and send that ahead of it. So the end
 * waits for a moment, in which the peer's own message arrives, and a right proof takes the refusal back.
 * Nobody else can cause the notification, nor more than one of them in a negotiation.
 *
 * With a pre-shared key it is simpler. A hash that is right says who wrote the message, so what is refused
 * then is refused at once. A wrong one cannot be the peer's: with another key than ours its message would not
 * have been deciphered.
 */
#include "keyd/ike1/refusal.h"

#include <errno.h>

#include "keyd/core/news.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/phase1.h"

enum { MOMENT_MS = 1000 };

static uint16_t notify_of(int r)
{
	return r == -EACCES ? IKE1_N_INVALID_ID_INFORMATION : IKE1_N_AUTHENTICATION_FAILED;
}

static void say(struct isakmp *sa, uint16_t notify, const char *why)
{
	char name[ISAKMP_NAME_MAX];

	news_hint(sa->core, &sa->path.remote, "the peer is not believed: %s", why);
	core_note(sa->core, CORE_ERROR, "isakmp.refused",
	    "the peer is not believed: %s. It is told %s. %s (%s)", why, ike1_notify_name(notify),
	    isakmp_name(sa, name), isakmp_state_name(sa->state));
}

static void end(struct isakmp *sa, uint16_t notify)
{
	sa->failure = notify == IKE1_N_INVALID_ID_INFORMATION ? "the peer's identity is not accepted"
	                                                      : "the peer's proof is not believed";
	isakmp_end(sa);
}

/* Whoever sends the last message of phase 1 is done with it. */
static bool peer_may_be_up(const struct isakmp *sa)
{
	return sa->initiator == (sa->mode != IKE_MODE_AGGRESSIVE);
}

void refusal_delete(struct isakmp *sa)
{
	if (peer_may_be_up(sa))
		inform_delete_isakmp(sa);
}

/* Under the keys, as they are behind the message that is refused. */
static void end_sealed(struct isakmp *sa, uint16_t notify)
{
	inform_notify(sa, notify, NULL, 0);
	refusal_delete(sa);
	end(sa, notify);
}

static void on_moment(struct timer *t, void *arg)
{
	struct isakmp *sa = container_of(t, struct isakmp, patience);
	struct core *c = arg;

	/* Another message is being judged: that comes first. Cannot fail: the place has just become free. */
	if (parked_is(&sa->wait)) {
		(void)!timer_set(&c->timers, t, core_now(c) + MOMENT_MS, on_moment);
		return;
	}
	memcpy(sa->iv, sa->next_iv, sizeof(sa->iv));
	end_sealed(sa, sa->refusal);
}

void refusal_of_sealed(struct isakmp *sa, int r, const char *why)
{
	struct core *c = sa->core;
	uint16_t notify = notify_of(r);

	c->counters.bad_hash++;
	if (!auth_with_signature(sa) && r == -EBADMSG) {
		phase1_ignore(sa, "%s", why);
		return;
	}
	say(sa, notify, why);
	if (!auth_with_signature(sa)) {
		memcpy(sa->iv, sa->next_iv, sizeof(sa->iv));
		end_sealed(sa, notify);
		return;
	}
	if (!sa->refusal)
		/* Cannot fail: it has its place in the heap. */
		(void)!timer_set(&c->timers, &sa->patience, core_now(c) + MOMENT_MS, on_moment);
	sa->refusal = notify;
}

void refusal_of_clear(struct isakmp *sa, int r, const char *why, bool keyed)
{
	uint16_t notify = notify_of(r);

	sa->core->counters.bad_hash++;
	say(sa, notify, why);
	/* With another pre-shared key it has other keys. */
	if (!keyed || (sa->mode == IKE_MODE_AGGRESSIVE && !auth_with_signature(sa) && r == -EBADMSG)) {
		phase1_fail(sa, notify, "the peer's proof is not believed");
		return;
	}
	end_sealed(sa, notify);
}

void refusal_withdraw(struct isakmp *sa)
{
	if (!sa->refusal)
		return;
	sa->refusal = 0;
	isakmp_be_patient(sa);
}
