/*
 * Connections that are kept up (postern.conf's `keep up`): their children are there all the time, whether or
 * not packets want them, and come back by themselves whatever took them away. Nothing here knows which
 * version of IKE that takes.
 */
#ifndef POSTERN_KEYD_CORE_UPKEEP_H
#define POSTERN_KEYD_CORE_UPKEEP_H

#include "keyd/core/command.h"
#include "keyd/core/news.h"

enum {
	UPKEEP_WHY_MAX = 200,
	/* How long nothing is sent to a silent peer between two tries. With what an exchange itself waits for
	 * before it is given up, this is how late the return of a path is noticed. */
	UPKEEP_SILENT_MS = 500,
	UPKEEP_REFUSED_MS = 2000,      /* the same for one that says no: at first, */
	UPKEEP_REFUSED_MAX_MS = 60000, /* and doubled each time, at most */
	UPKEEP_SHORT_MS = 10000,       /* a pair that ends so soon after it was made counts as refused */
};

/* What is known of a peer that could not be had. */
enum upkeep_fault {
	UPKEEP_OURS = 0, /* this host lacks something: a policy, a neighbour */
	UPKEEP_SILENT,   /* nobody answers */
	UPKEEP_REFUSED,  /* somebody does, and nothing comes of it */
};

struct child;

void upkeep_fini(struct core *c);
/* A configuration is in force (c->conf): what it has in common with the one before keeps its state, what is
 * new is begun. */
void upkeep_load(struct core *c);

/* What has happened. A pair has come or gone (it is in c->children no more). */
void upkeep_child_made(const struct child *k);
void upkeep_child_ended(const struct child *k, const char *why);
/* news.h's. */
void upkeep_sa_ended(struct core *c, const struct inet_addr *remote, enum news_end how, const char *why);
void upkeep_policy_failed(
    struct core *c, const struct inet_addr *remote, uint32_t policy, bool sa_is_up, const char *why);
void upkeep_hint(struct core *c, const struct inet_addr *remote, const char *text);

/* An administrator has ended everything with this peer (INET_NONE: with all): it stays down until
 * upkeep_release(). How many children that holds. */
uint32_t upkeep_hold(struct core *c, const struct inet_addr *remote);
/* It is kept up again, from now on. */
void upkeep_release(struct core *c, const struct inet_addr *remote);
/* Nothing is to be negotiated with this peer, whoever begins. */
bool upkeep_is_held(struct core *c, const struct inet_addr *remote);

/* The level of a line about a negotiation with this peer: of one try among many, that of details. */
enum core_level upkeep_level(struct core *c, const struct inet_addr *remote, enum core_level level);

struct upkeep_counts {
	uint32_t n, n_up, n_held;
};
struct upkeep_counts upkeep_count(const struct core *c);
void upkeep_show(struct core *c, core_row_fn fn, void *arg);

#endif
