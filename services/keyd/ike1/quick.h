/*
 * A quick mode exchange (RFC 2409 section 5.5): the negotiation of the SAs of one policy, from the packet or
 * the message that asks for them to the pair that is left behind.
 */
#ifndef POSTERN_KEYD_IKE1_QUICK_H
#define POSTERN_KEYD_IKE1_QUICK_H

#include "keyd/core/window.h"
#include "keyd/core/child.h"
#include "keyd/ike1/isakmp.h"

enum quick_state {
	QUICK_NONE = 0,
	QUICK_WAITING,    /* for its ISAKMP SA */
	QUICK_MATCHING,   /* R: waits for the policies that fit (policyd) */
	QUICK_GRANTING,   /* waits for leave (policyd) */
	QUICK_NUMBERING,  /* waits for SPIs (datapathd) */
	QUICK_OFFERED,    /* I: message 1 is out */
	QUICK_OPENING,    /* installs what receives (datapathd) */
	QUICK_ANSWERED,   /* R: message 2 is out */
	QUICK_CONFIRMING, /* I: message 3 is out, and the peer wants to say when it is ready */
	QUICK_SENDING,    /* installs what sends (datapathd) */
	QUICK_DONE,
	QUICK_STATES,
};

/* One request of the policy: what was agreed on, and the two SAs made of it. */
struct quick_part {
	enum ipsec_proto proto;
	enum ipsec_mode mode;
	uint32_t reqid_in, reqid_out;
	uint32_t spi_in, spi_out;
	enum alg_enc enc;
	uint16_t wire_bits;
	enum alg_auth auth;
	enum alg_comp comp;
	uint64_t serial_in, serial_out;
	/* R: the peer's own words for what was chosen, which the answer repeats */
	uint8_t proposal, transform, transform_id;
	struct octets attrs;
};

struct quick_nets;
struct ike1_ident;

struct quick {
	struct list node; /* its ISAKMP SA's */
	struct isakmp *sa;
	enum quick_state state;
	bool initiator;
	uint32_t msg_id;
	uint8_t iv[IKE1_BLOCK_MAX];
	uint64_t acquire; /* policyd's number; 0: nobody waits */
	uint64_t begun_ms;
	struct child *old;      /* the pair that is to be renewed; NULL: none, or it has ended meanwhile */
	struct core_conf *held; /* the configuration it was begun under, which has */
	const struct ike_child *conf; /* this */
	struct policy out, in;
	bool has_in;
	uint64_t grant;
	uint8_t n_parts, at; /* part that is being worked on */
	struct quick_part part[POLICY_REQUESTS_MAX];
	struct ike1_terms terms;
	bool shapes;    /* R: the policy is made from what is chosen */
	bool tell_life; /* R: the peer must hear that lifetimes are shorter */
	struct octets ni, nr, ke, id_local, id_remote;
	bool with_ids;
	struct quick_nets *nets; /* that the two identities are made of; NULL: the policy's selector is all */
	bool commit;             /* the peer has set the commit bit */
	struct inet_addr oa_local, oa_remote; /* NAT-OA: how the peer sees us, how it sees itself */
	struct crypto_dh *dh;
	struct secret *gxy;
	struct window window;
	struct parked wait;
	void (*then)(struct quick *q);
	struct timer patience;
	struct octets request; /* R: message 1's SA payload, until the policies are known */
};

/* quick.c: its life. */
bool quick_join(struct core *c, const struct core_acquire *a);
bool quick_needs(const struct core *c, uint32_t policy_id);
void quick_acquire(struct core *c, const struct core_acquire *a);
/* What only this version can do for the pairs that it has made. */
extern const struct child_ops quick_child_ops;
/* The administrator's: begins, unless one of this policy is under way. The peer has a remote. */
void quick_wish(struct core *c, const struct policy *out, const struct ike_path *path);
/* One under way for this policy, begun by us. NULL: none. */
struct quick *quick_of_policy(struct core *c, uint32_t policy_id);
/* An ISAKMP SA with this peer (as isakmp_find_up()): there, on its way, or made now and still to be begun.
 * NULL: it cannot be. */
