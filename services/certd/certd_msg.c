/*
 * The whole truth about certd's edges.
 */
#include "certd/certd_msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certd/proof.h"
#include "certd/proof2.h"
#include "certd/session_msg.h"
#include "ipc/model.h"
#include "ipc/model_ike.h"

#include "certd_keyd.pb-c.h"

enum { CAP = 64 << 10 };

void certd_request_fini(struct certd_request *r)
{
	secret_free(r->gxy);
	secret_free(r->pi);
	secret_free(r->pr);
	secret_free(r->login.password);
	ipc_unpack_free(r->m);
	*r = (struct certd_request){0};
}

int certd_begin_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__IkeBegin *m;
	struct err_text e;

	ret->m = ipc_unpack(&postern__ike_begin__descriptor, rec, CAP);
	m = (const Postern__IkeBegin *)ret->m;
	if (!m)
		return -EBADMSG;
	ret->session.generation = m->generation;
	ret->session.peer = m->peer;
	ret->we_began = m->we_began;
	return model_addr_decode(m->peer_addr, false, &ret->session.addr, &e);
}

static int cookie(const ProtobufCBinaryData *b, uint8_t ret[IKE1_COOKIE], struct err_text *e)
{
	struct ike1_octets o;
	int r = session_octets(b, IKE1_COOKIE, IKE1_COOKIE, &o, e);

	if (r == 0)
		memcpy(ret, o.p, IKE1_COOKIE);
	return r;
}

/* Only base mode may do without the last two, and without both. */
static int values(const Postern__Ike1Keys *m, struct certd_request *ret, struct err_text *e)
{
	size_t least = m->idi.len && !m->gxr.len && !m->gxy.len ? 0 : 1;
	struct ike1_octets gxy;
	int r = session_octets(&m->gxi, 1, ALG_GROUP_PUBLIC_MAX, &ret->facts.gxi, e);

	if (r == 0)
		r = session_octets(&m->gxr, least, ALG_GROUP_PUBLIC_MAX, &ret->facts.gxr, e);
	if (r == 0)
		r = session_octets(&m->gxy, least, ALG_GROUP_PUBLIC_MAX, &gxy, e);
	if (r < 0 || !least)
		return r;
	ret->gxy = secret_dup_bytes(gxy.p, gxy.n);
	return ret->gxy ? 0 : -ENOMEM;
}

static int facts(const Postern__Ike1Keys *m, struct certd_request *ret, struct err_text *e)
{
	struct exchange_facts *f = &ret->facts;
	int r = session_octets(&m->peer_nonce, IKE_NONCE_MIN, IKE_NONCE_MAX, &f->peer_nonce, e);

	if (r == 0)
		r = cookie(&m->icookie, f->icookie, e);
	if (r == 0)
		r = cookie(&m->rcookie, f->rcookie, e);
	if (r == 0)
		r = session_octets(&m->sa, PROOF_SA_MIN, PROOF_SA_MAX, &f->sa, e);
	if (r == 0 && m->idi.len)
		r = session_octets(&m->idi, SESSION_ID_MIN, SESSION_ID_MAX, &f->idi, e);
	if (r == 0 && m->peer_id) {
		r = model_ike_id_decode(m->peer_id, &ret->peer_id, e);
		f->peer_id = &ret->peer_id;
	}
	return r;
}

int certd_keys_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__Ike1Keys *m;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__ike1_keys__descriptor, rec, CAP);
	m = (const Postern__Ike1Keys *)ret->m;
	if (!m || !crypto_hash_len(m->prf) || m->auth == IKE_AUTH_NONE || m->auth > IKE_AUTH_XAUTH_RSA_SERVER)
		return -EBADMSG;
	ret->facts.auth = m->auth;
	ret->facts.prf = m->prf;
	ret->facts.group = m->group;
	r = session_octets(&m->nonce, NONCE_LEN, NONCE_LEN, &ret->nonce, &e);
	if (r == 0)
		r = facts(m, ret, &e);
	return r < 0 ? r : values(m, ret, &e);
}

int certd_switch_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__Ike1Switch *m;
	struct err_text e;

	ret->m = ipc_unpack(&postern__ike1_switch__descriptor, rec, CAP);
	m = (const Postern__Ike1Switch *)ret->m;
	if (!m)
		return -EBADMSG;
	ret->session.peer = m->peer;
	return session_octets(&m->nonce, NONCE_LEN, NONCE_LEN, &ret->nonce, &e);
}

static int hidden_key(const ProtobufCBinaryData *b, struct secret **ret, struct err_text *e)
{
	struct ike1_octets o;
	int r = session_octets(b, 1, ALG_PRF_LEN_MAX, &o, e);

	if (r < 0)
		return r;
	*ret = secret_dup_bytes(o.p, o.n);
	return *ret ? 0 : -ENOMEM;
}

static int facts2(const Postern__Ike2Tell *m, struct certd_request *ret, struct err_text *e)
{
	struct exchange_facts2 *f = &ret->facts2;
	int r = session_octets(&m->peer_nonce, PROOF2_NONCE_MIN, IKE_NONCE_MAX, &f->peer_nonce, e);

	if (r == 0)
		r = cookie(&m->spi_i, f->spi_i, e);
	if (r == 0)
		r = cookie(&m->spi_r, f->spi_r, e);
	if (r == 0)
		r = session_octets(&m->message_i, 1, PROOF2_MESSAGE_MAX, &f->message_i, e);
	if (r == 0)
		r = session_octets(&m->message_r, 1, PROOF2_MESSAGE_MAX, &f->message_r, e);
	if (r == 0)
		r = hidden_key(&m->sk_pi, &ret->pi, e);
	if (r == 0)
		r = hidden_key(&m->sk_pr, &ret->pr, e);
	f->pi = ret->pi;
	f->pr = ret->pr;
	f->peer_hashes = m->peer_hashes;
	return r;
}

