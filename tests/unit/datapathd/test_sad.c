/*
 * The SAD's two lookups and its transactions against a list that a child could have written.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "datapathd/sa/lifetime.h"
#include "support/path_rig.h"

enum { HOSTS = 4, MODEL_MAX = 400 };

static struct path_rig rig;

struct row {
	struct sa_desc d;
	uint64_t serial;
	enum sa_state state;
};

static struct row model[MODEL_MAX];
static unsigned n_model;

static int setup(void **state)
{
	(void)state;
	path_rig_init(&rig);
	n_model = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	path_rig_fini(&rig);
	return 0;
}

static struct sa_desc random_desc(void)
{
	char src[20], dst[20];
	struct rng *r = &rig.rng.rng;
	enum ipsec_proto proto = rng_below(r, 2) ? IPSEC_ESP : IPSEC_AH;
	struct sa_desc d;

	snprintf(src, sizeof(src), "10.0.0.%u", 1 + rng_below(r, HOSTS));
	snprintf(dst, sizeof(dst), "10.0.0.%u", 1 + rng_below(r, HOSTS));
	d = path_rig_desc(src, dst, proto, 256 + rng_below(r, 64),
	    (enum ipsec_mode)(IPSEC_MODE_ANY + rng_below(r, 3)),
	    proto == IPSEC_ESP ? ALG_ENC_NULL : ALG_ENC_NONE, ALG_AUTH_HMAC_SHA1);
	d.reqid = rng_below(r, 3);
	return d;
}

static struct row *model_find(const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	for (unsigned i = 0; i < n_model; i++)
		if (model[i].d.proto == proto && model[i].d.spi == spi &&
		    inet_addr_equal(&model[i].d.dst, dst))
			return &model[i];
	return NULL;
}

static void model_remove(struct row *r)
{
	memmove(r, r + 1, (size_t)(&model[n_model] - (r + 1)) * sizeof(*r));
	n_model--;
}

static const struct row *model_out(const struct sad_want *w, bool old)
{
	const enum sa_state order[2] = {old ? SA_DYING : SA_MATURE, old ? SA_MATURE : SA_DYING};
	const struct row *best = NULL;

	for (int s = 0; s < 2 && !best; s++) {
		for (unsigned i = 0; i < n_model; i++) {
			const struct sa_desc *d = &model[i].d;

			if (model[i].state != order[s] || d->proto != w->proto ||
			    !inet_addr_equal(&d->src, &w->src) || !inet_addr_equal(&d->dst, &w->dst))
				continue;
			if ((d->mode != IPSEC_MODE_ANY && d->mode != w->mode) ||
			    (w->reqid && w->reqid != d->reqid))
				continue;
			if (!best || (old ? model[i].serial < best->serial : model[i].serial > best->serial))
				best = &model[i];
		}
	}
	return best;
}

static void compare_out(void)
{
	const struct sa_desc d = random_desc();
	struct sad_want w = {
	    .src = d.src, .dst = d.dst, .proto = d.proto, .reqid = d.reqid, .now_ms = rig.clock.ms};
	bool old = atomic_load(&rig.sad.prefer_old);
	const struct row *want;
	const struct sa_rt *got;

	w.mode = d.mode == IPSEC_TRANSPORT ? IPSEC_TRANSPORT : IPSEC_TUNNEL;
	want = model_out(&w, old);
	got = sad_find_out(&rig.sad, &w);
	assert_int_equal(got ? got->serial : 0, want ? want->serial : 0);
}

static void compare_in(void)
{
	const struct sa_desc d = random_desc();
	const struct row *want = model_find(&d.dst, d.proto, d.spi);
	const struct sa_rt *got = sad_find_in(&rig.sad, &d.dst, d.proto, d.spi);

	assert_int_equal(got ? got->serial : 0, want ? want->serial : 0);
}

static void change(void)
{
	const struct sa_desc d = random_desc();
	struct row *r = model_find(&d.dst, d.proto, d.spi);
	struct sa *sa;

	if (r && rng_below(&rig.rng.rng, 3) == 0) {
		sa = sad_find(&rig.sad, &r->d.src, &r->d.dst, r->d.proto, r->d.spi);
		assert_non_null(sa);
		if (r->state == SA_MATURE && rng_below(&rig.rng.rng, 2)) {
			atomic_store(&sa->slot->run.state, SA_DYING);
			r->state = SA_DYING;
			return;
		}
		sad_remove(&rig.sad, sa, false);
		model_remove(r);
		return;
	}
	sa = path_rig_add(&rig, &d, NULL);
	assert_int_equal(sa == NULL, r != NULL); /* File exists */
	if (!sa)
		return;
	model[n_model++] = (struct row){.d = d, .serial = sa->facts.serial, .state = SA_MATURE};
}

