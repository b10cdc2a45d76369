#include "crypto/engine.h"

#include <stdio.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

static const struct crypto_engine *engine;

bool crypto_use_engine(const struct crypto_engine *e)
{
	bool right;

	if (engine)
		engine->fini();
	engine = NULL;
	if (!e)
		return true;
	if (!e->init())
		return false;
	/* OpenSSL has given its known answers before; an engine that gives others is left alone. */
	engine = e;
	right = crypto_kind_answers(ALG_KIND_GCM) && crypto_pairs_agree();
	ERR_clear_error();
	if (!right) {
		engine = NULL;
		e->fini();
	}
	return right;
}

const struct crypto_engine *crypto_engine(void)
{
	return engine;
}

const struct crypto_way *crypto_engine_way(enum alg_kind kind, size_t key_len)
{
	return engine && kind == ALG_KIND_GCM ? engine->gcm(key_len) : NULL;
}

const char *crypto_engine_name(void)
{
	static char name[128];

	snprintf(name, sizeof(name), "%s%s%s", OpenSSL_version(OPENSSL_VERSION), engine ? ", " : "",
	    engine ? engine->name() : "");
	return name;
}
