/*
 * Built as tickets are, under a label of its own.
 */
#include "ticket/statement.h"

#include <errno.h>

#include "ticket/seal.h"

enum { FORM = 2, ADDR_LEN = 16 };

static const char label[] = "postern statement";

int statement_seal(const struct ticket_key *key, const struct statement *s, uint8_t *buf, size_t room)
{
	struct wr w = wr_init(buf, room);

	if (!s->n_id || s->n_id > STATEMENT_ID_MAX || !s->n_over || s->n_over > STATEMENT_OVER_MAX)
		return -EINVAL;
	wr_u8(&w, FORM);
	wr_u64(&w, s->generation);
	wr_u32(&w, s->peer);
	wr_u8(&w, s->addr.family);
	wr_bytes(&w, s->addr.b, ADDR_LEN);
	wr_u32(&w, s->addr.scope);
	wr_bytes(&w, s->icookie, TICKET_COOKIE_LEN);
	wr_bytes(&w, s->rcookie, TICKET_COOKIE_LEN);
	wr_u64(&w, s->expires_ms);
	wr_u8(&w, s->version);
	wr_u16(&w, s->n_id);
	wr_bytes(&w, s->id, s->n_id);
	wr_u16(&w, s->n_over);
	wr_bytes(&w, s->over, s->n_over);
	return seal_close(key, label, buf, &w);
}

static bool read_fields(struct rd *r, struct statement *ret)
{
	uint8_t form = rd_u8(r);

	*ret = (struct statement){.generation = rd_u64(r)};
	ret->peer = rd_u32(r);
	ret->addr.family = rd_u8(r);
	rd_copy(r, ret->addr.b, ADDR_LEN);
	ret->addr.scope = rd_u32(r);
	rd_copy(r, ret->icookie, TICKET_COOKIE_LEN);
	rd_copy(r, ret->rcookie, TICKET_COOKIE_LEN);
	ret->expires_ms = rd_u64(r);
	ret->version = rd_u8(r);
	ret->n_id = rd_u16(r);
	if (!rd_ok(r) || form != FORM || !ret->n_id || ret->n_id > STATEMENT_ID_MAX)
		return false;
	rd_copy(r, ret->id, ret->n_id);
	ret->n_over = rd_u16(r);
	if (!rd_ok(r) || !ret->n_over || ret->n_over > STATEMENT_OVER_MAX)
		return false;
	ret->over = rd_bytes(r, ret->n_over);
	return rd_done(r);
}

int statement_open(const struct ticket_key *key, const uint8_t *buf, size_t n, uint64_t now_ms,
    struct statement *ret, struct err_text *e)
{
	struct rd r;

	if (n > STATEMENT_MAX || !seal_open(key, label, buf, n, &r))
		return err_set(e, -EBADMSG, "certd did not say this of the exchange");
	if (!read_fields(&r, ret))
		return err_set(e, -EBADMSG, "a statement of another release");
	if (now_ms >= ret->expires_ms)
		return err_set(e, -EKEYEXPIRED, "what certd said of the exchange was good until %llu ms ago",
		    (unsigned long long)(now_ms - ret->expires_ms));
	return 0;
}
