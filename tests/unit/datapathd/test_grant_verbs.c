/*
 * policyd's grants, from record to table.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "support/keyd_rig.h"

#include "policyd_datapathd.pb-c.h"

/* A grant as policyd tells it. */
static struct {
	Postern__Grant g;
	Postern__GrantRequest q, *qs[POLICY_REQUESTS_MAX + 1];
	uint32_t algs[33], more[SA_MORE_MAX + 1];
} told;

static void tell_grant(void)
{
	told.g = (Postern__Grant)POSTERN__GRANT__INIT;
	told.q = (Postern__GrantRequest)POSTERN__GRANT_REQUEST__INIT;
	memset(told.algs, 0, sizeof(told.algs));
	told.algs[0] = ALG_ENC_AES_CBC;
	told.algs[1] = ALG_ENC_AES_GCM_16;
	for (size_t i = 0; i < ARRAY_SIZE(told.qs); i++)
		told.qs[i] = &told.q;
	told.g.id = 5;
	told.g.local = &kr.pb[0];
	told.g.remote = &kr.pb[1];
	told.g.expires_ms = kr.ipc.fake.ms + 60000;
	told.g.requests = told.qs;
	told.g.n_requests = 2;
	told.q.proto = IPSEC_ESP;
	told.q.mode = IPSEC_TUNNEL;
	told.q.reqid_in = 3;
	told.more[0] = 7;
	told.more[1] = 9;
	told.q.more_in = told.more;
	told.q.n_more_in = 2;
	told.q.enc = told.algs;
	told.q.n_enc = 2;
}

static void test_grants_are_told_and_taken_back(void **state)
{
	Postern__GrantGone gone = POSTERN__GRANT_GONE__INIT;
	const struct grant *got;
	struct ipc_record rec;

	(void)state;
	tell_grant();
	keyd_rig_handle(grant_on_put, &told.g.base);
	keyd_rig_hear(IPC_OK, &rec);
	got = grants_find(&kr.d.grants, 5);
	assert_int_equal(got->n_requests, 2);
	assert_int_equal(got->req[0].reqid_in, 3);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(got->req[i].n_more_in, 2);
		assert_int_equal(got->req[i].more_in[1], 9);
		assert_int_equal(got->req[i].n_more_out, 0);
	}
	assert_int_equal(got->req[1].enc, 1u << ALG_ENC_AES_CBC | 1u << ALG_ENC_AES_GCM_16);
	assert_int_equal(got->req[1].auth, 0);
	told.g.n_requests = 1;
	keyd_rig_handle(grant_on_put, &told.g.base); /* told again */
	keyd_rig_hear(IPC_OK, &rec);
	assert_int_equal(grants_find(&kr.d.grants, 5)->n_requests, 1);
	gone.id = 5;
	keyd_rig_handle(grant_on_gone, &gone.base);
	assert_null(grants_find(&kr.d.grants, 5));
	assert_int_equal(kr.d.grants.n, 1);
	gone.id = 0;
	keyd_rig_handle(grant_on_gone, &gone.base);
	assert_int_equal(kr.d.grants.n, 0);
}

static void test_grants_are_judged(void **state)
{
	struct ipc_record rec;
	struct err_text e;

	(void)state;
	tell_grant();
	told.algs[1] = ALG_SET_NUMBERS;
	keyd_rig_handle(grant_on_put, &told.g.base);
	keyd_rig_hear(IPC_ERROR, &rec);
	assert_int_equal(ipc_error_decode(&rec, &e), -EINVAL);
	assert_string_equal(e.s,
	    "the grant allows algorithm 32, which this datapathd does not know: are all programs of one "
	    "release?");
	for (int fault = 0; fault < 6; fault++) {
		uint8_t b[4096];
		struct grant x;

		tell_grant();
		told.q.mode = fault == 0 ? IPSEC_MODE_ANY : IPSEC_TUNNEL;
		told.q.proto = fault == 1 ? 52 : IPSEC_ESP;
		told.q.n_enc = fault == 2 ? 33 : 2;
		told.g.id = fault == 3 ? 0 : 5;
		told.g.n_requests = fault == 4 ? 11 : 1;
		told.g.remote = fault == 5 ? NULL : &kr.pb[1];
		rec = (struct ipc_record){.body = b, .body_len = postern__grant__pack(&told.g, b)};
		assert_int_equal(msg_grant_decode(&rec, &x, &e), -EBADMSG);
	}
}

static void test_grants_have_a_limit(void **state)
{
	struct ipc_record rec;
	struct err_text e;

	(void)state;
	for (uint64_t id = 100; kr.d.grants.n < GRANTS_MAX; id++)
		keyd_rig_grant(id);
	tell_grant();
	keyd_rig_handle(grant_on_put, &told.g.base);
	keyd_rig_hear(IPC_ERROR, &rec);
	assert_int_equal(ipc_error_decode(&rec, &e), -ENOSPC);
	assert_string_equal(e.s, "20000 grants are in force, the most datapathd keeps");
	kr.ipc.fake.ms += 60000; /* they expire */
	keyd_rig_handle(grant_on_put, &told.g.base);
	keyd_rig_hear(IPC_OK, &rec);
	assert_int_equal(kr.d.grants.n, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, keyd_rig_setup, keyd_rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_grants_are_told_and_taken_back),
	    T(test_grants_are_judged),
	    T(test_grants_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
