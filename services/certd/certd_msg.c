/*
 * The whole truth about certd's edges.
 */
#include "certd/certd_msg.h"

#include <errno.h>
#include <stdio.h>

#include "certd/session_msg.h"
#include "ipc/model_ike.h"

enum { CAP = 64 << 10 };

void certd_request_fini(struct certd_request *r)
{
	secret_free(r->skeyid);
	secret_free(r->login.password);
	ipc_unpack_free(r->m);
	*r = (struct certd_request){0};
}

int certd_skeyid_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__PskSkeyid *m;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__psk_skeyid__descriptor, rec, CAP);
	m = (const Postern__PskSkeyid *)ret->m;
	r = m ? session_decode(m->session, &ret->session, &e) : -EBADMSG;
	if (r < 0)
		return r;
	ret->has_id = m->peer_id != NULL;
	return ret->has_id ? model_ike_id_decode(m->peer_id, &ret->id, &e) : 0;
}

int certd_verify_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__PskVerify *m;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__psk_verify__descriptor, rec, CAP);
	m = (const Postern__PskVerify *)ret->m;
	r = m ? session_decode(m->session, &ret->session, &e) : -EBADMSG;
	if (r == 0)
		r = model_ike_id_decode(m->peer_id, &ret->claim.id, &e);
	if (r == 0)
		r = session_facts(
		    m->peer_began, &m->gx_peer, &m->gx_mine, &m->sa, &m->id, &ret->claim.facts, &e);
	if (r == 0)
		r = session_octets(&m->hash, 1, ALG_PRF_LEN_MAX, &ret->claim.hash, &e);
	if (r == 0)
		ret->claim.by_id = m->by_id;
	return r;
}

int certd_sign_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__Ike1Sign *m;
	struct ike1_octets skeyid;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__ike1_sign__descriptor, rec, CAP);
	m = (const Postern__Ike1Sign *)ret->m;
	r = m ? session_decode(m->session, &ret->session, &e) : -EBADMSG;
	if (r == 0)
		r = session_facts(m->we_began, &m->gx_mine, &m->gx_peer, &m->sa, &m->id, &ret->facts, &e);
	if (r == 0)
		r = session_octets(&m->skeyid, 1, ALG_PRF_LEN_MAX, &skeyid, &e);
	if (r < 0)
		return r;
	ret->skeyid = secret_dup_bytes(skeyid.p, skeyid.n);
	return ret->skeyid ? 0 : -ENOMEM;
}

int certd_local_id_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__LocalId *m;

	ret->m = ipc_unpack(&postern__local_id__descriptor, rec, CAP);
	m = (const Postern__LocalId *)ret->m;
	if (!m)
		return -EBADMSG;
	ret->generation = m->generation;
	ret->peer = m->peer;
	return 0;
}

int certd_xauth_check_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__XauthCheck *m;
	struct ike1_octets password;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__xauth_check__descriptor, rec, CAP);
	m = (const Postern__XauthCheck *)ret->m;
	r = m ? session_octets(&m->ticket, 1, TICKET_MAX, &ret->login.ticket, &e) : -EBADMSG;
	if (r == 0)
		r = session_octets(&m->user, 1, TICKET_USER_MAX, &ret->login.user, &e);
	if (r == 0)
		r = session_octets(&m->password, 1, USERS_PASSWORD_MAX, &password, &e);
	if (r < 0)
		return r;
	ret->login.password = secret_dup_bytes(password.p, password.n);
	return ret->login.password ? 0 : -ENOMEM;
}

int certd_xauth_password_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__XauthPassword *m;
	struct err_text e;

	ret->m = ipc_unpack(&postern__xauth_password__descriptor, rec, CAP);
	m = (const Postern__XauthPassword *)ret->m;
	return m ? session_octets(&m->ticket, 1, TICKET_MAX, &ret->login.ticket, &e) : -EBADMSG;
}

static ProtobufCBinaryData slice(const void *p, size_t n)
{
	return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)p, .len = n};
}

void certd_send_skeyid(struct ipc_conn *c, uint32_t id, const struct secret *skeyid)
{
	Postern__PskSkeyidReply m = POSTERN__PSK_SKEYID_REPLY__INIT;

	m.skeyid = slice(secret_bytes(skeyid), secret_len(skeyid));
	(void)ipc_conn_send(c, IPC_PSK_SKEYID_REPLY, id, &m.base);
}

void certd_send_ticket(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n)
{
	Postern__Ticket m = POSTERN__TICKET__INIT;

	m.ticket = slice(ticket, n);
	(void)ipc_conn_send(c, IPC_TICKET, id, &m.base);
}

void certd_send_signature(struct ipc_conn *c, uint32_t id, const uint8_t *sig, size_t n)
{
	Postern__Ike1SignReply m = POSTERN__IKE1_SIGN_REPLY__INIT;

	m.signature = slice(sig, n);
	(void)ipc_conn_send(c, IPC_IKE1_SIGN_REPLY, id, &m.base);
}

void certd_send_xauth(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n, const char *groups)
{
	Postern__XauthCheckReply m = POSTERN__XAUTH_CHECK_REPLY__INIT;

	m.ticket = slice(ticket, n);
	m.groups = (char *)(uintptr_t)groups;
	(void)ipc_conn_send(c, IPC_XAUTH_CHECK_REPLY, id, &m.base);
}

void certd_send_password(struct ipc_conn *c, uint32_t id, const struct secret *password)
{
	Postern__XauthPasswordReply m = POSTERN__XAUTH_PASSWORD_REPLY__INIT;

	m.password = slice(secret_bytes(password), secret_len(password));
	(void)ipc_conn_send(c, IPC_XAUTH_PASSWORD_REPLY, id, &m.base);
}

void certd_send_local_id(struct ipc_conn *c, uint32_t id, const struct own_key *k)
{
	Postern__LocalIdReply m = POSTERN__LOCAL_ID_REPLY__INIT;
	struct ike1_octets cert[OWN_CERTS_MAX], subject = own_key_subject(k), issuer = own_key_issuer(k);
	ProtobufCBinaryData certs[OWN_CERTS_MAX];
	size_t n = own_key_certs(k, cert);

	for (size_t i = 0; i < n; i++)
		certs[i] = slice(cert[i].p, cert[i].n);
	m.subject = slice(subject.p, subject.n);
	m.issuer = slice(issuer.p, issuer.n);
	m.certs = certs;
	m.n_certs = n;
	(void)ipc_conn_send(c, IPC_LOCAL_ID_REPLY, id, &m.base);
}

int certd_credential_decode(
    const struct ipc_record *rec, enum credential_kind *ret_kind, uint32_t *ret_peer, char *ret_name)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__credential_put__descriptor, rec, CAP);
	const Postern__CredentialPut *m = (const Postern__CredentialPut *)u;

	if (!m || m->kind == CREDENTIAL_NONE || m->kind >= CREDENTIAL_KINDS)
		return -EBADMSG;
	*ret_kind = m->kind;
	*ret_peer = m->peer;
	ipc_text_copy(ret_name, CREDS_NAME_MAX, m->name);
	return 0;
}
