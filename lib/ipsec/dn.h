/*
 * Distinguished names as text, for people.
 */
#ifndef POSTERN_IPSEC_DN_H
#define POSTERN_IPSEC_DN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "C=US, O=Example, CN=gate" from a Name's DER (RFC 5280 section 4.1.2.4), in the order of the name, as
 * racoon.conf writes them; what does not fit is cut, anything unprintable is '?'. False: it is no such DER;
 * buf is then "". */
bool dn_format(const uint8_t *der, size_t n, char *buf, size_t room);

#endif
