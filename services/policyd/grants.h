/*
 * The grants that hold: under which policy, between which addresses and with which transforms keyd may make
 * SAs, and which of it datapathd still has to be told. No I/O, no time of its own.
 */
#ifndef POSTERN_POLICYD_GRANTS_H
#define POSTERN_POLICYD_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "ipsec/spd.h"
#include "policyd/ike_view.h"
#include "ticket/ticket.h"

enum {
	GRANTS_MAX = 20000,
	GRANT_LIFE_MS = 24 * 3600 * 1000,
	GRANT_BUCKETS = 4096,     /* a power of two */
	GRANTS_MORE_MAX = 200000, /* further policies of all grants together */
};

struct grant_request {
	enum ipsec_proto proto;
	enum ipsec_mode mode;
	uint32_t reqid_out, reqid_in; /* 0: none */
};

/* A further policy that the same SAs serve: its requests are as those of the first. */
enum { GRANT_MORE_REQUESTS = 2 };
struct grant_more {
	uint32_t out_id, in_id; /* in 0: there is none */
	uint32_t reqid_out[GRANT_MORE_REQUESTS], reqid_in[GRANT_MORE_REQUESTS];
};

struct grant_terms {
	uint32_t out_id, in_id;         /* policies; in 0: there is none */
	struct inet_addr local, remote; /* outer addresses of the SAs */
	/* The exchange that showed who the peer is, from its ticket. */
	uint8_t icookie[TICKET_COOKIE_LEN], rcookie[TICKET_COOKIE_LEN];
	uint32_t enc, auth; /* sets of algorithms, as struct ike_view's */
	uint8_t n_requests;
	struct grant_request req[POLICY_REQUESTS_MAX]; /* in the outbound policy's order */
	struct grant_more *more;                       /* by out_id; owned; NULL: none */
	uint16_t n_more;
};

/* Every request has transforms to choose from: an empty set would mean all of them to datapathd. */
bool grant_terms_bounded(const struct grant_terms *t);

struct grant {
	struct list node, to_tell;        /* all by expiry; those datapathd has to hear of */
	struct grant *id_next, *ask_next; /* of their buckets */
	uint64_t id, expires_ms;
	uint32_t users; /* how often it was asked for and not given back */
	bool gone;      /* taken back: only datapathd has to hear of it still */
	struct grant_terms t;
};

struct grants {
	struct list all, to_tell;
	struct grant *by_id[GRANT_BUCKETS], *by_ask[GRANT_BUCKETS];
	unsigned n, n_more; /* `more` of all of them */
	uint64_t next_id;   /* rising, never 0 */
	uint64_t n_made, n_refused, n_withdrawn;
};

/* `first_id` is above every number of an earlier life of the process. */
void grants_init(struct grants *g, uint64_t first_id);
void grants_fini(struct grants *g);

enum { GRANT_NEW = 0, GRANT_RENEWED = 1 };
/* One exchange has one grant per policy, or set of them, and pair of addresses: asked again it is renewed and
 * keeps its number, and has one user more. GRANT_NEW; GRANT_RENEWED, then `more` of the terms is taken over;
 * -ENOSPC; -ENOMEM. It is the caller's to tell datapathd. */
int grants_put(
    struct grants *g, const struct grant_terms *t, uint64_t now_ms, struct grant **ret, struct err_text *e);
/* NULL: there is none, or no longer. */
struct grant *grants_find(const struct grants *g, uint64_t id);
/* One of those who asked for it does so no more: it goes with the last of them. Whether it has gone. */
bool grants_leave(struct grants *g, struct grant *x);
/* Takes it back; `with_telling`: datapathd has to hear of it. */
void grants_drop(struct grants *g, struct grant *x, bool with_telling);
/* Forgets those that are over: datapathd knows by itself. */
void grants_expire(struct grants *g, uint64_t now_ms);
/* UINT64_MAX: there is none. */
uint64_t grants_next_ms(const struct grants *g);

/* Withdraws those whose policies are not in `spd` any more. How many. */
unsigned grants_follow_spd(struct grants *g, const struct spd *spd);
/* A configuration is in force: grants without a peer or without transforms are withdrawn, the others
 * have its transforms from now on. How many were withdrawn. */
unsigned grants_follow_view(struct grants *g, const struct ike_view *v);

/* datapathd has come back and may know nothing: it hears of all that hold, and again of those taken back. */
void grants_tell_all(struct grants *g);
/* The next one that datapathd has to hear of; NULL: it knows all. grants_told() when it has been told; then a
 * `gone` one is no more. */
struct grant *grants_next_to_tell(const struct grants *g);
void grants_told(struct grants *g, struct grant *x);

#endif
