/*
 * Which payloads belong into which message: the diagrams of RFC 2409 as they stand, and each with a payload
 * left out, doubled, exchanged for another and moved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ike/v1_rules.h"

#define P(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})

static const struct diagram {
	enum ike1_message m;
	bool sig;
	const char *what;
	uint8_t type[12];
	size_t n;
} diagrams[] = {
    {IKE1_M_MAIN_SA, false, "5.4: HDR, SA", P(IKE1_P_SA)},
    {IKE1_M_MAIN_SA, true, "with vendor ids", P(IKE1_P_SA, IKE1_P_VENDOR, IKE1_P_VENDOR)},
    {IKE1_M_MAIN_KE, false, "5.4: HDR, KE, Ni", P(IKE1_P_KE, IKE1_P_NONCE)},
    {IKE1_M_MAIN_KE, true, "with NAT discovery and a request",
        P(IKE1_P_KE, IKE1_P_NONCE, IKE1_P_CERT_REQ, IKE1_P_NAT_D, IKE1_P_NAT_D)},
    {IKE1_M_MAIN_AUTH, false, "5.4: HDR*, IDii, HASH_I", P(IKE1_P_ID, IKE1_P_HASH)},
    {IKE1_M_MAIN_AUTH, false, "with INITIAL-CONTACT", P(IKE1_P_ID, IKE1_P_HASH, IKE1_P_NOTIFY)},
    {IKE1_M_MAIN_AUTH, true, "5.1: HDR*, IDii, CERT, SIG_I", P(IKE1_P_ID, IKE1_P_CERT, IKE1_P_SIG)},
    {IKE1_M_AGGRESSIVE_1, false, "5.4", P(IKE1_P_SA, IKE1_P_KE, IKE1_P_NONCE, IKE1_P_ID)},
    {IKE1_M_AGGRESSIVE_2, false, "5.4", P(IKE1_P_SA, IKE1_P_KE, IKE1_P_NONCE, IKE1_P_ID, IKE1_P_HASH)},
    {IKE1_M_AGGRESSIVE_2, true, "5.1",
        P(IKE1_P_SA, IKE1_P_KE, IKE1_P_NONCE, IKE1_P_ID, IKE1_P_CERT, IKE1_P_SIG)},
    {IKE1_M_AGGRESSIVE_3, false, "5.4", P(IKE1_P_HASH)},
    {IKE1_M_AGGRESSIVE_3, true, "5.1", P(IKE1_P_CERT, IKE1_P_SIG)},
    {IKE1_M_BASE_SA, false, "base mode", P(IKE1_P_SA, IKE1_P_ID, IKE1_P_NONCE)},
    {IKE1_M_BASE_SA, true, "base mode, with a request and vendor ids",
        P(IKE1_P_SA, IKE1_P_ID, IKE1_P_NONCE, IKE1_P_CERT_REQ, IKE1_P_VENDOR)},
    {IKE1_M_BASE_AUTH, false, "base mode", P(IKE1_P_KE, IKE1_P_HASH)},
    {IKE1_M_BASE_AUTH, true, "base mode, signed, with NAT discovery",
        P(IKE1_P_KE, IKE1_P_CERT, IKE1_P_SIG, IKE1_P_NAT_D, IKE1_P_NAT_D)},
    {IKE1_M_QUICK_SA, false, "5.5 without PFS", P(IKE1_P_HASH, IKE1_P_SA, IKE1_P_NONCE)},
    {IKE1_M_QUICK_SA, false, "5.5", P(IKE1_P_HASH, IKE1_P_SA, IKE1_P_NONCE, IKE1_P_KE, IKE1_P_ID, IKE1_P_ID)},
    {IKE1_M_QUICK_SA, true, "with original addresses",
        P(IKE1_P_HASH, IKE1_P_SA, IKE1_P_NONCE, IKE1_P_ID, IKE1_P_ID, IKE1_P_NAT_OA, IKE1_P_NAT_OA)},
    {IKE1_M_QUICK_END, false, "5.5", P(IKE1_P_HASH)},
    {IKE1_M_QUICK_CONNECTED, false, "the commit bit", P(IKE1_P_HASH, IKE1_P_NOTIFY)},
    {IKE1_M_INFORMATIONAL, false, "5.7", P(IKE1_P_HASH, IKE1_P_DELETE, IKE1_P_NOTIFY)},
    {IKE1_M_INFORMATIONAL_CLEAR, false, "before keys", P(IKE1_P_NOTIFY)},
    {IKE1_M_TRANSACTION, false, "mode config", P(IKE1_P_HASH, IKE1_P_ATTRIBUTES)},
};

static struct ike_chain chain_of(const uint8_t *type, size_t n)
{
	struct ike_chain c = {.n = (uint32_t)n};

	for (size_t i = 0; i < n; i++)
		c.p[i].type = type[i];
	return c;
}

static enum ike1_violation judge(const struct diagram *d, const uint8_t *type, size_t n, uint8_t *which)
{
	struct ike_chain c = chain_of(type, n);

	*which = 255;
	return ike1_rules_check(d->m, d->sig, &c, which);
}

static void test_rules_the_diagrams_are_right(void **state)
{
	uint8_t which;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++)
		if (judge(&diagrams[i], diagrams[i].type, diagrams[i].n, &which) != IKE1_V_NONE)
			fail_msg("diagram %zu, %s: payload %u", i, diagrams[i].what, which);
}

static bool may_be_missing(const struct diagram *d, uint8_t type)
{
	switch (type) {
	case IKE1_P_VENDOR:
	case IKE1_P_CERT:
	case IKE1_P_CERT_REQ:
	case IKE1_P_NAT_D:
	case IKE1_P_NAT_OA:
	case IKE1_P_DELETE:
		return true;
	case IKE1_P_NOTIFY:
		return d->m != IKE1_M_QUICK_CONNECTED;
	case IKE1_P_KE:
		return d->m == IKE1_M_QUICK_SA;
	default:
		return false;
	}
}

static void test_rules_each_payload_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++)
		for (size_t k = 0; k < diagrams[i].n; k++) {
			const struct diagram *d = &diagrams[i];
			uint8_t less[12], which;
			enum ike1_violation v;

			memcpy(less, d->type, k);
			memcpy(less + k, d->type + k + 1, d->n - k - 1);
			v = judge(d, less, d->n - 1, &which);
			if (v != (may_be_missing(d, d->type[k]) ? IKE1_V_NONE : IKE1_V_MISSING) ||
			    (v != IKE1_V_NONE && which != d->type[k]))
				fail_msg("diagram %zu without its payload %zu: %d, %u", i, k, (int)v, which);
		}
}

static bool may_be_twice(const struct diagram *d, uint8_t type)
{
	switch (type) {
	case IKE1_P_VENDOR:
	case IKE1_P_CERT:
	case IKE1_P_CERT_REQ:
	case IKE1_P_NAT_D:
	case IKE1_P_DELETE:
		return true;
	case IKE1_P_NOTIFY:
		return d->m != IKE1_M_QUICK_CONNECTED;
	default:
		return false;
	}
}

static void test_rules_each_payload_doubled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++)
		for (size_t k = 0; k < diagrams[i].n; k++) {
			const struct diagram *d = &diagrams[i];
			uint8_t more[12], which;
			enum ike1_violation v;

			memcpy(more, d->type, d->n);
			more[d->n] = d->type[k];
			v = judge(d, more, d->n + 1, &which);
			if (v != (may_be_twice(d, d->type[k]) ? IKE1_V_NONE : IKE1_V_TOO_MANY))
				fail_msg("diagram %zu with its payload %zu twice: %d", i, k, (int)v);
		}
}

static void test_rules_strangers(void **state)
{
	/* Parts of an SA are no payloads, 77 is nobody's, 132 belongs to another layer. */
	static const uint8_t strangers[] = {IKE1_P_PROPOSAL, IKE1_P_TRANSFORM, 77, IKE1_P_FRAGMENT};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++) {
		const struct diagram *d = &diagrams[i];
		uint8_t more[12], which;

		memcpy(more, d->type, d->n);
		for (size_t k = 0; k < ARRAY_SIZE(strangers); k++) {
			more[d->n] = strangers[k];
			assert_int_equal(judge(d, more, d->n + 1, &which), IKE1_V_UNEXPECTED);
			assert_int_equal(which, strangers[k]);
		}
		more[d->n] = IKE1_P_VENDOR;
		assert_int_equal(judge(d, more, d->n + 1, &which), IKE1_V_NONE);
		more[d->n] = 200; /* private use */
		assert_int_equal(judge(d, more, d->n + 1, &which), IKE1_V_NONE);
	}
}

