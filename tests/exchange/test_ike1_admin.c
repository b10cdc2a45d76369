/*
 * The administrator's side of version 1: who asks for a negotiation hears what became of it, once; what is
 * shown is what there is; what is ended is ended at both ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "keyd/core/command.h"
#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000, LONG_MS = 400000, ROWS_MAX = 32 };

static struct rig rig;

static struct answer {
	unsigned n;
	int result;
	char why[CORE_WHY_MAX * 2];
	struct ike_row_sa sa;
	struct ike_row_child child;
	bool has_sa, has_child;
} got;

static void on_done(void *arg, int result, const char *why, const struct ike_row *row)
{
	struct answer *a = arg;

	a->n++;
	a->result = result;
	snprintf(a->why, sizeof(a->why), "%s", why);
	a->has_sa = row && row->sa;
	a->has_child = row && row->child;
	if (a->has_sa)
		a->sa = *row->sa;
	if (a->has_child)
		a->child = *row->child;
}

static void begin(enum ike_mode mode)
{
	got = (struct answer){0};
	rig_init(&rig, 1, rig_conf(mode, IKE_AUTH_PSK, true), rig_conf(mode, IKE_AUTH_PSK, true));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void ask(const struct policy *p, uint32_t wait_ms)
{
	const struct core_up up = {.path = {.local = rig.a.addr,
	                               .remote = rig.b.addr,
	                               .local_port = IKE_PORT,
	                               .remote_port = IKE_PORT},
	    .policy = p,
	    .wait_ms = wait_ms,
	    .done = on_done,
	    .arg = &got};

	core_up(rig.a.core, &up);
}

static struct rows {
	size_t n_sas, n_children;
	struct ike_row_sa sa[ROWS_MAX];
	struct ike_row_child child[ROWS_MAX];
} rows;

static void add_row(void *arg, const struct ike_row *r)
{
	struct rows *x = arg;

	assert_true(!r->sa != !r->child);
	assert_true(x->n_sas < ROWS_MAX && x->n_children < ROWS_MAX);
	if (r->sa)
		x->sa[x->n_sas++] = *r->sa;
	else
		x->child[x->n_children++] = *r->child;
}

static void show(struct rig_side *s)
{
	rows = (struct rows){0};
	core_show(s->core, add_row, &rows);
}

static void test_up_alone(void **state)
{
	static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		begin(modes[i]);
		ask(NULL, 10000);
		assert_int_equal(got.n, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_int_equal(got.n, 1);
		assert_int_equal(got.result, 0);
		assert_true(got.has_sa && got.sa.state == IKE_ROW_UP && got.sa.initiator);
		assert_int_equal(got.sa.mode, modes[i]);
		assert_int_equal(got.sa.version, 1);
		assert_int_equal(got.sa.progress, 9);
		assert_int_equal(rig_count(&rig.a, true), 0);
		/* It is up: the answer is there at once, and nothing is sent. */
		unsigned sent = rig.n_datagrams;
		ask(NULL, 10000);
		assert_int_equal(got.n, 2);
		assert_int_equal(rig.n_datagrams, sent);
		assert_int_equal(rig.a.core->n_waiters, 0);
		rig_fini(&rig);
	}
}

/* The policy's own SAs; both sides' rows say the same of them, and the data path has them. */
static void test_up_and_show(void **state)
{
	struct ike_row_child mine;
	struct ike_row_sa sa;
	bool installed = false;

	begin(IKE_MODE_MAIN);
	ask(&rig.a.out[0], 10000);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(got.n, 1);
	assert_true(got.result == 0 && got.has_child && got.child.state == IKE_ROW_UP);
	show(&rig.a);
	assert_int_equal(rows.n_sas, 1);
	assert_int_equal(rows.n_children, 1);
	sa = rows.sa[0];
	mine = rows.child[0];
	assert_int_equal(sa.n_children, 1);
	assert_true(sa.agreed && sa.left_ms > 0 && sa.peer_id.kind == IKE_ID_ADDRESS);
	assert_true(selector_equal(&mine.sel, &rig.a.out[0].sel));
	show(&rig.b);
	assert_int_equal(rows.n_sas, 1);
	assert_int_equal(rows.n_children, 1);
	assert_false(rows.sa[0].initiator);
	assert_memory_equal(rows.sa[0].spi_i, sa.spi_i, IKE_ROW_SPI);
	assert_memory_equal(rows.sa[0].spi_r, sa.spi_r, IKE_ROW_SPI);
	assert_int_equal(rows.sa[0].enc, sa.enc);
	assert_int_equal(rows.sa[0].group, sa.group);
	assert_int_equal(rows.child[0].part[0].spi_in, mine.part[0].spi_out);
	assert_int_equal(rows.child[0].part[0].spi_out, mine.part[0].spi_in);
	for (size_t i = 0; i < RIG_SAS_MAX; i++) {
		const struct rig_sa *x = &rig.a.sa[i];

		if (!x->serial || !x->inbound)
			continue;
		installed = true;
		assert_int_equal(x->desc.spi, mine.part[0].spi_in);
		assert_int_equal(x->desc.enc, mine.part[0].enc);
		assert_int_equal(x->desc.auth, mine.part[0].auth);
	}
	assert_true(installed);
	rig_fini(&rig);
}

