/*
 * The transaction exchange (draft-ietf-ipsec-isakmp-mode-cfg-05 section 3.1): a request or a setting, and its
 * answer.
 *
 *      1  HDR*, HASH, ATTR(REQUEST or SET)  -->
 *      2                                    <--  HDR*, HASH, ATTR(REPLY or ACK)
 *
 * with HASH = prf(SKEYID_a, M-ID | ATTR).
 */
#ifndef POSTERN_KEYD_IKE1_TRANSACTION_H
#define POSTERN_KEYD_IKE1_TRANSACTION_H

#include "keyd/ike1/isakmp.h"
#include "wire/ike/v1_cfg.h"

enum { TRANSACTIONS_MAX = 8 /* of one ISAKMP SA at a time */ };

struct transaction {
	struct list node; /* its ISAKMP SA's */
	struct isakmp *sa;
	bool ours;    /* begun by us */
	bool done;    /* the answer has come, or has gone */
	uint8_t type; /* of the message that began it, and 16 bits by which its answer is known */
	uint16_t id;
	uint32_t msg_id;
	uint8_t iv[IKE1_BLOCK_MAX];
	void (*answered)(struct transaction *t, const struct ike1_config *c);
	void (*lost)(struct transaction *t); /* NULL: nobody minds */
	struct window window;
	struct timer linger;
};

/* Begins one of ours in core->out; its attributes follow, then transaction_send(). NULL without memory. */
struct transaction *transaction_new(struct isakmp *sa, enum ike1_cfg_type type, struct ike_out *o);
/* Sends it until it is answered. False: it cannot be sent, and is no more. */
must_check bool transaction_send(struct transaction *t, struct ike_out *o,
    void (*answered)(struct transaction *t, const struct ike1_config *c),
    void (*lost)(struct transaction *t));
/* The answer to one of the peer's: attributes between the two. */
void transaction_answer(struct transaction *t, struct ike_out *o);
void transaction_send_answer(struct transaction *t, struct ike_out *o);
/* A message of one; its hash has not been looked at. */
void transaction_message(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d);
void transaction_free(struct transaction *t);

#endif
