/*
 * When a configuration is loaded, what goes on from the one before: whatever was agreed on with a peer whose
 * block has not changed.
 */
#ifndef POSTERN_KEYD_CORE_CARRY_OVER_H
#define POSTERN_KEYD_CORE_CARRY_OVER_H

#include "keyd/core/core.h"

/* Makes a held configuration, and a peer's index in it, those of `to`. False: the peer's block is not in it,
 * or is another one; then nothing has changed. */
must_check bool carry_over_peer(struct core_conf *to, struct core_conf **conf, uint32_t *peer);
/* Everything of older configurations goes over to the one that is in force (c->conf), or ends, and its peer
 * is told. */
void carry_over_all(struct core *c);

#endif
