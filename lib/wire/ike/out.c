/*
 * The chain's links point forward while it is written backwards in mind: each payload is named by the one
 * before it, so the place for a name is remembered until there is one.
 */
#include "wire/ike/out.h"

enum { LEN_AT = 2, MSG_LEN_AT = 24, NEXT_AT = 16 };

static void put_u16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The length of what begins at `p` with a generic header. */
static void close_at(struct wr *w, uint8_t *p)
{
	size_t n = (size_t)(w->p - p);

	if (w->bad || n > UINT16_MAX)
		w->bad = true;
	else
		put_u16(p + LEN_AT, (uint32_t)n);
}

void ike_out_init(struct ike_out *o, void *buf, size_t room, const struct ike_hdr *h)
{
	*o = (struct ike_out){.w = wr_init(buf, room), .has_header = true};
	wr_bytes(&o->w, h->icookie, sizeof(h->icookie));
	wr_bytes(&o->w, h->rcookie, sizeof(h->rcookie));
	wr_u8(&o->w, 0);
	wr_u8(&o->w, (uint8_t)(h->major << 4 | h->minor));
	wr_u8(&o->w, h->exchange);
	wr_u8(&o->w, h->flags);
	wr_u32(&o->w, h->msg_id);
	wr_u32(&o->w, 0);
	if (wr_ok(&o->w))
		o->next = o->w.start + NEXT_AT;
}

void ike_out_init_chain(struct ike_out *o, void *buf, size_t room, uint8_t *first)
{
	*first = 0;
	*o = (struct ike_out){.w = wr_init(buf, room), .next = first};
}

static void close_payload(struct ike_out *o)
{
	if (o->payload)
		close_at(&o->w, o->payload);
	o->payload = NULL;
}

void ike_out_payload(struct ike_out *o, uint8_t type)
{
	uint8_t *p;

	close_payload(o);
	p = wr_room(&o->w, IKE_PAYLOAD_HDR_LEN);
	if (!p)
		return;
	memset(p, 0, IKE_PAYLOAD_HDR_LEN);
	*o->next = type;
	o->next = p;
	o->payload = p;
}

void ike_out_whole(struct ike_out *o, uint8_t type, const void *body, size_t n)
{
	ike_out_payload(o, type);
	wr_bytes(&o->w, body, n);
}

size_t ike_out_end(struct ike_out *o)
{
	size_t n = wr_len(&o->w);

	close_payload(o);
	if (!wr_ok(&o->w))
		return 0;
	if (o->has_header) {
		put_u16(o->w.start + MSG_LEN_AT, (uint32_t)(n >> 16));
		put_u16(o->w.start + MSG_LEN_AT + 2, (uint32_t)n);
	}
	return n;
}

uint8_t *ike_out_part(struct ike_out *o, uint8_t next)
{
	uint8_t *p = wr_room(&o->w, IKE_PAYLOAD_HDR_LEN);

	if (p) {
		memset(p, 0, IKE_PAYLOAD_HDR_LEN);
		p[0] = next;
	}
	return p;
}

void ike_out_part_end(struct ike_out *o, uint8_t *part)
{
	if (part)
		close_at(&o->w, part);
}
