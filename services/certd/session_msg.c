/*
 * Lengths are those that the protocol allows; anything else is not an exchange.
 */
#include "certd/session_msg.h"

#include <errno.h>

#include "ipc/model.h"

enum { ID_MIN = 5, ID_MAX = 4 + IKE_ID_DATA_MAX };

int session_octets(
    const ProtobufCBinaryData *b, size_t min, size_t max, struct ike1_octets *ret, struct err_text *e)
{
	if (b->len < min || b->len > max)
		return err_set(e, -EBADMSG, "%zu octets where %zu to %zu belong", b->len, min, max);
	*ret = (struct ike1_octets){b->data, b->len};
	return 0;
}

int session_decode(const Postern__Ike1Session *m, struct session *ret, struct err_text *e)
{
	struct ike1_octets i = {NULL, 0}, r = {NULL, 0};
	int x;

	if (!m || !crypto_prf_len(m->prf))
		return err_set(e, -EBADMSG, "the session is missing, or has no known hash");
	ret->generation = m->generation;
	ret->peer = m->peer;
	ret->prf = m->prf;
	x = model_addr_decode(m->peer_addr, false, &ret->addr, e);
	if (x == 0)
		x = session_octets(&m->icookie, IKE1_COOKIE, IKE1_COOKIE, &i, e);
	if (x == 0)
		x = session_octets(&m->rcookie, IKE1_COOKIE, IKE1_COOKIE, &r, e);
	if (x == 0)
		x = session_octets(&m->ni, IKE_NONCE_MIN, IKE_NONCE_MAX, &ret->ni, e);
	if (x == 0)
		x = session_octets(&m->nr, IKE_NONCE_MIN, IKE_NONCE_MAX, &ret->nr, e);
	if (x < 0)
		return x;
	memcpy(ret->icookie, i.p, IKE1_COOKIE);
	memcpy(ret->rcookie, r.p, IKE1_COOKIE);
	return 0;
}

int session_facts(bool prover_began, const ProtobufCBinaryData *gx_prover,
    const ProtobufCBinaryData *gx_other, const ProtobufCBinaryData *sa, const ProtobufCBinaryData *id,
    struct facts *ret, struct err_text *e)
{
	int r = session_octets(gx_prover, 1, ALG_GROUP_PUBLIC_MAX, &ret->gx_prover, e);

	ret->prover_began = prover_began;
	if (r == 0)
		r = session_octets(gx_other, 1, ALG_GROUP_PUBLIC_MAX, &ret->gx_other, e);
	if (r == 0)
		r = session_octets(sa, 1, SESSION_SA_MAX, &ret->sa, e);
	return r < 0 ? r : session_octets(id, ID_MIN, ID_MAX, &ret->id, e);
}
