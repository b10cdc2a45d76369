/*
 * Outbound ESP and AH: headers are built around the packet where it lies, then one burst does the
 * cryptography. The outer header of a tunnel carries the inner traffic class (RFC 4301 section 5.1.2, RFC
 * 6040), no DF (KAME's default: nobody here answers a router's "too big"), and an identification of our own.
 */
#include "datapathd/stage/path.h"

#include <netinet/in.h>
#include <string.h>

enum { FIRST_ID = 1 };

/* 0 would let the kernel choose one, after AH has signed it. */
static uint16_t next_id(struct path *c)
{
	c->ip_id = c->ip_id == UINT16_MAX ? FIRST_ID : (uint16_t)(c->ip_id + 1);
	return c->ip_id;
}

static uint8_t tos_of(const struct pkt *p)
{
	return p->v6 ? (uint8_t)(p->data[0] << 4 | p->data[1] >> 4) : p->data[1];
}

/* What the new header goes in front of: the whole packet, or what is behind its IPv4 header. */
struct payload {
	uint8_t *at;
	uint32_t len;
	uint32_t hdr_len; /* of the IP header in front of it on the wire */
	uint8_t next;
};

static struct payload payload_of(const struct pkt *p)
{
	uint32_t ihl = (uint32_t)(p->data[0] & 15) * 4;

	if (p->req->mode == IPSEC_TUNNEL)
		return (struct payload){.at = p->data,
		    .len = p->len,
		    .hdr_len = IP4_HDR_LEN,
		    .next = p->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP};
	return (struct payload){.at = p->data + ihl, .len = p->len - ihl, .hdr_len = ihl, .next = p->data[9]};
}

/* Puts the IP header in front of `head` octets of ESP or AH; `total` is the length of the result. */
static void put_ip_header(
    struct path *c, struct pkt *p, const struct payload *l, uint32_t head, uint32_t total)
{
	uint8_t *hdr = l->at - head - l->hdr_len;

	if (p->req->mode == IPSEC_TUNNEL) {
		struct ip4_params ip = {
		    .proto = (uint8_t)p->sa->proto,
		    .tos = ecn_encapsulate(tos_of(p), ECN_NORMAL),
		    .ttl = (uint8_t)c->ttl,
		    .id = next_id(c),
		    .total_len = (uint16_t)total,
		};

		memcpy(ip.src, p->sa->src.b, sizeof(ip.src));
		memcpy(ip.dst, p->sa->dst.b, sizeof(ip.dst));
		ip4_write(hdr, &ip);
	} else {
		memmove(hdr, p->data, l->hdr_len);
		if (!hdr[4] && !hdr[5]) {
			uint16_t id = next_id(c);

			hdr[4] = (uint8_t)(id >> 8);
			hdr[5] = (uint8_t)id;
		}
		ip4_set_payload(hdr, (uint8_t)p->sa->proto, (uint16_t)total);
	}
	p->data = hdr;
	p->len = total;
	p->v6 = false;
	p->fragment = false;
}

static void sealed(struct path *c, struct pkt *p, uint32_t payload_len)
{
	bool esp = p->sa->proto == IPSEC_ESP;

	sa_rt_account(p->sa, payload_len, c->now_ms);
	count_kame(c->counters, false, KAME_OUT_SUCCESS);
	count_hist(c->counters, false, esp ? HIST_OUT_ESP : HIST_OUT_AH,
	    esp ? (unsigned)p->sa->enc : (unsigned)p->sa->auth);
	p->n_applied++;
}

/* True when the result would be no IP packet any more. */
static bool too_long(struct path *c, struct pkt *p, uint32_t total, uint32_t in_front)
{
	if (total <= PKT_LEN_MAX && in_front <= (uint32_t)(p->data - p->room))
		return false;
	stage_drop(c->counters, p, DROP_OUT_TOOBIG);
	return true;
}

/* Frames one packet; false when it was dropped. */
static bool frame_esp(struct path *c, struct pkt *p, struct esp_frame *f, struct crypto_op *op)
{
	const struct payload l = payload_of(p);
	const struct sa_rt *sa = p->sa;
	uint32_t sealed_len = (uint32_t)esp_sealed_len(&sa->geom, l.len), total = l.hdr_len + sealed_len;

	if (too_long(c, p, total, sa->geom.head + l.hdr_len))
		return false;
	if (sealed_len - sa->geom.head > (uint32_t)(p->room_end - l.at)) {
		stage_drop(c->counters, p, DROP_OUT_TOOBIG);
		return false;
	}
	put_ip_header(c, p, &l, sa->geom.head, total);
	esp_frame(&sa->geom, l.at, l.len, sa->spi, (uint32_t)p->seq, l.next, sa->pad, c->rng, f);
	*op = (struct crypto_op){.sa = sa->seal,
	    .hdr = f->hdr,
	    .iv = f->iv,
	    .data = f->data,
	    .icv = f->icv,
	    .seq = p->seq,
	    .len = f->data_len};
	p->payload_len = l.len;
	return true;
}

void stage_seal_esp(struct path *c, struct batch *b)
{
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		if (p->sa->proto != IPSEC_ESP || !frame_esp(c, p, &c->frames[n], &c->ops[n]))
			continue;
		c->op_pkt[n++] = p;
	}
	if (n)
		(void)crypto_seal_burst(c->ops, n);
	for (size_t i = 0; i < n; i++) {
		if (c->ops[i].result == CRYPTO_OK)
			sealed(c, c->op_pkt[i], c->op_pkt[i]->payload_len);
		else
			stage_drop(c->counters, c->op_pkt[i], DROP_OUT_CRYPTO);
	}
}

/* Headers first: the ICV covers the outer header as it will be on the wire (RFC 4302 section 3.3.3). */
static bool frame_ah(struct path *c, struct pkt *p, struct ah_pieces *pieces)
{
	const struct payload l = payload_of(p);
	uint32_t head = (uint32_t)ah_len(p->sa->icv_len, 4), total = l.hdr_len + head + l.len;

	if (too_long(c, p, total, head + l.hdr_len))
		return false;
	put_ip_header(c, p, &l, head, total);
	ah_write(l.at - head, p->sa->icv_len, 4, p->sa->spi, (uint32_t)p->seq, l.next);
	p->payload_len = l.len;
	if (ah_pieces(p->data, p->len, (uint16_t)l.hdr_len, p->sa->icv_len, AH_SENDING, pieces) == AH_OK)
		return true;
	stage_drop(c->counters, p, DROP_OUT_HEADER);
	return false;
}

void stage_seal_ah(struct path *c, struct batch *b)
{
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		if (p->sa->proto != IPSEC_AH || p->verdict != VERDICT_GO || !frame_ah(c, p, &c->pieces[n]))
			continue;
		c->mac_ops[n] = (struct crypto_mac_op){.sa = p->sa->seal,
		    .piece = c->pieces[n].v,
		    .n_pieces = 3,
		    .icv = c->icv[n],
		    .seq = p->seq};
		c->op_pkt[n++] = p;
	}
	if (n)
		(void)crypto_mac_seal_burst(c->mac_ops, n);
	for (size_t i = 0; i < n; i++) {
		struct pkt *p = c->op_pkt[i];

		if (c->mac_ops[i].result != CRYPTO_OK) {
			stage_drop(c->counters, p, DROP_OUT_CRYPTO);
			continue;
		}
		memcpy(p->data + (p->data[0] & 15) * 4 + AH_FIXED_LEN, c->icv[i], p->sa->icv_len);
		sealed(c, p, p->payload_len);
	}
}
