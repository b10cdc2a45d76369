/*
 * The nft commands that make the kernel enforce an SPD, as text. Pure: nothing here talks to the kernel.
 *
 * A generation lives in maps and chains of its own names. `fill` makes them where no packet goes, `swap`
 * points the base chains at them in one transaction, `drop` removes them again once a later generation has
 * taken over.
 */
#ifndef POSTERN_POLICYD_COMPILE_RULESET_H
#define POSTERN_POLICYD_COMPILE_RULESET_H

#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "ipsec/spd.h"

struct policyd_conf;

/* Elements in one transaction: a batch must fit a socket buffer that nobody may enlarge in a user namespace.
 */
enum { RULESET_CHUNK = 1000 };

struct ruleset {
	uint64_t generation;
	struct sbuf *fill; /* transactions to run in this order */
	size_t n_fill;
	struct sbuf swap, drop; /* one transaction each */
	uint32_t n_layers;      /* maps a packet may have to be looked up in, at most */
	size_t n_elements;
};

/* `spd` NULL or empty: base chains without rules. 0 or -ENOMEM; `ret` is to be given to ruleset_fini() either
 * way. */
int ruleset_build(struct ruleset *ret, const struct policyd_conf *conf, const struct spd *spd,
    const struct policy_deflev *deflev, uint64_t generation);
void ruleset_fini(struct ruleset *r);
#define AUTO_RULESET AUTO(ruleset_fini)

/* Removes the whole table; fails when there is none. */
void ruleset_write_withdraw(struct sbuf *to, const struct policyd_conf *conf);

/*
 * For leftovers of an earlier life: the commands that remove every chain and map of other generations than
 * `keep` that `listing` (nft's own listing of the table) names. Empty when there are none.
 */
void ruleset_write_sweep(
    struct sbuf *to, const struct policyd_conf *conf, const char *listing, uint64_t keep);

/* The chain whose creation marks this generation in nftables events. */
void ruleset_marker(char *buf, size_t room, uint64_t generation);

#endif
