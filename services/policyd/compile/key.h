/*
 * The key of a map as nft text: its type, the expression that reads it from a packet, the values of one
 * element.
 */
#ifndef POSTERN_POLICYD_COMPILE_KEY_H
#define POSTERN_POLICYD_COMPILE_KEY_H

#include <stdbool.h>

#include "base/sbuf.h"
#include "policyd/compile/layer.h"

struct key_form {
	bool v6;
	bool quoted; /* of the packet that an ICMP error quotes: addresses and protocol only */
	enum box_field order[BOX_FIELDS];
	int n_fields;
};

/* "type ipv4_addr . inet_proto", or "typeof ..." */
void key_write_type(struct sbuf *to, const struct key_form *k);
/* "ip saddr . meta l4proto" */
void key_write_expr(struct sbuf *to, const struct key_form *k);
/* "10.0.0.0/8 . 6" */
void key_write_value(struct sbuf *to, const struct key_form *k, const struct box *b);

#endif
