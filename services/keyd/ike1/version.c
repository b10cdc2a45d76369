/*
 * Version 1, as the core sees it.
 */
#include <errno.h>

#include "keyd/core/carry_over.h"
#include "keyd/core/versions.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/isakmp.h"
#include "keyd/ike1/nat.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike1/receive.h"
#include "keyd/ike1/rows.h"
#include "keyd/ike1/select.h"
#include "keyd/ike1/twins.h"
#include "keyd/ike1/unknown.h"

static void forget(struct core *c)
{
	list_foreach_safe (sa, next, &c->isakmp, struct isakmp, all)
		isakmp_end(sa);
}

static void end_all(struct core *c, const char *why, const char *undone)
{
	list_foreach_safe (sa, next, &c->isakmp, struct isakmp, all) {
		inform_delete_isakmp(sa);
		sa->failure = isakmp_is_up(sa) ? why : undone;
		isakmp_end(sa);
	}
}

static void carry_over(struct core *c)
{
	list_foreach_safe (sa, next, &c->isakmp, struct isakmp, all) {
		if (carry_over_peer(c->conf, &sa->conf, &sa->peer))
			continue;
		inform_delete_isakmp(sa);
		sa->failure = "deleted: the configuration was loaded anew";
		isakmp_end(sa);
	}
}

static int wish(struct core *c, uint32_t peer, const struct core_up *u, const char **ret_why)
{
	const struct ike_peer *p = select_remote(c->conf->c, &u->path.remote, NULL);
	struct isakmp *sa;

	if (!p->n_modes) {
		*ret_why = "its remote has no exchange_mode with which it could be begun";
		return -ENOENT;
	}
	if (u->policy) {
		quick_wish(c, u->policy, &u->path);
		return 0;
	}
	sa = quick_phase1_with(c, (uint32_t)(p - c->conf->c->peer), &u->path, NULL);
	if (!sa) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	if (!isakmp_is_up(sa))
		phase1_begin(sa);
	return 0;
}

static void show(struct core *c, core_row_fn fn, void *arg)
{
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		rows_show(sa, fn, arg);
}

static bool sa_row(struct core *c, const struct ike_path *path, uint32_t peer, struct ike_row_sa *ret)
{
	/* Whichever of the address's blocks it was begun with. */
	struct isakmp *sa = isakmp_find_host(c, path);

	if (!sa)
		sa = isakmp_find_coming(c, path, ISAKMP_ANY_PEER);
	if (sa)
		rows_isakmp(sa, ret);
	return sa != NULL;
}

static bool making_row(struct core *c, uint32_t policy, struct ike_row_child *ret, bool *ret_waiting)
{
	const struct quick *q = quick_of_policy(c, policy);

	if (!q)
		return false;
	rows_quick(q, ret);
	*ret_waiting = q->state == QUICK_WAITING;
	return true;
}

static uint32_t renew(struct core *c, const struct ike_row_filter *f)
{
	uint32_t n = 0;

	/* Each ISAKMP SA is a proof by itself, and pairs do not hang on it. */
	list_foreach_safe (sa, next, &c->isakmp, struct isakmp, all) {
		if (!f->proof && isakmp_is_up(sa) && ike_sa_fits(f, &sa->path, sa->icookie, sa->rcookie))
			n += phase1_renew(sa);
	}
	return n;
}

static uint32_t end(struct core *c, const struct ike_row_filter *f)
{
	uint32_t n = 0;

	list_foreach_safe (sa, next, &c->isakmp, struct isakmp, all) {
		if (!ike_sa_fits(f, &sa->path, sa->icookie, sa->rcookie))
			continue;
		n++;
		inform_delete_isakmp(sa);
		sa->failure = "deleted";
		isakmp_end(sa);
	}
	return n;
}

const struct ike_version ike1_version = {
    .datagram = ike1_datagram,
    .bury = isakmp_bury,
    .forget = forget,
    .end_all = end_all,
    .carry_over = carry_over,
    .join = quick_join,
    .needs = quick_needs,
    .acquire = quick_acquire,
    .wish = wish,
    .unknown_spi = unknown_spi,
    .end_twins = twins_end,
    .moved = nat_moved,
    .show = show,
    .sa_row = sa_row,
    .making_row = making_row,
    .renew = renew,
    .end = end,
};
