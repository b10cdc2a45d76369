/*
 * What of a file may be handed to certd-verify, which reads what strangers wrote and so gets nothing that a
 * stranger could want: certificates and revocation lists, and never an octet of a private key.
 */
#ifndef POSTERN_CLI_RACOON_PUBLIC_H
#define POSTERN_CLI_RACOON_PUBLIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"

enum { PUBLIC_FILE_MAX = 1 << 20 /* octets */ };

struct public_look {
	bool is_der;      /* else PEM, if it is anything */
	bool has_public;  /* a certificate or a revocation list is in it */
	bool has_key;     /* a public key is */
	bool has_private; /* a private key is in it, or something that is not known to be none */
};

/* Judges octets by what they say they are; contents of PEM blocks are not looked into. */
struct public_look public_look(const uint8_t *p, size_t n);
/* The certificates and lists of a file that has both: PEM blocks, one behind the other. False: a block has no
 * end of its own, or no memory. */
bool public_blocks(const uint8_t *p, size_t n, struct sbuf *ret);

#endif
