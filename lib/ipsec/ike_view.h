/*
 * What key exchange has made and is making, as it is shown to people: plain values without keys, of either
 * version of IKE.
 */
#ifndef POSTERN_IPSEC_IKE_VIEW_H
#define POSTERN_IPSEC_IKE_VIEW_H

#include "ipsec/ike_conf.h"
#include "ipsec/policy.h"
#include "ipsec/sa.h"

enum {
	IKE_VIEW_SPI_LEN = 8,
	IKE_VIEW_STEP_MAX = 100, /* octets of texts, each with its end */
	IKE_VIEW_PEER_MAX = 257,
	IKE_VIEW_TROUBLE_MAX = 250,
};

enum ike_view_state {
	IKE_VIEW_NONE = 0,
	IKE_VIEW_NEGOTIATING,
	IKE_VIEW_ESTABLISHED,
	IKE_VIEW_STATES,
};

/* One word, the same in text and JSON. */
const char *ike_view_state_name(enum ike_view_state s);

/* An IKE SA; version 1 calls it ISAKMP SA and its SPIs cookies. */
struct ike_sa_view {
	uint64_t number; /* keyd's, never used again while keyd lives */
	uint8_t version; /* 1 or 2 */
	enum ike_view_state state;
	char step[IKE_VIEW_STEP_MAX]; /* where its negotiation is, in words */
	bool initiator;
	enum ike_mode mode; /* NONE in version 2 */
	struct inet_addr local, remote;
	uint16_t local_port, remote_port;
	uint8_t spi_i[IKE_VIEW_SPI_LEN], spi_r[IKE_VIEW_SPI_LEN];
	char peer[IKE_VIEW_PEER_MAX];      /* the configuration's name */
	struct ike_id local_id, remote_id; /* of kind NONE: not known yet */
	enum alg_enc enc;                  /* NONE: nothing is agreed yet */
	uint16_t key_bits;
	enum alg_prf prf;
	enum alg_group group;
	enum ike_auth_method auth;
	uint64_t age_ms, left_ms; /* left: of its life, or of the negotiation's time */
	bool nat_here, nat_there, dpd;
	char trouble[IKE_VIEW_TROUBLE_MAX]; /* what went wrong last; empty: nothing */
};

/* One request of the policy: the SA of each direction. SPIs 0: not known yet. */
struct ike_part_view {
	enum ipsec_proto proto;
	enum ipsec_mode mode;
	uint32_t spi_in, spi_out;
	enum alg_enc enc;
	uint16_t key_bits;
	enum alg_auth auth;
	enum alg_comp comp;
};

/* The SAs of one policy, made or in the making. */
struct ike_child_view {
	uint64_t number;
	uint8_t version;
	enum ike_view_state state;
	char step[IKE_VIEW_STEP_MAX];
	bool initiator, replaced; /* replaced: a newer one is there */
	struct inet_addr local, remote;
	uint16_t local_port, remote_port;
	bool has_selector;
	struct selector selector; /* of what leaves */
	uint32_t policy;
	uint64_t age_ms, left_ms;    /* left 0: not limited in time */
	uint64_t seconds, kilobytes; /* agreed lifetime; 0: not limited */
	enum alg_group group;        /* of its own key exchange; NONE: it had none */
	uint8_t n_parts;
	struct ike_part_view part[POLICY_REQUESTS_MAX];
};

/* Which of them are meant: of the wanted kinds those that are what every other field says. */
struct ike_filter {
	bool sas, children;
	struct inet_addr local, remote; /* INET_NONE: any */
	bool has_spis;
	uint8_t spi_i[IKE_VIEW_SPI_LEN], spi_r[IKE_VIEW_SPI_LEN]; /* of IKE SAs */
	enum ipsec_proto proto;                                   /* of children; NONE: any */
	uint32_t spi;                                             /* either direction's; 0: any */
	bool has_selector;
	struct selector selector; /* of what leaves */
};

#endif
