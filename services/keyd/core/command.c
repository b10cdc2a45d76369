/*
 * An administrator's word is stronger than `passive`, which is about packets; what policyd and datapathd
 * allow, it does not change.
 */
#include "keyd/core/command.h"

#include <errno.h>

#include "keyd/core/child.h"
#include "keyd/core/listen.h"
#include "keyd/core/upkeep.h"
#include "keyd/core/versions.h"
#include "keyd/core/waiters.h"

int core_wish(struct core *c, const struct core_up *u, const char **ret_why)
{
	const struct ike_peer *p = c->conf ? ike_conf_find_peer(c->conf->c, &u->path.remote) : NULL;

	if (!c->conf)
		*ret_why = "no configuration is loaded: load one with `ipsecctl load`, or a racoon.conf with "
		           "`ipsecctl racoon`";
	else if (!p)
		*ret_why = "the configuration has no connection (racoon.conf: remote) for this address";
	else if (!listen_has(c->conf->c, &u->path.local))
		*ret_why =
		    "listen names other addresses of this host than the one it would be negotiated from";
	if (**ret_why)
		return -ENOENT;
	return ike_version_of(p)->wish(c, (uint32_t)(p - c->conf->c->peer), u, ret_why);
}

void core_up(struct core *c, const struct core_up *u)
{
	struct waiter *w = waiter_new(c, u);
	const struct core_up up = *u;
	const char *why = "";
	int r;

	if (!w) {
		up.done(up.arg, -EBUSY, "too many wait for negotiations already", NULL);
		return;
	}
	/* What is up already is the answer; nothing is begun for it. */
	waiters_settle(c);
	if (!waiter_is(c, up.arg))
		return;
	upkeep_release(c, &u->path.remote);
	r = core_wish(c, u, &why);
	if (r < 0) {
		core_up_forget(c, up.arg);
		up.done(up.arg, r, why, NULL);
	}
	core_settle(c);
}

static bool addr_fits(const struct inet_addr *want, const struct inet_addr *a)
{
	return want->family == INET_NONE || inet_addr_equal(want, a);
}

static bool path_fits(const struct ike_row_filter *f, const struct ike_path *p)
{
	return addr_fits(&f->local, &p->local) && addr_fits(&f->remote, &p->remote);
}

static bool child_fits(const struct ike_row_filter *f, const struct child *k)
{
	bool found = !f->proto && !f->spi;

	for (uint8_t i = 0; i < k->n_parts; i++) {
		const struct child_part *p = &k->part[i];

		if (f->proto && p->proto != f->proto)
			continue;
		found |= !f->spi || p->spi_in == f->spi || p->spi_out == f->spi;
	}
	return found && path_fits(f, &k->path) && (!f->has_sel || child_serves_selector(k, &f->sel));
}

bool ike_sa_fits(
    const struct ike_row_filter *f, const struct ike_path *path, const uint8_t *spi_i, const uint8_t *spi_r)
{
	if (f->has_spis &&
	    (memcmp(f->spi_i, spi_i, IKE_ROW_SPI) != 0 || memcmp(f->spi_r, spi_r, IKE_ROW_SPI) != 0))
		return false;
	return path_fits(f, path);
}

/* Whoever wants one thing gone may have it come back; whoever wants all of it gone may not. */
static bool is_everything(const struct ike_row_filter *f)
{
	return f->sas && f->children && f->local.family == INET_NONE && !f->has_spis && !f->proto &&
	       !f->spi && !f->has_sel;
}

/* Children first: the peer is told of them under their IKE SA. */
void core_end(struct core *c, const struct ike_row_filter *f, struct ike_row_ended *ret)
{
	*ret = (struct ike_row_ended){0};
	if (is_everything(f))
		ret->n_held = upkeep_hold(c, &f->remote);
	list_foreach_safe (k, next, &c->children, struct child, node) {
		if (!f->children || !child_fits(f, k))
			continue;
		ret->n_children++;
		ret->n_untold += !k->ops->can_tell(k);
		child_end(k, true, CHILD_DELETED);
	}
	for (size_t i = 0; f->sas && i < IKE_VERSIONS; i++)
		ret->n_sas += ike_versions[i]->end(c, f);
	core_settle(c);
}

/* IKE SAs first: version 2 renews the children under the new one. */
void core_renew(struct core *c, const struct ike_row_filter *f, struct ike_row_ended *ret)
{
	*ret = (struct ike_row_ended){0};
	for (size_t i = 0; f->sas && i < IKE_VERSIONS; i++)
		ret->n_sas += ike_versions[i]->renew(c, f);
	list_foreach_safe (k, next, &c->children, struct child, node)
		if (f->children && child_fits(f, k))
			ret->n_children += child_renew(k);
	core_settle(c);
}

void core_show(struct core *c, core_row_fn fn, void *arg)
{
	for (size_t i = 0; i < IKE_VERSIONS; i++)
		ike_versions[i]->show(c, fn, arg);
	list_foreach (k, &c->children, struct child, node)
		child_show(k, fn, arg);
	upkeep_show(c, fn, arg);
}
