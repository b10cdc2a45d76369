/*
 * Version 1's numbers, both ways: what has a number comes back from it, what has none is never offered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ipsec/alg.h"
#include "keyd/ike1/numbers.h"
#include "wire/ike/v1.h"

/* RFC 2407 section 4.4.4 and what IANA added: written down a second time. */
static const struct {
	enum alg_enc id;
	uint8_t transform;
	uint16_t bits; /* named when nobody says how many */
	size_t key;    /* octets with that, salt included */
} ciphers[] = {
    {ALG_ENC_DES_CBC, 2, 0, 8},
    {ALG_ENC_3DES_CBC, 3, 0, 24},
    {ALG_ENC_CAST128_CBC, 6, 128, 16},
    {ALG_ENC_BLOWFISH_CBC, 7, 128, 16},
    {ALG_ENC_NULL, 11, 0, 0},
    {ALG_ENC_AES_CBC, 12, 128, 16},
    {ALG_ENC_AES_CTR, 13, 128, 20},
    {ALG_ENC_AES_CCM_8, 14, 128, 19},
    {ALG_ENC_AES_CCM_12, 15, 128, 19},
    {ALG_ENC_AES_CCM_16, 16, 128, 19},
    {ALG_ENC_AES_GCM_8, 18, 128, 20},
    {ALG_ENC_AES_GCM_12, 19, 128, 20},
    {ALG_ENC_AES_GCM_16, 20, 128, 20},
    {ALG_ENC_CAMELLIA_CBC, 22, 128, 16},
    {ALG_ENC_AES_GMAC, 23, 128, 20},
    {ALG_ENC_CHACHA20_POLY1305, 0, 0, 36},
};

static const struct {
	enum alg_auth id;
	uint16_t attr;
	uint8_t ah;
	size_t key;
} auths[] = {
    {ALG_AUTH_HMAC_MD5, 1, 2, 16},
    {ALG_AUTH_HMAC_SHA1, 2, 3, 20},
    {ALG_AUTH_HMAC_SHA256, 5, 5, 32},
    {ALG_AUTH_HMAC_SHA384, 6, 6, 48},
    {ALG_AUTH_HMAC_SHA512, 7, 7, 64},
    {ALG_AUTH_HMAC_RIPEMD160, 8, 8, 20},
    {ALG_AUTH_AES_XCBC, 9, 9, 16},
    {ALG_AUTH_NONE, 0, 0, 0},
    {ALG_AUTH_AES_CMAC, 0, 0, 16},
    {ALG_AUTH_KEYED_MD5, 0, 0, 16},
    {ALG_AUTH_KEYED_SHA1, 0, 0, 20},
};

static void test_numbers_of_ciphers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		enum alg_enc id = ciphers[i].id;

		assert_int_equal(ike1_esp_transform(id), ciphers[i].transform);
		if (ciphers[i].transform)
			assert_int_equal(ike1_enc_of(ciphers[i].transform), id);
		assert_int_equal(ike1_wire_bits(id, 0), ciphers[i].bits);
		assert_int_equal(ike1_enc_key_len(id, ciphers[i].bits), ciphers[i].key);
		assert_true(alg_enc_keylen_ok(alg_enc_by_id(id), ciphers[i].key));
	}
	/* Nothing of the suite's table is missing above. */
	for (size_t i = 0; alg_enc_at(i); i++)
		assert_true(i < ARRAY_SIZE(ciphers));
}

static void test_numbers_of_key_lengths(void **state)
{
	for (uint16_t bits = 128; bits <= 256; bits += 64) {
		assert_int_equal(ike1_wire_bits(ALG_ENC_AES_CBC, bits), bits);
		assert_int_equal(ike1_enc_key_len(ALG_ENC_AES_CBC, bits), bits / 8);
		assert_int_equal(ike1_enc_key_len(ALG_ENC_AES_GCM_16, bits), bits / 8 + 4);
		assert_int_equal(ike1_enc_key_len(ALG_ENC_AES_CCM_16, bits), bits / 8 + 3);
	}
	/* Who writes "3des 192" means the one length that there is; it is not said. */
	assert_int_equal(ike1_wire_bits(ALG_ENC_3DES_CBC, 192), 0);
	assert_int_equal(ike1_wire_bits((enum alg_enc)200, 128), 0);
	assert_int_equal(ike1_enc_key_len((enum alg_enc)200, 128), 0);
}

static void test_numbers_of_integrity(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(auths); i++) {
		enum alg_auth id = auths[i].id;

		assert_int_equal(ike1_auth_attr(id), auths[i].attr);
		assert_int_equal(ike1_ah_transform(id), auths[i].ah);
		assert_int_equal(ike1_auth_key_len(id), auths[i].key);
		if (auths[i].attr)
			assert_int_equal(ike1_auth_of(auths[i].attr), id);
	}
	assert_int_equal(ike1_auth_key_len((enum alg_auth)200), 0);
}

