/*
 * What waits for another service's answer. Nothing blocks: an object parks with a number, goes on when the
 * answer with that number comes, and takes itself out when it is no longer interested.
 */
#ifndef POSTERN_KEYD_CORE_PARKED_H
#define POSTERN_KEYD_CORE_PARKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "crypto/ike1.h"
#include "ipsec/policy.h"
#include "secret/secret.h"

/* What came back. Everything is borrowed during the call, but what a handler takes out with take_ptr(). */
struct core_reply {
	int result;      /* 0, or -errno: then `why` is a sentence and nothing else is there */
	const char *why; /* never NULL */
	uint64_t number; /* a grant, an SPI, a serial */
	uint64_t expires_ms;
	struct secret *d, *a, *e; /* SKEYID_d, _a and _e */
	struct secret *secret;    /* a password */
	const char *groups;       /* a user's, commas between; NULL: it is about no user */
	const uint8_t *octets;    /* a nonce, a proof, a ticket, a statement */
	size_t n_octets;
	const struct policy *out, *in;
	const struct ike1_octets *certs; /* our own certificate and what leads to its authority, DER */
	uint32_t n_certs;
	struct ike1_octets subject, issuer; /* of our own certificate, DER; empty: we have none */
	struct ike1_octets public_key;      /* of our own key without a certificate; empty: it has one */
};

struct parked;
typedef void (*parked_fn)(struct parked *p, struct core_reply *r);

/* Lies in whoever waits; zeroed means it does not. */
struct parked {
	struct list node;
	uint64_t token; /* 0: not waiting */
	parked_fn fn;
};

enum { PARKED_BUCKETS = 256 };

struct parking {
	struct list bucket[PARKED_BUCKETS];
	uint64_t last;
	uint32_t n;
};

void parking_init(struct parking *lot);
/* Begins to wait; returns the number. `p` must not be waiting. */
uint64_t parking_enter(struct parking *lot, struct parked *p, parked_fn fn);
/* Stops waiting; fine when it does not. */
void parking_leave(struct parking *lot, struct parked *p);
/* The answer with this number. False: nobody waits for it any more. */
bool parking_answer(struct parking *lot, uint64_t token, struct core_reply *r);

static inline bool parked_is(const struct parked *p)
{
	return p->token != 0;
}

#endif
