/*
 * racoon.conf's `listen`: the addresses that key exchange is for. Without it, all of this host.
 */
#ifndef POSTERN_KEYD_CORE_LISTEN_H
#define POSTERN_KEYD_CORE_LISTEN_H

#include "ipsec/ike_conf.h"

/* Whether this address of ours is one; 0.0.0.0 and :: stand for all of their family. An address that is
 * listed for port 500 is for 4500 too, and the other way round: a peer behind a translator changes from one
 * to the other. */
static inline bool listen_has(const struct ike_conf *c, const struct inet_addr *local)
{
	for (uint8_t i = 0; i < c->n_listen; i++)
		if (inet_addr_equal(&c->listen[i].addr, local) ||
		    (c->listen[i].addr.family == local->family && inet_addr_is_any(&c->listen[i].addr)))
			return true;
	return !c->n_listen;
}

#endif
