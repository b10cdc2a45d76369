/*
 * Which implementation stands behind which integrity algorithm.
 */
#include "crypto/mac.h"

#include <errno.h>

#include "crypto/internal.h"
#include "secret/secret.h"

static const struct mac_kind *kind_of(enum alg_auth id)
{
	switch (id) {
	case ALG_AUTH_NONE:
		break;
	case ALG_AUTH_HMAC_MD5:
	case ALG_AUTH_HMAC_SHA1:
	case ALG_AUTH_HMAC_SHA256:
	case ALG_AUTH_HMAC_SHA384:
	case ALG_AUTH_HMAC_SHA512:
	case ALG_AUTH_HMAC_RIPEMD160:
		return &mac_kind_hmac;
	case ALG_AUTH_AES_XCBC:
		return &mac_kind_xcbc;
	case ALG_AUTH_AES_CMAC:
		return &mac_kind_cmac;
	case ALG_AUTH_KEYED_MD5:
	case ALG_AUTH_KEYED_SHA1:
		return &mac_kind_keyed;
	case ALG_AUTH_AES_GMAC:
		return &mac_kind_gmac;
	}
	return NULL;
}

int mac_init(struct mac *m, enum alg_auth id, const uint8_t *key, size_t key_len)
{
	m->kind = kind_of(id);
	return m->kind ? m->kind->init(m, id, key, key_len) : -EOPNOTSUPP;
}

void mac_fini(struct mac *m)
{
	if (m->kind)
		m->kind->fini(m);
	wipe(m, sizeof(*m));
}
