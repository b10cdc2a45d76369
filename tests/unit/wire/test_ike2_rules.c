/*
 * Which payloads belong into which message: the diagrams of RFC 7296 as they stand, and each with a payload
 * left out, doubled, in another order and with strangers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ike/v2_rules.h"

#define P(...)   {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})
#define CHILD    IKE2_P_SA, IKE2_P_TS_I, IKE2_P_TS_R
#define REQUEST  false
#define RESPONSE true
enum { TYPES_MAX = 14 };

static const struct diagram {
	enum ike2_message m;
	uint8_t exchange;
	bool response;
	const char *what;
	uint8_t type[TYPES_MAX];
	size_t n;
} diagrams[] = {
    {IKE2_M_INIT_REQUEST, IKE2_SA_INIT, REQUEST, "1.2: SAi1, KEi, Ni", P(IKE2_P_SA, IKE2_P_KE, IKE2_P_NONCE)},
    {IKE2_M_INIT_REQUEST, IKE2_SA_INIT, REQUEST, "2.6: N(COOKIE) in front",
        P(IKE2_P_NOTIFY, IKE2_P_SA, IKE2_P_KE, IKE2_P_NONCE)},
    {IKE2_M_INIT_RESPONSE, IKE2_SA_INIT, RESPONSE, "1.2: SAr1, KEr, Nr, [CERTREQ]",
        P(IKE2_P_SA, IKE2_P_KE, IKE2_P_NONCE, IKE2_P_CERT_REQ)},
    {IKE2_M_INIT_REFUSAL, IKE2_SA_INIT, RESPONSE, "2.6: N(COOKIE); 1.3: N(INVALID_KE_PAYLOAD)",
        P(IKE2_P_NOTIFY)},
    {IKE2_M_AUTH_REQUEST, IKE2_AUTH, REQUEST, "1.2: IDi, [CERT,] [CERTREQ,] [IDr,] AUTH, SAi2, TSi, TSr",
        P(IKE2_P_ID_I, IKE2_P_CERT, IKE2_P_CERT_REQ, IKE2_P_ID_R, IKE2_P_AUTH, CHILD)},
    {IKE2_M_AUTH_REQUEST, IKE2_AUTH, REQUEST, "2.19: with CP",
        P(IKE2_P_ID_I, IKE2_P_AUTH, IKE2_P_CONFIG, CHILD)},
    {IKE2_M_AUTH_REQUEST_CHILDLESS, IKE2_AUTH, REQUEST, "RFC 6023", P(IKE2_P_ID_I, IKE2_P_AUTH)},
    {IKE2_M_AUTH_RESPONSE, IKE2_AUTH, RESPONSE, "1.2: IDr, [CERT,] AUTH, SAr2, TSi, TSr",
        P(IKE2_P_ID_R, IKE2_P_CERT, IKE2_P_AUTH, CHILD)},
    {IKE2_M_AUTH_RESPONSE_CHILDLESS, IKE2_AUTH, RESPONSE, "1.2: IDr, [CERT,] AUTH, N(error)",
        P(IKE2_P_ID_R, IKE2_P_CERT, IKE2_P_AUTH, IKE2_P_NOTIFY)},
    {IKE2_M_AUTH_REFUSAL, IKE2_AUTH, RESPONSE, "2.21.2: N(AUTHENTICATION_FAILED)", P(IKE2_P_NOTIFY)},
    {IKE2_M_CHILD_REQUEST, IKE2_CREATE_CHILD_SA, REQUEST, "1.3.1: SA, Ni, [KEi,] TSi, TSr",
        P(IKE2_P_NONCE, IKE2_P_KE, CHILD)},
    {IKE2_M_CHILD_REQUEST, IKE2_CREATE_CHILD_SA, REQUEST, "1.3.3: N(REKEY_SA), SA, Ni, TSi, TSr",
        P(IKE2_P_NOTIFY, IKE2_P_NONCE, CHILD)},
    {IKE2_M_CHILD_RESPONSE, IKE2_CREATE_CHILD_SA, RESPONSE, "1.3.1: SA, Nr, [KEr,] TSi, TSr",
        P(IKE2_P_NONCE, IKE2_P_KE, CHILD)},
    {IKE2_M_REKEY_REQUEST, IKE2_CREATE_CHILD_SA, REQUEST, "1.3.2: SA, Ni, KEi",
        P(IKE2_P_SA, IKE2_P_NONCE, IKE2_P_KE)},
    {IKE2_M_REKEY_RESPONSE, IKE2_CREATE_CHILD_SA, RESPONSE, "1.3.2: SA, Nr, KEr",
        P(IKE2_P_SA, IKE2_P_NONCE, IKE2_P_KE)},
    {IKE2_M_CREATE_REFUSAL, IKE2_CREATE_CHILD_SA, RESPONSE, "2.7: N(NO_PROPOSAL_CHOSEN)", P(IKE2_P_NOTIFY)},
    {IKE2_M_INFORMATIONAL, IKE2_INFORMATIONAL, REQUEST, "1.4: [N,] [D,] [CP]",
        P(IKE2_P_NOTIFY, IKE2_P_DELETE, IKE2_P_CONFIG)},
    {IKE2_M_INFORMATIONAL, IKE2_INFORMATIONAL, RESPONSE, "1.4", P(IKE2_P_DELETE)},
};

static struct ike_chain chain_of(const uint8_t *type, size_t n)
{
	struct ike_chain c = {.n = (uint32_t)n};

	for (size_t i = 0; i < n; i++)
		c.p[i].type = type[i];
	return c;
}

static enum ike2_violation judge(enum ike2_message m, const uint8_t *type, size_t n, uint8_t *which)
{
	struct ike_chain c = chain_of(type, n);

	*which = 255;
	return ike2_rules_check(m, &c, which);
}

static void test_rules2_the_diagrams_are_right_and_known_by_what_they_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++) {
		const struct diagram *d = &diagrams[i];
		struct ike_chain c = chain_of(d->type, d->n);
		uint8_t which;

		if (ike2_rules_check(d->m, &c, &which) != IKE2_V_NONE)
			fail_msg("diagram %zu, %s: payload %u", i, d->what, which);
		if (ike2_message_of(d->exchange, d->response, &c) != d->m)
			fail_msg("diagram %zu, %s, is taken for another", i, d->what);
	}
}

static void test_rules2_in_any_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++)
		for (size_t by = 1; by < diagrams[i].n; by++) {
			const struct diagram *d = &diagrams[i];
			uint8_t turned[TYPES_MAX], which;

			for (size_t k = 0; k < d->n; k++)
				turned[k] = d->type[(k + by) % d->n];
			assert_int_equal(judge(d->m, turned, d->n, &which), IKE2_V_NONE);
		}
}

static bool may_be_missing(const struct diagram *d, uint8_t type)
{
	switch (type) {
	case IKE2_P_CERT:
	case IKE2_P_CERT_REQ:
	case IKE2_P_CONFIG:
	case IKE2_P_DELETE:
		return true;
	case IKE2_P_NOTIFY:
		return d->n > 1;
	case IKE2_P_ID_R:
		return !d->response;
	case IKE2_P_KE:
		return d->m == IKE2_M_CHILD_REQUEST || d->m == IKE2_M_CHILD_RESPONSE;
	default:
		return false;
	}
}

static void test_rules2_each_payload_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++)
		for (size_t k = 0; k < diagrams[i].n; k++) {
			const struct diagram *d = &diagrams[i];
			uint8_t less[TYPES_MAX], which;
			enum ike2_violation v;

			memcpy(less, d->type, k);
			memcpy(less + k, d->type + k + 1, d->n - k - 1);
			v = judge(d->m, less, d->n - 1, &which);
			if (v != (may_be_missing(d, d->type[k]) ? IKE2_V_NONE : IKE2_V_MISSING) ||
			    (v != IKE2_V_NONE && which != d->type[k]))
				fail_msg("diagram %zu without its payload %zu: %d, %u", i, k, (int)v, which);
		}
}

static bool may_be_twice(uint8_t type)
{
	return type == IKE2_P_CERT || type == IKE2_P_CERT_REQ || type == IKE2_P_NOTIFY ||
	       type == IKE2_P_DELETE;
}

static void test_rules2_each_payload_doubled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++)
		for (size_t k = 0; k < diagrams[i].n; k++) {
			const struct diagram *d = &diagrams[i];
			uint8_t more[TYPES_MAX], which;
			enum ike2_violation v;

			memcpy(more, d->type, d->n);
			more[d->n] = d->type[k];
			v = judge(d->m, more, d->n + 1, &which);
			if (v != (may_be_twice(d->type[k]) ? IKE2_V_NONE : IKE2_V_TOO_MANY))
				fail_msg("diagram %zu with its payload %zu twice: %d", i, k, (int)v);
		}
}

static void test_rules2_strangers(void **state)
{
	/* Encrypted ones do not stand inside of another, EAP has no place yet; 1, 49 and 200 are nobody's. */
	static const uint8_t strangers[] = {IKE2_P_SK, IKE2_P_SKF, IKE2_P_EAP},
	                     unknown[] = {1, 32, 49, 54, 200};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++) {
		const struct diagram *d = &diagrams[i];
		uint8_t more[TYPES_MAX], which;

		memcpy(more, d->type, d->n);
		for (size_t k = 0; k < ARRAY_SIZE(strangers); k++) {
			more[d->n] = strangers[k];
			assert_int_equal(judge(d->m, more, d->n + 1, &which), IKE2_V_UNEXPECTED);
			assert_int_equal(which, strangers[k]);
		}
		for (size_t k = 0; k < ARRAY_SIZE(unknown); k++) {
			more[d->n] = unknown[k];
			assert_int_equal(judge(d->m, more, d->n + 1, &which), IKE2_V_NONE);
		}
		more[d->n] = IKE2_P_VENDOR;
		assert_int_equal(judge(d->m, more, d->n + 1, &which), IKE2_V_NONE);
		more[d->n] = IKE2_P_NOTIFY;
		assert_int_equal(judge(d->m, more, d->n + 1, &which), IKE2_V_NONE);
	}
}

