/*
 * One record of an edge: a 12-byte header (type, flags, id, row; big endian) and a protobuf body, in one
 * SOCK_SEQPACKET datagram of at most 64 KiB. The header is read first, so that type and size are judged
 * against the permission table before any protobuf code sees the body.
 */
#ifndef POSTERN_IPC_RECORD_H
#define POSTERN_IPC_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/err.h"

enum { IPC_RECORD_MAX = 65536, IPC_HEADER_LEN = 12 };

enum ipc_record_flag {
	IPC_F_END = 0x0001, /* last row of a bulk answer */
};

struct ipc_record {
	uint16_t type;       /* enum ipc_type */
	uint16_t flags;      /* enum ipc_record_flag */
	uint32_t id;         /* chosen by the requester, repeated in every answer; 0 for events */
	uint32_t row;        /* number of a bulk row, from 0 */
	const uint8_t *body; /* borrowed from the receive buffer, wiped after the handler returns */
	size_t body_len;
};

/* Splits a datagram. 0, or -EBADMSG when it is shorter than a header or flags are unknown. */
int ipc_record_parse(const void *buf, size_t n, struct ipc_record *ret);

/* Writes header and packed body (NULL: none) to buf. Returns the length, or -EMSGSIZE. */
int ipc_record_build(void *buf, size_t room, const struct ipc_record *head, const ProtobufCMessage *body);

/*
 * Unpacks a body with an allocator that gives out at most `cap` bytes and wipes what it takes back. NULL when
 * the body does not parse or wants more. Free with ipc_unpack_free(), which wipes.
 */
ProtobufCMessage *ipc_unpack(const ProtobufCMessageDescriptor *d, const struct ipc_record *rec, size_t cap);
void ipc_unpack_free(ProtobufCMessage *m);
/* For AUTO(): frees what a local points at. */
static inline void ipc_unpack_freep_(ProtobufCMessage **m)
{
	ipc_unpack_free(*m);
}

/* Reads an IPC_ERROR record: returns its code as a negative errno with its sentence in `e`, -EPROTO when it
 * is none. */
int ipc_error_decode(const struct ipc_record *rec, struct err_text *e);

/* Copies text of the other side for a log line or a terminal: cut to `room`, everything but printable ASCII
 * becomes '?'. */
void ipc_text_copy(char *dst, size_t room, const char *src);

#endif
