/*
 * What key exchange is told to do: peers, what may be agreed on with them, and what the associations made so
 * may protect. The configuration readers make it, keyd works by it, certd and policyd know the parts of it
 * that they have to check keyd against. No secret is in it, only the names of files that hold some.
 */
#ifndef POSTERN_IPSEC_IKE_CONF_H
#define POSTERN_IPSEC_IKE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "inet/addr.h"
#include "ipsec/alg.h"
#include "ipsec/alg_ike.h"
#include "ipsec/selector.h"

enum {
	IKE_PEERS_MAX = 5000,
	IKE_CHILDREN_MAX = 10000,
	IKE_OFFERS_MAX = 64,       /* proposals of one peer */
	IKE_SET_MAX = 256,         /* children that are negotiated as one, */
	IKE_SET_SIDES_MAX = 64,    /* and different selectors of each of their sides */
	IKE_PEER_IDS_MAX = 16,     /* identities one peer may have */
	IKE_AUTHORITIES_MAX = 8,   /* files of one peer's */
	IKE_ALGS_MAX = 32,         /* of one kind in a child's list */
	IKE_LISTEN_MAX = 64,       /* addresses to listen on */
	IKE_ID_DATA_MAX = 1024,    /* octets of an identity */
	IKE_CONF_TEXT_MAX = 1024,  /* octets of a name or path */
	IKE_PUBLIC_KEY_MAX = 2048, /* octets of a SubjectPublicKeyInfo; one of RSA of 8192 bits has 1062 */
	IKE_PORT = 500,
	IKE_PORT_NATT = 4500,
	IKE_KEEPALIVE_UNSAID = UINT16_MAX, /* of natt_keepalive_s: as the data path is told, usually 20 */
	IKE_LIFE_MAX_S = 86400,            /* of an IKE SA, whatever a peer wants */
	IKE_RANGE_NETS_MAX =
	    16, /* networks that the ranges of a negotiation are made of, both sides multiplied */
	IKE_SPLITS_MAX = 16,  /* networks of one kind that clients are told */
	IKE_POOL_MAX = 65534, /* addresses for clients */
	IKE_NONCE_MIN = 8,
	IKE_NONCE_MAX = 256,
};

/* Kinds of identities (RFC 2407 section 4.6.2.1, RFC 7296 section 3.5) as far as they name a peer. */
enum ike_id_kind {
	IKE_ID_NONE = 0,
	IKE_ID_ADDRESS,   /* no data: the address in use; else 4 or 16 octets */
	IKE_ID_FQDN,      /* the name's octets */
	IKE_ID_USER_FQDN, /* user@name */
	IKE_ID_KEYID,     /* any octets */
	IKE_ID_DN,        /* no data: the subject of the certificate; else a name as text (RFC 4514) */
	IKE_ID_DN_DER,    /* a name's DER, as it was typed in hexadecimal or came from a peer */
};

struct ike_id {
	enum ike_id_kind kind;
	uint16_t len;
	uint8_t data[IKE_ID_DATA_MAX];
};

enum ike_mode { IKE_MODE_NONE = 0, IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE, IKE_MODES };

/* How the two prove who they are (racoon.conf's authentication_method). */
enum ike_auth_method {
	IKE_AUTH_NONE = 0,
	IKE_AUTH_PSK,
	IKE_AUTH_RSA,
	IKE_AUTH_XAUTH_PSK_CLIENT,
	IKE_AUTH_XAUTH_PSK_SERVER,
	IKE_AUTH_XAUTH_RSA_CLIENT,
	IKE_AUTH_XAUTH_RSA_SERVER,
};

/* What an answering side makes of lifetimes, key lengths and groups that are not its own. */
enum proposal_check {
	CHECK_NONE = 0,
	CHECK_OBEY,   /* the peer's word */
	CHECK_STRICT, /* nothing longer or shorter than our policy bears */
	CHECK_CLAIM,  /* our lifetime where the peer's is longer, and it is told */
	CHECK_EXACT,  /* equal or nothing */
};

/* When a script of root's is run: an IKE SA is established, has ended, its peer was found dead. */
enum ike_hook { IKE_HOOK_NONE = 0, IKE_HOOK_UP, IKE_HOOK_DOWN, IKE_HOOK_DEAD, IKE_HOOKS };

enum ike_switch { IKE_OFF = 0, IKE_ON, IKE_FORCE };
enum ike_generate { IKE_GENERATE_OFF = 0, IKE_GENERATE_REQUIRE, IKE_GENERATE_UNIQUE };