static void test_sad_random_changes_agree_with_the_model(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		if (n_model < MODEL_MAX - 1)
			change();
		(void)epoch_reclaim(&rig.epoch);
		if (i % 1000 == 0)
			sad_set_prefer_old(&rig.sad, i % 2000 == 0);
		for (int k = 0; k < 4; k++) {
			compare_out();
			compare_in();
		}
	}
	assert_int_equal(rig.sad.n, n_model);
}

static struct sa_desc plain(uint32_t spi)
{
	return path_rig_desc(
	    "10.0.0.1", "10.0.0.2", IPSEC_ESP, spi, IPSEC_TUNNEL, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1);
}

static struct sa_ident ident(const struct sa_desc *d)
{
	return (struct sa_ident){.src = d->src, .dst = d->dst, .proto = d->proto, .spi = d->spi};
}

static const struct sa_rt *in_use(const struct sa_desc *d)
{
	(void)epoch_reclaim(&rig.epoch);
	return sad_find_in(&rig.sad, &d->dst, d->proto, d->spi);
}

static void test_txn_is_seen_only_after_commit(void **state)
{
	const struct sa_desc d = plain(0x1000), other = plain(0x1001);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;

	(void)state;
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), 0);
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), -EEXIST);
	assert_string_equal(e.s, "File exists");
	assert_int_equal(sad_txn_add(&t, &other, false, 1, &serial, &e), 0);
	assert_null(in_use(&d));
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	assert_non_null(in_use(&d));
	assert_int_equal(rig.sad.n, 2);
}

static void test_txn_abort_leaves_no_trace(void **state)
{
	const struct sa_desc d = plain(0x1000), more = plain(0x1001);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;
	uint32_t n;

	(void)state;
	assert_non_null(path_rig_add(&rig, &d, NULL));
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	sad_txn_flush(&t, 0, &n);
	assert_int_equal(n, 1);
	assert_int_equal(sad_txn_add(&t, &more, false, 1, &serial, &e), 0);
	sad_txn_fini(&t);
	assert_non_null(in_use(&d));
	assert_null(in_use(&more));
	assert_int_equal(rig.sad.n, 1);
	/* The mark is gone too: the same SA can be removed by the next one. */
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	assert_non_null(in_use(&d));
}

/* Counts how often the SPI had no SA while the commit ran; called between its steps. */
static void probe(void *arg, const char *event, const struct sa *sa)
{
	unsigned *n = arg;

	(void)event;
	if (sa->desc.spi == 0x1000 && !sad_find_in(&rig.sad, &sa->desc.dst, sa->desc.proto, sa->desc.spi))
		(*n)++;
}

static void test_txn_flush_and_add_of_the_same_spi_leaves_no_gap(void **state)
{
	const struct sa_desc d = plain(0x1000), gone = plain(0x1001);
	const struct sa_rt *before;
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;
	unsigned gaps = 0;
	uint32_t n;

	(void)state;
	assert_non_null(path_rig_add(&rig, &d, NULL));
	assert_non_null(path_rig_add(&rig, &gone, NULL));
	before = in_use(&d);
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	sad_txn_flush(&t, 0, &n);
	assert_int_equal(n, 2);
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), 0);
	assert_ptr_equal(in_use(&d), before);
	assert_int_equal(sad_txn_commit(&t, probe, &gaps, &e), 0);
	sad_txn_fini(&t);
	assert_int_equal(gaps, 0);
	assert_ptr_not_equal(in_use(&d), before);
	assert_int_equal(in_use(&d)->serial, serial);
	assert_null(in_use(&gone));
	assert_int_equal(rig.sad.n, 1);
}

