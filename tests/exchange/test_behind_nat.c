/*
 * Clients behind one translator, in front of B. There is one core for them: the first one forgets without a
 * word that it was there, which leaves its SAs with B, and comes back as another one. What the data path
 * hears of those who are not there is said by the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/ike1/cipher.h"
#include "keyd/ike1/hashed.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike2/sa.h"
#include "support/ike_rig.h"

enum {
	TCP = 6,
	ENOUGH_MS = 2000,
	ASKED_MS = 12000,
	DEAD_MS = 60000,
	PLACE = 34500, /* whose port 4500 is what, outside */
	OTHER = 34501,
	THIRD = 34502
};

static struct rig rig;
static unsigned version;

static struct ike_conf *conf_of(const char *name)
{
	struct ike_conf *c =
	    version == 1 ? rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true) : rig_conf2(IKE_AUTH_PSK);
	struct ike_peer *p = &c->peer[0];

	p->nat_traversal = IKE_ON;
	p->dpd = (struct ike_dpd){.announce = true, .delay_s = 10, .retry_s = 2, .maxfail = 3};
	p->my_id = (struct ike_id){.kind = IKE_ID_FQDN, .len = (uint16_t)strlen(name)};
	memcpy(p->my_id.data, name, p->my_id.len);
	return c;
}

static struct child *newest(const struct rig_side *s)
{
	return list_entry(s->core->children.prev, struct child, node);
}

static struct isakmp *newest_sa(const struct rig_side *s)
{
	return list_entry(s->core->isakmp.prev, struct isakmp, all);
}

/* The pair that B has with it. */
static struct child *comes(uint16_t port)
{
	uint32_t n = rig.b.core->n_children;

	rig.nat_port[1] = port;
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_children, n + 1);
	assert_int_equal(newest(&rig.b)->path.remote_port, port);
	return newest(&rig.b);
}

static struct child *first_comes(const char *name, uint16_t port)
{
	rig_init(&rig, 1, conf_of(name), conf_of("gateway"));
	rig.nat = inet_addr_v4(0x0a0000fe);
	rig.nat_port[0] = 30500;
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	/* Of tunnels the addresses inside are those that A knows. */
	rig.b.out[0].sel.dst = rig.b.in[0].sel.src = inet_prefix_host(&rig.a.addr);
	return comes(port);
}

static struct child *another_comes(const char *name, uint16_t port)
{
	rig_restart(&rig.a, conf_of(name));
	return comes(port);
}

/* Where B's data path sends what is for this one. */
static uint16_t sends_to(const struct child *k)
{
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (rig.b.sa[i].serial == k->part[0].serial_out)
			return rig.b.sa[i].desc.encap.dport;
	fail_msg("no such SA");
	return 0;
}

/* And keyd itself; 0: there is no SA any more. */
static uint16_t speaks_to(const struct child *k)
{
	list_foreach (sa, &rig.b.core->isakmp, struct isakmp, all)
		if (sa->party == k->party)
			return sa->path.remote_port;
	list_foreach (sa, &rig.b.core->ike2.sas, struct ikesa, all)
		if (sa->party == k->party)
			return sa->path.remote_port;
	return 0;
}

static void assert_at(const struct child *k, uint16_t port)
{
	assert_int_equal(k->path.remote_port, port);
	assert_int_equal(sends_to(k), port);
	if (speaks_to(k))
		assert_int_equal(speaks_to(k), port);
}

/* datapathd: a packet of this one came from that port. */
static void heard(const struct child *k, uint16_t port)
{
	core_moved(rig.b.core, k->part[0].serial_in, port);
}

static bool has(const struct child *k)
{
	list_foreach (other, &rig.b.core->children, struct child, node)
		if (other == k)
			return true;
	return false;
}

/* After the translator has forgotten all, the second one is heard first, and from where the first one was. */
static void two_meet(const char *one, const char *two, struct child **ret_one, struct child **ret_two)
{
	*ret_one = first_comes(one, PLACE);
	*ret_two = another_comes(two, OTHER);
	rig.nat_port[1] = PLACE;
	heard(*ret_two, PLACE);
	assert_at(*ret_one, PLACE);
	assert_at(*ret_two, PLACE);
}

/* Whoever is heard moves, and nobody else: by packets, by messages, and in the next life of keyd. */
static void parts_again(const char *two_is)
{
	struct child *one, *two;

	two_meet("one", two_is, &one, &two);
	heard(one, THIRD);
	assert_at(one, THIRD);
	assert_at(two, PLACE);
	/* The second one's own question, which keyd hears; the first one has not been given up yet. */
	rig.nat_port[1] = OTHER;
	rig_run(&rig, ASKED_MS);
	assert_at(one, THIRD);
	assert_at(two, OTHER);
	rig_fini(&rig);
}

static void test_who_is_heard_moves_alone(void **state)
{
	parts_again("two");
	parts_again("one"); /* as clients of a group may say; in version 2 one identity is one peer */
	version = 2;
	parts_again("two");
}

