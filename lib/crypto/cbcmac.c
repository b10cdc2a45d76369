/*
 * The chain under CMAC and XCBC, from AES in CBC mode. OpenSSL's CMAC gives its cipher one block a call,
 * which costs several times what the cipher costs; whole stretches through EVP do not. What is enciphered
 * goes into a sink that nobody reads but for its last block.
 */
#include "crypto/mac.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "secret/secret.h"

enum { AES_BLOCK = 16, AES_KEY = 16, SINK_LEN = 512, FILL_MARK = 0x80 };

struct cbcmac_work {
	uint8_t last_whole[AES_BLOCK], last_filled[AES_BLOCK];
	uint8_t held[AES_BLOCK]; /* kept back, because it may be the last block; n_held of it */
	size_t n_held;
	uint8_t sink[SINK_LEN];
};

static const uint8_t zero_block[AES_BLOCK];

bool cbcmac_block(const EVP_CIPHER *c, const uint8_t *key, const uint8_t in[16], uint8_t out[16])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = ctx && EVP_EncryptInit_ex(ctx, c, NULL, key, zero_block) == 1 &&
	          EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	          EVP_EncryptUpdate(ctx, out, &n, in, AES_BLOCK) == 1 && n == AES_BLOCK;

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

int cbcmac_init(struct mac *m, const EVP_CIPHER *c, const uint8_t *chain_key, const uint8_t last_whole[16],
    const uint8_t last_filled[16])
{
	struct cbcmac *b = &m->cbcmac;

	b->cipher = EVP_CIPHER_CTX_new();
	b->work = calloc(1, sizeof(*b->work));
	if (!b->cipher || !b->work)
		return -ENOMEM;
	memcpy(b->work->last_whole, last_whole, AES_BLOCK);
	memcpy(b->work->last_filled, last_filled, AES_BLOCK);
	return EVP_EncryptInit_ex(b->cipher, c, NULL, chain_key, zero_block) == 1 &&
	               EVP_CIPHER_CTX_set_padding(b->cipher, 0) == 1
	           ? 0
	           : -EIO;
}

void cbcmac_fini(struct mac *m)
{
	EVP_CIPHER_CTX_free(m->cbcmac.cipher);
	if (m->cbcmac.work)
		wipe(m->cbcmac.work, sizeof(*m->cbcmac.work));
	free(m->cbcmac.work);
}

bool cbcmac_begin(struct mac *m, const uint8_t *iv)
{
	(void)iv;
	m->cbcmac.work->n_held = 0;
	return EVP_EncryptInit_ex(m->cbcmac.cipher, NULL, NULL, NULL, zero_block) == 1;
}

/* n is a multiple of the block. The chained value lies in the sink's first block after a single one. */
static bool chain(struct cbcmac *b, const uint8_t *p, size_t n)
{
	while (n) {
		int part = (int)(n < SINK_LEN ? n : SINK_LEN), got = 0;

		if (EVP_EncryptUpdate(b->cipher, b->work->sink, &got, p, part) != 1 || got != part)
			return false;
		p += part;
		n -= (size_t)part;
	}
	return true;
}

bool cbcmac_update(struct mac *m, const void *data, size_t n)
{
	struct cbcmac_work *w = m->cbcmac.work;
	const uint8_t *p = data;

	while (n) {
		size_t part;

		if (w->n_held == AES_BLOCK) {
			if (!chain(&m->cbcmac, w->held, AES_BLOCK))
				return false;
			w->n_held = 0;
		}
		if (w->n_held == 0 && n > AES_BLOCK) {
			part = (n - 1) / AES_BLOCK * AES_BLOCK;
			if (!chain(&m->cbcmac, p, part))
				return false;
		} else {
			part = n < AES_BLOCK - w->n_held ? n : AES_BLOCK - w->n_held;
			memcpy(w->held + w->n_held, p, part);
			w->n_held += part;
		}
		p += part;
		n -= part;
	}
	return true;
}

bool cbcmac_end(struct mac *m, uint8_t out[EVP_MAX_MD_SIZE])
{
	struct cbcmac_work *w = m->cbcmac.work;
	const uint8_t *with = w->last_whole;

	if (w->n_held < AES_BLOCK) {
		with = w->last_filled;
		memset(w->held + w->n_held, 0, AES_BLOCK - w->n_held);
		w->held[w->n_held] = FILL_MARK;
	}
	for (size_t i = 0; i < AES_BLOCK; i++)
		w->held[i] ^= with[i];
	if (!chain(&m->cbcmac, w->held, AES_BLOCK))
		return false;
	memcpy(out, w->sink, AES_BLOCK);
	return true;
}
