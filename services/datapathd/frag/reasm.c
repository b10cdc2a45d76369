/*
 * A bitmap of 8-octet units per datagram says what has come: no list of holes to grow, and an overlap is a
 * bit that is already set. When all places are taken the oldest datagram goes.
 */
#include "datapathd/frag/reasm.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "wire/ip/ext6.h"

enum { UNITS = 8192 };

struct place {
	uint64_t until_ms; /* 0: free */
	struct inet_addr src, dst;
	uint32_t id;
	uint8_t proto;      /* IPv4: part of the key. IPv6: known with the first fragment */
	uint16_t proto_off; /* of the octet that will name `proto`, from the header's first */
	uint16_t hdr_len;   /* of the first fragment; 0: not here yet */
	uint32_t n_units;   /* how many have come */
	uint32_t len;       /* payload octets; 0: the last fragment has not come */
	uint64_t have[UNITS / 64];
	uint8_t room[REASM_HDR_MAX + REASM_LEN_MAX]; /* header space, then payload from REASM_HDR_MAX on */
};

struct reasm {
	struct place place[REASM_PLACES];
	struct place lone; /* for what needs no company */
};

/* A fragment, taken apart. */
struct piece {
	const struct ip_view *v;
	struct inet_addr src, dst;
	uint32_t id;
	uint16_t hdr_len;   /* headers in front of the fragment header, or IPv4's */
	uint16_t proto_off; /* of the octet that names what follows these headers */
	uint8_t proto;      /* what is fragmented */
	bool more;
	uint32_t off;
	const uint8_t *data;
	uint32_t len;
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

static bool take_apart(const struct ip_view *v, struct piece *ret)
{
	uint32_t data_off = v->hdr_len;
	struct ip6_fragment fh;

	*ret = (struct piece){.v = v,
	    .src = ip_src(v),
	    .dst = ip_dst(v),
	    .id = v->frag_id,
	    .hdr_len = v->hdr_len,
	    .proto_off = v->proto_off,
	    .proto = v->proto,
	    .more = v->more_frags,
	    .off = v->frag_off};
	if (v->version == 6) {
		if (!ip_find_fragment(v->pkt, v->total_len, &fh))
			return false;
		ret->id = fh.id;
		ret->hdr_len = fh.at;
		ret->proto_off = fh.proto_off;
		ret->proto = fh.next;
		ret->more = fh.more;
		ret->off = fh.off;
		data_off = fh.at + IP6_FRAGMENT_LEN;
	}
	ret->data = v->pkt + data_off;
	ret->len = v->total_len - data_off;
	return true;
}

static void clear(struct place *p, const struct piece *f, uint64_t until_ms)
{
	p->until_ms = until_ms;
	p->src = f->src;
	p->dst = f->dst;
	p->id = f->id;
	p->proto = f->proto;
	p->hdr_len = 0;
	p->n_units = p->len = 0;
	memset(p->have, 0, sizeof(p->have));
}

/* IPv4 tells datagrams apart by protocol too (RFC 791 section 3.2), IPv6 does not, since later fragments need
 * not agree about it (RFC 8200 section 4.5). */
static bool is_of(const struct place *p, const struct piece *f)
{
	return p->id == f->id && (f->v->version == 6 || p->proto == f->proto) &&
	       inet_addr_equal(&p->src, &f->src) && inet_addr_equal(&p->dst, &f->dst);
}

static struct place *find(struct reasm *r, const struct piece *f, uint64_t now_ms)
{
	bool lone = !f->off && !f->more;
	struct place *at = lone ? &r->lone : &r->place[0];

	for (struct place *p = r->place; !lone && p < r->place + REASM_PLACES; p++) {
		if (p->until_ms > now_ms && is_of(p, f))
			return p;
		if (p->until_ms < at->until_ms)
			at = p;
	}
	clear(at, f, now_ms + REASM_MS);
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

static bool add(struct place *p, const struct piece *f)
{
	uint32_t end = f->off + f->len;

	if (f->len == 0 || end > REASM_LEN_MAX - IP4_HDR_LEN || (f->more && f->len % 8))
		return false;
	if (!f->more && p->len)
		return false;
	if (f->off == 0 && f->hdr_len > REASM_HDR_MAX)
		return false;
	if (!mark(p, f->off / 8, (f->len + 7) / 8))
		return false;
	if (!f->more)
		p->len = end;
	memcpy(p->room + REASM_HDR_MAX + f->off, f->data, f->len);
	if (f->off == 0) {
		p->hdr_len = f->hdr_len;
		p->proto_off = f->proto_off;
		p->proto = f->proto;
		memcpy(p->room + REASM_HDR_MAX - f->hdr_len, f->v->pkt, f->hdr_len);
	}
	return true;
}

int reasm_put(
    struct reasm *r, const struct ip_view *v, uint64_t now_ms, const uint8_t **ret_pkt, uint32_t *ret_len)
{
	struct place *p;
	struct piece f;
	uint8_t *hdr;

	if (!take_apart(v, &f))
		return REASM_REFUSED;
	p = find(r, &f, now_ms);
	if (!add(p, &f)) {
		p->until_ms = 0;
		return REASM_REFUSED;
	}
	if (!p->hdr_len || !p->len || p->n_units < (p->len + 7) / 8)
		return REASM_HELD;
	p->until_ms = 0;
	if (p->n_units != (p->len + 7) / 8 || p->hdr_len + p->len > REASM_LEN_MAX)
		return REASM_REFUSED; /* something lies behind the last fragment */
	hdr = p->room + REASM_HDR_MAX - p->hdr_len;
	if (v->version == 4) {
		hdr[6] &= 0x40; /* keeps DF, clears more-fragments and the offset */
		hdr[7] = 0;
	}
	ip_set_payload(hdr, p->proto_off, p->proto, p->hdr_len + p->len);
	*ret_pkt = hdr;
	*ret_len = p->hdr_len + p->len;
	return REASM_WHOLE;
}
