/*
 * keyd dies and is started again, and its peers do not notice: ISAKMP SAs and pairs that were established go
 * on, what was under way is begun anew, and nothing is heard twice that was heard before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "keyd/core/command.h"
#include "support/ike_rig.h"

enum {
	TCP = 6,
	UDP = 17,
	ENOUGH_MS = 2000,
	CHILD_S = 600,
	ISAKMP_S = 1800,
	LINGER_MS = 40000,
	LONG_MS = 400000
};

static struct rig rig;

static struct ike_conf *conf_of(enum ike_mode mode, uint32_t dpd_s)
{
	struct ike_conf *c = rig_conf(mode, IKE_AUTH_PSK, true);

	c->child[0].seconds = CHILD_S;
	c->peer[0].offer[0].seconds = ISAKMP_S;
	c->peer[0].dpd = (struct ike_dpd){.announce = true, .delay_s = dpd_s, .retry_s = 5, .maxfail = 3};
	return c;
}

static void begin(enum ike_mode mode, uint32_t dpd_s)
{
	rig_init(&rig, 1, conf_of(mode, dpd_s), conf_of(mode, dpd_s));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	rig_policy(&rig, IPSEC_TUNNEL, UDP);
}

static void connect_from(struct rig_side *s)
{
	rig_packet(s, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig));
}

static void assert_sound(void)
{
	const char *why = "";

	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

static const struct isakmp *only_sa(const struct rig_side *s)
{
	assert_int_equal(s->core->n_isakmp, 1);
	return list_entry(s->core->isakmp.next, struct isakmp, all);
}

static const struct child *only_child(const struct rig_side *s)
{
	assert_int_equal(s->core->n_children, 1);
	return list_entry(s->core->children.next, struct child, node);
}

static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE};

/* --- the same as before --- */

/* What is shown of both, but for moments that go by. */
static void shown(void *arg, const struct ike_row *row)
{
	struct ike_row_sa *sa = arg;

	if (row->sa)
		*sa = *row->sa;
}

static void test_the_same_sas_are_there(void **state)
{
	struct ike_row_sa before, after;
	struct child_part part;

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		begin(modes[m], 20);
		connect_from(&rig.a);
		for (struct rig_side *s = &rig.a; s; s = s == &rig.a ? &rig.b : NULL) {
			core_show(s->core, shown, &before);
			part = only_child(s)->part[0];
			rig_rebirth(s);
			core_show(s->core, shown, &after);
			/* The jitter of a renewal is thrown anew only for pairs. */
			before.detail = after.detail;
			before.name = after.name;
			assert_memory_equal(&before, &after, sizeof(before));
			assert_memory_equal(&part, &only_child(s)->part[0], sizeof(part));
			assert_true(rig_logged(
			    s, "1 ISAKMP SAs and 1 pairs of IPsec SAs go on after a restart, 0 are"));
		}
		assert_sound();
		rig_fini(&rig);
	}
}

/* An SA is one "up" and one "down", however many processes have had it. */
static void test_scripts_hear_of_an_sa_once(void **state)
{
	struct ike_conf *a = conf_of(IKE_MODE_MAIN, 0);

	(void)state;
	a->peer[0].script[IKE_HOOK_UP] = strdup("up.sh");
	a->peer[0].script[IKE_HOOK_DOWN] = strdup("down.sh");
	rig_init(&rig, 1, a, conf_of(IKE_MODE_MAIN, 0));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	connect_from(&rig.a);
	assert_string_equal(rig.a.hooks, "up ");
	rig_rebirth(&rig.a);
	assert_string_equal(rig.a.hooks, "up ");
	core_shutdown(rig.a.core);
	assert_string_equal(rig.a.hooks, "up down ");
	rig_fini(&rig);
}

/* --- renewal --- */

/* Both are killed again and again over hours, and there is not a moment without SAs. */
static void test_renewals_go_on(void **state)
{
	enum { ROUNDS = 60, ROUND_MS = 307000 };

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		begin(modes[m], 20);
		connect_from(&rig.a);
		for (unsigned i = 0; i < ROUNDS; i++) {
			assert_true(rig_live(&rig, ROUND_MS));
			rig_rebirth(i % 3 ? &rig.a : &rig.b);
			if (i % 7 == 0)
				rig_rebirth(&rig.a); /* twice in a row */
		}
		assert_true(rig_live(&rig, LINGER_MS));
		assert_false(rig_logged(&rig.a, "phase1 negotiation failed"));
		assert_false(rig_logged(&rig.b, "is dead"));
		assert_true(rig.a.core->n_isakmp <= 2 && rig.b.core->n_isakmp <= 2);
		assert_true(rig_count(&rig.a, false) <= 2 && rig_count(&rig.b, false) <= 2);
		assert_sound();
		rig_fini(&rig);
	}
}

