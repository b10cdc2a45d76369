/*
 * Names carry the generation, so a new one is filled beside the one in force and takes over in a single
 * transaction. The old one is removed a moment later: packets that entered it finish in it.
 */
#include "policyd/kernel/tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "policyd/compile/frame.h"
#include "policyd/compile/ruleset.h"
#include "policyd/conf.h"
#include "service/log.h"

void tables_init(
    struct tables *t, const struct policyd_conf *conf, const struct clock *clock, struct nft *nft)
{
	AUTO_SBUF struct sbuf listing = {0};

	/* Milliseconds since boot: larger than any generation of an earlier life, which made less than one a
	 * millisecond. */
	*t = (struct tables){.conf = conf, .clock = clock, .nft = nft, .generation = clock_now_ms(clock)};
	t->present = nft_list(nft, conf->table, &listing) == 0;
	if (t->present)
		t->sweep_due_ms = UINT64_MAX;
}

static void forget_old(struct tables *t)
{
	for (unsigned i = 0; i < t->n_old; i++)
		free(t->old[i].drop);
	t->n_old = 0;
}

void tables_fini(struct tables *t)
{
	forget_old(t);
	free(t->drop);
	t->drop = NULL;
}

void tables_distrust(struct tables *t)
{
	AUTO_SBUF struct sbuf listing = {0};

	t->present = nft_list(t->nft, t->conf->table, &listing) == 0;
	if (!t->present)
		for (size_t i = 0; i < ARRAY_SIZE(t->counted); i++) {
			t->counted_before[i] += t->counted[i];
			t->counted[i] = 0;
		}
	forget_old(t);
	free(t->drop);
	t->drop = NULL;
	t->sweep_due_ms = UINT64_MAX;
}

/* Removes every generation but the one in force. */
static void sweep(struct tables *t)
{
	AUTO_SBUF struct sbuf listing = {0};
	AUTO_SBUF struct sbuf commands = {0};
	struct err_text e;

	t->sweep_due_ms = 0;
	forget_old(t);
	if (nft_list(t->nft, t->conf->table, &listing) < 0)
		return;
	ruleset_write_sweep(&commands, t->conf, sbuf_str(&listing), t->generation);
	if (!commands.bad && nft_run(t->nft, sbuf_str(&commands), &e) < 0)
		log_warning("kernel.sweep.failed", "maps of earlier rule sets stay behind: %s", e.s);
}

void tables_collect(struct tables *t)
{
	uint64_t now = clock_now_ms(t->clock);
	struct err_text e;
	unsigned n = 0;

	if (t->sweep_due_ms && now >= t->sweep_due_ms) {
		sweep(t);
		return;
	}
	while (n < t->n_old && t->old[n].since_ms + TABLES_GRACE_MS <= now) {
		if (nft_run(t->nft, t->old[n].drop, &e) < 0)
			t->sweep_due_ms = now + TABLES_GRACE_MS;
		free(t->old[n++].drop);
	}
	t->n_old -= n;
	memmove(t->old, t->old + n, t->n_old * sizeof(t->old[0]));
}

uint64_t tables_next_ms(const struct tables *t)
{
	uint64_t next = t->sweep_due_ms ? t->sweep_due_ms : UINT64_MAX;

	if (t->n_old && t->old[0].since_ms + TABLES_GRACE_MS < next)
		next = t->old[0].since_ms + TABLES_GRACE_MS;
	return next;
}

/* The generation in force has been superseded. */
static void retire(struct tables *t)
{
	uint64_t now = clock_now_ms(t->clock);

	if (t->sweep_due_ms)
		t->sweep_due_ms = now + TABLES_GRACE_MS;
	if (!t->drop)
		return;
	if (t->n_old == TABLES_OLD_MAX) {
		free(t->drop);
		t->sweep_due_ms = now + TABLES_GRACE_MS;
	} else {
		t->old[t->n_old++] = (struct tables_old){.drop = t->drop, .since_ms = now};
	}
	t->drop = NULL;
}

static int fill_and_swap(struct tables *t, const struct ruleset *rs, struct err_text *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rs->n_fill; i++)
		r = nft_run(t->nft, sbuf_str(&rs->fill[i]), e);
	return r < 0 ? r : nft_run(t->nft, sbuf_str(&rs->swap), e);
}

/*
 * The table is there and does not take our chains: somebody made others of the same names. Everything in one
 * transaction, which may let a packet slip, where taking the table away first would let all of them.
 */
static int remake(struct tables *t, const struct ruleset *rs, struct err_text *e)
{
	AUTO_SBUF struct sbuf all = {0};

	log_warning("kernel.remake",
	    "the nftables table %s was changed in a way that cannot be mended; it is made anew",
	    t->conf->table);
	sbuf_add(&all, "delete table inet %s\n", t->conf->table);
	for (size_t i = 0; i < rs->n_fill; i++)
		sbuf_add_bytes(&all, sbuf_str(&rs->fill[i]), rs->fill[i].len);
	sbuf_add_bytes(&all, sbuf_str(&rs->swap), rs->swap.len);
	return all.bad ? -ENOMEM : nft_run(t->nft, sbuf_str(&all), e);
}

int tables_install(
    struct tables *t, const struct spd *spd, const struct policy_deflev *deflev, struct err_text *e)
{
	AUTO_RULESET struct ruleset rs = {0};
	int r;

	if (!t->present && (!spd || !spd_count(spd, POLICY_DIR_NONE)))
		return 0;
	r = ruleset_build(&rs, t->conf, spd, deflev, ++t->generation);
	if (r < 0)
		return err_set(e, r, "out of memory");
	tables_collect(t);
	r = fill_and_swap(t, &rs, e);
	if (r < 0 && t->sweep_due_ms && t->present)
		r = remake(t, &rs, e);
	if (r < 0) {
		t->sweep_due_ms = UINT64_MAX; /* what was half made goes with the next success */
		return r;
	}
	t->present = true;
	retire(t);
	t->drop = rs.drop.s;
	rs.drop = (struct sbuf){0};
	t->n_layers = rs.n_layers;
	t->n_elements = rs.n_elements;
	return 0;
}

void tables_read_counters(struct tables *t, uint64_t ret[6])
{
	char names[6][16];
	const char *list[7] = {0};

	for (int i = 0; i < 6; i++) {
		snprintf(names[i], sizeof(names[i]), "%s%s", frame_counters[i / 2], i % 2 ? "6" : "");
		list[i] = names[i];
	}
	if (t->present)
		(void)nft_read_counters(t->nft, t->conf->table, list, t->counted);
	for (int i = 0; i < 6; i++)
		ret[i] = t->counted_before[i] + t->counted[i];
}
