/*
 * The TUN device, which datapathd makes and policyd configures.
 */
#ifndef POSTERN_POLICYD_KERNEL_LINK_H
#define POSTERN_POLICYD_KERNEL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "policyd/kernel/rtnl.h"

struct policyd_conf;

struct link {
	int index;
	uint32_t mtu;
	bool up;
};

/* 0; -ENODEV; -EMEDIUMTYPE when a device of that name is no TUN device; -errno. */
int link_find(struct rtnl *r, const struct policyd_conf *c, struct link *ret);

/* Whether IPv4's settings of a device go as far as src_valid_mark; asked of the loopback device. */
bool link_has_src_valid_mark(struct rtnl *r);

/* MTU, src_valid_mark, no address of its own, up. Causes a link event each time. 0 or -errno. */
int link_configure(struct rtnl *r, const struct policyd_conf *c, int index);

#endif
