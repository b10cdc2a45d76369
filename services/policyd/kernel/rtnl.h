/*
 * Requests to the kernel's routing tables: one message, one acknowledgement. Plain netlink, because the five
 * messages policyd needs are less than what a library would bring along.
 */
#ifndef POSTERN_POLICYD_KERNEL_RTNL_H
#define POSTERN_POLICYD_KERNEL_RTNL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct rtnl {
	int fd;
	uint32_t port; /* as it appears in events that our requests cause */
	uint32_t seq;
};

/* Must happen before the sandbox closes: AF_NETLINK sockets cannot be made inside. 0 or -errno. */
int rtnl_open(struct rtnl *r);
void rtnl_close(struct rtnl *r);

/* A request under construction. Sticky failure: a message that did not fit is refused by rtnl_request(). */
struct rtnl_msg {
	struct nlmsghdr *h;
	bool bad;
	_Alignas(struct nlmsghdr) char buf[512];
};

/* Starts with a family header of `body_len` zero octets and returns it. */
void *rtnl_msg_init(struct rtnl_msg *m, uint16_t type, uint16_t flags, size_t body_len);
void rtnl_put(struct rtnl_msg *m, uint16_t type, const void *value, size_t n);
void rtnl_put_u32(struct rtnl_msg *m, uint16_t type, uint32_t value);
void rtnl_put_str(struct rtnl_msg *m, uint16_t type, const char *value);
struct rtattr *rtnl_nest(struct rtnl_msg *m, uint16_t type);
void rtnl_nest_end(struct rtnl_msg *m, struct rtattr *nest);

/* Sends and waits for the kernel's acknowledgement: 0 or the kernel's -errno. */
int rtnl_request(struct rtnl *r, struct rtnl_msg *m);

/* The same, with fn called for what comes before the acknowledgement. */
int rtnl_ask(struct rtnl *r, struct rtnl_msg *m, int (*fn)(const struct nlmsghdr *h, void *arg), void *arg);

/* Calls fn for every message of a dump; fn must not send requests. 0, or -errno; a negative return of fn ends
 * it. */
int rtnl_dump(struct rtnl *r, struct rtnl_msg *m, int (*fn)(const struct nlmsghdr *h, void *arg), void *arg);

/* The attribute, or NULL, among those behind a family header of `body_len` octets; at least `min` octets
 * long. */
const void *rtnl_attr(const struct nlmsghdr *h, size_t body_len, uint16_t type, size_t min);

#endif
