/*
 * What policyd keeps of a configuration for key exchange: which peers there are and which transforms may be
 * agreed on, so that a ticket can be held against it. Two generations at most: the one in force, and for a
 * moment the one before it, under which peers may be proving themselves right now.
 */
#ifndef POSTERN_POLICYD_IKE_VIEW_H
#define POSTERN_POLICYD_IKE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "inet/addr.h"
#include "ipsec/ike_conf.h"

enum { IKE_BEFORE_MS = 120000 /* how long the generation before counts */ };

struct ike_view_peer {
	char *name;            /* owned */
	struct inet_addr addr; /* INET_NONE: any */
	enum ike_generate generate;
	bool asks;      /* its user has to say who he is */
	uint64_t block; /* number of its block; 0: none */
};

/* One side of a `sainfo`: addresses from first to last for HOST, NET and RANGE. */
struct ike_view_side {
	enum ike_side_kind kind;
	struct inet_addr first, last;
	uint16_t proto, port;
};

struct ike_view_child {
	uint32_t enc, auth; /* sets */
	struct ike_view_side local, remote;
};

/* Sets of algorithms have bit 1 << number. */
struct ike_view {
	uint64_t generation;
	struct ike_view_peer *peer;
	uint32_t n_peers, room_peers, n_children, room_children;
	struct ike_view_child *child;
	struct inet_addr pool_first, pool_last; /* what clients are given; INET_NONE: nothing */
	uint32_t enc, auth;                     /* of all children together */
	struct inet_addr *addrs;                /* configured ones, sorted; after ike_view_sort() */
	uint32_t n_addrs;
	bool anonymous; /* a peer of any address is among them */
};

/* Only algorithms that this build has are in the two sets. */
bool ike_sets_known(uint32_t enc, uint32_t auth);

/* With room for so many of each; NULL: no memory. Free with ike_view_free(), which accepts NULL and returns
 * NULL. */
struct ike_view *ike_view_new(uint32_t n_peers, uint32_t n_children);
struct ike_view *ike_view_free(struct ike_view *v);
static inline void ike_view_freep_(struct ike_view **v)
{
	*v = ike_view_free(*v);
}
#define AUTO_IKE_VIEW AUTO(ike_view_freep_)

/* Copies the name. 0; -ENOSPC; -ENOMEM. */
int ike_view_add_peer(struct ike_view *v, const char *name, const struct inet_addr *addr,
    enum ike_generate generate, bool asks);
/* 0 or -ENOSPC. */
int ike_view_add_child(struct ike_view *v, const struct ike_view_child *k);
/* All peers are there: it can be asked from now on. 0 or -ENOMEM. */
int ike_view_sort(struct ike_view *v);

/* The peer whose block has this number. NULL: none; 0 is nobody's. */
const struct ike_view_peer *ike_view_find_block(const struct ike_view *v, uint64_t block);
/* Some peer may be at this address. */
bool ike_view_knows(const struct ike_view *v, const struct inet_addr *addr);
/* This peer may be at the address: it is configured there, or nobody is and it may be anywhere. */
bool ike_view_peer_fits(
    const struct ike_view *v, const struct ike_view_peer *peer, const struct inet_addr *addr);

struct ike_gens {
	struct ike_view *now, *before; /* NULL: none */
	uint64_t before_until_ms;
};

void ike_gens_fini(struct ike_gens *g);
/* Takes `v`, which is in force from now on. */
void ike_gens_switch(struct ike_gens *g, struct ike_view *v, uint64_t now_ms);
/* NULL with a sentence when a generation does not count, or no longer. */
const struct ike_view *ike_gens_find(
    const struct ike_gens *g, uint64_t generation, uint64_t now_ms, struct err_text *e);
void ike_gens_expire(struct ike_gens *g, uint64_t now_ms);
/* UINT64_MAX: nothing expires. */
uint64_t ike_gens_next_ms(const struct ike_gens *g);

#endif
