/*
 * What requests to certd and certd-verify have in common, taken out of their messages.
 */
#ifndef POSTERN_CERTD_SESSION_MSG_H
#define POSTERN_CERTD_SESSION_MSG_H

#include <protobuf-c/protobuf-c.h>

#include "base/err.h"
#include "certd/session.h"

#include "certd_keyd.pb-c.h"

enum { SESSION_SA_MAX = 16384 };

/* 0 or -EBADMSG. Slices borrow from the message. */
must_check int session_decode(const Postern__Ike1Session *m, struct session *ret, struct err_text *e);
/* A slice of min to max octets. */
must_check int session_octets(
    const ProtobufCBinaryData *b, size_t min, size_t max, struct ike1_octets *ret, struct err_text *e);
/* The four parts of a proof. */
must_check int session_facts(bool prover_began, const ProtobufCBinaryData *gx_prover,
    const ProtobufCBinaryData *gx_other, const ProtobufCBinaryData *sa, const ProtobufCBinaryData *id,
    struct facts *ret, struct err_text *e);

#endif
