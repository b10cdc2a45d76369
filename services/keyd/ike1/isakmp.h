/*
 * An ISAKMP SA of version 1: phase 1 while it is being negotiated and what it becomes. States change in one
 * place, isakmp_set_state(), against the table of states.c.
 */
#ifndef POSTERN_KEYD_IKE1_ISAKMP_H
#define POSTERN_KEYD_IKE1_ISAKMP_H

#include "crypto/dh.h"
#include "keyd/core/party.h"
#include "keyd/core/seen.h"
#include "keyd/core/window.h"
#include "keyd/ike1/choose.h"
#include "keyd/ike1/remote_access.h"
#include "keyd/ike1/states.h"
#include "keyd/keep/keep.h"
#include "wire/ike/msg.h"
#include "wire/ike/out.h"

struct child;

enum { ISAKMP_CERTS_MAX = 10 };
/* What one peer, who it is once known, may have us do under one ISAKMP SA. */
enum {
	ISAKMP_ASKS_RATE = 20, /* quick modes that it begins, a second and at once */
	ISAKMP_ASKS_BURST = 500,
	ISAKMP_ASKED_MAX = 64, /* of them under way */
	ISAKMP_SAS_MAX = 16,   /* ISAKMP SAs, whoever began them */
	ISAKMP_LINES_RATE = 1, /* log lines about what it says and does wrong */
	ISAKMP_LINES_BURST = 60,
};

/* What was agreed on for the ISAKMP SA itself. */
struct isakmp_terms {
	enum alg_enc enc;
	uint16_t key_len; /* octets */
	enum alg_prf prf;
	enum alg_group group;
	enum ike_auth_method auth;
	uint64_t seconds;
};

/* What is known of who began it; one that this side began is trusted as far as it comes. */
enum isakmp_trust {
	ISAKMP_TRUSTED = 0, /* up, or our own */
	ISAKMP_SILENT,      /* anybody can have sent its first message, from any address */
	ISAKMP_RETURNED,    /* somebody at its address receives what we send */
};

struct isakmp {
	struct list by_cookie, begun, all, unproved; /* the last one while it is neither up nor ours */
	struct core *core;
	struct core_conf *conf; /* held */
	uint32_t peer;          /* index in it */
	enum isakmp_state state;
	bool initiator;
	enum isakmp_trust trust;
	enum ike_mode mode;
	struct ike_path path;
	uint8_t icookie[IKE_COOKIE_LEN], rcookie[IKE_COOKIE_LEN];
	struct isakmp_terms terms;

	/* Bodies of payloads that proofs are made over. */
	struct octets sa, answer, gxi, gxr, ni, nr, idi, idr;
	struct crypto_dh *dh; /* until the shared secret is made */
	struct secret *gxy;   /* until the keys are */
	struct ike1_keys keys;
	struct secret *cipher_key;
	uint8_t iv[IKE1_BLOCK_MAX];      /* behind the last message of phase 1; then the seed of all others */
	uint8_t next_iv[IKE1_BLOCK_MAX]; /* behind a message whose proof is being judged, or was refused */
	size_t block;                    /* octets; 0: nothing is agreed yet */

	/* Who the peer is. */
	struct ike_id peer_id;
	struct party *party;           /* held, since it is up */
	struct octets proof;           /* of the peer, until it is judged; ours, until it is sent */
	bool sealed;                   /* R, aggressive: the peer's came enciphered */
	uint16_t refusal;              /* that the peer hears in a moment (refusal.c); 0: nothing */
	struct octets subject, issuer; /* our certificate's, once it was asked for */
	struct octets own_cert[ISAKMP_CERTS_MAX], cert[ISAKMP_CERTS_MAX]; /* the latter the peer's */
	uint8_t n_own_certs, n_certs;
	struct octets ticket;
	int nat_form;                    /* enum nat_form */
	bool nat_here, nat_there;        /* found: in front of us, in front of the peer */
	struct ike_path heard_from;      /* the message that is being looked at */
	bool peer_dpd;                   /* it answers R-U-THERE */
	bool cuts;                       /* it takes messages in fragments */
	bool began_anew;                 /* it says so in the message with its proof */
	struct fragment_room *fragments; /* of one that is coming; NULL: none is */
	struct timer dpd;
	uint32_t dpd_seq, dpd_unanswered;
	bool is_dead;      /* the peer did not answer them */
	uint64_t heard_ms; /* when something authenticated came last */

