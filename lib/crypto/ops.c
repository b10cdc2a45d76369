/*
 * The per-packet work that every algorithm shares. OpenSSL's rules for it (3.0 and later): a context is keyed
 * once; per packet only the IV is set, with every other argument NULL, because naming the cipher again takes
 * references and locks, and nothing is allocated, copied between contexts or reset for a cipher. Bursts are
 * the interface so that an engine that works on several packets at once can stand behind it; OpenSSL takes
 * them one by one.
 */
#include "crypto/engine.h"
#include "crypto/internal.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>

#include "secret/secret.h"

int esp_aad(const struct crypto_sa *sa, const struct crypto_op *op, uint8_t aad[ESP_AAD_LEN + 4])
{
	if (!sa->esn) {
		memcpy(aad, op->hdr, ESP_AAD_LEN);
		return ESP_AAD_LEN;
	}
	memcpy(aad, op->hdr, 4);
	put_u32(aad + 4, (uint32_t)(op->seq >> 32));
	memcpy(aad + 8, op->hdr + 4, 4);
	return ESP_AAD_LEN + 4;
}

bool esp_cipher_data(struct crypto_sa *sa, const struct crypto_op *op)
{
	int n = 0;

	return op->len == 0 ||
	       (EVP_CipherUpdate(sa->cipher, op->data, &n, op->data, (int)op->len) == 1 && n == (int)op->len);
}

static bool mac_number(struct crypto_sa *sa, uint64_t seq)
{
	uint8_t hi[4];

	if (!sa->esn)
		return true;
	put_u32(hi, (uint32_t)(seq >> 32));
	return sa->mac.kind->update(&sa->mac, hi, sizeof(hi));
}

/* RFC 4303 section 2.8: the ICV covers all from the SPI to the next header; an extended number's top half
 * counts as behind that. */
static bool esp_mac(struct crypto_sa *sa, const struct crypto_op *op, uint8_t out[EVP_MAX_MD_SIZE])
{
	bool one_piece = op->iv == op->hdr + ESP_AAD_LEN && op->data == op->iv + sa->iv_len;
	const struct mac_kind *k = sa->mac.kind;
	struct mac *m = &sa->mac;

	if (!k->begin(m, NULL))
		return false;
	if (one_piece) {
		if (!k->update(m, op->hdr, ESP_AAD_LEN + (size_t)sa->iv_len + op->len))
			return false;
	} else if (!k->update(m, op->hdr, ESP_AAD_LEN) || !k->update(m, op->iv, sa->iv_len) ||
	           !k->update(m, op->data, op->len)) {
		return false;
	}
	return mac_number(sa, op->seq) && k->end(m, out);
}

enum crypto_result esp_put_icv(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (!sa->icv_len)
		return CRYPTO_OK;
	if (!esp_mac(sa, op, mac))
		return CRYPTO_FAILED;
	memcpy(op->icv, mac, sa->icv_len);
	return CRYPTO_OK;
}

enum crypto_result esp_check_icv(struct crypto_sa *sa, const struct crypto_op *op)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (!sa->icv_len)
		return CRYPTO_OK;
	if (!esp_mac(sa, op, mac))
		return CRYPTO_FAILED;
	return secret_equal_bytes(mac, op->icv, sa->icv_len) ? CRYPTO_OK : CRYPTO_BAD_ICV;
}

/* The engine works on octets as they lie on the wire, and not on none. */
static bool in_one_piece(const struct crypto_op *op)
{
	return op->len && op->iv == op->hdr + ESP_AAD_LEN && op->data == op->iv + op->sa->iv_len &&
	       op->icv == op->data + op->len;
}

/* Ops that wait for others to be worked on together. */
struct waiting {
	struct crypto_op *op[CRYPTO_PAIRS_MAX];
	size_t n;
};

