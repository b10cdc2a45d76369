/*
 * An IKE SA of version 2 (RFC 7296), from the first message on. States change in one place, ike2_set_state(),
 * against the table of states.c.
 */
#ifndef POSTERN_KEYD_IKE2_SA_H
#define POSTERN_KEYD_IKE2_SA_H

#include "crypto/dh.h"
#include "crypto/ike2.h"
#include "keyd/core/child.h"
#include "keyd/core/core.h"
#include "keyd/core/octets.h"
#include "keyd/ike2/states.h"
#include "keyd/ike2/train.h"
#include "wire/ike/msg.h"
#include "wire/ike/out.h"

enum {
	IKE2_CERTS_MAX = 10,
	IKE2_FIRST_MAX = 8192,         /* octets of a message of IKE_SA_INIT */
	IKE2_SILENT_MAX = 10000,       /* begun by strangers who have proved nothing, while nothing is up, */
	IKE2_SILENT_LEAST = 2000,      /* and the same with as much up as there may be; */
	IKE2_SILENT_OCTETS = 16 << 20, /* of what they have sent, in all */
	IKE2_REPLACED_MAX = 16,        /* IKE SAs of one peer that it has renewed and not deleted yet */
	IKE2_PAIRS_ASKED_MAX = 64,     /* children of one IKE SA at once */
	IKE2_PARTS_MAX = 64,           /* fragments of one message */
	IKE2_MESSAGE_MAX = 60000,      /* octets of one message, and of its fragments together */
	IKE2_STRANGERS_PARTS = 32768,  /* the same of one who has proved nothing */
	IKE2_STRANGERS_PARTS_ALL = 16 << 20, /* and of all of these together */
	IKE2_LINES_RATE = 1,                 /* log lines that a peer causes, a second and at once */
	IKE2_LINES_BURST = 60,
};

/* What was agreed on for the IKE SA itself. */
struct ike2_terms {
	struct ike2_suite suite;
	enum alg_group group;
};

struct ikesa;
struct ike2_pair;

/* What this side wants to say: requests go one at a time (section 2.3), the others wait. */
enum ike2_task_kind {
	IKE2_TASK_NONE = 0,
	IKE2_TASK_PAIR,       /* a child, new or in place of another one */
	IKE2_TASK_REKEY,      /* another IKE SA in place of this one */
	IKE2_TASK_DROP_CHILD, /* a child is gone */
	IKE2_TASK_PROBE,      /* is anybody there? */
	IKE2_TASK_DROP_SA,    /* the IKE SA is gone: the last one */
};

struct ike2_task {
	struct list node;
	enum ike2_task_kind kind;
	struct ike2_pair *pair; /* PAIR; leaves the task when it ends before */
	enum ipsec_proto proto; /* DROP_CHILD, PAIR that is asked for: what we receive with */
	uint32_t spi;
};

/* Our request that is out. */
struct ike2_question {
	bool out;
	uint8_t exchange;
	struct ike2_task task; /* of IKE_SA_INIT and IKE_AUTH: NONE */
	struct ike2_train train;
	struct timer timer;
	uint32_t tries;
};

/* A message that comes in fragments. */
struct ike2_parts {
	uint32_t msg_id;
	bool response;
	uint8_t first;
	uint16_t total, n;
	size_t octets, weighed; /* the latter among all strangers' */
	struct octets part[IKE2_PARTS_MAX];
};

struct ikesa {
	struct list by_spi;
	struct list all;     /* among those that count, or among strangers' */
	struct list by_peer; /* of the former */
	struct list begun;   /* while it is a stranger's, who began it and has not proved who he is */
	uint64_t walk;       /* the last one that has come by (ike2_walk_next()) */
	struct core *core;
	struct core_conf *conf; /* held */
	uint32_t peer;          /* index in it */
	enum ike2_state state;
	bool initiator; /* this side began this IKE SA: its SPI is the first one */
	bool proved;    /* the peer has, and what it says counts */
	struct ike_path path;
	uint8_t spi_i[IKE2_SPI], spi_r[IKE2_SPI];
	struct ike2_terms terms;
	struct ike2_keys keys;
	uint64_t sealed; /* messages of ours under a counter mode */
	bool nat_here, nat_there, cuts, childless;
	bool single; /* the peer takes one pair of selectors for a child, and says so */
	unsigned peer_hashes;

	/* Until it is up. */
	struct octets message_i, message_r, nonce_i, nonce_r, id_i, id_r, cookie, statement;
	struct octets subject, issuer, own_cert[IKE2_CERTS_MAX], cert[IKE2_CERTS_MAX];
	struct octets
	    id_wanted; /* R: body of the IDr payload, who the peer wants us to be; empty: it says not */
	struct octets own_key, peer_key; /* SubjectPublicKeyInfo of who has no certificate (RFC 7670) */
	struct octets proof;             /* our AUTH payload, or the peer's while it is judged */
	uint8_t n_own_certs, n_certs;
	bool initial_contact;
	uint8_t groups_tried, cookies_tried; /* I: other groups, and cookies, that were asked for */
	uint8_t chosen;                      /* R: number of the peer's proposal */
	struct crypto_dh *dh;
	struct octets ke; /* the peer's public value, until the shared secret is made */
	size_t weight;    /* octets of a stranger's that are kept, while it is one */

	struct ike_id peer_id;
	struct party *party; /* held, since it is up */
	struct octets ticket;

