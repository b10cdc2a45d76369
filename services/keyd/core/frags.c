#include "keyd/core/frags.h"

void frags_fini(struct frags *f)
{
	for (size_t i = 0; i < FRAGS_PARTS_MAX; i++)
		octets_fini(&f->part[i]);
	*f = (struct frags){0};
}

static enum frags_result refuse(struct frags *f)
{
	frags_fini(f);
	return FRAGS_REFUSED;
}

/* The last one says how many there are, and there is one last one. */
static bool contradicts(const struct frags *f, const struct ike1_fragment *p)
{
	if (f->last)
		return p->number > f->last || p->last != (p->number == f->last);
	for (size_t i = p->number; p->last && i < FRAGS_PARTS_MAX; i++)
		if (f->part[i].p)
			return true;
	return false;
}

enum frags_result frags_add(struct frags *f, const struct ike1_fragment *p)
{
	struct octets *at;
	uint32_t octets;

	if (f->n && f->id != p->id)
		frags_fini(f);
	if (!p->number || p->number > FRAGS_PARTS_MAX || p->len > FRAGS_OCTETS_MAX || contradicts(f, p))
		return refuse(f);
	at = &f->part[p->number - 1];
	octets = f->octets - (uint32_t)at->n + p->len;
	if (octets > FRAGS_OCTETS_MAX)
		return refuse(f);
	f->n += !at->p;
	if (octets_set(at, p->data, p->len) < 0)
		return refuse(f);
	f->id = p->id;
	f->octets = octets;
	if (p->last)
		f->last = p->number;
	return f->last && f->n == f->last ? FRAGS_WHOLE : FRAGS_MORE;
}

void frags_join(const struct frags *f, uint8_t *ret)
{
	for (uint8_t i = 0; i < f->last; i++) {
		memcpy(ret, f->part[i].p, f->part[i].n);
		ret += f->part[i].n;
	}
}

/* Not for security: messages that follow each other should have different ones (FNV-1a, folded). */
static uint16_t id_of(const uint8_t *d, size_t n)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < n; i++)
		h = (h ^ d[i]) * 16777619U;
	h = (h >> 16 ^ h) & 0xffff;
	return h ? (uint16_t)h : 1;
}

bool frags_cut(const uint8_t *message, size_t n, uint8_t *buf, size_t fit,
    void (*fn)(void *arg, const uint8_t *d, size_t n), void *arg)
{
	size_t room = fit - FRAGS_HEAD, parts = (n + room - 1) / room;
	struct ike_hdr h;
	uint16_t id = id_of(message, n);

	if (parts > FRAGS_PARTS_MAX || ike_hdr_parse(message, n, &h) != IKE_OK)
		return false;
	h.flags = 0; /* it is the message inside that is enciphered */
	for (size_t i = 0; i < parts; i++) {
		size_t len = n - i * room < room ? n - i * room : room, whole;
		const struct ike1_fragment f = {.id = id,
		    .number = (uint8_t)(i + 1),
		    .last = i + 1 == parts,
		    .data = message + i * room,
		    .len = (uint32_t)len};
		struct ike_out o;

		ike_out_init(&o, buf, fit, &h);
		ike1_put_fragment(&o, &f);
		whole = ike_out_end(&o);
		if (!whole)
			return false;
		fn(arg, buf, whole);
	}
	return true;
}
