#include "wire/esp/udp_encap.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/rd.h"
#include "wire/ip/csum.h"
#include "wire/ip/ip.h"

enum { KEEPALIVE = 0xff };

void udp_encap_write(uint8_t *udp, uint16_t sport, uint16_t dport, uint16_t len)
{
	const uint16_t fields[] = {htons(sport), htons(dport), htons(len), 0};

	memcpy(udp, fields, UDP_ENCAP_LEN);
}

void udp_encap_csum6(uint8_t *ip6_pkt, size_t len)
{
	struct ip_view v;

	if (ip_parse(ip6_pkt, len, IP_TRUST_SUM, &v) == IP_OK && v.version == 6 && v.proto == IPPROTO_UDP)
		(void)csum_l4_fill(ip6_pkt, &v);
}

enum udp_encap_kind udp_encap_kind(const void *payload, size_t n)
{
	struct rd r = rd_init(payload, n);
	uint32_t first;

	if (n == 1 && rd_u8(&r) == KEEPALIVE)
		return UDP_ENCAP_KEEPALIVE;
	first = rd_u32(&r);
	if (!rd_ok(&r))
		return UDP_ENCAP_SHORT;
	return first == 0 ? UDP_ENCAP_IKE : UDP_ENCAP_ESP;
}
