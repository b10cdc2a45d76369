/*
 * What only root may open: port 500, with the mark that lets what keyd sends pass the packet filter. The
 * filter lets in what comes for this port before any policy (policyd's exemptions).
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "crypto/crypto.h"
#include "keyd/keyd.h"

enum { SOCKET_BUFFER = 1 << 20 };

/* The mask's lowest bit, as policyd has it: the kernel's table lets it out. */
static uint32_t bypass_mark(const struct settings *s)
{
	return s->mark_mask & -s->mark_mask;
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int prepare(int fd, int family, uint32_t mark)
{
	int r = set(fd, SOL_SOCKET, SO_MARK, (int)mark);

	(void)set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER);
	if (r == 0 && family == AF_INET6)
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (r == 0)
		r = family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
		                       : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	return r;
}

static int bind_port(int fd, int family)
{
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(IKE_PORT)};
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(IKE_PORT)};
	int r = family == AF_INET6 ? bind(fd, (const struct sockaddr *)&any6, sizeof(any6))
	                           : bind(fd, (const struct sockaddr *)&any4, sizeof(any4));

	return r < 0 ? -errno : 0;
}

/* -1 in *ret: this host does without the family. */
static int open_socket(const struct settings *s, int family, int *ret, struct err_text *e)
{
	AUTO_CLOSE int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int v = family == AF_INET6 ? 6 : 4, r;

	*ret = -1;
	if (fd < 0)
		return family == AF_INET6
		           ? 0
		           : err_set(e, -errno, "cannot open a UDP socket: %s", err_name(-errno));
	r = prepare(fd, family, bypass_mark(s));
	if (r == 0)
		r = bind_port(fd, family);
	if (r == -EADDRINUSE)
		return err_set(e, r,
		    "UDP port %d of IPv%d is taken: end the program that has it (another IKE daemon? ss "
		    "-ulpn shows it)",
		    IKE_PORT, v);
	if (r == -EADDRNOTAVAIL && family == AF_INET6)
		return 0;
	if (r < 0)
		return err_set(e, r, "cannot set up UDP port %d of IPv%d: %s", IKE_PORT, v, err_name(r));
	*ret = take_fd(&fd);
	return 0;
}

int keyd_open_privileged(struct service *s, struct err_text *e)
{
	struct keyd *k = keyd_of(s);
	int r = secret_init(CORE_ARENA, e);

	/* OpenSSL reads its configuration and loads its legacy provider: before the walls close. */
	if (r == 0)
		r = crypto_init(e);
	if (r == 0)
		r = open_socket(service_settings(s), AF_INET, &k->udp4, e);
	if (r == 0)
		r = open_socket(service_settings(s), AF_INET6, &k->udp6, e);
	return r;
}