static void test_txn_loses_to_what_was_added_meanwhile_and_changes_nothing(void **state)
{
	const struct sa_desc d = plain(0x1000), other = plain(0x1001);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;

	(void)state;
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_add(&t, &other, false, 1, &serial, &e), 0);
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), 0);
	assert_non_null(path_rig_add(&rig, &d, NULL));
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), -EEXIST);
	sad_txn_fini(&t);
	assert_null(in_use(&other));
	assert_int_equal(rig.sad.n, 1);
}

static void test_txn_delete_and_delete_all_see_staged_ones(void **state)
{
	const struct sa_desc d = plain(0x1000), other = plain(0x1001), third = plain(0x1002);
	const struct sa_ident id = ident(&d), all = ident(&third);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;
	uint32_t n;

	(void)state;
	assert_non_null(path_rig_add(&rig, &other, NULL));
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_delete(&t, &id, &serial, &e), -ENOENT);
	assert_string_equal(e.s, "No entry.");
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), 0);
	assert_int_equal(sad_txn_delete(&t, &id, &serial, &e), 0);
	assert_int_equal(sad_txn_delete(&t, &id, &serial, &e), -ENOENT);
	assert_int_equal(sad_txn_add(&t, &third, false, 1, &serial, &e), 0);
	assert_int_equal(sad_txn_delete_all(&t, &all, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(sad_txn_delete_all(&t, &all, &n, &e), -ENOENT);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	assert_int_equal(rig.sad.n, 0);
}

static void test_txn_update_with_the_same_keys_goes_on(void **state)
{
	struct sa_desc d = plain(0x1000);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial, seq;
	struct sa *sa;

	(void)state;
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_add(&t, &d, true, 1, &serial, &e), -ENOENT);
	sad_txn_fini(&t);
	sa = path_rig_add(&rig, &d, NULL);
	for (int i = 0; i < 10; i++)
		assert_int_equal(sa_rt_take_seq(sa->rt, &seq), 0);
	assert_int_equal(replay_commit(sa->rt->window, 5), REPLAY_NEW);
	d.life.hard_s = 100;
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_add(&t, &d, true, 1, &serial, &e), 0);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	sa = sad_find(&rig.sad, &d.src, &d.dst, d.proto, d.spi);
	assert_int_equal(sa->facts.serial, serial);
	assert_int_equal(sa->desc.life.hard_s, 100);
	assert_int_equal(sa_rt_take_seq(sa->rt, &seq), 0);
	assert_true(seq > 10);
	assert_int_equal(replay_check(sa->rt->window, 5), REPLAY_SEEN);
	assert_int_equal(rig.sad.n, 1);
}

static void test_txn_update_with_another_window_takes_no_replay(void **state)
{
	static const uint32_t bytes[] = {4, 64, 0, 8};
	struct sa_desc d = plain(0x1000);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;
	struct sa *sa = path_rig_add(&rig, &d, NULL);

	(void)state;
	assert_int_equal(replay_commit(sa->rt->window, 100), REPLAY_NEW);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		d.replay_bytes = bytes[i];
		assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
		assert_int_equal(sad_txn_add(&t, &d, true, 1, &serial, &e), 0);
		assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
		sad_txn_fini(&t);
		sa = sad_find(&rig.sad, &d.src, &d.dst, d.proto, d.spi);
		if (bytes[i])
			assert_int_equal(replay_check(sa->rt->window, 100), REPLAY_SEEN);
		assert_int_equal(replay_check(sa->rt->window, 101), REPLAY_NEW);
	}
}

