/*
 * The nft table of this instance: installs generations of rules, clears old ones away, remakes what somebody
 * broke.
 */
#ifndef POSTERN_POLICYD_KERNEL_TABLES_H
#define POSTERN_POLICYD_KERNEL_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "ipsec/spd.h"
#include "policyd/kernel/nft.h"

struct policyd_conf;

/* How long an old generation stays for packets that are under way through it. */
enum { TABLES_GRACE_MS = 100, TABLES_OLD_MAX = 64 };

struct tables_old {
	char *drop; /* commands that remove it */
	uint64_t since_ms;
};

struct tables {
	const struct policyd_conf *conf;
	const struct clock *clock;
	struct nft *nft;
	bool present; /* the kernel has the table */
	uint64_t generation;
	uint32_t n_layers;
	size_t n_elements;
	char *drop; /* of the generation in force */
	struct tables_old old[TABLES_OLD_MAX];
	unsigned n_old;
	uint64_t sweep_due_ms; /* 0: no unknown leftovers */
	uint64_t counted[6],
	    counted_before[6]; /* as last read, and from tables that are gone; by frame_counters */
};

/* Looks what an earlier life left. */
void tables_init(
    struct tables *t, const struct policyd_conf *conf, const struct clock *clock, struct nft *nft);
void tables_fini(struct tables *t);

/* Puts `spd` (NULL: nothing) in force; an SPD without entries and without a table makes none. 0 or -errno
 * with a sentence. */
int tables_install(
    struct tables *t, const struct spd *spd, const struct policy_deflev *deflev, struct err_text *e);
/* Somebody changed the table: it may be gone, or anything. The next tables_install() starts from nothing
 * taken for granted. */
void tables_distrust(struct tables *t);

/* Clears away what has had its grace; next_ms says when there will be something (UINT64_MAX: nothing). */
void tables_collect(struct tables *t);
uint64_t tables_next_ms(const struct tables *t);

/* Packets refused, by frame_counters, IPv4 and IPv6 in turn; over reloads and remade tables. */
void tables_read_counters(struct tables *t, uint64_t ret[6]);

#endif
