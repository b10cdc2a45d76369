/*
 * The header is ours and not protobuf's, so that a record can be refused by type, role and size without a
 * single octet of its body having been looked at.
 */
#include "ipc/record.h"

#include <errno.h>

#include "base/auto.h"
#include "base/rd.h"
#include "base/wr.h"

#include "common.pb-c.h"

enum { ERROR_CAP = 4096, ERRNO_MAX = 4095 };

int ipc_record_parse(const void *buf, size_t n, struct ipc_record *ret)
{
	struct rd r = rd_init(buf, n);
	struct ipc_record rec = {
	    .type = rd_u16(&r), .flags = rd_u16(&r), .id = rd_u32(&r), .row = rd_u32(&r)};

	rec.body_len = rd_left(&r);
	rec.body = rd_bytes(&r, rec.body_len);
	if (!rd_done(&r) || n > IPC_RECORD_MAX || rec.flags & ~(unsigned)IPC_F_END)
		return -EBADMSG;
	*ret = rec;
	return 0;
}

int ipc_record_build(void *buf, size_t room, const struct ipc_record *head, const ProtobufCMessage *body)
{
	size_t n = body ? protobuf_c_message_get_packed_size(body) : 0;
	struct wr w = wr_init(buf, room < IPC_RECORD_MAX ? room : IPC_RECORD_MAX);
	uint8_t *p;

	wr_u16(&w, head->type);
	wr_u16(&w, head->flags);
	wr_u32(&w, head->id);
	wr_u32(&w, head->row);
	p = wr_room(&w, n);
	if (!p)
		return -EMSGSIZE;
	if (n)
		protobuf_c_message_pack(body, p);
	return (int)wr_len(&w);
}

void ipc_text_copy(char *dst, size_t room, const char *src)
{
	size_t i = 0;

	for (; src && src[i] && i + 1 < room; i++)
		dst[i] = src[i] >= ' ' && src[i] <= '~' ? src[i] : '?';
	dst[i] = '\0';
}

int ipc_error_decode(const struct ipc_record *rec, struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(&postern__error__descriptor, rec, ERROR_CAP);
	const Postern__Error *err = (const Postern__Error *)m;

	if (!err || !err->code || err->code > ERRNO_MAX)
		return err_set(e, -EPROTO, "the service sent an error that cannot be read");
	if (e)
		ipc_text_copy(e->s, sizeof(e->s), err->text);
	return -(int)err->code;
}
