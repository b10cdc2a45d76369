/*
 * Sockets are wildcards with packet information, so that an answer leaves from the address that was written
 * to. A turn of the loop reads a bounded number of datagrams: answers of other services come in between.
 */
#include "keyd/io/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "keyd/core/command.h"
#include "keyd/keyd.h"

enum { TURN_MAX = 64 };

struct sockets {
	struct keyd *k;
	uv_prepare_t prepare;
	uv_timer_t timer;
	uv_poll_t poll4, poll6;
	uint8_t buf[CORE_DATAGRAM_MAX];
};

static void on_timer(uv_timer_t *t)
{
	/* Waking is all: on_prepare does the work. */
}

/* Before the loop sleeps: whatever this round changed is known then. */
static void on_prepare(uv_prepare_t *h)
{
	struct sockets *s = h->data;
	struct core *c = s->k->core;
	uint64_t next, now;

	core_step(c);
	next = core_next_ms(c);
	now = core_now(c);
	if (next == UINT64_MAX)
		uv_timer_stop(&s->timer);
	else
		uv_timer_start(&s->timer, on_timer, next > now ? next - now : 0, 0);
}

/* Where a datagram was sent to; false: the kernel did not say. */
static bool local_of(struct msghdr *m, struct inet_addr *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct in6_pktinfo six;
		struct in_pktinfo four;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
		    c->cmsg_len >= CMSG_LEN(sizeof(four))) {
			memcpy(&four, CMSG_DATA(c), sizeof(four));
			*ret = inet_addr_from_bytes(&four.ipi_addr, 4);
			return true;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
		    c->cmsg_len >= CMSG_LEN(sizeof(six))) {
			memcpy(&six, CMSG_DATA(c), sizeof(six));
			*ret = inet_addr_from_bytes(&six.ipi6_addr, 16);
			return true;
		}
	}
	return false;
}

/* False: there is nothing more to read. */
static bool receive(struct sockets *s, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control;
	struct sockaddr_storage from;
	struct iovec iov = {.iov_base = s->buf, .iov_len = sizeof(s->buf)};
	struct msghdr m = {.msg_name = &from,
	    .msg_namelen = sizeof(from),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	struct ike_path path = {.local_port = IKE_PORT};
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

	/* An ICMP error that waits for us is told once; the datagrams are still there. */
	if (n < 0)
		return errno != EAGAIN && errno != EINTR;
	if ((m.msg_flags & MSG_TRUNC) || !local_of(&m, &path.local) ||
	    inet_addr_from_sockaddr((const struct sockaddr *)&from, &path.remote, &path.remote_port) < 0)
		return true;
	core_datagram(s->k->core, &path, s->buf, (size_t)n);
	return true;
}

static void on_readable(uv_poll_t *p, int status, int events)
{
	struct sockets *s = p->data;
	int fd = p == &s->poll4 ? s->k->udp4 : s->k->udp6;

	for (int i = 0; i < TURN_MAX && receive(s, fd); i++)
		;
}

static void put_local(struct msghdr *m, const struct inet_addr *local)
{
	struct cmsghdr *c = (struct cmsghdr *)m->msg_control;
	struct in6_pktinfo six = {0};
	struct in_pktinfo four = {0};

	if (local->family == INET_V6) {
		memcpy(&six.ipi6_addr, local->b, 16);
		six.ipi6_ifindex = local->scope;
		*c = (struct cmsghdr){
		    .cmsg_len = CMSG_LEN(sizeof(six)), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &six, sizeof(six));
		m->msg_controllen = CMSG_SPACE(sizeof(six));
	} else {
		memcpy(&four.ipi_spec_dst, local->b, 4);
		*c = (struct cmsghdr){
		    .cmsg_len = CMSG_LEN(sizeof(four)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
		memcpy(CMSG_DATA(c), &four, sizeof(four));
		m->msg_controllen = CMSG_SPACE(sizeof(four));
	}
}

void sockets_send(struct sockets *s, const struct ike_path *path, const uint8_t *d, size_t n)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control = {{0}};
	struct sockaddr_storage to;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)d, .iov_len = n};
	struct msghdr m = {.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf};
	int fd = path->remote.family == INET_V6 ? s->k->udp6 : s->k->udp4;

	m.msg_namelen = inet_addr_to_sockaddr(&path->remote, path->remote_port, &to);
	put_local(&m, &path->local);
	if (fd >= 0 && sendmsg(fd, &m, MSG_DONTWAIT) < 0 && errno != EAGAIN) {
		core_send_failed(s->k->core, path, err_name(-errno));
		core_note(s->k->core, CORE_WARNING, "send.failed", "a message cannot be sent: %s",
		    err_name(-errno));
	}
}

static int start_poll(uv_loop_t *loop, uv_poll_t *poll, int fd, struct sockets *s)
{
	int r = fd < 0 ? 0 : uv_poll_init(loop, poll, fd);

	poll->data = s;
	return r || fd < 0 ? r : uv_poll_start(poll, UV_READABLE, on_readable);
}

int sockets_new(struct keyd *k, struct sockets **ret, struct err_text *e)
{
	uv_loop_t *loop = service_loop(k->service);
	struct sockets *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	s->k = k;
	s->prepare.data = s;
	r = uv_prepare_init(loop, &s->prepare);
	if (!r)
		r = uv_timer_init(loop, &s->timer);
	if (!r)
		r = uv_prepare_start(&s->prepare, on_prepare);
	if (!r)
		r = start_poll(loop, &s->poll4, k->udp4, s);
	if (!r)
		r = start_poll(loop, &s->poll6, k->udp6, s);
	if (r) {
		/* The process ends over this: handles half registered are not given back. */
		return err_set(e, r, "event loop: %s", uv_strerror(r));
	}
	*ret = s;
	return 0;
}
