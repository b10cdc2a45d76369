/*
 * The Configuration payload of version 2 (RFC 7296 section 3.15). Slices point into the message.
 */
#ifndef POSTERN_WIRE_IKE_V2_CFG_H
#define POSTERN_WIRE_IKE_V2_CFG_H

#include "base/rd.h"
#include "wire/ike/msg.h"
#include "wire/ike/out.h"
#include "wire/ike/v2.h"

struct ike2_config {
	uint8_t type; /* enum ike2_cfg_type */
	const uint8_t *attrs;
	uint32_t len;
};
/* The attributes are well-formed afterwards: those we know have lengths that they may have. */
must_check enum ike_fault ike2_config_parse(const struct ike_payload *p, struct ike2_config *ret);

struct ike2_cfg {
	uint16_t type;
	const uint8_t *p;
	uint16_t len; /* 0: asked for, or without a value */
};
/* The next attribute; false at the end. For the slice of a parsed payload. */
bool ike2_cfg_next(struct rd *r, struct ike2_cfg *ret);
static inline struct rd ike2_cfgs(const struct ike2_config *c)
{
	return rd_init(c->attrs, c->len);
}

/* Opens the payload; attributes follow. */
void ike2_put_config(struct ike_out *o, enum ike2_cfg_type type);
void ike2_put_cfg(struct ike_out *o, uint16_t type, const void *p, size_t n);

#endif
