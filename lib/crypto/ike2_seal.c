/*
 * Packets' ciphers are keyed once and authenticate 8 octets in front; a message of IKE comes a few times an
 * hour and authenticates its whole header, so the same algorithms are used from their beginning each time,
 * and an IKE SA at rest costs no more than its keys.
 */
#include "crypto/ike2_seal.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "crypto/internal.h"

struct ike2_guard ike2_guard(const struct ike2_keys *k, bool initiator)
{
	return (struct ike2_guard){
	    .suite = k->suite, .e = initiator ? k->ei : k->er, .a = initiator ? k->ai : k->ar};
}

/* One call with all it needs, settled. */
struct work {
	const struct ike2_guard *g;
	const struct ike2_text *t;
	const struct alg_enc_info *enc;
	const struct alg_auth_info *auth; /* NULL with a combined mode */
	const uint8_t *key;
	size_t key_len; /* without the salt */
	uint8_t nonce[NONCE_MAX];
	bool seal;
};

static int settle(const struct ike2_guard *g, const struct ike2_text *t, bool seal, struct work *ret)
{
	struct work w = {.g = g, .t = t, .seal = seal};
	int r = ike2_suite_check(&g->suite);

	if (r < 0)
		return r;
	w.enc = alg_enc_by_id(g->suite.enc);
	w.auth = alg_auth_by_id(g->suite.auth);
	if (!t->len || t->len % w.enc->block || t->len > UINT16_MAX || t->aad_len > UINT16_MAX)
		return -EINVAL;
	if (!g->e || secret_len(g->e) != g->suite.enc_key_len ||
	    (w.auth && (!g->a || secret_len(g->a) != w.auth->key_max)))
		return -EINVAL;
	w.key = secret_bytes(g->e);
	w.key_len = g->suite.enc_key_len - (size_t)w.enc->salt_len;
	*ret = w;
	return 0;
}

/* Salt, IV, and for CTR the first block's number (RFC 5930 section 2.1). */
static void make_nonce(struct work *w)
{
	size_t salt = w->enc->salt_len;

	memcpy(w->nonce, w->key + w->key_len, salt);
	memcpy(w->nonce + salt, w->t->iv, w->enc->iv_len);
	if (w->enc->kind == ALG_KIND_CTR)
		put_u32(w->nonce + salt + w->enc->iv_len, 1);
}

static bool update(EVP_CIPHER_CTX *c, uint8_t *out, const uint8_t *in, size_t n)
{
	int got = 0;

	return EVP_CipherUpdate(c, out, &got, in, (int)n) == 1 && got == (int)n;
}

/* CCM has to know the length of everything before the first octet, and the tag before that; the others want
 * it at the end. */
static bool begin_aead(const struct work *w, EVP_CIPHER_CTX *c, const EVP_CIPHER *cipher)
{
	const struct ike2_text *t = w->t;
	int tag = w->enc->icv_len, nonce = w->enc->salt_len + w->enc->iv_len;

	if (EVP_CipherInit_ex(c, cipher, NULL, NULL, NULL, w->seal) != 1)
		return false;
	if (w->enc->kind == ALG_KIND_CCM &&
	    (EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, nonce, NULL) != 1 ||
	        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, tag, w->seal ? NULL : t->icv) != 1))
		return false;
	if (EVP_CipherInit_ex(c, NULL, NULL, w->key, w->nonce, -1) != 1)
		return false;
	if (w->enc->kind == ALG_KIND_CCM)
		return update(c, NULL, NULL, t->len) && update(c, NULL, t->aad, t->aad_len);
	return (w->seal || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, tag, t->icv) == 1) &&
	       update(c, NULL, t->aad, t->aad_len);
}

