/*
 * ESP as it comes from the wire. The first octet picks the algorithms, the rest is the packet from its SPI
 * on. What opens must lie inside the packet and survive being framed again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "wire/esp/esp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PACKET_MAX = 4096, MARGIN = 128 };

/* Those without integrity accept any octets, so that what is behind the ICV is reached too. */
static const struct crypto_sa_params suites[] = {
    {.enc = ALG_ENC_NULL},
    {.enc = ALG_ENC_AES_CBC, .enc_key_len = 16},
    {.enc = ALG_ENC_3DES_CBC, .enc_key_len = 24, .auth = ALG_AUTH_HMAC_MD5, .auth_key_len = 16},
    {.enc = ALG_ENC_AES_GCM_16, .enc_key_len = 20},
    {.enc = ALG_ENC_NULL, .auth = ALG_AUTH_HMAC_SHA512, .auth_key_len = 64, .esn = true},
    {.enc = ALG_ENC_AES_CTR, .enc_key_len = 20, .auth = ALG_AUTH_AES_XCBC, .auth_key_len = 16},
    {.enc = ALG_ENC_AES_CCM_8, .enc_key_len = 19},
    {.enc = ALG_ENC_AES_GMAC, .enc_key_len = 20, .esn = true},
    {.enc = ALG_ENC_CHACHA20_POLY1305, .enc_key_len = 36},
    {.enc = ALG_ENC_CAMELLIA_CBC, .enc_key_len = 16, .auth = ALG_AUTH_KEYED_MD5, .auth_key_len = 16},
    {.enc = ALG_ENC_AES_CTR, .enc_key_len = 20},
};

static struct crypto_sa *sa_for(size_t i)
{
	/* No part of it is a weak key of DES. */
	static const uint8_t key[ALG_KEY_MAX] = "thescogp12341234thescogp";
	static struct crypto_sa *sas[ARRAY_SIZE(suites)];
	struct crypto_sa_params p = suites[i];

	p.dir = CRYPTO_OPEN;
	p.enc_key = p.auth_key = key;
	if (!sas[i] && (crypto_init(NULL) < 0 || crypto_sa_new(&p, &sas[i]) < 0))
		abort();
	return sas[i];
}

static void check_frame(const struct esp_geom *g, const struct esp_frame *f, const uint8_t *pkt, size_t len)
{
	if (f->hdr != pkt || f->total_len != len || f->iv != pkt + ESP_HDR_LEN || f->data != pkt + g->head ||
	    f->icv != f->data + f->data_len || f->icv + g->icv_len != pkt + len || f->data_len % g->align)
		abort();
}

/* The payload framed anew and read back is the same payload. */
static void frame_again(const struct esp_geom *g, const uint8_t *payload, uint32_t len, uint8_t next)
{
	static uint8_t b[MARGIN + PACKET_MAX + MARGIN];
	struct esp_frame f, back;
	uint32_t again_len;
	uint8_t again_next;

	memcpy(b + MARGIN, payload, len);
	esp_frame(g, b + MARGIN, len, 1, 2, next, ESP_PAD_SEQ, NULL, &f);
	if (f.total_len != esp_sealed_len(g, len) || esp_split(g, f.hdr, f.total_len, &back) != ESP_OK ||
	    esp_strip(&back, &again_len, &again_next) != ESP_OK || again_len != len || again_next != next ||
	    memcmp(back.data, payload, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct crypto_op op = {0};
	struct esp_geom g;
	struct esp_frame f;
	uint32_t spi, seq, len;
	uint8_t next, *pkt;

	if (n < 1 || n > PACKET_MAX)
		return 0;
	op.sa = sa_for(data[0] % ARRAY_SIZE(suites));
	g = esp_geom_make(crypto_sa_iv_len(op.sa), crypto_sa_block(op.sa), crypto_sa_icv_len(op.sa));
	n--;
	/* A buffer of exactly this size, so that one octet too far is seen. */
	pkt = malloc(n ? n : 1);
	if (!pkt)
		abort();
	memcpy(pkt, data + 1, n);
	if (esp_peek(pkt, n, &spi, &seq) == ESP_OK && esp_split(&g, pkt, n, &f) == ESP_OK) {
		check_frame(&g, &f, pkt, n);
		op.hdr = f.hdr;
		op.iv = f.iv;
		op.data = f.data;
		op.icv = f.icv;
		op.len = f.data_len;
		op.seq = seq;
		if (crypto_open_burst(&op, 1) == 1 && esp_strip(&f, &len, &next) == ESP_OK) {
			if (len + 2 > f.data_len)
				abort();
			frame_again(&g, f.data, len, next);
		} else if (op.result == CRYPTO_FAILED || op.result == CRYPTO_BAD_LEN) {
			abort();
		}
	}
	free(pkt);
	return 0;
}
