/*
 * What the kernel says about changes that others make to our rules, routes and device.
 */
#ifndef POSTERN_POLICYD_KERNEL_EVENTS_H
#define POSTERN_POLICYD_KERNEL_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

struct policyd_conf;

/* Which port libnftables' socket has cannot be asked; it is learnt from the event of a chain that only we
 * make. */
struct nft_watch {
	uint32_t own_port;
};

/* Non-blocking sockets subscribed to the events, before the sandbox. The descriptor, or -errno. */
int nft_events_open(void);
int rtnl_events_open(void);

enum { NFT_WATCH_FOREIGN = 1, NFT_WATCH_LOST = 2 };

/* Reads what is there. FOREIGN: our table was changed by somebody else; LOST: events were lost and it may
 * have been. */
unsigned nft_watch_read(struct nft_watch *w, int fd, const struct policyd_conf *c, uint64_t generation);
/* True: a rule, a route of our tables, an address or our device changed, not by us (`own_port`), or events
 * were lost. */
bool rtnl_watch_read(int fd, const struct policyd_conf *c, uint32_t own_port);

#endif
