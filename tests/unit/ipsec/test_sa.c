/*
 * The algorithm table against setkey.md section 7 and the RFCs it names, and what may be an SA.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "ipsec/sa.h"

static const struct {
	const char *name, *alias, *stat_name;
	enum alg_enc id;
	uint8_t keys[3], salt, block, iv, icv;
	bool counter;
	uint8_t from, to; /* instead of keys: any number of bytes */
} encs[] = {
    {"3des-cbc", NULL, "3des-cbc", ALG_ENC_3DES_CBC, {24, 0, 0}, 0, 8, 8, 0, false}, /* RFC 2451 */
    {"aes-cbc", "rijndael-cbc", "rijndael-cbc", ALG_ENC_AES_CBC, {16, 24, 32}, 0, 16, 16, 0,
        false},                                                                              /* RFC 3602 */
    {"aes-gcm-16", NULL, "aes-gcm-16", ALG_ENC_AES_GCM_16, {20, 28, 36}, 4, 1, 8, 16, true}, /* RFC 4106 */
    {"null", "simple", "null", ALG_ENC_NULL, {0, 0, 0}, 0, 1, 0, 0, false},                  /* RFC 2410 */
    {"des-cbc", NULL, "des-cbc", ALG_ENC_DES_CBC, {8, 0, 0}, 0, 8, 8, 0, false},             /* RFC 2405 */
    /* RFC 2451 sections 2.2 and 2.5 */
    {"cast128-cbc", NULL, "cast128-cbc", ALG_ENC_CAST128_CBC, {0, 0, 0}, 0, 8, 8, 0, false, 5, 16},
    {"blowfish-cbc", NULL, "blowfish-cbc", ALG_ENC_BLOWFISH_CBC, {0, 0, 0}, 0, 8, 8, 0, false, 5, 56},
    {"camellia-cbc", NULL, "camellia-cbc", ALG_ENC_CAMELLIA_CBC, {16, 24, 32}, 0, 16, 16, 0,
        false},                                                                          /* RFC 4312 */
    {"aes-ctr", NULL, "aes-ctr", ALG_ENC_AES_CTR, {20, 28, 36}, 4, 1, 8, 0, true},       /* RFC 3686 */
    {"aes-gcm-8", NULL, "aes-gcm-8", ALG_ENC_AES_GCM_8, {20, 28, 36}, 4, 1, 8, 8, true}, /* RFC 4106 */
    {"aes-gcm-12", NULL, "aes-gcm-12", ALG_ENC_AES_GCM_12, {20, 28, 36}, 4, 1, 8, 12, true},
    {"aes-ccm-8", NULL, "aes-ccm-8", ALG_ENC_AES_CCM_8, {19, 27, 35}, 3, 1, 8, 8, true}, /* RFC 4309 */
    {"aes-ccm-12", NULL, "aes-ccm-12", ALG_ENC_AES_CCM_12, {19, 27, 35}, 3, 1, 8, 12, true},
    {"aes-ccm-16", NULL, "aes-ccm-16", ALG_ENC_AES_CCM_16, {19, 27, 35}, 3, 1, 8, 16, true},
    {"aes-gmac", NULL, "aes-gmac", ALG_ENC_AES_GMAC, {20, 28, 36}, 4, 1, 8, 16, true}, /* RFC 4543 */
    {"chacha20-poly1305", NULL, "chacha20-poly1305", ALG_ENC_CHACHA20_POLY1305, {36, 0, 0}, 4, 1, 8, 16,
        true}, /* RFC 7634 */
};

static void test_alg_ciphers_have_the_rfcs_geometry(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(encs); i++) {
		const struct alg_enc_info *a = alg_enc_by_name(encs[i].name);

		assert_non_null(a);
		assert_ptr_equal(a, alg_enc_by_id(encs[i].id));
		assert_int_equal(a->id, encs[i].id);
		assert_string_equal(a->name, encs[i].name);
		assert_string_equal(a->stat_name, encs[i].stat_name);
		if (encs[i].alias)
			assert_ptr_equal(alg_enc_by_name(encs[i].alias), a);
		for (size_t n = 0; n < 300; n++) {
			bool good = encs[i].to ? n >= encs[i].from && n <= encs[i].to
			                       : n == encs[i].keys[0] ||
			                             (n && (n == encs[i].keys[1] || n == encs[i].keys[2]));

			assert_int_equal(alg_enc_keylen_ok(a, n), good);
		}
		assert_int_equal(a->salt_len, encs[i].salt);
		assert_int_equal(a->block, encs[i].block);
		assert_int_equal(a->iv_len, encs[i].iv);
		assert_int_equal(a->icv_len, encs[i].icv);
		assert_int_equal(a->counter, encs[i].counter);
		assert_int_equal(a->aead, encs[i].icv > 0);
		assert_true(
		    a->key_max <= ALG_KEY_MAX && a->icv_len <= ALG_ICV_MAX && a->iv_len <= ALG_IV_MAX);
	}
}