/* Section 2.5: the bit counts on what is unknown alone, and then before everything else. */
static void test_rules2_critical_payloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diagrams); i++) {
		const struct diagram *d = &diagrams[i];
		struct ike_chain c = chain_of(d->type, d->n);
		uint8_t which;

		for (uint32_t k = 0; k < c.n; k++)
			c.p[k].critical = true;
		assert_int_equal(ike2_rules_check(d->m, &c, &which), IKE2_V_NONE);
		c.p[0] =
		    (struct ike_payload){.type = 49, .critical = true}; /* what was first is missing now */
		assert_int_equal(ike2_rules_check(d->m, &c, &which), IKE2_V_CRITICAL);
		assert_int_equal(which, 49);
		assert_int_equal(ike2_rules_check(IKE2_M_NONE, &c, &which), IKE2_V_CRITICAL);
	}
}

static void test_rules2_outside_of_an_encrypted_payload(void **state)
{
	static const uint8_t sk[] = {IKE2_P_SK}, skf[] = {IKE2_P_SKF}, two[] = {IKE2_P_SK, IKE2_P_SK},
	                     in_front[] = {IKE2_P_AUTH, IKE2_P_SK}, note[] = {IKE2_P_NOTIFY, IKE2_P_SK},
	                     vendor[] = {IKE2_P_VENDOR, 49, IKE2_P_SK};
	uint8_t which;

	(void)state;
	assert_int_equal(judge(IKE2_M_PROTECTED, sk, 1, &which), IKE2_V_NONE);
	assert_int_equal(judge(IKE2_M_PROTECTED, skf, 1, &which), IKE2_V_NONE);
	assert_int_equal(judge(IKE2_M_PROTECTED, two, 2, &which), IKE2_V_TOO_MANY);
	assert_int_equal(judge(IKE2_M_PROTECTED, in_front, 2, &which), IKE2_V_UNEXPECTED);
	assert_int_equal(which, IKE2_P_AUTH);
	assert_int_equal(judge(IKE2_M_PROTECTED, note, 2, &which), IKE2_V_UNEXPECTED);
	assert_int_equal(judge(IKE2_M_PROTECTED, vendor, 3, &which), IKE2_V_NONE);
}

static void test_rules2_of_no_message(void **state)
{
	struct ike_chain none = {.n = 0};
	uint8_t which;

	(void)state;
	assert_int_equal(ike2_rules_check(IKE2_M_NONE, &none, &which), IKE2_V_UNEXPECTED);
	assert_int_equal(ike2_rules_check(IKE2_MESSAGES, &none, &which), IKE2_V_UNEXPECTED);
	assert_int_equal(ike2_rules_check(IKE2_M_INFORMATIONAL, &none, &which), IKE2_V_NONE); /* liveness */
	assert_int_equal(ike2_message_of(38, false, &none), IKE2_M_NONE);
	assert_int_equal(ike2_message_of(2, true, &none), IKE2_M_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules2_the_diagrams_are_right_and_known_by_what_they_hold),
	    cmocka_unit_test(test_rules2_in_any_order),
	    cmocka_unit_test(test_rules2_each_payload_left_out),
	    cmocka_unit_test(test_rules2_each_payload_doubled),
	    cmocka_unit_test(test_rules2_strangers),
	    cmocka_unit_test(test_rules2_critical_payloads),
	    cmocka_unit_test(test_rules2_outside_of_an_encrypted_payload),
	    cmocka_unit_test(test_rules2_of_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
