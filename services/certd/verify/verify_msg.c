/*
 * The whole truth about certd-verify's edges.
 */
#include "certd/verify/verify_msg.h"

#include <errno.h>

#include "certd/session_msg.h"
#include "ticket/statement.h"

#include "certd_keyd.pb-c.h"
#include "certd_verify_keyd.pb-c.h"
#include "ike_conf.pb-c.h"

enum { CAP = 128 << 10, CERTS_OCTETS_MAX = 32768, SIGNATURE_MAX = 1284 };

void verify_request_fini(struct verify_request *r)
{
	ipc_unpack_free(r->m);
	*r = (struct verify_request){0};
}

static int certs_decode(const Postern__IkeJudge *m, struct judge_claim *c, struct err_text *e)
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
	const Postern__IkeJudge *m;
	struct err_text e;
	int r;

	ret->m = ipc_unpack(&postern__ike_judge__descriptor, rec, CAP);
	m = (const Postern__IkeJudge *)ret->m;
	r = m ? session_octets(&m->statement, 1, STATEMENT_MAX, &ret->statement, &e) : -EBADMSG;
	if (r == 0)
		r = certs_decode(m, &ret->claim, &e);
	if (r == 0)
		r = session_octets(&m->public_key, 0, IKE_PUBLIC_KEY_MAX, &ret->claim.public_key, &e);
	return r < 0 ? r : session_octets(&m->signature, 1, SIGNATURE_MAX, &ret->claim.signature, &e);
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
