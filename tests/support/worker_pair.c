#include "support/worker_pair.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#define END "127.0.0.1"

enum { SPI = 0x1000, TUN_BUFFER = 1 << 20, UDP_BUFFER = 4 << 20 };

static void set(int fd, int level, int option, int value)
{
	assert_int_equal(setsockopt(fd, level, option, &value, sizeof(value)), 0);
}

static int bound(uint16_t *ret_port, bool gro)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set(fd, IPPROTO_IP, IP_RECVTOS, 1);
	set(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER);
	set(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER);
	if (gro)
		set(fd, SOL_UDP, UDP_GRO, 1);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static uint16_t end_init(struct worker_end *x, bool gro)
{
	struct worker_env env = {.view = &x->view, .tune = &x->tune};
	struct err_text e = {0};
	uint16_t port;
	int fd[2];

	path_rig_init(&x->rig);
	for (int i = 0; i < SOURCE_SOCKETS; i++)
		env.fd.in[i] = -1;
	env.fd.send4 = env.fd.send6 = -1;
	env.fd.in[SOURCE_UDP4] = bound(&port, gro);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	for (int i = 0; i < 2; i++)
		set(fd[i], SOL_SOCKET, SO_SNDBUF, TUN_BUFFER);
	env.fd.tun = fd[0];
	env.fd.tun_udp = true;
	x->tun = fd[1];
	env.epoch = &x->rig.epoch;
	env.sad = &x->rig.sad;
	env.clock = &x->rig.clock.clock;
	env.rng = &x->rig.rng.rng;
	assert_int_equal(worker_init(&x->w, 0, &env, &e), 0);
	x->w.path.now_ms = x->rig.clock.ms;
	return port;
}

static void end_fini(struct worker_end *x)
{
	close(x->tun);
	close(x->w.fd.tun);
	close(x->w.fd.in[SOURCE_UDP4]);
	worker_fini(&x->w);
	path_rig_fini(&x->rig);
}

static void protect(struct worker_end *x, enum policy_dir dir)
{
	const struct selector s[] = {path_rig_selector(WORKER_NET_A, WORKER_NET_B, IPPROTO_ANY_),
	    path_rig_selector(WORKER_NET_A6, WORKER_NET_B6, IPPROTO_ANY_)};
	struct policy p[ARRAY_SIZE(s)];

	for (size_t i = 0; i < ARRAY_SIZE(s); i++) {
		p[i] = path_rig_policy(dir, &s[i], POLICY_IPSEC);
		path_rig_request(&p[i], IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, END, END);
	}
	path_rig_spd(&x->rig, p, ARRAY_SIZE(p));
	x->w.path.view = x->rig.view;
}

void worker_pair_init(struct worker_pair *p, enum alg_enc enc, enum alg_auth auth, bool gro)
{
	struct sa_desc d;

	(void)end_init(&p->a, gro);
	d = path_rig_desc(END, END, IPSEC_ESP, SPI, IPSEC_TUNNEL, enc, auth);
	d.encap = (struct sa_encap){.sport = SA_UDP_PORT, .dport = end_init(&p->b, gro)};
	d.replay_bytes = 32;
	assert_non_null(path_rig_add(&p->a.rig, &d, NULL));
	assert_non_null(path_rig_add(&p->b.rig, &d, NULL));
	protect(&p->a, POLICY_OUT);
	protect(&p->b, POLICY_IN);
}

void worker_pair_fini(struct worker_pair *p)
{
	end_fini(&p->a);
	end_fini(&p->b);
}

void worker_pair_write(struct worker_pair *p, const struct virtio_net_hdr *h, const void *pkt, uint32_t len)
{
	/* iovec has no const; the octets are only read. */
	struct iovec iov[] = {{.iov_base = (void *)(uintptr_t)h, .iov_len = sizeof(*h)},
	    {.iov_base = (void *)(uintptr_t)pkt, .iov_len = len}};

	assert_int_equal(writev(p->a.tun, iov, ARRAY_SIZE(iov)), sizeof(*h) + len);
}

void worker_pair_run(struct worker_pair *p)
{
	while (worker_outbound(&p->a.w))
		;
	while (worker_datagrams(&p->b.w, SOURCE_UDP4))
		;
}

bool worker_pair_read(struct worker_pair *p, struct virtio_net_hdr *h, void *pkt, uint32_t *len)
{
	struct iovec iov[] = {{.iov_base = h, .iov_len = sizeof(*h)}, {.iov_base = pkt, .iov_len = *len}};
	ssize_t n = readv(p->b.tun, iov, ARRAY_SIZE(iov));

	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	assert_true(n > (ssize_t)sizeof(*h));
	*len = (uint32_t)n - (uint32_t)sizeof(*h);
	return true;
}
