/*
 * A row a kind: which record answers, and what it says. A record that is not what was asked for is a failure
 * like a refusal; it ends nothing but the exchange that asked.
 */
#include <errno.h>
#include <string.h>

#include "ipc/model.h"
#include "ipc/types.h"
#include "ipsec/ike_conf.h"
#include "keyd/edges/answer.h"

#include "certd_keyd.pb-c.h"
#include "datapathd_keyd.pb-c.h"
#include "policyd_keyd.pb-c.h"

enum {
	SKEYID_MAX = 64,
	SEALED_MAX = 2048,
	STATEMENT_OCTETS_MAX = 9572,
	PROOF_MAX = 1284,
	SUBJECT_MAX = 2048,
	GROUPS_MAX = 511,
	PASSWORD_MAX = 1024,
	CAP = 128 << 10
};

static int octets(struct answer *a, const ProtobufCBinaryData *b, size_t max)
{
	if (!b->len || b->len > max)
		return -EBADMSG;
	a->reply.octets = b->data;
	a->reply.n_octets = b->len;
	return 0;
}

static int key(const ProtobufCBinaryData *b, struct secret **ret)
{
	if (!b->len || b->len > SKEYID_MAX)
		return -EBADMSG;
	*ret = secret_dup_bytes(b->data, b->len);
	return *ret ? 0 : -ENOMEM;
}

static int take_keys(struct answer *a)
{
	const Postern__Ike1KeysReply *m = (const Postern__Ike1KeysReply *)a->m;
	int r = key(&m->skeyid_d, &a->reply.d);

	if (r == 0)
		r = key(&m->skeyid_a, &a->reply.a);
	return r < 0 ? r : key(&m->skeyid_e, &a->reply.e);
}

/* Facts without keys: base mode's initiator has told what there is to tell. */
static int take_told(struct answer *a)
{
	const Postern__Ike1KeysReply *m = (const Postern__Ike1KeysReply *)a->m;

	return m->skeyid_d.len || m->skeyid_a.len || m->skeyid_e.len ? -EBADMSG : 0;
}

static int take_ticket(struct answer *a)
{
	return octets(a, &((const Postern__Ticket *)a->m)->ticket, SEALED_MAX);
}

static int take_statement(struct answer *a)
{
	return octets(a, &((const Postern__Statement *)a->m)->statement, STATEMENT_OCTETS_MAX);
}

static int take_proof(struct answer *a)
{
	return octets(a, &((const Postern__IkeProof *)a->m)->proof, PROOF_MAX);
}

static int take_begun(struct answer *a)
{
	const Postern__IkeBegun *m = (const Postern__IkeBegun *)a->m;

	if (m->n_certs > ANSWER_CERTS_MAX || m->subject.len > SUBJECT_MAX || m->issuer.len > SUBJECT_MAX ||
	    m->public_key.len > IKE_PUBLIC_KEY_MAX)
		return -EBADMSG;
	if (m->nonce.len < IKE_NONCE_MIN)
		return -EBADMSG;
	for (size_t i = 0; i < m->n_certs; i++)
		a->cert[i] = (struct ike1_octets){m->certs[i].data, m->certs[i].len};
	a->reply.certs = a->cert;
	a->reply.n_certs = (uint32_t)m->n_certs;
	a->reply.subject = (struct ike1_octets){m->subject.data, m->subject.len};
	a->reply.issuer = (struct ike1_octets){m->issuer.data, m->issuer.len};
	a->reply.public_key = (struct ike1_octets){m->public_key.data, m->public_key.len};
	return octets(a, &m->nonce, IKE_NONCE_MAX);
}

static int take_policies(struct answer *a)
{
	const Postern__PolicyMatchReply *m = (const Postern__PolicyMatchReply *)a->m;
	int r = 0;

	if (m->out) {
		r = model_policy_decode(m->out, &a->out, &a->why);
		a->reply.out = &a->out;
	}
	if (r == 0 && m->in) {
		r = model_policy_decode(m->in, &a->in, &a->why);
		a->reply.in = &a->in;
	}
	return r;
}

/* They are ours to give back: the number says which. */
static int take_made(struct answer *a)
{
	int r = take_policies(a);

	if (r == 0 && (!a->reply.out || !a->reply.in))
		r = -EBADMSG;
	a->reply.number = r == 0 ? a->out.id : 0;
	return r;
}

static int take_grant(struct answer *a)
{
	const Postern__GrantReply *m = (const Postern__GrantReply *)a->m;

	a->reply.number = m->grant;
	a->reply.expires_ms = m->expires_ms;
	return m->grant ? 0 : -EBADMSG;
}

