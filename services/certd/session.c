/*
 * What an identity is comes from the octets that were proved, and from nothing that keyd says beside them.
 */
#include "certd/session.h"

#include <errno.h>
#include <string.h>

#include "wire/ike/v1_payload.h"

bool session_id_of(struct ike1_octets body, struct ike_id *ret)
{
	static const enum ike_id_kind kinds[] = {[IKE1_ID_IPV4] = IKE_ID_ADDRESS,
	    [IKE1_ID_IPV6] = IKE_ID_ADDRESS,
	    [IKE1_ID_FQDN] = IKE_ID_FQDN,
	    [IKE1_ID_USER_FQDN] = IKE_ID_USER_FQDN,
	    [IKE1_ID_KEY] = IKE_ID_KEYID,
	    [IKE1_ID_DN] = IKE_ID_DN_DER};
	const struct ike_payload p = {.type = IKE1_P_ID, .body = body.p, .len = (uint32_t)body.n};
	struct ike1_ident id;

	if (ike1_ident_parse(&p, &id) != IKE_OK || id.type >= ARRAY_SIZE(kinds) ||
	    kinds[id.type] == IKE_ID_NONE || id.len > IKE_ID_DATA_MAX)
		return false;
	*ret = (struct ike_id){.kind = kinds[id.type], .len = (uint16_t)id.len};
	memcpy(ret->data, id.data, id.len);
	return true;
}

int session_ticket(const struct session *s, const struct ike_id *id, const struct ticket_key *key,
    uint64_t now_ms, uint8_t ret[TICKET_MAX])
{
	struct ticket t = {.generation = s->generation,
	    .peer = s->peer,
	    .block = s->block,
	    .addr = s->addr,
	    .id = *id,
	    .expires_ms = now_ms + SESSION_TICKET_MS};

	memcpy(t.icookie, s->icookie, sizeof(t.icookie));
	memcpy(t.rcookie, s->rcookie, sizeof(t.rcookie));
	return ticket_seal(key, &t, ret, TICKET_MAX);
}
