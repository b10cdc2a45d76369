/*
 * What `status` says about SAs: each remark for the SAs it is about and for no others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "cli/weak.h"
#include "cli/weak_ike.h"

static const char *const names[] = {"unauthenticated", "3des", "des", "blowfish", "cast128", "clear", "md5",
    "sha1", "keyed_hash", "ripemd160", "no_replay_check"};

/* The kinds said about one SA as a word of bits in the order above. */
static unsigned said(enum ipsec_proto proto, enum alg_enc enc, enum alg_auth auth, uint32_t replay)
{
	struct sa_desc d = {.proto = proto, .enc = enc, .auth = auth, .replay_bytes = replay};
	struct weak_notes w = {{0}, 0};
	unsigned bits = 0;

	weak_judge(&w, &d);
	assert_int_equal(w.n_sas, 1);
	for (size_t k = 0; k < WEAK_KINDS; k++) {
		assert_string_equal(weak_name(k), names[k]);
		assert_true(strlen(weak_text(k)) > 10);
		bits |= w.n[k] ? 1U << k : 0;
	}
	return bits;
}

static void test_weak_each_remark_for_its_own_sas(void **state)
{
	static const struct {
		enum ipsec_proto proto;
		enum alg_enc enc;
		enum alg_auth auth;
		uint32_t replay;
		unsigned bits;
	} cases[] = {
	    /* 1 */ {IPSEC_ESP, ALG_ENC_3DES_CBC, ALG_AUTH_NONE, 0, 0x403}, /* the guide's own */
	    /* 2 */ {IPSEC_AH, ALG_ENC_NONE, ALG_AUTH_HMAC_MD5, 0, 0x440},
	    /* 3 */ {IPSEC_ESP, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE, 4, 0},
	    /* 4 */ {IPSEC_ESP, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, 4, 0},
	    /* 5 */ {IPSEC_ESP, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1, 4, 0x80},
	    /* 6 */ {IPSEC_ESP, ALG_ENC_NULL, ALG_AUTH_HMAC_SHA512, 4, 0x20},
	    /* 7 */ {IPSEC_AH, ALG_ENC_NONE, ALG_AUTH_HMAC_SHA256, 32, 0},
	    /* 8 */ {IPSEC_ESP, ALG_ENC_AES_CBC, ALG_AUTH_NONE, 4, 0x1},
	    /* 9 */ {IPSEC_ESP, ALG_ENC_DES_CBC, ALG_AUTH_HMAC_SHA256, 4, 0x4},
	    /* 10 */ {IPSEC_ESP, ALG_ENC_BLOWFISH_CBC, ALG_AUTH_HMAC_SHA256, 4, 0x8},
	    /* 11 */ {IPSEC_ESP, ALG_ENC_CAST128_CBC, ALG_AUTH_HMAC_SHA256, 4, 0x10},
	    /* 12 */ {IPSEC_AH, ALG_ENC_NONE, ALG_AUTH_KEYED_MD5, 4, 0x100},
	    /* 13 */ {IPSEC_AH, ALG_ENC_NONE, ALG_AUTH_KEYED_SHA1, 4, 0x100},
	    /* 14 */ {IPSEC_ESP, ALG_ENC_CAMELLIA_CBC, ALG_AUTH_HMAC_RIPEMD160, 4, 0x200},
	    /* 15 */ {IPSEC_ESP, ALG_ENC_AES_CTR, ALG_AUTH_AES_XCBC, 4, 0},
	    /* 16 */ {IPSEC_ESP, ALG_ENC_CHACHA20_POLY1305, ALG_AUTH_NONE, 4, 0},
	    /* 17 */ {IPSEC_IPCOMP, ALG_ENC_NONE, ALG_AUTH_NONE, 0, 0},
	    /* 18 */ {IPSEC_ESP, ALG_ENC_AES_GMAC, ALG_AUTH_NONE, 4, 0x20},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
		    said(cases[i].proto, cases[i].enc, cases[i].auth, cases[i].replay), cases[i].bits);
}

/* The same of key exchange: as bits, the cipher, the hash, the group, and whether others can guess. */
static unsigned said_ike(
    enum alg_enc enc, enum alg_prf prf, enum alg_group group, enum ike_mode mode, enum ike_auth_method auth)
{
	static const char *const ike_names[] = {"cipher", "hash", "group", "guess"};
	const struct ike_row_sa sa = {
	    .version = 1, .agreed = true, .enc = enc, .prf = prf, .group = group, .mode = mode, .auth = auth};
	struct weak_ike_notes w = {{0}, 0};
	unsigned bits = 0;

	weak_ike_judge(&w, &sa);
	assert_int_equal(w.n_sas, 1);
	for (size_t k = 0; k < WEAK_IKE_KINDS; k++) {
		assert_string_equal(weak_ike_name(k), ike_names[k]);
		assert_true(strlen(weak_ike_text(k)) > 10);
		bits |= w.n[k] ? 1U << k : 0;
	}
	return bits;
}

static void test_weak_key_exchange(void **state)
{
	const struct ike_row_sa nothing_agreed = {.version = 1, .mode = IKE_MODE_AGGRESSIVE};
	struct weak_ike_notes w = {{0}, 0};

	assert_int_equal(
	    said_ike(ALG_ENC_AES_CBC, ALG_PRF_HMAC_SHA256, ALG_GROUP_MODP2048, IKE_MODE_MAIN, IKE_AUTH_PSK),
	    0);
	/* The guide's own. */
	assert_int_equal(said_ike(ALG_ENC_3DES_CBC, ALG_PRF_HMAC_SHA1, ALG_GROUP_MODP1024,
	                     IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK),
	    0xf);
	assert_int_equal(said_ike(ALG_ENC_BLOWFISH_CBC, ALG_PRF_HMAC_MD5, ALG_GROUP_MODP1536,
	                     IKE_MODE_AGGRESSIVE, IKE_AUTH_RSA),
	    0x7);
	assert_int_equal(said_ike(ALG_ENC_AES_CBC, ALG_PRF_HMAC_SHA512, ALG_GROUP_CURVE25519, IKE_MODE_BASE,
	                     IKE_AUTH_XAUTH_PSK_SERVER),
	    0x8);
	for (enum alg_group g = ALG_GROUP_MODP1024_160; g <= ALG_GROUP_MODP2048_256; g++)
		assert_int_equal(
		    said_ike(ALG_ENC_AES_CBC, ALG_PRF_HMAC_SHA512, g, IKE_MODE_MAIN, IKE_AUTH_RSA), 0x4);
	weak_ike_judge(&w, &nothing_agreed);
	assert_int_equal(w.n_sas, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_weak_each_remark_for_its_own_sas),
	    cmocka_unit_test(test_weak_key_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