static int take_spi(struct answer *a)
{
	a->reply.number = ((const Postern__SpiReply *)a->m)->spi;
	return a->reply.number ? 0 : -EBADMSG;
}

static int take_serial(struct answer *a)
{
	a->reply.number = ((const Postern__SaMade *)a->m)->serial;
	return a->reply.number ? 0 : -EBADMSG;
}

static int take_user(struct answer *a)
{
	const Postern__XauthCheckReply *m = (const Postern__XauthCheckReply *)a->m;

	if (strlen(m->groups) > GROUPS_MAX)
		return -EBADMSG;
	a->reply.groups = m->groups;
	return octets(a, &m->ticket, SEALED_MAX);
}

static int take_password(struct answer *a)
{
	const Postern__XauthPasswordReply *m = (const Postern__XauthPasswordReply *)a->m;

	if (!m->password.len || m->password.len > PASSWORD_MAX)
		return -EBADMSG;
	a->reply.secret = secret_dup_bytes(m->password.data, m->password.len);
	return a->reply.secret ? 0 : -ENOMEM;
}

static const struct {
	enum ipc_type type;
	const ProtobufCMessageDescriptor *d;
	int (*take)(struct answer *a);
} rows[ANSWER_KINDS] = {
    [ANSWER_KEYS] = {IPC_IKE1_KEYS_REPLY, &postern__ike1_keys_reply__descriptor, take_keys},
    [ANSWER_TOLD] = {IPC_IKE1_KEYS_REPLY, &postern__ike1_keys_reply__descriptor, take_told},
    [ANSWER_TICKET] = {IPC_TICKET, &postern__ticket__descriptor, take_ticket},
    [ANSWER_PROOF] = {IPC_IKE_PROOF, &postern__ike_proof__descriptor, take_proof},
    [ANSWER_BEGUN] = {IPC_IKE_BEGUN, &postern__ike_begun__descriptor, take_begun},
    [ANSWER_POLICIES] = {IPC_POLICY_MATCH_REPLY, &postern__policy_match_reply__descriptor, take_policies},
    [ANSWER_GRANT] = {IPC_GRANT_REPLY, &postern__grant_reply__descriptor, take_grant},
    [ANSWER_SPI] = {IPC_SPI_REPLY, &postern__spi_reply__descriptor, take_spi},
    [ANSWER_MADE] = {IPC_POLICY_MATCH_REPLY, &postern__policy_match_reply__descriptor, take_made},
    [ANSWER_USER] = {IPC_XAUTH_CHECK_REPLY, &postern__xauth_check_reply__descriptor, take_user},
    [ANSWER_PASSWORD] = {IPC_XAUTH_PASSWORD_REPLY, &postern__xauth_password_reply__descriptor, take_password},
    [ANSWER_HEARD] = {IPC_OK, NULL, NULL},
    [ANSWER_SERIAL] = {IPC_SA_MADE, &postern__sa_made__descriptor, take_serial},
    [ANSWER_STATEMENT] = {IPC_STATEMENT, &postern__statement__descriptor, take_statement},
};

static int decode(enum answer_kind kind, const struct ipc_record *rec, struct answer *a)
{
	if (rec->type == IPC_ERROR)
		return ipc_error_decode(rec, &a->why);
	if (rec->type != rows[kind].type)
		return err_set(&a->why, -EPROTO, "an answer of type %u", rec->type);
	if (!rows[kind].d)
		return rec->body_len ? -EBADMSG : 0;
	a->m = ipc_unpack(rows[kind].d, rec, CAP);
	if (!a->m)
		return err_set(&a->why, -EBADMSG, "an answer that does not parse");
	return rows[kind].take(a);
}

static void let_go(struct core_reply *r)
{
	secret_free(r->d);
	secret_free(r->a);
	secret_free(r->e);
	secret_free(r->secret);
}

void answer_decode(enum answer_kind kind, int result, const struct ipc_record *rec, struct answer *ret)
{
	int r;

	*ret = (struct answer){0};
	r = result < 0 ? result : decode(kind, rec, ret);
	if (r < 0) {
		if (!ret->why.s[0])
			(void)err_set(&ret->why, r, "%s", r == -ETIME ? "no answer in time" : err_name(r));
		let_go(&ret->reply);
		ret->reply = (struct core_reply){.result = r};
	}
	ret->reply.why = ret->why.s;
}

void answer_fini(struct answer *a)
{
	let_go(&a->reply);
	ipc_unpack_free(a->m);
}
