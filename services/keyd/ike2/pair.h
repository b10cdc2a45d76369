/*
 * The negotiation of a child (RFC 7296 sections 1.3.1 and 2.17): the SAs of one policy, from the packet or
 * the message that asks for them to the pair that is left behind. IKE_AUTH and CREATE_CHILD_SA carry it; what
 * is said, and what is asked of policyd and datapathd on the way, is the same in both.
 */
#ifndef POSTERN_KEYD_IKE2_PAIR_H
#define POSTERN_KEYD_IKE2_PAIR_H

#include "keyd/ike2/offer.h"
#include "keyd/ike2/sa.h"
#include "keyd/ike2/selectors.h"

enum pair_state {
	PAIR_NONE = 0,
	PAIR_WAITING,   /* for its IKE SA */
	PAIR_MATCHING,  /* for the policies (policyd) */
	PAIR_GRANTING,  /* for leave (policyd) */
	PAIR_NUMBERING, /* for SPIs (datapathd) */
	PAIR_READY,     /* I: for its turn to be asked for */
	PAIR_ASKED,     /* I: the request is out */
	PAIR_OPENING,   /* installs what receives (datapathd) */
	PAIR_HOLDING,   /* R: for the peer to be done with the pair that is replaced */
	PAIR_SENDING,   /* installs what sends (datapathd) */
	PAIR_DONE,
	PAIR_STATES,
};
const char *pair_state_name(enum pair_state s);

/* One of the policy's requests: IPComp and what protects it, or the latter alone. */
struct pair_part {
	enum ipsec_proto proto;
	enum ipsec_mode mode;
	uint32_t reqid_in, reqid_out, spi_in, spi_out;
	uint64_t serial_in, serial_out;
};
enum { PAIR_PARTS_MAX = 2 };

struct ike2_pair;
typedef void (*pair_fn)(struct ike2_pair *p);

struct ike2_pair {
	struct list node; /* its IKE SA's */
	struct ikesa *sa;
	enum pair_state state;
	bool initiator; /* this side asks for it */
	bool in_auth;   /* it is negotiated in IKE_AUTH, and has no key exchange of its own */
	bool is_made;   /* I: the peer has answered with an SA, and so has made its side */
	uint64_t acquire, begun_ms;
	struct child *old;      /* the pair that is to be renewed; NULL: none, or it has ended meanwhile */
	struct core_conf *held; /* of `conf`, which stays what it was when another one is loaded */
	const struct ike_child *conf;
	struct policy out, in;
	bool has_in;
	/* Further policies that its SAs will serve (pair_more.h), and those of them that policyd was asked
	 * for. */
	struct pair_more *more;
	uint16_t n_more, more_at, old_at;
	bool alone, gathered; /* I: without any; there will be no others than these */
	struct list wishes;   /* for other policies' SAs, which may come of it */
	uint64_t grant;
	uint8_t n_parts, at;
	struct pair_part part[PAIR_PARTS_MAX];
	bool comp;         /* both sides compress */
	uint16_t comp_cpi; /* R: the peer's, and it can */
	struct offer_child terms;
	struct offer_choice choice; /* R: its octets are not valid any more, its number is */
	enum alg_group group;       /* I: of the KE payload that is sent */
	struct octets ni, nr, ke;
	/* Both sides renew `old` at once: the nonces decide, of which this is the least of the other one's.
	 */
	bool crossed;
	struct octets rival;
	struct crypto_dh *dh;
	struct secret *gir, *key_in, *key_out; /* the latter of ESP or AH, once they are needed */
	/* R: what the peer asks for, until the policies are known. */
	struct octets request;
	struct selectors ts;
	uint16_t ke_group;
	bool transport, chosen; /* the configuration was looked through */
	uint8_t try_at;
	struct parked wait;
	pair_fn then;  /* behind the question that is out */
	pair_fn ready; /* I: everything is there for the request; R: for the response */
	void (*failed)(
	    struct ike2_pair *p, uint16_t notify); /* R: the response says no; NULL: nobody waits */
	struct timer patience;
};

/* How long its SAs live: an end there always is. */
enum { PAIR_LIFE_DEFAULT_S = 28800 };
static inline uint64_t pair_seconds(const struct ike2_pair *p)
{
	return p->conf->seconds ? p->conf->seconds : PAIR_LIFE_DEFAULT_S;
}