	uint32_t next_own, next_peer; /* message ids: of our next request, of the peer's */
	struct ike2_question own;
	struct list tasks;        /* of struct ike2_task, behind `own` */
	struct ike2_train answer; /* to the peer's last request */
	uint64_t answered_ms;     /* when it was last said */
	bool answering;           /* the peer's request is being worked on */
	struct ike2_parts *parts; /* NULL: none is coming */
	struct ike2_pair *first;  /* what is negotiated in IKE_AUTH; NULL: nothing */
	struct list pairs;        /* all that are being negotiated, and wait for it */

	/* A rekeying of this one: ours while it is out, and the peer's once it is done (section 2.8.1). */
	struct ikesa *next_ours, *next_theirs, *replaces;
	struct octets least; /* of the nonces that made this SA, when it took another one's place */
	bool ours;           /* this side began the exchange that made this SA */
	bool full;           /* the peer takes nothing more under it (anew.h) */
	uint8_t no_more;     /* renewals in a row that it has refused so */
	struct ikesa *anew;  /* another one that was begun to take its place; NULL: none */
	bool is_anew;        /* it was begun for that */

	struct parked wait;
	void (*then)(struct ikesa *sa, struct core_reply *r);
	struct timer patience; /* the negotiation's end; then the SA's lifetime */
	struct timer renew, probe;
	struct timer twin; /* the peer has begun another one beside it */
	struct bucket lines;
	uint64_t begun_ms, established_ms, heard_ms;
	uint64_t proof_ms; /* when both have proved who they are, for this one or one that it has replaced */
	const char *failure; /* why it ends, for the log; NULL: it did not fail */
};

static inline const struct ike_peer *ike2_peer(const struct ikesa *sa)
{
	return &sa->conf->c->peer[sa->peer];
}

static inline bool ike2_is_strangers(const struct ikesa *sa)
{
	return !list_is_empty(&sa->begun);
}

static inline bool ike2_is_up(const struct ikesa *sa)
{
	return sa->state == IKE2_S_UP;
}

/* Messages come under its keys. */
static inline bool ike2_has_keys(const struct ikesa *sa)
{
	return sa->keys.d != NULL;
}

static inline const uint8_t *ike2_own_spi(const struct ikesa *sa)
{
	return sa->initiator ? sa->spi_i : sa->spi_r;
}

/* Makes one. `spi_i` NULL: this side begins. NULL: no memory, or there are too many. */
struct ikesa *ike2_sa_new(struct core *c, uint32_t peer, const struct ike_path *path, const uint8_t *spi_i);
/* One that takes another one's place: up as soon as it has keys, and with what is known of the peer. */
struct ikesa *ike2_sa_after(struct ikesa *old, bool initiator);
void ike2_set_state(struct ikesa *sa, enum ike2_state next);
/* It ends now, without a word: its children with it. Freed when nothing is on the stack. */
void ike2_sa_end(struct ikesa *sa, const char *why);
/* The peer is told, and it ends when that is answered or given up. */
void ike2_sa_leave(struct ikesa *sa, const char *why);
void ike2_bury(struct core *c);
/* Goes through all IKE SAs, each once, whichever of them end on the way: the end of one may be that of
 * others, so that no neighbour can be remembered. */
struct ike2_walk {
	struct core *core;
	struct list *head; /* where it is: first those that count, then the strangers' */
	bool known;        /* those are left out */
	bool peer;         /* `head` is of by_peer */
	uint64_t number;
	struct ikesa *at;
};
struct ike2_walk ike2_walk_begin(struct core *c);
/* Through those with this address, and some others; as below. */
struct ike2_walk ike2_walk_peer(struct core *c, const struct inet_addr *remote);
/* Not through those of strangers who have proved nothing. */
struct ike2_walk ike2_walk_known(struct core *c);
/* NULL: that was all. */
struct ikesa *ike2_walk_next(struct ike2_walk *w);
/* The peer has proved who it is. */
void ike2_sa_proved(struct ikesa *sa);
/* How many of strangers there may be beside so many that are up, of both versions: their private values lie
 * in the arena where the keys of those do. */
uint32_t ike2_silent_max(uint32_t n_up);
/* So many octets of a stranger's first message are kept with its negotiation; older ones give way. */
void ike2_sa_weigh(struct ikesa *sa, size_t octets);
/* The peer renews one after the other and deletes none. */
bool ike2_renews_often(const struct ikesa *sa);
/* One has come up: where its address has more than it needs, its oldest one ends. This may be it. */
void ike2_sa_limit(struct ikesa *sa);
/* All of a negotiation's time, anew. */
void ike2_be_patient(struct ikesa *sa);

/* By our own SPI; of a first request, which has none, by the peer's and its address. NULL: none. */
struct ikesa *ike2_find(struct core *c, const uint8_t *own_spi, bool initiator);
struct ikesa *ike2_find_begun(struct core *c, const uint8_t *spi_i, const struct inet_addr *remote);
/* The newest that is up with this peer of the configuration; or on its way there, begun by us. */
struct ikesa *ike2_find_up(struct core *c, const struct ike_path *path, uint32_t peer);
/* Of them one under which the peer takes further children. */
struct ikesa *ike2_find_open(struct core *c, const struct ike_path *path, uint32_t peer);
struct ikesa *ike2_find_coming(struct core *c, const struct ike_path *path, uint32_t peer);

/* Whether one more line that the peer causes may be written. */
bool ike2_may_say(struct ikesa *sa);
/* "A[500]-B[500] spi:SPI:SPI". */
enum { IKE2_NAME_MAX = 200 };
const char *ike2_name(const struct ikesa *sa, char buf[IKE2_NAME_MAX]);

/* Parks on a neighbour's answer: `then` gets it. */
uint64_t ike2_park(struct ikesa *sa, void (*then)(struct ikesa *sa, struct core_reply *r));

#endif
