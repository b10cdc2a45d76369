/*
 * What an administrator has two cores do, and what they show of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000, TOKEN = 77 };

static struct rig rig;

static void begin(void)
{
	rig_init(&rig, 1, rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true),
	    rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static struct ike_path path_of(const struct rig_side *s, const struct rig_side *to)
{
	return (struct ike_path){
	    .local = s->addr, .remote = to->addr, .local_port = IKE_PORT, .remote_port = IKE_PORT};
}

/* Asks side A for its policy's SAs, or for an ISAKMP SA. */
static int up(bool with_policy, uint64_t token, struct err_text *e)
{
	const struct ike_path p = path_of(&rig.a, &rig.b);

	return core_up(rig.a.core, token, &p, with_policy ? &rig.a.out[0] : NULL, e);
}

static void assert_told(unsigned n, int result)
{
	assert_int_equal(rig.a.n_up_done, n);
	assert_int_equal(rig.a.up_token, TOKEN);
	assert_int_equal(rig.a.up_result, result);
}

static void test_up_answers_when_the_isakmp_sa_is_there(void **state)
{
	struct err_text e = {{0}};

	begin();
	assert_int_equal(up(false, TOKEN, &e), 0);
	assert_int_equal(rig.a.n_up_done, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_told(1, 0);
	assert_int_equal(rig.a.core->n_isakmp, 1);
	assert_int_equal(rig.a.core->n_children, 0);
	assert_int_equal(up(false, TOKEN, &e), 1);
	assert_int_equal(rig.a.core->n_watches, 0);
	rig_fini(&rig);
}

static void test_up_answers_when_the_policys_sas_are_there(void **state)
{
	struct err_text e = {{0}};

	begin();
	assert_int_equal(up(true, TOKEN, &e), 0);
	/* Two who ask for the same wait for the same. */
	assert_int_equal(up(true, TOKEN, &e), 0);
	rig_run(&rig, ENOUGH_MS);
	assert_told(2, 0);
	assert_int_equal(rig.a.core->n_children, 1);
	assert_int_equal(up(true, TOKEN, &e), 1);
	rig_fini(&rig);
}

static void test_up_without_waiting_tells_nobody(void **state)
{
	struct err_text e = {{0}};

	begin();
	assert_int_equal(up(true, 0, &e), 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.a.n_up_done, 0);
	assert_int_equal(rig.a.core->n_children, 1);
	rig_fini(&rig);
}

static void test_up_says_why_not(void **state)
{
	struct err_text e = {{0}};

	begin();
	rig.b.dead = true;
	assert_int_equal(up(true, TOKEN, &e), 0);
	rig_run(&rig, 200000);
	assert_told(1, -ECONNABORTED);
	assert_non_null(strstr(rig.a.up_why, "time up waiting for phase1"));
	rig_fini(&rig);

	/* What a stranger says in clear is no proof, and the best hint there is. */
	begin();
	rig.b.core->conf->c->peer[0].offer[0].enc = ALG_ENC_AES_CBC;
	rig.b.core->conf->c->peer[0].offer[0].key_bits = 256;
	assert_int_equal(up(false, TOKEN, &e), 0);
	rig_run(&rig, 200000);
	assert_told(1, -ECONNABORTED);
	assert_non_null(
	    strstr(rig.a.up_why, "no answer. What went wrong last: somebody who may be the peer refuses: "
	                         "notification 14. NO-PROPOSAL-CHOSEN"));
	rig_fini(&rig);

	begin();
	rig.b.core->conf->c->child[0].n_enc = 1;
	rig.b.core->conf->c->child[0].enc[0] = (struct ike_child_enc){.id = ALG_ENC_AES_CBC, .key_bits = 256};
	rig.a.core->conf->c->child[0].n_enc = 1;
	assert_int_equal(up(true, TOKEN, &e), 0);
	rig_run(&rig, 200000);
	assert_told(1, -ECONNABORTED);
	assert_non_null(strstr(rig.a.up_why, "the peer says: notification 14"));
	rig_fini(&rig);
}

static void test_up_refuses_what_is_not_configured(void **state)
{
	struct err_text e = {{0}};
	struct ike_path p;

	begin();
	p = path_of(&rig.a, &rig.b);
	rig.a.core->conf->c->peer[0].passive = true;
	assert_int_equal(up(false, TOKEN, &e), -EINVAL);
	assert_non_null(strstr(e.s, "its remote is passive"));
	rig.a.core->conf->c->peer[0].addr = rig.b.addr;
	p.remote = inet_addr_v4(0x01020304);
	assert_int_equal(core_up(rig.a.core, TOKEN, &p, NULL, &e), -EINVAL);
	assert_string_equal(e.s, "1.2.3.4 is not negotiated with: no configuration found");
	assert_int_equal(rig.a.core->n_isakmp, 0);
	rig_fini(&rig);
}

static void settle_pair(void)
{
	struct err_text e = {{0}};

	begin();
	assert_int_equal(up(true, TOKEN, &e), 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_children, 1);
}

static void assert_calm(void)
{
	const char *why = "";

	if (!rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

static void test_delete_tells_the_peer(void **state)
{
	struct ike_filter f = {.sas = true, .children = true};
	struct core_ended n;

	settle_pair();
	f.remote = rig.b.addr;
	n = core_delete(rig.a.core, &f);
	assert_int_equal(n.sas, 1);
	assert_int_equal(n.children, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_isakmp, 0);
	assert_int_equal(rig.b.core->n_children, 0);
	assert_int_equal(rig_count(&rig.a, true) + rig_count(&rig.b, true), 0);
	assert_true(rig_logged(&rig.b, "IPsec-SA deleted by the peer"));
	assert_calm();
	rig_fini(&rig);
}

static void test_delete_takes_what_every_field_says(void **state)
{
	struct ike_child_view k;
	struct ike_sa_view v;
	struct ike_filter f;

	settle_pair();
	assert_int_equal(core_view_sas(rig.a.core, 0, &v, 1), 1);
	assert_int_equal(core_view_children(rig.a.core, 0, &k, 1), 1);
	const struct ike_filter others[] = {
	    {.sas = true, .children = true, .remote = inet_addr_v4(1)},
	    {.sas = true, .children = true, .local = inet_addr_v4(1)},
	    {.sas = true, .has_spis = true},
	    {.children = true, .proto = IPSEC_AH},
	    {.children = true, .spi = 1},
	    {.children = true, .has_selector = true, .selector = {.proto = 1}},
	    {.children = true, .proto = IPSEC_AH, .spi = k.part[0].spi_in},
	};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct core_ended n = core_delete(rig.a.core, &others[i]);

		assert_int_equal(n.sas + n.children, 0);
	}
	f = (struct ike_filter){.children = true,
	    .proto = IPSEC_ESP,
	    .spi = k.part[0].spi_out,
	    .has_selector = true,
	    .selector = k.selector,
	    .local = rig.a.addr};
	assert_int_equal(core_delete(rig.a.core, &f).children, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_children, 0);
	assert_int_equal(rig.b.core->n_isakmp, 1);
	f = (struct ike_filter){.sas = true, .has_spis = true};
	memcpy(f.spi_i, v.spi_i, sizeof(f.spi_i));
	memcpy(f.spi_r, v.spi_r, sizeof(f.spi_r));
	assert_int_equal(core_delete(rig.a.core, &f).sas, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_isakmp, 0);
	assert_calm();
	rig_fini(&rig);
}

static void test_delete_answers_who_waits(void **state)
{
	const struct ike_filter f = {.sas = true};
	struct err_text e = {{0}};

	begin();
	assert_int_equal(up(true, TOKEN, &e), 0);
	assert_int_equal(core_delete(rig.a.core, &f).sas, 1);
	assert_told(1, -ECONNABORTED);
	assert_non_null(strstr(rig.a.up_why, "deleted by the administrator"));
	rig_run(&rig, 200000);
	assert_calm();
	rig_fini(&rig);
}

static void test_view_says_what_was_agreed_on(void **state)
{
	struct ike_child_view k, k2;
	struct ike_sa_view v, v2;
	struct err_text e = {{0}};

	begin();
	assert_int_equal(up(true, TOKEN, &e), 0);
	assert_int_equal(core_view_sas(rig.a.core, 0, &v, 1), 1);
	assert_int_equal(v.state, IKE_VIEW_NEGOTIATING);
	assert_string_equal(v.step, "main mode, message 1 sent");
	assert_int_equal(v.remote_id.kind, IKE_ID_NONE);
	assert_int_equal(core_view_coming(rig.a.core, 0, &k, 1), 1);
	assert_string_equal(k.step, "waiting for phase 1");
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(core_view_coming(rig.a.core, 0, &k, 1), 0);
	assert_int_equal(core_view_sas(rig.a.core, 0, &v, 1), 1);
	assert_int_equal(core_view_sas(rig.a.core, v.number, &v2, 1), 0);
	assert_int_equal(core_view_sas(rig.b.core, 0, &v2, 1), 1);
	assert_int_equal(v.state, IKE_VIEW_ESTABLISHED);
	assert_int_equal(v.version, 1);
	assert_true(v.initiator && !v2.initiator);
	assert_memory_equal(v.spi_i, v2.spi_i, IKE_VIEW_SPI_LEN);
	assert_memory_equal(v.spi_r, v2.spi_r, IKE_VIEW_SPI_LEN);
	assert_int_equal(v.enc, v2.enc);
	assert_int_equal(v.group, ALG_GROUP_CURVE25519);
	assert_int_equal(v.prf, ALG_PRF_HMAC_SHA1);
	assert_true(ike_id_equal(&v.local_id, &v2.remote_id));
	assert_true(ike_id_equal(&v.remote_id, &v2.local_id));
	assert_true(v.left_ms > 0 && v.age_ms <= ENOUGH_MS);
	assert_int_equal(core_view_children(rig.a.core, 0, &k, 1), 1);
	assert_int_equal(core_view_children(rig.a.core, k.number, &k2, 1), 0);
	assert_int_equal(core_view_children(rig.b.core, 0, &k2, 1), 1);
	assert_int_equal(k.part[0].spi_in, k2.part[0].spi_out);
	assert_int_equal(k.part[0].spi_out, k2.part[0].spi_in);
	assert_int_equal(k.part[0].enc, rig.a.sa[0].desc.enc);
	assert_int_equal(k.part[0].auth, rig.a.sa[0].desc.auth);
	assert_int_equal(k.seconds, rig.a.sa[0].desc.life.hard_s);
	assert_true(selector_equal(&k.selector, &rig.a.out[0].sel));
	rig_fini(&rig);
}

/* Pages of any size show everything once, in the order of numbers. */
static void test_view_in_pages(void **state)
{
	enum { SAS = 40 };
	struct ike_sa_view v[CORE_VIEW_MAX];
	uint64_t after = 0, last = 0;
	uint32_t seen = 0, n;
	struct err_text e = {{0}};

	begin();
	rig.a.core->conf->c->peer[0].addr = (struct inet_addr){.family = INET_NONE};
	for (uint32_t i = 0; i < SAS; i++) {
		struct ike_path p = path_of(&rig.a, &rig.b);

		p.remote = inet_addr_v4(0xc0000200 + i);
		assert_int_equal(core_up(rig.a.core, 0, &p, NULL, &e), 0);
	}
	while ((n = core_view_sas(rig.a.core, after, v, 7)) > 0) {
		for (uint32_t i = 0; i < n; i++) {
			assert_true(v[i].number > last);
			last = v[i].number;
		}
		seen += n;
		after = v[n - 1].number;
	}
	assert_int_equal(seen, SAS);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_up_answers_when_the_isakmp_sa_is_there),
	    cmocka_unit_test(test_up_answers_when_the_policys_sas_are_there),
	    cmocka_unit_test(test_up_without_waiting_tells_nobody),
	    cmocka_unit_test(test_up_says_why_not),
	    cmocka_unit_test(test_up_refuses_what_is_not_configured),
	    cmocka_unit_test(test_delete_tells_the_peer),
	    cmocka_unit_test(test_delete_takes_what_every_field_says),
	    cmocka_unit_test(test_delete_answers_who_waits),
	    cmocka_unit_test(test_view_says_what_was_agreed_on),
	    cmocka_unit_test(test_view_in_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
