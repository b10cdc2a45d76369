/*
 * Version 2, as the core sees it.
 */
#include <errno.h>

#include "keyd/core/carry_over.h"
#include "keyd/core/versions.h"
#include "keyd/ike2/create.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/init.h"
#include "keyd/ike2/pair_more.h"
#include "keyd/ike2/receive.h"

enum { CROSSED_MS = 1000 };

static void forget(struct core *c)
{
	struct ike2_walk w = ike2_walk_begin(c);
	struct ikesa *sa;

	while ((sa = ike2_walk_next(&w)))
		ike2_sa_end(sa, NULL);
}

static void end_all(struct core *c, const char *why, const char *undone)
{
	struct ike2_walk w = ike2_walk_begin(c);
	struct ikesa *sa;

	while ((sa = ike2_walk_next(&w))) {
		if (sa->state < IKE2_S_UP)
			ike2_sa_end(sa, undone);
		else
			ike2_sa_leave(sa, why);
	}
}

static void carry_over(struct core *c)
{
	struct ike2_walk w = ike2_walk_begin(c);
	struct ikesa *sa;

	while ((sa = ike2_walk_next(&w)))
		if (!carry_over_peer(c->conf, &sa->conf, &sa->peer))
			ike2_sa_leave(sa, "deleted: the configuration was loaded anew");
}

/* Up, on its way, or made now; NULL without memory. */
static struct ikesa *sa_with(struct core *c, uint32_t peer, const struct ike_path *path)
{
	struct ikesa *sa = ike2_find_up(c, path, peer);

	if (!sa)
		sa = ike2_find_coming(c, path, peer);
	return sa ? sa : ike2_sa_new(c, peer, path, NULL);
}

static struct child *replaceable(struct core *c, const struct ikesa *sa, uint32_t policy)
{
	struct child *k = child_of_policy(c, policy);

	return k && k->owner == sa && ike2_is_up(sa) && !k->told ? k : NULL;
}

/* The same for a child: one under which the peer takes it. */
static struct ikesa *sa_for_child(struct core *c, uint32_t peer, const struct ike_path *path)
{
	struct ikesa *sa = ike2_find_open(c, path, peer);

	if (!sa)
		sa = ike2_find_coming(c, path, peer);
	return sa ? sa : ike2_sa_new(c, peer, path, NULL);
}

static void start(struct core *c, const struct policy *out, const struct ike_path *path, uint64_t acquire)
{
	const struct ike_peer *peer = ike_conf_find_peer(c->conf->c, &path->remote);
	struct ikesa *sa = sa_for_child(c, (uint32_t)(peer - c->conf->c->peer), path);

	/* What is there already cannot be used, or the packet would have been sent. */
	if (!sa || !pair_want(sa, out, acquire, replaceable(c, sa, out->id))) {
		core_log(c, CORE_ERROR, "child.failed", "no negotiation can be begun: out of memory");
		if (acquire)
			c->ports.acquire_done(c->ports.arg, acquire, false);
		return;
	}
	if (!ike2_is_up(sa))
		init_begin(sa);
}

static bool just_made(struct core *c, const struct core_acquire *a)
{
	const struct child *k = child_of_policy(c, a->policy->id);

	return k && inet_addr_equal(&k->path.remote, &a->dst) && core_now(c) < k->made_ms + CROSSED_MS;
}

static bool join(struct core *c, const struct core_acquire *a)
{
	struct ike2_pair *p = pair_with(c, a->policy->id, &a->dst);

	if (p)
		pair_join(p, a->policy, a->seq);
	else if (just_made(c, a))
		c->ports.acquire_done(c->ports.arg, a->seq, true);
	else
		return false;
	return true;
}

static void acquire(struct core *c, const struct core_acquire *a)
{
	const struct ike_path path = {
	    .local = a->src, .remote = a->dst, .local_port = IKE_PORT, .remote_port = IKE_PORT};

	start(c, a->policy, &path, a->seq);
}

