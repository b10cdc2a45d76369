/*
 * AES-XCBC-MAC (RFC 3566). OpenSSL has none, and it is not CMAC: chain key and last-block keys are three
 * constants enciphered under the SA's key.
 */
#include "crypto/mac.h"

#include <errno.h>
#include <string.h>

#include "crypto/internal.h"
#include "secret/secret.h"

enum { AES_BLOCK = 16, N_KEYS = 3 };

static int xcbc_init(struct mac *m, enum alg_auth id, const uint8_t *key, size_t key_len)
{
	const EVP_CIPHER *c = crypto_mac_cipher(id, key_len);
	uint8_t in[AES_BLOCK], k[N_KEYS][AES_BLOCK] = {{0}};
	AUTO_WIPE(k);

	if (!c)
		return -EOPNOTSUPP;
	for (int i = 0; i < N_KEYS; i++) {
		memset(in, i + 1, sizeof(in));
		if (!cbcmac_block(c, key, in, k[i]))
			return -EIO;
	}
	return cbcmac_init(m, c, k[0], k[1], k[2]);
}

const struct mac_kind mac_kind_xcbc = {.init = xcbc_init,
    .begin = cbcmac_begin,
    .update = cbcmac_update,
    .end = cbcmac_end,
    .fini = cbcmac_fini};