/* Dead when the renewal was due: it is made up for, in time. */
static void test_overdue_renewal_is_made_up_for(void **state)
{
	uint32_t spi;

	(void)state;
	begin(IKE_MODE_MAIN, 0);
	connect_from(&rig.a);
	spi = only_child(&rig.a)->part[0].spi_out;
	assert_true(rig_live(&rig, (CHILD_S * 7 / 10) * 1000));
	rig.clock.ms += CHILD_S / 5 * 1000;
	rig_rebirth(&rig.a);
	assert_true(rig_live(&rig, ENOUGH_MS + LINGER_MS));
	assert_int_not_equal(only_child(&rig.a)->part[0].spi_out, spi);
	assert_sound();
	rig_fini(&rig);
}

/* A pair that is replaced already goes after its while. */
static void test_replaced_pair_still_goes(void **state)
{
	(void)state;
	begin(IKE_MODE_MAIN, 0);
	connect_from(&rig.a);
	while (rig.a.core->n_children == 1)
		assert_true(rig_live(&rig, 1000));
	rig_rebirth(&rig.a);
	assert_int_equal(rig.a.core->n_children, 2);
	assert_true(rig_live(&rig, LINGER_MS));
	assert_int_equal(rig.a.core->n_children, 1);
	assert_int_equal(rig.b.core->n_children, 1);
	assert_sound();
	rig_fini(&rig);
}

/* --- dead peers and goodbyes --- */

static void test_dpd_is_answered_and_asked(void **state)
{
	enum { QUIET_MS = 200000 };
	uint32_t seq;

	(void)state;
	begin(IKE_MODE_MAIN, 20);
	connect_from(&rig.a);
	assert_true(rig_live(&rig, QUIET_MS));
	seq = only_sa(&rig.a)->dpd_seq;
	rig_rebirth(&rig.a);
	/* Questions go on counting: a peer may not take a lower one. */
	assert_int_equal(only_sa(&rig.a)->dpd_seq, seq);
	assert_true(rig_live(&rig, QUIET_MS));
	assert_false(rig_logged(&rig.a, "the peer is dead"));
	assert_false(rig_logged(&rig.b, "the peer is dead"));
	assert_true(only_sa(&rig.a)->heard_ms + 30000 > rig.clock.ms);
	rig.b.dead = true;
	rig_rebirth(&rig.a);
	rig_run(&rig, QUIET_MS);
	assert_true(rig_logged(&rig.a, "the peer is dead: 3 questions without an answer"));
	assert_int_equal(rig.a.core->n_isakmp + rig.a.core->n_children, 0);
	rig_fini(&rig);
}

static void end_all(struct rig_side *s, bool children, bool sas)
{
	const struct ike_row_filter f = {.children = children, .sas = sas};
	struct ike_row_ended n;

	core_end(s->core, &f, &n);
	assert_int_equal(n.n_untold, 0);
	rig_run(&rig, ENOUGH_MS);
}

static void test_deletes_are_believed_and_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rig_side *reborn = i ? &rig.a : &rig.b;

		begin(IKE_MODE_MAIN, 0);
		connect_from(&rig.a);
		rig_rebirth(reborn);
		/* B says so both times: it believes, or is believed. */
		end_all(&rig.b, true, false);
		assert_int_equal(rig.a.core->n_children + rig.b.core->n_children, 0);
		assert_int_equal(rig_count(&rig.a, true) + rig_count(&rig.a, false), 0);
		assert_true(rig_logged(&rig.a, "IPsec-SA deleted by the peer"));
		end_all(&rig.b, false, true);
		assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
		assert_true(rig_logged(&rig.a, "ISAKMP-SA deleted by the peer"));
		/* What has ended does not come back. */
		rig_rebirth(&rig.a);
		rig_rebirth(&rig.b);
		assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
		assert_int_equal(rig.a.core->n_children + rig.b.core->n_children, 0);
		rig_fini(&rig);
	}
}

/* An orderly end withdraws everything, and leaves nothing for a successor. */
static void test_after_an_orderly_end_nothing_is_left(void **state)
{
	(void)state;
	begin(IKE_MODE_MAIN, 0);
	connect_from(&rig.a);
	core_shutdown(rig.a.core);
	assert_int_equal(keep_n_slots(rig.a.keep), 0);
	rig_rebirth(&rig.a);
	assert_int_equal(rig.a.core->n_isakmp + rig.a.core->n_children, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_isakmp + rig.b.core->n_children, 0);
	rig_fini(&rig);
}