struct isakmp *quick_phase1_with(
    struct core *c, uint32_t peer, const struct ike_path *path, const struct party *who);
const char *quick_state_name(enum quick_state s);
/* The ISAKMP SA is up: what waited for it begins. */
void quick_resume(struct isakmp *sa);
/* The ISAKMP SA has ended, and with it what is under way there. */
void quick_orphan(struct isakmp *sa);
struct quick *quick_new(struct isakmp *sa, bool initiator);
void quick_set_state(struct quick *q, enum quick_state next);
/* A message of the peer is what it waits for. */
static inline bool quick_listens(const struct quick *q)
{
	return q->state == QUICK_OFFERED || q->state == QUICK_ANSWERED || q->state == QUICK_CONFIRMING;
}
/* It has failed: `notify` (0: none) for the peer, `why` for the log. Frees it. */
void quick_fail(struct quick *q, uint16_t notify, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Everything is installed: leaves the pair behind. Frees it. */
void quick_done(struct quick *q);
struct quick *quick_find(struct isakmp *sa, uint32_t msg_id);
/* Whether a successor of this pair has been agreed on and is being installed. */
bool quick_installs(const struct child *k);

/* quick_mode.c: its messages. */
void quick_begin(struct quick *q);
void quick_message(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d);

/* CONNECTED came in an informational exchange with this message id. */
void quick_connected(struct isakmp *sa, uint32_t msg_id);
/* R: what was chosen can be answered. */
void quick_chosen(struct quick *q);

/* quick_range.c: identities that are ranges. I: the sainfo has some, which are said in the place of the
 * policy's networks. False: they cannot be. */
must_check bool quick_say_ranges(struct quick *q);
/* R: both identities are taken as selectors, which one policy each is for. 0; -EBADMSG; -E2BIG; -ENOMEM. */
must_check int quick_take_nets(
    struct quick *q, const struct ike1_ident *local, const struct ike1_ident *remote);
/* Whether they are something else than the selector of `out`; then asks for the policies of all. R: the first
 * ones are `out` and `in` then. */
bool quick_has_nets(const struct quick *q);
void quick_ask_nets(struct quick *q, void (*then)(struct quick *q));
/* Whether its SAs are for this policy. */
bool quick_is_for(const struct quick *q, uint32_t policy_id);

/* quick_generate.c: a policy for a client. Whether one is to be made, with policyd's answer to match. */
bool quick_generates(const struct quick *q, const struct core_reply *r);
void quick_generate(struct quick *q);
/* The policy that n proposals with one number, from `at` on, would need. False: none can be made of them. */
struct ike1_sa;
must_check bool quick_shape(struct quick *q, const struct ike1_sa *s, uint8_t at, uint8_t n);

/* quick_steps.c: its questions to others; each goes on with `then` or fails. */
void quick_ask_grant(struct quick *q, void (*then)(struct quick *q));
void quick_ask_spis(struct quick *q, void (*then)(struct quick *q));
void quick_install(struct quick *q, bool inbound, void (*then)(struct quick *q));

/* quick_offer.c: its SA payloads. */
/* The parts that the policy's requests make. False: it cannot be negotiated with this peer, *ret_why says
 * why.
 */
must_check bool quick_plan(struct quick *q, const char **ret_why);
void quick_put_offer(struct quick *q, struct ike_out *o);
/* R: chooses from `request`. 0; -ENOENT with a sentence; -EBADMSG. */
must_check int quick_choose(struct quick *q, struct err_text *e);
void quick_put_answer(struct quick *q, struct ike_out *o);
/* I: takes the answer. The same answers. */
must_check int quick_take_answer(struct quick *q, const struct ike_payload *p, struct err_text *e);

/* quick_keys.c: key material for one SA, as the description to install. `enc_key` and `auth_key` of *ret
 * borrow from *ret_keymat. 0 or -errno. */
must_check int quick_sa(const struct quick *q, const struct quick_part *p, bool inbound, struct sa_desc *ret,
    struct secret **ret_keymat);

#endif
