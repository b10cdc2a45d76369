/*
 * The whole truth about certd-verify's edges.
 */
#include "certd/verify/verify_msg.h"

#include <errno.h>

#include "certd/session_msg.h"
#include "ipc/model_ike.h"

#include "certd_verify_keyd.pb-c.h"

enum { CAP = 128 << 10, CERTS_OCTETS_MAX = 32768, SIGNATURE_MAX = 1024 };

void verify_request_fini(struct verify_request *r)
{
	secret_free(r->skeyid);
	ipc_unpack_free(r->m);
	*r = (struct verify_request){0};
}

static int certs_decode(const Postern__Ike1VerifySignature *m, struct judge_claim *c, struct err_text *e)
{
	size_t all = 0;
	int r = 0;

	if (m->n_certs > JUDGE_CERTS_MAX)
		return -EBADMSG;
	for (size_t i = 0; r == 0 && i < m->n_certs; i++) {
		r = session_octets(&m->certs[i], 1, CERTS_OCTETS_MAX, &c->cert[i], e);
		all += m->certs[i].len;
	}
	c->n_certs = (uint32_t)m->n_certs;
	return r == 0 && all > CERTS_OCTETS_MAX ? -EBADMSG : r;
}

int verify_request_decode(const struct ipc_record *rec, struct verify_request *ret)
{
	struct ike1_octets skeyid = {NULL, 0};
	const Postern__Ike1VerifySignature *m;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__ike1_verify_signature__descriptor, rec, CAP);
	m = (const Postern__Ike1VerifySignature *)ret->m;
	r = m ? session_decode(m->session, &ret->session, &e) : -EBADMSG;
	if (r == 0)
		r = session_facts(
		    m->peer_began, &m->gx_peer, &m->gx_mine, &m->sa, &m->id, &ret->claim.facts, &e);
	if (r == 0)
		r = model_ike_id_decode(m->peer_id, &ret->claim.id, &e);
	if (r == 0)
		r = certs_decode(m, &ret->claim, &e);
	if (r == 0)
		r = session_octets(&m->signature, 1, SIGNATURE_MAX, &ret->claim.signature, &e);
	if (r == 0)
		r = session_octets(&m->skeyid, 1, ALG_PRF_LEN_MAX, &skeyid, &e);
	if (r < 0)
		return r;
	ret->skeyid = secret_dup_bytes(skeyid.p, skeyid.n);
	return ret->skeyid ? 0 : -ENOMEM;
}

void verify_send_ticket(struct ipc_conn *c, uint32_t id, const uint8_t *ticket, size_t n)
{
	Postern__Ticket m = POSTERN__TICKET__INIT;

	m.ticket = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)ticket, .len = n};
	(void)ipc_conn_send(c, IPC_TICKET, id, &m.base);
}

int verify_credential_decode(
    const struct ipc_record *rec, enum credential_kind *ret_kind, uint32_t *ret_peer, char *ret_name)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__credential_put__descriptor, rec, CAP);
	const Postern__CredentialPut *m = (const Postern__CredentialPut *)u;

	if (!m || m->kind == CREDENTIAL_NONE || m->kind >= CREDENTIAL_KINDS)
		return -EBADMSG;
	*ret_kind = m->kind;
	*ret_peer = m->peer;
	ipc_text_copy(ret_name, VERIFY_NAME_MAX, m->name);
	return 0;
}
