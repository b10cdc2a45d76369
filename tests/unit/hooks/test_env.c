/*
 * The environment of a script, variable by variable; and that nothing a stranger says means anything to a
 * shell, which a real one is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hooks/env.h"

static struct hook_event plain(void)
{
	return (struct hook_event){.hook = IKE_HOOK_UP,
	    .generation = 7,
	    .local = inet_addr_v4(0x0a00006e),
	    .remote = inet_addr_v4(0x0a000064),
	    .local_port = 500,
	    .remote_port = 4500};
}

static void set_text(struct hook_text *t, const void *p, size_t n)
{
	memcpy(t->p, p, n);
	t->n = n;
}

static void expect(const struct hook_event *x, const char *const *lines, size_t n)
{
	struct hook_env env;

	assert_int_equal(hook_env_make(x, &env), 0);
	assert_int_equal(env.n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(env.v[i], lines[i]);
	assert_null(env.v[n]);
	hook_env_fini(&env);
	assert_int_equal(env.n, 0);
}

static void test_env_without_mode_config(void **state)
{
	static const char *const lines[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LOCAL_ADDR=10.0.0.110",
	    "LOCAL_PORT=500", "REMOTE_ADDR=10.0.0.100", "REMOTE_PORT=4500", "REMOTE_ID=relent.example.com"};
	struct hook_event x = plain();

	(void)state;
	set_text(&x.id, "relent.example.com", 18);
	expect(&x, lines, ARRAY_SIZE(lines));
}

static void test_env_with_all_of_mode_config(void **state)
{
	static const char *const lines[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LOCAL_ADDR=2001:db8::1",
	    "LOCAL_PORT=500", "REMOTE_ADDR=10.0.0.100", "REMOTE_PORT=4500",
	    "REMOTE_ID=", "INTERNAL_ADDR4=10.9.9.1", "INTERNAL_NETMASK4=255.255.254.0", "INTERNAL_CIDR4=23",
	    "INTERNAL_DNS4=192.168.1.53", "INTERNAL_DNS4_LIST=192.168.1.53 192.168.1.54",
	    "INTERNAL_WINS4=192.168.1.5", "INTERNAL_WINS4_LIST=192.168.1.5",
	    "SPLIT_INCLUDE=192.168.0.0/255.255.0.0 10.1.2.3/255.255.255.255",
	    "SPLIT_INCLUDE_CIDR=192.168.0.0/16 10.1.2.3/32", "SPLIT_LOCAL=0.0.0.0/0.0.0.0",
	    "SPLIT_LOCAL_CIDR=0.0.0.0/0", "DEFAULT_DOMAIN=example.com"};
	struct hook_event x = plain();
	struct hook_given *g = &x.given;

	(void)state;
	assert_int_equal(inet_addr_parse("2001:db8::1", &x.local), 0);
	x.has_given = true;
	g->address = inet_addr_v4(0x0a090901);
	g->netmask = inet_addr_v4(0xfffffe00);
	g->dns = (struct hook_servers){{inet_addr_v4(0xc0a80135), inet_addr_v4(0xc0a80136)}, 2};
	g->wins = (struct hook_servers){{inet_addr_v4(0xc0a80105)}, 1};
	/* Host bits that a server left in are not the network's. */
	g->include = (struct hook_nets){{{inet_addr_v4(0xc0a80505), 16}, {inet_addr_v4(0x0a010203), 32}}, 2};
	g->local = (struct hook_nets){{{inet_addr_v4(0), 0}}, 1};
	set_text(&g->domain, "example.com", 11);
	expect(&x, lines, ARRAY_SIZE(lines));
}

