/*
 * A peer sends into an SA that is not there: what it is told, and what it costs us.
 */
#ifndef POSTERN_KEYD_IKE1_UNKNOWN_H
#define POSTERN_KEYD_IKE1_UNKNOWN_H

#include "keyd/core/core.h"

/* datapathd's hint, which anybody can cause: packets come along `path` for this SPI, which is no child's. */
void unknown_spi(struct core *c, const struct ike_path *path, enum ipsec_proto proto, uint32_t spi);

#endif
