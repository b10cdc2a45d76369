/*
 * What one packet costs in lib/crypto, as JSON: nanoseconds an operation, for every kind of algorithm.
 * What this OpenSSL lacks is left out. Each figure is the best of several rounds, so that a busy machine
 * disturbs it little.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/crypto.h"
#include "wire/esp/esp.h"

enum { BURST = 32, ROUNDS = 9, BURSTS_A_ROUND = 60, HEADROOM = 64, ROOM = 2048 };

static const struct suite {
	const char *name;
	enum alg_enc enc;
	size_t enc_key_len;
	enum alg_auth auth;
	size_t auth_key_len;
} suites[] = {
    {"aes-128-gcm-16", ALG_ENC_AES_GCM_16, 20, ALG_AUTH_NONE, 0},
    {"aes-256-gcm-16", ALG_ENC_AES_GCM_16, 36, ALG_AUTH_NONE, 0},
    {"chacha20-poly1305", ALG_ENC_CHACHA20_POLY1305, 36, ALG_AUTH_NONE, 0},
    {"aes-128-ccm-16", ALG_ENC_AES_CCM_16, 19, ALG_AUTH_NONE, 0},
    {"aes-128-gmac", ALG_ENC_AES_GMAC, 20, ALG_AUTH_NONE, 0},
    {"aes-128-ctr+hmac-sha1", ALG_ENC_AES_CTR, 20, ALG_AUTH_HMAC_SHA1, 20},
    {"aes-128-ctr+aes-cmac", ALG_ENC_AES_CTR, 20, ALG_AUTH_AES_CMAC, 16},
    {"aes-128-cbc+hmac-sha1", ALG_ENC_AES_CBC, 16, ALG_AUTH_HMAC_SHA1, 20},
    {"aes-128-cbc+hmac-sha256", ALG_ENC_AES_CBC, 16, ALG_AUTH_HMAC_SHA256, 32},
    {"aes-128-cbc+aes-xcbc-mac", ALG_ENC_AES_CBC, 16, ALG_AUTH_AES_XCBC, 16},
    {"camellia-128-cbc+hmac-sha1", ALG_ENC_CAMELLIA_CBC, 16, ALG_AUTH_HMAC_SHA1, 20},
    {"blowfish-128-cbc+hmac-sha1", ALG_ENC_BLOWFISH_CBC, 16, ALG_AUTH_HMAC_SHA1, 20},
    {"cast-128-cbc+hmac-sha1", ALG_ENC_CAST128_CBC, 16, ALG_AUTH_HMAC_SHA1, 20},
    {"des-cbc+hmac-md5", ALG_ENC_DES_CBC, 8, ALG_AUTH_HMAC_MD5, 16},
    {"3des-cbc+hmac-md5", ALG_ENC_3DES_CBC, 24, ALG_AUTH_HMAC_MD5, 16},
    {"null+hmac-md5", ALG_ENC_NULL, 0, ALG_AUTH_HMAC_MD5, 16},
    {"null+hmac-sha1", ALG_ENC_NULL, 0, ALG_AUTH_HMAC_SHA1, 20},
    {"null+hmac-sha384", ALG_ENC_NULL, 0, ALG_AUTH_HMAC_SHA384, 48},
    {"null+hmac-sha512", ALG_ENC_NULL, 0, ALG_AUTH_HMAC_SHA512, 64},
    {"null+hmac-ripemd160", ALG_ENC_NULL, 0, ALG_AUTH_HMAC_RIPEMD160, 20},
    {"null+aes-xcbc-mac", ALG_ENC_NULL, 0, ALG_AUTH_AES_XCBC, 16},
    {"null+aes-cmac", ALG_ENC_NULL, 0, ALG_AUTH_AES_CMAC, 16},
    {"null+keyed-md5", ALG_ENC_NULL, 0, ALG_AUTH_KEYED_MD5, 16},
    {"null+keyed-sha1", ALG_ENC_NULL, 0, ALG_AUTH_KEYED_SHA1, 20},
};

static uint8_t packets[BURST][ROOM], sealed[BURST][ROOM];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct crypto_sa *make_sa(const struct suite *s, enum crypto_dir dir)
{
	/* No part of it is a weak key of DES. */
	static const uint8_t key[ALG_KEY_MAX] = "thescogp12341234thescogp";
	const struct crypto_sa_params p = {.dir = dir,
	    .enc = s->enc,
	    .auth = s->auth,
	    .enc_key = key,
	    .auth_key = key,
	    .enc_key_len = s->enc_key_len,
	    .auth_key_len = s->auth_key_len};
	struct crypto_sa *sa = NULL;

	if (crypto_sa_new(&p, &sa) < 0) {
		fprintf(stderr, "bench_crypto: %s was refused\n", s->name);
		exit(1);
	}
	return sa;
}

