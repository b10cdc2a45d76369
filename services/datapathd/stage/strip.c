/*
 * Inbound, second half: what was inside, and may it come in. Transport mode gets its IP header back, tunnel
 * mode its inner packet (RFC 4301 section 5.2 step 4, RFC 6040); then the result is held against the inbound
 * policy.
 */
#include "datapathd/stage/path.h"

#include <netinet/in.h>
#include <string.h>

/* What stands behind the header that is being undone. */
struct content {
	uint8_t *at;
	uint32_t len;
	uint8_t next;
};

static uint32_t ihl(const struct pkt *p)
{
	return (uint32_t)(p->data[0] & 15) * 4;
}

/* False when the packet was dropped. */
static bool content_of(struct path *c, struct pkt *p, struct content *ret)
{
	struct ah_view ah;

	if (p->sa->proto == IPSEC_AH) {
		if (ah_parse(p->data + ihl(p), p->len - ihl(p), &ah) != AH_OK) {
			stage_drop(c->counters, p, DROP_IN_LENGTH);
			return false;
		}
		ret->at = p->data + ihl(p) + ah.hdr_len;
		ret->len = p->len - ihl(p) - ah.hdr_len;
		ret->next = ah.next;
		return true;
	}
	if (esp_strip(&p->esp, &ret->len, &ret->next) != ESP_OK) {
		stage_drop(c->counters, p, DROP_IN_PADDING);
		return false;
	}
	ret->at = p->esp.data;
	if (ret->next == ESP_NEXT_DUMMY) {
		stage_drop(c->counters, p, DROP_IN_DUMMY);
		return false;
	}
	return true;
}

/* TRANSPORT or TUNNEL; NONE when next header and SA do not go together. */
static enum ipsec_mode mode_of(const struct sa_rt *sa, uint8_t next)
{
	bool packet = next == IPPROTO_IPIP || next == IPPROTO_IPV6;

	if (sa->mode == IPSEC_TUNNEL)
		return packet ? IPSEC_TUNNEL : IPSEC_MODE_NONE;
	return packet && sa->mode == IPSEC_MODE_ANY ? IPSEC_TUNNEL : IPSEC_TRANSPORT;
}

static void strip_tunnel(struct path *c, struct pkt *p, const struct content *in)
{
	uint8_t outer_tos = p->data[1], tos;
	struct ip_view v;

	if (ip_parse(in->at, in->len, IP_CHECK_SUM, &v) != IP_OK ||
	    v.version != (in->next == IPPROTO_IPIP ? 4 : 6)) {
		stage_drop(c->counters, p, DROP_IN_INNER);
		return;
	}
	if (ecn_decapsulate(outer_tos, v.tos, ECN_NORMAL, &tos) == ECN_DROP) {
		stage_drop(c->counters, p, DROP_IN_ECN);
		return;
	}
	p->data = in->at;
	p->len = v.total_len; /* what is behind it is padding for secrecy of length (RFC 4303 section 2.7) */
	p->v6 = v.version == 6;
	if (tos != v.tos)
		ip_set_tos(p->data, tos);
}

static void strip_transport(struct path *c, struct pkt *p, const struct content *in)
{
	uint32_t hdr_len = ihl(p);
	uint8_t *hdr = in->at - hdr_len;

	memmove(hdr, p->data, hdr_len);
	p->data = hdr;
	p->len = hdr_len + in->len;
	ip4_set_payload(hdr, in->next, (uint16_t)p->len);
	(void)c;
}

/* Another ESP or AH for the same address: ours to undo too. */
static bool goes_round(const struct pkt *p)
{
	bool fragment = !p->v6 && ((p->data[6] & 0x3f) || p->data[7]);

	return !p->v6 && !fragment && (p->data[9] == IPSEC_ESP || p->data[9] == IPSEC_AH) &&
	       memcmp(p->data + 16, p->sa->dst.b, 4) == 0;
}

