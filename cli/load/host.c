/*
 * The address that packets to a peer leave from is the kernel's choice: a datagram socket that is connected
 * knows it, and nothing is sent.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli/load/load.h"

enum { ANY_PORT = 500 };

static int resolve(void *arg, const char *name, enum inet_family family, struct inet_addr *ret)
{
	const struct addrinfo hints = {.ai_family = family == INET_V4   ? AF_INET
	                                            : family == INET_V6 ? AF_INET6
	                                                                : AF_UNSPEC,
	    .ai_socktype = SOCK_DGRAM};
	struct addrinfo *list = NULL;
	uint16_t port;
	int r = getaddrinfo(name, NULL, &hints, &list);

	(void)arg;
	if (r == EAI_AGAIN || r == EAI_SYSTEM)
		return -EAGAIN;
	if (r != 0 || !list)
		return -ENOENT;
	r = inet_addr_from_sockaddr(list->ai_addr, ret, &port);
	freeaddrinfo(list);
	return r;
}

static int source(void *arg, const struct inet_addr *to, struct inet_addr *ret)
{
	struct sockaddr_storage ss;
	socklen_t n = inet_addr_to_sockaddr(to, ANY_PORT, &ss);
	AUTO_CLOSE int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint16_t port;

	(void)arg;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&ss, n) < 0)
		return -errno;
	n = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &n) < 0)
		return -errno;
	return inet_addr_from_sockaddr((const struct sockaddr *)&ss, ret, &port);
}

const struct native_host_facts load_host = {.resolve = resolve, .source = source};