static int wish(struct core *c, uint32_t peer, const struct core_up *u, const char **ret_why)
{
	struct ikesa *sa;

	if (u->policy) {
		if (!pair_of_policy(c, u->policy->id))
			start(c, u->policy, &u->path, 0);
		return 0;
	}
	sa = sa_with(c, peer, &u->path);
	if (!sa) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	init_begin(sa);
	return 0;
}

/* It is being negotiated. */
static bool is_coming(struct core *c, enum ipsec_proto proto, uint32_t spi)
{
	list_foreach (sa, &c->ike2.sas, struct ikesa, all)
		list_foreach (p, &sa->pairs, struct ike2_pair, node)
			for (uint8_t i = 0; i < p->n_parts; i++)
				if (p->part[i].proto == proto && p->part[i].spi_in == spi)
					return true;
	return false;
}

/* A peer with whom there is an IKE SA hears that the child is gone. With one that the configuration names,
 * and with whom there is none, as after a start of this host, one is begun: INITIAL_CONTACT under it ends all
 * that the peer still has. */
static void unknown_spi(struct core *c, const struct ike_path *path, enum ipsec_proto proto, uint32_t spi)
{
	const struct ike_peer *p = ike_conf_find_peer(c->conf->c, &path->remote);
	uint32_t peer = (uint32_t)(p - c->conf->c->peer);
	struct ikesa *sa = ike2_find_up(c, path, peer);

	if (is_coming(c, proto, spi) || !bucket_take(&c->hints, 1, core_now(c)))
		return;
	if (sa)
		(void)!ike2_ask(
		    sa, &(struct ike2_task){.kind = IKE2_TASK_DROP_CHILD, .proto = proto, .spi = spi});
	else if (p->addr.family != INET_NONE && !p->passive && p->initial_contact) {
		sa = sa_with(c, peer, path);
		if (sa)
			init_begin(sa);
	}
}

/* --- rows --- */

static void put_terms(const struct ikesa *sa, struct ike_row_sa *r)
{
	const struct ike2_suite *s = &sa->terms.suite;
	const struct alg_enc_info *a = alg_enc_by_id(s->enc);

	r->agreed = ike2_has_keys(sa) && a;
	if (!r->agreed)
		return;
	r->enc = s->enc;
	r->key_bits = a->key_min == a->key_max ? 0 : (uint16_t)(8 * (s->enc_key_len - a->salt_len));
	r->prf = s->prf;
	r->group = sa->terms.group;
	r->auth = ike2_peer(sa)->n_offers ? ike2_peer(sa)->offer[0].auth : IKE_AUTH_NONE;
}

static enum ike_row_state row_state(const struct ikesa *sa)
{
	if (sa->state < IKE2_S_UP)
		return IKE_ROW_CONNECTING;
	return sa->state == IKE2_S_UP ? IKE_ROW_UP : IKE_ROW_REPLACED;
}

static void row_of(const struct ikesa *sa, struct ike_row_sa *ret)
{
	const struct core *c = sa->core;
	const struct ike_peer *p = ike2_peer(sa);

	*ret = (struct ike_row_sa){.version = 2,
	    .state = row_state(sa),
	    .detail = ike2_state_name(sa->state),
	    .progress = ike2_is_up(sa) ? 9 : 1,
	    .initiator = sa->initiator,
	    .local = sa->path.local,
	    .remote = sa->path.remote,
	    .local_port = sa->path.local_port,
	    .remote_port = sa->path.remote_port,
	    .name = p->name ? p->name : "",
	    .peer_id = sa->peer_id,
	    .age_ms = core_since(c, sa->begun_ms),
	    .up_ms = core_since(c, sa->established_ms),
	    .left_ms = core_until(c, &sa->patience),
	    .renew_ms = core_until(c, &sa->renew),
	    .idle_ms = core_since(c, sa->heard_ms),
	    .nat_here = sa->nat_here,
	    .nat_there = sa->nat_there,
	    .dpd_delay_s = ike2_is_up(sa) ? p->dpd.delay_s : 0,
	    .dpd_unanswered = sa->own.out ? sa->own.tries : 0,
	    /* A stranger has none, and there may be too many to count those of his address. */
	    .n_children = ike2_is_strangers(sa) ? 0 : child_count(sa->core, &sa->path.remote)};
	memcpy(ret->spi_i, sa->spi_i, IKE2_SPI);
	memcpy(ret->spi_r, sa->spi_r, IKE2_SPI);
	put_terms(sa, ret);
}

