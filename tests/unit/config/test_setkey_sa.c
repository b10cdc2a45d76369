/*
 * SA statements that are right: every construct, every algorithm at the edges of its key lengths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "support/setkey_rig.h"

#define HEAD "add 192.0.2.1 192.0.2.2 esp 0x100 "

static struct setkey_rig rig;

static const struct sa_desc *read_one(const char *text)
{
	setkey_rig_read(&rig, text);
	if (rig.code != 0 || rig.n != 1 || rig.n_errors)
		fail_msg("%s\n%s", text, rig.messages);
	return &rig.stmts[0].sa.desc;
}

static void test_add_defaults_are_setkeys(void **state)
{
	const struct sa_desc *d = read_one("add 192.0.2.1 192.0.2.2 esp 256 -E null;");

	(void)state;
	assert_int_equal(rig.stmts[0].verb, SETKEY_ADD);
	assert_int_equal(d->proto, IPSEC_ESP);
	assert_int_equal(d->spi, 256);
	assert_int_equal(d->mode, IPSEC_MODE_ANY);
	assert_int_equal(d->flags, SA_F_CYCLIC);
	assert_int_equal(d->reqid | d->replay_bytes | d->icv_len | d->fresh_key, 0);
	assert_int_equal(d->life.soft_s | d->life.hard_s | d->life.soft_bytes | d->life.hard_bytes, 0);
	assert_int_equal(d->enc, ALG_ENC_NULL);
	assert_int_equal(d->auth, ALG_AUTH_NONE);
	assert_null(d->enc_key);
	assert_null(d->auth_key);
}

static void test_add_every_option_lands_in_its_field(void **state)
{
	const struct sa_desc *d = read_one(
	    HEAD "-m tunnel -r 4 -u 32767 -lh 3600 -ls 2880 -bh 1000000 -bs 18446744073709551615 -f zero-pad "
	         "-f nocyclic-seq "
	         "-ph 5000 -ps 4000 -E aes-cbc \"0123456789abcdef\" -A hmac-sha1 \"0123456789abcdef0123\";");

	(void)state;
	assert_int_equal(d->mode, IPSEC_TUNNEL);
	assert_int_equal(d->replay_bytes, 4);
	assert_int_equal(d->reqid, 32767);
	assert_int_equal(d->life.hard_s, 3600);
	assert_int_equal(d->life.soft_s, 2880);
	assert_int_equal(d->life.hard_bytes, 1000000);
	assert_true(d->life.soft_bytes == UINT64_MAX);
	assert_int_equal(d->life.hard_packets, 5000);
	assert_int_equal(d->life.soft_packets, 4000);
	assert_int_equal(d->flags, SA_F_ZEROPAD);
	assert_int_equal(d->enc_key_len, 16);
	assert_memory_equal(d->enc_key, "0123456789abcdef", 16);
	assert_int_equal(d->auth_key_len, 20);
	assert_memory_equal(d->auth_key, "0123456789abcdef0123", 20);
}

static void test_add_flags_words(void **state)
{
	static const struct {
		const char *options;
		uint32_t flags;
	} cases[] = {
	    {"", SA_F_CYCLIC},
	    {"-f seq-pad", SA_F_CYCLIC},
	    {"-f zero-pad", SA_F_CYCLIC | SA_F_ZEROPAD},
	    {"-f random-pad", SA_F_CYCLIC | SA_F_RANDPAD},
	    {"-f zero-pad -f seq-pad", SA_F_CYCLIC},
	    {"-f nocyclic-seq", 0},
	    {"-f nocyclic-seq -f random-pad", SA_F_RANDPAD},
	    {"-f fresh-key", 0},
	    {"-r 1 -f esn", SA_F_ESN},
	    {"-f esn -f nocyclic-seq -f zero-pad -r 1", SA_F_ESN | SA_F_ZEROPAD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text), HEAD "%s -E null -A hmac-md5 \"0123456789abcdef\";",
		    cases[i].options);
		assert_int_equal(read_one(text)->flags, cases[i].flags);
	}
}

static void test_add_the_last_of_repeated_options_wins(void **state)
{
	const struct sa_desc *d = read_one(HEAD "-m tunnel -u 1 -r 1 -m transport -u 2 -r 2 -E null;");

	(void)state;
	assert_int_equal(d->mode, IPSEC_TRANSPORT);
	assert_int_equal(d->reqid, 2);
	assert_int_equal(d->replay_bytes, 2);
}

static void test_add_spi_edges(void **state)
{
	static const struct {
		const char *text;
		uint32_t spi;
	} cases[] = {
	    {"256", 256},
	    {"0x100", 256},
	    {"0X10aF", 0x10af},
	    {"4294967295", 0xffffffff},
	    {"0xffffffff", 0xffffffff},
	    {"0x0000000000000100", 256},
	    {"00256", 256},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text), "add 192.0.2.1 192.0.2.2 esp %s -E null;", cases[i].text);
		assert_int_equal(read_one(text)->spi, cases[i].spi);
	}
}

/* "KEY" or 0xKEY of n bytes 'a', 'b', ... */
static void make_key(char *buf, size_t n, bool hex)
{
	strcpy(buf, hex ? "0x" : "\"");
	for (size_t i = 0; i < n; i++)
		sprintf(buf + strlen(buf), hex ? "%02x" : "%c", 'a' + (int)(i % 26));
	if (!hex)
		strcat(buf, "\"");
}

