/*
 * certd's prover with one exchange of version 2 at a time. The peer's side, its messages and what it has to
 * prove are put together from the text of RFC 7296 section 2.15, with HMAC-SHA1.
 */
#ifndef POSTERN_TESTS_PROVE_STAGE2_H
#define POSTERN_TESTS_PROVE_STAGE2_H

#include "certd/proof2.h"
#include "support/prove_stage.h"

enum { STAGE2_KEY = 20, STAGE2_AUTH_PSK = 4 + STAGE2_KEY /* octets of an AUTH payload's body */ };

/* One exchange as both sides see it. */
struct stage2_exchange {
	bool we_began;
	uint8_t nonce[NONCE_LEN], peer_nonce[IKE_NONCE_MAX];
	size_t n_peer_nonce;
	uint8_t spi_i[8], spi_r[8], pi[STAGE2_KEY], pr[STAGE2_KEY];
	uint8_t message_i[PROOF2_MESSAGE_MAX + 1], message_r[PROOF2_MESSAGE_MAX + 1];
	size_t n_message_i, n_message_r;
	enum alg_prf prf;
	unsigned peer_hashes;
	uint8_t body[4 + IKE_ID_DATA_MAX];
	const char *psk; /* the peer's */
	const struct own_key *own;
};

/* The stage with a configuration for version 2, whose peers have a pre-shared key or sign. */
void stage2_set(struct stage *x, bool signs);
/* Begun, and both messages made: 0 or -errno. */
int stage2_begin(struct stage *x, struct stage2_exchange *q, bool we_began, const char *psk);
/* Makes the messages again, after a nonce or an SPI was changed; `n_more` octets of a notification are behind
 * the nonces. */
void stage2_messages(struct stage2_exchange *q, size_t n_more);
int stage2_tell(struct stage *x, const struct stage2_exchange *q);
/* Begun and told of, or the test fails. */
void stage2_told(struct stage *x, struct stage2_exchange *q, bool we_began, const char *psk);
/* Two certds with each other: x begins one exchange as q, which y answers as p, and both are told. Both call
 * the other 10.0.0.110. */
void stage2_meet(
    struct stage *x, struct stage2_exchange *q, struct stage *y, struct stage2_exchange *p, unsigned hashes);
/* An ID payload's body in q->body. */
struct ike1_octets stage2_id(struct stage2_exchange *q, struct ike_id id);
/* What we or the peer have to prove with this body of an ID payload. Octets. */
size_t stage2_octets(
    const struct stage2_exchange *q, bool ours, struct ike1_octets id, uint8_t ret[PROOF2_OCTETS_MAX]);
/* The body of an AUTH payload with q->psk. */
void stage2_auth(
    const struct stage2_exchange *q, bool ours, struct ike1_octets id, uint8_t ret[STAGE2_AUTH_PSK]);
/* Our proof of this identity: octets, or -errno. */
int stage2_prove(struct stage *x, struct stage2_exchange *q, struct ike_id id, uint8_t ret[PROVE_PROOF_MAX]);
/* The peer says `id` and proves it by this body of an AUTH payload: octets of the word, or -errno. */
int stage2_peer_says(struct stage *x, struct stage2_exchange *q, struct ike_id id, const void *auth, size_t n,
    bool *ret_is_ticket, uint8_t word[PROVE_WORD_MAX]);
/* With its pre-shared key. */
int stage2_peer_proves(
    struct stage *x, struct stage2_exchange *q, struct ike_id id, uint8_t word[PROVE_WORD_MAX]);

#endif
