/*
 * Where fields stand in TCP's and UDP's headers, and numbers as they stand in any: for the files of this
 * folder that change packets where they lie. What is read from outside is read by struct rd; here lengths
 * were looked at before.
 */
#ifndef POSTERN_WIRE_IP_FIELDS_H
#define POSTERN_WIRE_IP_FIELDS_H

#include <stdint.h>

enum {
	TCP_HDR_MIN = 20,
	TCP_SEQ_AT = 4,
	TCP_ACK_AT = 8,
	TCP_OFFSET_AT = 12,
	TCP_FLAGS_AT = 13,
	TCP_WINDOW_AT = 14,
	TCP_SUM_AT = 16,
	TCP_URGENT_AT = 18,
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_CWR = 0x80,
	UDP_HDR = 8,
	UDP_LEN_AT = 4,
	UDP_SUM_AT = 6,
	IP4_LEN_AT = 2,
	IP4_ID_AT = 4,
	IP4_FRAG_AT = 6,
	IP4_SUM_AT = 10,
	IP6_LEN_AT = 4,
	IP6_NEXT_AT = 6,
};

static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)get_u16(p) << 16 | get_u16(p + 2);
}

static inline void put_u32(uint8_t *p, uint32_t v)
{
	put_u16(p, (uint16_t)(v >> 16));
	put_u16(p + 2, (uint16_t)v);
}

#endif