static void test_begun_is_enough(void **state)
{
	begin(IKE_MODE_MAIN);
	ask(&rig.a.out[0], 0);
	assert_int_equal(got.n, 1);
	assert_true(got.result == 0 && got.has_child && got.child.state == IKE_ROW_CONNECTING);
	show(&rig.a);
	assert_int_equal(rows.n_children, 1);
	assert_true(rows.child[0].has_parent);
	assert_memory_equal(rows.child[0].spi_i, rows.sa[0].spi_i, IKE_ROW_SPI);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(got.n, 1);
	assert_int_equal(rig_count(&rig.a, true), 1);
	rig_fini(&rig);
}

static void assert_failed(int result, const char *text)
{
	assert_int_equal(got.n, 1);
	assert_int_equal(got.result, result);
	if (!strstr(got.why, text))
		fail_msg("'%s' is not in: %s", text, got.why);
	assert_int_equal(rig.a.core->n_waiters, 0);
}

static void test_why_not(void **state)
{
	begin(IKE_MODE_MAIN); /* nobody there */
	rig.b.dead = true;
	ask(NULL, CORE_WAIT_MAX_MS);
	rig_run(&rig, LONG_MS);
	assert_failed(-ECONNREFUSED, "phase 1 failed: no answer (main mode, message 1 sent)");
	rig_fini(&rig);

	begin(IKE_MODE_MAIN); /* the same with a policy */
	rig.b.dead = true;
	ask(&rig.a.out[0], CORE_WAIT_MAX_MS);
	rig_run(&rig, LONG_MS);
	assert_failed(-ECONNREFUSED, "phase");
	rig_fini(&rig);

	begin(IKE_MODE_MAIN); /* not in time */
	rig.b.dead = true;
	ask(NULL, 3000);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(got.n, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_failed(-ETIMEDOUT, "not up after 3 s: main mode, message 1 sent");
	rig_fini(&rig);

	begin(IKE_MODE_AGGRESSIVE); /* another key */
	rig.b.psk = "another";
	ask(NULL, CORE_WAIT_MAX_MS);
	rig_run(&rig, LONG_MS);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.result, -ECONNREFUSED);
	rig_fini(&rig);

	begin(IKE_MODE_MAIN); /* no proposal in common */
	rig.b.core->conf->c->peer[0].offer[0].enc = ALG_ENC_AES_CBC;
	rig.b.core->conf->c->peer[0].offer[0].key_bits = 256;
	ask(NULL, CORE_WAIT_MAX_MS);
	rig_run(&rig, LONG_MS);
	assert_failed(-ECONNREFUSED, "no proposal is acceptable to it");
	rig_fini(&rig);
}

static void test_refused_at_once(void **state)
{
	begin(IKE_MODE_MAIN);
	rig.a.core->conf->c->peer[0].n_modes = 0;
	ask(NULL, 1000);
	assert_failed(-ENOENT, "exchange_mode");
	rig_fini(&rig);

	begin(IKE_MODE_MAIN);
	rig.a.core->conf->c->n_listen = 1;
	rig.a.core->conf->c->listen[0].addr = rig.b.addr;
	ask(NULL, 1000);
	assert_failed(-ENOENT, "listen names other addresses");
	rig_fini(&rig);

	begin(IKE_MODE_MAIN);
	rig.b.dead = true;
	for (unsigned i = 0; i < CORE_WAITERS_MAX; i++)
		ask(NULL, CORE_WAIT_MAX_MS);
	assert_int_equal(got.n, 0);
	ask(NULL, CORE_WAIT_MAX_MS);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.result, -EBUSY);
	/* All had one argument: none of them is called any more. */
	core_up_forget(rig.a.core, &got);
	assert_int_equal(rig.a.core->n_waiters, 0);
	rig_run(&rig, LONG_MS);
	assert_int_equal(got.n, 1);
	rig_fini(&rig);
}

static struct ike_row_ended end(const struct ike_row_filter *f)
{
	struct ike_row_ended n;

	core_end(rig.a.core, f, &n);
	rig_run(&rig, ENOUGH_MS);
	return n;
}

static void connect_all(void)
{
	begin(IKE_MODE_MAIN);
	ask(&rig.a.out[0], 10000);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig));
}

