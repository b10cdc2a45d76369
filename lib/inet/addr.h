/*
 * IP addresses and prefixes of both families in one plain value type, always in network byte order.
 */
#ifndef POSTERN_INET_ADDR_H
#define POSTERN_INET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum inet_family { INET_NONE = 0, INET_V4 = 4, INET_V6 = 6 };

/* b[] beyond the family's length is zero, so addresses compare bytewise. */
struct inet_addr {
	uint8_t family; /* enum inet_family */
	uint8_t b[16];
	uint32_t scope; /* interface index of a link-local IPv6 address, else 0 */
};

/* `addr` keeps the host bits as typed (dumps show them); matching masks them. */
struct inet_prefix {
	struct inet_addr addr;
	uint8_t plen;
};

enum { INET_ADDR_STRLEN = 64, INET_PREFIX_STRLEN = 68 };

struct inet_addr inet_addr_v4(uint32_t host_order);
/* From `n` network-order bytes: 4 or 16; anything else gives INET_NONE. */
struct inet_addr inet_addr_from_bytes(const void *p, size_t n);

/* Bytes of an address of this family: 4, 16, or 0. */
size_t inet_addr_len(const struct inet_addr *a);
/* Bits: 32, 128, or 0. */
uint8_t inet_addr_bits(const struct inet_addr *a);
bool inet_addr_equal(const struct inet_addr *a, const struct inet_addr *b);
/* Total order: family, then bytes. */
int inet_addr_cmp(const struct inet_addr *a, const struct inet_addr *b);
bool inet_addr_is_any(const struct inet_addr *a);

/* Numeric text only, with an optional %scope for IPv6. 0, or -EINVAL. */
int inet_addr_parse(const char *text, struct inet_addr *ret);
/* Writes the canonical text; returns buf. */
const char *inet_addr_format(const struct inet_addr *a, char buf[INET_ADDR_STRLEN]);

/* To and from socket addresses; port in host order. from: 0, or -EAFNOSUPPORT. */
socklen_t inet_addr_to_sockaddr(const struct inet_addr *a, uint16_t port, struct sockaddr_storage *ret);
int inet_addr_from_sockaddr(const struct sockaddr *sa, struct inet_addr *ret, uint16_t *ret_port);

/* A prefix of full length. */
struct inet_prefix inet_prefix_host(const struct inet_addr *a);
bool inet_prefix_valid(const struct inet_prefix *p);
bool inet_prefix_is_host(const struct inet_prefix *p);
/* Exactly the same prefix once host bits are masked. */
bool inet_prefix_equal(const struct inet_prefix *a, const struct inet_prefix *b);
bool inet_prefix_contains(const struct inet_prefix *p, const struct inet_addr *a);
bool inet_prefix_overlaps(const struct inet_prefix *a, const struct inet_prefix *b);
/* First and last address the prefix covers. */
struct inet_addr inet_prefix_first(const struct inet_prefix *p);
struct inet_addr inet_prefix_last(const struct inet_prefix *p);
/* The prefixes that first to last are made of, of one family and in this order, from the left: how many, of
 * which `max` at most are written. No range has more than INET_RANGE_PREFIXES_MAX; 0: first comes after last.
 */
enum { INET_RANGE_PREFIXES_MAX = 254 };
uint32_t inet_range_prefixes(
    const struct inet_addr *first, const struct inet_addr *last, struct inet_prefix *ret, uint32_t max);
/* "ADDR/PLEN", the /PLEN left out at full length; returns buf. */
const char *inet_prefix_format(const struct inet_prefix *p, char buf[INET_PREFIX_STRLEN]);

#endif