static void pair_row(const struct ike2_pair *p, struct ike_row_child *ret)
{
	const struct ikesa *sa = p->sa;

	*ret = (struct ike_row_child){.version = 2,
	    .state = IKE_ROW_CONNECTING,
	    .detail = pair_state_name(p->state),
	    .initiator = p->initiator,
	    .local = sa->path.local,
	    .remote = sa->path.remote,
	    .has_parent = true,
	    .policy = p->out.id,
	    .sel = p->out.sel,
	    .age_ms = core_since(sa->core, p->begun_ms),
	    .left_ms = core_until(sa->core, &p->patience)};
	memcpy(ret->spi_i, sa->spi_i, IKE2_SPI);
	memcpy(ret->spi_r, sa->spi_r, IKE2_SPI);
}

static void show_one(struct ikesa *sa, core_row_fn fn, void *arg)
{
	struct ike_row_child child;
	struct ike_row_sa row;

	row_of(sa, &row);
	fn(arg, &(struct ike_row){.sa = &row});
	list_foreach (p, &sa->pairs, struct ike2_pair, node) {
		/* Until it knows its policy, an answering side has no selector to show. */
		if (!p->out.id)
			continue;
		pair_row(p, &child);
		fn(arg, &(struct ike_row){.child = &child});
		pair_show_more(p, fn, arg);
	}
}

static void show(struct core *c, core_row_fn fn, void *arg)
{
	list_foreach (sa, &c->ike2.sas, struct ikesa, all)
		show_one(sa, fn, arg);
	list_foreach (sa, &c->ike2.unproved, struct ikesa, all)
		show_one(sa, fn, arg);
}

static bool sa_row(struct core *c, const struct ike_path *path, uint32_t peer, struct ike_row_sa *ret)
{
	struct ikesa *sa = ike2_find_up(c, path, peer);

	if (!sa)
		sa = ike2_find_coming(c, path, peer);
	if (sa)
		row_of(sa, ret);
	return sa != NULL;
}

static bool making_row(struct core *c, uint32_t policy, struct ike_row_child *ret, bool *ret_waiting)
{
	const struct ike2_pair *p = pair_of_policy(c, policy);

	if (!p)
		return false;
	pair_row(p, ret);
	*ret_waiting = p->state == PAIR_WAITING;
	return true;
}

static uint32_t renew(struct core *c, const struct ike_row_filter *f)
{
	struct ike2_walk w = ike2_walk_known(c);
	struct ikesa *sa;
	uint32_t n = 0;

	while ((sa = ike2_walk_next(&w))) {
		if (!ike2_is_up(sa) || !ike_sa_fits(f, &sa->path, sa->spi_i, sa->spi_r))
			continue;
		n++;
		create_renew_sa(sa);
	}
	return n;
}

static uint32_t end(struct core *c, const struct ike_row_filter *f)
{
	struct ike2_walk w = ike2_walk_begin(c);
	struct ikesa *sa;
	uint32_t n = 0;

	while ((sa = ike2_walk_next(&w))) {
		if (!ike_sa_fits(f, &sa->path, sa->spi_i, sa->spi_r))
			continue;
		n++;
		ike2_sa_leave(sa, "deleted");
	}
	return n;
}

const struct ike_version ike2_version = {
    .datagram = ike2_datagram,
    .too_new = init_too_new,
    .bury = ike2_bury,
    .forget = forget,
    .end_all = end_all,
    .carry_over = carry_over,
    .join = join,
    .acquire = acquire,
    .wish = wish,
    .unknown_spi = unknown_spi,
    .moved = ike2_moved,
    .show = show,
    .sa_row = sa_row,
    .making_row = making_row,
    .renew = renew,
    .end = end,
};
