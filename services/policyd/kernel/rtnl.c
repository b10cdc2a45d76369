/*
 * The kernel answers a routing request before sendmsg() returns, so waiting for the acknowledgement is no
 * waiting; a time limit on the socket guards against a kernel that does not answer at all.
 */
#include "policyd/kernel/rtnl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { RECEIVE_ROOM = 32768, ANSWER_LIMIT_S = 5 };

int rtnl_open(struct rtnl *r)
{
	const struct timeval limit = {.tv_sec = ANSWER_LIMIT_S};
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(self);
	const int on = 1;

	r->seq = 1;
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (r->fd < 0)
		return -errno;
	if (setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    bind(r->fd, (const struct sockaddr *)&self, sizeof(self)) ||
	    getsockname(r->fd, (struct sockaddr *)&self, &len)) {
		int err = -errno;

		rtnl_close(r);
		return err;
	}
	r->port = self.nl_pid;
	/* Dumps by what the request names, not of everything; kernels before 4.20 give everything. */
	(void)setsockopt(r->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

void rtnl_close(struct rtnl *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

void *rtnl_msg_init(struct rtnl_msg *m, uint16_t type, uint16_t flags, size_t body_len)
{
	memset(m->buf, 0, sizeof(m->buf));
	m->bad = false;
	m->h = (struct nlmsghdr *)(void *)m->buf;
	m->h->nlmsg_len = (uint32_t)NLMSG_LENGTH(body_len);
	m->h->nlmsg_type = type;
	m->h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return NLMSG_DATA(m->h);
}

void rtnl_put(struct rtnl_msg *m, uint16_t type, const void *value, size_t n)
{
	size_t at = NLMSG_ALIGN(m->h->nlmsg_len);
	struct rtattr *a = (struct rtattr *)(void *)(m->buf + at);

	if (m->bad || at + RTA_SPACE(n) > sizeof(m->buf)) {
		m->bad = true;
		return;
	}
	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(n);
	if (n)
		memcpy(RTA_DATA(a), value, n);
	m->h->nlmsg_len = (uint32_t)(at + RTA_LENGTH(n));
}

void rtnl_put_u32(struct rtnl_msg *m, uint16_t type, uint32_t value)
{
	rtnl_put(m, type, &value, sizeof(value));
}

void rtnl_put_str(struct rtnl_msg *m, uint16_t type, const char *value)
{
	rtnl_put(m, type, value, strlen(value) + 1);
}

struct rtattr *rtnl_nest(struct rtnl_msg *m, uint16_t type)
{
	size_t at = NLMSG_ALIGN(m->h->nlmsg_len);

	rtnl_put(m, type | NLA_F_NESTED, NULL, 0);
	return m->bad ? NULL : (struct rtattr *)(void *)(m->buf + at);
}

void rtnl_nest_end(struct rtnl_msg *m, struct rtattr *nest)
{
	if (!m->bad)
		nest->rta_len = (uint16_t)(m->buf + m->h->nlmsg_len - (char *)nest);
}

static int send_msg(struct rtnl *r, struct rtnl_msg *m)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (m->bad)
		return -EMSGSIZE;
	m->h->nlmsg_seq = ++r->seq;
	if (sendto(r->fd, m->h, m->h->nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

/* At a dump's end, or instead of one. */
static int error_of(const struct nlmsghdr *h)
{
	int error = 0;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
		return h->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&error, NLMSG_DATA(h), sizeof(error));
	return error;
}

/* 1: one more datagram may follow; 0: done; negative: the kernel's refusal, or fn's. */
static int take_datagram(
    struct rtnl *r, const char *buf, size_t n, int (*fn)(const struct nlmsghdr *h, void *arg), void *arg)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;

	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_seq != r->seq)
			continue;
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return error_of(h);
		if (fn) {
			int err = fn(h, arg);

			if (err < 0)
				return err;
		}
	}
	return 1;
}

static int receive(struct rtnl *r, int (*fn)(const struct nlmsghdr *h, void *arg), void *arg)
{
	_Alignas(struct nlmsghdr) char buf[RECEIVE_ROOM];
	int err = 1;

	while (err == 1) {
		struct sockaddr_nl from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(r->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIME : -errno;
		if (from.nl_pid == 0)
			err = take_datagram(r, buf, (size_t)n, fn, arg);
	}
	return err;
}

int rtnl_ask(struct rtnl *r, struct rtnl_msg *m, int (*fn)(const struct nlmsghdr *h, void *arg), void *arg)
{
	int err;

	m->h->nlmsg_flags |= NLM_F_ACK;
	err = send_msg(r, m);
	return err < 0 ? err : receive(r, fn, arg);
}

int rtnl_request(struct rtnl *r, struct rtnl_msg *m)
{
	return rtnl_ask(r, m, NULL, NULL);
}

int rtnl_dump(struct rtnl *r, struct rtnl_msg *m, int (*fn)(const struct nlmsghdr *h, void *arg), void *arg)
{
	int err;

	m->h->nlmsg_flags |= NLM_F_DUMP;
	err = send_msg(r, m);
	return err < 0 ? err : receive(r, fn, arg);
}

const void *rtnl_attr(const struct nlmsghdr *h, size_t body_len, uint16_t type, size_t min)
{
	const char *p = (const char *)NLMSG_DATA(h) + NLMSG_ALIGN(body_len);
	size_t left = h->nlmsg_len > NLMSG_SPACE(body_len) ? h->nlmsg_len - NLMSG_SPACE(body_len) : 0;
	const struct rtattr *a = (const struct rtattr *)(const void *)p;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if ((a->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(a) >= min)
			return RTA_DATA(a);
	return NULL;
}
