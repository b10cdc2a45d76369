/*
 * The kernel enforcing one version of the SPD: nft table and routing in the order that never opens a door.
 */
#ifndef POSTERN_POLICYD_KERNEL_ENFORCE_H
#define POSTERN_POLICYD_KERNEL_ENFORCE_H

#include "policyd/frozen.h"
#include "policyd/kernel/routing.h"
#include "policyd/kernel/tables.h"

struct enforce {
	struct tables tables;
	struct routing routing;
	struct frozen *now; /* in force; NULL before the first success */
	uint64_t n_repairs, last_repair_wall_ms;
	/* Something that others had broken is whole again; may be NULL. */
	void (*on_repaired)(void *arg, const char *what);
	void *arg;
};

/* 0 or -errno with a sentence. */
int enforce_apply(struct enforce *x, struct frozen *f, struct err_text *e);

/* Somebody changed our nft table; rules, routes, addresses or links. Puts back what is in force. 0, or -errno
 * with a sentence: try again. */
int enforce_repair_table(struct enforce *x, struct err_text *e);
int enforce_repair_routing(struct enforce *x, struct err_text *e);

/* Everything goes: table, rules, routes. */
int enforce_withdraw(struct tables *t, struct routing *r, struct err_text *e);

#endif
