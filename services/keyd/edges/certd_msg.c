/*
 * The edges to certd and certd-verify: what is asked. Secrets cross in records that lib/ipc wipes.
 */
#include <errno.h>

#include "ipc/model.h"
#include "ipc/model_ike.h"
#include "ipc/types.h"
#include "keyd/edges/certd.h"
#include "wire/ike/msg.h"

#include "certd_keyd.pb-c.h"
#include "certd_verify_keyd.pb-c.h"

enum { CERTS_MAX = 10 };

static ProtobufCBinaryData slice(struct ike1_octets o)
{
	return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)o.p, .len = o.n};
}

static ProtobufCBinaryData plain(const void *p, size_t n)
{
	return slice((struct ike1_octets){p, n});
}

int certd_ask_begin(struct ipc_client *c, uint64_t generation, uint32_t peer,
    const struct inet_addr *peer_addr, bool we_began, ipc_reply_fn fn, void *arg)
{
	Postern__IkeBegin m = POSTERN__IKE_BEGIN__INIT;
	Postern__Addr addr;

	model_addr_encode(peer_addr, &addr);
	m.generation = generation;
	m.peer = peer;
	m.peer_addr = &addr;
	m.we_began = we_began;
	return ipc_client_request(c, IPC_IKE_BEGIN, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_xauth(struct ipc_client *c, struct ike1_octets ticket, struct ike1_octets user,
    struct ike1_octets password, ipc_reply_fn fn, void *arg)
{
	Postern__XauthCheck m = POSTERN__XAUTH_CHECK__INIT;

	m.ticket = slice(ticket);
	m.user = slice(user);
	m.password = slice(password);
	return ipc_client_request(c, IPC_XAUTH_CHECK, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_password(struct ipc_client *c, struct ike1_octets ticket, ipc_reply_fn fn, void *arg)
{
	Postern__XauthPassword m = POSTERN__XAUTH_PASSWORD__INIT;

	m.ticket = slice(ticket);
	return ipc_client_request(c, IPC_XAUTH_PASSWORD, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_keys(struct ipc_client *c, const struct ike1_told *t, ipc_reply_fn fn, void *arg)
{
	Postern__Ike1Keys m = POSTERN__IKE1_KEYS__INIT;
	Postern__IkeId id;

	m.nonce = slice(t->nonce);
	m.peer_nonce = slice(t->peer_nonce);
	m.icookie = plain(t->icookie, IKE_COOKIE_LEN);
	m.rcookie = plain(t->rcookie, IKE_COOKIE_LEN);
	m.auth = t->auth;
	m.prf = t->prf;
	m.group = t->group;
	m.gxi = slice(t->gxi);
	m.gxr = slice(t->gxr);
	if (t->gxy)
		m.gxy = plain(secret_bytes(t->gxy), secret_len(t->gxy));
	m.sa = slice(t->sa);
	m.idi = slice(t->idi);
	if (t->peer_id) {
		model_ike_id_encode(t->peer_id, &id);
		m.peer_id = &id;
	}
	return ipc_client_request(c, IPC_IKE1_KEYS, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_switch(
    struct ipc_client *c, struct ike1_octets nonce, uint32_t peer, ipc_reply_fn fn, void *arg)
{
	Postern__Ike1Switch m = POSTERN__IKE1_SWITCH__INIT;

	m.nonce = slice(nonce);
	m.peer = peer;
	return ipc_client_request(c, IPC_IKE1_SWITCH, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_tell(struct ipc_client *c, const struct ike2_told *t, ipc_reply_fn fn, void *arg)
{
	Postern__Ike2Tell m = POSTERN__IKE2_TELL__INIT;

	m.nonce = slice(t->nonce);
	m.peer_nonce = slice(t->peer_nonce);
	m.spi_i = plain(t->spi_i, IKE_COOKIE_LEN);
	m.spi_r = plain(t->spi_r, IKE_COOKIE_LEN);
	m.prf = t->prf;
	m.sk_pi = plain(secret_bytes(t->pi), secret_len(t->pi));
	m.sk_pr = plain(secret_bytes(t->pr), secret_len(t->pr));
	m.message_i = slice(t->message_i);
	m.message_r = slice(t->message_r);
	m.peer_hashes = t->peer_hashes;
	return ipc_client_request(c, IPC_IKE2_TELL, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_prove(
    struct ipc_client *c, struct ike1_octets nonce, struct ike1_octets id, ipc_reply_fn fn, void *arg)
{
	Postern__IkeProve m = POSTERN__IKE_PROVE__INIT;

	m.nonce = slice(nonce);
	m.id = slice(id);
	return ipc_client_request(c, IPC_IKE_PROVE, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_verify(struct ipc_client *c, struct ike1_octets nonce, struct ike1_octets id,
    struct ike1_octets proof, ipc_reply_fn fn, void *arg)
{
	Postern__IkeVerify m = POSTERN__IKE_VERIFY__INIT;

	m.nonce = slice(nonce);
	m.id = slice(id);
	m.proof = slice(proof);
	return ipc_client_request(c, IPC_IKE_VERIFY, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_verify_ask(struct ipc_client *c, const struct ike1_signed *s, ipc_reply_fn fn, void *arg)
{
	Postern__IkeJudge m = POSTERN__IKE_JUDGE__INIT;
	ProtobufCBinaryData certs[CERTS_MAX];

	if (s->n_certs > CERTS_MAX)
		return -EMSGSIZE;
	for (uint32_t i = 0; i < s->n_certs; i++)
		certs[i] = slice(s->certs[i]);
	m.statement = slice(s->statement);
	m.certs = certs;
	m.n_certs = s->n_certs;
	m.public_key = slice(s->public_key);
	m.signature = slice(s->signature);
	return ipc_client_request(c, IPC_IKE_JUDGE, &m.base, CERTD_DEADLINE_MS, fn, arg);
}
