/*
 * Events are only a reason to look, never taken for the state itself; a lost one is answered like one that
 * concerns us. A bound on what is read at once keeps a storm from starving the rest of the process.
 */
#include "policyd/kernel/events.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "policyd/compile/ruleset.h"
#include "policyd/conf.h"
#include "policyd/kernel/rtnl.h"

enum { READ_ROOM = 65536, READS_MAX = 256, NFT_RCVBUF = 16 << 20, RTNL_RCVBUF = 1 << 20 };

static int events_open(int protocol, const unsigned *groups, size_t n_groups, int rcvbuf)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)))
		return -errno;
	for (size_t i = 0; i < n_groups; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])))
			return -errno;
	/* Our own big commits come back as events; in a user namespace the default has to do. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf));
	return take_fd(&fd);
}

int nft_events_open(void)
{
	static const unsigned groups[] = {NFNLGRP_NFTABLES};

	return events_open(NETLINK_NETFILTER, groups, ARRAY_SIZE(groups), NFT_RCVBUF);
}

int rtnl_events_open(void)
{
	static const unsigned groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
	    RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};

	return events_open(NETLINK_ROUTE, groups, ARRAY_SIZE(groups), RTNL_RCVBUF);
}

/* Octets read; 0: nothing more; -ENOBUFS: events were lost. */
static ssize_t read_events(int fd, void *buf, size_t room)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(fd, buf, room, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

	if (n < 0)
		return errno == ENOBUFS ? -ENOBUFS : 0;
	return from.nl_pid == 0 ? n : 0;
}

static bool string_is(const struct nlmsghdr *h, size_t body_len, uint16_t type, const char *want)
{
	size_t n = strlen(want) + 1;
	const char *s = rtnl_attr(h, body_len, type, n);

	return s && memcmp(s, want, n) == 0;
}

/* In every message of nf_tables that concerns a table, attribute 1 is its name. */
static bool is_foreign(struct nft_watch *w, const struct nlmsghdr *h, const char *table, const char *marker)
{
	uint8_t type = NFNL_MSG_TYPE(h->nlmsg_type);

	if (NFNL_SUBSYS_ID(h->nlmsg_type) != NFNL_SUBSYS_NFTABLES || type == NFT_MSG_NEWGEN)
		return false;
	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)) ||
	    !string_is(h, sizeof(struct nfgenmsg), NFTA_TABLE_NAME, table))
		return false;
	if (type == NFT_MSG_NEWCHAIN && string_is(h, sizeof(struct nfgenmsg), NFTA_CHAIN_NAME, marker))
		w->own_port = h->nlmsg_pid;
	/* Before our own first commit nothing of ours can be broken. */
	return w->own_port && h->nlmsg_pid != w->own_port;
}

unsigned nft_watch_read(struct nft_watch *w, int fd, const struct policyd_conf *c, uint64_t generation)
{
	static _Alignas(struct nlmsghdr) char buf[READ_ROOM];
	unsigned seen = 0;
	char marker[32];

	ruleset_marker(marker, sizeof(marker), generation);
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t got = read_events(fd, buf, sizeof(buf));
		size_t n = got > 0 ? (size_t)got : 0;
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;

		if (got < 0)
			seen |= NFT_WATCH_LOST;
		if (got == 0)
			break;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
			if (is_foreign(w, h, c->table, marker))
				seen |= NFT_WATCH_FOREIGN;
	}
	return seen;
}

static bool route_is_ours(const struct nlmsghdr *h, const struct policyd_conf *c)
{
	const uint32_t *table = rtnl_attr(h, sizeof(struct rtmsg), RTA_TABLE, sizeof(*table));

	return table && (*table == c->rt_table || *table == c->rt_remotes);
}

static bool concerns_us(const struct nlmsghdr *h, const struct policyd_conf *c)
{
	switch (h->nlmsg_type) {
	case RTM_DELRULE:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return true;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return route_is_ours(h, c);
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return string_is(h, sizeof(struct ifinfomsg), IFLA_IFNAME, c->device);
	default:
		return false;
	}
}

bool rtnl_watch_read(int fd, const struct policyd_conf *c, uint32_t own_port)
{
	static _Alignas(struct nlmsghdr) char buf[READ_ROOM];
	bool ours = false;

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t got = read_events(fd, buf, sizeof(buf));
		size_t n = got > 0 ? (size_t)got : 0;
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;

		if (got < 0)
			ours = true;
		if (got == 0)
			break;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
			ours |= h->nlmsg_pid != own_port && concerns_us(h, c);
	}
	return ours;
}
