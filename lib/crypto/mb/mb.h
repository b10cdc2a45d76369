/*
 * Intel's ipsec-mb as an engine (crypto/engine.h).
 */
#ifndef POSTERN_CRYPTO_MB_MB_H
#define POSTERN_CRYPTO_MB_MB_H

struct crypto_engine;

/* For crypto_use_engine(). NULL: the build has none. */
const struct crypto_engine *crypto_mb(void);

#endif
