/*
 * Distinguished names as text, as racoon.conf writes them: compared with a name's DER, and made into one.
 * Pure octets: keyd compares names too, and reads no X.509.
 */
#ifndef POSTERN_IPSEC_DN_TEXT_H
#define POSTERN_IPSEC_DN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum { DN_PART_MAX = 256, DN_DER_MAX = 1024 };

/* TYPE=VALUE, without backslashes; `any`: the value is `*`, which fits all. */
struct dn_part {
	char type[DN_PART_MAX], value[DN_PART_MAX];
	size_t n_value;
	bool any;
};

/* The component at *p, which goes on behind it. A backslash takes the next character as it is, or two
 * hexadecimal digits as an octet (RFC 4514 section 2.4). False: there is none that is well-formed. */
bool dn_part_next(const char **p, const char *end, struct dn_part *ret);

/* Whether all components are there, in this order, and no others; values octet by octet, in whatever string
 * type of one octet a character the name has them. */
bool dn_is(const char *text, size_t n, const uint8_t *der, size_t n_der);

/* A Name's DER (RFC 5280 section 4.1.2.4). Octets; -EINVAL: malformed, or with `*` as a value; -ENOENT: a
 * type of attribute that is not known, which *ret_type names; -EMSGSIZE. */
must_check int dn_encode(const char *text, size_t n, uint8_t ret[DN_DER_MAX], char ret_type[DN_PART_MAX]);

#endif
