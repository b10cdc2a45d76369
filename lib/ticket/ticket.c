/*
 * Fields one behind the other in network order, then the seal. The form is between programs of one build, so
 * its version is its first octet and another one is simply not believed.
 */
#include "ticket/ticket.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "base/rd.h"
#include "base/wr.h"
#include "ticket/seal.h"

enum { FORM = 4, ADDR_LEN = 16 };

static const char label[] = "postern ticket";

int ticket_init(struct err_text *e)
{
	return sodium_init() < 0 ? err_set(e, -EIO, "libsodium cannot be used") : 0;
}

int ticket_seal(const struct ticket_key *key, const struct ticket *t, uint8_t *buf, size_t room)
{
	struct wr w = wr_init(buf, room);

	if (t->id.len > IKE_ID_DATA_MAX)
		return -EINVAL;
	wr_u8(&w, FORM);
	wr_u64(&w, t->generation);
	wr_u32(&w, t->peer);
	wr_u64(&w, t->block);
	wr_u8(&w, t->addr.family);
	wr_bytes(&w, t->addr.b, ADDR_LEN);
	wr_u32(&w, t->addr.scope);
	wr_bytes(&w, t->icookie, TICKET_COOKIE_LEN);
	wr_bytes(&w, t->rcookie, TICKET_COOKIE_LEN);
	wr_u64(&w, t->expires_ms);
	wr_u8(&w, (uint8_t)t->id.kind);
	wr_u16(&w, t->id.len);
	wr_bytes(&w, t->id.data, t->id.len);
	wr_u8(&w, (uint8_t)strnlen(t->user, TICKET_USER_MAX));
	wr_bytes(&w, t->user, strnlen(t->user, TICKET_USER_MAX));
	return seal_close(key, label, buf, &w);
}

static bool read_fields(struct rd *r, struct ticket *ret)
{
	uint8_t form = rd_u8(r), n_user;

	*ret = (struct ticket){.generation = rd_u64(r)};
	ret->peer = rd_u32(r);
	ret->block = rd_u64(r);
	ret->addr.family = rd_u8(r);
	rd_copy(r, ret->addr.b, ADDR_LEN);
	ret->addr.scope = rd_u32(r);
	rd_copy(r, ret->icookie, TICKET_COOKIE_LEN);
	rd_copy(r, ret->rcookie, TICKET_COOKIE_LEN);
	ret->expires_ms = rd_u64(r);
	ret->id.kind = rd_u8(r);
	ret->id.len = rd_u16(r);
	if (!rd_ok(r) || form != FORM || ret->id.len > IKE_ID_DATA_MAX)
		return false;
	rd_copy(r, ret->id.data, ret->id.len);
	n_user = rd_u8(r);
	if (n_user > TICKET_USER_MAX)
		return false;
	rd_copy(r, ret->user, n_user);
	return rd_done(r);
}

int ticket_open(const struct ticket_key *key, const uint8_t *buf, size_t n, uint64_t now_ms,
    struct ticket *ret, struct err_text *e)
{
	struct rd r;

	if (n > TICKET_MAX || !seal_open(key, label, buf, n, &r))
		return err_set(e, -EBADMSG, "neither certd nor certd-verify made this ticket");
	if (!read_fields(&r, ret))
		return err_set(e, -EBADMSG, "a ticket of another release");
	if (now_ms >= ret->expires_ms)
		return err_set(e, -EKEYEXPIRED,
		    "the ticket expired %llu ms ago: the peer has to prove itself anew",
		    (unsigned long long)(now_ms - ret->expires_ms));
	return 0;
}

void ticket_owner(const struct ticket *t, uint8_t ret[TICKET_OWNER_LEN])
{
	uint8_t who[3 + IKE_ID_DATA_MAX + TICKET_USER_MAX];
	struct wr w = wr_init(who, sizeof(who));

	wr_u8(&w, (uint8_t)t->id.kind);
	wr_u16(&w, t->id.len);
	wr_bytes(&w, t->id.data, t->id.len);
	wr_bytes(&w, t->user, strnlen(t->user, TICKET_USER_MAX));
	(void)crypto_generichash(ret, TICKET_OWNER_LEN, who, wr_len(&w), NULL, 0);
}
