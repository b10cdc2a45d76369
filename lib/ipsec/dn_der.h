/*
 * The DER of names, between the files that read and make it.
 */
#ifndef POSTERN_IPSEC_DN_DER_H
#define POSTERN_IPSEC_DN_DER_H

#include "base/rd.h"

enum {
	DN_SEQUENCE = 0x30,
	DN_SET = 0x31,
	DN_OID = 0x06,
	DN_UTF8 = 0x0c,
	DN_PRINTABLE = 0x13,
	DN_TELETEX = 0x14,
	DN_IA5 = 0x16,
	DN_OID_MAX = 32,
};

/* A type of attribute. `string`: the type its values must have, 0: PrintableString where that will do. */
struct dn_type {
	const char *name, *also;
	uint8_t string, n, oid[10];
};

/* One element's contents; lengths of more than two octets are longer than any name. A failure is r's. */
struct rd dn_element(struct rd *r, uint8_t *ret_tag);
/* NULL: not known. */
const struct dn_type *dn_type_of(const uint8_t *oid, size_t n);
const struct dn_type *dn_type_named(const char *name);

#endif
