/*
 * The control description of a security association (RFC 4301 section 4.4.2.1), as setkey adds it and dumps
 * it. The data path compiles its own run-time half from this.
 */
#ifndef POSTERN_IPSEC_SA_H
#define POSTERN_IPSEC_SA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inet/addr.h"
#include "ipsec/alg.h"
#include "ipsec/policy.h"

enum sa_state { SA_STATE_NONE = 0, SA_LARVAL, SA_MATURE, SA_DYING, SA_DEAD };

/* setkey's flags word (setkey.md 9.2), as dumps print it. */
enum sa_flag {
	SA_F_OLD = 0x0001,
	SA_F_IV4 = 0x0010,
	SA_F_DERIV = 0x0020,
	SA_F_CYCLIC = 0x0040, /* the sequence counter may wrap; default for manual SAs */
	SA_F_RAWCPI = 0x0080,
	SA_F_RANDPAD = 0x0100,
	SA_F_ZEROPAD = 0x0200,
	SA_F_ESN = 0x0400, /* extended sequence numbers (RFC 4304) */
	SA_F_MASK = 0x07f1,
};

/* Limits of zero mean none. */
struct sa_lifetime {
	uint64_t soft_s, hard_s;         /* seconds since creation */
	uint64_t soft_bytes, hard_bytes; /* bytes of payload processed */
	uint64_t soft_packets, hard_packets;
};

/* ESP in UDP (RFC 3948). Ports of zero: no encapsulation. */
struct sa_encap {
	uint16_t sport, dport;   /* host order, of a packet that this SA protects; one of them is ours */
	uint16_t frag;           /* -esp_frag: inner packets are cut to this many bytes first; 0: not */
	uint16_t keepalive_s;    /* quiet seconds before a NAT keepalive; 0: as the data path is told */
	struct inet_addr nat_oa; /* the peer's address on its own side of the NAT; INET_NONE: not known */
};

enum {
	SA_MORE_MAX = 255,              /* policies that one SA serves beside the first */
	SA_UDP_PORT = 4500,             /* the one port datapathd listens on (RFC 3948 section 2.1) */
	SA_FRAG_MIN = 296,              /* least -esp_frag: smaller pieces are mostly header */
	SA_KEEPALIVE_NONE = UINT16_MAX, /* no NAT keepalives on this one */
};

/*
 * Key octets are borrowed, never copied with the struct: they stay in the secret type of whoever holds them.
 * A description that travels without keys (to a reader who is not root) has the pointers NULL and the lengths
 * set.
 */
struct sa_desc {
	struct inet_addr src, dst;
	enum ipsec_proto proto;
	uint32_t spi;         /* host order; 256 and up; ipcomp: below 0x10000 */
	enum ipsec_mode mode; /* any, transport or tunnel */
	uint32_t reqid;       /* 0: none */
	/* Of the further policies that it serves, as one that was negotiated for several selectors does:
	 * rising, none of them 0. Borrowed as the keys are. */
	const uint32_t *more_reqids;
	uint16_t n_more;       /* at most SA_MORE_MAX */
	uint32_t replay_bytes; /* -r: window in bytes of bitmap; packets = 8 * this; 0: no check */
	uint32_t flags;        /* enum sa_flag */
	enum alg_enc enc;
	enum alg_auth auth;
	enum alg_comp
	    comp; /* ipcomp only; the CPI on the wire is its well-known one, with SA_F_RAWCPI the SPI */
	const uint8_t *enc_key, *auth_key;
	uint8_t enc_key_len, auth_key_len;
	uint8_t icv_len; /* override of the algorithm's ICV in bytes; 0: default (D8) */
	bool fresh_key;  /* `-f fresh-key`: root vouches that a counter-mode key was never used (RFC 8221
	                    section 3) */
	struct sa_lifetime life;
	struct sa_encap encap;
};

/* What a dump shows beside the description. */
struct sa_status {
	uint64_t serial; /* never reused; names the SA in IPC, logs and JSON */
	enum sa_state state;
	bool manual;
	uint64_t seq;                                /* last number sent, or highest received */
	uint64_t created_wall_ms, last_used_wall_ms; /* 0: never used */
	uint64_t age_ms;                             /* CLOCK_BOOTTIME age */
	uint64_t bytes, packets;
	uint32_t pid; /* of the requester */
	uint32_t refcnt;
};

static inline bool sa_is_encap(const struct sa_desc *d)
{
	return d->encap.dport != 0;
}

/* "esp", "ah", "ipcomp", and "esp-udp" for ESP in UDP: setkey's word. */
const char *sa_proto_word(const struct sa_desc *d);

/* Judges a description alone: enums, SPI range, algorithms against protocol, key lengths, counter modes
 * without `-f fresh-key`, ports. 0, or -EINVAL / -EOPNOTSUPP with *ret_why (static text). Key
 * pointers are not read. */
int sa_desc_check(const struct sa_desc *d, const char **ret_why);

/* Whether `reqid` is one of `n` that rise. */
bool sa_reqids_have(const uint32_t *more, size_t n, uint32_t reqid);
/* Whether they rise, and none is 0. */
bool sa_reqids_rise(const uint32_t *more, size_t n);
/* Makes them rise, each once. How many are left. */
size_t sa_reqids_sort(uint32_t *more, size_t n);

const char *sa_state_name(enum sa_state s); /* "larval", "mature", "dying", "dead" */

#endif