static void test_rules_what_comes_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++) {
		const struct diagram *d = &diagrams[i];
		bool counts =
		    d->type[0] == IKE1_P_SA || (d->type[0] == IKE1_P_HASH && d->m != IKE1_M_AGGRESSIVE_3);
		uint8_t moved[12], which;

		moved[0] = IKE1_P_VENDOR;
		memcpy(moved + 1, d->type, d->n);
		assert_int_equal(judge(d, moved, d->n + 1, &which), counts ? IKE1_V_NOT_FIRST : IKE1_V_NONE);
	}
	{
		const uint8_t late[] = {IKE1_P_HASH, IKE1_P_NONCE, IKE1_P_SA};
		const struct diagram quick = {.m = IKE1_M_QUICK_SA};
		uint8_t which;

		assert_int_equal(judge(&quick, late, sizeof(late), &which), IKE1_V_NOT_FIRST);
	}
}

static void test_rules_a_hash_is_no_signature(void **state)
{
	const uint8_t hash[] = {IKE1_P_ID, IKE1_P_HASH}, sig[] = {IKE1_P_ID, IKE1_P_SIG};
	const struct diagram with_hash = {.m = IKE1_M_MAIN_AUTH},
	                     with_sig = {.m = IKE1_M_MAIN_AUTH, .sig = true};
	uint8_t which;

	(void)state;
	assert_int_equal(judge(&with_hash, sig, 2, &which), IKE1_V_UNEXPECTED);
	assert_int_equal(judge(&with_sig, hash, 2, &which), IKE1_V_UNEXPECTED);
}

