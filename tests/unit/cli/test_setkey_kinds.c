/*
 * The less usual kinds of SAs and policies on their way to a suite and back, and the mode of -k.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "support/setkey_ran.h"

#define ADD1 "add 192.0.2.1 192.0.2.2 esp 0x101 -E 3des-cbc \"0123456789abcdef01234567\";\n"
#define ADD2 "add 192.0.2.2 192.0.2.1 ah 0x102 -A hmac-md5 \"secretsecretkey!\";\n"
#define POL1 "spdadd 192.0.2.1 192.0.2.2 any -P out ipsec esp/transport//require;\n"
#define POL2 "spdadd 192.0.2.2 192.0.2.1 any -P in none;\n"

/* A reservation is an answer and no part of the change: it is made when the rest is in force. */
static void test_getspi_prints_what_was_reserved(void **state)
{
	AUTO_RAN compat = RUN(true, "getspi 192.0.2.1 192.0.2.2 esp; getspi ::1 ::2 ipcomp;" ADD1, "-f", "-");
	AUTO_RAN native = RUN(false, "getspi 192.0.2.1 192.0.2.2 ah;" ADD2, "-f", "-");

	(void)state;
	assert_int_equal(compat.code | native.code, 0);
	assert_string_equal(compat.said, "d.getspi d.getspi d.add");
	assert_string_equal(compat.out, "192.0.2.1 192.0.2.2 esp spi=43981(0x0000abcd)\n"
	                                "::1 ::2 ipcomp spi=43981(0x0000abcd)\n");
	assert_string_equal(native.said, "d.begin d.add d.commit d.getspi");
	assert_string_equal(native.out, "192.0.2.1 192.0.2.2 ah spi=43981(0x0000abcd)\n");
}

static void test_getspi_that_is_refused_is_told(void **state)
{
	AUTO_RAN compat = {0}, native = {0};

	ran_suite->sad_full = true;
	ran_suite_restart();
	compat = RUN(true, "getspi 192.0.2.1 192.0.2.2 esp;", "-f", "-");
	native = RUN(false, "getspi 192.0.2.1 192.0.2.2 esp;", "-f", "-");
	(void)state;
	assert_int_equal(compat.code, 0);
	assert_int_equal(native.code, 1);
	assert_string_equal(compat.out, "");
	assert_non_null(strstr(compat.err, "the SAD is full"));
	assert_non_null(strstr(native.err, "stdin:1:1: getspi was refused: "));
}

/* Everything an SA and a policy can be goes through a service and comes back as it was. */
static void test_newer_kinds_come_back_in_dumps(void **state)
{
	AUTO_RAN load = RUN(true,
	    "add 192.0.2.1 192.0.2.2 ipcomp 0x1000 -C deflate -R;"
	    "add 192.0.2.1 192.0.2.2[4501] esp-udp 10.1.1.1 0x1001 -esp_frag 1000 -r 4 -f esn -E null -A "
	    "hmac-sha256-96 "
	    "\"0123456789abcdef0123456789abcdef\";"
	    "spdadd 2001:db8::1 2001:db8::2 any -lh 60 -lv 7 -P out ipsec "
	    "esp/tunnel/192.0.2.1[4500]-192.0.2.2[4501]/unique:7;",
	    "-f", "-");
	AUTO_RAN sad = RUN(true, "", "-D"), spd = RUN(true, "", "-DPp");

	(void)state;
	assert_int_equal(load.code, 0);
	assert_string_equal(load.err, "");
	assert_non_null(strstr(
	    sad.out, "\tipcomp mode=any spi=4096(0x00001000) reqid=0(0x00000000)\n\tC: deflate \n\tseq="));
	assert_non_null(strstr(sad.out, "flags=0x000000c0 "));
	assert_non_null(
	    strstr(sad.out, "192.0.2.1[4500] 192.0.2.2[4501] \n\tesp-udp mode=any spi=4097(0x00001001) "
	                    "reqid=0(0x00000000)\n\tNAT OA=10.1.1.1\n\tNAT-T esp_frag=1000\n\tE: null \n"
	                    "\tA: hmac-sha256-96  30313233 "));
	assert_non_null(strstr(sad.out, " replay=4 flags=0x00000400 "));
	assert_non_null(strstr(spd.out, "\tesp/tunnel/192.0.2.1[4500]-192.0.2.2[4501]/unique:7\n"));
	assert_non_null(strstr(spd.out, "\tlifetime: 60(s) validtime: 7(s)\n"));
}

