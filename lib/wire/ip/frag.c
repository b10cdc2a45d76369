/*
 * An iterator rather than a list, so that no packet, however small the MTU, needs memory of its own.
 */
#include "wire/ip/frag.h"

#include <string.h>

#include "wire/ip/csum.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_COPIED = 0x80, FLAG_DF = 0x4000, FLAG_MF = 0x2000 };

/* RFC 791 section 3.1: later fragments carry only the options whose copied bit is set. Options that cannot be
 * walked are left out. */
static uint8_t copy_options(const uint8_t *hdr, size_t hdr_len, uint8_t out[IP4_HDR_MAX])
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

int ip4_fragger_init(struct ip4_fragger *f, const struct ip_view *v, uint32_t mtu)
{
	*f = (struct ip4_fragger){.pkt = v->pkt,
	    .pos = v->hdr_len,
	    .end = v->total_len,
	    .mtu = mtu,
	    .hdr_len = v->hdr_len,
	    .orig_off = v->frag_off,
	    .orig_more = v->more_frags};
	f->later_hdr_len = copy_options(v->pkt, v->hdr_len, f->later_hdr);
	if (v->total_len <= mtu)
		return IP4_FRAG_OK;
	if (v->df)
		return IP4_FRAG_DF;
	return mtu < v->hdr_len + 8u ? IP4_FRAG_BAD_MTU : IP4_FRAG_OK;
}

static void finish_header(struct ip4_frag *g, uint16_t off_field)
{
	uint16_t sum;

	g->hdr[2] = (uint8_t)((g->hdr_len + g->len) >> 8);
	g->hdr[3] = (uint8_t)(g->hdr_len + g->len);
	g->hdr[6] = (uint8_t)(off_field >> 8);
	g->hdr[7] = (uint8_t)off_field;
	sum = csum_ip4_header(g->hdr, g->hdr_len);
	g->hdr[10] = (uint8_t)(sum >> 8);
	g->hdr[11] = (uint8_t)sum;
}

bool ip4_fragger_next(struct ip4_fragger *f, struct ip4_frag *ret)
{
	bool first = f->pos == f->hdr_len, df = f->pkt[6] & (FLAG_DF >> 8), more;
	uint32_t off = f->orig_off + f->pos - f->hdr_len, left = f->end - f->pos;

	/* A header without payload is one packet too. */
	if (f->pos > f->end || (!left && !first))
		return false;
	ret->hdr_len = first ? f->hdr_len : f->later_hdr_len;
	memcpy(ret->hdr, first ? f->pkt : f->later_hdr, ret->hdr_len);
	ret->data = f->pkt + f->pos;
	ret->len = left;
	if (ret->hdr_len + left > f->mtu)
		ret->len = (f->mtu - ret->hdr_len) & ~7u;
	f->pos += ret->len ? ret->len : 1;
	more = ret->len < left || f->orig_more;
	finish_header(ret, (uint16_t)(off / 8 | (more ? FLAG_MF : 0) | (df ? FLAG_DF : 0)));
	return true;
}
