/*
 * The seal behind octets that cross keyd: a MAC under the key of tickets. Each kind of octets has a label of
 * its own, so that what was sealed as one is never believed as another.
 */
#ifndef POSTERN_TICKET_SEAL_H
#define POSTERN_TICKET_SEAL_H

#include "base/rd.h"
#include "base/wr.h"
#include "ticket/ticket.h"

/* Puts the seal behind what was written into `buf` through `w`. Octets in all, or -EMSGSIZE. */
must_check int seal_close(const struct ticket_key *key, const char *label, const uint8_t *buf, struct wr *w);
/* Looks at the seal before anything is read. True: it holds, and *ret reads what is before it. */
must_check bool seal_open(
    const struct ticket_key *key, const char *label, const uint8_t *buf, size_t n, struct rd *ret);

#endif
