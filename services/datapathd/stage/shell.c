/*
 * The outer header of a tunnel (RFC 4301 section 5.1.2): traffic class and DF as the administrator wants
 * them, an identification and a hop limit of our own. The payload never moves; in transport mode the packet's
 * own headers do.
 */
#include "datapathd/stage/shell.h"

#include <netinet/in.h>
#include <string.h>

#include "datapathd/sa/path_mtu.h"
#include "wire/esp/udp_encap.h"

enum { FIRST_ID = 1, IP4_DF_AT = 6, IP4_DF_BIT = 0x40 };

/* 0 would let the kernel choose one, after AH has signed it. */
static uint16_t next_id(struct path *c)
{
	c->ip_id = c->ip_id == UINT16_MAX ? FIRST_ID : (uint16_t)(c->ip_id + 1);
	return c->ip_id;
}

bool shell_of(struct path *c, struct pkt *p, struct shell *ret)
{
	struct ip_place place;

	/* Bound when the batch began; the packets in front of this one have counted since. */
	if (!sa_rt_usable(p->sa, c->now_ms)) {
		stage_drop(c->counters, p, DROP_OUT_NOSA);
		return false;
	}
	ret->udp_len = p->sa->encap.dport ? UDP_ENCAP_LEN : 0;
	if (p->mode == IPSEC_TUNNEL) {
		bool v6 = p->sa->dst.family == INET_V6;

		ret->at = p->data;
		ret->len = p->len;
		ret->ip_len = v6 ? IP6_HDR_LEN : IP4_HDR_LEN;
		ret->proto_off = v6 ? 6 : 9;
		ret->next = p->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
		return true;
	}
	if (ip_find_insertion(p->data, p->len, &place) != IP_OK) {
		stage_drop(c->counters, p, DROP_OUT_HEADER);
		return false;
	}
	ret->at = p->data + place.at;
	ret->len = p->len - place.at;
	ret->ip_len = place.at;
	ret->proto_off = place.proto_off;
	ret->next = place.next;
	return true;
}

bool shell_fits(struct path *c, struct pkt *p, const struct shell *s, uint32_t head, uint32_t total)
{
	uint32_t front = head + s->udp_len + s->ip_len, behind = total - front;

	/* Of IPv6 too: its length counts only what is behind the header, but the far end has no more room
	 * either. */
	if (total <= PKT_LEN_MAX && front <= (uint32_t)(s->at - p->room) &&
	    behind <= (uint32_t)(p->room_end - s->at))
		return true;
	stage_drop(c->counters, p, DROP_OUT_TOOBIG);
	return false;
}

static uint8_t outer_tos(const struct path *c, const struct pkt *p)
{
	return tos_encapsulate(
	    pkt_tos(p), c->tune.ecn ? ECN_NORMAL : ECN_FORBIDDEN, c->tune.dscp ? DSCP_COPY : DSCP_ZERO);
}

/* An IPv6 packet has no DF to copy; one of the least length must get through, so none is set. */
static bool outer_df(const struct path *c, const struct pkt *p)
{
	if (c->tune.dfbit != TUNE_DF_COPY)
		return c->tune.dfbit == TUNE_DF_SET;
	return !p->v6 && p->data[IP4_DF_AT] & IP4_DF_BIT;
}

static void put_tunnel4(struct path *c, struct pkt *p, uint8_t *hdr, uint32_t total, uint8_t proto)
{
	struct ip4_params ip = {
	    .proto = proto,
	    .tos = outer_tos(c, p),
	    .ttl = (uint8_t)c->ttl,
	    .id = next_id(c),
	    .total_len = (uint16_t)total,
	    .df = outer_df(c, p),
	};

	memcpy(ip.src, p->sa->src.b, sizeof(ip.src));
	memcpy(ip.dst, p->sa->dst.b, sizeof(ip.dst));
	ip4_write(hdr, &ip);
}

static void put_tunnel6(struct path *c, struct pkt *p, uint8_t *hdr, uint32_t total, uint8_t proto)
{
	struct ip6_params ip = {
	    .next = proto,
	    .tos = outer_tos(c, p),
	    .hops = (uint8_t)c->ttl,
	    .payload_len = (uint16_t)(total - IP6_HDR_LEN),
	};

	memcpy(ip.src, p->sa->src.b, sizeof(ip.src));
	memcpy(ip.dst, p->sa->dst.b, sizeof(ip.dst));
	ip6_write(hdr, &ip);
}

static void move_transport(
    struct path *c, struct pkt *p, const struct shell *s, uint8_t *hdr, uint32_t total, uint8_t proto)
{
	memmove(hdr, p->data, s->ip_len);
	if (!p->v6 && !hdr[4] && !hdr[5]) {
		uint16_t id = next_id(c);

		hdr[4] = (uint8_t)(id >> 8);
		hdr[5] = (uint8_t)id;
	}
	ip_set_payload(hdr, s->proto_off, proto, total);
}

void shell_put(
    struct path *c, struct pkt *p, const struct shell *s, uint32_t head, uint32_t total, uint8_t proto)
{
	uint8_t *udp = s->at - head - s->udp_len, *hdr = udp - s->ip_len;
	uint8_t outer = s->udp_len ? IPPROTO_UDP : proto;

	if (p->mode != IPSEC_TUNNEL)
		move_transport(c, p, s, hdr, total, outer);
	else if (p->sa->dst.family == INET_V6)
		put_tunnel6(c, p, hdr, total, outer);
	else
		put_tunnel4(c, p, hdr, total, outer);
	if (s->udp_len)
		udp_encap_write(udp, p->sa->encap.sport, sa_rt_far_port(p->sa, p->sa->encap.dport),
		    (uint16_t)(total - s->ip_len));
	p->data = hdr;
	p->len = total;
	p->v6 = p->sa->dst.family == INET_V6;
	p->fragment = false;
	if (head) /* what did not shrink used nothing up */
		sa_rt_account(p->sa, s->len, c->now_ms);
}

void shell_sealed(struct path *c, struct pkt *p, enum hist hist, unsigned alg)
{
	if (p->sa->encap.dport && p->v6)
		udp_encap_csum6(p->data, p->len);
	count_kame(c->counters, p->v6, KAME_OUT_SUCCESS);
	count_hist(c->counters, p->v6, hist, alg);
	p->n_applied++;
}
