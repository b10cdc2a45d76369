/*
 * The edges to certd and certd-verify: what is asked. SKEYID crosses in records that lib/ipc wipes.
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

struct session_pb {
	Postern__Ike1Session m;
	Postern__Addr addr;
};

static Postern__Ike1Session *session(const struct ike1_session *s, struct session_pb *ret)
{
	ret->m = (Postern__Ike1Session)POSTERN__IKE1_SESSION__INIT;
	model_addr_encode(&s->peer_addr, &ret->addr);
	ret->m.generation = s->generation;
	ret->m.peer = s->peer;
	ret->m.peer_addr = &ret->addr;
	ret->m.icookie = plain(s->icookie, IKE_COOKIE_LEN);
	ret->m.rcookie = plain(s->rcookie, IKE_COOKIE_LEN);
	ret->m.prf = s->prf;
	ret->m.ni = slice(s->ni);
	ret->m.nr = slice(s->nr);
	return &ret->m;
}

int certd_ask_skeyid(struct ipc_client *c, const struct ike1_session *s, const struct ike_id *peer_id,
    ipc_reply_fn fn, void *arg)
{
	Postern__PskSkeyid m = POSTERN__PSK_SKEYID__INIT;
	struct session_pb x;
	Postern__IkeId id;

	m.session = session(s, &x);
	if (peer_id) {
		model_ike_id_encode(peer_id, &id);
		m.peer_id = &id;
	}
	return ipc_client_request(c, IPC_PSK_SKEYID, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_verify(struct ipc_client *c, const struct ike1_session *s, const struct ike1_claim *claim,
    ipc_reply_fn fn, void *arg)
{
	Postern__PskVerify m = POSTERN__PSK_VERIFY__INIT;
	struct session_pb x;
	Postern__IkeId id;

	m.session = session(s, &x);
	model_ike_id_encode(&claim->peer_id, &id);
	m.peer_id = &id;
	m.by_id = claim->by_id;
	m.peer_began = claim->facts.prover_began;
	m.gx_peer = slice(claim->facts.gx_prover);
	m.gx_mine = slice(claim->facts.gx_other);
	m.sa = slice(claim->facts.sa);
	m.id = slice(claim->facts.id);
	m.hash = slice(claim->proof);
	return ipc_client_request(c, IPC_PSK_VERIFY, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_sign(struct ipc_client *c, const struct ike1_session *s, const struct secret *skeyid,
    const struct ike1_facts *f, ipc_reply_fn fn, void *arg)
{
	Postern__Ike1Sign m = POSTERN__IKE1_SIGN__INIT;
	struct session_pb x;

	m.session = session(s, &x);
	m.skeyid = plain(secret_bytes(skeyid), secret_len(skeyid));
	m.we_began = f->prover_began;
	m.gx_mine = slice(f->gx_prover);
	m.gx_peer = slice(f->gx_other);
	m.sa = slice(f->sa);
	m.id = slice(f->id);
	return ipc_client_request(c, IPC_IKE1_SIGN, &m.base, CERTD_DEADLINE_MS, fn, arg);
}

int certd_ask_local_id(struct ipc_client *c, uint64_t generation, uint32_t peer, ipc_reply_fn fn, void *arg)
{
	Postern__LocalId m = POSTERN__LOCAL_ID__INIT;

	m.generation = generation;
	m.peer = peer;
	return ipc_client_request(c, IPC_LOCAL_ID, &m.base, CERTD_DEADLINE_MS, fn, arg);
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

int certd_verify_ask(struct ipc_client *c, const struct ike1_session *s, const struct secret *skeyid,
    const struct ike1_claim *claim, ipc_reply_fn fn, void *arg)
{
	Postern__Ike1VerifySignature m = POSTERN__IKE1_VERIFY_SIGNATURE__INIT;
	ProtobufCBinaryData certs[CERTS_MAX];
	struct session_pb x;
	Postern__IkeId id;

	if (claim->n_certs > CERTS_MAX)
		return -EMSGSIZE;
	m.session = session(s, &x);
	m.skeyid = plain(secret_bytes(skeyid), secret_len(skeyid));
	model_ike_id_encode(&claim->peer_id, &id);
	m.peer_id = &id;
	m.peer_began = claim->facts.prover_began;
	m.gx_peer = slice(claim->facts.gx_prover);
	m.gx_mine = slice(claim->facts.gx_other);
	m.sa = slice(claim->facts.sa);
	m.id = slice(claim->facts.id);
	for (uint32_t i = 0; i < claim->n_certs; i++)
		certs[i] = slice(claim->certs[i]);
	m.certs = certs;
	m.n_certs = claim->n_certs;
	m.signature = slice(claim->proof);
	return ipc_client_request(c, IPC_IKE1_VERIFY_SIGNATURE, &m.base, CERTD_DEADLINE_MS, fn, arg);
}
