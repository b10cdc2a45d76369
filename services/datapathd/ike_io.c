/*
 * IKE datagrams of port 4500 on the control thread: what the worker has handed over goes to keyd, what keyd
 * answers goes out of the socket they came in by. While keyd does not read, they wait in the ring, and what
 * comes then is dropped at its entrance.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "datapathd/keying.h"
#include "wire/esp/udp_encap.h"

enum { IKE_SEND_TRIES = 3 };

static const uint8_t marker[UDP_ENCAP_MARKER];

void datapathd_ike_collect(struct datapathd *d)
{
	static uint8_t octets[IKE_LEN_MAX];
	struct ipc_conn *c = keyd_edge_conn(d->keyd);
	struct ike_head h;

	while ((!c || ipc_conn_has_room(c)) && ike_ring_pop(&d->worker->ike.ring, &h, octets)) {
		const struct msg_ike m = {.local = h.local,
		    .remote = h.remote,
		    .remote_port = h.remote_port,
		    .octets = octets,
		    .n = h.n};

		/* keyd went away while they were under way. */
		if (!c || msg_ike_send(c, &m) < 0)
			d->ike.n_lost++;
	}
}

void datapathd_ike_want(struct datapathd *d, bool wanted)
{
	atomic_store_explicit(&d->worker->ike.wanted, wanted, memory_order_relaxed);
}

/* Says where a datagram comes from; its port is the socket's. */
static void put_source(struct msghdr *h, const struct inet_addr *local)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	if (local->family == INET_V6) {
		struct in6_pktinfo six = {.ipi6_ifindex = local->scope};

		memcpy(&six.ipi6_addr, local->b, sizeof(six.ipi6_addr));
		*c = (struct cmsghdr){
		    .cmsg_len = CMSG_LEN(sizeof(six)), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &six, sizeof(six));
		h->msg_controllen = CMSG_SPACE(sizeof(six));
	} else {
		struct in_pktinfo four = {0};

		memcpy(&four.ipi_spec_dst, local->b, sizeof(four.ipi_spec_dst));
		*c = (struct cmsghdr){
		    .cmsg_len = CMSG_LEN(sizeof(four)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
		memcpy(CMSG_DATA(c), &four, sizeof(four));
		h->msg_controllen = CMSG_SPACE(sizeof(four));
	}
}

/* The socket tells of an ICMP error about an earlier datagram in the place of sending this one. */
static int send_once_more(int fd, const struct msghdr *h)
{
	int tries = 0;

	while (sendmsg(fd, h, MSG_DONTWAIT) < 0) {
		if (errno == EAGAIN || ++tries == IKE_SEND_TRIES)
			return -errno;
	}
	return 0;
}

void datapathd_ike_send(struct datapathd *d, const struct msg_ike *m)
{
	/* iovec has no const; the octets are only read. */
	struct iovec iov[] = {
	    {.iov_base = (void *)(uintptr_t)marker, .iov_len = sizeof(marker)},
	    {.iov_base = (void *)(uintptr_t)m->octets, .iov_len = m->n},
	};
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
	struct sockaddr_storage to;
	struct msghdr h = {.msg_name = &to,
	    .msg_namelen = inet_addr_to_sockaddr(&m->remote, m->remote_port, &to),
	    .msg_iov = iov,
	    .msg_iovlen = ARRAY_SIZE(iov),
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	int fd = d->fd.in[m->remote.family == INET_V6 ? SOURCE_UDP6 : SOURCE_UDP4];

	put_source(&h, &m->local);
	if (fd >= 0 && send_once_more(fd, &h) == 0)
		d->ike.n_sent++;
	else
		d->ike.n_unsent++;
}
