/*
 * Whose an address of the pool is: a client is known again by all octets of who it is, and nobody else takes
 * its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000, FIRST = 0x0a090901, LONG_NAME = 400 };

static struct rig rig;

/* Two clients, one after the other. */
static const struct pair {
	struct ike_id who[2];
	bool same;
} pairs[] = {
    {{{IKE_ID_FQDN, 3, "abc"}, {IKE_ID_FQDN, 3, "abc"}}, true},
    {{{IKE_ID_FQDN, 3, "abc"}, {IKE_ID_FQDN, 3, "abd"}}, false},
    {{{IKE_ID_FQDN, 3, "abc"}, {IKE_ID_FQDN, 4, "abcd"}}, false},
    {{{IKE_ID_KEYID, 3, "ab\x80"}, {IKE_ID_KEYID, 3, "ab\x81"}}, false},
    {{{IKE_ID_KEYID, 3, "a\0b"}, {IKE_ID_KEYID, 3, "a\0c"}}, false},
    {{{IKE_ID_FQDN, 3, "abc"}, {IKE_ID_KEYID, 3, "abc"}}, false},
    {{{IKE_ID_FQDN, 3, "abc"}, {IKE_ID_USER_FQDN, 3, "abc"}}, false},
};

static struct ike_conf *client(const struct ike_id *who)
{
	struct ike_conf *c = rig_conf(IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK, true);

	c->peer[0].mode_cfg = true;
	c->peer[0].initial_contact = false;
	c->peer[0].nat_traversal = IKE_ON;
	if (who)
		c->peer[0].my_id = *who;
	return c;
}

static struct ike_conf *server(void)
{
	struct ike_conf *c = rig_conf(IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK, true);

	c->peer[0].nat_traversal = IKE_ON;
	c->pool = (struct ike_pool){.present = true,
	    .network4 = inet_addr_v4(FIRST),
	    .netmask4 = inet_addr_v4(0xffffff00),
	    .size = 2};
	return c;
}

static void come(const struct ike_id *who)
{
	rig_restart(&rig.a, client(who));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
}

/* Of how many addresses B thinks that somebody has them. */
static unsigned n_taken(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < rig.b.core->leases.n; i++)
		n += rig.b.core->leases.slot[i].users > 0;
	return n;
}

static void begin(const struct ike_id *first)
{
	rig_init(&rig, 1, client(first), server());
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void play(const struct ike_id *a, const struct ike_id *b, unsigned expected)
{
	begin(a);
	come(a);
	assert_int_equal(n_taken(), 1);
	come(b);
	assert_int_equal(n_taken(), expected);
	assert_int_equal(rig.b.core->n_isakmp, 2);
	rig_fini(&rig);
}

static void test_all_octets_of_an_identity_count(void **state)
{
	struct ike_id a = {.kind = IKE_ID_KEYID, .len = LONG_NAME}, b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		play(&pairs[i].who[0], &pairs[i].who[1], pairs[i].same ? 1 : 2);
	/* The difference behind what a line of the log has room for. */
	memset(a.data, 'x', LONG_NAME);
	b = a;
	b.data[LONG_NAME - 1] = 'y';
	play(&a, &b, 2);
	play(&a, &a, 1);
}

/* There are many hosts of one private address; each keeps its own, and its ISAKMP SA. */
static void test_a_private_address_is_one_hosts_behind_one_translator(void **state)
{
	(void)state;
	begin(NULL);
	rig.nat = inet_addr_v4(0x0a0000fe);
	come(NULL);
	assert_int_equal(n_taken(), 1);
	/* The same one comes back, by another port. */
	rig.nat_port[0] = 30500;
	rig.nat_port[1] = 34500;
	come(NULL);
	assert_int_equal(n_taken(), 1);
	assert_true(rig_logged(&rig.b, "purged: the user came from elsewhere"));
	assert_int_equal(rig.b.core->n_isakmp, 1);
	rig.nat = inet_addr_v4(0x0a0000fd);
	come(NULL);
	assert_int_equal(n_taken(), 2);
	assert_int_equal(rig.b.core->n_isakmp, 2);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_octets_of_an_identity_count),
	    cmocka_unit_test(test_a_private_address_is_one_hosts_behind_one_translator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