static void read_with_key(const char *opt, const char *alg, size_t n, bool hex)
{
	bool ah = strcmp(opt, "-A") == 0, ctr = strcmp(alg, "aes-ctr") == 0;
	char text[512], key[256];

	make_key(key, n, hex);
	snprintf(text, sizeof(text), "add 192.0.2.1 192.0.2.2 %s 0x100 -f fresh-key %s %s %s%s;",
	    ah ? "ah" : "esp", opt, alg, key, ctr ? " -A hmac-md5 \"0123456789abcdef\"" : "");
	setkey_rig_read(&rig, text);
}

static void expect_key(size_t n, bool auth)
{
	const struct sa_desc *d = &rig.stmts[0].sa.desc;
	const uint8_t *key = auth ? d->auth_key : d->enc_key;

	if (rig.code != 0 || rig.n != 1)
		fail_msg("%zu bytes: %s", n, rig.messages);
	assert_int_equal(auth ? d->auth_key_len : d->enc_key_len, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(key[i], 'a' + (int)(i % 26));
}

static void expect_key_refused(size_t n, bool hex)
{
	char want[64];

	snprintf(want, sizeof(want), "this key has %zu %s", n, n == 1 ? "byte" : "bytes");
	assert_int_equal(rig.code, SETKEY_FAULTY);
	assert_int_equal(rig.n, 0);
	/* An empty hex key is no hex key. */
	if (n || !hex) {
		assert_non_null(strstr(rig.messages, "Invalid key length"));
		assert_non_null(strstr(rig.messages, want));
	}
}

static void test_keys_of_every_cipher_at_the_edges(void **state)
{
	(void)state;
	for (size_t i = 0; alg_enc_at(i); i++) {
		const struct alg_enc_info *a = alg_enc_at(i);

		for (size_t n = 0; a->key_max && n <= (size_t)a->key_max + 1; n++) {
			for (int hex = 0; hex < 2; hex++) {
				read_with_key("-E", a->name, n, hex);
				if (n >= a->key_min && n <= a->key_max && (n - a->key_min) % a->key_step == 0)
					expect_key(n, false);
				else
					expect_key_refused(n, hex);
			}
		}
	}
}

static void test_keys_of_every_authentication_at_the_edges(void **state)
{
	(void)state;
	for (size_t i = 0; alg_auth_at(i); i++) {
		const struct alg_auth_info *a = alg_auth_at(i);

		for (size_t n = 0; n <= (size_t)a->key_max + 1; n++) {
			for (int hex = 0; hex < 2; hex++) {
				read_with_key("-A", a->name, n, hex);
				if (n >= a->key_min && n <= a->key_max && (n - a->key_min) % a->key_step == 0)
					expect_key(n, true);
				else
					expect_key_refused(n, hex);
			}
		}
	}
}

static void test_ciphers_by_every_name(void **state)
{
	static const struct {
		const char *name;
		enum alg_enc enc;
		size_t key;
	} encs[] = {
	    {"3des-cbc", ALG_ENC_3DES_CBC, 24},
	    {"aes-cbc", ALG_ENC_AES_CBC, 16},
	    {"rijndael-cbc", ALG_ENC_AES_CBC, 32},
	    {"des-cbc", ALG_ENC_DES_CBC, 8},
	    {"blowfish-cbc", ALG_ENC_BLOWFISH_CBC, 16},
	    {"cast128-cbc", ALG_ENC_CAST128_CBC, 16},
	    {"camellia-cbc", ALG_ENC_CAMELLIA_CBC, 24},
	    {"aes-ctr", ALG_ENC_AES_CTR, 28},
	    {"aes-gcm-8", ALG_ENC_AES_GCM_8, 20},
	    {"aes-gcm-12", ALG_ENC_AES_GCM_12, 28},
	    {"aes-gcm-16", ALG_ENC_AES_GCM_16, 20},
	    {"aes-ccm-8", ALG_ENC_AES_CCM_8, 19},
	    {"aes-ccm-12", ALG_ENC_AES_CCM_12, 27},
	    {"aes-ccm-16", ALG_ENC_AES_CCM_16, 35},
	    {"aes-gmac", ALG_ENC_AES_GMAC, 36},
	    {"chacha20-poly1305", ALG_ENC_CHACHA20_POLY1305, 36},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(encs); i++) {
		read_with_key("-E", encs[i].name, encs[i].key, false);
		expect_key(encs[i].key, false);
		assert_int_equal(rig.stmts[0].sa.desc.enc, encs[i].enc);
	}
}

static void test_hashes_by_every_name(void **state)
{
	static const struct {
		const char *name;
		enum alg_auth auth;
		size_t key;
		uint8_t icv;
	} auths[] = {
	    {"hmac-md5", ALG_AUTH_HMAC_MD5, 16, 0},
	    {"hmac-sha1", ALG_AUTH_HMAC_SHA1, 20, 0},
	    {"hmac-sha256", ALG_AUTH_HMAC_SHA256, 32, 0},
	    {"hmac-sha2-256", ALG_AUTH_HMAC_SHA256, 32, 0},
	    {"hmac-sha256-96", ALG_AUTH_HMAC_SHA256, 32, 12},
	    {"hmac-sha2-256-96", ALG_AUTH_HMAC_SHA256, 32, 12},
	    {"hmac-sha384", ALG_AUTH_HMAC_SHA384, 48, 0},
	    {"hmac-sha2-384", ALG_AUTH_HMAC_SHA384, 48, 0},
	    {"hmac-sha384-96", ALG_AUTH_HMAC_SHA384, 48, 12},
	    {"hmac-sha2-384-96", ALG_AUTH_HMAC_SHA384, 48, 12},
	    {"hmac-sha512", ALG_AUTH_HMAC_SHA512, 64, 0},
	    {"hmac-sha2-512", ALG_AUTH_HMAC_SHA512, 64, 0},
	    {"hmac-sha512-96", ALG_AUTH_HMAC_SHA512, 64, 12},
	    {"hmac-sha2-512-96", ALG_AUTH_HMAC_SHA512, 64, 12},
	    {"hmac-ripemd160", ALG_AUTH_HMAC_RIPEMD160, 20, 0},
	    {"aes-xcbc-mac", ALG_AUTH_AES_XCBC, 16, 0},
	    {"aes-cmac", ALG_AUTH_AES_CMAC, 16, 0},
	    {"keyed-md5", ALG_AUTH_KEYED_MD5, 16, 0},
	    {"md5", ALG_AUTH_KEYED_MD5, 16, 0},
	    {"keyed-sha1", ALG_AUTH_KEYED_SHA1, 20, 0},
	    {"sha", ALG_AUTH_KEYED_SHA1, 20, 0},
	    {"aes-gmac", ALG_AUTH_AES_GMAC, 28, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(auths); i++) {
		read_with_key("-A", auths[i].name, auths[i].key, false);
		expect_key(auths[i].key, true);
		assert_int_equal(rig.stmts[0].sa.desc.auth, auths[i].auth);
		assert_int_equal(rig.stmts[0].sa.desc.icv_len, auths[i].icv);
	}
}

/* setkey.md 7.4: the first of an odd number of digits is a byte of its own. */
static void test_key_hex_with_odd_digits(void **state)
{
	const struct sa_desc *d =
	    read_one("add 192.0.2.1 192.0.2.2 ah 0x100 -A hmac-md5 0X123456789aBcDeF0123456789abcdef;");
	static const uint8_t want[16] = {
	    1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

	(void)state;
	assert_int_equal(d->auth_key_len, 16);
	assert_memory_equal(d->auth_key, want, 16);
}

static void test_key_quoted_takes_any_byte(void **state)
{
	static const char text[] =
	    "add 192.0.2.1 192.0.2.2 ah 0x100 -A hmac-md5 \"\0\xff;#\n\\'\r\t {}1234\";";

	(void)state;
	setkey_rig_read_bytes(&rig, text, sizeof(text) - 1);
	assert_int_equal(rig.code, 0);
	assert_int_equal(rig.n, 1);
	assert_memory_equal(rig.stmts[0].sa.desc.auth_key, "\0\xff;#\n\\'\r\t {}1234", 16);
	assert_int_equal(rig.stmts[0].end.line, 2);
}

static void test_null_takes_no_key_an_empty_one_or_ignores_it(void **state)
{
	(void)state;
	read_one(HEAD "-E null;");
	read_one(HEAD "-E null \"\";");
	read_one(HEAD "-E null -A hmac-md5 \"0123456789abcdef\";");
	assert_int_equal(rig.n_warnings, 0);
	assert_null(read_one(HEAD "-E null \"ignored\";")->enc_key);
	assert_string_equal(rig.messages,
	    "f:1:38: WARNING: the null algorithm uses no key; the one given is ignored at [null]\n");
	read_one(HEAD "-E simple;");
	assert_string_equal(rig.messages, "f:1:38: WARNING: obsolete algorithm at [simple]\n");
	assert_int_equal(read_one(HEAD "-E null -A null;")->auth, ALG_AUTH_NONE);
	assert_string_equal(rig.messages,
	    "f:1:46: WARNING: null authentication: anybody on the way can change these packets at [null]\n");
}

static void test_a_soft_lifetime_behind_the_hard_one_is_taken_with_a_warning(void **state)
{
	const struct sa_desc *d;

	(void)state;
	d = read_one(HEAD "-ls 100 -lh 100 -bs 7 -bh 8 -ps 10 -ph 9 -E null;");
	assert_int_equal(d->life.soft_s, 100);
	assert_int_equal(d->life.soft_packets, 10);
	assert_string_equal(rig.messages,
	    "f:1:35: WARNING: the soft lifetime is not below the hard one and never comes at [-ls]\n"
	    "f:1:63: WARNING: the soft lifetime is not below the hard one and never comes at [-ps]\n");
	read_one(HEAD "-ls 99 -lh 100 -bs 7 -ph 9 -E null;");
	assert_int_equal(rig.n_warnings, 0);
}

static void test_add_a_name_with_several_addresses_makes_one_sa_per_pair(void **state)
{
	(void)state;
	setkey_rig_read(&rig, "add pair 198.51.100.9 ah 0x100 -A hmac-md5 \"0123456789abcdef\";");
	assert_int_equal(rig.code, 0);
	assert_int_equal(rig.n, 2);
	assert_false(inet_addr_equal(&rig.stmts[0].sa.desc.src, &rig.stmts[1].sa.desc.src));
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(rig.stmts[i].sa.desc.auth_key, "0123456789abcdef", 16);
	assert_ptr_not_equal(rig.stmts[0].sa.auth_key, rig.stmts[1].sa.auth_key);
	/* Only pairs of one family count. */
	read_one("add dual 198.51.100.9 esp 0x100 -E null;");
	read_one("add -4 dual 198.51.100.9 esp 0x100 -E null;");
	/* One address that the resolver says twice is one. */
	read_one("add twice 198.51.100.9 esp 0x100 -E null;");
	read_one("delete twice twice esp 0x100;");
}

static void test_names_may_be_keywords(void **state)
{
	static const char *const hosts[] = {"esp", "ah", "get", "all", "any", "tunnel"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		char text[128], want[64], got[INET_ADDR_STRLEN];

		snprintf(text, sizeof(text), "add\n%s 192.0.2.2 esp 0x100 -E null;", hosts[i]);
		snprintf(want, sizeof(want), "192.0.2.%zu", 50 + i);
		assert_string_equal(inet_addr_format(&read_one(text)->src, got), want);
	}
}

static void expect_id(const char *text, enum setkey_verb verb, enum ipsec_proto proto, uint32_t spi)
{
	char src[INET_ADDR_STRLEN], dst[INET_ADDR_STRLEN];

	read_one(text);
	assert_int_equal(rig.stmts[0].verb, verb);
	assert_int_equal(rig.stmts[0].id.proto, proto);
	assert_int_equal(rig.stmts[0].id.spi, spi);
	assert_string_equal(inet_addr_format(&rig.stmts[0].id.src, src), "192.0.2.1");
	assert_string_equal(inet_addr_format(&rig.stmts[0].id.dst, dst), "192.0.2.2");
}

static void test_get_delete_and_deleteall(void **state)
{
	(void)state;
	expect_id("get 192.0.2.1 192.0.2.2 esp 0x10001;", SETKEY_GET, IPSEC_ESP, 0x10001);
	expect_id("delete -n 192.0.2.1 192.0.2.2 ah 300;", SETKEY_DELETE, IPSEC_AH, 300);
	expect_id("delete 192.0.2.1 192.0.2.2 esp-old 300;", SETKEY_DELETE, IPSEC_ESP, 300);
	expect_id("deleteall 192.0.2.1 192.0.2.2 esp;", SETKEY_DELETEALL, IPSEC_ESP, 0);
	assert_int_equal(rig.n_warnings, 0);
	expect_id("delete 192.0.2.1 192.0.2.2 esp 300 -m tunnel;", SETKEY_DELETE, IPSEC_ESP, 300);
	assert_string_equal(rig.messages, "f:1:36: WARNING: mode is obsolete at [-m]\n");
	setkey_rig_read(&rig, "get pair 192.0.2.2 esp 300; deleteall pair 192.0.2.2 ah;");
	assert_int_equal(rig.n, 4);
}

static void test_flush_and_dump_by_protocol(void **state)
{
	static const enum ipsec_proto want[] = {
	    IPSEC_PROTO_NONE, IPSEC_ESP, IPSEC_AH, IPSEC_IPCOMP, IPSEC_ESP, IPSEC_PROTO_NONE};

	(void)state;
	setkey_rig_read(&rig, "flush; flush esp; dump ah; flush ipcomp; dump esp-udp; dump;");
	assert_int_equal(rig.code, 0);
	assert_int_equal(rig.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(rig.stmts[i].proto, want[i]);
}

static void test_update_reads_like_add(void **state)
{
	(void)state;
	read_one("update -4n 192.0.2.1 192.0.2.2 esp 0x100 -m any -E 3des-cbc \"0123456789abcdef01234567\";");
	assert_int_equal(rig.stmts[0].verb, SETKEY_UPDATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_add_defaults_are_setkeys),
	    cmocka_unit_test(test_add_every_option_lands_in_its_field),
	    cmocka_unit_test(test_add_flags_words),
	    cmocka_unit_test(test_add_the_last_of_repeated_options_wins),
	    cmocka_unit_test(test_add_spi_edges),
	    cmocka_unit_test(test_keys_of_every_cipher_at_the_edges),
	    cmocka_unit_test(test_keys_of_every_authentication_at_the_edges),
	    cmocka_unit_test(test_ciphers_by_every_name),
	    cmocka_unit_test(test_hashes_by_every_name),
	    cmocka_unit_test(test_key_hex_with_odd_digits),
	    cmocka_unit_test(test_key_quoted_takes_any_byte),
	    cmocka_unit_test(test_null_takes_no_key_an_empty_one_or_ignores_it),
	    cmocka_unit_test(test_a_soft_lifetime_behind_the_hard_one_is_taken_with_a_warning),
	    cmocka_unit_test(test_add_a_name_with_several_addresses_makes_one_sa_per_pair),
	    cmocka_unit_test(test_names_may_be_keywords),
	    cmocka_unit_test(test_get_delete_and_deleteall),
	    cmocka_unit_test(test_flush_and_dump_by_protocol),
	    cmocka_unit_test(test_update_reads_like_add),
	};
	int r;

	setkey_rig_init(&rig);
	r = cmocka_run_group_tests_name("config/setkey SA statements", tests, NULL, NULL);
	setkey_rig_fini(&rig);
	return r;
}
