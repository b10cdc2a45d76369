/*
 * Connections that are kept up, of both versions: they come without a packet, come back whatever took them
 * away, soon after it can be, and bother nobody who does not want them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "keyd/core/command.h"
#include "keyd/core/upkeep.h"
#include "support/ike_rig.h"

enum {
	TCP = 6,
	ADDR_A = 0x0a000064,
	ADDR_B = 0x0a00006e,
	SECOND_MS = 1000,
	MINUTE_MS = 60000,
	HOUR_MS = 3600000,
	BACK_MS = 5000, /* after the path's return */
	DPD_S = 10,
	/* Until a peer that is dead is known to be: a silence, and all repetitions of a question. */
	DEAD_MS = 2 * DPD_S * SECOND_MS + 35000,
};

static struct rig rig;
static uint8_t version;

enum side { NONE = 0, A_KEEPS = 1, B_KEEPS = 2, BOTH_KEEP = 3 };

static struct ike_conf *conf_of(bool of_a, bool keeps, uint64_t block)
{
	struct ike_conf *c =
	    version == 2 ? rig_conf2(IKE_AUTH_PSK) : rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);
	const struct inet_addr a = inet_addr_v4(ADDR_A), b = inet_addr_v4(ADDR_B);
	struct ike_peer *p = &c->peer[0];
	struct ike_child *k = &c->child[0];

	p->addr = of_a ? b : a;
	p->keep_up = keeps;
	p->passive = !keeps;
	p->block = block;
	p->ph1id = k->remoteid = 1;
	p->dpd = (struct ike_dpd){.announce = true, .delay_s = DPD_S, .retry_s = 5, .maxfail = 3};
	k->local = (struct ike_side){.kind = IKE_SIDE_HOST, .first = of_a ? a : b, .proto = TCP};
	k->remote = (struct ike_side){.kind = IKE_SIDE_HOST, .first = p->addr, .proto = TCP};
	/* As the native configuration has them. */
	c->timers.interval_ms = 3000;
	c->timers.phase1_ms = 20000;
	return c;
}

