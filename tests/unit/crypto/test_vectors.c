/*
 * Runs tests/vectors/ipsec.txt (its path is the first argument) through the functions that packets take, both
 * ways; with "mb" behind it by the second engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto/mb/mb.h"
#include "wire/esp/esp.h"
#include "wire/ip/ip.h"

enum { ROOM = 1024, WORDS_MAX = 8 };

static const char *path;
static int line_no;

struct octets {
	uint8_t b[ROOM];
	size_t n;
};

static struct octets unhex(const char *hex)
{
	struct octets o = {.n = 0};
	unsigned v;

	if (strcmp(hex, "-") == 0)
		return o;
	for (; *hex; hex += 2) {
		if (o.n == ROOM || sscanf(hex, "%2x", &v) != 1)
			fail_msg("line %d is not hex", line_no);
		o.b[o.n++] = (uint8_t)v;
	}
	return o;
}

#define assert_octets(got, want)                                                                             \
	do {                                                                                                 \
		if (memcmp(got, (want).b, (want).n) != 0)                                                    \
			fail_msg("line %d: " #want " differs", line_no);                                     \
	} while (0)

static void run_cipher(char *const word[])
{
	const struct alg_enc_info *enc = alg_enc_by_name(word[1]);
	struct octets key = unhex(word[2]), hdr = unhex(word[3]), iv = unhex(word[4]), plain = unhex(word[5]),
	              cipher = unhex(word[6]), icv = unhex(word[7]), data = plain;
	uint8_t tag[ALG_ICV_MAX] = {0};
	struct crypto_sa_params p = {
	    .enc = enc->id, .enc_key = key.b, .enc_key_len = key.n, .esn = hdr.n == 12};
	struct crypto_op op = {
	    .hdr = hdr.b, .iv = iv.b, .data = data.b, .icv = tag, .len = (uint32_t)data.n, .iv_given = true};

	/* On the wire an extended number's top half is not there; in the vector it stands in the middle. */
	if (p.esn) {
		op.seq = (uint64_t)hdr.b[4] << 56 | (uint64_t)hdr.b[5] << 48 | (uint64_t)hdr.b[6] << 40 |
		         (uint64_t)hdr.b[7] << 32;
		memmove(hdr.b + 4, hdr.b + 8, 4);
	}
	for (p.dir = CRYPTO_SEAL; p.dir <= CRYPTO_OPEN; p.dir++) {
		assert_int_equal(crypto_sa_new(&p, &op.sa), 0);
		if (p.dir == CRYPTO_SEAL) {
			assert_int_equal(crypto_seal_burst(&op, 1), 1);
			assert_octets(data.b, cipher);
			assert_octets(tag, icv);
		} else {
			assert_int_equal(crypto_open_burst(&op, 1), 1);
			assert_octets(data.b, plain);
		}
		crypto_sa_free(op.sa);
	}
}

static void run_mac(char *const word[])
{
	const struct alg_auth_info *auth = alg_auth_by_name(word[1]);
	struct octets key = unhex(word[2]), data = unhex(word[3]), want = unhex(word[4]);
	uint8_t got[ALG_ICV_MAX] = {0};
	/* In three pieces, one of them empty. */
	const struct iovec piece[] = {{data.b, 3}, {data.b + 3, 0}, {data.b + 3, data.n - 3}};
	struct crypto_sa_params p = {
	    .auth = auth->id, .auth_key = key.b, .auth_key_len = key.n, .icv_len = (uint8_t)want.n};
	struct crypto_mac_op op = {.piece = piece, .n_pieces = 3, .icv = got};

	/* The field begins with the IV, which is the number. */
	for (int i = 0; auth->id == ALG_AUTH_AES_GMAC && i < 8; i++)
		op.seq = op.seq << 8 | want.b[i];
	p.dir = CRYPTO_SEAL;
	assert_int_equal(crypto_sa_new(&p, &op.sa), 0);
	assert_int_equal(crypto_mac_seal_burst(&op, 1), 1);
	assert_octets(got, want);
	crypto_sa_free(op.sa);
	p.dir = CRYPTO_OPEN;
	assert_int_equal(crypto_sa_new(&p, &op.sa), 0);
	assert_int_equal(crypto_mac_open_burst(&op, 1), 1);
	crypto_sa_free(op.sa);
}

