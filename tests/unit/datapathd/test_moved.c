/*
 * Whom a translator's new port moves, and whom it does not: several pairs at one port of one address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "datapathd/moved.h"
#include "support/path_rig.h"

#define HERE  "10.0.0.1"
#define THERE "10.0.0.2"

enum { PORT = 20001, ELSEWHERE = 20002, THIRD = 20003, IN = 0x1000, OUT = 0x2000 };

static struct path_rig rig;

static int setup(void **state)
{
	(void)state;
	path_rig_init(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	path_rig_fini(&rig);
	return 0;
}

static struct sa *add(bool manual, bool inbound, uint32_t spi, uint64_t partner)
{
	struct sa_desc d = path_rig_desc(inbound ? THERE : HERE, inbound ? HERE : THERE, IPSEC_ESP, spi,
	    IPSEC_TUNNEL, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;

	d.encap = inbound ? (struct sa_encap){.sport = PORT, .dport = SA_UDP_PORT}
	                  : (struct sa_encap){.sport = SA_UDP_PORT, .dport = PORT};
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	t.manual = manual;
	t.partner = partner;
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), 0);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	return sad_find_serial(&rig.sad, serial);
}

struct pair {
	struct sa *in, *out;
};

static struct pair pair(uint32_t n)
{
	struct pair p = {.in = add(false, true, IN + n, 0)};

	p.out = add(false, false, OUT + n, p.in->facts.serial);
	return p;
}

static void assert_at(const struct pair *p, uint16_t port)
{
	assert_int_equal(sa_rt_far_port(p->in->rt, p->in->rt->encap.sport), port);
	assert_int_equal(sa_rt_far_port(p->out->rt, p->out->rt->encap.dport), port);
	/* What is shown. */
	assert_int_equal(p->in->desc.encap.sport, port);
	assert_int_equal(p->out->desc.encap.dport, port);
}

static bool follow(const struct pair *p, uint16_t port, struct moved_from *was)
{
	uint64_t serial = p->in->facts.serial;

	return moved_follow(&rig.sad, &serial, 1, port, was);
}

/* Two who are at one place are two all the same, and part again. */
static void test_moved_alone(void **state)
{
	const struct inet_addr there = path_rig_addr(THERE);
	struct pair a = pair(0), b = pair(1);
	struct moved_from was;

	(void)state;
	assert_true(follow(&a, ELSEWHERE, &was));
	assert_true(inet_addr_equal(&was.addr, &there));
	assert_int_equal(was.port, PORT);
	assert_at(&a, ELSEWHERE);
	assert_at(&b, PORT);
	/* The translator begins anew: B gets what A has, and A is heard from elsewhere only later. */
	assert_true(follow(&b, ELSEWHERE, &was));
	assert_at(&a, ELSEWHERE);
	assert_at(&b, ELSEWHERE);
	assert_true(follow(&a, THIRD, &was));
	assert_int_equal(was.port, ELSEWHERE);
	assert_at(&a, THIRD);
	assert_at(&b, ELSEWHERE);
	assert_false(follow(&a, THIRD, &was));
}

static void test_moved_several_in_any_order(void **state)
{
	struct pair a = pair(0), b = pair(1), c = pair(2), d = pair(3);
	uint64_t serial[] = {d.in->facts.serial, 999999, a.in->facts.serial, c.in->facts.serial};
	struct moved_from was;

	(void)state;
	assert_true(moved_follow(&rig.sad, serial, ARRAY_SIZE(serial), ELSEWHERE, &was));
	assert_at(&a, ELSEWHERE);
	assert_at(&b, PORT);
	assert_at(&c, ELSEWHERE);
	assert_at(&d, ELSEWHERE);
}

/* What sends alone, root's, and what nobody has named stays. */
static void test_moved_nothing_else(void **state)
{
	struct sa *lone = add(false, false, OUT, 0), *in = add(true, true, IN, 0);
	struct sa *out = add(true, false, OUT + 1, in->facts.serial);
	struct pair p = pair(5), manual = {in, out};
	uint64_t none[] = {0, p.out->facts.serial};
	struct moved_from was;

	(void)state;
	assert_false(follow(&manual, ELSEWHERE, &was));
	assert_false(moved_follow(&rig.sad, none, ARRAY_SIZE(none), ELSEWHERE, &was));
	assert_at(&manual, PORT);
	assert_at(&p, PORT);
	assert_int_equal(lone->desc.encap.dport, PORT);
	/* Nor does what has expired and is only shown. */
	sad_expire(&rig.sad, p.out);
	assert_true(follow(&p, ELSEWHERE, &was));
	assert_int_equal(p.in->desc.encap.sport, ELSEWHERE);
	assert_int_equal(p.out->desc.encap.dport, PORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_moved_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_moved_several_in_any_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_moved_nothing_else, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
