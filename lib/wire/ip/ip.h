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

/* A 20-octet IPv4 header for a packet we make. Lengths in octets. */
struct ip4_params {
	uint8_t src[4], dst[4];
	uint8_t proto, tos, ttl;
	uint16_t id, total_len;
	bool df;
};
/* Writes IP4_HDR_LEN octets, checksum included. */
void ip4_write(uint8_t *hdr, const struct ip4_params *p);

/* Rewrites protocol and total length of the header at hdr and its checksum: transport mode. */
void ip4_set_payload(uint8_t *hdr, uint8_t proto, uint16_t total_len);
/* Rewrites the traffic class of either family (IPv4: with checksum). The packet was parsed before. */
void ip_set_tos(uint8_t *pkt, uint8_t tos);

/* Why a packet could not be parsed, for the drop's text. */
const char *ip_outcome_name(enum ip_outcome o);

#endif