/* One `proposal` for the IKE SA itself. key_bits 0: the cipher has one length. */
struct ike_offer {
	enum alg_enc enc;
	uint16_t key_bits;
	enum alg_prf hash;
	enum alg_group group;
	enum ike_auth_method auth;
	uint64_t seconds;
	uint32_t line; /* in its file, for messages */
};

struct ike_dpd {
	bool announce;
	uint32_t delay_s; /* 0: does not probe */
	uint32_t retry_s, maxfail;
};

/* One `remote`. Texts are owned; NULL: not said. File names are absolute. */
struct ike_peer {
	char *name; /* unique: an address, "anonymous", or what it was called */
	char *file; /* where it was configured */
	uint32_t line;
	struct inet_addr addr; /* INET_NONE: any (anonymous) */
	uint16_t port;         /* IKE_PORT unless said */
	uint8_t version;       /* of IKE, 1 or 2: with which it is begun, and the only one answered */
	bool keep_up; /* its children are to be there all the time, whether or not packets want them */
	enum ike_mode mode[IKE_MODES];
	uint8_t n_modes; /* the first is how it is begun, all are answered; version 2 has none */
	struct ike_id my_id;
	struct ike_id *peer_id; /* any of them */
	uint8_t n_peer_ids;
	bool verify_identifier;
	char *cert, *key;              /* own certificate and its private key; the key alone: RFC 7670 */
	char *ca[IKE_AUTHORITIES_MAX]; /* files of authorities in place of the folder; NULL: no more */
	char *peer_cert;               /* the peer's certificate, taken as it is */
	char *peer_key; /* version 2: the public key that the peer has, in place of certificates */
	bool send_cert, send_cr, verify_cert;
	bool weak_certs; /* those that could be forged today are believed, with a word in the log */
	bool initial_contact, passive, mode_cfg, weak_phase1_check, support_proxy;
	enum ike_generate generate;
	enum proposal_check check;
	enum ike_switch nat_traversal, rekey, ike_frag;
	struct ike_dpd dpd;
	uint32_t esp_frag; /* octets; 0: not, else SA_FRAG_MIN at least */
	uint16_t nonce_len;
	uint32_t ph1id;
	uint64_t
	    block; /* the loader's number for just this block, its files' contents and what holds in
	              general: the same in the next configuration that has all of it unchanged. 0: none */
	char *xauth_login;
	char *script[IKE_HOOKS]; /* by enum ike_hook */
	struct ike_offer *offer;
	uint8_t n_offers;
	enum ike_auth_method peer_auth; /* version 2: how the peer proves itself; NONE: as we do */
	uint64_t seconds;               /* the lifetime of offers that name none */
};

/* Which addresses a child may have on one side; `any` alone: all of them. */
enum ike_side_kind {
	IKE_SIDE_NONE = 0,
	IKE_SIDE_ANY,    /* anonymous */
	IKE_SIDE_CLIENT, /* the peer's own address, or the one it was given */
	IKE_SIDE_HOST,   /* an identity of type address */
	IKE_SIDE_NET,    /* of type subnet */
	IKE_SIDE_RANGE,
	IKE_SIDE_NAME, /* fqdn, user_fqdn, keyid */
};

struct ike_side {
	enum ike_side_kind kind;
	struct inet_addr first, last; /* of NET first is the address as typed */
	uint8_t plen;                 /* NET */
	uint16_t port;                /* 0: any */
	uint16_t proto;               /* IPPROTO_ANY_: any */
	struct ike_id id;             /* NAME */
};

struct ike_child_enc {
	enum alg_enc id;
	uint16_t key_bits; /* 0: the algorithm has one length */
};

struct ike_child_auth {
	enum alg_auth id;
};

/* One `sainfo`. */
struct ike_child {
	char *file;
	uint32_t line;
	struct ike_side local, remote;
	bool has_from;
	struct ike_id from; /* the peer's identity must be this; DN without data: any DN */
	char *group;        /* the XAuth user must be a member */
	uint32_t remoteid;
	enum alg_group pfs; /* ALG_GROUP_NONE: none is offered, any accepted */
	bool pfs_optional;  /* version 2: a peer that has none, or another one, will do */
	uint32_t
	    set; /* version 2: one pair of SAs serves all of the peer's with this number; 0: this one alone */
	uint64_t seconds, bytes; /* 0: not limited */
	struct ike_child_enc enc[IKE_ALGS_MAX];
	struct ike_child_auth auth[IKE_ALGS_MAX]; /* ALG_AUTH_NONE: non_auth */
	enum alg_comp comp[IKE_ALGS_MAX];
	uint8_t n_enc, n_auth, n_comp;
	bool says_comp; /* there is a list, though nothing of it may be to be had */
};