/* -k marks `in` policies, -r (the default) none; of both the last one counts. */
static void test_kernel_mode_marks_policies_in(void **state)
{
	static const struct {
		const char *words[4];
		bool marked;
	} cases[] = {
	    {{"-f", "-"}, false},
	    {{"-rf", "-"}, false},
	    {{"-kf", "-"}, true},
	    {{"-rkf", "-"}, true},
	    {{"-k", "-r", "-f", "-"}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_RAN load = {0}, spd = {0};
		const char *words[5] = {0};

		ran_suite_restart();
		memcpy(words, cases[i].words, sizeof(cases[i].words));
		load = ran_setkey(true, POL1 POL2, words);
		spd = RUN_VERB(true, "spd");
		assert_int_equal(load.code, 0);
		assert_string_equal(load.err, "");
		assert_non_null(strstr(spd.out, "\"dir\": \"in\""));
		assert_int_equal(strstr(spd.out, "\"forwarded\": true") == NULL, cases[i].marked);
	}
}

/* -v says the same of each kind that a dump does, and no key. */
static void test_verbose_names_every_kind(void **state)
{
	AUTO_RAN r = RUN(true,
	    "add ::1 ::2 ipcomp 0x1000 -C deflate;"
	    "add 192.0.2.1 192.0.2.2 esp-udp 0x1001 -f fresh-key -E aes-gcm-16 \"secretsecretsecretse\";"
	    "add 192.0.2.1 192.0.2.2 ah 0x1002 -A hmac-sha256-96 \"secretsecretsecretsecretsecretse\";"
	    "getspi 192.0.2.1 192.0.2.2 ipcomp;"
	    "spdadd ::1 ::2 any -lh 60 -P out ipsec esp/tunnel/::1[4500]-::2[7]/use;",
	    "-nv", "-f", "-");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.said, "");
	assert_string_equal(r.err,
	    "> datapathd add ::1 ::2 ipcomp spi=4096(0x00001000) mode=any reqid=0 replay=0 flags=0x00000040 "
	    "C: deflate\n"
	    "> datapathd add 192.0.2.1 192.0.2.2 esp-udp ports=4500-4500 spi=4097(0x00001001) mode=any "
	    "reqid=0 replay=0 "
	    "flags=0x00000000 E: aes-gcm-16 (key of 20 bytes)\n"
	    "> datapathd add 192.0.2.1 192.0.2.2 ah spi=4098(0x00001002) mode=any reqid=0 replay=0 "
	    "flags=0x00000040 "
	    "A: hmac-sha256-96 (key of 32 bytes)\n"
	    "> datapathd getspi 192.0.2.1 192.0.2.2 ipcomp\n"
	    "> policyd spdadd ::1[any] ::2[any] any -lh 60 -P out ipsec esp/tunnel/::1[4500]-::2[7]/use\n");
}

#define SERVED(t) cmocka_unit_test_setup_teardown(t, ran_suite_start, ran_suite_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SERVED(test_getspi_prints_what_was_reserved),
	    SERVED(test_getspi_that_is_refused_is_told),
	    SERVED(test_newer_kinds_come_back_in_dumps),
	    SERVED(test_kernel_mode_marks_policies_in),
	    SERVED(test_verbose_names_every_kind),
	};

	return cmocka_run_group_tests_name("cli/setkey kinds", tests, NULL, NULL);
}