static const struct {
	const char *name, *alias;
	enum alg_auth id;
	uint8_t key, icv, digest;
	uint8_t more; /* two longer keys, this far apart */
} auths[] = {
    {"hmac-md5", NULL, ALG_AUTH_HMAC_MD5, 16, 12, 16},                  /* RFC 2403 */
    {"hmac-sha1", NULL, ALG_AUTH_HMAC_SHA1, 20, 12, 20},                /* RFC 2404 */
    {"hmac-sha256", "hmac-sha2-256", ALG_AUTH_HMAC_SHA256, 32, 16, 32}, /* RFC 4868 */
    {"hmac-sha384", "hmac-sha2-384", ALG_AUTH_HMAC_SHA384, 48, 24, 48},
    {"hmac-sha512", "hmac-sha2-512", ALG_AUTH_HMAC_SHA512, 64, 32, 64},
    {"hmac-ripemd160", NULL, ALG_AUTH_HMAC_RIPEMD160, 20, 12, 20}, /* RFC 2857 */
    {"aes-xcbc-mac", NULL, ALG_AUTH_AES_XCBC, 16, 12, 16},         /* RFC 3566 */
    {"aes-cmac", NULL, ALG_AUTH_AES_CMAC, 16, 12, 16},             /* RFC 4494 */
    {"md5", "keyed-md5", ALG_AUTH_KEYED_MD5, 16, 12, 16},          /* RFC 1828, cut as setkey does */
    {"sha", "keyed-sha1", ALG_AUTH_KEYED_SHA1, 20, 12, 20},
    {"aes-gmac", NULL, ALG_AUTH_AES_GMAC, 20, 24, 24, 8}, /* RFC 4543, with its IV */
};

static void test_alg_hashes_have_the_rfcs_geometry(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(auths); i++) {
		const struct alg_auth_info *a = alg_auth_by_name(auths[i].name);

		assert_non_null(a);
		assert_ptr_equal(a, alg_auth_by_id(auths[i].id));
		assert_string_equal(a->name, auths[i].name);
		if (auths[i].alias)
			assert_ptr_equal(alg_auth_by_name(auths[i].alias), a);
		for (size_t n = 0; n < 300; n++)
			assert_int_equal(alg_auth_keylen_ok(a, n),
			    n == auths[i].key ||
			        (auths[i].more && (n == auths[i].key + auths[i].more ||
			                              n == auths[i].key + 2U * auths[i].more)));
		assert_int_equal(a->icv_len, auths[i].icv);
		assert_int_equal(a->digest_len, auths[i].digest);
	}
}

/* Numbers and names are each used once, in the tables and in the histogram. */
static void test_alg_tables_are_without_repetition(void **state)
{
	(void)state;
	for (size_t i = 0; alg_enc_at(i); i++)
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(alg_enc_at(i)->id, alg_enc_at(k)->id);
			assert_int_not_equal(alg_enc_at(i)->stat_order, alg_enc_at(k)->stat_order);
			assert_string_not_equal(alg_enc_at(i)->name, alg_enc_at(k)->name);
		}
	for (size_t i = 0; alg_auth_at(i); i++)
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(alg_auth_at(i)->id, alg_auth_at(k)->id);
			assert_int_not_equal(alg_auth_at(i)->stat_order, alg_auth_at(k)->stat_order);
			assert_string_not_equal(alg_auth_at(i)->name, alg_auth_at(k)->name);
		}
}