static void test_next_life_knows_who_is_who(void **state)
{
	struct child *one, *two;
	uint64_t serial;

	two_meet("one", "two", &one, &two);
	serial = one->part[0].serial_in;
	rig_rebirth(&rig.b);
	assert_int_equal(rig.b.core->n_children, 2);
	core_moved(rig.b.core, serial, THIRD);
	one = child_by_serial(rig.b.core, serial);
	two = newest(&rig.b) == one ? list_entry(one->node.prev, struct child, node) : newest(&rig.b);
	assert_at(one, THIRD);
	assert_at(two, PLACE);
	assert_int_equal(speaks_to(one), THIRD);
	assert_int_equal(speaks_to(two), PLACE);
	assert_false(party_same(one->party, two->party));
	rig_fini(&rig);
}

/* Nobody answers for the first one: its silence ends what is its own. */
static void test_one_who_is_dead_takes_nothing_along(void **state)
{
	static const char *const two_is[] = {"two", "one"};
	struct child *one, *two;

	for (size_t i = 0; i < ARRAY_SIZE(two_is); i++) {
		two_meet("one", two_is[i], &one, &two);
		/* Of one name only the first SA is not asked about: a newer one is there. */
		rig_run(&rig, DEAD_MS);
		assert_int_equal(rig_logged(&rig.b, "the peer is dead"), i == 0);
		assert_int_equal(has(one), i == 1);
		assert_true(has(two));
		assert_true(rig_is_usable(&rig));
		assert_at(two, PLACE);
		rig_fini(&rig);
	}
}

static void until_dead(void)
{
	for (int ms = 0; ms < DEAD_MS && !rig_logged(&rig.b, "the peer is dead"); ms += 100)
		rig_run(&rig, 100);
	assert_true(rig_logged(&rig.b, "the peer is dead"));
}

/* The second one is silent, and the first one's SA is no more, or is not asked under yet. */
static void test_death_of_the_second_leaves_the_first(void **state)
{
	struct child *one, *two;

	two_meet("one", "two", &one, &two);
	isakmp_end(list_entry(rig.b.core->isakmp.next, struct isakmp, all));
	rig_run(&rig, 1);
	rig.a.dead = true;
	until_dead();
	assert_true(has(one));
	assert_false(has(two));
	rig_fini(&rig);

	two_meet("one", "one", &one, &two);
	rig.a.dead = true;
	until_dead();
	assert_true(has(one));
	assert_false(has(two));
	rig_fini(&rig);
}

static bool lose_from_a(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	return !from_a;
}

/* The first one was asked where the second one is now, and is heard in the last moment: it is asked again. */
static void test_who_is_heard_from_elsewhere_is_not_dead(void **state)
{
	struct child *one = first_comes("one", PLACE);

	rig.nat_port[1] = OTHER;
	rig.wire.tamper = lose_from_a;
	for (int ms = 0; ms < DEAD_MS && newest_sa(&rig.b)->dpd_unanswered < 3; ms += 100)
		rig_run(&rig, 100);
	rig.wire.tamper = NULL;
	heard(one, OTHER);
	rig_run(&rig, DEAD_MS);
	assert_false(rig_logged(&rig.b, "the peer is dead"));
	assert_true(has(one));
	rig_fini(&rig);
}

/* INITIAL-CONTACT from where another one was, or is as far as anybody knows. */
static void test_who_begins_anew_speaks_for_himself(void **state)
{
	struct child *one, *two, *again;

	two_meet("one", "two", &one, &two);
	rig_restart(&rig.a, conf_of("two"));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_logged(&rig.b, "the peer began anew"));
	again = newest(&rig.b);
	assert_int_equal(rig.b.core->n_children, 2);
	assert_true(has(one));
	assert_true(again != one && again->path.remote_port == PLACE);
	assert_true(rig_is_usable(&rig));
	rig_fini(&rig);
}

/* A deletion of one ISAKMP SA under another one. */
static void delete_cookies_of(const struct isakmp *which, struct isakmp *under)
{
	uint8_t cookies[ISAKMP_COOKIES_LEN], iv[IKE1_BLOCK_MAX];
	const struct ike1_deletion d = {.doi = IKE1_DOI_IPSEC,
	    .protocol = IKE1_PROTO_ISAKMP,
	    .spi_len = sizeof(cookies),
	    .n_spis = 1,
	    .spis = cookies};
	const struct hashed h = {.rest = true};
	uint32_t id = hashed_new_id(rig.a.core);
	struct ike_out o;
	size_t n;

	isakmp_put_cookies(which, cookies);
	assert_int_equal(ike1_begin_iv(under, id, iv), 0);
	hashed_begin(under, &o, IKE1_INFORMATIONAL, 0, id);
	ike1_put_delete(&o, &d);
	n = hashed_end(under, &o, &h, id, iv);
	assert_true(n);
	rig.a.core->ports.send(rig.a.core->ports.arg, &under->path, rig.a.core->out, n);
}

