/*
 * An iterator rather than a list, so that no packet, however small the MTU, needs memory of its own.
 */
#include "wire/ip/frag.h"

#include <string.h>

#include "base/wr.h"
#include "wire/ip/csum.h"
#include "wire/ip/ext6.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_COPIED = 0x80, FLAG_DF = 0x4000, FLAG_MF = 0x2000, FLAG_MF6 = 1 };

/* RFC 791 section 3.1: later fragments carry only the options whose copied bit is set. Options that cannot be
 * walked are left out. */
static uint8_t copy_options(const uint8_t *hdr, size_t hdr_len, uint8_t *out)
{
	size_t at = IP4_HDR_LEN, n = IP4_HDR_LEN;

	memcpy(out, hdr, IP4_HDR_LEN);
	while (at < hdr_len && hdr[at] != OPT_END) {
		size_t opt_len = 1;

		if (hdr[at] != OPT_NOP) {
			if (hdr_len - at < 2 || hdr[at + 1] < 2 || hdr[at + 1] > hdr_len - at)
				break;
			opt_len = hdr[at + 1];
		}
		if (hdr[at] & OPT_COPIED) {
			memcpy(out + n, hdr + at, opt_len);
			n += opt_len;
		}
		at += opt_len;
	}
	while (n % 4)
		out[n++] = OPT_END;
	out[0] = (uint8_t)(0x40 | n / 4);
	return (uint8_t)n;
}

static int init4(struct ip_fragger *f, const struct ip_view *v)
{
	f->start = f->first_len = v->hdr_len;
	f->orig_off = v->frag_off;
	f->orig_more = v->more_frags;
	f->later_len = copy_options(v->pkt, v->hdr_len, f->hdr);
	if (v->total_len <= f->mtu)
		return IP_FRAG_OK;
	if (v->df)
		return IP_FRAG_DF;
	return f->mtu < v->hdr_len + 8u ? IP_FRAG_BAD_MTU : IP_FRAG_OK;
}

/* Every fragment repeats the headers that routers look at, with a fragment header behind them. */
static int repeat_headers(struct ip_fragger *f, const struct ip_view *v, uint32_t id)
{
	struct ip6_fragment was = {0};
	struct ip_place p = {0};
	struct wr w = wr_init(f->hdr, sizeof(f->hdr));

	if (ip_find_fragment(v->pkt, v->total_len, &was)) {
		p = (struct ip_place){.at = was.at, .proto_off = was.proto_off, .next = was.next};
		f->start = was.at + IP6_FRAGMENT_LEN;
		f->orig_off = was.off;
		f->orig_more = was.more;
		id = was.id;
	} else if (ip_find_insertion(v->pkt, v->total_len, &p) == IP_OK) {
		f->start = p.at;
	} else {
		return IP_FRAG_BAD_HDR;
	}
	wr_bytes(&w, v->pkt, p.at);
	wr_u8(&w, p.next);
	wr_u8(&w, 0);
	wr_u16(&w, 0); /* offset and more-fragments are each fragment's own */
	wr_u32(&w, id);
	if (!wr_ok(&w))
		return IP_FRAG_BAD_HDR;
	f->hdr[p.proto_off] = IP6_FRAGMENT;
	f->first_len = f->later_len = (uint16_t)wr_len(&w);
	return IP_FRAG_OK;
}

static int init6(struct ip_fragger *f, const struct ip_view *v, uint32_t id)
{
	int r;

	if (v->total_len <= f->mtu) {
		f->start = f->first_len = IP6_HDR_LEN;
		return IP_FRAG_OK;
	}
	f->cut = true;
	r = repeat_headers(f, v, id);
	if (r == IP_FRAG_OK && f->mtu < f->first_len + 8u)
		r = IP_FRAG_BAD_MTU;
	return r;
}

int ip_fragger_init(struct ip_fragger *f, const struct ip_view *v, uint32_t mtu, uint32_t id)
{
	int r;

	*f = (struct ip_fragger){.pkt = v->pkt, .end = v->total_len, .mtu = mtu, .v6 = v->version == 6};
	r = f->v6 ? init6(f, v, id) : init4(f, v);
	f->pos = f->start;
	return r;
}

static void put_u16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void finish4(const struct ip_fragger *f, struct ip_frag *g, uint32_t off, bool more)
{
	bool df = f->pkt[6] & (FLAG_DF >> 8);

	put_u16(g->hdr + 2, g->hdr_len + g->len);
	put_u16(g->hdr + 6, off / 8 | (more ? FLAG_MF : 0) | (df ? FLAG_DF : 0));
	put_u16(g->hdr + 10, csum_ip4_header(g->hdr, g->hdr_len));
}

static void finish6(struct ip_frag *g, uint32_t off, bool more)
{
	put_u16(g->hdr + 4, g->hdr_len + g->len - IP6_HDR_LEN);
	put_u16(g->hdr + g->hdr_len - IP6_FRAGMENT_LEN + 2, off | (more ? FLAG_MF6 : 0));
}

bool ip_fragger_next(struct ip_fragger *f, struct ip_frag *ret)
{
	bool first = f->pos == f->start, more;
	uint32_t off = f->orig_off + f->pos - f->start, left = f->end - f->pos;

	/* A header without payload is one packet too. */
	if (f->pos > f->end || (!left && !first))
		return false;
	ret->hdr_len = first ? f->first_len : f->later_len;
	memcpy(ret->hdr, first && !f->cut ? f->pkt : f->hdr, ret->hdr_len);
	ret->data = f->pkt + f->pos;
	ret->len = left;
	if (ret->hdr_len + left > f->mtu)
		ret->len = (f->mtu - ret->hdr_len) & ~7u;
	f->pos += ret->len ? ret->len : 1;
	more = ret->len < left || f->orig_more;
	if (!f->v6)
		finish4(f, ret, off, more);
	else if (f->cut)
		finish6(ret, off, more);
	return true;
}
