/*
 * The maximum segment size that TCP peers tell each other, made to fit a tunnel (RFC 9293 section 3.7.1).
 */
#ifndef POSTERN_WIRE_IP_MSS_H
#define POSTERN_WIRE_IP_MSS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/ip/ip.h"

/*
 * Lowers the MSS option of a SYN to mss octets; never raises one, never adds one. The checksum is adjusted,
 * not computed anew, so a packet that was broken stays broken. True when something was changed. v: of pkt.
 * Packets under somebody's AH are left alone.
 */
bool tcp_clamp_mss(uint8_t *pkt, const struct ip_view *v, uint16_t mss);

#endif
