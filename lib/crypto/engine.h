/*
 * What may stand in OpenSSL's place for packets. An engine is a library of its own that only the program that
 * carries packets links; this is what lib/crypto asks of it.
 */
#ifndef POSTERN_CRYPTO_ENGINE_H
#define POSTERN_CRYPTO_ENGINE_H

#include "crypto/internal.h"

enum { CRYPTO_PAIRS_MAX = 64 };

struct crypto_engine {
	/* Readies it, before a sandbox; false when this processor is not for it. Once until fini(). */
	bool (*init)(void);
	void (*fini)(void);
	/* "ipsec-mb 1.3.0 (AVX2)"; static. After init(). */
	const char *(*name)(void);
	/* The way for AES-GCM with a key of key_len octets without salt; NULL: OpenSSL's. */
	const struct crypto_way *(*gcm)(size_t key_len);
	/* Ciphers with an integrity algorithm beside them, many packets at a time. Makes the SA's engine_key,
	 * which crypto_sa_free() releases also after a failure. 0; -EOPNOTSUPP: not this pair; -ENOMEM. */
	int (*pair)(struct crypto_sa *sa, const struct crypto_sa_params *p);
	/* At most CRYPTO_PAIRS_MAX ops on such SAs, each in one piece; every op gets a result. One thread. */
	void (*run_pairs)(struct crypto_op *const *ops, size_t n, enum crypto_dir dir);
};

/* The engine in use, or NULL. */
const struct crypto_engine *crypto_engine(void);
/* The engine's way for a cipher of this kind where one is in use and has it, or NULL. */
const struct crypto_way *crypto_engine_way(enum alg_kind kind, size_t key_len);

#endif