/* The peer hears of it under the SA that ends last. */
static void test_down(void **state)
{
	const char *why = "";
	struct ike_row_filter f = {.sas = true, .children = true};
	struct ike_row_ended n;

	connect_all();
	f.remote = rig.a.addr; /* not the peer's */
	n = end(&f);
	assert_int_equal(n.n_sas + n.n_children, 0);
	f.remote = rig.b.addr;
	n = end(&f);
	assert_int_equal(n.n_sas, 1);
	assert_int_equal(n.n_children, 1);
	assert_int_equal(n.n_untold, 0);
	assert_int_equal(rig.b.core->n_isakmp + rig.b.core->n_children, 0);
	assert_int_equal(rig_count(&rig.a, true) + rig_count(&rig.b, true), 0);
	if (!rig_is_calm(&rig, &why))
		fail_msg("%s", why);
	rig_fini(&rig);
}

static void test_one_of_them(void **state)
{
	struct ike_row_filter f = {.children = true, .proto = IPSEC_ESP};
	struct ike_row_ended n;

	connect_all();
	show(&rig.a);
	f.spi = 0x7fffffff;
	assert_int_equal(end(&f).n_children, 0);
	f.spi = rows.child[0].part[0].spi_out; /* of the other direction */
	f.proto = IPSEC_AH;
	assert_int_equal(end(&f).n_children, 0);
	f.proto = IPSEC_ESP;
	assert_int_equal(end(&f).n_children, 1);
	assert_int_equal(rig.b.core->n_children, 0);
	assert_int_equal(rig.b.core->n_isakmp, 1);

	f = (struct ike_row_filter){.sas = true, .has_spis = true};
	assert_int_equal(end(&f).n_sas, 0);
	memcpy(f.spi_i, rows.sa[0].spi_i, IKE_ROW_SPI);
	memcpy(f.spi_r, rows.sa[0].spi_r, IKE_ROW_SPI);
	n = end(&f);
	assert_int_equal(n.n_sas, 1);
	assert_int_equal(rig.b.core->n_isakmp, 0);
	rig_fini(&rig);
}

/* Without an SA of key exchange nobody is told, and that is said. */
static void test_untold(void **state)
{
	struct ike_row_filter f = {.sas = true};

	connect_all();
	(void)end(&f);
	f = (struct ike_row_filter){.children = true, .has_sel = true, .sel = rig.a.out[0].sel};
	assert_int_equal(end(&f).n_untold, 1);
	assert_int_equal(rig.b.core->n_children, 1);
	rig_fini(&rig);
}

/* The pair can be renewed by either side, the SA of key exchange by the one that began it. */
static void test_rekey(void **state)
{
	struct ike_row_filter f = {.sas = true, .children = true};
	struct rig_side *sides[] = {&rig.a, &rig.b};
	const char *why = "";
	struct ike_row_ended n;

	connect_all();
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
		const struct policy *p = &sides[i]->out[0];
		uint32_t was = child_of_policy(sides[i]->core, p->id)->part[0].spi_out;

		f.remote = sides[!i]->addr;
		core_renew(sides[i]->core, &f, &n);
		assert_int_equal(n.n_sas, i == 0);
		assert_int_equal(n.n_children, 1);
		assert_true(rig_live(&rig, ENOUGH_MS));
		assert_int_not_equal(child_of_policy(sides[i]->core, p->id)->part[0].spi_out, was);
		assert_int_equal(rig.a.core->n_isakmp, 2);
	}
	assert_true(rig_live(&rig, LONG_MS));
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
	rig_fini(&rig);
}

/* At every moment of a negotiation: whoever waits is answered once, and nothing is left. */
static void test_down_at_any_moment(void **state)
{
	for (uint64_t ms = 0; ms < 400; ms += 5) {
		const struct ike_row_filter f = {.sas = true, .children = true};
		const char *why = "";

		begin(IKE_MODE_MAIN);
		ask(&rig.a.out[0], CORE_WAIT_MAX_MS);
		rig_run(&rig, ms);
		(void)end(&f);
		rig_run(&rig, LONG_MS);
		assert_int_equal(got.n, 1);
		assert_int_equal(rig.a.core->n_waiters, 0);
		if (!rig_is_calm(&rig, &why))
			fail_msg("ended after %llu ms: %s", (unsigned long long)ms, why);
		rig_fini(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_up_alone),
	    cmocka_unit_test(test_up_and_show),
	    cmocka_unit_test(test_begun_is_enough),
	    cmocka_unit_test(test_why_not),
	    cmocka_unit_test(test_refused_at_once),
	    cmocka_unit_test(test_down),
	    cmocka_unit_test(test_one_of_them),
	    cmocka_unit_test(test_untold),
	    cmocka_unit_test(test_rekey),
	    cmocka_unit_test(test_down_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