/* Opens the published packet; then seals what came out under the same IV and compares all of it. */
static void run_esp(char *const word[])
{
	const struct alg_enc_info *enc = alg_enc_by_name(word[1]);
	struct octets key = unhex(word[2]), iv = unhex(word[3]), before = unhex(word[4]),
	              after = unhex(word[5]), work = after;
	struct crypto_sa_params p = {
	    .dir = CRYPTO_OPEN, .enc = enc->id, .enc_key = key.b, .enc_key_len = key.n};
	struct esp_geom g = esp_geom_make(enc->iv_len, enc->block, 0);
	struct crypto_op op = {.iv_given = true};
	struct ip_view v = {0};
	struct esp_frame f = {0};
	uint32_t len = 0, spi = 0, seq = 0;
	uint8_t next = 0, seal_room[ROOM + 64];

	assert_int_equal(ip_parse(work.b, work.n, IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(esp_split(&g, work.b + v.upper_off, work.n - v.upper_off, &f), ESP_OK);
	assert_int_equal(esp_peek(f.hdr, f.total_len, &spi, &seq), ESP_OK);
	assert_int_equal(crypto_sa_new(&p, &op.sa), 0);
	op.hdr = f.hdr, op.iv = f.iv, op.data = f.data, op.icv = f.icv, op.len = f.data_len;
	assert_int_equal(crypto_open_burst(&op, 1), 1);
	crypto_sa_free(op.sa);
	assert_int_equal(esp_strip(&f, &len, &next), ESP_OK);
	assert_int_equal(len, before.n - (next == 4 ? 0 : 20));
	if (memcmp(f.data, before.b + (next == 4 ? 0 : 20), len) != 0)
		fail_msg("line %d: another packet inside", line_no);

	memcpy(seal_room + 64, f.data, len);
	esp_frame(&g, seal_room + 64, len, spi, seq, next, ESP_PAD_SEQ, NULL, &f);
	memcpy(f.iv, iv.b, iv.n);
	p.dir = CRYPTO_SEAL;
	assert_int_equal(crypto_sa_new(&p, &op.sa), 0);
	op.hdr = f.hdr, op.iv = f.iv, op.data = f.data, op.icv = f.icv, op.len = f.data_len;
	assert_int_equal(crypto_seal_burst(&op, 1), 1);
	crypto_sa_free(op.sa);
	assert_int_equal(f.total_len, after.n - 20);
	if (memcmp(f.hdr, after.b + 20, f.total_len) != 0)
		fail_msg("line %d: another ESP packet", line_no);
	ip4_set_payload(before.b, 50, (uint16_t)after.n);
	if (next != 4 && memcmp(before.b, after.b, 20) != 0)
		fail_msg("line %d: another IP header", line_no);
}

static void run_line(char *line)
{
	char *word[WORDS_MAX + 1] = {0}, *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(line, " \n", &save); w && n < WORDS_MAX; w = strtok_r(NULL, " \n", &save))
		word[n++] = w;
	if (n == 0 || word[0][0] == '#')
		return;
	if (strcmp(word[0], "cipher") == 0 && n == 8)
		run_cipher(word);
	else if (strcmp(word[0], "mac") == 0 && n == 5)
		run_mac(word);
	else if (strcmp(word[0], "esp") == 0 && n == 6)
		run_esp(word);
	else
		fail_msg("line %d is of no known kind", line_no);
}

static void test_vectors_published_answers_come_out(void **state)
{
	FILE *f = fopen(path, "re");
	char line[4096];

	(void)state;
	assert_non_null(f);
	for (line_no = 1; fgets(line, sizeof(line), f); line_no++)
		run_line(line);
	fclose(f);
	assert_in_range(line_no, 40, 10000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors_published_answers_come_out),
	};
	struct err_text e = {0};

	if (argc < 2 || crypto_init(&e) < 0) {
		fprintf(stderr, "usage: test-crypto-vectors FILE [mb] %s\n", e.s);
		return 2;
	}
	if (argc > 2 && (!crypto_mb() || !crypto_use_engine(crypto_mb())))
		return 77;
	path = argv[1];
	return cmocka_run_group_tests_name("crypto/vectors", tests, NULL, NULL);
}
