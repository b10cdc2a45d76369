/*
 * An established pair of SAs for each request of a policy, as keyd remembers it: to renew it, to say that it
 * is gone, and to know whose it is.
 */
#ifndef POSTERN_KEYD_CORE_CHILD_H
#define POSTERN_KEYD_CORE_CHILD_H

#include "ipsec/ike_row.h"
#include "keyd/core/command.h"
#include "keyd/core/party.h"
#include "keyd/keep/keep.h"

struct child;

/* What only the version under which it was made can do for it. */
struct child_ops {
	uint8_t version;
	void (*renew)(struct child *k);
	/* Whether there is an IKE SA under which the peer can be told that it is gone; and tells it. */
	bool (*can_tell)(const struct child *k);
	void (*tell)(struct child *k);
	/* Nothing may point to it any more. */
	void (*forgotten)(struct child *k);
	/* It has changed and is kept for the next life of this process. NULL: it is not. */
	void (*keep)(struct child *k);
};

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

/* By which it is found for one of its policies. */
struct child_link {
	struct list node;
	struct child *child;
	uint32_t policy;
};

struct child {
	struct list node, by_peer;
	struct child_link link, *links; /* of `out`, and of each of `more` */
	const struct child_ops *ops;
	struct core *core;
	struct core_conf *conf; /* held */
	void *owner;            /* version 2: its IKE SA */
	struct party *party;    /* whose it is; held */
	struct ike_path path;
	bool initiator; /* this side renews it */
	bool told;      /* the peer has heard that it goes, or has said so itself */
	bool replaced;  /* a newer one is there: it goes when its timer says so */
	bool receives;  /* and nothing else any more: for what is under way */
	struct policy out;
	struct ike_row_also *more; /* what it serves beside `out` (version 2); owned, NULL: nothing */
	uint16_t n_more;
	uint64_t grant;
	uint64_t made_ms;
	uint8_t n_parts;
	struct child_part part[POLICY_REQUESTS_MAX];
	uint64_t seconds;    /* its lifetime; 0: not limited in time */
	struct timer renew;  /* before its life ends, when this side renews it */
	struct timer linger; /* after being replaced: packets under way may still need it */
	struct keep_place place;
};

/* Why a pair is no more; each has its words in the log (child_end()). */
enum child_gone {
	CHILD_DELETED,      /* by an administrator, or because this side stops */
	CHILD_FORGOTTEN,    /* by this process alone: its SAs stay */
	CHILD_UNCONFIGURED, /* the configuration does not have the peer any more */
	CHILD_EXPIRED,
	CHILD_REPLACED,
	CHILD_REDUNDANT, /* both sides have renewed it at once */
	CHILD_SA_ENDED,  /* version 2: the IKE SA that it belongs to */
	CHILD_PEER_DELETED,
	CHILD_PEER_LACKS, /* the peer says that it does not know it */
	CHILD_PEER_ANEW,
	CHILD_PEER_DEAD,
	CHILD_USER_MOVED, /* the peer's user has come from elsewhere */
	CHILD_GONE_N
};

/* Whether packets of this outbound policy go through it; of this selector's. */
bool child_serves(const struct child *k, uint32_t policy_id);
bool child_serves_selector(const struct child *k, const struct selector *sel);
/* Whether it serves all that the other one does. */
bool child_covers(const struct child *k, const struct child *other);
/* The selectors of all its policies, one after the other: `out` is number 0. */
static inline const struct selector *child_selector(const struct child *k, uint16_t i)
{
	return i ? &k->more[i - 1].sel : &k->out.sel;
}

/* "ESP", "AH", "IPCOMP". */
const char *child_proto_word(enum ipsec_proto p);
/* Takes over everything; NULL without memory, then nothing is. */
struct child *child_new(struct core *c, const struct child *from);
/* One that an earlier life of this process has kept; as above. */
struct child *child_back(struct core *c, const struct child *from);
/* Another pair is negotiated in its place now, whoever's turn it is. False: it is on its way out, or
 * there is a newer one. */
bool child_renew(struct child *k);
/* Its renewal has failed, for whatever reason: once more, as long as it lives. */
void child_try_again(struct child *k);
/* Its SAs are taken out of the data path, the peer is told when `tell`, and it is forgotten. */
void child_end(struct child *k, bool tell, enum child_gone why);
/* The peer is told that it goes, once. */
void child_tell(struct child *k);
/* A newer pair for the same policy has been made. */
void child_replace(struct child *k);
/* The peer has ended it. With another pair for the same policy it still receives for a moment what is under
 * way; and while that one is `coming`, being installed, it sends until it is there, so that nothing falls
 * between the two. */
void child_peer_ends(struct child *k, bool coming);
/* From now on it only receives, for what is under way. */
void child_stop_sending(struct child *k);
/* The one that has this SA. NULL: none. */
struct child *child_by_serial(struct core *c, uint64_t serial);
/* By the SPI that this peer chose for what we send. */
struct child *child_by_peer_spi(
    struct core *c, const struct party *who, enum ipsec_proto proto, uint32_t spi);
/* The newest that serves an outbound policy. */
struct child *child_of_policy(struct core *c, uint32_t policy_id);
/* Of two that are one too many, which goes: both sides see the same numbers. */
bool child_is_lesser(const struct child *a, const struct child *b);
/* Ends all of them with this peer that were made before a moment. */
void child_end_all(struct core *c, const struct party *who, uint64_t before_ms, enum child_gone why);
/* A policy that was made for a client goes with the last of its pairs. */
void child_leave_policy(struct core *c, const struct policy *out);
/* This peer is behind another port: its pairs follow, here and in the data path (party_moved()). */
void child_moved(struct party *who, uint16_t port);
/* How many there are with this address. */
uint32_t child_count(struct core *c, const struct inet_addr *remote);
/* As the row that is shown. Pairs that are up stand by themselves: version 1's outlive the ISAKMP SA under
 * which they were made. */
void child_row(const struct child *k, struct ike_row_child *ret);
/* The same under one of its policies. */
void child_row_of(const struct child *k, uint32_t policy_id, struct ike_row_child *ret);
/* Its row, and one for each further policy. */
void child_show(const struct child *k, core_row_fn fn, void *arg);
/* Whether there is one with whoever is at this place. */
bool child_any(struct core *c, const struct ike_path *place);
/* The peer says that it lives for so many seconds only (I). */
void child_shorten(struct child *k, uint64_t seconds);
/* Its soft or hard lifetime has come. */
void child_expired(struct child *k, uint64_t serial, bool hard);

#endif
