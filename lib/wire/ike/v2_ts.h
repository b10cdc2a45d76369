/*
 * Traffic selectors of version 2 (RFC 7296 section 3.13): ranges of addresses and ports.
 */
#ifndef POSTERN_WIRE_IKE_V2_TS_H
#define POSTERN_WIRE_IKE_V2_TS_H

#include "inet/addr.h"
#include "wire/ike/msg.h"
#include "wire/ike/out.h"
#include "wire/ike/v2.h"

enum {
	IKE2_TS_MAX = 64,       /* of one payload; a peer with more has to summarize */
	IKE2_TS_PROTO_ANY = 0,  /* every upper protocol */
	IKE2_PORT_LAST = 65535, /* 0 to it: every port */
};

/*
 * One family, first not above last. Ports likewise, or 65535 to 0: OPAQUE, packets whose ports cannot be
 * seen. Of ICMP, ICMPv6 and MH a port is type * 256 + code (section 3.13.1).
 */
struct ike2_ts {
	uint8_t proto;
	uint16_t first_port, last_port;
	struct inet_addr first, last;
};

struct ike2_ts_list {
	uint8_t n;
	struct ike2_ts ts[IKE2_TS_MAX];
};

/* The body of a TSi or TSr payload. Selectors of a type that we do not know are left out; they are counted in
 * *ret_unknown, and when there are no others the list is empty, which is TS_UNACCEPTABLE's business. */
must_check enum ike_fault ike2_ts_parse(
    const struct ike_payload *p, struct ike2_ts_list *ret, uint8_t *ret_unknown);
/* `payload`: IKE2_P_TS_I or IKE2_P_TS_R. */
void ike2_put_ts(struct ike_out *o, uint8_t payload, const struct ike2_ts *ts, uint8_t n);

static inline bool ike2_ts_any_port(const struct ike2_ts *t)
{
	return t->first_port == 0 && t->last_port == IKE2_PORT_LAST;
}
static inline bool ike2_ts_opaque_port(const struct ike2_ts *t)
{
	return t->first_port > t->last_port;
}

#endif
