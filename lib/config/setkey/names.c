/*
 * The system's tables of protocols may be missing (they are a package of their own on small systems), so the
 * names that IPsec files use stand here as well. The system's table goes first: it is what an administrator
 * can change.
 */
#include "config/setkey/setkey.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "base/auto.h"

static const struct {
	const char *name;
	uint16_t number;
} protos[] = {
    {"icmp", 1},
    {"igmp", 2},
    {"ip4", 4},
    {"ipencap", 4},
    {"tcp", 6},
    {"udp", 17},
    {"dccp", 33},
    {"ipv6", 41},
    {"gre", 47},
    {"esp", 50},
    {"ah", 51},
    {"ipv6-icmp", 58},
    {"icmp6", 58},
    {"ospf", 89},
    {"ipcomp", 108},
    {"sctp", 132},
    {"mh", 135},
    {"mobility-header", 135},
    {"udplite", 136},
};

static int system_proto(const char *name, uint16_t *ret_number)
{
	const struct protoent *p = getprotobyname(name);

	if (p && p->p_proto >= 0 && p->p_proto <= 255) {
		*ret_number = (uint16_t)p->p_proto;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		if (strcmp(protos[i].name, name) == 0) {
			*ret_number = protos[i].number;
			return 0;
		}
	}
	return -ENOENT;
}

const char *setkey_proto_name(uint16_t number)
{
	const struct protoent *p;

	if (number == IPPROTO_ANY_)
		return "any";
	p = getprotobynumber(number);
	/* A name the reader would take for another number, or for `any`, is no name. */
	if (p && strcmp(p->p_name, "any") != 0 && strcmp(p->p_name, "all") != 0)
		return p->p_name;
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
		if (protos[i].number == number)
			return protos[i].name;
	return NULL;
}

static int service_under(const char *name, const char *proto, uint16_t *ret_port)
{
	const struct servent *s = getservbyname(name, proto);

	if (!s)
		return -ENOENT;
	*ret_port = ntohs((uint16_t)s->s_port);
	return 0;
}

static int system_service(const char *name, uint16_t proto, uint16_t *ret_port)
{
	const struct protoent *p;

	if (proto == IPPROTO_TCP)
		return service_under(name, "tcp", ret_port);
	if (proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE)
		return service_under(name, "udp", ret_port);
	if (proto == IPPROTO_ANY_)
		return service_under(name, NULL, ret_port);
	p = getprotobynumber(proto);
	return p ? service_under(name, p->p_name, ret_port) : -ENOENT;
}

static int system_host(const char *name, bool numeric_only, enum inet_family family, struct inet_addr *ret,
    size_t room, struct err_text *e)
{
	/* One answer per address: without a type the resolver repeats each for every socket type. */
	const struct addrinfo hints = {
	    .ai_family = family == INET_V4   ? AF_INET
	                 : family == INET_V6 ? AF_INET6
	                                     : AF_UNSPEC,
	    .ai_socktype = SOCK_DGRAM,
	    .ai_flags = numeric_only ? AI_NUMERICHOST : 0,
	};
	struct addrinfo *all = NULL;
	uint16_t port;
	size_t n = 0;
	int r = getaddrinfo(name, NULL, &hints, &all);

	if (r != 0)
		return err_set(e, -ENOENT, "%s", gai_strerror(r));
	for (const struct addrinfo *a = all; a && n < room; a = a->ai_next)
		if (inet_addr_from_sockaddr(a->ai_addr, &ret[n], &port) == 0)
			n++;
	freeaddrinfo(all);
	return n ? (int)n : err_set(e, -ENOENT, "No address associated with hostname");
}

const struct setkey_names setkey_names_system = {
    .host = system_host,
    .service = system_service,
    .proto = system_proto,
};
