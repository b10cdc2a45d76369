/*
 * What an administrator may ask of the core: to see everything, to have something begun and be told what
 * became of it, to have something renewed or ended.
 */
#ifndef POSTERN_KEYD_CORE_COMMAND_H
#define POSTERN_KEYD_CORE_COMMAND_H

#include "ipsec/ike_row.h"
#include "keyd/core/core.h"

enum {
	CORE_WAITERS_MAX = 64,
	CORE_WAIT_MAX_MS = 600000,
	CORE_WHY_MAX = 700,
};

/* Calls `fn` for every IKE SA, each followed by what is being negotiated under it, then for every pair of
 * SAs that is up, each followed by the further policies that it serves, then for what is kept up. Rows are
 * borrowed during the call. */
typedef void (*core_row_fn)(void *arg, const struct ike_row *row);
void core_show(struct core *c, core_row_fn fn, void *arg);

/* `done` is called exactly once: result 0 and the row of what is up (or only begun, without waiting); or
 * -errno and a sentence: -ETIMEDOUT, -ENOENT nothing is configured for the peer, -EBUSY too many wait,
 * -ECONNREFUSED the negotiation failed. It may be called before core_up() returns. */
typedef void (*core_up_fn)(void *arg, int result, const char *why, const struct ike_row *row);
struct core_up {
	struct ike_path path;
	const struct policy *policy; /* whose SAs; NULL: the IKE SA alone */
	uint32_t wait_ms;            /* 0: begun is enough */
	core_up_fn done;
	void *arg;
};
void core_up(struct core *c, const struct core_up *u);
/* What core_up() begins; nobody waits for it. 0; -ENOENT, -ENOMEM with *ret_why, which was "". */
must_check int core_wish(struct core *c, const struct core_up *u, const char **ret_why);
/* Whoever asked with this `arg` has gone away: `done` is not called any more; the negotiation goes on. */
void core_up_forget(struct core *c, const void *arg);

/* A message to this peer could not be sent: whoever waits for it hears why. */
void core_send_failed(struct core *c, const struct ike_path *path, const char *why);

/* Ends what fits, and tells the peers. */
void core_end(struct core *c, const struct ike_row_filter *f, struct ike_row_ended *ret);
/* Begins another one in place of each that fits and is up: what is there goes on until the new one is there.
 * *ret counts what is being renewed, by this word or already. */
void core_renew(struct core *c, const struct ike_row_filter *f, struct ike_row_ended *ret);

#endif
