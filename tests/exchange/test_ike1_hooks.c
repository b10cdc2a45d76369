/*
 * Which events scripts are told of, in which order, by both sides; and what they are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 3000, FIRST = 0x0a090901 };

static struct rig rig;

static struct ike_conf *with_scripts(struct ike_conf *c)
{
	for (int i = IKE_HOOK_UP; i < IKE_HOOKS; i++)
		c->peer[0].script[i] = strdup("");
	return c;
}

static struct ike_conf *plain(void)
{
	return with_scripts(rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true));
}

static void begin(struct ike_conf *a, struct ike_conf *b)
{
	rig_init(&rig, 1, a, b);
	rig.b.user = "alice";
	rig.a.password = rig.b.password = "s3cret";
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
}

static void expect(const char *a, const char *b)
{
	assert_string_equal(rig.a.hooks, a);
	assert_string_equal(rig.b.hooks, b);
}

static void test_hooks_up_and_down(void **state)
{
	(void)state;
	begin(plain(), plain());
	expect("up ", "up ");
	assert_string_equal(rig.a.last_id, "10.0.0.110");
	assert_int_equal(rig.a.last_hook.generation, rig.a.core->conf->generation);
	assert_int_equal(rig.a.last_hook.peer, 0);
	assert_false(rig.a.last_hook.has_given);
	core_shutdown(rig.a.core);
	rig_run(&rig, ENOUGH_MS);
	expect("up down ", "up down ");
	rig_fini(&rig);
}

/* Phase 1 that does not come to its end is no event. */
static void test_hooks_failure_is_none(void **state)
{
	(void)state;
	rig_init(&rig, 1, plain(), plain());
	rig.b.psk = "another";
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, 400000);
	assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
	expect("", "");
	rig_fini(&rig);
}

static void test_hooks_who_has_no_script_is_not_told(void **state)
{
	struct ike_conf *a = plain();

	(void)state;
	free(a->peer[0].script[IKE_HOOK_UP]);
	a->peer[0].script[IKE_HOOK_UP] = NULL;
	begin(a, rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true));
	core_shutdown(rig.a.core);
	expect("down ", "");
	rig_fini(&rig);
}

static void test_hooks_dead_peer(void **state)
{
	const struct ike_dpd dpd = {.announce = true, .delay_s = 10, .retry_s = 2, .maxfail = 3};
	struct ike_conf *a = plain(), *b = plain();

	(void)state;
	a->peer[0].dpd = b->peer[0].dpd = dpd;
	begin(a, b);
	rig.b.dead = true;
	rig_run(&rig, 60000);
	/* So does the other one, as it hears nothing either. */
	expect("up dead down ", "up dead down ");
	rig_fini(&rig);
}

/* One after the other: up for each that is established, down for each that ends. */
static void test_hooks_renewal(void **state)
{
	enum { LIFE_S = 600 };
	struct ike_conf *conf[] = {plain(), plain()};
	unsigned up = 0, down = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		conf[i]->peer[0].offer[0].seconds = LIFE_S;
	begin(conf[0], conf[1]);
	assert_true(rig_live(&rig, 4 * LIFE_S * 1000));
	for (const char *p = rig.a.hooks; *p; p += strcspn(p, " ") + 1) {
		up += *p == 'u';
		down += *p == 'd';
		assert_true(up > down); /* never none: the next is there before the last one goes */
	}
	assert_true(up > 3);
	assert_int_equal(up, rig.a.core->counters.established1);
	assert_int_equal(up - down, rig.a.core->n_isakmp);
	rig_fini(&rig);
}

static void test_hooks_another_configuration(void **state)
{
	(void)state;
	begin(plain(), plain());
	assert_int_equal(core_load(rig.a.core, 77, rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true)), 0);
	expect("up down ", "up ");
	/* Of the configuration under which it began. */
	assert_int_equal(rig.a.last_hook.generation, 1);
	rig_fini(&rig);
}

/* After the user and the addresses, with what was given; on the server with the client's address, once it has
 * one. */
static void test_hooks_remote_access(void **state)
{
	struct ike_conf *a = with_scripts(rig_conf(IKE_MODE_AGGRESSIVE, IKE_AUTH_XAUTH_PSK_CLIENT, true));
	struct ike_conf *b = with_scripts(rig_conf(IKE_MODE_AGGRESSIVE, IKE_AUTH_XAUTH_PSK_SERVER, true));
	const struct inet_addr first = inet_addr_v4(FIRST);

	(void)state;
	a->peer[0].xauth_login = strdup("alice");
	a->peer[0].mode_cfg = true;
	b->pool = (struct ike_pool){.present = true,
	    .network4 = first,
	    .netmask4 = inet_addr_v4(0xffffff00),
	    .size = 2,
	    .dns4 = {inet_addr_v4(0x0a010035)},
	    .n_dns4 = 1,
	    .include = {.net = {{inet_addr_v4(0x0a010000), 16}}, .n = 1},
	    .local_lan = {.net = {{inet_addr_v4(0x0a020000), 16}}, .n = 1},
	    .auth_throttle_s = 1};
	begin(a, b);
	expect("up ", "up ");
	assert_true(rig.a.last_hook.has_given && inet_addr_equal(&rig.a.last_hook.address, &first));
	assert_int_equal(rig.a.last_hook.n_dns, 1);
	assert_int_equal(rig.a.last_hook.n_include, 1);
	assert_int_equal(rig.a.last_hook.n_kept_out, 1);
	assert_false(rig.b.last_hook.has_given);
	core_shutdown(rig.a.core);
	rig_run(&rig, ENOUGH_MS);
	expect("up down ", "up down ");
	assert_true(rig.b.last_hook.has_given && inet_addr_equal(&rig.b.last_hook.address, &first));
	rig_fini(&rig);
}

/* A crash is no end that anybody could tell of. */
static void test_hooks_forgotten(void **state)
{
	(void)state;
	begin(plain(), plain());
	rig_restart(&rig.a, plain());
	expect("up ", "up ");
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hooks_up_and_down),
	    cmocka_unit_test(test_hooks_failure_is_none),
	    cmocka_unit_test(test_hooks_who_has_no_script_is_not_told),
	    cmocka_unit_test(test_hooks_dead_peer),
	    cmocka_unit_test(test_hooks_renewal),
	    cmocka_unit_test(test_hooks_another_configuration),
	    cmocka_unit_test(test_hooks_remote_access),
	    cmocka_unit_test(test_hooks_forgotten),
	};

	return cmocka_run_group_tests_name("exchange/ike1_hooks", tests, NULL, NULL);
}