static void frame_all(struct crypto_sa *sa, size_t size, struct crypto_op ops[BURST])
{
	struct esp_geom g = esp_geom_make(crypto_sa_iv_len(sa), crypto_sa_block(sa), crypto_sa_icv_len(sa));

	for (uint32_t i = 0; i < BURST; i++) {
		struct esp_frame f;

		esp_frame(&g, packets[i] + HEADROOM, size, 256, i, 4, ESP_PAD_SEQ, NULL, &f);
		ops[i] = (struct crypto_op){.sa = sa,
		    .hdr = f.hdr,
		    .iv = f.iv,
		    .data = f.data,
		    .icv = f.icv,
		    .seq = i + 1,
		    .len = f.data_len};
	}
}

/* Opening is in place, so the sealed octets are put back each time; that copy is timed alone and taken off.
 */
static double copy_ns(void)
{
	uint64_t best = UINT64_MAX;

	for (int r = 0; r < ROUNDS; r++) {
		uint64_t t = now_ns();

		for (int b = 0; b < BURSTS_A_ROUND; b++) {
			memcpy(packets, sealed, sizeof(packets));
			__asm__ volatile("" : : "r"(packets) : "memory");
		}
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	return (double)best / (BURSTS_A_ROUND * BURST);
}

static double measure(const struct suite *s, size_t size, enum crypto_dir dir)
{
	struct crypto_sa *seal = make_sa(s, CRYPTO_SEAL), *open = make_sa(s, CRYPTO_OPEN);
	struct crypto_op ops[BURST];
	uint64_t best = UINT64_MAX;
	size_t n_ok = 0;

	frame_all(seal, size, ops);
	n_ok = crypto_seal_burst(ops, BURST);
	memcpy(sealed, packets, sizeof(sealed));
	for (int r = 0; r < ROUNDS && n_ok == BURST; r++) {
		uint64_t t = now_ns();

		for (int b = 0; b < BURSTS_A_ROUND && n_ok == BURST; b++) {
			for (size_t i = 0; i < BURST; i++) {
				ops[i].sa = dir == CRYPTO_SEAL ? seal : open;
				ops[i].seq += BURST;
			}
			if (dir == CRYPTO_OPEN)
				memcpy(packets, sealed, sizeof(packets));
			n_ok = dir == CRYPTO_SEAL ? crypto_seal_burst(ops, BURST)
			                          : crypto_open_burst(ops, BURST);
		}
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	crypto_sa_free(seal);
	crypto_sa_free(open);
	if (n_ok != BURST) {
		fprintf(stderr, "bench_crypto: %s failed\n", s->name);
		exit(1);
	}
	return (double)best / (BURSTS_A_ROUND * BURST) - (dir == CRYPTO_OPEN ? copy_ns() : 0);
}

static bool is_here(const struct suite *s)
{
	return crypto_check_present(s->enc, s->enc_key_len, s->auth, NULL) == 0;
}

int main(void)
{
	static const size_t sizes[] = {64, 512, 1420};
	struct err_text e = {0};
	const char *comma = "";

	if (crypto_init(&e) < 0) {
		fprintf(stderr, "bench_crypto: %s\n", e.s);
		return 1;
	}
	printf("{\"schema_version\": 1, \"bench\": \"crypto\", \"engine\": \"%s\", \"burst\": %d, "
	       "\"absent\": \"%s\", \"results\": [",
	    crypto_engine_name(), BURST, crypto_absent_names());
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sizes) && is_here(&suites[i]); k++) {
			double seal = measure(&suites[i], sizes[k], CRYPTO_SEAL),
			       open = measure(&suites[i], sizes[k], CRYPTO_OPEN);

			printf(
			    "%s\n  {\"suite\": \"%s\", \"bytes\": %zu, \"seal_ns\": %.0f, \"open_ns\": %.0f}",
			    comma, suites[i].name, sizes[k], seal, open);
			comma = ",";
		}
	printf("\n]}\n");
	crypto_fini();
	return 0;
}
