/*
 * Inbound, second half: what was inside. Transport mode gets its IP header back, tunnel mode its inner packet
 * (RFC 4301 section 5.2 step 4, RFC 6040).
 */
#include "datapathd/stage/path.h"

#include <netinet/in.h>
#include <string.h>

#include "wire/ip/csum.h"

/* False when the packet was dropped. */
static bool find_content(struct path *c, struct pkt *p)
{
	struct content *in = &p->content;
	struct ah_view ah;

	if (p->sa->proto == IPSEC_IPCOMP)
		return true; /* expanded already */
	if (p->sa->proto == IPSEC_AH) {
		if (ah_parse(p->data + p->place.at, p->len - p->place.at, &ah) != AH_OK) {
			stage_drop(c->counters, p, DROP_IN_LENGTH);
			return false;
		}
		in->at = p->data + p->place.at + ah.hdr_len;
		in->len = p->len - p->place.at - ah.hdr_len;
		in->next = ah.next;
		return true;
	}
	if (esp_strip(&p->esp, &in->len, &in->next) != ESP_OK) {
		stage_drop(c->counters, p, DROP_IN_PADDING);
		return false;
	}
	in->at = p->esp.data;
	if (in->next == ESP_NEXT_DUMMY) {
		stage_drop(c->counters, p, DROP_IN_DUMMY);
		return false;
	}
	return true;
}

static bool is_packet(uint8_t next)
{
	return next == IPPROTO_IPIP || next == IPPROTO_IPV6;
}

/* TRANSPORT or TUNNEL; NONE when next header and SA do not go together. */
static enum ipsec_mode mode_of(const struct sa_rt *sa, uint8_t next)
{
	if (sa->mode == IPSEC_TUNNEL)
		return is_packet(next) ? IPSEC_TUNNEL : IPSEC_MODE_NONE;
	return is_packet(next) && sa->mode == IPSEC_MODE_ANY ? IPSEC_TUNNEL : IPSEC_TRANSPORT;
}

static void strip_tunnel(struct path *c, struct pkt *p, const struct content *in)
{
	uint8_t outer_tos = pkt_tos(p), tos;
	struct ip_view v;

	if (ip_parse(in->at, in->len, IP_CHECK_SUM, &v) != IP_OK ||
	    v.version != (in->next == IPPROTO_IPIP ? 4 : 6)) {
		stage_drop(c->counters, p, DROP_IN_INNER);
		return;
	}
	if (ecn_decapsulate(outer_tos, v.tos, c->tune.ecn ? ECN_NORMAL : ECN_FORBIDDEN, &tos) == ECN_DROP) {
		stage_drop(c->counters, p, DROP_IN_ECN);
		return;
	}
	p->data = in->at;
	p->len = v.total_len; /* what is behind it is padding for secrecy of length (RFC 4303 section 2.7) */
	p->v6 = v.version == 6;
	if (tos != v.tos)
		ip_set_tos(p->data, tos);
	v.tos = tos;
	p->inner = v;
}

/* Behind whatever else was inside ESP in UDP, compression for one, the addresses are still the translator's.
 */
static bool was_translated(const struct pkt *p)
{
	const struct sa_rt *outermost = p->n_applied ? p->applied[0].sa : p->sa;

	for (uint8_t i = 0; i < p->n_applied; i++)
		if (p->applied[i].mode == IPSEC_TUNNEL)
			return false; /* addresses of a packet that no translator saw */
	return outermost->encap.dport && outermost->authenticates;
}

/* A translator changed the addresses under the upper layer's checksum; ESP has vouched for the octets, so it
 * is made anew (RFC 3948 section 3.1.2). */
static void mend_checksum(struct pkt *p)
{
	struct ip_view v;

	if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) == IP_OK && !v.is_frag)
		(void)csum_l4_fill(p->data, &v);
}

