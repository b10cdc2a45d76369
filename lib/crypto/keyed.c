/*
 * Keyed MD5 (RFC 1828) and keyed SHA-1 (RFC 1852), from before HMAC: the key, filled to a whole block as the
 * digest fills its last block; the data; the key once more. For old peers only. The fill ends with the key's
 * length in bits, little-endian for MD5 and big-endian for SHA-1.
 */
#include "crypto/mac.h"

#include <errno.h>
#include <string.h>

#include "crypto/internal.h"
#include "secret/secret.h"

enum { FILL_LEN = 64, FILL_MARK = 0x80 };

static int keyed_init(struct mac *m, enum alg_auth id, const uint8_t *key, size_t key_len)
{
	const EVP_MD *md = crypto_digest(id);
	struct keyed *k = &m->keyed;
	uint8_t b[FILL_LEN] = {0};
	AUTO_WIPE(b);

	if (!md)
		return -EOPNOTSUPP;
	if (key_len > KEYED_KEY_MAX)
		return -EINVAL;
	k->key_len = (uint8_t)key_len;
	memcpy(k->key, key, key_len);
	memcpy(b, key, key_len);
	b[key_len] = FILL_MARK;
	b[id == ALG_AUTH_KEYED_MD5 ? FILL_LEN - 8 : FILL_LEN - 1] = (uint8_t)(key_len * 8);
	k->start = EVP_MD_CTX_new();
	k->work = EVP_MD_CTX_new();
	if (!k->start || !k->work)
		return -ENOMEM;
	return EVP_DigestInit_ex(k->start, md, NULL) == 1 && EVP_DigestUpdate(k->start, b, FILL_LEN) == 1
	           ? 0
	           : -EIO;
}

static void keyed_fini(struct mac *m)
{
	EVP_MD_CTX_free(m->keyed.start);
	EVP_MD_CTX_free(m->keyed.work);
}

static bool keyed_begin(struct mac *m, const uint8_t *iv)
{
	(void)iv;
	return EVP_MD_CTX_copy_ex(m->keyed.work, m->keyed.start) == 1;
}

static bool keyed_update(struct mac *m, const void *p, size_t n)
{
	return EVP_DigestUpdate(m->keyed.work, p, n) == 1;
}

static bool keyed_end(struct mac *m, uint8_t out[EVP_MAX_MD_SIZE])
{
	return EVP_DigestUpdate(m->keyed.work, m->keyed.key, m->keyed.key_len) == 1 &&
	       EVP_DigestFinal_ex(m->keyed.work, out, NULL) == 1;
}

const struct mac_kind mac_kind_keyed = {
    .init = keyed_init, .begin = keyed_begin, .update = keyed_update, .end = keyed_end, .fini = keyed_fini};