/* DELETE for what is another's, of both kinds. */
static void test_nobody_deletes_anothers(void **state)
{
	struct isakmp *of_one, *of_two;
	struct child *one, *two;
	uint32_t spi;

	two_meet("one", "two", &one, &two);
	of_one = list_entry(rig.b.core->isakmp.next, struct isakmp, all);
	of_two = newest_sa(&rig.a);
	spi = one->part[0].spi_out;
	assert_ptr_equal(child_by_peer_spi(rig.b.core, one->party, IPSEC_ESP, spi), one);
	inform_delete_spi(of_two, IPSEC_ESP, spi);
	rig_run(&rig, ENOUGH_MS);
	assert_true(has(one));
	delete_cookies_of(of_one, of_two);
	rig_run(&rig, ENOUGH_MS);
	assert_true(
	    of_one == list_entry(rig.b.core->isakmp.next, struct isakmp, all) && isakmp_is_up(of_one));
	inform_delete_spi(of_two, IPSEC_ESP, two->part[0].spi_out);
	rig_run(&rig, 5000);
	assert_false(has(two));
	assert_true(has(one));
	rig_fini(&rig);
}

/* One client that was quiet while its port changed, and then begins anew from the other one: it is the same,
 * as soon as what it had is heard from there. */
static void test_one_client_at_another_port(void **state)
{
	struct child *before = first_comes("one", PLACE), *now;
	struct isakmp *old = newest_sa(&rig.b);

	rig_restart(&rig.a, conf_of("one"));
	now = comes(OTHER);
	assert_false(party_same(before->party, now->party));
	assert_null(child_by_peer_spi(rig.b.core, now->party, IPSEC_ESP, before->part[0].spi_out));
	heard(before, OTHER);
	assert_at(before, OTHER);
	assert_true(party_same(before->party, now->party));
	assert_ptr_equal(
	    child_by_peer_spi(rig.b.core, now->party, IPSEC_ESP, before->part[0].spi_out), before);
	/* For what it had, nobody speaks but the new SA: they end together. */
	isakmp_end(old);
	rig_run(&rig, 1);
	rig.a.dead = true;
	rig_run(&rig, DEAD_MS);
	assert_true(rig_logged(&rig.b, "the peer is dead"));
	assert_int_equal(rig.b.core->n_children, 0);
	rig_fini(&rig);
}

static struct party *joined(uint16_t port, const char *name, const char *user)
{
	struct ike_id id = {.kind = IKE_ID_FQDN, .len = (uint16_t)strlen(name)};
	const struct ike_path path = {.local = rig.b.addr,
	    .remote = rig.nat,
	    .local_port = port == IKE_PORT ? IKE_PORT : IKE_PORT_NATT,
	    .remote_port = port};
	struct party *p;

	memcpy(id.data, name, id.len);
	p = party_join(rig.b.core, &path, &id, (struct ike1_octets){user, strlen(user)});
	assert_non_null(p);
	return p;
}

/* The translator speaks IKE itself, at port 500, and has left one client its port 4500. */
static void test_same_is_place_identity_and_user(void **state)
{
	struct party *box, *client, *alice, *bob, *again, *late;

	(void)first_comes("one", PLACE);
	box = joined(IKE_PORT, "box", "");
	client = joined(IKE_PORT_NATT, "client", "");
	alice = joined(OTHER, "group", "alice");
	bob = joined(OTHER, "group", "bob");
	again = joined(IKE_PORT_NATT, "box", ""); /* one without a translator, which goes on at 4500 */
	assert_false(party_same(box, client));
	assert_false(party_same(alice, bob));
	assert_ptr_equal(again, box);
	assert_false(party_same(NULL, NULL));
	assert_false(party_same(box, NULL));
	party_unref(again);
	again = joined(OTHER, "group", "bob");
	assert_ptr_equal(again, bob);
	party_unref(again);
	late = joined(THIRD, "group", "bob");
	assert_false(party_same(late, bob));
	/* Of two with one name at one place, it is who came last. */
	party_moved(bob, THIRD);
	assert_true(party_same(late, bob));
	again = joined(THIRD, "group", "bob");
	assert_ptr_equal(again, bob);
	party_unref(again);
	party_unref(late);
	party_unref(box);
	party_unref(client);
	party_unref(alice);
	party_unref(bob);
	rig_fini(&rig);
}

static int set_up(void **state)
{
	(void)state;
	version = 1;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_who_is_heard_moves_alone, set_up),
	    cmocka_unit_test_setup(test_next_life_knows_who_is_who, set_up),
	    cmocka_unit_test_setup(test_one_who_is_dead_takes_nothing_along, set_up),
	    cmocka_unit_test_setup(test_death_of_the_second_leaves_the_first, set_up),
	    cmocka_unit_test_setup(test_who_is_heard_from_elsewhere_is_not_dead, set_up),
	    cmocka_unit_test_setup(test_who_begins_anew_speaks_for_himself, set_up),
	    cmocka_unit_test_setup(test_nobody_deletes_anothers, set_up),
	    cmocka_unit_test_setup(test_one_client_at_another_port, set_up),
	    cmocka_unit_test_setup(test_same_is_place_identity_and_user, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