static void strip(struct path *c, struct pkt *p)
{
	struct content in;
	enum ipsec_mode mode;

	if (!content_of(c, p, &in))
		return;
	mode = mode_of(p->sa, in.next);
	if (mode == IPSEC_MODE_NONE) {
		stage_drop(c->counters, p, DROP_IN_NEXTHEADER);
		return;
	}
	if (mode == IPSEC_TUNNEL)
		strip_tunnel(c, p, &in);
	else
		strip_transport(c, p, &in);
	if (p->verdict != VERDICT_GO)
		return;
	sa_rt_account(p->sa, in.len, c->now_ms);
	count_kame(c->counters, false, KAME_IN_SUCCESS);
	p->applied[p->n_applied++] = (struct applied){.sa = p->sa, .mode = mode};
	p->peeled = !goes_round(p);
}

void stage_strip(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) strip(c, p);
}

static bool meets(const struct applied *a, const struct policy_request *q, enum policy_level level)
{
	if (a->sa->proto != q->proto || a->mode != q->mode)
		return false;
	if (level == LEVEL_UNIQUE && a->sa->reqid != q->reqid)
		return false;
	return q->mode != IPSEC_TUNNEL ||
	       (inet_addr_equal(&a->sa->src, &q->src) && inet_addr_equal(&a->sa->dst, &q->dst));
}

/* Each demand is met by a header of its own; protection beyond the demands never hurts (setkey.md 8.7). In
 * the role that an `in` policy plays for forwarded packets (`mirrored`), `unique` is `require`. */
static bool satisfied(const struct spd_rule *r, const struct pkt *p, bool mirrored)
{
	uint32_t used = 0;

	if (!r || r->cls != POLICY_CLASS_PROTECT)
		return true;
	for (uint8_t i = 0; i < r->p.n_requests; i++) {
		enum policy_level level = r->level[i];
		uint8_t j = 0;

		if (level == LEVEL_USE)
			continue;
		if (level == LEVEL_UNIQUE && mirrored)
			level = LEVEL_REQUIRE;
		while (j < p->n_applied && (used >> j & 1 || !meets(&p->applied[j], &r->p.req[i], level)))
			j++;
		if (j == p->n_applied)
			return false;
		used |= 1u << j;
	}
	return true;
}

static bool came_by_tunnel(const struct pkt *p)
{
	for (uint8_t i = 0; i < p->n_applied; i++)
		if (p->applied[i].mode == IPSEC_TUNNEL)
			return true;
	return false;
}

static bool discards(const struct spd_rule *r)
{
	return r && r->cls == POLICY_CLASS_DISCARD;
}

/*
 * Whether the packet is for this host or will be forwarded is decided by the kernel behind the device. Where
 * that makes a difference, a packet has to meet the demands of both. What one of them would discard is let
 * through here when the other takes it: the kernel has the same lists and drops it once it knows.
 */
static enum drop_reason judge_in(const struct spd_found *f, const struct pkt *p, bool one_in)
{
	bool forward_discards =
	    one_in || discards(f->fwd) || discards(f->mirrored) || (!f->fwd && !f->mirrored);

	if (!f->own && !f->fwd && !f->mirrored)
		return came_by_tunnel(p) ? DROP_IN_NOPOLICY : DROP_NONE;
	if (forward_discards && (discards(f->own) || (!f->own && !one_in)))
		return DROP_IN_DISCARD;
	if (!satisfied(f->own, p, false) || !satisfied(f->fwd, p, false) || !satisfied(f->mirrored, p, true))
		return DROP_IN_UNPROTECTED;
	return DROP_NONE;
}

static void policy_in(struct path *c, struct pkt *p)
{
	struct spd_found found;
	enum drop_reason why;
	struct ip_view v;

	if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK) {
		stage_drop(c->counters, p, DROP_IN_INNER);
		return;
	}
	p->fragment = v.is_frag;
	ip_packet_key(&v, &p->key);
	path_fragment_key(&c->in_frags, &v, &p->key, c->now_ms);
	found = path_match_in(c, &p->key);
	why = judge_in(&found, p, c->view->one_in);
	if (why != DROP_NONE)
		stage_drop(c->counters, p, why);
	else
		p->verdict = VERDICT_DELIVER;
}

void stage_policy_in(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) if (p->peeled) policy_in(c, p);
}