static void test_env_of_mode_config_that_gave_nothing(void **state)
{
	static const char *const names[] = {"INTERNAL_ADDR4=", "INTERNAL_NETMASK4=", "INTERNAL_CIDR4=",
	    "INTERNAL_DNS4=", "INTERNAL_DNS4_LIST=", "INTERNAL_WINS4=", "INTERNAL_WINS4_LIST=",
	    "SPLIT_INCLUDE=", "SPLIT_INCLUDE_CIDR=", "SPLIT_LOCAL=", "SPLIT_LOCAL_CIDR=", "DEFAULT_DOMAIN="};
	struct hook_event x = plain();
	struct hook_env env;

	(void)state;
	x.has_given = true;
	assert_int_equal(hook_env_make(&x, &env), 0);
	assert_int_equal(env.n, HOOK_ENV_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(env.v[6 + i], names[i]);
	hook_env_fini(&env);
}

static void expect_id(const void *octets, size_t n, const char *text)
{
	struct hook_event x = plain();
	struct hook_env env;

	set_text(&x.id, octets, n);
	assert_int_equal(hook_env_make(&x, &env), 0);
	assert_string_equal(env.v[5], text);
	hook_env_fini(&env);
}

static void test_env_strangers_octets(void **state)
{
	(void)state;
	expect_id("a@b.c", 5, "REMOTE_ID=a@b.c");
	expect_id("-rf", 3, "REMOTE_ID=%2Drf");
	expect_id("a-b", 3, "REMOTE_ID=a-b");
	expect_id("a\0b", 3, "REMOTE_ID=a%00b");
	expect_id("a\nPATH=/tmp", 11, "REMOTE_ID=a%0APATH=/tmp");
	expect_id("$(reboot)", 9, "REMOTE_ID=%24%28reboot%29");
	expect_id("`id`;id&id|id", 13, "REMOTE_ID=%60id%60%3Bid%26id%7Cid");
	expect_id("C=XX, O=A B", 11, "REMOTE_ID=C=XX,%20O=A%20B");
	expect_id("~root/*?[a]{b,c}!", 17, "REMOTE_ID=%7Eroot/%2A%3F%5Ba%5D%7Bb,c%7D%21");
	expect_id("\xc3\xa9\xff\x7f", 4, "REMOTE_ID=%C3%A9%FF%7F");
	/* What was written as %41 is not what was written as A. */
	expect_id("%41", 3, "REMOTE_ID=%2541");
}

/* Every octet in front, in the middle and at the end, unquoted, in a shell: one word, the same as it was. */
static void test_env_every_octet_is_one_word_to_a_shell(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		const uint8_t octets[] = {(uint8_t)c, 'a', (uint8_t)c, 'b', (uint8_t)c};
		char command[256], answer[128] = "";
		struct hook_event x = plain();
		struct hook_env env;
		FILE *shell;

		set_text(&x.id, octets, sizeof(octets));
		assert_int_equal(hook_env_make(&x, &env), 0);
		snprintf(command, sizeof(command),
		    "cd /; %s; set -- $REMOTE_ID; eval set -- $# $REMOTE_ID; printf '%%s %%s' \"$1\" \"$2\"",
		    env.v[5]);
		shell = popen(command, "r");
		assert_non_null(shell);
		assert_non_null(fgets(answer, sizeof(answer), shell));
		assert_int_equal(pclose(shell), 0);
		assert_memory_equal(answer, "1 ", 2);
		assert_string_equal(answer + 2, env.v[5] + strlen("REMOTE_ID="));
		hook_env_fini(&env);
	}
}

static void test_env_longest(void **state)
{
	struct hook_event x = plain();
	struct hook_env env;

	(void)state;
	x.has_given = true;
	memset(x.id.p, '$', sizeof(x.id.p));
	memset(x.given.domain.p, 0xff, sizeof(x.given.domain.p));
	x.id.n = x.given.domain.n = HOOK_TEXT_MAX;
	for (size_t i = 0; i < HOOK_NETS_MAX; i++)
		x.given.include.net[i] = x.given.local.net[i] =
		    (struct inet_prefix){inet_addr_v4(0xfefefefe), 31};
	x.given.include.n = x.given.local.n = HOOK_NETS_MAX;
	assert_int_equal(hook_env_make(&x, &env), 0);
	assert_int_equal(strlen(env.v[5]), strlen("REMOTE_ID=") + 3 * HOOK_TEXT_MAX);
	hook_env_fini(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_env_without_mode_config),
	    cmocka_unit_test(test_env_with_all_of_mode_config),
	    cmocka_unit_test(test_env_of_mode_config_that_gave_nothing),
	    cmocka_unit_test(test_env_strangers_octets),
	    cmocka_unit_test(test_env_every_octet_is_one_word_to_a_shell),
	    cmocka_unit_test(test_env_longest),
	};

	return cmocka_run_group_tests_name("hooks/env", tests, NULL, NULL);
}
