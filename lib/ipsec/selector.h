/*
 * What a policy matches and what a packet offers (RFC 4301 section 4.4.1.1), in KAME's shape: two prefixes,
 * two ports, one upper protocol.
 */
#ifndef POSTERN_IPSEC_SELECTOR_H
#define POSTERN_IPSEC_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inet/addr.h"

enum {
	IPPROTO_ANY_ = 256,    /* selector matches every upper protocol */
	SELECTOR_PORT_ANY = 0, /* selector port that matches every port */
};

/*
 * For ICMP, ICMPv6 and MH (135) the type is in sport and the code in dport, for GRE the key's high half in
 * sport and low half in dport (setkey's `misc`); `misc` says so. Zero is "any" everywhere, as KAME has it.
 */
struct selector {
	struct inet_prefix src, dst; /* of one family */
	uint16_t proto;              /* 0..255, or IPPROTO_ANY_ */
	uint16_t sport, dport;
	bool misc;
};

/* What classification reads from one packet. */
struct packet_key {
	struct inet_addr src, dst;
	uint8_t proto;  /* upper protocol after IPv6 extension headers */
	bool has_ports; /* false: sport/dport could not be read (short packet, later fragment, no ports) */
	uint16_t sport, dport; /* ports; or ICMP type and code; or GRE key halves */
};

/* Both sides one family, prefixes within it, ports only where the protocol has them. 0, or -EINVAL with
 * *ret_why (static text) saying which. */
int selector_check(const struct selector *s, const char **ret_why);

/* The same entry, by KAME's exact equality (setkey.md 4.5), not containment. */
bool selector_equal(const struct selector *a, const struct selector *b);

/* A packet without ports matches a selector with ports only when `lenient`: a check that must fail closed
 * passes true. */
bool selector_match(const struct selector *s, const struct packet_key *k, bool lenient);

/* Whether the protocol number carries ports (TCP, UDP, UDP-Lite, SCTP, DCCP). */
bool ip_proto_has_ports(uint16_t proto);
/* Whether setkey's `misc` applies: ICMP, ICMPv6, MH, GRE. */
bool ip_proto_has_misc(uint16_t proto);

#endif
