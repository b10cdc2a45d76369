/*
 * A library that computes wrongly (a broken build, a bad CPU feature choice) would give packets that no peer
 * can open, or worse, that anybody can. Each algorithm therefore answers a published vector before the first
 * packet, through the same code that packets take.
 */
#include "crypto/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "secret/secret.h"

enum { KAT_TEXT_MAX = 128 };

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static uint32_t unhex(const char *hex, uint8_t out[KAT_TEXT_MAX])
{
	uint32_t n = 0;

	for (; hex[0] && hex[1] && n < KAT_TEXT_MAX; hex += 2)
		out[n++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
	return n;
}

/* SPI, top half, lower half: on the wire the top half is not there. */
static void set_header(uint8_t *hdr, uint32_t n, struct crypto_sa_params *p, struct crypto_op *op)
{
	p->esn = n == ESP_AAD_LEN + 4;
	if (!p->esn)
		return;
	for (int i = 4; i < 8; i++)
		op->seq = op->seq << 8 | hdr[i];
	op->seq <<= 32;
	memmove(hdr + 4, hdr + 8, 4);
}

/* One vector through a fresh SA of the given direction; the result lies in data and icv. */
static bool run_cipher(
    const struct cipher_answer *a, enum crypto_dir dir, uint8_t *data, uint32_t len, uint8_t *icv)
{
	uint8_t key[KAT_TEXT_MAX], hdr[KAT_TEXT_MAX] = {0}, iv[KAT_TEXT_MAX] = {0};
	struct crypto_sa_params p = {
	    .dir = dir, .enc = a->id, .enc_key = key, .enc_key_len = unhex(a->key, key)};
	struct crypto_op op = {.hdr = hdr, .iv = iv, .data = data, .icv = icv, .len = len, .iv_given = true};
	bool ok;

	set_header(hdr, unhex(a->hdr, hdr), &p, &op);
	unhex(a->iv, iv);
	if (crypto_sa_new(&p, &op.sa) < 0)
		return false;
	ok = dir == CRYPTO_SEAL ? crypto_seal_burst(&op, 1) : crypto_open_burst(&op, 1);
	crypto_sa_free(op.sa);
	return ok;
}

static bool cipher_answers_right(const struct cipher_answer *a)
{
	uint8_t plain[KAT_TEXT_MAX], cipher[KAT_TEXT_MAX], icv[KAT_TEXT_MAX], data[KAT_TEXT_MAX],
	    tag[KAT_TEXT_MAX] = {0};
	uint32_t len = unhex(a->plain, plain), icv_len = unhex(a->icv, icv);

	unhex(a->cipher, cipher);
	memcpy(data, plain, len);
	if (!run_cipher(a, CRYPTO_SEAL, data, len, tag) || memcmp(data, cipher, len) != 0 ||
	    memcmp(tag, icv, icv_len) != 0)
		return false;
	if (!run_cipher(a, CRYPTO_OPEN, data, len, tag) || memcmp(data, plain, len) != 0)
		return false;
	if (!icv_len)
		return true;
	/* What was changed must be refused. */
	memcpy(data, cipher, len);
	tag[0] ^= 1;
	return !run_cipher(a, CRYPTO_OPEN, data, len, tag);
}

static bool run_mac(const struct mac_answer *a, enum crypto_dir dir, uint8_t *icv, uint8_t icv_len)
{
	uint8_t key[KAT_TEXT_MAX], data[KAT_TEXT_MAX];
	const struct iovec piece = {.iov_base = data, .iov_len = unhex(a->data, data)};
	struct crypto_sa_params p = {.dir = dir,
	    .auth = a->id,
	    .auth_key = key,
	    .auth_key_len = unhex(a->key, key),
	    .icv_len = icv_len};
	struct crypto_mac_op op = {.piece = &piece, .n_pieces = 1, .icv = icv};
	bool ok;

	if (crypto_sa_new(&p, &op.sa) < 0)
		return false;
	ok = dir == CRYPTO_SEAL ? crypto_mac_seal_burst(&op, 1) : crypto_mac_open_burst(&op, 1);
	crypto_sa_free(op.sa);
	return ok;
}

static bool mac_answers_right(const struct mac_answer *a)
{
	uint8_t want[KAT_TEXT_MAX], icv[ALG_ICV_MAX] = {0}, n = (uint8_t)unhex(a->mac, want);

	if (!run_mac(a, CRYPTO_SEAL, icv, n) || memcmp(icv, want, n) != 0 || !run_mac(a, CRYPTO_OPEN, icv, n))
		return false;
	icv[n - 1] ^= 1;
	return !run_mac(a, CRYPTO_OPEN, icv, n);
}

/* Without its salt: what algs.c tells rows apart by. */
static size_t cipher_key_len(const struct cipher_answer *a)
{
	return strlen(a->key) / 2 - alg_enc_by_id(a->id)->salt_len;
}

static size_t mac_key_len(const struct mac_answer *a)
{
	size_t salt = a->id == ALG_AUTH_AES_GMAC ? GMAC_NONCE_LEN - GMAC_IV_LEN : 0;

	return strlen(a->key) / 2 - salt;
}

bool crypto_kind_answers(enum alg_kind kind)
{
	for (size_t i = 0; i < crypto_n_cipher_answers; i++) {
		const struct cipher_answer *a = &crypto_cipher_answers[i];

		if (alg_enc_by_id(a->id)->kind == kind && !cipher_answers_right(a))
			return false;
	}
	return true;
}

enum { AGREE_OPS = 9, AGREE_LEN = 160, AGREE_PACKET = ESP_AAD_LEN + BLOCK_MAX + AGREE_LEN + ALG_ICV_MAX };

/* A burst of packets of growing length under one SA of the direction, in place. */
static bool run_pair_burst(
    const struct crypto_sa_params *p, uint8_t packet[AGREE_OPS][AGREE_PACKET], bool whole)
{
	struct crypto_op op[AGREE_OPS];
	struct crypto_sa *sa = NULL;
	size_t n_ok = 0;

	if (crypto_sa_new(p, &sa) < 0)
		return false;
	for (uint32_t i = 0; i < AGREE_OPS; i++) {
		uint8_t *d = packet[i];

		op[i] = (struct crypto_op){.sa = sa,
		    .hdr = d,
		    .iv = d + ESP_AAD_LEN,
		    .data = d + ESP_AAD_LEN + sa->iv_len,
		    .icv = d + ESP_AAD_LEN + sa->iv_len + (i + 1) * BLOCK_MAX,
		    .seq = i + (1ull << 40),
		    .len = (i + 1) * BLOCK_MAX,
		    .iv_given = true};
	}
	/* One by one it goes the engine's way too, so the other side is asked with its pairs put away. */
	sa->in_pairs &= whole;
	n_ok = p->dir == CRYPTO_SEAL ? crypto_seal_burst(op, AGREE_OPS) : crypto_open_burst(op, AGREE_OPS);
	crypto_sa_free(sa);
	return n_ok == AGREE_OPS;
}

static bool pair_agrees(enum alg_auth auth, bool esn)
{
	static const uint8_t key[ALG_ICV_MAX * 2] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	uint8_t clear[AGREE_OPS][AGREE_PACKET], one[AGREE_OPS][AGREE_PACKET], two[AGREE_OPS][AGREE_PACKET];
	struct crypto_sa_params p = {.dir = CRYPTO_SEAL,
	    .enc = ALG_ENC_AES_CBC,
	    .auth = auth,
	    .enc_key = key,
	    .enc_key_len = 16,
	    .auth_key = key,
	    .auth_key_len = alg_auth_by_id(auth)->digest_len,
	    .esn = esn};

	for (size_t i = 0; i < sizeof(clear); i++)
		clear[i / AGREE_PACKET][i % AGREE_PACKET] = (uint8_t)(i * 7);
	memcpy(one, clear, sizeof(one));
	memcpy(two, clear, sizeof(two));
	if (!run_pair_burst(&p, one, true) || !run_pair_burst(&p, two, false) ||
	    memcmp(one, two, sizeof(one)) != 0)
		return false;
	memcpy(clear, one, sizeof(clear));
	clear[AGREE_OPS - 1][ESP_AAD_LEN] ^= 1;
	p.dir = CRYPTO_OPEN;
	if (!run_pair_burst(&p, one, true) || !run_pair_burst(&p, two, false) ||
	    memcmp(one, two, sizeof(one)) != 0)
		return false;
	return !run_pair_burst(&p, clear, true);
}

bool crypto_pairs_agree(void)
{
	static const enum alg_auth auths[] = {
	    ALG_AUTH_HMAC_SHA1, ALG_AUTH_HMAC_SHA256, ALG_AUTH_HMAC_SHA384, ALG_AUTH_HMAC_SHA512};

	for (size_t i = 0; i < ARRAY_SIZE(auths); i++)
		if (!pair_agrees(auths[i], false) || !pair_agrees(auths[i], true))
			return false;
	return true;
}

int crypto_known_answers(
    const struct cipher_answer *c, size_t n_c, const struct mac_answer *m, size_t n_m, struct err_text *e)
{
	char what[64];
	int r = 0;

	for (size_t i = 0; i < n_c && r == 0; i++) {
		size_t len = cipher_key_len(&c[i]);

		if (!crypto_has_enc(c[i].id, strlen(c[i].key) / 2) || cipher_answers_right(&c[i]))
			continue;
		snprintf(what, sizeof(what), "%s with %zu bits", alg_enc_by_id(c[i].id)->name, len * 8);
		r = crypto_mark_wrong(c[i].id, ALG_AUTH_NONE, len, what, e);
	}
	for (size_t i = 0; i < n_m && r == 0; i++) {
		if (!crypto_has_auth(m[i].id) || mac_answers_right(&m[i]))
			continue;
		r = crypto_mark_wrong(
		    ALG_ENC_NONE, m[i].id, mac_key_len(&m[i]), alg_auth_by_id(m[i].id)->name, e);
	}
	return r;
}
