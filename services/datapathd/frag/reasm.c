/*
 * A bitmap of 8-octet units per datagram says what has come: no list of holes to grow, and an overlap is a
 * bit that is already set. When all places are taken the oldest datagram goes.
 */
#include "datapathd/frag/reasm.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "wire/ip/csum.h"

enum { DATAGRAM_MAX = 65535, UNITS = 8192 };

struct place {
	uint64_t until_ms; /* 0: free */
	struct inet_addr src, dst;
	uint16_t id;
	uint8_t proto;
	uint8_t hdr_len;  /* of the first fragment; 0: not here yet */
	uint32_t n_units; /* how many have come */
	uint32_t len;     /* payload octets; 0: the last fragment has not come */
	uint64_t have[UNITS / 64];
	uint8_t room[IP4_HDR_MAX + DATAGRAM_MAX]; /* header space, then payload from IP4_HDR_MAX on */
};

struct reasm {
	struct place place[REASM_PLACES];
};

int reasm_new(struct reasm **ret)
{
	void *p = mmap(NULL, sizeof(struct reasm), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	(void)madvise(p, sizeof(struct reasm), MADV_DONTDUMP);
	*ret = p;
	return 0;
}

struct reasm *reasm_free(struct reasm *r)
{
	if (r)
		munmap(r, sizeof(*r));
	return NULL;
}

static struct place *find(struct reasm *r, const struct ip_view *v, uint64_t now_ms)
{
	const struct inet_addr src = ip_src(v), dst = ip_dst(v);
	struct place *at = &r->place[0];

	for (struct place *p = r->place; p < r->place + REASM_PLACES; p++) {
		if (p->until_ms > now_ms && p->id == (uint16_t)v->frag_id && p->proto == v->proto &&
		    inet_addr_equal(&p->src, &src) && inet_addr_equal(&p->dst, &dst))
			return p;
		if (p->until_ms < at->until_ms)
			at = p;
	}
	at->until_ms = now_ms + REASM_MS;
	at->src = src;
	at->dst = dst;
	at->id = (uint16_t)v->frag_id;
	at->proto = v->proto;
	at->hdr_len = 0;
	at->n_units = at->len = 0;
	memset(at->have, 0, sizeof(at->have));
	return at;
}

/* False when one of them was there already. */
static bool mark(struct place *p, uint32_t first, uint32_t n)
{
	for (uint32_t u = first; u < first + n; u++) {
		if (p->have[u / 64] >> u % 64 & 1)
			return false;
		p->have[u / 64] |= (uint64_t)1 << u % 64;
	}
	p->n_units += n;
	return true;
}

static bool add(struct place *p, const struct ip_view *v)
{
	uint32_t len = v->total_len - v->upper_off, end = v->frag_off + len;

	if (len == 0 || end > DATAGRAM_MAX - IP4_HDR_LEN || (v->more_frags && len % 8))
		return false;
	if (!v->more_frags && p->len)
		return false;
	if (!mark(p, v->frag_off / 8, (len + 7) / 8))
		return false;
	if (!v->more_frags)
		p->len = end;
	memcpy(p->room + IP4_HDR_MAX + v->frag_off, v->pkt + v->upper_off, len);
	if (v->frag_off == 0) {
		p->hdr_len = (uint8_t)v->hdr_len;
		memcpy(p->room + IP4_HDR_MAX - v->hdr_len, v->pkt, v->hdr_len);
	}
	return true;
}

int reasm_put(
    struct reasm *r, const struct ip_view *v, uint64_t now_ms, const uint8_t **ret_pkt, uint32_t *ret_len)
{
	struct place *p = find(r, v, now_ms);
	uint8_t *hdr;

	if (!add(p, v)) {
		p->until_ms = 0;
		return REASM_REFUSED;
	}
	if (!p->hdr_len || !p->len || p->n_units < (p->len + 7) / 8)
		return REASM_HELD;
	p->until_ms = 0;
	if (p->n_units != (p->len + 7) / 8 || p->hdr_len + p->len > DATAGRAM_MAX)
		return REASM_REFUSED; /* something lies behind the last fragment */
	hdr = p->room + IP4_HDR_MAX - p->hdr_len;
	hdr[6] &= 0x40; /* keeps DF, clears more-fragments and the offset */
	hdr[7] = 0;
	ip4_set_payload(hdr, p->proto, (uint16_t)(p->hdr_len + p->len));
	*ret_pkt = hdr;
	*ret_len = p->hdr_len + p->len;
	return REASM_WHOLE;
}
