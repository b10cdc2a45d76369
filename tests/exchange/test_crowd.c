/*
 * One peer, that has proved who it is and was taken over since, begins one IKE SA after the other and ends
 * none: it has a few, its address some more, and there is always room for others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/core/command.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike2/sa.h"
#include "support/ike_rig.h"

enum { TCP = 6, SOON_MS = 300, LONG_MS = 200000, MORE = 10 };

static struct rig rig;

/* A's, which never says that it has forgotten something. `name`: what it calls itself, 0: its address. */
static struct ike_conf *conf_of(unsigned version, unsigned name)
{
	struct ike_conf *c =
	    version == 2 ? rig_conf2(IKE_AUTH_PSK) : rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);
	struct ike_id *id = &c->peer[0].my_id;

	c->peer[0].initial_contact = false;
	if (name) {
		id->kind = IKE_ID_FQDN;
		id->len = (uint16_t)snprintf((char *)id->data, sizeof(id->data), "c%u.example", name);
	}
	return c;
}

static void begin(unsigned version)
{
	rig_init(&rig, 1, conf_of(version, 0), conf_of(version, 0));
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
}

/* A forgets all it has and begins anew. */
static void once_more(unsigned version, unsigned name)
{
	rig_restart(&rig.a, conf_of(version, name));
	rig_packet(&rig.a, 0);
	rig_run(&rig, SOON_MS);
}

static void assert_works(void)
{
	assert_int_equal(rig_count(&rig.a, true), 1);
	assert_true(rig_is_usable(&rig));
}

static void test_a_peer_has_a_few(void **state)
{
	(void)state;
	begin(1);
	for (unsigned i = 0; i < ISAKMP_SAS_MAX + MORE; i++) {
		once_more(1, 0);
		assert_works();
		assert_int_equal(rig.b.core->n_isakmp, i < ISAKMP_SAS_MAX ? i + 1 : ISAKMP_SAS_MAX);
	}
	assert_true(rig_logged(&rig.b, "ISAKMP-SA purged: the peer has enough newer ones"));
	rig_fini(&rig);
}

/* It hears which of them have ended. */
static void test_a_peer_that_knows_them_all_hears_of_it(void **state)
{
	const char *why = "";

	(void)state;
	begin(1);
	once_more(1, 0);
	for (unsigned i = 0; i < ISAKMP_SAS_MAX + MORE; i++) {
		const struct isakmp *sa = list_entry(rig.a.core->isakmp.next, struct isakmp, all);
		struct isakmp *next = isakmp_new(rig.a.core, 0, &sa->path, IKE_MODE_MAIN, NULL);

		phase1_begin(next);
		rig_run(&rig, SOON_MS);
	}
	assert_int_equal(rig.a.core->n_isakmp, ISAKMP_SAS_MAX);
	assert_int_equal(rig.b.core->n_isakmp, ISAKMP_SAS_MAX);
	list_foreach (sa, &rig.a.core->isakmp, struct isakmp, all)
		assert_non_null(isakmp_find(rig.b.core, sa->icookie, sa->rcookie));
	if (!rig_is_calm(&rig, &why))
		fail_msg("%s", why);
	assert_works();
	rig_fini(&rig);
}

/* It may call itself what it likes. */
static void test_an_address_has_some_of_version_1(void **state)
{
	(void)state;
	begin(1);
	for (unsigned i = 0; i < CORE_SAS_OF_ADDRESS + MORE; i++) {
		once_more(1, i + 1);
		assert_works();
	}
	assert_int_equal(rig.b.core->n_isakmp, CORE_SAS_OF_ADDRESS);
	assert_true(rig_logged(&rig.b, "purged: there are enough newer ones of its address"));
	rig_fini(&rig);
}

static void on_up(void *arg, int result, const char *why, const struct ike_row *row)
{
	(void)why;
	(void)row;
	*(unsigned *)arg += result == 0;
}

/* Without children, which would be few, and take their IKE SAs along. */
static void test_an_address_has_some_of_version_2(void **state)
{
	unsigned n = 0;
	struct core_up up = {.path = {.local_port = IKE_PORT, .remote_port = IKE_PORT},
	    .wait_ms = SOON_MS,
	    .done = on_up,
	    .arg = &n};

	(void)state;
	begin(2);
	up.path.local = rig.a.addr;
	up.path.remote = rig.b.addr;
	for (unsigned i = 0; i < CORE_SAS_OF_ADDRESS + MORE; i++) {
		rig_restart(&rig.a, conf_of(2, i + 1));
		core_up(rig.a.core, &up);
		rig_run(&rig, SOON_MS);
		assert_int_equal(n, i + 1);
	}
	rig_run(&rig, LONG_MS);
	assert_int_equal(rig.b.core->ike2.n, CORE_SAS_OF_ADDRESS);
	assert_true(rig_logged(&rig.b, "purged: there are enough newer ones of its address"));
	rig_fini(&rig);
}

/* Who renews one after the other without deleting any has to wait. */
static void test_renewals_that_delete_nothing_are_put_off(void **state)
{
	struct ike_conf *a = conf_of(2, 0);
	struct ikesa *sa;

	(void)state;
	a->peer[0].offer[0].seconds = 60;
	rig_init(&rig, 1, a, conf_of(2, 0));
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
	rig_packet(&rig.a, 0);
	rig_run(&rig, SOON_MS);
	sa = list_entry(rig.b.core->ike2.sas.next, struct ikesa, all);
	for (unsigned i = 0; i < IKE2_REPLACED_MAX; i++) {
		struct ikesa *next = ike2_sa_after(sa, false);

		assert_false(ike2_renews_often(sa));
		for (enum ike2_state s = IKE2_S_UP; s <= IKE2_S_REPLACED; s++)
			ike2_set_state(next, s);
	}
	assert_true(ike2_renews_often(sa));
	rig_run(&rig, 55000);
	assert_ptr_equal(list_entry(rig.b.core->ike2.sas.next, struct ikesa, all), sa);
	assert_int_equal(sa->state, IKE2_S_UP);
	list_foreach_safe (x, next, &rig.b.core->ike2.sas, struct ikesa, all)
		if (x->state == IKE2_S_REPLACED)
			ike2_sa_end(x, NULL);
	rig_run(&rig, LONG_MS);
	assert_works();
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_peer_has_a_few),
	    cmocka_unit_test(test_a_peer_that_knows_them_all_hears_of_it),
	    cmocka_unit_test(test_an_address_has_some_of_version_1),
	    cmocka_unit_test(test_an_address_has_some_of_version_2),
	    cmocka_unit_test(test_renewals_that_delete_nothing_are_put_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
