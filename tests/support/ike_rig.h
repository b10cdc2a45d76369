/*
 * Two keyd cores in one process over a simulated wire, with deliberately stupid stand-ins for certd, policyd
 * and datapathd. Everything that happens is an event with a time; a run is reproducible from its seed.
 */
#ifndef POSTERN_TESTS_IKE_RIG_H
#define POSTERN_TESTS_IKE_RIG_H

#include "base/list.h"
#include "crypto/ike2.h"
#include "keyd/core/core.h"
#include "keyd/core/child.h"
#include "keyd/ike1/isakmp.h"
#include "keyd/ike2/pair.h"
#include "keyd/keep/keep.h"

enum {
	RIG_SAS_MAX = 512,
	RIG_POLICIES_MAX = 16,
	RIG_MORE_MAX = 16,
	RIG_LOG_MAX = 1 << 16,
	RIG_CERT_MAX = 8000,
	RIG_STORED_MAX = 4
};

/* An SA that datapathd would have. */
struct rig_sa {
	uint64_t serial; /* 0: free */
	bool inbound;
	uint64_t partner; /* of one outbound */
	bool orphan;      /* whose keyd died before it knew of it */
	uint64_t made_ms;
	struct sa_desc desc;
	uint8_t enc_key[ALG_KEY_MAX], auth_key[ALG_KEY_MAX];
	uint32_t more[RIG_MORE_MAX]; /* further reqids */
};

/* An exchange that certd would know. */
struct rig_exchange {
	struct list node;
	uint8_t nonce[32];
	bool we_began, told, keyed, proved;
	uint8_t icookie[8], rcookie[8];
	struct ike1_keys keys;
	struct octets peer_nonce, gxi, gxr, sa, idi; /* the last one: in base mode */
	enum ike_auth_method auth;                   /* of version 2: the configuration's first, ours */
	enum ike_auth_method peer_auth;              /* of version 2 */
	/* of version 2 */
	struct octets message_i, message_r;
	struct ike2_keys keys2; /* prf, SK_pi and SK_pr alone */
};

struct rig;

struct rig_side {
	struct rig *rig;
	struct core *core;
	struct inet_addr addr;
	const char *psk;
	const char *subject;         /* of its certificate; NULL: none */
	struct ike1_octets bare_key; /* its key, in place of a certificate */
	const char *not_me;          /* a host's name that its certd does not speak for */
	unsigned n_keys_shown;       /* public keys that a peer sent, to this one's certd-verify */
	size_t cert_len;             /* octets of that, at most RIG_CERT_MAX; 0: as long as its subject */
	int verdict;                 /* on a peer whose proof is right: 0, or -errno and why */
	const char *why;
	unsigned n_judged;     /* proofs of the peer */
	struct list exchanges; /* of struct rig_exchange */
	uint32_t n_begun, n_forgotten, n_switched;
	/* XAuth: the one user there is, and his password; of a client what it sends; NULL: there is none */
	const char *user, *password;
	bool makes_none; /* policies for clients */
	unsigned n_logins, n_made, n_dropped;
	struct policy out[RIG_POLICIES_MAX], in[RIG_POLICIES_MAX];
	size_t n_policies;
	struct rig_sa sa[RIG_SAS_MAX];
	uint32_t larva[RIG_SAS_MAX];
	uint32_t n_larvae, n_grants, n_done_ok, n_done_bad;
	bool dead;       /* hears and says nothing */
	bool traces;     /* level debug is read */
	bool grants_one; /* its policyd: leave for one policy at a time only */
	struct keep *keep;
	struct {
		char name[KEEP_NAME_MAX];
		int fd;
	} stored[RIG_STORED_MAX]; /* the launcher's store */
	size_t n_stored;
	/* Events that hooks was told, in order, each with a blank behind; and the last one. */
	char hooks[512], last_id[64];
	struct core_hook last_hook; /* without what it borrowed */
	char *log;                  /* every line of this side */
	size_t n_log;
	unsigned n_lines; /* of them, those above level debug */
};

/* What the wire does to a datagram. */
struct rig_wire {
	unsigned loss, twice, late; /* per mille */
	/* Looks at each datagram on its way, may change it; false: it is lost. May be NULL. */
	bool (*tamper)(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d);
};

struct rig {
	struct clock_fake clock;
	struct rng_seeded rng;
	struct list events;
	struct rig_side a, b;
	struct rig_wire wire;
	struct inet_addr nat; /* in front of A: what B sees in its place; INET_NONE: there is none */
	uint16_t nat_port[2]; /* for A's ports 500 and 4500; 0: unchanged */
	unsigned n_datagrams; /* sent so far */
	uint64_t last_spi, last_serial, last_grant;
	void *arg; /* of the test */
};

/* `conf_a` and `conf_b` are taken. */
void rig_init(struct rig *r, uint64_t seed, struct ike_conf *conf_a, struct ike_conf *conf_b);
void rig_fini(struct rig *r);

/* A configuration for a peer at `addr`: one offer of 3des-sha1-modp1024 (fast: curve25519 in its place), one
 * sainfo of everything. */
struct ike_conf *rig_conf(enum ike_mode mode, enum ike_auth_method auth, bool fast);
/* The same of version 2: aes128-sha256-x25519, and aes128gcm for children. */
struct ike_conf *rig_conf2(enum ike_auth_method auth);
/* Gives both sides the policy esp/MODE/require for everything of `proto` between the two. */
void rig_policy(struct rig *r, enum ipsec_mode mode, uint16_t proto);
/* The same with other requests, the innermost first, NONE behind the last. */
void rig_policy_of(struct rig *r, enum ipsec_mode mode, const enum ipsec_proto *protos, uint16_t upper);
/* How B sees A. */
struct inet_addr rig_outside(const struct rig *r);
/* A packet on this side needs the SAs of policy `n`. */
void rig_packet(struct rig_side *s, size_t n);
/* Runs events and timers until `ms` have passed. */
void rig_run(struct rig *r, uint64_t ms);
/* The same, and SAs end when their lifetime is over. Whether rig_is_usable() held all the while. */
bool rig_live(struct rig *r, uint64_t ms);
/* The soft or hard limit in octets has come for every SA of this side. */
void rig_spent(struct rig_side *s, bool hard);
/* This side's certd forgets every exchange. */
void rig_certd_restart(struct rig_side *s);
/* This host forgets everything without a word and comes back with `conf` (taken). */
void rig_restart(struct rig_side *s, struct ike_conf *conf);

/* keyd alone dies here and is started again: its launcher, and datapathd, have what they had. */
void rig_rebirth(struct rig_side *s);
/* keyd asks its datapathd which SAs it still has. */
void rig_recall(struct rig_side *s);

/* Every SA sends a packet; who receives one for an SA that is not there tells its core. */
void rig_traffic(struct rig *r);
size_t rig_count(const struct rig_side *s, bool inbound);
/* Whether everything that either side sends into, the other receives, with the same keys and algorithms; else
 * *ret_why. */
bool rig_agrees(const struct rig *r, const char **ret_why);
/* Whether what each side would send through now, the other receives. */
bool rig_is_usable(const struct rig *r);
bool rig_logged(const struct rig_side *s, const char *text);
/* States have changed by their tables, nothing is under way any more, nothing waits, no larva and no grant is
 * left that no child owns, no address and no fragment that nobody has. */
bool rig_is_calm(const struct rig *r, const char **ret_why);

#endif
