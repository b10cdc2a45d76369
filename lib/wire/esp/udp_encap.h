/*
 * ESP in UDP (RFC 3948 section 2): the header in front, and which of the three things a datagram of port 4500
 * is.
 */
#ifndef POSTERN_WIRE_ESP_UDP_ENCAP_H
#define POSTERN_WIRE_ESP_UDP_ENCAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum {
	UDP_ENCAP_LEN = 8,    /* of the header */
	UDP_ENCAP_MARKER = 4, /* zero octets in front of IKE (RFC 3948 section 2.2) */
};

enum udp_encap_kind {
	UDP_ENCAP_ESP = 0,
	UDP_ENCAP_IKE,       /* IKE begins behind UDP_ENCAP_MARKER octets */
	UDP_ENCAP_KEEPALIVE, /* one octet 0xff, which says nothing (RFC 3948 section 2.3) */
	UDP_ENCAP_SHORT,     /* too short for an SPI: none of these */
};

/* Writes UDP_ENCAP_LEN octets with checksum 0, as IPv4 has it (section 2.1). len: octets of the datagram,
 * this header included. */
void udp_encap_write(uint8_t *udp, uint16_t sport, uint16_t dport, uint16_t len);

/* Computes the checksum of the UDP in an IPv6 packet of ours of `len` octets, since IPv6 wants one (RFC 8200
 * section 8.1). A packet without UDP stays as it is. */
void udp_encap_csum6(uint8_t *ip6_pkt, size_t len);

/* payload: what follows the UDP header. */
enum udp_encap_kind udp_encap_kind(const void *payload, size_t n);

#endif