static void test_alg_strangers_are_unknown(void **state)
{
	static const char *const known[] = {"blowfish-cbc", "des-cbc", "keyed-md5", "aes-ctr", "deflate",
	    "3des-cbc", "simple", "hmac-sha2-256", "twofish-cbc", "des-32iv", "lzs", "tcp-md5"};

	(void)state;
	assert_null(alg_enc_by_id(0));
	assert_null(alg_enc_by_id(17));
	assert_null(alg_enc_by_id(UINT32_MAX));
	assert_null(alg_auth_by_id(0));
	assert_null(alg_auth_by_id(12));
	assert_null(alg_enc_by_name("hmac-md5"));
	assert_null(alg_auth_by_name("3des-cbc"));
	assert_null(alg_enc_by_name(""));
	assert_null(alg_enc_by_name("3DES-CBC"));
	assert_null(alg_enc_by_name("twofish-cbc"));
	assert_null(alg_comp_name(3));
	assert_string_equal(alg_comp_name(ALG_COMP_DEFLATE), "deflate");
	assert_int_equal(alg_comp_by_name("lzs"), ALG_COMP_NONE);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_true(alg_name_is_known(known[i]));
	assert_false(alg_name_is_known("rot13"));
	assert_false(alg_name_is_known(""));
}

/* By either spelling, and back to the name that dumps print. */
static void test_alg_shortened_hashes(void **state)
{
	static const struct {
		const char *name, *dumped, *whole;
	} cases[] = {
	    {"hmac-sha256-96", "hmac-sha256-96", "hmac-sha256"},
	    {"hmac-sha2-256-96", "hmac-sha256-96", "hmac-sha256"},
	    {"hmac-sha2-384-96", "hmac-sha384-96", "hmac-sha384"},
	    {"hmac-sha2-512-96", "hmac-sha512-96", "hmac-sha512"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct alg_auth_short *s = alg_auth_short_by_name(cases[i].name);

		assert_non_null(s);
		assert_int_equal(s->icv_len, 12);
		assert_ptr_equal(alg_auth_by_name(cases[i].name), alg_auth_by_id(s->id));
		assert_string_equal(alg_auth_name(alg_auth_by_id(s->id), 12), cases[i].dumped);
		assert_string_equal(alg_auth_name(alg_auth_by_id(s->id), 0), cases[i].whole);
		assert_string_equal(
		    alg_auth_name(alg_auth_by_id(s->id), alg_auth_by_id(s->id)->icv_len), cases[i].whole);
		assert_null(alg_auth_short_by_name(cases[i].whole));
	}
	assert_string_equal(alg_auth_name(alg_auth_by_name("hmac-sha1"), 12), "hmac-sha1");
}

/* The SA of the case differs from a good one (esp, 3des, hmac-sha1) in one thing. */
static const struct {
	const char *what;
	int want;
	struct sa_desc bend; /* fields that are set replace the good one's */
	enum { KEEP, NO_AUTH, NO_ENC, ONLY_GCM, ONLY_AUTH_AH, NO_ALG } shape;
} sas[] = {
    {"good", 0, {.spi = 4096}, KEEP},
    {"esp without authentication", 0, {.spi = 4096}, NO_AUTH},
    {"esp without encryption", -EINVAL, {.spi = 4096}, NO_ENC},
    {"ah", 0, {.proto = IPSEC_AH}, ONLY_AUTH_AH},
    {"ah with encryption", -EINVAL, {.proto = IPSEC_AH}, KEEP},
    {"ah without anything", -EINVAL, {.proto = IPSEC_AH}, NO_AUTH},
    {"ipcomp", 0, {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE}, NO_ALG},
    {"ipcomp raw", 0, {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE, .flags = SA_F_RAWCPI}, NO_ALG},
    {"ipcomp with keys", -EINVAL, {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE}, KEEP},
    {"ipcomp with a hash", -EINVAL, {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE}, NO_ENC},
    {"ipcomp without compression", -EINVAL, {.proto = IPSEC_IPCOMP}, NO_ALG},
    {"ipcomp with unknown compression", -EINVAL, {.proto = IPSEC_IPCOMP, .comp = (enum alg_comp)3}, NO_ALG},
    {"ipcomp spi largest", 0, {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE, .spi = 0xffff}, NO_ALG},
    {"ipcomp spi of 17 bits", -EINVAL, {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE, .spi = 0x10000},
        NO_ALG},
    {"ipcomp spi 255", -EINVAL, {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE, .spi = 255}, NO_ALG},
    {"ipcomp in UDP", -EINVAL,
        {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE, .encap = {.sport = 4500, .dport = 4500}}, NO_ALG},
    {"ipcomp with extended numbers", -EINVAL,
        {.proto = IPSEC_IPCOMP, .comp = ALG_COMP_DEFLATE, .flags = SA_F_ESN, .replay_bytes = 4}, NO_ALG},
    {"compression in esp", -EINVAL, {.comp = ALG_COMP_DEFLATE}, KEEP},
    {"raw CPI in esp", -EINVAL, {.flags = SA_F_RAWCPI}, KEEP},
    {"esp in UDP", 0, {.encap = {.sport = 4500, .dport = 4500}}, KEEP},
    {"esp in UDP behind a NAT", 0, {.encap = {.sport = 4500, .dport = 1}}, KEEP},
    {"esp in UDP with the other end behind a NAT", 0, {.encap = {.sport = 65535, .dport = 4500}}, KEEP},
    {"esp in UDP without our port", -EINVAL, {.encap = {.sport = 500, .dport = 500}}, KEEP},
    {"esp in UDP with one port", -EINVAL, {.encap = {.dport = 4500}}, KEEP},
    {"esp in UDP with the other port", -EINVAL, {.encap = {.sport = 4500}}, KEEP},
    {"esp in UDP in pieces", 0, {.encap = {.sport = 4500, .dport = 4500, .frag = SA_FRAG_MIN}}, KEEP},
    {"esp in UDP in crumbs", -EINVAL, {.encap = {.sport = 4500, .dport = 4500, .frag = SA_FRAG_MIN - 1}},
        KEEP},
    {"pieces without UDP", -EINVAL, {.encap = {.frag = 1000}}, KEEP},
    {"keepalives", 0, {.encap = {.sport = 4500, .dport = 4500, .keepalive_s = 1}}, KEEP},
    {"keepalives without UDP", -EINVAL, {.encap = {.keepalive_s = 1}}, KEEP},
    {"original address", 0, {.encap = {.sport = 4500, .dport = 4500, .nat_oa = {.family = INET_V4}}}, KEEP},
    {"original address of the other family", -EINVAL,
        {.encap = {.sport = 4500, .dport = 4500, .nat_oa = {.family = INET_V6}}}, KEEP},
    {"original address without UDP", -EINVAL, {.encap = {.nat_oa = {.family = INET_V4}}}, KEEP},
    {"ah in UDP", -EINVAL, {.proto = IPSEC_AH, .encap = {.sport = 4500, .dport = 4500}}, ONLY_AUTH_AH},
    {"extended numbers", 0, {.flags = SA_F_ESN, .replay_bytes = 4}, KEEP},
    {"extended numbers of ah", 0, {.proto = IPSEC_AH, .flags = SA_F_ESN, .replay_bytes = 1}, ONLY_AUTH_AH},
    {"extended numbers of a combined mode", 0,
        {.enc = ALG_ENC_AES_GCM_16,
            .enc_key_len = 20,
            .fresh_key = true,
            .flags = SA_F_ESN,
            .replay_bytes = 4},
        ONLY_GCM},
    {"extended numbers without authentication", -EINVAL, {.flags = SA_F_ESN, .replay_bytes = 4}, NO_AUTH},
    {"extended numbers without window", -EINVAL, {.flags = SA_F_ESN}, KEEP},
    {"extended numbers that wrap", -EINVAL, {.flags = SA_F_ESN | SA_F_CYCLIC, .replay_bytes = 4}, KEEP},
    {"ctr", -EINVAL, {.enc = ALG_ENC_AES_CTR, .enc_key_len = 20, .fresh_key = true}, NO_AUTH},
    {"ctr with a hash", 0, {.enc = ALG_ENC_AES_CTR, .enc_key_len = 20, .fresh_key = true}, KEEP},
    {"ctr with a hash and an old key", -EINVAL, {.enc = ALG_ENC_AES_CTR, .enc_key_len = 20}, KEEP},
    {"gmac in esp", 0, {.enc = ALG_ENC_AES_GMAC, .enc_key_len = 36, .fresh_key = true}, ONLY_GCM},
    {"gmac as the hash of esp", -EINVAL, {.auth = ALG_AUTH_AES_GMAC, .auth_key_len = 20, .fresh_key = true},
        KEEP},
    {"gmac in ah", 0, {.proto = IPSEC_AH, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 28, .fresh_key = true},
        ONLY_AUTH_AH},
    {"gmac in ah with an old key", -EINVAL,
        {.proto = IPSEC_AH, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 28}, ONLY_AUTH_AH},
    {"gmac in ah with another icv", -EINVAL,
        {.proto = IPSEC_AH, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 28, .fresh_key = true, .icv_len = 12},
        ONLY_AUTH_AH},
    {"gmac in ah with a key of 24", -EINVAL,
        {.proto = IPSEC_AH, .auth = ALG_AUTH_AES_GMAC, .auth_key_len = 24, .fresh_key = true}, ONLY_AUTH_AH},
    {"sha256 cut to 96 bits", 0, {.auth = ALG_AUTH_HMAC_SHA256, .auth_key_len = 32, .icv_len = 12}, KEEP},
    {"sha512 whole is too long", -EINVAL, {.auth = ALG_AUTH_HMAC_SHA512, .auth_key_len = 64, .icv_len = 33},
        KEEP},
    {"blowfish with 56", 0, {.enc = ALG_ENC_BLOWFISH_CBC, .enc_key_len = 56}, KEEP},
    {"blowfish with 57", -EINVAL, {.enc = ALG_ENC_BLOWFISH_CBC, .enc_key_len = 57}, KEEP},
    {"keyed md5", 0, {.auth = ALG_AUTH_KEYED_MD5, .auth_key_len = 16}, KEEP},
    {"tcp", -EINVAL, {.proto = (enum ipsec_proto)6}, KEEP},
    {"spi 255", -EINVAL, {.spi = 255}, KEEP},
    {"spi 1", -EINVAL, {.spi = 1}, KEEP},
    {"spi 256", 0, {.spi = 256}, KEEP},
    {"spi largest", 0, {.spi = UINT32_MAX}, KEEP},
    {"mode any", 0, {.mode = IPSEC_MODE_ANY}, KEEP},
    {"mode transport", 0, {.mode = IPSEC_TRANSPORT}, KEEP},
    {"mode 4", -EINVAL, {.mode = (enum ipsec_mode)4}, KEEP},
    {"window at the limit", 0, {.replay_bytes = 8192}, KEEP},
    {"window above the limit", -EINVAL, {.replay_bytes = 8193}, KEEP},
    {"cyclic", 0, {.flags = SA_F_CYCLIC}, KEEP},
    {"old format", -EOPNOTSUPP, {.flags = SA_F_OLD}, KEEP},
    {"derived iv", -EOPNOTSUPP, {.flags = SA_F_DERIV}, KEEP},
    {"unknown flag", -EOPNOTSUPP, {.flags = 0x1000}, KEEP},
    {"unknown cipher", -EINVAL, {.enc = (enum alg_enc)77}, KEEP},
    {"unknown hash", -EINVAL, {.auth = (enum alg_auth)77}, KEEP},
    {"cipher key too short", -EINVAL, {.enc_key_len = 23}, KEEP},
    {"cipher key of another cipher", -EINVAL, {.enc = ALG_ENC_NULL}, KEEP},
    {"aes key", 0, {.enc = ALG_ENC_AES_CBC, .enc_key_len = 32}, KEEP},
    {"hash key too long", -EINVAL, {.auth_key_len = 21}, KEEP},
    {"icv of 12", 0, {.icv_len = 12}, KEEP},
    {"icv of the whole hash", 0, {.icv_len = 20}, KEEP},
    {"icv longer than the hash", -EINVAL, {.icv_len = 21}, KEEP},
    {"icv too short", -EINVAL, {.icv_len = 11}, KEEP},
    {"icv without hash", -EINVAL, {.icv_len = 12}, NO_AUTH},
    {"gcm", -EINVAL, {.enc = ALG_ENC_AES_GCM_16, .enc_key_len = 20}, ONLY_GCM},
    {"gcm with fresh-key", 0, {.enc = ALG_ENC_AES_GCM_16, .enc_key_len = 20, .fresh_key = true}, ONLY_GCM},
    {"gcm cyclic", -EINVAL,
        {.enc = ALG_ENC_AES_GCM_16, .enc_key_len = 20, .fresh_key = true, .flags = SA_F_CYCLIC}, ONLY_GCM},
    {"gcm with a hash", -EINVAL, {.enc = ALG_ENC_AES_GCM_16, .enc_key_len = 20, .fresh_key = true}, KEEP},
    {"families differ", -EINVAL, {.src = {.family = INET_V6}}, KEEP},
    {"IPv6", 0, {.src = {.family = INET_V6}, .dst = {.family = INET_V6}}, KEEP},
};

#define BEND(field)                                                                                          \
	do {                                                                                                 \
		if (b->field)                                                                                \
			d.field = b->field;                                                                  \
	} while (0)

static struct sa_desc bent(size_t i)
{
	const struct sa_desc *b = &sas[i].bend;
	struct sa_desc d = {.src = inet_addr_v4(1),
	    .dst = inet_addr_v4(2),
	    .proto = IPSEC_ESP,
	    .spi = 4096,
	    .mode = IPSEC_TUNNEL,
	    .enc = ALG_ENC_3DES_CBC,
	    .auth = ALG_AUTH_HMAC_SHA1,
	    .enc_key_len = 24,
	    .auth_key_len = 20};

	BEND(proto);
	BEND(spi);
	BEND(mode);
	BEND(replay_bytes);
	BEND(flags);
	BEND(enc);
	BEND(auth);
	BEND(enc_key_len);
	BEND(auth_key_len);
	BEND(icv_len);
	BEND(fresh_key);
	BEND(comp);
	BEND(encap.sport);
	BEND(encap.dport);
	BEND(encap.frag);
	BEND(encap.keepalive_s);
	BEND(encap.nat_oa.family);
	BEND(src.family);
	BEND(dst.family);
	if (sas[i].shape == NO_AUTH || sas[i].shape == ONLY_GCM || sas[i].shape == NO_ALG) {
		d.auth = ALG_AUTH_NONE;
		d.auth_key_len = 0;
	}
	if (sas[i].shape == NO_ENC || sas[i].shape == ONLY_AUTH_AH || sas[i].shape == NO_ALG) {
		d.enc = ALG_ENC_NONE;
		d.enc_key_len = 0;
	}
	return d;
}

static void test_sa_check_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sas); i++) {
		struct sa_desc d = bent(i);
		const char *why = "";
		int r = sa_desc_check(&d, &why);

		if (r != sas[i].want || (r < 0 && strlen(why) < 10))
			fail_msg("%s: %d '%s'", sas[i].what, r, why);
	}
}

