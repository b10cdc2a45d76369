/*
 * A library that computes wrongly (a broken build, a bad CPU feature choice) would give packets that no peer
 * can open, or worse, that anybody can. Each algorithm therefore answers one published vector before the
 * first packet, through the same code that packets take.
 */
#include "crypto/internal.h"

#include <errno.h>
#include <string.h>

#include "secret/secret.h"

enum { KAT_TEXT_MAX = 96 };

/* Hex text; a space means nothing. */
struct cipher_answer {
	enum alg_enc id;
	const char *name, *key, *hdr, *iv, *plain, *cipher, *icv;
};

static const struct cipher_answer cipher_answers[] = {
    /* NIST SP 800-67 appendix B, first block */
    {ALG_ENC_3DES_CBC, "3des-cbc", "0123456789abcdef23456789abcdef01456789abcdef0123", "", "0000000000000000",
        "5468652071756663", "a826fd8ce53b855f", ""},
    /* RFC 3602 section 4, case 2 */
    {ALG_ENC_AES_CBC, "aes-cbc with 128 bits", "c286696d887c9aa0611bbb3e2025a45a", "",
        "562e17996d093d28ddb3ba695a2e6f58",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1", ""},
    /* NIST SP 800-38A F.2.3 and F.2.5 */
    {ALG_ENC_AES_CBC, "aes-cbc with 192 bits", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "",
        "000102030405060708090a0b0c0d0e0f",
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
        "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a", ""},
    {ALG_ENC_AES_CBC, "aes-cbc with 256 bits",
        "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "",
        "000102030405060708090a0b0c0d0e0f",
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d", ""},
    /* draft-mcgrew-gcm-test: ESP with SPI 0000a5f8, sequence number 10 */
    {ALG_ENC_AES_GCM_16, "aes-gcm-16 with 128 bits", "feffe9928665731c6d6a8f9467308308 cafebabe",
        "0000a5f8 0000000a", "facedbaddecaf888",
        "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d0010000010000000000000373697009637962"
        "65726369747902646b00000100010001",
        "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642"
        "cfbb85a5b47e48a4ec3b9ba95d918bd1",
        "83b70d3aa8bc6ee4c309e9d85a41ad4a"},
    /* GCM specification, test case 8; the tag, which there is without a header, by a GHASH written from SP
       800-38D */
    {ALG_ENC_AES_GCM_16, "aes-gcm-16 with 192 bits",
        "000000000000000000000000000000000000000000000000 00000000", "0000000000000000", "0000000000000000",
        "00000000000000000000000000000000", "98e7247c07f0fe411c267e4384b0f600",
        "76eae5e1380f4889fec01d0e2abda10f"},
    /* draft-mcgrew-gcm-test: ESP with SPI 4a2cbfe3, sequence number 2 */
    {ALG_ENC_AES_GCM_16, "aes-gcm-16 with 256 bits",
        "abbccddef00112233445566778899aababbccddef00112233445566778899aab 11223344", "4a2cbfe300000002",
        "0102030405060708",
        "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402"
        "01020201",
        "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99d"
        "ef842d8e",
        "b335f4eecfdbf831824b4c4915956c96"},
};

/* HMAC over "Hi There" under a key of octets 0x0b: RFC 2202 test case 1, RFC 4868 section 2.7.2 case 1. */
static const struct mac_answer {
	enum alg_auth id;
	const char *name, *mac; /* the first ALG_ICV_MAX octets */
} mac_answers[] = {
    {ALG_AUTH_HMAC_MD5, "hmac-md5", "9294727a3638bb1c13f48ef8158bfc9d"},
    {ALG_AUTH_HMAC_SHA1, "hmac-sha1", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {ALG_AUTH_HMAC_SHA256, "hmac-sha256", "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7"},
    {ALG_AUTH_HMAC_SHA384, "hmac-sha384", "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee9737a959796489bddbc"},
    {ALG_AUTH_HMAC_SHA512, "hmac-sha512", "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"},
};

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static uint32_t unhex(const char *hex, uint8_t out[KAT_TEXT_MAX])
{
	uint32_t n = 0;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		out[n++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
		hex++;
	}
	return n;
}

/* One vector through a fresh SA of the given direction; the result lies in data and icv. */
static bool run_cipher(
    const struct cipher_answer *a, enum crypto_dir dir, uint8_t *data, uint32_t len, uint8_t *icv)
{
	uint8_t key[KAT_TEXT_MAX], hdr[KAT_TEXT_MAX], iv[KAT_TEXT_MAX];
	struct crypto_sa_params p = {
	    .dir = dir, .enc = a->id, .enc_key = key, .enc_key_len = unhex(a->key, key)};
	struct crypto_op op = {.hdr = hdr, .iv = iv, .data = data, .icv = icv, .len = len, .iv_given = true};
	bool ok;

	unhex(a->hdr, hdr);
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
	if (!run_cipher(a, CRYPTO_SEAL, data, len, tag) || memcmp(data, cipher, len) ||
	    memcmp(tag, icv, icv_len))
		return false;
	if (!run_cipher(a, CRYPTO_OPEN, data, len, tag) || memcmp(data, plain, len))
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
	static const char text[] = "Hi There";
	const struct iovec piece = {.iov_base = (void *)(uintptr_t)text, .iov_len = sizeof(text) - 1};
	uint8_t key[ALG_KEY_MAX];
	struct crypto_sa_params p = {.dir = dir,
	    .auth = a->id,
	    .auth_key = key,
	    .auth_key_len = alg_auth_by_id(a->id)->key_min,
	    .icv_len = icv_len};
	struct crypto_mac_op op = {.piece = &piece, .n_pieces = 1, .icv = icv};
	bool ok;

	memset(key, 0x0b, sizeof(key));
	if (crypto_sa_new(&p, &op.sa) < 0)
		return false;
	ok = dir == CRYPTO_SEAL ? crypto_mac_seal_burst(&op, 1) : crypto_mac_open_burst(&op, 1);
	crypto_sa_free(op.sa);
	return ok;
}

static bool mac_answers_right(const struct mac_answer *a)
{
	uint8_t want[KAT_TEXT_MAX], icv[ALG_ICV_MAX] = {0}, n = (uint8_t)unhex(a->mac, want);

	if (!run_mac(a, CRYPTO_SEAL, icv, n) || memcmp(icv, want, n) || !run_mac(a, CRYPTO_OPEN, icv, n))
		return false;
	icv[n - 1] ^= 1;
	return !run_mac(a, CRYPTO_OPEN, icv, n);
}

int crypto_known_answers(struct err_text *e)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(cipher_answers) && !wrong; i++)
		if (!cipher_answers_right(&cipher_answers[i]))
			wrong = cipher_answers[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(mac_answers) && !wrong; i++)
		if (!mac_answers_right(&mac_answers[i]))
			wrong = mac_answers[i].name;
	if (wrong)
		return err_set(e, -EIO,
		    "%s computes %s wrongly: no packet may be trusted to it; install another OpenSSL",
		    crypto_engine_name(), wrong);
	return 0;
}