/* Returns how many came out well. */
static size_t run_waiting(struct waiting *w, enum crypto_dir dir)
{
	size_t n_ok = 0;

	if (w->n)
		crypto_engine()->run_pairs(w->op, w->n, dir);
	for (size_t i = 0; i < w->n; i++)
		n_ok += w->op[i]->result == CRYPTO_OK;
	w->n = 0;
	return n_ok;
}

static size_t esp_burst(struct crypto_op *ops, size_t n, enum crypto_dir dir)
{
	struct waiting w = {.n = 0};
	size_t n_ok = 0;

	for (size_t i = 0; i < n; i++) {
		struct crypto_op *op = &ops[i];

		if (op->sa->dir == dir && op->sa->in_pairs && !(op->len & (op->sa->block - 1u)) &&
		    in_one_piece(op)) {
			w.op[w.n++] = op;
			if (w.n == CRYPTO_PAIRS_MAX)
				n_ok += run_waiting(&w, dir);
			continue;
		}
		if (op->sa->dir != dir || !op->sa->run)
			op->result = CRYPTO_FAILED;
		else if (op->len & (op->sa->block - 1u) || op->len > INT_MAX - 2 * BLOCK_MAX)
			op->result = CRYPTO_BAD_LEN;
		else
			op->result = (uint8_t)op->sa->run(op->sa, op);
		n_ok += op->result == CRYPTO_OK;
	}
	n_ok += run_waiting(&w, dir);
	/* A wrong tag leaves a line in OpenSSL's error queue; it must not grow. */
	if (n_ok < n)
		ERR_clear_error();
	return n_ok;
}

size_t crypto_seal_burst(struct crypto_op *ops, size_t n)
{
	return esp_burst(ops, n, CRYPTO_SEAL);
}

size_t crypto_open_burst(struct crypto_op *ops, size_t n)
{
	return esp_burst(ops, n, CRYPTO_OPEN);
}

/* An algorithm with an IV of its own has it in front of the value in the ICV field (RFC 4543 section 4). */
static enum crypto_result mac_one(const struct crypto_mac_op *op, enum crypto_dir dir)
{
	struct crypto_sa *sa = op->sa;
	const struct mac_kind *k = sa->mac.kind;
	uint8_t mac[EVP_MAX_MD_SIZE], *value;

	if (sa->dir != dir || !k || op->n_pieces > CRYPTO_MAC_PIECES_MAX)
		return CRYPTO_FAILED;
	value = op->icv + k->iv_len;
	if (k->iv_len && dir == CRYPTO_SEAL)
		put_u64(op->icv, op->seq);
	if (!k->begin(&sa->mac, op->icv))
		return CRYPTO_FAILED;
	for (uint32_t i = 0; i < op->n_pieces; i++)
		if (!k->update(&sa->mac, op->piece[i].iov_base, op->piece[i].iov_len))
			return CRYPTO_FAILED;
	if (!mac_number(sa, op->seq) || !k->end(&sa->mac, mac))
		return CRYPTO_FAILED;
	if (dir == CRYPTO_SEAL)
		memcpy(value, mac, (size_t)(sa->icv_len - k->iv_len));
	else if (!secret_equal_bytes(mac, value, (size_t)(sa->icv_len - k->iv_len)))
		return CRYPTO_BAD_ICV;
	return CRYPTO_OK;
}

static size_t mac_burst(struct crypto_mac_op *ops, size_t n, enum crypto_dir dir)
{
	size_t n_ok = 0;

	for (size_t i = 0; i < n; i++) {
		ops[i].result = (uint8_t)mac_one(&ops[i], dir);
		n_ok += ops[i].result == CRYPTO_OK;
	}
	return n_ok;
}

size_t crypto_mac_seal_burst(struct crypto_mac_op *ops, size_t n)
{
	return mac_burst(ops, n, CRYPTO_SEAL);
}

size_t crypto_mac_open_burst(struct crypto_mac_op *ops, size_t n)
{
	return mac_burst(ops, n, CRYPTO_OPEN);
}
