/*
 * Error queues. A router's "too big" is unauthenticated, so it is only a hint, and believed only when what it
 * quotes can have been seen by nobody but somebody on the way: the SPI and a number sent lately (RFC 4301
 * section 8.2.1). Most of what arrives here may be lies; a turn reads a bounded number.
 *
 * AH over IPv6 has no error queue: the kernel looks for a socket of what is behind AH. Its reports are read
 * as ICMPv6.
 */
#include <errno.h>
#include <time.h>

#include <linux/errqueue.h> /* wants struct timespec */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <string.h>

#include "datapathd/stage/quoted.h"
#include "datapathd/worker.h"
#include "wire/ip/icmp.h"

enum {
	READS_MAX = 32, /* messages a turn */
	QUOTED_ROOM = 64,
	MTU_GUESS = 1280, /* when the kernel does not say */
};

/* One message of an error queue. */
struct noted {
	struct sock_extended_err ee;
	struct inet_addr dst; /* of the packet that is quoted */
	uint8_t quoted[QUOTED_ROOM];
	size_t n_quoted;
};

static bool is_report(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

/* False when the queue is empty; ee.ee_errno 0: nothing that can be used. */
static bool next_noted(int fd, struct noted *ret)
{
	_Alignas(struct cmsghdr) uint8_t control[512];
	struct sockaddr_storage to = {0};
	struct iovec iov = {.iov_base = ret->quoted, .iov_len = sizeof(ret->quoted)};
	struct msghdr m = {.msg_name = &to,
	    .msg_namelen = sizeof(to),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	uint16_t port;

	if (n < 0)
		return false;
	ret->ee = (struct sock_extended_err){0};
	ret->n_quoted = (size_t)n < sizeof(ret->quoted) ? (size_t)n : sizeof(ret->quoted);
	if (inet_addr_from_sockaddr((const struct sockaddr *)&to, &ret->dst, &port) < 0)
		ret->dst = (struct inet_addr){0};
	ret->dst.scope = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (is_report(c) && c->cmsg_len >= CMSG_LEN(sizeof(ret->ee)))
			memcpy(&ret->ee, CMSG_DATA(c), sizeof(ret->ee));
	return true;
}

static bool is_too_big(const struct sock_extended_err *ee)
{
	if (ee->ee_origin == SO_EE_ORIGIN_ICMP)
		return ee->ee_type == ICMP_DEST_UNREACH && ee->ee_code == ICMP_FRAG_NEEDED;
	return ee->ee_origin == SO_EE_ORIGIN_ICMP6 && ee->ee_type == ICMPV6_PKT_TOOBIG;
}

static enum ipsec_proto protocol_of(enum worker_source s)
{
	switch (s) {
	case SOURCE_AH4:
	case SOURCE_AH6:
		return IPSEC_AH;
	case SOURCE_COMP4:
	case SOURCE_COMP6:
		return IPSEC_IPCOMP;
	default:
		return IPSEC_ESP;
	}
}

void worker_errors(struct worker *w, enum worker_source s)
{
	struct noted n;

	for (int i = 0; i < READS_MAX && next_noted(w->fd.in[s], &n); i++) {
		struct path_report r = {.dst = n.dst, .mtu = n.ee.ee_info};

		if (!is_too_big(&n.ee))
			continue;
		if (quoted_header(protocol_of(s), n.quoted, n.n_quoted, &r))
			(void)path_report(&w->path, &r);
		else
			count_path(&w->counters, PATH_MTU_IGNORED);
	}
}

bool worker_reports(struct worker *w)
{
	uint8_t icmp[ICMP_ERROR_MAX6];

	for (int i = 0; i < READS_MAX; i++) {
		struct path_report r = {0};
		ssize_t n = recv(w->fd.in[SOURCE_ICMP6], icmp, sizeof(icmp), MSG_DONTWAIT);

		if (n < 0)
			return errno == EINTR;
		if (quoted_ah6(icmp, (size_t)n, &r))
			(void)path_report(&w->path, &r);
	}
	return true;
}

uint32_t worker_first_hop_mtu(int fd)
{
	uint32_t mtu = 0;
	struct noted n;

	for (int i = 0; i < READS_MAX && next_noted(fd, &n); i++)
		if (n.ee.ee_errno == EMSGSIZE && n.ee.ee_origin == SO_EE_ORIGIN_LOCAL)
			mtu = n.ee.ee_info;
	return mtu ? mtu : MTU_GUESS;
}