/* The SA being replaced is in use until commit: what it sends and receives after the statement counts too. */
static void test_txn_update_carries_on_from_where_the_old_one_is_at_commit(void **state)
{
	struct sa_desc d = plain(0x1000);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial, seq = 0, last;
	struct sa *sa = path_rig_add(&rig, &d, NULL);

	(void)state;
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_add(&t, &d, true, 1, &serial, &e), 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(sa_rt_take_seq(sa->rt, &seq), 0);
	last = seq;
	assert_int_equal(replay_commit(sa->rt->window, 9), REPLAY_NEW);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	sa = sad_find(&rig.sad, &d.src, &d.dst, d.proto, d.spi);
	assert_int_equal(sa->facts.serial, serial);
	assert_int_equal(sa_rt_take_seq(sa->rt, &seq), 0);
	assert_true(seq > last);
	assert_int_equal(replay_check(sa->rt->window, 9), REPLAY_SEEN);
}

static void test_same_counter_mode_key_twice_in_one_transaction_is_refused(void **state)
{
	struct sa_desc d = path_rig_desc(
	    "10.0.0.1", "10.0.0.2", IPSEC_ESP, 0x1000, IPSEC_TUNNEL, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;

	(void)state;
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), 0);
	d.spi++;
	assert_int_equal(sad_txn_add(&t, &d, false, 1, &serial, &e), -EEXIST);
	assert_non_null(strstr(e.s, "aes-gcm-16"));
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	/* Nor by an update of the SA that has it: its numbers would begin again. */
	d.spi--;
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_add(&t, &d, true, 1, &serial, &e), -EEXIST);
	sad_txn_fini(&t);
}

static void test_iteration_survives_changes(void **state)
{
	struct sad_iter it;
	struct sa *sa;
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		const struct sa_desc d = plain(0x1000 + i);

		assert_non_null(path_rig_add(&rig, &d, NULL));
	}
	sad_iter_init(&it, &rig.sad);
	while ((sa = sad_iter_next(&it, &rig.sad))) {
		uint32_t spi = sa->desc.spi;
		struct sa_desc next = plain(spi + 1), far = plain(spi + 0x1000);

		/* The one it stands on, every second next one, and a new one at the end up to a bound. */
		sad_remove(&rig.sad, sa, false);
		if (spi % 3 == 0 && spi < 0x1063)
			path_rig_delete(&rig, &next);
		(void)epoch_reclaim(&rig.epoch);
		if (n++ < 10)
			assert_non_null(path_rig_add(&rig, &far, NULL));
	}
	sad_iter_fini(&it);
	assert_int_equal(rig.sad.n, 0);
	assert_true(n >= 60);
}

struct told {
	char last[32];
	unsigned n;
};

static void told(void *arg, const char *event, const struct sa *sa)
{
	struct told *t = arg;

	(void)sa;
	snprintf(t->last, sizeof(t->last), "%s", event);
	t->n++;
}

static void test_lifetime_soft_then_hard_then_gone(void **state)
{
	struct sa_desc d = plain(0x1000);
	struct told t = {0};
	struct sa *sa;

	(void)state;
	d.life.soft_s = 80;
	d.life.hard_s = 100;
	sa = path_rig_add(&rig, &d, NULL);
	rig.clock.ms += 79999;
	sad_age(&rig.sad, told, &t);
	assert_int_equal(t.n, 0);
	rig.clock.ms += 1;
	sad_age(&rig.sad, told, &t);
	sad_age(&rig.sad, told, &t);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.last, "sa.expire.soft");
	assert_int_equal(sad_sa_state(sa), SA_DYING);
	rig.clock.ms += 20000;
	sad_age(&rig.sad, told, &t);
	sad_age(&rig.sad, told, &t);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.last, "sa.expire.hard");
	assert_int_equal(sad_sa_state(sa), SA_DEAD);
	assert_null(in_use(&d));
	assert_int_equal(rig.sad.n, 1);
	rig.clock.ms += SAD_DEAD_KEEP_MS;
	sad_age(&rig.sad, told, &t);
	assert_int_equal(rig.sad.n, 0);
}

/* A hard limit without a soft one fires (setkey.md 8.4 names the quirk not to copy), by packets and octets
 * too. */