/* NULL without memory, or, of the peer's, when it asks for too many. */
struct ike2_pair *pair_new(struct ikesa *sa, bool initiator);
/* One of ours under way for this policy, or of either side with the same peer. NULL: none. */
struct ike2_pair *pair_of_policy(struct core *c, uint32_t policy_id);
struct ike2_pair *pair_with(struct core *c, uint32_t policy_id, const struct inet_addr *remote);
/* The IKE SA is up: it begins. `in_auth`: it is for the message that will bring it up. Calls `ready`. */
void pair_begin(struct ike2_pair *p, bool in_auth, pair_fn ready);
/* Everything is there for the request: it is asked for when its turn comes. `ready` of most. */
void pair_ask_in_turn(struct ike2_pair *p);
/* All of its time, anew. */
void pair_be_patient(struct ike2_pair *p);
/* The child under this IKE SA with what the peer chose for what we send. NULL: none. */
struct child *pair_child(struct ikesa *sa, enum ipsec_proto proto, uint32_t spi);
/* The same, of which the SAs are on their way into the data path: there soon, as the peer knows. */
struct ike2_pair *pair_making(struct ikesa *sa, enum ipsec_proto proto, uint32_t spi);
/* All waiting ones of an IKE SA begin. */
void pair_resume(struct ikesa *sa);
/* The IKE SA has ended: what waits for it ends. */
void pair_orphan(struct ikesa *sa);
/* It has failed: `notify` (0: none) for the peer if it waits, `why` for the log. What the peer has made of
 * our request is deleted. Frees it. */
void pair_fail(struct ike2_pair *p, uint16_t notify, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends it without a word: what it was for goes on elsewhere. */
void pair_drop(struct ike2_pair *p);
/* Its SAs are there: the pair is remembered as a child, in place of *ret_old (NULL: of none, or it has ended;
 * may itself be NULL). Frees it. NULL without memory, then *ret_old is not set. */
struct child *pair_done(struct ike2_pair *p, struct child **ret_old);
void pair_set_state(struct ike2_pair *p, enum pair_state next);
/* R: the answer is out, and this pair takes another one's place: what sends waits until the peer says that it
 * is done with that one, or has had time to be. */
void pair_hold(struct ike2_pair *p);
/* The peer has taken `old` away. */
void pair_old_gone(struct child *old);
/* I: it is asked for under another IKE SA, from the beginning. What it is there; NULL without memory, and
 * then it has failed. */
struct ike2_pair *pair_hand_over(struct ike2_pair *p, struct ikesa *to);
/* An IKE SA is replaced: what is being negotiated goes on under its successor. */
void pair_move(struct ikesa *from, struct ikesa *to);

/* pair_steps.c: questions, one after the other; `then` goes on. A failure ends it. */
void pair_ask_grant(struct ike2_pair *p, pair_fn then);
void pair_ask_spis(struct ike2_pair *p, pair_fn then);
void pair_install(struct ike2_pair *p, bool inbound, pair_fn then);

/* pair_say.c: its payloads. */
/* I: SA, nonce and KE (not in IKE_AUTH), selectors, notifications. 0 or -errno. */
must_check int pair_put_request(struct ike2_pair *p, struct ike_out *o);
/* I: the answer; what is needed of it is kept. 0; -EBADMSG, -ENOENT with a sentence. */
must_check int pair_take_answer(struct ike2_pair *p, const struct ike_chain *c, const char **ret_why);
/* R: the request is read and kept. 0; -EBADMSG with a sentence; -ENOMEM. */
must_check int pair_take_request(struct ike2_pair *p, const struct ike_chain *c, const char **ret_why);
/* R: looks for what fits, and makes it; then `ready` or `failed`. */
void pair_answer(struct ike2_pair *p);
void pair_put_answer(struct ike2_pair *p, struct ike_out *o);

/* pair_keys.c: makes the keys, under the IKE SA in which it was negotiated. 0 or -errno. */
must_check int pair_make_keys(struct ike2_pair *p);
/* The description of its SAs of part `i`, which borrows them, and `more`. */
struct sa_desc pair_sa(const struct ike2_pair *p, uint8_t i, bool inbound, uint32_t more[SA_MORE_MAX]);

/* Whatever is negotiated, of either version, is told by these. */
extern const struct child_ops pair_child_ops;

#endif
