#include "wire/ip/merge.h"

#include <netinet/in.h>
#include <string.h>

#include "wire/ip/csum.h"
#include "wire/ip/fields.h"
#include "wire/ip/ip.h"

enum {
	IP4_ADDRS_AT = 12,
	IP4_DF = 0x40,
};

void merge_begin(struct merger *m, bool udp)
{
	m->udp = udp;
	m->n = m->n_units = 0;
	memset(m->by_flow, 0xff, sizeof(m->by_flow));
}

/* A header without options or extensions, which is what nearly all have and all that chains are made of.
 * False: it has no flow that matters. */
static bool read_flow(const uint8_t *pkt, uint32_t len, struct merge_unit *u)
{
	uint8_t proto;

	if (len >= IP4_HDR_LEN && pkt[0] == 0x45) {
		if (get_u16(pkt + IP4_LEN_AT) != len || (get_u16(pkt + IP4_FRAG_AT) & 0x3fff))
			return false;
		u->upper_off = IP4_HDR_LEN;
		proto = pkt[9];
	} else if (len >= IP6_HDR_LEN && pkt[0] >> 4 == 6) {
		if ((uint32_t)get_u16(pkt + IP6_LEN_AT) + IP6_HDR_LEN != len)
			return false;
		u->upper_off = IP6_HDR_LEN;
		u->v6 = true;
		proto = pkt[IP6_NEXT_AT];
	} else {
		return false;
	}
	u->kind = proto == IPPROTO_UDP ? SEGMENT_UDP : SEGMENT_TCP;
	return proto == IPPROTO_TCP ? len >= u->upper_off + (uint32_t)TCP_HDR_MIN
	                            : proto == IPPROTO_UDP && len >= u->upper_off + (uint32_t)UDP_HDR;
}

static bool read_tcp(const uint8_t *tcp, uint32_t left, struct merge_unit *u)
{
	uint32_t head = (uint32_t)(tcp[TCP_OFFSET_AT] >> 4) * 4;

	if (head < TCP_HDR_MIN || head >= left || (tcp[TCP_FLAGS_AT] & ~TCP_PSH) != TCP_ACK ||
	    (tcp[TCP_OFFSET_AT] & 0xf))
		return false;
	u->hdr_len = (uint16_t)(u->upper_off + head);
	u->psh = tcp[TCP_FLAGS_AT] & TCP_PSH;
	u->next_seq = get_u32(tcp + TCP_SEQ_AT) + (left - head);
	return true;
}

static bool read_udp(const uint8_t *udp, uint32_t left, struct merge_unit *u)
{
	if (get_u16(udp + UDP_LEN_AT) != left || left == UDP_HDR || !get_u16(udp + UDP_SUM_AT))
		return false;
	u->hdr_len = (uint16_t)(u->upper_off + UDP_HDR);
	return true;
}

/* Whether a chain may have it: hdr_len and what belongs to it are set. */
static bool may_join(const struct merger *m, const uint8_t *pkt, uint32_t len, struct merge_unit *u)
{
	const uint8_t *upper = pkt + u->upper_off;
	uint32_t left = len - u->upper_off;

	return u->kind == SEGMENT_TCP ? read_tcp(upper, left, u) : m->udp && read_udp(upper, left, u);
}

/* Addresses and ports. */
static bool same_flow(const struct merge_unit *a, const struct merge_unit *b)
{
	uint16_t at = a->v6 ? 8 : IP4_ADDRS_AT;

	return a->v6 == b->v6 && a->kind == b->kind && a->upper_off == b->upper_off &&
	       memcmp(a->pkt + at, b->pkt + at, a->upper_off - at + 4u) == 0;
}

static bool same_ip(const struct merge_unit *u, const uint8_t *pkt)
{
	const uint8_t *a = u->pkt;

	if (u->v6)
		return memcmp(a, pkt, IP6_LEN_AT) == 0 && memcmp(a + IP6_NEXT_AT, pkt + IP6_NEXT_AT, 2) == 0;
	/* Version, service class; flags, TTL, protocol. Cutting numbers the packets on, which nobody sees of
	 * one that may not be cut itself. */
	return a[1] == pkt[1] && memcmp(a + IP4_FRAG_AT, pkt + IP4_FRAG_AT, 4) == 0 &&
	       (a[IP4_FRAG_AT] & IP4_DF ||
	           get_u16(pkt + IP4_ID_AT) == (uint16_t)(get_u16(a + IP4_ID_AT) + u->n));
}

static bool same_tcp(const uint8_t *a, const uint8_t *b, uint32_t head)
{
	return memcmp(a + TCP_ACK_AT, b + TCP_ACK_AT, 5) == 0 &&
	       memcmp(a + TCP_WINDOW_AT, b + TCP_WINDOW_AT, 2) == 0 &&
	       memcmp(a + TCP_URGENT_AT, b + TCP_URGENT_AT, head - TCP_URGENT_AT) == 0;
}