static void test_rules_of_no_message(void **state)
{
	const uint8_t none[1] = {0};
	const struct diagram nothing = {.m = IKE1_M_NONE}, beyond = {.m = IKE1_MESSAGES};
	uint8_t which;

	(void)state;
	assert_int_equal(judge(&nothing, none, 0, &which), IKE1_V_UNEXPECTED);
	assert_int_equal(judge(&beyond, none, 0, &which), IKE1_V_UNEXPECTED);
	for (size_t i = 1; i < ARRAY_SIZE(diagrams); i++)
		for (size_t k = 0; k < diagrams[i].n; k++)
			assert_non_null(ike1_payload_name(diagrams[i].type[k]));
	assert_null(ike1_payload_name(77));
	assert_null(ike1_payload_name(0));
	assert_string_equal(ike1_notify_name(IKE1_N_AUTHENTICATION_FAILED), "AUTHENTICATION-FAILED");
	assert_string_equal(ike1_notify_name(IKE1_N_UNEQUAL_PAYLOAD_LENGTHS), "UNEQUAL-PAYLOAD-LENGTHS");
	assert_string_equal(ike1_notify_name(0), "an unknown one");
	assert_string_equal(ike1_notify_name(IKE1_N_CONNECTED), "an unknown one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules_the_diagrams_are_right),
	    cmocka_unit_test(test_rules_each_payload_left_out),
	    cmocka_unit_test(test_rules_each_payload_doubled),
	    cmocka_unit_test(test_rules_strangers),
	    cmocka_unit_test(test_rules_what_comes_first),
	    cmocka_unit_test(test_rules_a_hash_is_no_signature),
	    cmocka_unit_test(test_rules_of_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
