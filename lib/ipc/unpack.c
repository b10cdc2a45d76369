/*
 * protobuf-c asks an allocator for every piece of a message. Ours puts a small head in front of each piece,
 * so that freeing needs nothing but the pointer and can wipe: a message that carried keys leaves none behind,
 * whoever frees it.
 */
#include "ipc/record.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/auto.h"

/* Keeps the piece behind it aligned for any type. */
struct piece {
	_Alignas(max_align_t) size_t n;
};

static void *piece_alloc(void *data, size_t n)
{
	size_t *left = data;
	struct piece *p;

	if (n > *left || *left - n < sizeof(*p))
		return NULL;
	p = malloc(sizeof(*p) + n);
	if (!p)
		return NULL;
	p->n = n;
	*left -= sizeof(*p) + n;
	return p + 1;
}

static void piece_free(void *data, void *v)
{
	size_t *left = data;
	struct piece *p;

	if (!v)
		return;
	p = (struct piece *)v - 1;
	if (left)
		*left += sizeof(*p) + p->n;
	wipe(v, p->n);
	free(p);
}

ProtobufCMessage *ipc_unpack(const ProtobufCMessageDescriptor *d, const struct ipc_record *rec, size_t cap)
{
	ProtobufCAllocator a = {.alloc = piece_alloc, .free = piece_free, .allocator_data = &cap};

	return protobuf_c_message_unpack(d, &a, rec->body_len, rec->body);
}

void ipc_unpack_free(ProtobufCMessage *m)
{
	ProtobufCAllocator a = {.alloc = piece_alloc, .free = piece_free, .allocator_data = NULL};

	if (m)
		protobuf_c_message_free_unpacked(m, &a);
}
