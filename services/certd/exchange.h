/*
 * The exchanges that are under way: few, small and short-lived, whatever keyd begins.
 */
#ifndef POSTERN_CERTD_EXCHANGE_H
#define POSTERN_CERTD_EXCHANGE_H

#include "base/list.h"
#include "certd/nonce.h"
#include "certd/session.h"

enum {
	EXCHANGES_MAX = 12288, /* as many as keyd has of strangers, and some that it has begun itself */
	EXCHANGES_OCTETS_MAX = 8 << 20, /* of what they keep of the peers', in all */
	EXCHANGES_BUCKETS = 4096,
	EXCHANGE_MS = 150 * 1000, /* above keyd's patience as it is unless configured */
	EXCHANGE_TRIES = 8,       /* proofs of the peer that may be wrong: anybody can forge a message */
};

/* What keyd says of it, once; in base mode, when we began, `gxr` later than the rest. */
struct exchange_facts {
	struct ike1_octets peer_nonce;
	uint8_t icookie[IKE1_COOKIE], rcookie[IKE1_COOKIE];
	enum ike_auth_method auth;
	enum alg_prf prf;
	enum alg_group group;
	struct ike1_octets gxi, gxr, sa;
	const struct ike_id *peer_id; /* NULL: not known yet */
	struct ike1_octets idi;       /* base mode: the initiator's ID payload, else empty */
};

/* The same of version 2. */
struct exchange_facts2 {
	struct ike1_octets peer_nonce, message_i, message_r; /* IKE_SA_INIT's two, whole */
	uint8_t spi_i[IKE1_COOKIE], spi_r[IKE1_COOKIE];
	enum alg_prf prf;
	const struct secret *pi, *pr; /* SK_pi, SK_pr */
	unsigned peer_hashes;         /* bits 1 << enum ike2_hash; 0: the peer does not say */
};

struct exchange {
	struct list by_nonce, by_age;
	uint8_t nonce[NONCE_LEN]; /* ours, and its name */
	struct session s;         /* cookies are zero before there are facts */
	bool we_began;
	uint64_t ends_ms;
	bool told, keyed, proved, verified;
	bool v2;       /* once it is told */
	uint8_t tries; /* that are left */
	/* From here on once it is told. */
	enum ike_auth_method auth;
	enum alg_prf prf;
	enum alg_group group;
	struct secret *skeyid;                            /* with signatures once it is keyed */
	struct ike1_octets peer_nonce, gxi, gxr, sa, idi; /* in `kept`; gxr once it is keyed */
	struct ike_id *peer_id; /* that the pre-shared key was looked up by; NULL: by address, or not yet */
	/* Of version 2. */
	struct secret *pi, *pr;
	struct ike1_octets message_i, message_r; /* in `kept` */
	unsigned peer_hashes;
	uint8_t *kept;
	size_t n_kept, n_room;
};

struct exchanges {
	struct list bucket[EXCHANGES_BUCKETS];
	struct list open, verified; /* oldest first; the latter do not give way to newer ones */
	uint32_t n;
	size_t octets;
	struct nonce_key key;
	struct rng *rng;
	uint64_t n_evicted;
};

/* Empty, with a key from `rng` (borrowed). */
void exchanges_init(struct exchanges *t, struct rng *rng);
/* Ends all of them. */
void exchanges_fini(struct exchanges *t);

/* A new one, with a nonce. 0; -EBUSY: all there are have proved peers; -ENOMEM; -EIO. */
must_check int exchange_begin(
    struct exchanges *t, const struct session *s, bool we_began, uint64_t now_ms, struct exchange **ret);
/* NULL: never begun here, or over. */
struct exchange *exchange_find(struct exchanges *t, struct ike1_octets nonce, uint64_t now_ms);
/* Keeps the facts but `gxr`; from now on it is told. 0; -EBUSY: no room for as many octets; -ENOMEM. */
must_check int exchange_keep(struct exchanges *t, struct exchange *x, const struct exchange_facts *f);
/* The same of version 2, which has its keys then; `auth` is how we are proved in it. */
must_check int exchange_keep2(
    struct exchanges *t, struct exchange *x, const struct exchange_facts2 *f, enum ike_auth_method auth);
/* And the responder's public value, which is as long as the initiator's: from now on it is keyed. */
void exchange_complete(struct exchange *x, struct ike1_octets gxr);
static inline bool exchange_in_base_mode(const struct exchange *x)
{
	return x->idi.n > 0;
}
/* The peer has proved itself: it gives way to none. */
void exchange_verified(struct exchanges *t, struct exchange *x);
/* Wipes and frees. */
void exchange_end(struct exchanges *t, struct exchange *x);

#endif
