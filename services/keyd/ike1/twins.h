/*
 * What both sides have begun at once and have twice now (two that keep a connection up do so when the path
 * between them returns). Version 1 has no rule for it.
 */
#ifndef POSTERN_KEYD_IKE1_TWINS_H
#define POSTERN_KEYD_IKE1_TWINS_H

#include "keyd/core/core.h"

/* Of twins with the peer at path->remote, one stays; those of the others that this side began end. False: not
 * all of them can yet. */
bool twins_end(struct core *c, const struct ike_path *path);

#endif
