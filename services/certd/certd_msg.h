/*
 * certd's messages as plain structs. Slices of a decoded request live until certd_request_fini().
 */
#ifndef POSTERN_CERTD_CERTD_MSG_H
#define POSTERN_CERTD_CERTD_MSG_H

#include "certd/prove.h"
#include "ipc/conn.h"

/* Any request of the edge certd.keyd. */
struct certd_request {
	ProtobufCMessage *m;    /* owned */
	struct session session; /* IKE_BEGIN; of IKE1_SWITCH the peer */
	bool we_began;
	struct ike1_octets nonce;    /* all others; ours */
	struct exchange_facts facts; /* IKE1_KEYS */
	struct ike_id peer_id;
	struct secret *gxy;
	struct exchange_facts2 facts2; /* IKE2_TELL */
	struct secret *pi, *pr;
	struct ike1_octets id;    /* IKE_PROVE, IKE_VERIFY: the body */
	struct ike1_octets proof; /* IKE_VERIFY; may be empty */
	struct prove_login login; /* XAUTH_CHECK; XAUTH_PASSWORD has its ticket alone */
};
void certd_request_fini(struct certd_request *r);

/* 0; -EBADMSG: no such request. */
must_check int certd_begin_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_keys_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_switch_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_tell_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_prove_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_verify_decode(const struct ipc_record *rec, struct certd_request *ret);

must_check int certd_xauth_check_decode(const struct ipc_record *rec, struct certd_request *ret);
must_check int certd_xauth_password_decode(const struct ipc_record *rec, struct certd_request *ret);

/* `k` NULL: no certificate. */
void certd_send_begun(
    struct ipc_conn *c, uint32_t id, const uint8_t nonce[NONCE_LEN], const struct own_key *k);
void certd_send_keys(struct ipc_conn *c, uint32_t id, const struct ike1_keys *k);
void certd_send_proof(struct ipc_conn *c, uint32_t id, const uint8_t *proof, size_t n);
void certd_send_ticket(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n);
void certd_send_statement(struct ipc_conn *c, uint32_t id, const uint8_t *statement, size_t n);
void certd_send_xauth(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n, const char *groups);
void certd_send_password(struct ipc_conn *c, uint32_t id, const struct secret *password);

/* A file of a load. */
struct certd_file {
	enum credential_kind kind;
	uint32_t peer;
	char name[CREDS_NAME_MAX];
	char missing[CREDS_WHY_MAX]; /* why it could not be opened; empty: a descriptor comes */
};
must_check int certd_credential_decode(const struct ipc_record *rec, struct certd_file *ret);
/* What opens a peer's key. 0; -EBADMSG; -ENOMEM. */
must_check int certd_passphrase_decode(
    const struct ipc_record *rec, uint32_t *ret_peer, struct secret **ret_passphrase);

#endif
