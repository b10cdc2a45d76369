/*
 * What stands between the end of phase 1 and the first quick mode of a remote client: who its user is
 * (XAuth), and what addresses it gets (mode config). What of it an ISAKMP SA knows is here; the messages are
 * in xauth.c and mode_config.c.
 */
#ifndef POSTERN_KEYD_IKE1_REMOTE_ACCESS_H
#define POSTERN_KEYD_IKE1_REMOTE_ACCESS_H

#include "base/list.h"
#include "keyd/core/octets.h"
#include "keyd/core/timers.h"
#include "wire/ike/v1_cfg.h"

struct ike_hdr;
struct isakmp;
struct transaction;

enum { REMOTE_EARLY = 3 }; /* a question, and two notifications */

/* What a server has given us; texts are owned. */
struct mode_given {
	struct ike1_values v; /* but for its texts */
	struct octets banner, domain, split_dns;
};

struct remote_access {
	struct list transactions; /* exchanges of this kind that are under way, or could be asked for again */
	uint8_t n_transactions;
	bool user_known; /* the user has been believed, by us or by the peer */
	bool said_so;    /* and we have told the client */
	bool configured; /* the server has answered what we asked for */
	/* Messages that came before the peer's proof was judged; empty: none. */
	struct octets early[REMOTE_EARLY];
	struct timer later; /* when they are looked at */
	uint8_t tries;      /* passwords that were judged, or sent */
	struct timer pause;
	struct transaction *asked; /* the server's question, while certd looks for the password; NULL: none */
	bool asked_passcode;
	struct octets user, groups; /* with a zero behind; empty: none */
	bool has_lease;
	uint32_t lease;
	struct inet_addr address; /* that the client was given; INET_NONE: none */
	struct mode_given *given; /* NULL: nothing */
};

void remote_access_init(struct isakmp *sa);
/* With everything that came of it. */
void remote_access_fini(struct isakmp *sa);
/* The next thing that has to be settled before the SA is up. True: it is under way, and phase1_up() is called
 * again when it is settled. */
must_check bool remote_access_goes_on(struct isakmp *sa);
/* A message for whose turn it is too early: servers ask right behind their proof, and base mode's responder
 * says there what it has to say. The last question is kept, and of notifications, to who began, the first
 * two. */
void remote_access_early(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d);
/* The SA is up. */
void remote_access_up(struct isakmp *sa);
/* The address by which this peer is known inside of tunnels: what it was given, or where it is. */
const struct inet_addr *remote_access_addr(const struct isakmp *sa);
/* The user's groups; NULL: none. */
const char *remote_access_groups(const struct isakmp *sa);

/* xauth.c. This side asks who the peer's user is. */
void xauth_ask(struct isakmp *sa);
/* A message of the peer's with XAuth's attributes. */
void xauth_message(struct transaction *t, const struct ike1_config *c);

/* mode_config.c. This side asks for an address and more. */
void mode_config_ask(struct isakmp *sa);
/* This side gives them without having been asked. */
void mode_config_push(struct isakmp *sa);
/* The address of the pool that it had in an earlier life of this process. 0; -ENOENT: there is no such
 * number; -EEXIST: it is somebody else's; -ENOMEM. */
must_check int mode_config_reclaim(struct isakmp *sa, uint32_t number);
void mode_config_message(struct transaction *t, const struct ike1_config *c);
void mode_given_free(struct mode_given *g);

#endif
