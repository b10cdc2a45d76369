/*
 * Everything here may be repeated at any time: what is there already is left alone, what is missing is added
 * and counted. That makes the first start, a restart, a new device and a repair the same thing.
 */
#include "policyd/kernel/routing.h"

#include <errno.h>

#include "base/auto.h"
#include "policyd/conf.h"
#include "policyd/kernel/link.h"
#include "policyd/kernel/routes.h"
#include "policyd/kernel/rules.h"
#include "service/log.h"

static const uint8_t families[] = {INET_V4, INET_V6};

int routing_open(struct routing *r, const struct policyd_conf *conf)
{
	*r = (struct routing){.conf = conf};
	return rtnl_open(&r->rtnl);
}

void routing_close(struct routing *r)
{
	remotes_fini(&r->remotes);
	rtnl_close(&r->rtnl);
}

int routing_look_for_device(struct routing *r)
{
	struct link l = {0};
	int index, err = link_find(&r->rtnl, r->conf, &l);

	if (err == -EMEDIUMTYPE && !r->said_alien) {
		r->said_alien = true;
		log_error("kernel.device.alien",
		    "device=%s is no TUN device: nothing is sent to it; rename it or choose another with "
		    "--device",
		    r->conf->device);
	}
	/* Configuring is itself a link event: only when there is something to configure. */
	if (err == 0 && (l.index != r->index || !l.up || l.mtu != r->conf->mtu))
		err = link_configure(&r->rtnl, r->conf, l.index);
	if (err < 0 && err != -ENODEV && err != -EMEDIUMTYPE)
		log_warning(
		    "kernel.device", "device=%s cannot be brought up: %s", r->conf->device, err_name(err));
	index = err < 0 ? 0 : l.index;
	if (index && index != r->index) {
		r->said_alien = false;
		log_info(
		    "kernel.device", "device=%s index=%d mtu=%u is up", r->conf->device, index, r->conf->mtu);
	}
	r->index = index;
	return index != 0;
}

/* One family's rules and table T. The table first: rules never lead into an empty one. */
static int ensure_family(struct routing *r, uint8_t family)
{
	int n = routes_ensure_table(&r->rtnl, r->conf, family, r->index), n_rules;

	/* A device without IPv6 takes no such route; the unreachable one is there. */
	if (n < 0 && family == INET_V6 && r->index)
		n = routes_ensure_table(&r->rtnl, r->conf, family, 0);
	if (n < 0)
		return n;
	n_rules = rules_ensure(&r->rtnl, r->conf, family);
	return n_rules < 0 ? n_rules : n + n_rules;
}

static int ensure_remotes(struct routing *r, const struct spd *spd, struct err_text *e)
{
	struct remotes want;
	int n_refused, err = remotes_of(&r->rtnl, spd, &want);

	if (err < 0)
		return err_set(e, err, "cannot work out the routes of tunnel policies: %s", err_name(err));
	n_refused = remotes_replace(&r->rtnl, r->conf, r->index, &r->remotes, &want);
	if (n_refused)
		log_info("kernel.routes", "refused=%d remote networks have no route of their own", n_refused);
	remotes_fini(&r->remotes);
	r->remotes = want;
	return 0;
}

int routing_up(struct routing *r, const struct spd *spd, int *ret_mended, struct err_text *e)
{
	bool was_up = r->up;
	int was_index = r->index, mended = 0;

	routing_look_for_device(r);
	if (!was_up) /* an earlier life's remote routes are nobody's */
		for (size_t i = 0; i < ARRAY_SIZE(families); i++)
			(void)routes_flush(&r->rtnl, r->conf->rt_remotes, families[i]);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int n = ensure_family(r, families[i]);

		if (n < 0 && families[i] == INET_V6) {
			if (!r->no_ipv6)
				log_notice("kernel.no-ipv6",
				    "this host has no IPv6 routing (%s): IPv6 packets that need protection "
				    "are dropped",
				    err_name(n));
			r->no_ipv6 = true;
			continue;
		}
		if (n < 0)
			return err_set(e, n, "cannot set up rules and routes: %s", err_name(n));
		mended += n;
	}
	r->up = true;
	*ret_mended = was_up && was_index == r->index ? mended : 0;
	return ensure_remotes(r, spd, e);
}

void routing_down(struct routing *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		rules_remove(&r->rtnl, r->conf, families[i]);
		(void)routes_flush(&r->rtnl, r->conf->rt_table, families[i]);
		(void)routes_flush(&r->rtnl, r->conf->rt_remotes, families[i]);
	}
	remotes_fini(&r->remotes);
	r->up = false;
}
