/*
 * No memory that an SA gives back may still hold its key: neither ours (free() is wrapped by the linker) nor
 * OpenSSL's (its allocator is replaced).
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/crypto.h>

#include "crypto/crypto.h"

enum { PIECE = 8, HMAC_INNER = 0x36, HMAC_OUTER = 0x5c };

/* Octets that lie nowhere else. */
static uint8_t key[ALG_KEY_MAX];
/* volatile: the compiler believes that free() reads neither. */
static volatile bool watching;
static volatile size_t n_given_back, n_found;

void __real_free(void *p);
void __wrap_free(void *p);

static bool holds(const uint8_t *p, size_t n, uint8_t mask)
{
	uint8_t want[PIECE];

	for (size_t at = 0; at + PIECE <= sizeof(key); at += PIECE) {
		for (size_t i = 0; i < PIECE; i++)
			want[i] = key[at + i] ^ mask;
		if (memmem(p, n, want, PIECE))
			return true;
	}
	return false;
}

static void look(void *p)
{
	size_t n = p ? malloc_usable_size(p) : 0;

	if (!watching || !p)
		return;
	n_given_back++;
	n_found += holds(p, n, 0) || holds(p, n, HMAC_INNER) || holds(p, n, HMAC_OUTER);
}

void __wrap_free(void *p)
{
	look(p);
	__real_free(p);
}

static void *ssl_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return malloc(n);
}

static void *ssl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	look(p);
	return realloc(p, n);
}

static void ssl_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

static void make_use_and_free(enum alg_enc enc, size_t enc_len, enum alg_auth auth, size_t auth_len)
{
	uint8_t data[64] = {0}, icv[ALG_ICV_MAX];
	const struct iovec v = {data, sizeof(data)};
	const struct crypto_sa_params p = {.dir = CRYPTO_SEAL,
	    .enc = enc,
	    .auth = auth,
	    .enc_key = key,
	    .auth_key = key,
	    .enc_key_len = enc_len,
	    .auth_key_len = auth_len};
	struct crypto_op op = {.hdr = data, .iv = data + 8, .data = data + 32, .icv = icv, .len = 32};
	struct crypto_mac_op mac_op = {.piece = &v, .n_pieces = 1, .icv = icv};

	n_given_back = n_found = 0;
	watching = true;
	assert_int_equal(crypto_sa_new(&p, &op.sa), 0);
	mac_op.sa = op.sa;
	assert_int_equal(enc ? crypto_seal_burst(&op, 1) : crypto_mac_seal_burst(&mac_op, 1), 1);
	crypto_sa_free(op.sa);
	watching = false;
	assert_int_not_equal(n_given_back, 0);
	if (n_found)
		fail_msg("%s %s: %zu blocks still held the key", enc ? alg_enc_by_id(enc)->name : "",
		    auth ? alg_auth_by_id(auth)->name : "", n_found);
}

static void test_sa_free_gives_no_key_back_to_the_heap(void **state)
{
	(void)state;
	for (size_t i = 0; alg_enc_at(i); i++)
		make_use_and_free(alg_enc_at(i)->id, alg_enc_at(i)->key_max, ALG_AUTH_NONE, 0);
	for (size_t i = 0; alg_auth_at(i); i++)
		make_use_and_free(ALG_ENC_NONE, 0, alg_auth_at(i)->id, alg_auth_at(i)->key_max);
}

/* That the test would see it. */
static void test_look_finds_a_key_that_was_left(void **state)
{
	uint8_t *p = malloc(sizeof(key));

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < sizeof(key); i++)
		p[i] = key[i] ^ HMAC_OUTER;
	/* The compiler would leave out what nobody reads. */
	__asm__ volatile("" : : "r"(p) : "memory");
	n_found = 0;
	watching = true;
	free(p);
	watching = false;
	assert_int_equal(n_found, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_look_finds_a_key_that_was_left),
	    cmocka_unit_test(test_sa_free_gives_no_key_back_to_the_heap),
	};

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0xb5 + i * 29);
	/* Only before OpenSSL has allocated anything. */
	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1 || crypto_init(NULL) < 0)
		return 2;
	return cmocka_run_group_tests_name("crypto/wipe", tests, NULL, NULL);
}
