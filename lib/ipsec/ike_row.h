/*
 * What key exchange tells of itself: an IKE SA (version 1's ISAKMP SA), and a pair of SAs that is negotiated
 * under one. keyd makes such rows, ipsecctl prints them. Times are milliseconds.
 */
#ifndef POSTERN_IPSEC_IKE_ROW_H
#define POSTERN_IPSEC_IKE_ROW_H

#include "ipsec/ike_conf.h"
#include "ipsec/policy.h"

enum ike_row_state {
	IKE_ROW_NONE = 0,
	IKE_ROW_CONNECTING, /* being negotiated */
	IKE_ROW_UP,
	IKE_ROW_REPLACED, /* up, but a newer one has taken over: it ends soon */
	IKE_ROW_STATES,
};

enum { IKE_ROW_SPI = 8 };

/* Texts are borrowed. */
struct ike_row_sa {
	uint8_t version; /* 1 or 2 */
	enum ike_row_state state;
	const char *detail; /* what it waits for */
	uint32_t progress;  /* racoonctl's number of the state: 9 is up */
	bool initiator;     /* this side began */
	enum ike_mode mode; /* version 2: NONE */
	struct inet_addr local, remote;
	uint16_t local_port, remote_port;
	uint8_t spi_i[IKE_ROW_SPI], spi_r[IKE_ROW_SPI]; /* version 1: the cookies */
	const char *name;                               /* of its remote in the configuration */
	struct ike_id peer_id;                          /* kind NONE: not heard yet */
	bool agreed;                                    /* on the five that follow */
	enum alg_enc enc;
	uint16_t key_bits;
	enum alg_prf prf;
	enum alg_group group;
	enum ike_auth_method auth;
	uint64_t age_ms, up_ms; /* up: since it was established */
	uint64_t left_ms;       /* until its life, or the patience with it, is over */
	uint64_t renew_ms;      /* until another one is begun in its place; 0: this side does not */
	uint64_t idle_ms;       /* since the peer was heard under it */
	bool nat_here, nat_there;
	uint32_t dpd_delay_s; /* 0: the peer is not watched */
	uint32_t dpd_unanswered;
	uint32_t n_children; /* pairs with this peer */
};

/* One request of the policy: two SAs. */
struct ike_row_part {
	enum ipsec_proto proto;
	enum ipsec_mode mode;
	uint32_t spi_in, spi_out;
	enum alg_enc enc;
	uint16_t key_bits; /* 0: the algorithm has one length */
	enum alg_auth auth;
	enum alg_comp comp;
};

/* A policy that a pair serves beside the one of its row. */
struct ike_row_also {
	uint32_t policy;
	struct selector sel; /* outbound */
};

struct ike_row_child {
	uint8_t version;
	enum ike_row_state state;
	const char *detail;
	bool initiator;
	struct inet_addr local, remote;
	bool has_parent; /* it is negotiated under the SA with these: */
	uint8_t spi_i[IKE_ROW_SPI], spi_r[IKE_ROW_SPI];
	uint32_t policy;
	struct selector sel; /* outbound */
	uint8_t n_parts;
	struct ike_row_part part[POLICY_REQUESTS_MAX];
	uint64_t age_ms, life_ms, left_ms, renew_ms; /* life 0: no end in time */
};

/* A child that is kept up (`keep up`), whether it is there or not. */
enum ike_row_keeping {
	IKE_KEPT_DOWN = 0, /* it is tried again soon */
	IKE_KEPT_TRYING,   /* it is being negotiated */
	IKE_KEPT_UP,
	IKE_KEPT_HELD, /* an administrator wants it down */
	IKE_KEPT_STATES,
};

struct ike_row_kept {
	enum ike_row_keeping state;
	const char *name; /* of its connection */
	struct inet_addr remote;
	struct selector sel; /* outbound */
	uint32_t tries;      /* that have failed one after the other */
	uint64_t down_ms;    /* since when; 0: it is up */
	uint64_t next_ms;    /* DOWN: until it is tried again */
	const char *why;     /* the last try has failed, or the last pair has ended; empty: nothing has */
};

/* One of the four. */
struct ike_row {
	const struct ike_row_sa *sa;
	const struct ike_row_child *child;
	const struct ike_row_also *also; /* of the child whose row was the last one */
	const struct ike_row_kept *kept;
};

/* "down", "trying", "up", "held"; "?" for others. */
static inline const char *ike_row_keeping_name(enum ike_row_keeping s)
{
	static const char *const names[] = {"down", "trying", "up", "held"};

	return (unsigned)s < IKE_KEPT_STATES ? names[s] : "?";
}

/* "connecting", "up", "replaced"; "?" for others. */
static inline const char *ike_row_state_name(enum ike_row_state s)
{
	static const char *const names[] = {"?", "connecting", "up", "replaced"};

	return names[(unsigned)s < IKE_ROW_STATES ? s : 0];
}

/* What shall end, or be renewed: whatever fits all that is said. */
struct ike_row_filter {
	bool sas, children;
	bool proof; /* of a renewal: with another proof of who the two are, and all children */
	struct inet_addr local, remote; /* INET_NONE: any */
	bool has_spis;                  /* of IKE SAs */
	uint8_t spi_i[IKE_ROW_SPI], spi_r[IKE_ROW_SPI];
	enum ipsec_proto proto; /* of children; NONE: any */
	uint32_t spi;           /* in either direction; 0: any */
	bool has_sel;
	struct selector sel; /* of the outbound policy */
};

struct ike_row_ended {
	uint32_t n_sas, n_children;
	uint32_t n_untold; /* children whose peer could not be told: there was no SA with it */
	uint32_t n_held;   /* children that are not kept up any more, until somebody wants them to be */
};

#endif