/* Its SAs went while nobody listened. */
static void test_pair_without_sas_is_dropped(void **state)
{
	(void)state;
	begin(IKE_MODE_MAIN, 0);
	connect_from(&rig.a);
	rig.a.sa[0].serial = 0;
	rig_rebirth(&rig.a);
	assert_int_equal(rig.a.core->n_children, 1);
	rig_recall(&rig.a);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.a.core->n_children + rig.b.core->n_children, 0);
	assert_int_equal(rig.a.core->n_isakmp, 1);
	assert_sound();
	rig_fini(&rig);
}

/* --- negotiations --- */

/* Either side begins another pair, under the ISAKMP SA of before. */
static void test_quick_modes_under_the_old_isakmp_sa(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		begin(modes[i / 2], 0);
		connect_from(&rig.a);
		rig_rebirth(&rig.a);
		rig_rebirth(&rig.b);
		rig_packet(i % 2 ? &rig.a : &rig.b, 1);
		rig_run(&rig, ENOUGH_MS);
		(void)only_sa(&rig.a);
		assert_int_equal(rig.a.core->counters.established1 + rig.b.core->counters.established1, 0);
		assert_int_equal(rig.a.core->n_children, 2);
		assert_sound();
		rig_fini(&rig);
	}
}

/* Killed behind the n-th datagram: what was not proved is not there, and the next packets make it good. */
static void test_killed_at_each_message(void **state)
{
	enum { MESSAGES = 10 };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(modes); i++)
		for (unsigned n = 1; n < MESSAGES; n++) {
			struct rig_side *victim = i % 2 ? &rig.a : &rig.b;

			begin(modes[i / 2], 0);
			rig_packet(&rig.a, 0);
			for (unsigned ms = 0; rig.n_datagrams < n && ms < ENOUGH_MS; ms++)
				rig_run(&rig, 1);
			rig_rebirth(victim);
			list_foreach (sa, &victim->core->isakmp, struct isakmp, all)
				assert_true(isakmp_is_up(sa) && sa->ticket.n);
			rig_run(&rig, LONG_MS);
			for (unsigned again = 0; again < 2; again++) {
				rig_packet(&rig.a, 0);
				rig_run(&rig, LONG_MS);
			}
			rig_traffic(&rig);
			assert_sound();
			assert_true(rig_count(&rig.a, false) > 0);
			rig_fini(&rig);
		}
}

/* --- what is heard twice --- */

enum { RECORDED_MAX = 200 };
static struct {
	uint8_t d[2000];
	size_t n;
} recorded[RECORDED_MAX];
static unsigned n_recorded;

static bool record(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	(void)r;
	(void)n;
	if (!from_a || n_recorded == RECORDED_MAX || n_d > sizeof(recorded[0].d))
		return true;
	memcpy(recorded[n_recorded].d, d, n_d);
	recorded[n_recorded++].n = n_d;
	return true;
}

/* Everything that A has ever said comes again when B has another life: quick modes, questions, goodbyes. */
static void test_nothing_is_heard_again_that_was_heard_before(void **state)
{
	const struct ike_path from_a = {.local_port = IKE_PORT, .remote_port = IKE_PORT};
	struct ike_path path = from_a;
	uint64_t heard;
	uint32_t spi;

	(void)state;
	begin(IKE_MODE_MAIN, 2);
	rig.wire.tamper = record;
	n_recorded = 0;
	connect_from(&rig.a);
	rig_packet(&rig.a, 1);
	rig_run(&rig, ENOUGH_MS);
	end_all(&rig.a, true, false);
	rig_packet(&rig.a, 0);
	/* More questions than one slot has ids. */
	rig_run(&rig, 300000);
	assert_true(n_recorded > 120);
	rig.wire.tamper = NULL;
	rig_rebirth(&rig.b);
	path.local = rig.b.addr;
	path.remote = rig.a.addr;
	spi = only_child(&rig.b)->part[0].spi_in;
	heard = only_sa(&rig.b)->heard_ms;
	rig.a.dead = true;
	for (unsigned i = 0; i < n_recorded; i++)
		core_datagram(rig.b.core, &path, recorded[i].d, recorded[i].n);
	rig_run(&rig, 500);
	assert_int_equal(only_child(&rig.b)->part[0].spi_in, spi);
	assert_int_equal(heard, only_sa(&rig.b)->heard_ms);
	assert_true(rig.b.core->counters.duplicates > 100);
	assert_int_equal(rig_count(&rig.b, true), 1);
	assert_int_equal(rig.b.n_larvae, 0);
	rig_fini(&rig);
}

