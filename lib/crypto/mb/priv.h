/*
 * Shared by the files of this folder: the manager, and keys as ipsec-mb wants them.
 */
#ifndef POSTERN_CRYPTO_MB_PRIV_H
#define POSTERN_CRYPTO_MB_PRIV_H

#include <intel-ipsec-mb.h>

#include "crypto/engine.h"

/* What its instructions want of an expanded key; the header says so only where LINUX is defined. */
enum { MB_KEY_ALIGN = 64 };

/* One for the process, and so for one worker: bursts of pairs use it as scratch, AES-GCM does not. */
extern IMB_MGR *mb_manager;

/* pair.c: see struct crypto_engine. */
int mb_pair(struct crypto_sa *sa, const struct crypto_sa_params *p);
void mb_run_pairs(struct crypto_op *const *ops, size_t n, enum crypto_dir dir);

#endif
