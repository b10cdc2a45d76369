/*
 * Rules, routes and the device together: packets with a mark reach the device or nothing.
 */
#ifndef POSTERN_POLICYD_KERNEL_ROUTING_H
#define POSTERN_POLICYD_KERNEL_ROUTING_H

#include <stdbool.h>

#include "base/err.h"
#include "policyd/kernel/remotes.h"

struct policyd_conf;

struct routing {
	const struct policyd_conf *conf;
	struct rtnl rtnl;
	bool up;         /* rules and tables are in place */
	bool no_ipv6;    /* the host has none; said once */
	bool said_alien; /* a device of our name is no TUN device; said once */
	int index;       /* of the device; 0: not there */
	struct remotes remotes;
};

/* Before the sandbox. 0 or -errno. */
int routing_open(struct routing *r, const struct policyd_conf *conf);
void routing_close(struct routing *r);

/* Rules and tables for `spd`, the device configured if it is there. 0 or -errno with a
 * sentence; *ret_mended: how many rules and routes had gone missing since the last time. */
int routing_up(struct routing *r, const struct spd *spd, int *ret_mended, struct err_text *e);
/* The device may have come, gone or changed: 1 it is there, 0 it is not. */
int routing_look_for_device(struct routing *r);
/* Removes rules, tables and routes, also an earlier life's. */
void routing_down(struct routing *r);

#endif
