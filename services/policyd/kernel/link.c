/*
 * src_valid_mark makes the reverse path check look the packet's mark up; it goes away with the device, so it
 * is set whenever one appears. The kernel shall not give the device a link-local address: what that makes it
 * send would only be dropped.
 */
#include "policyd/kernel/link.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/if.h>
#include <string.h>
#include <sys/socket.h>

#include "policyd/conf.h"

struct found {
	struct link link;
	uint16_t type;
	bool is_tun;
};

static int take_link(const struct nlmsghdr *h, void *arg)
{
	struct found *f = arg;
	const struct ifinfomsg *i = NLMSG_DATA(h);
	const struct rtattr *info, *kind;
	const uint32_t *mtu;

	if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*i)))
		return 0;
	mtu = rtnl_attr(h, sizeof(*i), IFLA_MTU, sizeof(*mtu));
	f->link =
	    (struct link){.index = i->ifi_index, .mtu = mtu ? *mtu : 0, .up = (i->ifi_flags & IFF_UP) != 0};
	f->type = i->ifi_type;
	info = rtnl_attr(h, sizeof(*i), IFLA_LINKINFO, sizeof(*kind) + sizeof("tun"));
	kind = info;
	f->is_tun =
	    kind && kind->rta_type == IFLA_INFO_KIND && strncmp(RTA_DATA(kind), "tun", sizeof("tun")) == 0;
	return 0;
}

int link_find(struct rtnl *r, const struct policyd_conf *c, struct link *ret)
{
	struct found f = {0};
	struct rtnl_msg m;
	int err;

	rtnl_msg_init(&m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	rtnl_put_str(&m, IFLA_IFNAME, c->device);
	err = rtnl_ask(r, &m, take_link, &f);
	if (err < 0)
		return err;
	if (!f.is_tun || f.type != ARPHRD_NONE)
		return -EMEDIUMTYPE;
	*ret = f.link;
	return 0;
}

/* The attribute `type` within another, or NULL. */
static const struct rtattr *inside(const struct rtattr *nest, uint16_t type)
{
	size_t n = nest ? RTA_PAYLOAD(nest) : 0;
	const struct rtattr *a = nest ? RTA_DATA(nest) : NULL;

	for (; a && RTA_OK(a, n); a = RTA_NEXT(a, n))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

static int take_conf(const struct nlmsghdr *h, void *arg)
{
	size_t n = h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg))
	               ? h->nlmsg_len - NLMSG_LENGTH(sizeof(struct ifinfomsg))
	               : 0;
	const struct rtattr *a = (const void *)((const char *)h + NLMSG_SPACE(sizeof(struct ifinfomsg)));
	bool *has = arg;

	for (; h->nlmsg_type == RTM_NEWLINK && RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		const struct rtattr *conf;

		if ((a->rta_type & NLA_TYPE_MASK) != IFLA_AF_SPEC)
			continue;
		conf = inside(inside(a, AF_INET), IFLA_INET_CONF);
		*has = conf && RTA_PAYLOAD(conf) >= IPV4_DEVCONF_SRC_VMARK * sizeof(uint32_t);
	}
	return 0;
}

bool link_has_src_valid_mark(struct rtnl *r)
{
	bool has = false;
	struct rtnl_msg m;

	rtnl_msg_init(&m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	rtnl_put_str(&m, IFLA_IFNAME, "lo");
	/* What cannot be asked is not reported missing. */
	return rtnl_ask(r, &m, take_conf, &has) < 0 || has;
}

static void put_inet_conf(struct rtnl_msg *m)
{
	struct rtattr *spec = rtnl_nest(m, IFLA_AF_SPEC);
	struct rtattr *inet = rtnl_nest(m, AF_INET);
	struct rtattr *conf = rtnl_nest(m, IFLA_INET_CONF);

	rtnl_put_u32(m, IPV4_DEVCONF_SRC_VMARK, 1);
	rtnl_nest_end(m, conf);
	rtnl_nest_end(m, inet);
	rtnl_nest_end(m, spec);
}

/* A host without IPv6 refuses; that is fine. */
static void set_no_address(struct rtnl *r, int index)
{
	const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	struct rtnl_msg m;
	struct ifinfomsg *i = rtnl_msg_init(&m, RTM_NEWLINK, 0, sizeof(*i));
	struct rtattr *spec, *inet6;

	i->ifi_index = index;
	spec = rtnl_nest(&m, IFLA_AF_SPEC);
	inet6 = rtnl_nest(&m, AF_INET6);
	rtnl_put(&m, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	rtnl_nest_end(&m, inet6);
	rtnl_nest_end(&m, spec);
	(void)rtnl_request(r, &m);
}

int link_configure(struct rtnl *r, const struct policyd_conf *c, int index)
{
	struct rtnl_msg m;
	struct ifinfomsg *i = rtnl_msg_init(&m, RTM_NEWLINK, 0, sizeof(*i));

	set_no_address(r, index);
	i->ifi_index = index;
	i->ifi_flags = i->ifi_change = IFF_UP;
	rtnl_put_u32(&m, IFLA_MTU, c->mtu);
	put_inet_conf(&m);
	return rtnl_request(r, &m);
}
