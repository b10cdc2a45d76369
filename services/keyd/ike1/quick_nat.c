/*
 * Two payloads, the initiator's address first; the draft's form has one alone, the sender's own.
 */
#include "keyd/ike1/quick_nat.h"

#include <errno.h>

#include "keyd/ike1/nat.h"

static uint8_t payload_type(const struct quick *q)
{
	return q->sa->nat_form == NAT_DRAFT_02 ? IKE1_P_NAT_OA_DRAFT : IKE1_P_NAT_OA;
}

static bool has_transport(const struct quick *q)
{
	for (uint8_t i = 0; i < q->n_parts; i++)
		if (q->part[i].mode == IPSEC_TRANSPORT && q->part[i].proto == IPSEC_ESP)
			return true;
	return false;
}

void quick_nat_put(const struct quick *q, struct ike_out *o)
{
	const struct ike_path *path = &q->sa->path;

	if (!nat_found(q->sa) || !has_transport(q))
		return;
	if (q->sa->nat_form == NAT_DRAFT_02) {
		ike1_put_nat_oa(o, payload_type(q), &path->local);
		return;
	}
	ike1_put_nat_oa(o, payload_type(q), q->initiator ? &path->local : &path->remote);
	ike1_put_nat_oa(o, payload_type(q), q->initiator ? &path->remote : &path->local);
}

int quick_nat_take(struct quick *q, const struct ike_chain *c)
{
	const struct ike_payload *p;
	struct inet_addr oa[2] = {{0}};
	uint32_t n = 0;

	if (!nat_found(q->sa))
		return 0;
	for (; n < ARRAY_SIZE(oa) && (p = ike_chain_find(c, payload_type(q), n)); n++)
		if (ike1_nat_oa_parse(p, &oa[n]) != IKE_OK || oa[n].family != q->sa->path.remote.family)
			return -EBADMSG;
	if (q->sa->nat_form == NAT_DRAFT_02 || n == 1) {
		q->oa_remote = oa[0];
		return 0;
	}
	q->oa_remote = q->initiator ? oa[1] : oa[0];
	q->oa_local = q->initiator ? oa[0] : oa[1];
	return 0;
}

/* Identities are addresses of the kind of the path, so that lengths agree. */
static void replace(struct ike1_ident *id, const struct inet_addr *oa, const struct inet_addr *seen)
{
	bool host = id->type == (seen->family == INET_V4 ? IKE1_ID_IPV4 : IKE1_ID_IPV6);

	if (host && oa->family == seen->family && id->len == inet_addr_len(oa) &&
	    memcmp(id->data, oa->b, id->len) == 0)
		id->data = seen->b;
}

void quick_nat_ids(const struct quick *q, struct ike1_ident *local, struct ike1_ident *remote)
{
	if (q->sa->nat_there)
		replace(remote, &q->oa_remote, &q->sa->path.remote);
	if (q->sa->nat_here)
		replace(local, &q->oa_local, &q->sa->path.local);
}
