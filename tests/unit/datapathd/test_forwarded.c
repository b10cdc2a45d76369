/*
 * An inbound packet may be for this host or for one behind it, which the kernel decides afterwards: what it
 * must have met when two lists could judge it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/path_pair.h"

/* Of a packet that came by ESP in a tunnel. */
enum kind {
	NO = 0, /* no such policy */
	MET,
	UNMET, /* asks for AH */
	PASS,
	DISCARD,
	UNIQUE, /* asks for ESP with a number that the SA has not */
};

static const struct {
	enum kind in, in_only, fwd;
	enum drop_reason want;
} cases[] = {
    /* One list. */
    {MET, NO, NO, DROP_NONE},
    {UNMET, NO, NO, DROP_IN_UNPROTECTED},
    {UNIQUE, NO, NO, DROP_IN_UNPROTECTED},
    {PASS, NO, NO, DROP_NONE},
    {DISCARD, NO, NO, DROP_IN_DISCARD},
    {NO, NO, NO, DROP_IN_NOPOLICY},
    /* For this host alone; nothing speaks of forwarded packets. */
    {NO, MET, NO, DROP_NONE},
    {NO, UNMET, NO, DROP_IN_UNPROTECTED},
    {NO, DISCARD, NO, DROP_IN_DISCARD},
    /* Both must be met. */
    {NO, MET, MET, DROP_NONE},
    {NO, MET, UNMET, DROP_IN_UNPROTECTED},
    {NO, UNMET, MET, DROP_IN_UNPROTECTED},
    {NO, PASS, UNMET, DROP_IN_UNPROTECTED},
    {NO, UNMET, PASS, DROP_IN_UNPROTECTED},
    {MET, NO, UNMET, DROP_IN_UNPROTECTED},
    {UNMET, NO, MET, DROP_IN_UNPROTECTED},
    {UNMET, MET, MET, DROP_IN_UNPROTECTED},
    {MET, MET, MET, DROP_NONE},
    /* What one discards the other may take; what both discard, or one and nobody else, ends here. */
    {NO, DISCARD, MET, DROP_NONE},
    {NO, DISCARD, UNMET, DROP_IN_UNPROTECTED},
    {NO, MET, DISCARD, DROP_NONE},
    {NO, UNMET, DISCARD, DROP_IN_UNPROTECTED},
    {NO, DISCARD, DISCARD, DROP_IN_DISCARD},
    {DISCARD, NO, MET, DROP_IN_DISCARD},
    {MET, NO, DISCARD, DROP_NONE},
    {NO, NO, DISCARD, DROP_IN_DISCARD},
    {NO, NO, MET, DROP_NONE},
    {DISCARD, MET, NO, DROP_NONE},
    /* In the mirrored role `unique` is `require`. */
    {UNIQUE, MET, NO, DROP_NONE},
    {UNIQUE, UNMET, NO, DROP_IN_UNPROTECTED},
    {NO, MET, UNIQUE, DROP_IN_UNPROTECTED},
};

static unsigned add(struct policy *p, unsigned n, enum kind k, enum policy_dir dir, bool in_only)
{
	static const enum policy_action actions[] = {
	    POLICY_PASS, POLICY_IPSEC, POLICY_IPSEC, POLICY_PASS, POLICY_DISCARD, POLICY_IPSEC};
	const struct selector sel = pair_nets();

	if (k == NO)
		return n;
	p[n] = path_rig_policy(dir, &sel, actions[k]);
	p[n].in_only = in_only;
	if (k == MET)
		tunnel_esp(&p[n]);
	else if (k == UNMET)
		tunnel_ah(&p[n]);
	else if (k == UNIQUE)
		path_rig_request(&p[n], IPSEC_ESP, IPSEC_TUNNEL, LEVEL_UNIQUE, A, B);
	if (k == UNIQUE)
		p[n].req[0].reqid = 77;
	return n + 1;
}

static void test_forwarded_meets_the_demands_of_both_lists(void **state)
{
	const struct sa_desc d = pair_esp(0x7001, IPSEC_TUNNEL);
	const struct selector sel = pair_nets();

	(void)state;
	pair_add(&d);
	pair_protect(&sel, tunnel_esp);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy p[3];
		/* The one for this host alone stands before the other. */
		unsigned n = add(p, 0, cases[i].in_only, POLICY_IN, true);

		n = add(p, n, cases[i].in, POLICY_IN, false);
		n = add(p, n, cases[i].fwd, POLICY_FWD, false);
		path_rig_spd(&pair_b, p, n);
		pair_send(HOST_A, HOST_B);
		assert_int_equal(path_rig_wire(&pair_a, &pair_b), 1);
		path_rig_in(&pair_b);
		if (pair_b.batch.pkt[0].reason != cases[i].want)
			fail_msg("case %zu: %d and not %d", i, pair_b.batch.pkt[0].reason, cases[i].want);
		for (unsigned j = 0; j < n; j++)
			assert_int_not_equal(pair_b.view->rules[j]->last_used_ms, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        test_forwarded_meets_the_demands_of_both_lists, pair_setup, pair_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
