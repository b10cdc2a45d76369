/*
 * The less usual forms of SA statements: compression, ESP in UDP, getspi, and every protocol word in every
 * statement that may name one.
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

static struct setkey_rig rig;

static const struct sa_desc *read_one(const char *text)
{
	setkey_rig_read(&rig, text);
	if (rig.code != 0 || rig.n != 1 || rig.n_errors)
		fail_msg("%s\n%s", text, rig.messages);
	return &rig.stmts[0].sa.desc;
}

static void test_ipcomp_has_a_cpi_and_no_keys(void **state)
{
	static const struct {
		const char *text;
		uint32_t spi, flags;
	} cases[] = {
	    {"256 -C deflate", 256, SA_F_CYCLIC},
	    {"0xffff -m transport -C deflate", 0xffff, SA_F_CYCLIC},
	    {"0x1000 -C deflate -R", 0x1000, SA_F_CYCLIC | SA_F_RAWCPI},
	    {"0x1000 -f nocyclic-seq -u 7 -C deflate -R", 0x1000, SA_F_RAWCPI},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sa_desc *d;
		char text[128];

		snprintf(text, sizeof(text), "add 2001:db8::1 2001:db8::2 ipcomp %s;", cases[i].text);
		d = read_one(text);
		assert_int_equal(d->proto, IPSEC_IPCOMP);
		assert_int_equal(d->comp, ALG_COMP_DEFLATE);
		assert_int_equal(d->spi, cases[i].spi);
		assert_int_equal(d->flags, cases[i].flags);
		assert_int_equal(d->enc | d->auth | d->enc_key_len | d->auth_key_len, 0);
		assert_null(d->enc_key);
	}
}

static void test_esp_udp_ports_and_the_address_behind_the_nat(void **state)
{
	static const struct {
		const char *src, *dst, *oa;
		uint16_t sport, dport;
		const char *want_oa;
	} cases[] = {
	    {"192.0.2.1", "192.0.2.2", "", 4500, 4500, "none"},
	    {"192.0.2.1[4500]", "192.0.2.2", "", 4500, 4500, "none"},
	    {"192.0.2.1", "192.0.2.2[40000]", "", 4500, 40000, "none"},
	    {"192.0.2.1[1024]", "192.0.2.2[4500]", "10.1.1.1", 1024, 4500, "10.1.1.1"},
	    {"192.0.2.1[65535]", "192.0.2.2", "hostA", 65535, 4500, "10.0.0.1"},
	    {"192.0.2.1[ike]", "192.0.2.2", "", 500, 4500, "none"},
	    {"2001:db8::1[4500]", "2001:db8::2[7]", "six", 4500, 7, "2001:db8::6"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256], oa[INET_ADDR_STRLEN];
		const struct sa_desc *d;

		snprintf(text, sizeof(text), "add %s %s esp-udp %s 0x100 -E null;", cases[i].src,
		    cases[i].dst, cases[i].oa);
		d = read_one(text);
		assert_int_equal(d->proto, IPSEC_ESP);
		assert_true(sa_is_encap(d));
		assert_int_equal(d->encap.sport, cases[i].sport);
		assert_int_equal(d->encap.dport, cases[i].dport);
		assert_int_equal(d->encap.frag, 0);
		assert_string_equal(inet_addr_format(&d->encap.nat_oa, oa), cases[i].want_oa);
	}
	assert_int_equal(
	    read_one("add 192.0.2.1 192.0.2.2 esp-udp 0x100 -esp_frag 296 -E null;")->encap.frag, 296);
	assert_int_equal(
	    read_one("add 192.0.2.1 192.0.2.2 esp-udp 0x100 -esp_frag 500 -esp_frag 65535 -E null;")
	        ->encap.frag,
	    65535);
}

static void test_getspi_reserves_for_each_pair(void **state)
{
	(void)state;
	read_one("getspi 192.0.2.1 192.0.2.2 esp;");
	assert_int_equal(rig.stmts[0].verb, SETKEY_GETSPI);
	assert_int_equal(rig.stmts[0].id.proto, IPSEC_ESP);
	assert_int_equal(rig.stmts[0].id.spi, 0);
	read_one("getspi -6 2001:db8::1 six ipcomp;");
	assert_int_equal(rig.stmts[0].id.proto, IPSEC_IPCOMP);
	read_one("getspi 192.0.2.1[4500] 192.0.2.2[4500] esp-udp 10.0.0.1;");
	assert_int_equal(rig.stmts[0].id.proto, IPSEC_ESP);
	setkey_rig_read(&rig, "getspi pair 192.0.2.9 ah;");
	assert_int_equal(rig.n, 2);
}

static void test_every_protocol_word_in_every_statement(void **state)
{
	static const struct {
		const char *word;
		enum ipsec_proto proto;
	} words[] = {{"esp", IPSEC_ESP}, {"esp-old", IPSEC_ESP}, {"esp-udp", IPSEC_ESP}, {"ah", IPSEC_AH},
	    {"ah-old", IPSEC_AH}, {"ipcomp", IPSEC_IPCOMP}};
	static const struct {
		const char *before, *behind;
	} forms[] = {{"get 192.0.2.1 192.0.2.2", " 0x1000"}, {"delete 192.0.2.1 192.0.2.2", " 0x1000"},
	    {"deleteall 192.0.2.1 192.0.2.2", ""}, {"flush", ""}, {"dump", ""}};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(forms); k++) {
			snprintf(
			    text, sizeof(text), "%s %s%s;", forms[k].before, words[i].word, forms[k].behind);
			read_one(text);
			assert_int_equal(k < 3 ? rig.stmts[0].id.proto : rig.stmts[0].proto, words[i].proto);
		}
	}
	read_one("delete 192.0.2.1[4500] 192.0.2.2[4500] esp-udp 10.0.0.1 0x1000 -m tunnel;");
	assert_string_equal(rig.messages, "f:1:64: WARNING: mode is obsolete at [-m]\n");
}

/* FIPS 74: the keys that are their own or each other's inverse, whatever their parity bits. */
static void test_des_keys_but_the_weak_ones(void **state)
{
	static const struct {
		const char *alg, *key;
		int code;
	} cases[] = {
	    {"des-cbc", "0x0123456789abcdef", 0},
	    {"des-cbc", "0x0101010101010102", 0},
	    {"des-cbc", "0x0000000000000000", SETKEY_FAULTY},
	    {"des-cbc", "0x0100010001000100", SETKEY_FAULTY},
	    {"des-cbc", "0xffffffffffffffff", SETKEY_FAULTY},
	    {"des-cbc", "0x1f1f1f1f0e0e0e0e", SETKEY_FAULTY},
	    {"des-cbc", "0xe0fee0fef1fef1fe", SETKEY_FAULTY},
	    {"3des-cbc", "0x0123456789abcdef00000000000000010123456789abcdef", SETKEY_FAULTY},
	    {"3des-cbc", "0x0123456789abcdef0123456789abcdeffedcba9876543211", 0}, /* K1 = K2: simple DES */
	    {"3des-cbc", "\"thescogp12341234thescogp\"", 0},                       /* K1 = K3: two keys */
	    {"aes-cbc", "0x00000000000000000000000000000000", 0},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(text, sizeof(text), "add 192.0.2.1 192.0.2.2 esp 0x100 -E %s %s;", cases[i].alg,
		    cases[i].key);
		setkey_rig_read(&rig, text);
		if (rig.code != cases[i].code || !strstr(rig.messages, "weak key") != !rig.code)
			fail_msg("%s\n%s", text, rig.messages);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ipcomp_has_a_cpi_and_no_keys),
	    cmocka_unit_test(test_esp_udp_ports_and_the_address_behind_the_nat),
	    cmocka_unit_test(test_getspi_reserves_for_each_pair),
	    cmocka_unit_test(test_every_protocol_word_in_every_statement),
	    cmocka_unit_test(test_des_keys_but_the_weak_ones),
	};
	int r;

	setkey_rig_init(&rig);
	r = cmocka_run_group_tests_name("config/setkey forms of SA statements", tests, NULL, NULL);
	setkey_rig_fini(&rig);
	return r;
}
