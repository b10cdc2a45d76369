/*
 * AES-CBC with HMAC, which older peers negotiate and which one packet at a time is slow: neither the chain of
 * blocks nor the hash can be spread over the processor's lanes within a packet. Over the packets of a burst
 * they can.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/mb/priv.h"
#include "secret/secret.h"

enum {
	ROUND_KEYS = 15 * 16,
	STATE_MAX = 64, /* of a hash */
	HASH_BLOCK_MAX = 128,
	INNER_PAD = 0x36,
	OUTER_PAD = 0x5c,
	ESN_LEN = 4,
	BURST = CRYPTO_PAIRS_MAX,
};

struct pair {
	uint8_t enc[ROUND_KEYS], dec[ROUND_KEYS];
	uint8_t inner[STATE_MAX], outer[STATE_MAX];
	uint64_t key_len;
	IMB_HASH_ALG hash;
	uint8_t tag_len; /* what it computes; the ICV may be shorter */
};

/* How an HMAC's two states are made. */
struct hash_kind {
	enum alg_auth id;
	IMB_HASH_ALG hash;
	uint8_t block, tag_len;
	void (*one_block)(const void *block, void *state);
};

static const uint8_t zero[16];

static bool kind_of(enum alg_auth id, struct hash_kind *ret)
{
	const struct hash_kind kinds[] = {
	    {ALG_AUTH_HMAC_SHA1, IMB_AUTH_HMAC_SHA_1, 64, 20, mb_manager->sha1_one_block},
	    {ALG_AUTH_HMAC_SHA256, IMB_AUTH_HMAC_SHA_256, 64, 32, mb_manager->sha256_one_block},
	    {ALG_AUTH_HMAC_SHA384, IMB_AUTH_HMAC_SHA_384, 128, 48, mb_manager->sha384_one_block},
	    {ALG_AUTH_HMAC_SHA512, IMB_AUTH_HMAC_SHA_512, 128, 64, mb_manager->sha512_one_block},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].id != id)
			continue;
		*ret = kinds[i];
		return true;
	}
	return false;
}

static void make_state(
    const struct hash_kind *k, const uint8_t *key, size_t key_len, uint8_t pad, void *state)
{
	uint8_t block[HASH_BLOCK_MAX];
	AUTO_WIPE(block);

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < key_len; i++)
		block[i] ^= key[i];
	k->one_block(block, state);
}

static bool expand(struct pair *x, const uint8_t *key, size_t len)
{
	x->key_len = len;
	switch (len) {
	case IMB_KEY_128_BYTES:
		IMB_AES_KEYEXP_128(mb_manager, key, x->enc, x->dec);
		return true;
	case IMB_KEY_192_BYTES:
		IMB_AES_KEYEXP_192(mb_manager, key, x->enc, x->dec);
		return true;
	case IMB_KEY_256_BYTES:
		IMB_AES_KEYEXP_256(mb_manager, key, x->enc, x->dec);
		return true;
	default:
		return false;
	}
}

int mb_pair(struct crypto_sa *sa, const struct crypto_sa_params *p)
{
	struct hash_kind kind;
	struct pair *x = NULL;

	if (p->enc != ALG_ENC_AES_CBC || !kind_of(p->auth, &kind) || p->auth_key_len > kind.block)
		return -EOPNOTSUPP;
	if (posix_memalign((void **)&x, MB_KEY_ALIGN, sizeof(*x)) != 0)
		return -ENOMEM;
	memset(x, 0, sizeof(*x));
	sa->engine_key = x;
	sa->engine_key_len = sizeof(*x);
	x->hash = kind.hash;
	x->tag_len = kind.tag_len;
	make_state(&kind, p->auth_key, p->auth_key_len, INNER_PAD, x->inner);
	make_state(&kind, p->auth_key, p->auth_key_len, OUTER_PAD, x->outer);
	return expand(x, p->enc_key, p->enc_key_len) ? 0 : -EOPNOTSUPP;
}

static void set_hash(IMB_JOB *j, const struct crypto_op *op, uint8_t *tag)
{
	const struct pair *x = op->sa->engine_key;

	j->src = op->hdr;
	j->hash_alg = x->hash;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes =
	    ESP_AAD_LEN + (uint64_t)op->sa->iv_len + op->len + (op->sa->esn ? ESN_LEN : 0);
	j->auth_tag_output = tag;
	j->auth_tag_output_len_in_bytes = x->tag_len;
	j->u.HMAC._hashed_auth_key_xor_ipad = x->inner;
	j->u.HMAC._hashed_auth_key_xor_opad = x->outer;
}

