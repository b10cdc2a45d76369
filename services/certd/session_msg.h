/*
 * What requests to certd and certd-verify have in common, taken out of their messages.
 */
#ifndef POSTERN_CERTD_SESSION_MSG_H
#define POSTERN_CERTD_SESSION_MSG_H

#include <protobuf-c/protobuf-c.h>

#include "base/err.h"
#include "crypto/ike1.h"

/* A slice of min to max octets, borrowed from the message. 0 or -EBADMSG. */
must_check int session_octets(
    const ProtobufCBinaryData *b, size_t min, size_t max, struct ike1_octets *ret, struct err_text *e);

#endif