/* What fails from here on while opening is the tag. */
static bool end_aead(const struct work *w, EVP_CIPHER_CTX *c)
{
	const struct ike2_text *t = w->t;
	uint8_t none[BLOCK_MAX];
	int n = 0;

	if (!update(c, t->data, t->data, t->len))
		return false;
	if ((w->seal || w->enc->kind != ALG_KIND_CCM) && EVP_CipherFinal_ex(c, none, &n) != 1)
		return false;
	return !w->seal || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, w->enc->icv_len, t->icv) == 1;
}

static int run_aead(struct work *w)
{
	const EVP_CIPHER *cipher = crypto_cipher(w->enc->id, w->key_len);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int r = !c ? -ENOMEM : cipher && begin_aead(w, c, cipher) ? 0 : -EIO;

	if (r == 0 && !end_aead(w, c)) {
		/* What was deciphered under a wrong tag must not be seen by anybody. */
		wipe(w->t->data, w->t->len);
		r = w->seal ? -EIO : -EBADMSG;
	}
	EVP_CIPHER_CTX_free(c);
	return r;
}

static int run_ctr(struct work *w)
{
	const EVP_CIPHER *cipher = crypto_cipher(w->enc->id, w->key_len);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	bool ok = c && cipher && EVP_EncryptInit_ex(c, cipher, NULL, w->key, w->nonce) == 1 &&
	          update(c, w->t->data, w->t->data, w->t->len);

	EVP_CIPHER_CTX_free(c);
	return ok ? 0 : -EIO;
}

static int run_cipher(struct work *w)
{
	const struct ike2_text *t = w->t;

	if (w->enc->kind == ALG_KIND_CTR)
		return run_ctr(w);
	return crypto_cbc(w->enc->id, w->key, w->key_len, t->iv, t->data, t->len, w->seal);
}

/* All from the header to the data's end, enciphered (section 3.14). */
static int make_icv(const struct work *w, uint8_t out[EVP_MAX_MD_SIZE])
{
	const struct ike2_text *t = w->t;
	struct mac m = {0};
	int r = mac_init(&m, w->auth->id, secret_bytes(w->g->a), secret_len(w->g->a));
	bool ok = r == 0 && m.kind->begin(&m, NULL) && m.kind->update(&m, t->aad, t->aad_len) &&
	          m.kind->update(&m, t->iv, w->enc->iv_len) && m.kind->update(&m, t->data, t->len) &&
	          m.kind->end(&m, out);

	mac_fini(&m);
	return r < 0 ? r : ok ? 0 : -EIO;
}

static int seal_with_icv(struct work *w)
{
	uint8_t icv[EVP_MAX_MD_SIZE];
	int r = run_cipher(w);

	if (r == 0)
		r = make_icv(w, icv);
	if (r == 0)
		memcpy(w->t->icv, icv, w->auth->icv_len);
	return r;
}

static int open_with_icv(struct work *w)
{
	uint8_t icv[EVP_MAX_MD_SIZE];
	int r = make_icv(w, icv);

	if (r < 0)
		return r;
	return secret_equal_bytes(icv, w->t->icv, w->auth->icv_len) ? run_cipher(w) : -EBADMSG;
}

int ike2_seal(const struct ike2_guard *g, uint64_t *counter, struct rng *rng, const struct ike2_text *t)
{
	struct work w;
	AUTO_WIPE(w);
	int r = settle(g, t, true, &w);

	if (r < 0)
		return r;
	if (!w.enc->counter) {
		rng->fill(rng, t->iv, w.enc->iv_len);
	} else if (*counter == UINT64_MAX) {
		return -ERANGE;
	} else {
		put_u64(t->iv, (*counter)++);
	}
	make_nonce(&w);
	r = w.enc->aead ? run_aead(&w) : seal_with_icv(&w);
	ERR_clear_error();
	return r;
}

int ike2_open(const struct ike2_guard *g, const struct ike2_text *t)
{
	struct work w;
	AUTO_WIPE(w);
	int r = settle(g, t, false, &w);

	if (r < 0)
		return r;
	make_nonce(&w);
	r = w.enc->aead ? run_aead(&w) : open_with_icv(&w);
	ERR_clear_error();
	return r;
}
