/*
 * Shared by the two places where lengths are looked at.
 */
#ifndef POSTERN_DATAPATHD_STAGE_FIT_H
#define POSTERN_DATAPATHD_STAGE_FIT_H

#include "datapathd/stage/path.h"

/* A delivered packet's TCP options: the far end is not told to send more than the way back is taken to carry.
 */
void fit_inbound(struct path *c, struct pkt *p, const struct ip_view *v);

#endif