static void strip_transport(struct path *c, struct pkt *p, const struct content *in)
{
	uint32_t hdr_len = p->place.at;
	uint8_t *hdr = in->at - hdr_len;

	if (hdr_len + in->len > PKT_LEN_MAX) {
		stage_drop(c->counters, p, DROP_IN_LENGTH);
		return;
	}
	memmove(hdr, p->data, hdr_len);
	p->data = hdr;
	p->len = hdr_len + in->len;
	ip_set_payload(hdr, p->place.proto_off, in->next, p->len);
	if (was_translated(p))
		mend_checksum(p);
}

static bool is_ours(const struct pkt *p)
{
	const uint8_t *dst = p->data + (p->v6 ? 24 : 16);

	return p->v6 == (p->sa->dst.family == INET_V6) && memcmp(dst, p->sa->dst.b, p->v6 ? 16 : 4) == 0;
}

/* IP in IP that would have been IPComp in tunnel mode, had it shrunk (RFC 3173 section 2.2): only where there
 * is an SA for that, and only inside something else. False when nothing was undone. */
static bool strip_uncompressed(struct path *c, struct pkt *p)
{
	size_t n = p->v6 ? 16 : 4, at = p->v6 ? 8 : 12;
	const struct inet_addr src = inet_addr_from_bytes(p->data + at, n),
	                       dst = inet_addr_from_bytes(p->data + at + n, n);
	struct sa_rt *sa = sad_find_comp(c->sad, &src, &dst, ALG_COMP_DEFLATE, c->now_ms);
	struct content in = {.at = p->data + p->place.at, .len = p->len - p->place.at, .next = p->place.next};

	if (!sa || sa->mode == IPSEC_TRANSPORT || p->n_applied == POLICY_REQUESTS_MAX)
		return false;
	strip_tunnel(c, p, &in);
	if (p->verdict != VERDICT_GO)
		return false;
	p->applied[p->n_applied++] = (struct applied){.sa = sa, .mode = IPSEC_TUNNEL};
	return true;
}

/* TCP or UDP right behind the header: nothing has to be looked for. ip_parse() looks behind AH. */
static bool holds_no_ipsec(const struct pkt *p)
{
	uint8_t next = p->data[p->v6 ? 6 : 9];

	return next == IPPROTO_TCP || next == IPPROTO_UDP;
}

/*
 * Another header that is ours to undo too: one for the address the last one was for, or for another address
 * of this host. Which those are nobody tells us, but packets with an SA of theirs, source and all, are not
 * forwarded.
 */
static bool goes_round(struct path *c, struct pkt *p)
{
	do {
		if (!p->inner.pkt && ip_parse(p->data, p->len, IP_TRUST_SUM, &p->inner) != IP_OK)
			return false;
		if (holds_no_ipsec(p) || p->inner.is_frag ||
		    ip_find_ipsec(p->data, p->inner.total_len, &p->place) != IP_OK)
			return false;
	} while (is_packet(p->place.next) && strip_uncompressed(c, p));
	return path_is_ipsec(p->place.next) && (is_ours(p) || path_has_sa(c, p));
}

static void strip(struct path *c, struct pkt *p)
{
	bool outer6 = p->v6;
	enum ipsec_mode mode;

	if (!find_content(c, p))
		return;
	p->inner.pkt = NULL;
	mode = mode_of(p->sa, p->content.next);
	if (mode == IPSEC_MODE_NONE) {
		stage_drop(c->counters, p, DROP_IN_NEXTHEADER);
		return;
	}
	if (mode == IPSEC_TUNNEL)
		strip_tunnel(c, p, &p->content);
	else
		strip_transport(c, p, &p->content);
	if (p->verdict != VERDICT_GO)
		return;
	/* Once more, because the packets of this batch in front of it counted meanwhile. */
	if (!sa_rt_usable(p->sa, c->now_ms)) {
		stage_drop(c->counters, p, DROP_IN_NOSA);
		return;
	}
	sa_rt_account(p->sa, p->content.len, c->now_ms);
	count_kame(c->counters, outer6, KAME_IN_SUCCESS);
	p->applied[p->n_applied++] = (struct applied){.sa = p->sa, .mode = mode};
	p->peeled = !goes_round(c, p);
}

void stage_strip(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) strip(c, p);
}