static void test_lifetime_each_limit_alone(void **state)
{
	static const struct sa_lifetime limits[] = {{.hard_s = 1}, {.hard_bytes = 100}, {.hard_packets = 3}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct sa_desc d = plain(0x2000 + (uint32_t)i);
		struct told t = {0};
		struct sa *sa;

		d.life = limits[i];
		sa = path_rig_add(&rig, &d, NULL);
		sad_age(&rig.sad, told, &t);
		assert_int_equal(t.n, 0);
		for (int k = 0; k < 3; k++)
			sa_rt_account(sa->rt, 40, rig.clock.ms);
		rig.clock.ms += 1000;
		sad_age(&rig.sad, told, &t);
		assert_int_equal(t.n, 1);
		assert_string_equal(t.last, "sa.expire.hard");
		assert_false(sa_rt_usable(sa->rt, rig.clock.ms));
	}
}

/* A soft limit says so once and takes nothing away. */
static void test_lifetime_each_soft_limit_alone(void **state)
{
	static const struct sa_lifetime limits[] = {{.soft_s = 1}, {.soft_bytes = 100}, {.soft_packets = 3}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct sa_desc d = plain(0x2100 + (uint32_t)i);
		struct told t = {0};
		struct sa *sa;

		d.life = limits[i];
		sa = path_rig_add(&rig, &d, NULL);
		for (int k = 0; k < 2; k++)
			sa_rt_account(sa->rt, 40, rig.clock.ms);
		rig.clock.ms += 999;
		sad_age(&rig.sad, told, &t);
		assert_int_equal(t.n, 0);
		assert_int_equal(sad_sa_state(sa), SA_MATURE);
		sa_rt_account(sa->rt, 40, rig.clock.ms);
		rig.clock.ms += 1;
		sad_age(&rig.sad, told, &t);
		sad_age(&rig.sad, told, &t);
		assert_int_equal(t.n, 1);
		assert_string_equal(t.last, "sa.expire.soft");
		assert_int_equal(sad_sa_state(sa), SA_DYING);
		assert_true(sa_rt_usable(sa->rt, rig.clock.ms));
	}
}

static void test_manual_sa_without_limits_never_expires(void **state)
{
	const struct sa_desc d = plain(0x3000);
	struct told t = {0};

	(void)state;
	assert_non_null(path_rig_add(&rig, &d, NULL));
	rig.clock.ms += 1000ull * 3600 * 24 * 365 * 100;
	sad_age(&rig.sad, told, &t);
	assert_int_equal(t.n, 0);
	assert_true(sa_rt_usable(in_use(&d), rig.clock.ms));
}

static void test_weak_key_is_refused_with_the_reason(void **state)
{
	struct sa_desc d = path_rig_desc(
	    "10.0.0.1", "10.0.0.2", IPSEC_ESP, 0x3000, IPSEC_MODE_ANY, ALG_ENC_DES_CBC, ALG_AUTH_HMAC_MD5);
	const uint8_t weak[] = {0x1f, 0xe0, 0x1f, 0xe0, 0x0e, 0xf1, 0x0e, 0xf1};
	struct err_text e = {0};

	(void)state;
	assert_non_null(path_rig_add(&rig, &d, &e));
	d.spi++;
	d.enc_key = weak;
	assert_null(path_rig_add(&rig, &d, &e));
	assert_string_equal(e.s, "the key of des-cbc is refused: it is one of the 16 weak and semi-weak keys "
	                         "of DES; choose another");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_sad_random_changes_agree_with_the_model),
	    T(test_txn_is_seen_only_after_commit),
	    T(test_txn_abort_leaves_no_trace),
	    T(test_txn_flush_and_add_of_the_same_spi_leaves_no_gap),
	    T(test_txn_loses_to_what_was_added_meanwhile_and_changes_nothing),
	    T(test_txn_delete_and_delete_all_see_staged_ones),
	    T(test_txn_update_with_the_same_keys_goes_on),
	    T(test_txn_update_with_another_window_takes_no_replay),
	    T(test_txn_update_carries_on_from_where_the_old_one_is_at_commit),
	    T(test_same_counter_mode_key_twice_in_one_transaction_is_refused),
	    T(test_iteration_survives_changes),
	    T(test_lifetime_soft_then_hard_then_gone),
	    T(test_lifetime_each_limit_alone),
	    T(test_lifetime_each_soft_limit_alone),
	    T(test_manual_sa_without_limits_never_expires),
	    T(test_weak_key_is_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
