/*
 * A peer sends into an SA that is not there: what it is told, and what it costs us.
 */
#ifndef POSTERN_KEYD_IKE1_UNKNOWN_H
#define POSTERN_KEYD_IKE1_UNKNOWN_H

#include "keyd/core/core.h"

/* datapathd's hint, which anybody can cause: packets from `remote` to `local` with this SPI. */
void unknown_spi(struct core *c, const struct inet_addr *local, const struct inet_addr *remote,
    enum ipsec_proto proto, uint32_t spi);

#endif