int certd_tell_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__Ike2Tell *m;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__ike2_tell__descriptor, rec, CAP);
	m = (const Postern__Ike2Tell *)ret->m;
	if (!m || !crypto_prf_len(m->prf))
		return -EBADMSG;
	ret->facts2.prf = m->prf;
	r = session_octets(&m->nonce, NONCE_LEN, NONCE_LEN, &ret->nonce, &e);
	return r < 0 ? r : facts2(m, ret, &e);
}

int certd_prove_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__IkeProve *m;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__ike_prove__descriptor, rec, CAP);
	m = (const Postern__IkeProve *)ret->m;
	r = m ? session_octets(&m->nonce, NONCE_LEN, NONCE_LEN, &ret->nonce, &e) : -EBADMSG;
	return r < 0 ? r : session_octets(&m->id, SESSION_ID_MIN, SESSION_ID_MAX, &ret->id, &e);
}

int certd_verify_decode(const struct ipc_record *rec, struct certd_request *ret)
{
	const Postern__IkeVerify *m;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__ike_verify__descriptor, rec, CAP);
	m = (const Postern__IkeVerify *)ret->m;
	r = m ? session_octets(&m->nonce, NONCE_LEN, NONCE_LEN, &ret->nonce, &e) : -EBADMSG;
	if (r == 0)
		r = session_octets(&m->id, SESSION_ID_MIN, SESSION_ID_MAX, &ret->id, &e);
	return r < 0 ? r : session_octets(&m->proof, 0, PROVE_PROOF_MAX, &ret->proof, &e);
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

static ProtobufCBinaryData hidden(const struct secret *s)
{
	return slice(secret_bytes(s), secret_len(s));
}

void certd_send_begun(
    struct ipc_conn *c, uint32_t id, const uint8_t nonce[NONCE_LEN], const struct own_key *k)
{
	Postern__IkeBegun m = POSTERN__IKE_BEGUN__INIT;
	ProtobufCBinaryData certs[OWN_CERTS_MAX];
	struct ike1_octets cert[OWN_CERTS_MAX], subject, issuer, public;

	m.nonce = slice(nonce, NONCE_LEN);
	if (k) {
		subject = own_key_subject(k);
		issuer = own_key_issuer(k);
		public = own_key_public(k);
		m.subject = slice(subject.p, subject.n);
		m.issuer = slice(issuer.p, issuer.n);
		m.public_key = slice(public.p, public.n);
		m.n_certs = own_key_certs(k, cert);
		m.certs = certs;
		for (size_t i = 0; i < m.n_certs; i++)
			certs[i] = slice(cert[i].p, cert[i].n);
	}
	(void)ipc_conn_send(c, IPC_IKE_BEGUN, id, &m.base);
}

void certd_send_keys(struct ipc_conn *c, uint32_t id, const struct ike1_keys *k)
{
	Postern__Ike1KeysReply m = POSTERN__IKE1_KEYS_REPLY__INIT;

	if (k->d)
		m.skeyid_d = hidden(k->d);
	if (k->a)
		m.skeyid_a = hidden(k->a);
	if (k->e)
		m.skeyid_e = hidden(k->e);
	(void)ipc_conn_send(c, IPC_IKE1_KEYS_REPLY, id, &m.base);
}

void certd_send_proof(struct ipc_conn *c, uint32_t id, const uint8_t *proof, size_t n)
{
	Postern__IkeProof m = POSTERN__IKE_PROOF__INIT;

	m.proof = slice(proof, n);
	(void)ipc_conn_send(c, IPC_IKE_PROOF, id, &m.base);
}

void certd_send_ticket(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n)
{
	Postern__Ticket m = POSTERN__TICKET__INIT;

	m.ticket = slice(ticket, n);
	(void)ipc_conn_send(c, IPC_TICKET, id, &m.base);
}

void certd_send_statement(struct ipc_conn *c, uint32_t id, const uint8_t *statement, size_t n)
{
	Postern__Statement m = POSTERN__STATEMENT__INIT;

	m.statement = slice(statement, n);
	(void)ipc_conn_send(c, IPC_STATEMENT, id, &m.base);
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

int certd_credential_decode(const struct ipc_record *rec, struct certd_file *ret)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__credential_put__descriptor, rec, CAP);
	const Postern__CredentialPut *m = (const Postern__CredentialPut *)u;

	if (!m || m->kind == CREDENTIAL_NONE || m->kind >= CREDENTIAL_KINDS)
		return -EBADMSG;
	ret->kind = m->kind;
	ret->peer = m->peer;
	ipc_text_copy(ret->name, sizeof(ret->name), m->name);
	ipc_text_copy(ret->missing, sizeof(ret->missing), m->missing);
	return 0;
}

int certd_passphrase_decode(const struct ipc_record *rec, uint32_t *ret_peer, struct secret **ret_passphrase)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__credential_passphrase__descriptor, rec, CAP);
	const Postern__CredentialPassphrase *m = (const Postern__CredentialPassphrase *)u;

	if (!m || !m->passphrase.len || m->passphrase.len > OWN_PASSPHRASE_MAX ||
	    memchr(m->passphrase.data, 0, m->passphrase.len))
		return -EBADMSG;
	*ret_peer = m->peer;
	*ret_passphrase = secret_dup_bytes(m->passphrase.data, m->passphrase.len);
	return *ret_passphrase ? 0 : -ENOMEM;
}
