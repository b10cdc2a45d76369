/*
 * Messages of version 2 from payloads to datagrams and back: the Encrypted payload and its fragments (RFC
 * 7296 section 3.14, RFC 7383).
 */
#ifndef POSTERN_KEYD_IKE2_MESSAGE_H
#define POSTERN_KEYD_IKE2_MESSAGE_H

#include "keyd/ike2/sa.h"
#include "wire/ike/v2_payload.h"

/* Payloads that are being written, for one protected message at a time. */
struct ike2_out {
	struct ike_out o;
	uint8_t first;
};

/* A header of ours. */
struct ike_hdr ike2_header(const struct ikesa *sa, uint8_t exchange, bool response, uint32_t msg_id);

void ike2_out_begin(struct ikesa *sa, struct ike2_out *m);
/* Seals what was written, in fragments if it is too long for one datagram and the peer takes them. 0 or
 * -errno; on failure *ret is empty. */
must_check int ike2_out_train(struct ikesa *sa, struct ike2_out *m, uint8_t exchange, bool response,
    uint32_t msg_id, struct ike2_train *ret);

enum ike2_opened {
	IKE2_OPEN_WHOLE = 0,
	IKE2_OPEN_MORE,   /* a fragment, and others are missing */
	IKE2_OPEN_FALSE,  /* not what the peer has sent: passed over */
	IKE2_OPEN_SYNTAX, /* authentic, and malformed */
};
/* Opens a protected message with the header `h`; *ret are its inner payloads, which live in core->in until
 * the next message is opened. */
enum ike2_opened ike2_open_message(
    struct ikesa *sa, const struct ike_hdr *h, const uint8_t *d, struct ike_chain *ret);
/* Forgets the fragments of a message that is not whole. */
void ike2_parts_drop(struct ikesa *sa);

#endif
