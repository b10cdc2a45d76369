/*
 * certd-verify's messages as plain structs.
 */
#ifndef POSTERN_CERTD_VERIFY_VERIFY_MSG_H
#define POSTERN_CERTD_VERIFY_VERIFY_MSG_H

#include "certd/verify/judge.h"
#include "ipc/conn.h"

enum { VERIFY_NAME_MAX = 256 };

struct verify_request {
	ProtobufCMessage *m;          /* owned; slices point into it */
	struct ike1_octets statement; /* certd's, not opened yet */
	struct judge_claim claim;     /* certificates and signature alone */
};
void verify_request_fini(struct verify_request *r);

/* 0 or -EBADMSG. */
must_check int verify_request_decode(const struct ipc_record *rec, struct verify_request *ret);
void verify_send_ticket(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n);
must_check int verify_credential_decode(
    const struct ipc_record *rec, enum credential_kind *ret_kind, uint32_t *ret_peer, char *ret_name);

#endif
