/*
 * Writing a message: header, payloads one behind the other, each linked to the one before and given its
 * length when it ends. Failure is sticky, as in struct wr.
 */
#ifndef POSTERN_WIRE_IKE_OUT_H
#define POSTERN_WIRE_IKE_OUT_H

#include "base/wr.h"
#include "wire/ike/msg.h"

struct ike_out {
	struct wr w;
	uint8_t *next;    /* where the type of the following payload goes */
	uint8_t *payload; /* the open payload's beginning; NULL: none is open */
	bool has_header;  /* whose length is written at the end */
};

/* Begins a message in `buf`; the length in `h` is not looked at. */
void ike_out_init(struct ike_out *o, void *buf, size_t room, const struct ike_hdr *h);
/* Begins a chain without a header: what will be enciphered, or digested, by itself. *first gets the type of
 * its first payload, 0 when none follows. */
void ike_out_init_chain(struct ike_out *o, void *buf, size_t room, uint8_t *first);
/* Opens a payload, closing the one before. What is written to &o->w from here on is its body. */
void ike_out_payload(struct ike_out *o, uint8_t type);
/* A whole payload of octets that are there already. */
void ike_out_whole(struct ike_out *o, uint8_t type, const void *body, size_t n);
/* Closes the last payload. Octets written, 0 when there was no room or a payload is too long. With a header,
 * it has the length now. */
size_t ike_out_end(struct ike_out *o);

/* Inside a payload: a part that begins with next, reserved, length (a proposal or transform). Returns where
 * it begins, for ike_out_part_end(). `next`: type of the part that follows, 0 for the last. */
uint8_t *ike_out_part(struct ike_out *o, uint8_t next);
void ike_out_part_end(struct ike_out *o, uint8_t *part);

#endif
