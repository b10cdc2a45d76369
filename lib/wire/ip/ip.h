/*
 * IPv4 and IPv6 headers as bytes: where things are in a packet, and the key its policy is looked up with.
 * Pure functions; every length is checked against the buffer.
 */
#ifndef POSTERN_WIRE_IP_IP_H
#define POSTERN_WIRE_IP_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "ipsec/selector.h"

enum {
	IP4_HDR_LEN = 20,
	IP4_HDR_MAX = 60,
	IP6_HDR_LEN = 40,
	IP6_EXT_MAX = 8, /* extension headers walked before a packet is refused; more has no honest use */
};

enum ip_outcome {
	IP_OK = 0,
	IP_SHORT,       /* fewer bytes than the header, or than the header says the packet has */
	IP_BAD_VERSION, /* neither 4 nor 6 */
	IP_BAD_HEADER,  /* header or total length contradict themselves, or a jumbogram */
	IP_BAD_SUM,     /* IPv4 header checksum */
	IP_BAD_EXT,     /* IPv6 extension headers cut off or too many */
	IP_FRAGMENT, /* ip_find_*() only: a fragment of a datagram, so nothing can be found behind its header
	              */
};

/* Offsets are from the first octet of the packet. */
struct ip_view {
	const uint8_t *pkt; /* borrowed */
	uint8_t version;    /* 4 or 6 */
	uint8_t tos;        /* or traffic class */
	uint8_t ttl;        /* or hop limit */
	uint8_t proto;      /* upper protocol, behind IPv6 extension headers */
	uint16_t hdr_len;   /* IPv4 header with options; IPv6: 40 */
	uint16_t proto_off; /* of the octet that names `proto` */
	uint32_t upper_off; /* of the upper layer, or of a later fragment's data */
	uint32_t
	    total_len; /* what the header says; bytes beyond it (RFC 4303 section 2.7) are not the packet's */
	uint32_t frag_id;  /* IPv4 identification always; IPv6: of the fragment header */
	uint16_t frag_off; /* octets */
	bool df;           /* IPv6: always true */
	bool more_frags;
	bool is_frag; /* frag_off or more_frags */
};

enum ip_check { IP_CHECK_SUM = 1, IP_TRUST_SUM = 0 };

/* Reads the header(s) of the packet that begins at pkt. 0, or a positive enum ip_outcome with *ret untouched.
 */
must_check int ip_parse(const void *pkt, size_t len, enum ip_check check, struct ip_view *ret);

/*
 * What classification needs. Ports are there when the first 4 octets of the upper layer are; has_ports is
 * false for later fragments, short packets, and GRE without a key. Never fails.
 */
void ip_packet_key(const struct ip_view *v, struct packet_key *ret);

struct inet_addr ip_src(const struct ip_view *v);
struct inet_addr ip_dst(const struct ip_view *v);

/* A place in a chain of headers. Offsets are from the first octet of the packet. */
struct ip_place {
	uint16_t at;        /* where the header begins */
	uint16_t proto_off; /* of the octet that names it */
	uint8_t next;       /* what that octet says */
};

/*
 * The first header that is neither hop-by-hop, routing nor destination options: ESP, AH, IPComp or the upper
 * layer. IPv4: right behind the IP header. A fragment header around a whole datagram (RFC 6946) is passed
 * over. 0, IP_SHORT, IP_BAD_VERSION, IP_BAD_HEADER, IP_BAD_EXT, or IP_FRAGMENT for a real fragment of either
 * family. Only headers are read; that the header at `at` is whole is for its own parser to see.
 */
must_check int ip_find_ipsec(const uint8_t *pkt, size_t len, struct ip_place *ret);

/*
 * Where transport mode puts its header (RFC 4302 section 3.1.1, RFC 4303 section 3.1.1): behind the IPv4
 * header with its options; behind hop-by-hop and routing headers, and destination options that a routing
 * header follows, of IPv6. Destination options that none follows are for the final host alone and are
 * protected. Outcomes as of ip_find_ipsec().
 */
must_check int ip_find_insertion(const uint8_t *pkt, size_t len, struct ip_place *ret);

/* The outermost fragment header of an IPv6 packet; ip_parse() tells of the innermost, should somebody have
 * put two. */
struct ip6_fragment {
	uint16_t at, proto_off; /* as in struct ip_place */
	uint8_t next;           /* what is fragmented */
	uint16_t off;           /* octets */
	bool more;
	uint32_t id;
};
/* False when there is none in front of AH, ESP or the upper layer. */
must_check bool ip_find_fragment(const uint8_t *pkt, size_t len, struct ip6_fragment *ret);

/* A 20-octet IPv4 header for a packet we make. Lengths in octets. */
struct ip4_params {
	uint8_t src[4], dst[4];
	uint8_t proto, tos, ttl;
	uint16_t id, total_len;
	bool df;
};
/* Writes IP4_HDR_LEN octets, checksum included. */
void ip4_write(uint8_t *hdr, const struct ip4_params *p);

/* An IPv6 header for a packet we make. payload_len: octets behind it, extension headers included. */
struct ip6_params {
	uint8_t src[16], dst[16];
	uint8_t next, tos, hops;
	uint32_t flow; /* 20 bits */
	uint16_t payload_len;
};
/* Writes IP6_HDR_LEN octets. */
void ip6_write(uint8_t *hdr, const struct ip6_params *p);

/* --- changes to a packet of either family that was parsed before; IPv4's checksum is kept right --- */

/* What stands behind the headers changed: rewrites the octet at proto_off and the length. total_len counts
 * the IP header; IPv6: at most 65575. */
void ip_set_payload(uint8_t *pkt, uint16_t proto_off, uint8_t proto, uint32_t total_len);
/* The same for the IPv4 header at hdr, whose protocol field is where it always is. */
void ip4_set_payload(uint8_t *hdr, uint8_t proto, uint16_t total_len);
/* Rewrites the traffic class. */
void ip_set_tos(uint8_t *pkt, uint8_t tos);
/* Sets or clears "don't fragment". An IPv6 packet has no such bit and stays as it is. */
void ip_set_df(uint8_t *pkt, bool df);

/* Why a packet could not be parsed, for the drop's text. */
const char *ip_outcome_name(enum ip_outcome o);

#endif
