/*
 * Routing is up before a rule marks the first packet, and goes down after the last rule is gone.
 */
#include "policyd/kernel/enforce.h"

#include <errno.h>

#include "policyd/compile/ruleset.h"
#include "policyd/conf.h"
#include "service/log.h"

static const struct spd *in_force(const struct frozen *f)
{
	const struct spd *spd = f ? frozen_effective(f) : NULL;

	return spd && spd_count(spd, POLICY_DIR_NONE) ? spd : NULL;
}

int enforce_apply(struct enforce *x, struct frozen *f, struct err_text *e)
{
	const struct spd *spd = in_force(f);
	int r = 0, mended;

	if (spd)
		r = routing_up(&x->routing, spd, &mended, e);
	if (r == 0)
		r = tables_install(&x->tables, spd, &f->book.deflev, e);
	if (r < 0)
		return r;
	if (!spd)
		routing_down(&x->routing);
	if (x->now != f) {
		frozen_ref(f);
		frozen_unref(x->now);
		x->now = f;
	}
	log_debug("kernel.enforced", "version=%llu elements=%zu layers=%u",
	    (unsigned long long)f->book.version, x->tables.n_elements, x->tables.n_layers);
	return 0;
}

static void repaired(struct enforce *x, const char *what)
{
	x->n_repairs++;
	x->last_repair_wall_ms = clock_wall_ms();
	if (x->on_repaired)
		x->on_repaired(x->arg, what);
}

int enforce_repair_table(struct enforce *x, struct err_text *e)
{
	int r;

	if (!x->now)
		return 0;
	tables_distrust(&x->tables);
	r = tables_install(&x->tables, in_force(x->now), &x->now->book.deflev, e);
	if (r == 0 && in_force(x->now))
		repaired(x, "nftables table");
	return r;
}

int enforce_repair_routing(struct enforce *x, struct err_text *e)
{
	const struct spd *spd = in_force(x->now);
	int mended = 0, r;

	if (!spd) {
		routing_look_for_device(&x->routing);
		return 0;
	}
	r = routing_up(&x->routing, spd, &mended, e);
	if (r == 0 && mended)
		repaired(x, "rules and routes");
	return r;
}

int enforce_withdraw(struct tables *t, struct routing *r, struct err_text *e)
{
	AUTO_SBUF struct sbuf s = {0};
	int err;

	ruleset_write_withdraw(&s, t->conf);
	err = s.bad ? -ENOMEM : nft_run(t->nft, sbuf_str(&s), e);
	routing_down(r);
	return err == -ENOENT ? 0 : err;
}
