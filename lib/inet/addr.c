/*
 * One value type for both families keeps every caller free of sockaddr casts; bytes stay in network order so
 * that they can be compared, masked and written to packets as they are.
 */
#include "inet/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct inet_addr inet_addr_v4(uint32_t host_order)
{
	const uint32_t be = htonl(host_order);

	return inet_addr_from_bytes(&be, sizeof(be));
}

struct inet_addr inet_addr_from_bytes(const void *p, size_t n)
{
	struct inet_addr a = {0};

	if (n != 4 && n != 16)
		return a;
	a.family = n == 4 ? INET_V4 : INET_V6;
	memcpy(a.b, p, n);
	return a;
}

size_t inet_addr_len(const struct inet_addr *a)
{
	return a->family == INET_V4 ? 4 : a->family == INET_V6 ? 16 : 0;
}

uint8_t inet_addr_bits(const struct inet_addr *a)
{
	return (uint8_t)(inet_addr_len(a) * 8);
}

bool inet_addr_equal(const struct inet_addr *a, const struct inet_addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int inet_addr_cmp(const struct inet_addr *a, const struct inet_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool inet_addr_is_any(const struct inet_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->b, zero, sizeof(zero)) == 0;
}

static uint32_t parse_scope(const char *s)
{
	uint32_t n = 0;

	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '9' || n > 100000)
			return if_nametoindex(s);
		n = n * 10 + (uint32_t)(*p - '0');
	}
	return n;
}

int inet_addr_parse(const char *text, struct inet_addr *ret)
{
	struct inet_addr a = {0};
	char buf[INET_ADDR_STRLEN];
	char *percent;

	if (strlen(text) >= sizeof(buf))
		return -EINVAL;
	if (inet_pton(AF_INET, text, a.b) == 1) {
		a.family = INET_V4;
		*ret = a;
		return 0;
	}
	strcpy(buf, text);
	percent = strchr(buf, '%');
	if (percent) {
		*percent = '\0';
		a.scope = parse_scope(percent + 1);
		if (!a.scope)
			return -EINVAL;
	}
	if (inet_pton(AF_INET6, buf, a.b) != 1)
		return -EINVAL;
	a.family = INET_V6;
	*ret = a;
	return 0;
}

const char *inet_addr_format(const struct inet_addr *a, char buf[INET_ADDR_STRLEN])
{
	size_t n;

	if (a->family == INET_NONE) {
		strcpy(buf, "none");
		return buf;
	}
	inet_ntop(a->family == INET_V4 ? AF_INET : AF_INET6, a->b, buf, INET_ADDR_STRLEN);
	if (a->scope) {
		n = strlen(buf);
		snprintf(buf + n, INET_ADDR_STRLEN - n, "%%%u", a->scope);
	}
	return buf;
}

socklen_t inet_addr_to_sockaddr(const struct inet_addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->family == INET_V4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->b, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	in6->sin6_scope_id = a->scope;
	memcpy(&in6->sin6_addr, a->b, 16);
	return sizeof(*in6);
}

int inet_addr_from_sockaddr(const struct sockaddr *sa, struct inet_addr *ret, uint16_t *ret_port)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		*ret = inet_addr_from_bytes(&in->sin_addr, 4);
		*ret_port = ntohs(in->sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

		*ret = inet_addr_from_bytes(&in6->sin6_addr, 16);
		ret->scope = in6->sin6_scope_id;
		*ret_port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

struct inet_prefix inet_prefix_host(const struct inet_addr *a)
{
	return (struct inet_prefix){.addr = *a, .plen = inet_addr_bits(a)};
}

bool inet_prefix_valid(const struct inet_prefix *p)
{
	return inet_addr_len(&p->addr) && p->plen <= inet_addr_bits(&p->addr);
}

bool inet_prefix_is_host(const struct inet_prefix *p)
{
	return p->plen == inet_addr_bits(&p->addr);
}

/* The first `plen` bits of a and b are the same. */
static bool same_bits(const uint8_t *a, const uint8_t *b, uint8_t plen)
{
	uint8_t whole = plen / 8, rest = plen % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || ((a[whole] ^ b[whole]) & mask) == 0;
}

bool inet_prefix_equal(const struct inet_prefix *a, const struct inet_prefix *b)
{
	return a->addr.family == b->addr.family && a->plen == b->plen &&
	       same_bits(a->addr.b, b->addr.b, a->plen);
}

bool inet_prefix_contains(const struct inet_prefix *p, const struct inet_addr *a)
{
	return p->addr.family == a->family && same_bits(p->addr.b, a->b, p->plen);
}

bool inet_prefix_overlaps(const struct inet_prefix *a, const struct inet_prefix *b)
{
	uint8_t plen = a->plen < b->plen ? a->plen : b->plen;

	return a->addr.family == b->addr.family && same_bits(a->addr.b, b->addr.b, plen);
}

/* Sets every host bit to `fill` (0 or 0xff). */
static struct inet_addr with_host_bits(const struct inet_prefix *p, uint8_t fill)
{
	struct inet_addr a = p->addr;

	for (size_t i = 0; i < inet_addr_len(&a); i++) {
		int keep = (int)p->plen - (int)(8 * i);
		uint8_t mask = keep >= 8 ? 0xff : keep <= 0 ? 0 : (uint8_t)(0xff << (8 - keep));

		a.b[i] = (uint8_t)((a.b[i] & mask) | (fill & (uint8_t)~mask));
	}
	return a;
}

struct inet_addr inet_prefix_first(const struct inet_prefix *p)
{
	return with_host_bits(p, 0);
}

struct inet_addr inet_prefix_last(const struct inet_prefix *p)
{
	return with_host_bits(p, 0xff);
}

const char *inet_prefix_format(const struct inet_prefix *p, char buf[INET_PREFIX_STRLEN])
{
	size_t n;

	inet_addr_format(&p->addr, buf);
	if (!inet_prefix_is_host(p)) {
		n = strlen(buf);
		snprintf(buf + n, INET_PREFIX_STRLEN - n, "/%u", p->plen);
	}
	return buf;
}

static bool bit(const struct inet_addr *a, unsigned i)
{
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

/* The next address behind a prefix; false: there is none. */
static bool step(struct inet_addr *a, uint8_t plen)
{
	for (unsigned i = plen; i-- > 0;) {
		a->b[i / 8] ^= (uint8_t)(1 << (7 - i % 8));
		if (bit(a, i))
			return true;
	}
	return false;
}

/* The largest prefix that begins at `first` and does not go beyond `last`. */
static struct inet_prefix largest(const struct inet_addr *first, const struct inet_addr *last)
{
	struct inet_prefix p = inet_prefix_host(first);

	while (p.plen) {
		const struct inet_prefix wider = {p.addr, (uint8_t)(p.plen - 1)};
		const struct inet_addr end = inet_prefix_last(&wider);

		if (bit(first, p.plen - 1U) || inet_addr_cmp(&end, last) > 0)
			break;
		p = wider;
	}
	return p;
}

uint32_t inet_range_prefixes(
    const struct inet_addr *first, const struct inet_addr *last, struct inet_prefix *ret, uint32_t max)
{
	struct inet_addr at = *first;
	bool more = true;
	uint32_t n = 0;

	while (more && inet_addr_cmp(&at, last) <= 0) {
		const struct inet_prefix p = largest(&at, last);

		if (n < max)
			ret[n] = p;
		n++;
		more = step(&at, p.plen);
	}
	return n;
}