static void begin(uint64_t seed, enum side who)
{
	rig_init(&rig, seed, conf_of(true, who & A_KEEPS, 1), conf_of(false, who & B_KEEPS, 1));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

/* Whether it was there in that time. */
static bool comes(uint64_t ms)
{
	enum { STEP_MS = 50 };

	for (uint64_t until = rig.clock.ms + ms; rig.clock.ms < until;) {
		(void)rig_live(&rig, STEP_MS);
		if (rig_is_usable(&rig) && rig_count(&rig.a, false) && rig_count(&rig.b, false))
			return true;
	}
	return false;
}

static void assert_comes(uint64_t ms)
{
	if (!comes(ms))
		fail_msg("version %u: not there after %llu ms", version, (unsigned long long)ms);
}

static uint32_t sas(const struct rig_side *s)
{
	return s->core->ike2.n + s->core->n_isakmp;
}

/* Nothing is left over of what was. A question whether the peer is there may be on its way. */
static void assert_one(void)
{
	const char *why = "";

	if (!rig_is_calm(&rig, &why))
		rig_run(&rig, SECOND_MS);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("version %u: %s", version, why);
	if (sas(&rig.a) != 1 || sas(&rig.b) != 1)
		fail_msg("version %u: %u and %u IKE SAs", version, sas(&rig.a), sas(&rig.b));
	if (rig_count(&rig.a, false) != 1 || rig_count(&rig.b, false) != 1)
		fail_msg("version %u: %zu and %zu pairs", version, rig_count(&rig.a, false),
		    rig_count(&rig.b, false));
}

static void each_version(void (*fn)(void))
{
	for (version = 1; version <= 2; version++) {
		fn();
		rig_fini(&rig);
	}
}

static void set_path(bool there)
{
	rig.wire.loss = there ? 0 : 1000;
}

static void end_all(struct rig_side *s)
{
	const struct ike_row_filter all = {.sas = true, .children = true};
	struct ike_row_ended n;

	core_end(s->core, &all, &n);
}

static size_t lines(const struct rig_side *s, const char *text)
{
	size_t n = 0;

	for (const char *at = s->log; (at = strstr(at, text)); at++)
		n++;
	return n;
}

/* --- */

static void comes_without_packet(void)
{
	begin(1, A_KEEPS);
	assert_comes(BACK_MS);
	rig_run(&rig, MINUTE_MS);
	assert_one();
}

static void test_comes_without_packet(void **state)
{
	each_version(comes_without_packet);
}

static void peer_reboots(void)
{
	begin(2, A_KEEPS);
	assert_comes(BACK_MS);
	rig_run(&rig, MINUTE_MS);
	rig_restart(&rig.b, conf_of(false, false, 1));
	rig_run(&rig, DEAD_MS);
	assert_comes(BACK_MS);
}

static void test_peer_reboots(void **state)
{
	each_version(peer_reboots);
}

static void host_reboots(void)
{
	begin(3, A_KEEPS);
	assert_comes(BACK_MS);
	rig_run(&rig, MINUTE_MS);
	rig_restart(&rig.a, conf_of(true, true, 1));
	assert_comes(BACK_MS);
}

static void test_host_reboots(void **state)
{
	each_version(host_reboots);
}

static void keyd_dies(void)
{
	begin(4, A_KEEPS);
	assert_comes(BACK_MS);
	rig_run(&rig, MINUTE_MS);
	rig_rebirth(&rig.a);
	rig_run(&rig, BACK_MS);
	assert_int_equal(rig_count(&rig.a, false), 1);
	assert_int_equal(upkeep_count(rig.a.core).n_up, 1);
}

static void test_keyd_dies(void **state)
{
	each_version(keyd_dies);
}

static void peer_deletes(void)
{
	begin(5, A_KEEPS);
	assert_comes(BACK_MS);
	rig_run(&rig, MINUTE_MS);
	end_all(&rig.b);
	rig_run(&rig, SECOND_MS);
	assert_comes(BACK_MS);
	rig_run(&rig, MINUTE_MS);
	assert_one();
}

static void test_peer_deletes(void **state)
{
	each_version(peer_deletes);
}

/* A peer that takes every pair away again is not run against. */
static void peer_always_deletes(void)
{
	enum { TRIES_MAX = 90 };
	uint64_t before;

	begin(6, A_KEEPS);
	for (uint64_t end = rig.clock.ms + HOUR_MS; rig.clock.ms < end;) {
		rig_run(&rig, SECOND_MS);
		end_all(&rig.b);
	}
	before = rig.a.core->counters.established2;
	assert_in_range(before, 50, TRIES_MAX);
	assert_in_range(lines(&rig.a, " is down for "), 1, 20);
}

static void test_peer_always_deletes(void **state)
{
	each_version(peer_always_deletes);
}

/* The peer refuses to renew the pair for as long as that lives. */
static void renewal_fails(void)
{
	struct ike_conf *a, *b;

	a = conf_of(true, true, 1);
	b = conf_of(false, false, 1);
	a->child[0].seconds = b->child[0].seconds = 300;
	rig_init(&rig, 7, a, b);
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	assert_comes(BACK_MS);
	(void)rig_live(&rig, 100 * SECOND_MS);
	rig.b.n_policies = 0;
	(void)rig_live(&rig, 250 * SECOND_MS);
	assert_int_equal(rig_count(&rig.a, false), 0);
	rig.b.n_policies = 1;
	assert_comes(UPKEEP_REFUSED_MAX_MS + BACK_MS);
}

static void test_renewal_fails(void **state)
{
	each_version(renewal_fails);
}

static uint64_t away_ms;

static void path_goes(void)
{
	for (uint64_t seed = 8; seed < 16; seed++) {
		begin(seed, A_KEEPS);
		assert_comes(BACK_MS);
		rig_run(&rig, MINUTE_MS);
		set_path(false);
		rig.a.n_lines = 0;
		(void)rig_live(&rig, away_ms + 777 * seed);
		assert_false(rig_is_usable(&rig));
		assert_in_range(rig.a.n_lines, 1, 25);
		set_path(true);
		assert_comes(BACK_MS);
		rig_run(&rig, MINUTE_MS);
		assert_one();
		if (seed < 15)
			rig_fini(&rig);
	}
}

static void test_path_goes_for_a_minute(void **state)
{
	away_ms = MINUTE_MS;
	each_version(path_goes);
}

static void test_path_goes_for_an_hour(void **state)
{
	away_ms = HOUR_MS;
	each_version(path_goes);
}

/* Both begin at once, and again when the path is back. */
static void both_keep(void)
{
	enum { SEEDS = 200 };

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		begin(100 + seed, BOTH_KEEP);
		assert_comes(BACK_MS);
		rig_run(&rig, 2 * MINUTE_MS);
		assert_one();
		set_path(false);
		(void)rig_live(&rig, 2 * MINUTE_MS);
		set_path(true);
		assert_comes(BACK_MS);
		rig_run(&rig, 2 * MINUTE_MS);
		assert_one();
		if (seed < SEEDS - 1)
			rig_fini(&rig);
	}
}