static bool sum_is_right(const uint8_t *pkt, uint32_t len, uint16_t upper_off)
{
	uint8_t proto = pkt[0] >> 4 == 6 ? pkt[IP6_NEXT_AT] : pkt[9];
	uint32_t n = len - upper_off;

	return csum_finish(csum_add(csum_pseudo(pkt, proto, n), pkt + upper_off, n)) == 0;
}

/* The packet continues the chain; `it` is what was read of it. */
static bool continues(struct merger *m, struct merge_unit *u, const struct merge_unit *it, uint32_t len)
{
	uint32_t payload = len - it->hdr_len;

	if (u->closed || it->hdr_len != u->hdr_len || payload > u->size || u->n == MERGE_SEGMENTS_MAX ||
	    u->len + payload > MERGE_LEN_MAX || !same_ip(u, it->pkt))
		return false;
	if (u->kind == SEGMENT_TCP && (u->next_seq != it->next_seq - payload ||
	                                  !same_tcp(u->pkt + u->upper_off, it->pkt + it->upper_off,
	                                      (uint32_t)(u->hdr_len - u->upper_off))))
		return false;
	if (!u->verified && !sum_is_right(u->pkt, m->link[u->first].len, u->upper_off))
		return false;
	u->verified = true;
	return sum_is_right(it->pkt, len, it->upper_off);
}

static void append(struct merger *m, struct merge_unit *u, uint16_t i, const struct merge_unit *it)
{
	uint32_t payload = m->link[i].len - it->hdr_len;

	m->link[u->last].next = i;
	u->last = i;
	u->n++;
	u->len += payload;
	u->next_seq = it->next_seq;
	u->psh = it->psh;
	/* A shorter one is the last, and so is one behind which the sender has no more to say. */
	u->closed = payload < u->size || it->psh;
}

static uint16_t *flow_slot(struct merger *m, const struct merge_unit *u)
{
	uint16_t at = u->v6 ? 8 : IP4_ADDRS_AT;
	uint32_t h = u->kind;

	for (; at < u->upper_off + 4u; at += 4)
		h = (h ^ get_u32(u->pkt + at)) * 0x9e3779b1u;
	return &m->by_flow[h >> 24];
}

static uint16_t add_link(struct merger *m, uint8_t *pkt, uint32_t len)
{
	m->link[m->n] = (struct merge_link){.pkt = pkt, .len = len, .next = MERGE_NONE};
	return m->n++;
}

static void add_unit(struct merger *m, struct merge_unit *it, uint16_t i)
{
	it->first = it->last = i;
	it->n = 1;
	m->unit[m->n_units++] = *it;
}

void merge_add(struct merger *m, uint8_t *pkt, uint32_t len)
{
	struct merge_unit it = {.pkt = pkt, .len = len};
	bool flow = read_flow(pkt, len, &it), joins = flow && may_join(m, pkt, len, &it);
	uint16_t i = add_link(m, pkt, len), *slot = flow ? flow_slot(m, &it) : NULL;
	struct merge_unit *u = slot && *slot != MERGE_NONE ? &m->unit[*slot] : NULL;

	if (joins && u && same_flow(u, &it) && continues(m, u, &it, len)) {
		append(m, u, i, &it);
		return;
	}
	/* The newest of its flow, also when it can have no other behind it: nothing overtakes it. */
	if (slot)
		*slot = m->n_units;
	it.size = joins ? (uint16_t)(len - it.hdr_len) : 0;
	it.closed = !joins || it.psh;
	add_unit(m, &it, i);
}

void merge_seal(struct merge_unit *u)
{
	uint8_t *upper = u->pkt + u->upper_off;
	uint8_t proto = u->kind == SEGMENT_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	uint32_t upper_len = u->len - u->upper_off;

	if (u->n < 2)
		return;
	if (u->v6) {
		put_u16(u->pkt + IP6_LEN_AT, (uint16_t)upper_len);
	} else {
		put_u16(u->pkt + IP4_LEN_AT, (uint16_t)u->len);
		put_u16(u->pkt + IP4_SUM_AT, csum_ip4_header(u->pkt, IP4_HDR_LEN));
	}
	if (u->kind == SEGMENT_UDP)
		put_u16(upper + UDP_LEN_AT, (uint16_t)upper_len);
	else if (u->psh)
		upper[TCP_FLAGS_AT] |= TCP_PSH;
	/* Not inverted: the kernel goes on adding to it. */
	put_u16(upper + (u->kind == SEGMENT_TCP ? TCP_SUM_AT : UDP_SUM_AT),
	    (uint16_t)~csum_finish(csum_pseudo(u->pkt, proto, upper_len)));
}
