#include "wire/ip/segment.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "wire/ip/csum.h"
#include "wire/ip/fields.h"
#include "wire/ip/ip.h"

/* Octets of the upper header; 0: it is not whole. */
static uint32_t upper_header(const struct ip_view *v, enum segment_kind kind)
{
	uint32_t left = v->total_len - v->upper_off, n = UDP_HDR;

	if (kind == SEGMENT_TCP) {
		if (left < TCP_HDR_MIN)
			return 0;
		n = (uint32_t)(v->pkt[v->upper_off + TCP_OFFSET_AT] >> 4) * 4;
		if (n < TCP_HDR_MIN)
			return 0;
	}
	return n <= left ? n : 0;
}

/* The upper header with what differs from packet to packet counted as zero, and the addresses. */
static uint64_t constant_sum(const struct segmenter *s)
{
	uint8_t head[SEGMENT_HEADERS_MAX];
	uint32_t n = s->hdr_len - s->upper_off;

	memcpy(head, s->pkt + s->upper_off, n);
	if (s->kind == SEGMENT_TCP) {
		memset(head + TCP_SEQ_AT, 0, 4);
		memset(head + TCP_OFFSET_AT, 0, 2);
		memset(head + TCP_SUM_AT, 0, 2);
	} else {
		memset(head + UDP_LEN_AT, 0, 4);
	}
	return csum_add(csum_pseudo(s->pkt, s->kind == SEGMENT_TCP ? IPPROTO_TCP : IPPROTO_UDP, 0), head, n);
}

int segment_begin(struct segmenter *s, const uint8_t *pkt, size_t len, enum segment_kind kind, uint16_t size)
{
	struct ip_view v;
	uint32_t upper;

	if (!size || ip_parse(pkt, len, IP_TRUST_SUM, &v) != IP_OK || v.is_frag ||
	    v.proto != (kind == SEGMENT_TCP ? IPPROTO_TCP : IPPROTO_UDP))
		return -EINVAL;
	upper = upper_header(&v, kind);
	if (!upper || v.upper_off + upper > SEGMENT_HEADERS_MAX || v.upper_off + upper >= v.total_len)
		return -EINVAL;
	*s = (struct segmenter){.pkt = pkt,
	    .len = v.total_len,
	    .hdr_len = v.upper_off + upper,
	    .upper_off = (uint16_t)v.upper_off,
	    .size = size,
	    .kind = kind,
	    .v6 = v.version == 6};
	s->sum = constant_sum(s);
	return 0;
}

uint32_t segment_count(const struct segmenter *s)
{
	return (s->len - s->hdr_len + s->size - 1) / s->size;
}

static void put_ip(const struct segmenter *s, uint8_t *out, uint32_t total)
{
	if (s->v6) {
		put_u16(out + IP6_LEN_AT, (uint16_t)(total - IP6_HDR_LEN));
		return;
	}
	put_u16(out + IP4_LEN_AT, (uint16_t)total);
	put_u16(out + IP4_ID_AT, (uint16_t)(get_u16(out + IP4_ID_AT) + s->at / s->size));
	put_u16(out + IP4_SUM_AT, csum_ip4_header(out, (size_t)(out[0] & 0xf) * 4));
}

/* What differs in TCP's header, as octets that are summed too. */
static void put_tcp(const struct segmenter *s, uint8_t *tcp, bool last)
{
	put_u32(tcp + TCP_SEQ_AT, get_u32(tcp + TCP_SEQ_AT) + s->at);
	if (!last)
		tcp[TCP_FLAGS_AT] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (s->at)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
}

static void put_sum(const struct segmenter *s, uint8_t *upper, uint32_t upper_len)
{
	uint32_t head = s->hdr_len - s->upper_off;
	uint8_t length[4];
	uint64_t sum = s->sum;
	uint16_t v;

	put_u32(length, upper_len);
	sum = csum_add(sum, length, sizeof(length));
	if (s->kind == SEGMENT_TCP) {
		sum = csum_add(sum, upper + TCP_SEQ_AT, 4);
		sum = csum_add(sum, upper + TCP_OFFSET_AT, 2);
	} else {
		/* Its header says the length once more. */
		sum = csum_add(sum, length, sizeof(length));
	}
	v = csum_finish(csum_add(sum, upper + head, upper_len - head));
	if (s->kind == SEGMENT_UDP && !v)
		v = 0xffff;
	put_u16(upper + (s->kind == SEGMENT_TCP ? TCP_SUM_AT : UDP_SUM_AT), v);
}

static uint32_t left_of(const struct segmenter *s)
{
	return s->len - s->hdr_len - s->at;
}

uint32_t segment_next(struct segmenter *s, uint8_t *out)
{
	uint32_t left = left_of(s);

	memcpy(out + s->hdr_len, s->pkt + s->hdr_len + s->at, left < s->size ? left : s->size);
	return segment_next_head(s, out);
}

uint32_t segment_next_head(struct segmenter *s, uint8_t *out)
{
	uint32_t left = left_of(s), n = left < s->size ? left : s->size, total = s->hdr_len + n;
	uint8_t *upper = out + s->upper_off;

	if (!n)
		return 0;
	memcpy(out, s->pkt, s->hdr_len);
	put_ip(s, out, total);
	if (s->kind == SEGMENT_TCP)
		put_tcp(s, upper, n == left);
	else
		put_u16(upper + UDP_LEN_AT, (uint16_t)(UDP_HDR + n));
	put_sum(s, upper, total - s->upper_off);
	s->at += n;
	return total;
}