	struct window window;
	struct parked wait;
	void (*then)(struct isakmp *sa);                           /* auth.c: what is done with the answer, */
	void (*not_so)(struct isakmp *sa, int r, const char *why); /* and with one that says no */
	struct timer patience; /* the negotiation's end; then the SA's lifetime */
	struct timer renew;    /* when to begin another in its place */
	struct seen seen;      /* message ids that the peer has used */
	struct bucket asks, lines;
	struct keep_place place;     /* of what outlives this process */
	struct list quicks;          /* exchanges under it, and those that wait for it */
	enum ipsec_proto gone_proto; /* I: begun because the peer sends into this one, */
	uint32_t gone_spi;           /* which is not here; 0: not for that */
	struct remote_access ra;
	uint64_t begun_ms, established_ms;
	bool tell_life;      /* R: it lives shorter than the peer offered */
	uint64_t told_life;  /* I: seconds that the peer says; 0: nothing */
	const char *failure; /* why it ends, for the log; NULL: it did not fail */
};

static inline const struct ike_peer *isakmp_peer(const struct isakmp *sa)
{
	return &sa->conf->c->peer[sa->peer];
}

static inline bool isakmp_is_up(const struct isakmp *sa)
{
	return sa->state == ISAKMP_UP;
}

/* Phase 1 is over, so messages come under its keys; what is asked beside may still be open. */
static inline bool isakmp_has_keys(const struct isakmp *sa)
{
	return sa->state == ISAKMP_UP || sa->state == ISAKMP_XAUTH || sa->state == ISAKMP_CONFIG;
}

/* Makes one that has sent nothing yet. `icookie` NULL: this side begins. NULL: no memory, or the table is
 * full. */
struct isakmp *isakmp_new(
    struct core *c, uint32_t peer, const struct ike_path *path, enum ike_mode mode, const uint8_t *icookie);
/* One that an earlier life of this process has kept: up, and with what finds it; the rest is restore.c's.
 * NULL: no memory, or it is there already. */
struct kept_isakmp;
struct isakmp *isakmp_back(struct core *c, const struct kept_isakmp *k);
/* A message of the peer's has come whose hash is right. */
void isakmp_heard(struct isakmp *sa);
/* The only place where a state changes. */
void isakmp_set_state(struct isakmp *sa, enum isakmp_state next);
/* Whether the peer uses this message id for the first time; from now on it is used,
 * whatever happens to this process. An SA whose ids cannot be
 * remembered any more ends. */
must_check bool isakmp_take_id(struct isakmp *sa, uint32_t msg_id);
/* Whether one more line that the peer causes may be written. */
bool isakmp_may_say(struct isakmp *sa);
/* As much time again as all of phase 1 has. */
void isakmp_be_patient(struct isakmp *sa);
/* It ends: exchanges under it end with it, and it is freed when nothing is on the stack. */
void isakmp_end(struct isakmp *sa);
/* Frees what has ended. */
void isakmp_bury(struct core *c);
/* By both cookies; one that we began and that has no answer yet is found by its own. NULL: none. */
struct isakmp *isakmp_find(struct core *c, const uint8_t *icookie, const uint8_t *rcookie);
/* What a peer began with this cookie: its first message has come before. NULL: none. */
struct isakmp *isakmp_find_begun(struct core *c, const uint8_t *icookie, const struct inet_addr *remote);
/* Whichever block of the address it has. */
enum { ISAKMP_ANY_PEER = UINT32_MAX };
/* An established one with this peer of the configuration, the one under which it was heard last: with `who`,
 * or where nobody is meant (NULL) with whoever is at this place. A path to port 500 may also be no more than
 * an address, of which any client behind it will do, if it has to. NULL: none. */
struct isakmp *isakmp_find_up(
    struct core *c, const struct ike_path *path, uint32_t peer, const struct party *who);
/* With whatever peer of the configuration is there. */
struct isakmp *isakmp_find_host(struct core *c, const struct ike_path *path);
/* The same with this one and nobody else. */
struct isakmp *isakmp_find_of(const struct child *k);
/* One that is on its way there, begun by this side. NULL: none. */
struct isakmp *isakmp_find_coming(struct core *c, const struct ike_path *path, uint32_t peer);
/* A newer one that is up with the same peer. NULL: none. */
struct isakmp *isakmp_find_successor(const struct isakmp *sa);
/* One has come up: where the peer, or its address, has more than it needs, its oldest one ends. This may be
 * it. */
void isakmp_limit(struct isakmp *sa);
/* The peer has shown that it receives what we send: it gives way only to others that have. */
void isakmp_returned(struct isakmp *sa);

enum { ISAKMP_COOKIES_LEN = 2 * IKE_COOKIE_LEN };

/* Both cookies, which are its SPI in notifications and deletions (RFC 2408 section 3.14). */
void isakmp_put_cookies(const struct isakmp *sa, uint8_t ret[ISAKMP_COOKIES_LEN]);
/* The header of its next message. */
struct ike_hdr isakmp_header(const struct isakmp *sa, uint8_t exchange, uint8_t flags, uint32_t msg_id);
/* "A[500]-B[500] spi:COOKIE:COOKIE", racoon's form. */
enum { ISAKMP_NAME_MAX = 200 };
const char *isakmp_name(const struct isakmp *sa, char buf[ISAKMP_NAME_MAX]);

#endif
