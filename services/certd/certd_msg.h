/*
 * certd's messages as plain structs. Slices of a decoded request live until msg_free().
 */
#ifndef POSTERN_CERTD_CERTD_MSG_H
#define POSTERN_CERTD_CERTD_MSG_H

#include "certd/prove.h"
#include "ipc/conn.h"

/* Any request of the edge certd.keyd. */
struct certd_request {
	ProtobufCMessage *m; /* owned */
	struct session session;
	bool has_id;
	struct ike_id id; /* PSK_SKEYID */
	struct prove_claim claim;
	struct facts facts; /* IKE1_SIGN */
	struct secret *skeyid;
	struct prove_login login; /* XAUTH_CHECK; XAUTH_PASSWORD has its ticket alone */
	uint64_t generation;      /* LOCAL_ID */
	uint32_t peer;
};
void certd_request_fini(struct certd_request *r);

/* 0; -EBADMSG: no such request. */
must_check int certd_skeyid_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_verify_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_sign_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_local_id_decode(const struct ipc_record *rec, struct certd_request *ret);

must_check int certd_xauth_check_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_xauth_password_decode(const struct ipc_record *rec, struct certd_request *ret);

void certd_send_skeyid(struct ipc_conn *c, uint32_t id, const struct secret *skeyid);
void certd_send_ticket(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n);
void certd_send_signature(struct ipc_conn *c, uint32_t id, const uint8_t *sig, size_t n);
void certd_send_local_id(struct ipc_conn *c, uint32_t id, const struct own_key *k);
void certd_send_xauth(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n, const char *groups);
void certd_send_password(struct ipc_conn *c, uint32_t id, const struct secret *password);

/* A file of a load. `ret_name` has CREDS_NAME_MAX octets. */
must_check int certd_credential_decode(
    const struct ipc_record *rec, enum credential_kind *ret_kind, uint32_t *ret_peer, char *ret_name);

#endif
