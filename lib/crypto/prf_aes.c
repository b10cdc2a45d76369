/*
 * The functions take keys of any length, the algorithms under them 128 bits; the two RFCs differ in what they
 * do with a short one.
 */
#include "crypto/piece.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "crypto/internal.h"

enum { AES_KEY = 16 };

static_assert(ALG_PRF_LEN_MAX >= EVP_MAX_MD_SIZE, "a value of any algorithm has room");

static int run(enum alg_auth id, const uint8_t key[AES_KEY], const struct iovec *piece, size_t n,
    uint8_t ret[ALG_PRF_LEN_MAX])
{
	struct mac m = {0};
	int r = mac_init(&m, id, key, AES_KEY);
	bool ok = r == 0 && m.kind->begin(&m, NULL);

	for (size_t i = 0; i < n; i++)
		ok = ok && m.kind->update(&m, piece[i].iov_base, piece[i].iov_len);
	ok = ok && m.kind->end(&m, ret);
	mac_fini(&m);
	return r < 0 ? r : ok ? 0 : -EIO;
}

int prf_aes(enum alg_auth id, const void *key, size_t key_len, const struct iovec *piece, size_t n_pieces,
    uint8_t ret[ALG_PRF_LEN_MAX])
{
	static const uint8_t zero[AES_KEY];
	const struct iovec whole = piece_plain(key, key_len);
	uint8_t fit[ALG_PRF_LEN_MAX] = {0};
	AUTO_WIPE(fit);
	int r = 0;

	if (key_len == AES_KEY || (id == ALG_AUTH_AES_XCBC && key_len < AES_KEY))
		memcpy(fit, key_len ? key : zero, key_len); /* RFC 4434 section 2: filled with zeros */
	else
		r = run(id, zero, &whole, 1, fit);
	return r < 0 ? r : run(id, fit, piece, n_pieces, ret);
}