static void test_sa_protocol_words(void **state)
{
	struct sa_desc d = {.proto = IPSEC_ESP};

	(void)state;
	assert_string_equal(sa_proto_word(&d), "esp");
	d.encap.sport = d.encap.dport = SA_UDP_PORT;
	assert_string_equal(sa_proto_word(&d), "esp-udp");
	assert_string_equal(sa_proto_word(&(struct sa_desc){.proto = IPSEC_IPCOMP}), "ipcomp");
	assert_string_equal(sa_proto_word(&(struct sa_desc){.proto = IPSEC_AH}), "ah");
}

static void test_sa_state_names(void **state)
{
	(void)state;
	assert_string_equal(sa_state_name(SA_LARVAL), "larval");
	assert_string_equal(sa_state_name(SA_MATURE), "mature");
	assert_string_equal(sa_state_name(SA_DYING), "dying");
	assert_string_equal(sa_state_name(SA_DEAD), "dead");
	assert_string_equal(sa_state_name(SA_STATE_NONE), "?");
	assert_string_equal(sa_state_name((enum sa_state)99), "?");
}

static void test_reqids_are_sorted_and_stand_once(void **state)
{
	static const uint32_t want[] = {1, 3, 7, UINT32_MAX};
	uint32_t v[] = {7, UINT32_MAX, 3, 7, 1, 3};

	(void)state;
	assert_false(sa_reqids_rise(v, ARRAY_SIZE(v)));
	assert_int_equal(sa_reqids_sort(v, ARRAY_SIZE(v)), ARRAY_SIZE(want));
	assert_memory_equal(v, want, sizeof(want));
	assert_true(sa_reqids_rise(v, ARRAY_SIZE(want)));
	assert_true(sa_reqids_have(v, ARRAY_SIZE(want), 7));
	assert_false(sa_reqids_have(v, ARRAY_SIZE(want), 2));
	assert_int_equal(sa_reqids_sort(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reqids_are_sorted_and_stand_once),
	    cmocka_unit_test(test_alg_ciphers_have_the_rfcs_geometry),
	    cmocka_unit_test(test_alg_hashes_have_the_rfcs_geometry),
	    cmocka_unit_test(test_alg_tables_are_without_repetition),
	    cmocka_unit_test(test_alg_strangers_are_unknown),
	    cmocka_unit_test(test_alg_shortened_hashes),
	    cmocka_unit_test(test_sa_check_table),
	    cmocka_unit_test(test_sa_protocol_words),
	    cmocka_unit_test(test_sa_state_names),
	};

	return cmocka_run_group_tests_name("ipsec/alg, sa", tests, NULL, NULL);
}
