/*
 * Dead peer detection (RFC 3706). A peer of whom something authenticated was heard within dpd_delay is alive
 * and not asked.
 */
#include "base/rd.h"
#include "keyd/core/child.h"
#include "keyd/ike1/inform.h"
#include "wire/ike/v1_payload.h"

enum { SEQ_LEN = 4 };

static void on_timer(struct timer *t, void *arg);

static void again(struct isakmp *sa, uint64_t seconds)
{
	struct core *c = sa->core;

	(void)!timer_set(&c->timers, &sa->dpd, core_now(c) + seconds * 1000, on_timer);
}

static void ask(struct isakmp *sa)
{
	uint8_t data[SEQ_LEN];
	struct wr w = wr_init(data, sizeof(data));

	wr_u32(&w, ++sa->dpd_seq);
	keep_asked(sa->core->keep, &sa->place, sa->dpd_seq);
	inform_notify(sa, IKE1_N_R_U_THERE, data, sizeof(data));
}

static bool speaks(const struct core *c, const struct party *who)
{
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		if (sa->party == who && isakmp_is_up(sa))
			return true;
	return false;
}

/* What it was silent for: its own pairs, and those that it had behind another port, under an SA that is no
 * more. For another one of its name that is still where it was until now somebody else speaks. */
static void end_children(struct isakmp *sa)
{
	struct core *c = sa->core;

	list_foreach_safe (k, next, core_of_peer(c->by_peer, &sa->path.remote), struct child, by_peer)
		if (k->party == sa->party || (party_same(k->party, sa->party) && !speaks(c, k->party)))
			child_end(k, false, CHILD_PEER_DEAD);
}

/* Nothing was heard under this SA; what the peer has under a newer one is none of its business. */
static void dead(struct isakmp *sa)
{
	char name[ISAKMP_NAME_MAX];

	if (isakmp_find_successor(sa)) {
		sa->failure = "deleted: the peer answers under a newer one alone";
		isakmp_end(sa);
		return;
	}
	core_log(sa->core, CORE_WARNING, "isakmp.dead",
	    "the peer is dead: %u questions without an answer. %s", sa->dpd_unanswered,
	    isakmp_name(sa, name));
	end_children(sa);
	sa->failure = "deleted: the peer is dead";
	sa->is_dead = true;
	isakmp_end(sa);
}

static void on_timer(struct timer *t, void *arg)
{
	struct isakmp *sa = container_of(t, struct isakmp, dpd);
	const struct ike_dpd *d = &isakmp_peer(sa)->dpd;
	uint64_t quiet = core_now(sa->core) - sa->heard_ms, delay = (uint64_t)d->delay_s * 1000;

	(void)arg;
	/* Under an SA that has a successor nobody has to say anything any more. */
	if (!sa->dpd_unanswered && isakmp_find_successor(sa)) {
		again(sa, d->delay_s);
		return;
	}
	if (quiet < delay) {
		sa->dpd_unanswered = 0;
		again(sa, (delay - quiet) / 1000 + 1);
		return;
	}
	if (sa->dpd_unanswered >= d->maxfail) {
		dead(sa);
		return;
	}
	sa->dpd_unanswered++;
	ask(sa);
	again(sa, d->retry_s);
}

static bool asks(const struct isakmp *sa)
{
	const struct ike_dpd *d = &isakmp_peer(sa)->dpd;

	return d->announce && d->delay_s && sa->peer_dpd;
}

/* Whoever fell silent while this process was away is asked when his time is up, not later. */
void dpd_go_on(struct isakmp *sa)
{
	if (asks(sa))
		(void)!timer_set(&sa->core->timers, &sa->dpd,
		    sa->heard_ms + (uint64_t)isakmp_peer(sa)->dpd.delay_s * 1000, on_timer);
}

void dpd_begin(struct isakmp *sa)
{
	const struct ike_dpd *d = &isakmp_peer(sa)->dpd;
	uint32_t start;

	if (!asks(sa))
		return;
	/* Half the range, so that it does not wrap soon (RFC 3706 section 6.2). */
	sa->core->rng->fill(sa->core->rng, &start, sizeof(start));
	sa->dpd_seq = start >> 1;
	again(sa, d->delay_s);
}

/* Its SPI is the ISAKMP SA's that is asked about (RFC 3706 section 5.3): that of another one would be a
 * question about another life. */
static bool is_about(const struct isakmp *sa, const struct ike1_notification *n)
{
	uint8_t cookies[ISAKMP_COOKIES_LEN];

	isakmp_put_cookies(sa, cookies);
	return n->spi_len == sizeof(cookies) && memcmp(n->spi, cookies, sizeof(cookies)) == 0;
}

void dpd_notify(struct isakmp *sa, const struct ike1_notification *n)
{
	struct rd r = rd_init(n->data, n->len);
	uint32_t seq = rd_u32(&r);

	if (!rd_done(&r) || !is_about(sa, n))
		return;
	if (n->type == IKE1_N_R_U_THERE) {
		inform_notify(sa, IKE1_N_R_U_THERE_ACK, n->data, n->len);
	} else if (seq == sa->dpd_seq) {
		sa->dpd_unanswered = 0;
	}
}