/* As cbc.c makes it: the IV is the first block of what is enciphered, under an IV of zeros. */
static void set_encipher(IMB_JOB *j, const struct crypto_op *op)
{
	const struct crypto_sa *sa = op->sa;
	const struct pair *x = sa->engine_key;

	j->cipher_mode = IMB_CIPHER_CBC;
	j->cipher_direction = IMB_DIR_ENCRYPT;
	j->chain_order = IMB_ORDER_CIPHER_HASH;
	j->enc_keys = x->enc;
	j->dec_keys = x->dec;
	j->key_len_in_bytes = x->key_len;
	j->iv_len_in_bytes = sa->iv_len;
	if (op->iv_given) {
		j->iv = op->iv;
		j->dst = op->data;
		j->cipher_start_src_offset_in_bytes = ESP_AAD_LEN + (uint64_t)sa->iv_len;
		j->msg_len_to_cipher_in_bytes = op->len;
		return;
	}
	memcpy(op->iv, sa->iv_fill, sa->iv_len - 8u);
	put_u64(op->iv + sa->iv_len - 8, sa->iv_start + op->seq);
	j->iv = zero;
	j->dst = op->iv;
	j->cipher_start_src_offset_in_bytes = ESP_AAD_LEN;
	j->msg_len_to_cipher_in_bytes = (uint64_t)sa->iv_len + op->len;
}

static void set_no_cipher(IMB_JOB *j)
{
	j->cipher_mode = IMB_CIPHER_NULL;
	j->cipher_direction = IMB_DIR_DECRYPT;
	j->chain_order = IMB_ORDER_HASH_CIPHER;
	j->msg_len_to_cipher_in_bytes = 0;
	j->cipher_start_src_offset_in_bytes = 0;
	j->iv_len_in_bytes = 0;
}

static void set_decipher(IMB_JOB *j, const struct crypto_op *op)
{
	const struct pair *x = op->sa->engine_key;

	j->src = op->data;
	j->dst = op->data;
	j->cipher_mode = IMB_CIPHER_CBC;
	j->cipher_direction = IMB_DIR_DECRYPT;
	j->chain_order = IMB_ORDER_CIPHER_HASH;
	j->hash_alg = IMB_AUTH_NULL;
	j->enc_keys = x->enc;
	j->dec_keys = x->dec;
	j->key_len_in_bytes = x->key_len;
	j->iv = op->iv;
	j->iv_len_in_bytes = op->sa->iv_len;
	j->cipher_start_src_offset_in_bytes = 0;
	j->msg_len_to_cipher_in_bytes = op->len;
}

/* The job belongs to this op, and is finished some time. */
static void note(const IMB_JOB *done)
{
	struct crypto_op *op;

	if (!done)
		return;
	op = done->user_data;
	if (done->status != IMB_STATUS_COMPLETED)
		op->result = CRYPTO_FAILED;
}

static void submit(IMB_JOB *j, struct crypto_op *op)
{
	j->user_data = op;
	for (const IMB_JOB *done = IMB_SUBMIT_JOB(mb_manager); done; done = IMB_GET_COMPLETED_JOB(mb_manager))
		note(done);
}

static void flush(void)
{
	for (const IMB_JOB *done = IMB_FLUSH_JOB(mb_manager); done; done = IMB_FLUSH_JOB(mb_manager))
		note(done);
}

/* An extended number's top half is hashed behind the data, where the ICV will be, or was: `kept`. */
static void put_esn(const struct crypto_op *op, uint8_t kept[ESN_LEN])
{
	if (!op->sa->esn)
		return;
	memcpy(kept, op->icv, ESN_LEN);
	put_u32(op->icv, (uint32_t)(op->seq >> 32));
}

static void seal_pairs(struct crypto_op *const *ops, size_t n)
{
	uint8_t tag[BURST][STATE_MAX], kept[ESN_LEN];

	for (size_t i = 0; i < n; i++) {
		IMB_JOB *j = IMB_GET_NEXT_JOB(mb_manager);

		put_esn(ops[i], kept);
		set_encipher(j, ops[i]);
		set_hash(j, ops[i], tag[i]);
		submit(j, ops[i]);
	}
	flush();
	for (size_t i = 0; i < n; i++)
		memcpy(ops[i]->icv, tag[i], ops[i]->sa->icv_len);
}

/* Integrity first, and only then is anything deciphered. */
static void open_pairs(struct crypto_op *const *ops, size_t n)
{
	uint8_t tag[BURST][STATE_MAX], kept[BURST][ESN_LEN];

	for (size_t i = 0; i < n; i++) {
		IMB_JOB *j = IMB_GET_NEXT_JOB(mb_manager);

		put_esn(ops[i], kept[i]);
		set_no_cipher(j);
		set_hash(j, ops[i], tag[i]);
		submit(j, ops[i]);
	}
	flush();
	for (size_t i = 0; i < n; i++) {
		struct crypto_op *op = ops[i];

		if (op->sa->esn)
			memcpy(op->icv, kept[i], ESN_LEN);
		if (op->result == CRYPTO_OK && !secret_equal_bytes(tag[i], op->icv, op->sa->icv_len))
			op->result = CRYPTO_BAD_ICV;
		if (op->result == CRYPTO_OK && op->len) {
			IMB_JOB *j = IMB_GET_NEXT_JOB(mb_manager);

			set_decipher(j, op);
			submit(j, op);
		}
	}
	flush();
}

void mb_run_pairs(struct crypto_op *const *ops, size_t n, enum crypto_dir dir)
{
	for (size_t i = 0; i < n; i++)
		ops[i]->result = CRYPTO_OK;
	if (dir == CRYPTO_SEAL)
		seal_pairs(ops, n);
	else
		open_pairs(ops, n);
}
