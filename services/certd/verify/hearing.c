/*
 * Of what keyd says only what strangers wrote is taken from it. Which exchange it is about, with whom, and
 * what has to be signed is certd's word; whether such a peer may be there is held against our own
 * configuration again.
 */
#include "certd/verify/hearing.h"

#include <errno.h>
#include <string.h>

#include "ticket/statement.h"

static const struct anchors *anchors_of(const struct hearing *h, const struct statement *s)
{
	const struct anchors *a = NULL;

	if (h->now && h->now->generation == s->generation)
		a = h->now;
	else if (h->before && h->before->generation == s->generation)
		a = h->before;
	return a && s->peer < a->conf->n_peers ? a : NULL;
}

static enum verify_reason consider(
    const struct anchors *a, const struct statement *s, struct judge_claim *c, struct err_text *e)
{
	c->peer = s->peer;
	c->v2 = s->version == 2;
	c->addr = s->addr;
	c->over = (struct ike1_octets){s->over, s->n_over};
	if (!ike_conf_peer_fits(a->conf, &a->conf->peer[s->peer], &s->addr) ||
	    !session_id_of((struct ike1_octets){s->id, s->n_id}, &c->id))
		return VERIFY_ID_MISMATCH;
	return judge(a, c, e);
}

int hearing_hold(const struct hearing *h, struct ike1_octets statement, struct judge_claim *c,
    uint64_t now_ms, enum verify_reason *ret_why, struct inet_addr *ret_addr, uint8_t ret[TICKET_MAX],
    struct err_text *e)
{
	const struct anchors *a;
	struct statement s;
	struct session x;

	*ret_addr = (struct inet_addr){0};
	if (statement_open(&h->ticket_key, statement.p, statement.n, now_ms, &s, e) < 0)
		return -ESTALE;
	a = anchors_of(h, &s);
	if (!a)
		return err_set(e, -ESTALE,
		    "certd-verify does not have the configuration of this exchange: load it again (ipsecctl "
		    "racoon)");
	*ret_addr = s.addr;
	*ret_why = consider(a, &s, c, e);
	if (*ret_why != VERIFY_NONE)
		return -EACCES;
	x = (struct session){
	    .generation = s.generation, .peer = s.peer, .block = a->conf->peer[s.peer].block, .addr = s.addr};
	memcpy(x.icookie, s.icookie, sizeof(x.icookie));
	memcpy(x.rcookie, s.rcookie, sizeof(x.rcookie));
	return session_ticket(&x, &c->id, &h->ticket_key, now_ms, ret);
}
