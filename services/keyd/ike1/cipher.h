/*
 * Version 1's way of enciphering messages: CBC over everything behind the header, the IV chained from message
 * to message of an exchange (RFC 2409 appendix B), padding without an authenticated length.
 */
#ifndef POSTERN_KEYD_IKE1_CIPHER_H
#define POSTERN_KEYD_IKE1_CIPHER_H

#include "keyd/ike1/isakmp.h"

/* Pads and enciphers a whole message of n octets in place and sets its length and flag; `iv` becomes the next
 * message's. Octets of the message; 0: no room, or OpenSSL refuses. */
size_t ike1_seal(const struct isakmp *sa, uint8_t iv[IKE1_BLOCK_MAX], uint8_t *msg, size_t n, size_t room);

/* Deciphers what is behind the header of a received message into `ret` (as long as that). `iv` is read only;
 * *ret_iv is the next message's, for when this one proves to be the peer's. 0; -EBADMSG: no whole blocks;
 * -EIO. */
must_check int ike1_open(const struct isakmp *sa, const uint8_t iv[IKE1_BLOCK_MAX], const uint8_t *msg,
    size_t n, uint8_t *ret, uint8_t ret_iv[IKE1_BLOCK_MAX]);

/* The same of its first block alone, which says whether the rest is worth it. */
must_check int ike1_open_first(const struct isakmp *sa, const uint8_t iv[IKE1_BLOCK_MAX], const uint8_t *msg,
    size_t n, uint8_t ret[IKE1_BLOCK_MAX]);

/* The IV with which an exchange behind phase 1 begins. */
must_check int ike1_begin_iv(const struct isakmp *sa, uint32_t msg_id, uint8_t ret[IKE1_BLOCK_MAX]);

#endif
