#include "keyd/core/trace.h"

#include <stdio.h>

void trace_received(struct core *c, const struct ike_path *path, size_t n)
{
	char a[INET_ADDR_STRLEN];

	if (core_wants(c, CORE_DEBUG))
		core_note(c, CORE_DEBUG, "ike.trace", "%zu bytes message received from %s[%u]", n,
		    inet_addr_format(&path->remote, a), path->remote_port);
}

void trace_sent(struct core *c, const struct ike_path *path, size_t n, uint32_t times)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	if (core_wants(c, CORE_DEBUG))
		core_note(c, CORE_DEBUG, "ike.trace",
		    "send packet from %s[%u]: %u times of %zu bytes message will be sent to %s[%u]",
		    inet_addr_format(&path->local, a), path->local_port, times, n,
		    inet_addr_format(&path->remote, b), path->remote_port);
}
