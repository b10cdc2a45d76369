/*
 * certd's prover before one configuration, host relent's of S217 and S218, and one exchange at a time with a
 * peer whose side is computed from the text of RFC 2409 (cert_kit.h).
 */
#ifndef POSTERN_TESTS_PROVE_STAGE_H
#define POSTERN_TESTS_PROVE_STAGE_H

#include "certd/prove.h"
#include "support/cert_kit.h"

enum {
	STAGE_GENERATION = 7,
	STAGE_NOW = 1000000,
	STAGE_NAMED = 0, /* 10.0.0.110's block: pre-shared keys and signatures */
	STAGE_ANYBODY,   /* anonymous: the same */
	STAGE_SIGNS,     /* 10.0.0.120's: signatures alone */
	STAGE_PEERS,
};

/* One exchange as both sides see it. */
struct stage_exchange {
	bool we_began;
	uint8_t nonce[NONCE_LEN];
	uint8_t peer_nonce[IKE_NONCE_MAX], gxi[ALG_GROUP_PUBLIC_MAX], gxr[ALG_GROUP_PUBLIC_MAX],
	    gxy[ALG_GROUP_PUBLIC_MAX], sa[64], body[4 + IKE_ID_DATA_MAX], idi[4 + IKE_ID_DATA_MAX];
	struct exchange_facts f; /* slices of the above */
	size_t n_gxy;
	const char *psk; /* the peer's; NULL: it signs */
	const struct own_key *own;
};

struct stage {
	struct prover p;
	struct rng_seeded rng;
	struct session s;
	uint64_t now;
	struct err_text e;
};

/* 10.0.0.110 is the peer. */
void stage_set(struct stage *x);
void stage_strike(struct stage *x);
/* The same configuration under this generation. */
struct creds *stage_configuration(uint64_t generation);
struct ike_peer *stage_peer(struct stage *x);
void stage_with(struct stage *x, uint32_t peer, const char *addr);
/* Gives the block this key and certificate. */
void stage_give_key(struct stage *x, EVP_PKEY *key, X509 *cert);

/* Facts of an exchange in group modp1024 with SHA-1; `psk` NULL: with signatures. */
void stage_fill(struct stage_exchange *q, bool we_began, const char *psk);
/* The same, begun: 0 or -errno, with stage's text. */
int stage_begin(struct stage *x, struct stage_exchange *q, bool we_began, const char *psk);
int stage_keys(struct stage *x, struct stage_exchange *q, struct ike1_keys *ret);
/* The initiator's first half of base mode: everything but the responder's value and the shared secret. */
int stage_tell(struct stage *x, struct stage_exchange *q, struct ike1_keys *ret);
/* Makes it one of base mode that `idi` began; `peer` (borrowed) is whom we take the other side for. */
void stage_base(struct stage_exchange *q, struct ike_id idi, const struct ike_id *peer);
/* Begun and keyed, or the test fails. */
void stage_keyed(struct stage *x, struct stage_exchange *q, bool we_began, const char *psk);
/* What the RFC has for it. */
void stage_skeyid(const struct stage_exchange *q, uint8_t ret[20]);
void stage_hash(const struct stage_exchange *q, bool ours, struct ike1_octets id, uint8_t ret[20]);
/* An ID payload's body in q->body. */
struct ike1_octets stage_id(struct stage_exchange *q, struct ike_id id);
/* The peer says `id` and proves it by this hash (NULL: none): octets of the word, or -errno. */
int stage_peer_says(struct stage *x, struct stage_exchange *q, struct ike_id id, const uint8_t *hash,
    bool *ret_is_ticket, uint8_t word[PROVE_WORD_MAX]);
/* With its key. */
int stage_peer_proves(
    struct stage *x, struct stage_exchange *q, struct ike_id id, uint8_t word[PROVE_WORD_MAX]);

#endif
