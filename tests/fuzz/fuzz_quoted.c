/*
 * What an ICMP error quotes of a packet of ours. The first octet picks the protocol; the rest is what is
 * quoted, and a whole ICMPv6 message. A number is there only behind an SPI, and nothing is read beyond the
 * end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapathd/stage/quoted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* In memory of just this size, so that a sanitizer sees the octet behind it. */
static void check(enum ipsec_proto proto, const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct path_report r = {0};

	if (!copy)
		abort();
	memcpy(copy, data, n);
	if (quoted_header(proto, copy, n, &r) && (r.proto != proto || (r.has_seq && n < 8)))
		abort();
	r = (struct path_report){0};
	if (quoted_ah6(copy, n, &r) && (r.proto != IPSEC_AH || r.dst.family != INET_V6 || n < 56))
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum ipsec_proto protos[] = {IPSEC_ESP, IPSEC_AH, IPSEC_IPCOMP};

	if (n)
		check(protos[data[0] % ARRAY_SIZE(protos)], data + 1, n - 1);
	return 0;
}
