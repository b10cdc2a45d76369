/*
 * AES-CMAC (RFC 4493, in IPsec RFC 4494): the chain's key is the SA's, and what is mixed into the last block
 * is an enciphered zero block, doubled once or twice in the field of 128 bits.
 */
#include "crypto/mac.h"

#include <errno.h>

#include "crypto/internal.h"
#include "secret/secret.h"

enum { AES_BLOCK = 16, FIELD_REST = 0x87 };

static void doubled(const uint8_t in[AES_BLOCK], uint8_t out[AES_BLOCK])
{
	/* Without a branch: the bit that falls out is of a secret. */
	uint8_t carry = (uint8_t)(in[0] >> 7);

	for (size_t i = 0; i < AES_BLOCK; i++)
		out[i] = (uint8_t)(in[i] << 1 | (i + 1 < AES_BLOCK ? in[i + 1] >> 7 : 0));
	out[AES_BLOCK - 1] ^= (uint8_t)(FIELD_REST * carry);
}

static int cmac_init(struct mac *m, enum alg_auth id, const uint8_t *key, size_t key_len)
{
	static const uint8_t zero[AES_BLOCK];
	const EVP_CIPHER *c = crypto_mac_cipher(id, key_len);
	uint8_t once[AES_BLOCK] = {0}, twice[AES_BLOCK] = {0}, start[AES_BLOCK] = {0};
	AUTO_WIPE(once);
	AUTO_WIPE(twice);
	AUTO_WIPE(start);

	if (!c)
		return -EOPNOTSUPP;
	if (!cbcmac_block(c, key, zero, start))
		return -EIO;
	doubled(start, once);
	doubled(once, twice);
	return cbcmac_init(m, c, key, once, twice);
}

const struct mac_kind mac_kind_cmac = {.init = cmac_init,
    .begin = cbcmac_begin,
    .update = cbcmac_update,
    .end = cbcmac_end,
    .fini = cbcmac_fini};
