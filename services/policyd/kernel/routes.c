/*
 * The unreachable route has the worst metric there is, so that it decides exactly when the device is gone:
 * senders get EHOSTUNREACH instead of a clear packet.
 */
#include "policyd/kernel/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "inet/addr.h"
#include "policyd/conf.h"

static int af_of(uint8_t family)
{
	return family == INET_V4 ? AF_INET : AF_INET6;
}

struct rtmsg *route_msg_init(
    struct rtnl_msg *m, uint16_t type, uint16_t flags, uint8_t family, uint32_t table)
{
	struct rtmsg *h = rtnl_msg_init(m, type, flags, sizeof(*h));

	h->rtm_family = (uint8_t)af_of(family);
	h->rtm_table = RT_TABLE_UNSPEC;
	h->rtm_protocol = RTPROT_KERNEL;
	h->rtm_scope = family == INET_V4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	h->rtm_type = RTN_UNICAST;
	rtnl_put_u32(m, RTA_TABLE, table);
	return h;
}

/* What a dump collects, to be looked at after it: copies of the messages of one table. */
struct collected {
	uint32_t table;
	uint8_t af; /* some kernels answer for every table, or for another family that they have */
	struct nlmsghdr **h;
	size_t n;
};

static void collected_fini(struct collected *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->h[i]);
	free(c->h);
	*c = (struct collected){0};
}

static int collect(const struct nlmsghdr *h, void *arg)
{
	struct collected *c = arg;
	const struct rtmsg *body = NLMSG_DATA(h);
	const uint32_t *table = rtnl_attr(h, sizeof(*body), RTA_TABLE, sizeof(*table));
	struct nlmsghdr **grown, *copy;

	if (h->nlmsg_type != RTM_NEWROUTE || !table || *table != c->table || body->rtm_family != c->af)
		return 0;
	/* Clones are what the kernel learnt about a path; they go with their route. */
	if (body->rtm_flags & RTM_F_CLONED)
		return 0;
	grown = reallocarray(c->h, c->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->h = grown;
	copy = malloc(h->nlmsg_len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, h, h->nlmsg_len);
	c->h[c->n++] = copy;
	return 0;
}

/* 0 with *ret to be given to collected_fini(), or -errno with nothing in it. */
static int collect_table(struct rtnl *r, uint32_t table, uint8_t family, struct collected *ret)
{
	struct rtnl_msg m;
	struct rtmsg *h = rtnl_msg_init(&m, RTM_GETROUTE, 0, sizeof(*h));
	int err;

	h->rtm_family = (uint8_t)af_of(family);
	rtnl_put_u32(&m, RTA_TABLE, table);
	*ret = (struct collected){.table = table, .af = h->rtm_family};
	err = rtnl_dump(r, &m, collect, ret);
	if (err < 0)
		collected_fini(ret);
	return err == -ENOENT ? 0 : err; /* nobody has put a route in it yet */
}

/* 0 or -errno. */
static int delete_copy(struct rtnl *r, const struct nlmsghdr *h)
{
	struct rtnl_msg m;

	if (h->nlmsg_len > sizeof(m.buf))
		return -EMSGSIZE;
	rtnl_msg_init(&m, RTM_DELROUTE, 0, 0);
	memcpy(m.buf, h, h->nlmsg_len);
	m.h->nlmsg_type = RTM_DELROUTE;
	m.h->nlmsg_flags = NLM_F_REQUEST;
	m.h->nlmsg_pid = 0;
	return rtnl_request(r, &m);
}

int routes_flush(struct rtnl *r, uint32_t table, uint8_t family)
{
	struct collected c;
	int err = collect_table(r, table, family, &c);

	if (err < 0)
		return err;
	for (size_t i = 0; i < c.n; i++)
		(void)delete_copy(r, c.h[i]);
	collected_fini(&c);
	return 0;
}

static int add_unreachable(struct rtnl *r, const struct policyd_conf *c, uint8_t family)
{
	struct rtnl_msg m;
	struct rtmsg *h = route_msg_init(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, family, c->rt_table);

	h->rtm_type = RTN_UNREACHABLE;
	h->rtm_scope = RT_SCOPE_UNIVERSE;
	rtnl_put_u32(&m, RTA_PRIORITY, UINT32_MAX);
	return rtnl_request(r, &m);
}

static int add_default(struct rtnl *r, const struct policyd_conf *c, uint8_t family, int index)
{
	struct rtnl_msg m;

	route_msg_init(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, family, c->rt_table);
	rtnl_put_u32(&m, RTA_OIF, (uint32_t)index);
	return rtnl_request(r, &m);
}

static bool attr_is(const struct nlmsghdr *h, uint16_t type, uint32_t want)
{
	const uint32_t *v = rtnl_attr(h, sizeof(struct rtmsg), type, sizeof(*v));

	return v && *v == want;
}

/* As add_unreachable() and add_default() made them; what leads elsewhere, or only some packets here, is not.
 */
static bool is_for_all(const struct nlmsghdr *h, uint8_t type)
{
	const struct rtmsg *body = NLMSG_DATA(h);

	return body->rtm_type == type && body->rtm_protocol == RTPROT_KERNEL && body->rtm_dst_len == 0 &&
	       body->rtm_src_len == 0 && body->rtm_tos == 0;
}

static bool is_unreachable(const struct nlmsghdr *h)
{
	return is_for_all(h, RTN_UNREACHABLE) && attr_is(h, RTA_PRIORITY, UINT32_MAX);
}

static bool is_default(const struct nlmsghdr *h, int index)
{
	return index && is_for_all(h, RTN_UNICAST) && attr_is(h, RTA_OIF, (uint32_t)index) &&
	       !rtnl_attr(h, sizeof(struct rtmsg), RTA_GATEWAY, 0) &&
	       !rtnl_attr(h, sizeof(struct rtmsg), RTA_VIA, 0) &&
	       !rtnl_attr(h, sizeof(struct rtmsg), RTA_ENCAP, 0);
}

/* 1 when it was missing, 0 when it was there meanwhile, or -errno. */
static int added(int err)
{
	return err == 0 ? 1 : err == -EEXIST ? 0 : err;
}

int routes_ensure_table(struct rtnl *r, const struct policyd_conf *c, uint8_t family, int index)
{
	bool has_unreachable = false, has_default = false;
	struct collected found;
	int n = 0, err = collect_table(r, c->rt_table, family, &found);

	if (err < 0)
		return err;
	for (size_t i = 0; i < found.n; i++) {
		if (is_unreachable(found.h[i]))
			has_unreachable = true;
		else if (is_default(found.h[i], index))
			has_default = true;
		else if (delete_copy(r, found.h[i]) == 0)
			n++;
	}
	collected_fini(&found);
	if (!has_unreachable) {
		err = added(add_unreachable(r, c, family));
		n += err > 0;
	}
	if (err >= 0 && index && !has_default) {
		err = added(add_default(r, c, family, index));
		n += err > 0;
	}
	return err < 0 ? err : n;
}