struct ike_timers {
	uint32_t counter;          /* retransmissions of one message */
	uint32_t interval_ms;      /* between them */
	uint32_t persend;          /* copies of each datagram */
	uint32_t phase1_ms;        /* a waiting child's patience with its IKE SA */
	uint32_t phase2_ms;        /* a child's own time */
	uint32_t natt_keepalive_s; /* 0: none */
};

struct ike_padding {
	bool randomize, randomize_length, strict_check, exclusive_tail;
	uint32_t maximum_length;
};

struct ike_listen {
	struct inet_addr addr;
	uint16_t port;
	bool natt;
};

/* Log levels as racoon.conf has them. */
enum ike_log {
	IKE_LOG_NONE = 0,
	IKE_LOG_ERROR,
	IKE_LOG_WARNING,
	IKE_LOG_NOTIFY,
	IKE_LOG_INFO,
	IKE_LOG_DEBUG,
	IKE_LOG_DEBUG2,
};

struct ike_nets {
	struct inet_prefix net[IKE_SPLITS_MAX];
	uint8_t n;
};

/* Addresses and more for clients (racoon.conf's mode_cfg). Texts are owned; NULL: not said. Lists are texts
 * with commas between. */
struct ike_pool {
	bool present;
	struct inet_addr network4, netmask4; /* INET_NONE: no addresses are given; no mask is said */
	uint32_t size;                       /* addresses from network4 on */
	struct inet_addr dns4[3], wins4[4];
	uint8_t n_dns4, n_wins4;
	struct ike_nets include, local_lan;        /* behind the tunnel; kept out of it */
	char *default_domain, *split_dns, *banner; /* the last one the text, not the file's name */
	char *users_file;  /* XAuth's; stays with ipsecctl, its contents go to certd */
	char *auth_groups; /* an XAuth user must be in one */
	uint32_t auth_throttle_s, pfs_group;
	bool save_passwd;
};

/* The n-th address of the pool; INET_NONE: it has not so many. */
struct inet_addr ike_pool_at(const struct ike_pool *p, uint32_t n);
bool ike_pool_has(const struct ike_pool *p, const struct inet_addr *a);

/* Where in the list the block of an address is. */
struct ike_place {
	struct inet_addr addr;
	uint32_t peer;
};

struct ike_conf {
	char *psk_file, *cert_dir, *script_dir, *pidfile;
	enum ike_log log; /* NONE: not said */
	bool as_racoon;   /* written in racoon.conf: who wrote it looks for racoon in syslog */
	struct ike_timers timers;
	struct ike_padding padding;
	struct ike_listen listen[IKE_LISTEN_MAX];
	uint8_t n_listen;
	bool strict_address;
	struct ike_pool pool;
	struct ike_peer *peer;
	uint32_t n_peers;
	struct ike_place *by_addr; /* as many, in order; NULL: not sorted, and all are looked at */
	struct ike_child *child;   /* in the order in which they are tried */
	uint32_t n_children;
};

/* Empty, with every default that racoon.conf has; NULL without memory. Free with ike_conf_free(). */
struct ike_conf *ike_conf_new(void);
/* NULL is fine. Returns NULL. */
struct ike_conf *ike_conf_free(struct ike_conf *c);
/* A peer with its defaults, anonymous and unnamed, at the end of the list; a child likewise. NULL: no memory,
 * or too many. Valid until the next one is added. */
struct ike_peer *ike_conf_add_peer(struct ike_conf *c);
struct ike_child *ike_conf_add_child(struct ike_conf *c);
/* Copies everything but name, file, line, addr and port, as `inherit` does. 0 or -ENOMEM. */
must_check int ike_peer_copy(struct ike_peer *to, const struct ike_peer *from);
void ike_peer_fini(struct ike_peer *p);

/* Once all blocks are there and have their addresses: from now on they are found without looking at all of
 * them. Adding one more undoes it. 0 or -ENOMEM. */
must_check int ike_conf_sort(struct ike_conf *c);
/* The blocks that may be the one of a peer at an address: those that name it, or the ones for any peer where
 * none does. The first of the file, and the next one after `p`; NULL: none. */