static void test_both_keep(void **state)
{
	each_version(both_keep);
}

static void no_answer_to_up(void *arg, int result, const char *why, const struct ike_row *row)
{
	(void)why;
	(void)row;
	*(int *)arg = result;
}

static void down_holds(void)
{
	const struct ike_path path = {
	    .local = rig.a.addr, .remote = rig.b.addr, .local_port = IKE_PORT, .remote_port = IKE_PORT};
	struct core_up up = {.path = path, .policy = &rig.a.out[0], .done = no_answer_to_up};
	int result = -1;

	begin(20, BOTH_KEEP);
	up.arg = &result;
	up.path.local = rig.a.addr;
	up.path.remote = rig.b.addr;
	assert_comes(BACK_MS);
	rig_run(&rig, MINUTE_MS);
	end_all(&rig.a);
	rig.b.n_lines = 0;
	rig_run(&rig, BACK_MS);
	rig_packet(&rig.a, 0);
	rig_run(&rig, HOUR_MS);
	assert_int_equal(rig_count(&rig.a, false) + rig_count(&rig.b, false), 0);
	assert_int_equal(upkeep_count(rig.a.core).n_held, 1);
	assert_in_range(rig.b.n_lines, 1, 25);

	core_up(rig.a.core, &up);
	assert_comes(BACK_MS);
	assert_int_equal(result, 0);
	assert_int_equal(upkeep_count(rig.a.core).n_held, 0);
}

static void test_down_holds(void **state)
{
	each_version(down_holds);
}

static void load_releases(void)
{
	begin(21, A_KEEPS);
	assert_comes(BACK_MS);
	rig_run(&rig, MINUTE_MS);
	end_all(&rig.a);
	assert_int_equal(core_load(rig.a.core, 2, conf_of(true, true, 1)), 0);
	rig_run(&rig, MINUTE_MS);
	assert_int_equal(rig_count(&rig.a, false), 0);
	assert_int_equal(core_load(rig.a.core, 3, conf_of(true, true, 2)), 0);
	assert_comes(BACK_MS);
	assert_int_equal(core_load(rig.a.core, 4, conf_of(true, false, 2)), 0);
	assert_int_equal(upkeep_count(rig.a.core).n, 0);
}

static void test_load_releases(void **state)
{
	each_version(load_releases);
}

static struct ike_row_kept seen;
static char seen_why[UPKEEP_WHY_MAX];

static void see(void *arg, const struct ike_row *row)
{
	(void)arg;
	if (!row->kept)
		return;
	seen = *row->kept;
	snprintf(seen_why, sizeof(seen_why), "%s", row->kept->why);
}

/* Its no is taken for an answer, for a while. */
static void wrong_secret(void)
{
	uint64_t failed;

	begin(22, A_KEEPS);
	rig.b.psk = "another key";
	rig_run(&rig, HOUR_MS);
	failed = rig.a.core->counters.failed1 + rig.a.core->counters.failed2;
	assert_in_range(failed, 20, 200);
	assert_in_range(lines(&rig.a, " is down for "), 3, 10);
	core_show(rig.a.core, see, NULL);
	assert_true(seen.state == IKE_KEPT_DOWN || seen.state == IKE_KEPT_TRYING);
	assert_in_range(seen.down_ms, HOUR_MS - MINUTE_MS, HOUR_MS);
	assert_true(seen_why[0]);
	rig.b.psk = rig.a.psk;
	assert_comes(UPKEEP_REFUSED_MAX_MS + MINUTE_MS);
}

static void test_wrong_secret(void **state)
{
	each_version(wrong_secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_comes_without_packet),
	    cmocka_unit_test(test_peer_reboots),
	    cmocka_unit_test(test_host_reboots),
	    cmocka_unit_test(test_keyd_dies),
	    cmocka_unit_test(test_peer_deletes),
	    cmocka_unit_test(test_peer_always_deletes),
	    cmocka_unit_test(test_renewal_fails),
	    cmocka_unit_test(test_path_goes_for_a_minute),
	    cmocka_unit_test(test_path_goes_for_an_hour),
	    cmocka_unit_test(test_both_keep),
	    cmocka_unit_test(test_down_holds),
	    cmocka_unit_test(test_load_releases),
	    cmocka_unit_test(test_wrong_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
