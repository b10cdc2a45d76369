/*
 * What keyd says: values, typed and checked, none of which names a file or a variable.
 */
#ifndef POSTERN_HOOKS_EVENT_H
#define POSTERN_HOOKS_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "hooks/limits.h"
#include "inet/addr.h"
#include "ipsec/ike_conf.h"

enum { HOOK_SERVERS_MAX = 4, HOOK_NETS_MAX = 32 };

/* Octets of a stranger's choice. */
struct hook_text {
	uint8_t p[HOOK_TEXT_MAX];
	size_t n;
};

struct hook_nets {
	struct inet_prefix net[HOOK_NETS_MAX];
	size_t n;
};

struct hook_servers {
	struct inet_addr addr[HOOK_SERVERS_MAX];
	size_t n;
};

/* What mode config gave; INET_NONE: not given. */
struct hook_given {
	struct inet_addr address, netmask;
	struct hook_servers dns, wins;
	struct hook_nets include, local;
	struct hook_text domain;
};

struct hook_event {
	enum ike_hook hook;
	uint64_t generation;
	uint32_t peer; /* index in the configuration of that generation */
	struct inet_addr local, remote;
	uint16_t local_port, remote_port;
	struct hook_text id; /* the peer's */
	bool has_given;
	struct hook_given given;
};

#endif