/* Every number that a peer may send: one of ours and back, or nothing. */
static void test_numbers_from_the_wire(void **state)
{
	for (unsigned n = 0; n <= UINT8_MAX; n++) {
		enum alg_enc id = ike1_enc_of((uint8_t)n);

		if (id != ALG_ENC_NONE)
			assert_int_equal(ike1_esp_transform(id), n);
	}
	for (unsigned n = 0; n <= UINT16_MAX; n++) {
		enum alg_auth id = ike1_auth_of((uint16_t)n);

		if (id != ALG_AUTH_NONE)
			assert_int_equal(ike1_auth_attr(id), n);
	}
}

static void test_numbers_of_protocols(void **state)
{
	unsigned ours = 0;

	for (unsigned n = 0; n <= UINT8_MAX; n++) {
		enum ipsec_proto p = ike1_proto_of((uint8_t)n);

		if (p == IPSEC_PROTO_NONE)
			continue;
		assert_int_equal(ike1_wire_proto(p), n);
		ours++;
	}
	assert_int_equal(ours, 3);
	assert_int_equal(ike1_wire_proto(IPSEC_AH), 2);
	assert_int_equal(ike1_wire_proto(IPSEC_ESP), 3);
	assert_int_equal(ike1_wire_proto(IPSEC_IPCOMP), 4);
}

static const struct ike_offer guide = {.enc = ALG_ENC_3DES_CBC,
    .hash = ALG_PRF_HMAC_SHA1,
    .group = ALG_GROUP_MODP1024,
    .auth = IKE_AUTH_PSK,
    .seconds = 3600};

static void test_numbers_of_an_offer(void **state)
{
	struct ike_offer o = guide;
	struct ike1_own1 got;

	assert_true(ike1_from_offer(&o, true, &got));
	assert_int_equal(got.cipher, IKE1_CIPHER_3DES);
	assert_int_equal(got.hash, IKE1_HASH_SHA1);
	assert_int_equal(got.auth, IKE1_AUTH_PSK);
	assert_int_equal(got.group, 2);
	assert_int_equal(got.key_bits, 0);
	assert_int_equal(got.seconds, 3600);
	o.enc = ALG_ENC_AES_CBC;
	assert_true(ike1_from_offer(&o, true, &got));
	assert_int_equal(got.key_bits, 128);
	o.key_bits = 256;
	assert_true(ike1_from_offer(&o, true, &got));
	assert_int_equal(got.key_bits, 256);
	o.hash = ALG_PRF_HMAC_SHA512;
	assert_true(ike1_from_offer(&o, true, &got));
	assert_int_equal(got.hash, IKE1_HASH_SHA512);
}

/* Each of its four parts must have a number. */
static void test_numbers_that_an_offer_lacks(void **state)
{
	struct ike_offer o[] = {guide, guide, guide, guide, guide};
	struct ike1_own1 got;

	o[0].enc = ALG_ENC_AES_GCM_16; /* no cipher for version 1's own messages */
	o[1].enc = ALG_ENC_NULL;
	o[2].hash = ALG_PRF_NONE;
	o[3].group = ALG_GROUP_NONE;
	o[4].auth = IKE_AUTH_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		assert_false(ike1_from_offer(&o[i], true, &got));
}

/* For XAuth the number depends on who began: what the one offers is what the other expects. */
static void test_numbers_of_xauth(void **state)
{
	static const enum ike_auth_method pairs[][2] = {
	    {IKE_AUTH_XAUTH_PSK_CLIENT, IKE_AUTH_XAUTH_PSK_SERVER},
	    {IKE_AUTH_XAUTH_RSA_CLIENT, IKE_AUTH_XAUTH_RSA_SERVER}, {IKE_AUTH_PSK, IKE_AUTH_PSK},
	    {IKE_AUTH_RSA, IKE_AUTH_RSA}};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		for (int began = 0; began < 2; began++) {
			struct ike_offer client = guide, server = guide;
			struct ike1_own1 a, b;

			client.auth = pairs[i][0];
			server.auth = pairs[i][1];
			assert_true(ike1_from_offer(&client, began, &a));
			assert_true(ike1_from_offer(&server, !began, &b));
			assert_int_equal(a.auth, b.auth);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers_of_ciphers),
	    cmocka_unit_test(test_numbers_of_key_lengths),
	    cmocka_unit_test(test_numbers_of_integrity),
	    cmocka_unit_test(test_numbers_from_the_wire),
	    cmocka_unit_test(test_numbers_of_protocols),
	    cmocka_unit_test(test_numbers_of_an_offer),
	    cmocka_unit_test(test_numbers_that_an_offer_lacks),
	    cmocka_unit_test(test_numbers_of_xauth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