const struct ike_peer *ike_conf_find_peer(const struct ike_conf *c, const struct inet_addr *addr);
const struct ike_peer *ike_conf_next_peer(const struct ike_conf *c, const struct ike_peer *p);
/* Of them the first that is not passive, or if all are, the first. */
const struct ike_peer *ike_conf_find_beginner(const struct ike_conf *c, const struct inet_addr *addr);
/* Whether this block is one of them. */
bool ike_conf_peer_fits(const struct ike_conf *c, const struct ike_peer *p, const struct inet_addr *addr);
static inline bool ike_peer_accepts(const struct ike_peer *p, enum ike_mode mode)
{
	for (uint8_t i = 0; i < p->n_modes; i++)
		if (p->mode[i] == mode)
			return true;
	return false;
}

/* The selector of the outbound policies that a child is for. False: it is for whatever is agreed on. */
bool ike_child_selector(const struct ike_child *k, struct selector *ret);

/* How the peer proves itself in version 2. */
static inline enum ike_auth_method ike_peer_auth(const struct ike_peer *p)
{
	return p->peer_auth ? p->peer_auth : p->n_offers ? p->offer[0].auth : IKE_AUTH_NONE;
}

/* What a block makes of a peer's identity. */
enum ike_id_fit {
	IKE_ID_UNWANTED = 0, /* verify_identifier is on, and it is none of peers_identifier */
	IKE_ID_UNASKED,      /* it does not matter */
	IKE_ID_WANTED,       /* verify_identifier is on, and it is one of them */
};
enum ike_id_fit ike_peer_id_fit(const struct ike_peer *p, const struct ike_id *id);
/* It is one of peers_identifier; of those without a value, any of that kind. */
bool ike_peer_expects(const struct ike_peer *p, const struct ike_id *id);
/* Version 2, where nobody but the configuration says what the peer is called: it is one of its identities,
 * or, if it has none, its address (postern.conf(5), remote-id). An address without a value is the one it is
 * at. */
bool ike_peer_is_called(const struct ike_peer *p, const struct ike_id *id, const struct inet_addr *at);
bool ike_id_is_address(const struct ike_id *id, const struct inet_addr *a);

/* The peer's block of this number. NULL: none; 0 is nobody's number. */
const struct ike_peer *ike_conf_find_block(const struct ike_conf *c, uint64_t block);

bool ike_id_equal(const struct ike_id *a, const struct ike_id *b);
/* Whether a peer's identity is the one that a configuration asks for: equal, or for a name as text the DER of
 * that name (dn_is()). */
bool ike_id_fits(const struct ike_id *want, const struct ike_id *id);
/* For people, a distinguished name as dn_format() has it; at most `room` octets, anything unprintable as '?'.
 * Returns buf. */
const char *ike_id_format(const struct ike_id *id, char *buf, size_t room);
const char *ike_id_kind_name(enum ike_id_kind k); /* "address", "fqdn", "user_fqdn", "keyid", "asn1dn" */
const char *ike_hook_name(enum ike_hook h);       /* "phase1_up", "phase1_down", "phase1_dead" */
const char *ike_mode_name(enum ike_mode m);       /* "main", "aggressive", "base" */
const char *ike_auth_method_name(enum ike_auth_method m); /* racoon.conf's word */

static inline bool ike_auth_is_rsa(enum ike_auth_method m)
{
	return m == IKE_AUTH_RSA || m == IKE_AUTH_XAUTH_RSA_CLIENT || m == IKE_AUTH_XAUTH_RSA_SERVER;
}
/* This side asks the peer who its user is; or is asked. */
static inline bool ike_auth_asks(enum ike_auth_method m)
{
	return m == IKE_AUTH_XAUTH_PSK_SERVER || m == IKE_AUTH_XAUTH_RSA_SERVER;
}
static inline bool ike_auth_is_asked(enum ike_auth_method m)
{
	return m == IKE_AUTH_XAUTH_PSK_CLIENT || m == IKE_AUTH_XAUTH_RSA_CLIENT;
}
/* Whoever this peer is, its user has to say so: every offer asks. */
bool ike_peer_asks(const struct ike_peer *p);
/* Whether a list of names with commas between has one of n octets. NULL: no list has none. */
bool ike_list_has(const char *list, const void *name, size_t n);

static inline void auto_ike_conf_(struct ike_conf **c)
{
	ike_conf_free(*c);
}
#define AUTO_IKE_CONF AUTO(auto_ike_conf_)

#endif