/* It was kept under generation 2; the rig loads the same configuration as generation 1 into the next life,
 * and its block is found by its number. */
static void test_the_same_block_of_another_configuration_goes_on(void **state)
{
	uint8_t cookie[IKE_COOKIE_LEN];
	struct ike_conf *c;

	(void)state;
	begin(IKE_MODE_MAIN, 0);
	c = conf_of(IKE_MODE_MAIN, 0);
	c->peer[0].block = 5;
	assert_int_equal(core_load(rig.a.core, 2, c), 0);
	connect_from(&rig.a);
	memcpy(cookie, only_sa(&rig.a)->icookie, sizeof(cookie));
	rig_rebirth(&rig.a);
	assert_memory_equal(only_sa(&rig.a)->icookie, cookie, sizeof(cookie));
	assert_int_equal(only_sa(&rig.a)->conf->generation, 1);
	rig.a.core->conf->c->peer[0].block = 6;
	rig_rebirth(&rig.a);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	rig_fini(&rig);
}

/* --- what is not believed --- */

static void test_another_configuration_forgets(void **state)
{
	(void)state;
	begin(IKE_MODE_MAIN, 0);
	connect_from(&rig.a);
	assert_int_equal(core_load(rig.a.core, 2, conf_of(IKE_MODE_MAIN, 0)), 0);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	/* Pairs live on; the rig loads generation 1 again, of which nothing else is left. */
	rig_rebirth(&rig.a);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	assert_int_equal(rig.a.core->n_children, 1);
	rig_fini(&rig);
	begin(IKE_MODE_MAIN, 0);
	assert_int_equal(core_load(rig.a.core, 2, conf_of(IKE_MODE_MAIN, 0)), 0);
	connect_from(&rig.a);
	rig_rebirth(&rig.a);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	assert_true(
	    rig_logged(&rig.a, "an ISAKMP SA of before this process began is dropped: it is of another"));
	rig_fini(&rig);
}

/* Every octet of what was kept, altered in turn: it is the same as before, or it is not there. */
static void test_damaged_memory(void **state)
{
	enum { OCTETS = (1 + KEEP_RUN_MAX + 4) * SLOT_SIZE, STEP = 5 };
	AUTO_SECRET_REGION struct secret_region seen = SECRET_REGION_INIT;
	struct err_text e = {{0}};
	uint8_t *copy, icookie[IKE_COOKIE_LEN];
	uint32_t spi;

	(void)state;
	begin(IKE_MODE_MAIN, 0);
	connect_from(&rig.a);
	memcpy(icookie, only_sa(&rig.a)->icookie, sizeof(icookie));
	spi = only_child(&rig.a)->part[0].spi_in;
	assert_int_equal(secret_region_adopt(dup(rig.a.stored[0].fd), SLOTS_BYTES, &seen, &e), 0);
	copy = malloc(OCTETS);
	memcpy(copy, seen.p, OCTETS);
	for (size_t i = 0; i < OCTETS; i += STEP) {
		memcpy(seen.p, copy, OCTETS);
		seen.p[i] ^= 0x10;
		rig_rebirth(&rig.a);
		if (rig.a.core->n_isakmp)
			assert_memory_equal(only_sa(&rig.a)->icookie, icookie, sizeof(icookie));
		if (rig.a.core->n_children)
			assert_int_equal(only_child(&rig.a)->part[0].spi_in, spi);
		assert_int_equal(rig.a.keep ? keep_n_segments(rig.a.keep) <= 1 : 0, 1);
	}
	free(copy);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_same_sas_are_there),
	    cmocka_unit_test(test_scripts_hear_of_an_sa_once),
	    cmocka_unit_test(test_renewals_go_on),
	    cmocka_unit_test(test_overdue_renewal_is_made_up_for),
	    cmocka_unit_test(test_replaced_pair_still_goes),
	    cmocka_unit_test(test_dpd_is_answered_and_asked),
	    cmocka_unit_test(test_deletes_are_believed_and_said),
	    cmocka_unit_test(test_after_an_orderly_end_nothing_is_left),
	    cmocka_unit_test(test_pair_without_sas_is_dropped),
	    cmocka_unit_test(test_quick_modes_under_the_old_isakmp_sa),
	    cmocka_unit_test(test_killed_at_each_message),
	    cmocka_unit_test(test_nothing_is_heard_again_that_was_heard_before),
	    cmocka_unit_test(test_the_same_block_of_another_configuration_goes_on),
	    cmocka_unit_test(test_another_configuration_forgets),
	    cmocka_unit_test(test_damaged_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
