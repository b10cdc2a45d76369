/*
 * An established pair of SAs for each request of a policy, as keyd remembers it: to renew it, to say that it
 * is gone, and to know whose it is.
 */
#ifndef POSTERN_KEYD_IKE1_CHILD_H
#define POSTERN_KEYD_IKE1_CHILD_H

#include "keyd/core/core.h"

struct isakmp;

/* One request's two SAs. */
struct child_part {
	enum ipsec_proto proto;
	enum ipsec_mode mode;
	uint32_t spi_in, spi_out;
	uint64_t serial_in, serial_out;
	enum alg_enc enc; /* for those who look: what was agreed on */
	uint16_t bits;    /* 0: the algorithm has one length */
	enum alg_auth auth;
	enum alg_comp comp;
};

struct child {
	struct list node;
	struct core *core;
	struct core_conf *conf; /* held */
	struct ike_path path;
	bool initiator; /* this side renews it */
	bool replaced;  /* a newer one is there: it goes when its timer says so */
	struct policy out;
	uint64_t grant;
	uint64_t made_ms;
	uint8_t n_parts;
	struct child_part part[POLICY_REQUESTS_MAX];
	uint64_t seconds;    /* its lifetime; 0: not limited in time */
	struct timer renew;  /* before its life ends, when this side renews it */
	struct timer linger; /* after being replaced: packets under way may still need it */
};

/* Takes over everything; NULL without memory, then nothing is. */
struct child *child_new(struct core *c, const struct child *from);
/* Its SAs are taken out of the data path, the peer is told when `tell`, and it is forgotten. */
void child_end(struct child *k, bool tell, const char *why);
/* A newer pair for the same policy has been made. */
void child_replace(struct child *k);
/* The one that has this SA. NULL: none. */
struct child *child_by_serial(struct core *c, uint64_t serial);
/* By the SPI that the peer chose for what we send. */
struct child *child_by_peer_spi(
    struct core *c, const struct ike_path *peer, enum ipsec_proto proto, uint32_t spi);
/* The newest for an outbound policy. */
struct child *child_of_policy(struct core *c, uint32_t policy_id);
/* Ends all of them with a peer that were made before a moment (UINT64_MAX: all). */
void child_end_all(struct core *c, const struct ike_path *peer, uint64_t before_ms, const char *why);
/* A policy that was made for a client goes with the last of its pairs. */
void child_leave_policy(struct core *c, const struct policy *out);
bool child_any(struct core *c, const struct ike_path *peer);
/* The peer says that it lives for so many seconds only (I). */
void child_shorten(struct child *k, uint64_t seconds);
/* Its soft or hard lifetime has come. */
void child_expired(struct child *k, uint64_t serial, bool hard);

#endif
