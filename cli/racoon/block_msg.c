/*
 * The form of the sockets, because it has every field that a service is told, and one that is added to it is
 * in here at once.
 */
#include <stdlib.h>

#include "base/auto.h"
#include "cli/racoon/block.h"
#include "ipc/model_ike.h"

static void add(struct sbuf *to, const ProtobufCMessage *m)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	AUTO_FREE uint8_t *p = malloc(n + 1);

	to->bad |= !p;
	if (p)
		sbuf_add_bytes(to, p, protobuf_c_message_pack(m, p));
}

void block_add_peer(struct sbuf *to, const struct ike_peer *p)
{
	AUTO_FREE struct model_ike_peer_pb *x = malloc(sizeof(*x));
	struct ike_peer plain = *p;

	to->bad |= !x;
	if (!x)
		return;
	plain.block = 0;
	plain.ph1id = 0;
	model_ike_peer_encode(&plain, x);
	add(to, &x->m.base);
}

void block_add_general(struct sbuf *to, const struct ike_conf *c)
{
	AUTO_FREE struct model_ike_begin_pb *x = malloc(sizeof(*x));
	struct ike_conf plain = *c;

	to->bad |= !x;
	if (!x)
		return;
	plain.n_peers = plain.n_children = 0;
	plain.log = IKE_LOG_NONE;
	plain.as_racoon = false;
	model_ike_begin_encode(&plain, x);
	add(to, &x->m.base);
}
