/* The SPD on disk: what is saved comes back, and what is not a snapshot changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policyd/lives.h"
#include "policyd/snapshot_file.h"
#include "support/model_spd.h"

static const struct boot_id this_boot = {{1, 2, 3}}, other_boot = {{3, 2, 1}};

struct fixture {
	char dir[64], path[96];
	struct book saved, loaded;
	struct err_text e;
};

static int setup(void **state)
{
	static struct fixture f;
	struct rng_seeded rng;

	f = (struct fixture){.dir = "/tmp/test-snapshot-XXXXXX"};
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.path, sizeof(f.path), "%s/spd.snapshot", f.dir);
	assert_int_equal(book_init(&f.saved, 5), 0);
	assert_int_equal(book_init(&f.loaded, 1), 0);
	rng_seeded_init(&rng, 9);
	for (int i = 0; i < 60; i++) {
		struct policy p = model_random_policy(&rng.rng, i % 2 ? INET_V4 : INET_V6);
		uint32_t id;

		p.lifetime_s = i % 3 ? 0 : 3600;
		if (i % 5 == 0 && p.n_requests)
			p.req[0].level = LEVEL_UNIQUE;
		(void)book_put(&f.saved, &p, true, &id, &f.e);
	}
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char temp[128];

	snprintf(temp, sizeof(temp), "%s.new", f->path);
	unlink(temp);
	snprintf(temp, sizeof(temp), "%s.damaged", f->path);
	unlink(temp);
	unlink(f->path);
	rmdir(f->dir);
	book_fini(&f->saved);
	book_fini(&f->loaded);
	return 0;
}

static void assert_same_spd(const struct spd *a, const struct spd *b, bool inherited)
{
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++) {
		const struct spd_entry *x = spd_first(a, d), *y = spd_first(b, d);

		for (; x && y; x = spd_next(a, x), y = spd_next(b, y)) {
			assert_int_equal(x->policy.id, y->policy.id);
			assert_int_equal(x->policy.priority, y->policy.priority);
			assert_int_equal(x->policy.action, y->policy.action);
			assert_true(policy_same_entry(&x->policy, &y->policy));
			assert_int_equal(x->policy.n_requests, y->policy.n_requests);
			if (x->policy.n_requests) {
				assert_int_equal(x->policy.req[0].reqid, y->policy.req[0].reqid);
				assert_int_equal(x->policy.req[0].level, y->policy.req[0].level);
			}
			assert_int_equal(y->inherited, inherited);
		}
		assert_null(x);
		assert_null(y);
	}
}

static void test_snapshot_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	f->saved.enabled = false;
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), -ENOENT);
	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_same_spd(f->saved.spd, f->loaded.spd, false);
	assert_int_equal(f->loaded.next_id, f->saved.next_id);
	assert_int_equal(f->loaded.next_reqid, f->saved.next_reqid);
	assert_true(f->loaded.version > f->saved.version);
	assert_false(f->loaded.enabled);
}

/* So that after a restart nobody else gets it. */
static void test_snapshot_keeps_whose_a_policy_is(void **state)
{
	static const uint8_t owner[SPD_OWNER_LEN] = {1, 2, 3, [SPD_OWNER_LEN - 1] = 9};
	struct fixture *f = *state;
	struct spd_entry *x = spd_first(f->saved.spd, POLICY_OUT);
	const struct spd_entry *y;

	x->policy.generated = true;
	memcpy(x->owner, owner, sizeof(owner));
	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_same_spd(f->saved.spd, f->loaded.spd, false);
	y = spd_find_id(f->loaded.spd, x->policy.id);
	assert_true(y->policy.generated);
	assert_memory_equal(y->owner, owner, sizeof(owner));
}

static void test_snapshot_keeps_what_level_default_means(void **state)
{
	static const char *const names[] = {
	    "esp_trans_deflev", "esp_net_deflev", "ah_trans_deflev", "ah_net_deflev"};
	struct fixture *f = *state;

	for (unsigned bits = 0; bits < 16; bits++) {
		struct policy_deflev d;

		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(policy_deflev_set(&d, names[i], bits >> i & 1 ? 2 : 1), 0);
		(void)book_set_deflev(&f->saved, &d);
		assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
		assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
		assert_true(policy_deflev_equal(&f->loaded.deflev, &d));
		assert_true(f->loaded.enabled);
	}
}

static void test_snapshot_of_another_boot_is_inherited(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(snapshot_save(f->dir, &f->saved, &other_boot, &f->e), 0);
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_same_spd(f->saved.spd, f->loaded.spd, true);
	/* Still so after a restart within this boot. */
	assert_int_equal(snapshot_save(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_same_spd(f->saved.spd, f->loaded.spd, true);
}

/* Two policies, 10 s and 4 s old and used 1 s ago when they are saved by a clock that stands at 100 s. */
static void save_two_with_lives(struct fixture *f, struct clock_fake *clock)
{
	struct policy p = {.dir = POLICY_OUT, .action = POLICY_PASS, .sel = {.proto = 6}};
	uint32_t id;

	p.sel.src = p.sel.dst = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 1}});
	book_flush(&f->saved);
	clock_fake_init(clock, 90000);
	f->saved.clock = f->loaded.clock = &clock->clock;
	p.lifetime_s = 60;
	assert_int_equal(book_put(&f->saved, &p, false, &id, &f->e), 0);
	clock->ms = 96000;
	p.lifetime_s = 0;
	p.validtime_s = 120;
	p.sel.proto = 17;
	assert_int_equal(book_put(&f->saved, &p, false, &id, &f->e), 0);
	clock->ms = 100000;
	book_used(&f->saved, id, 1000);
	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
}

static int64_t end_of(const struct book *b, unsigned n)
{
	const struct spd_entry *x = spd_first(b->spd, POLICY_OUT);

	return lives_end_ms(n ? spd_next(b->spd, x) : x);
}

static void test_snapshot_lives_go_on(void **state)
{
	struct fixture *f = *state;
	struct clock_fake clock;

	save_two_with_lives(f, &clock);
	assert_int_equal(end_of(&f->saved, 0), 150000);
	assert_int_equal(end_of(&f->saved, 1), 219000);
	/* policyd was away for 20 s: the clock went on. */
	clock.ms = 120000;
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_int_equal(end_of(&f->loaded, 0), 150000);
	assert_int_equal(end_of(&f->loaded, 1), 219000);
	/* For so long that the second one looks unused: it is asked about first. */
	clock.ms = 900000;
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_int_equal(end_of(&f->loaded, 0), 150000);
	assert_int_equal(end_of(&f->loaded, 1), 900000 + LIVES_NEWS_MS);
}

/* The clock begins anew; by the wall clock, which has hardly moved, they are as old as they were. */
static void test_snapshot_lives_go_on_after_a_boot(void **state)
{
	struct fixture *f = *state;
	struct clock_fake clock;

	save_two_with_lives(f, &clock);
	clock.ms = 5000;
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &other_boot, &f->e), 0);
	assert_int_equal(end_of(&f->loaded, 0), 5000 + 60000 - 10000);
	assert_true(spd_first(f->loaded.spd, POLICY_OUT)->inherited);
	/* The wall clock is real, and goes on while this test runs. */
	assert_in_range(end_of(&f->loaded, 1), 5000 + 120000 - 31000, 5000 + 120000 - 1000);
}

static void test_snapshot_left_behind_is_inherited(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(snapshot_mark_left(f->dir, &f->e), 0); /* nothing there */
	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
	assert_int_equal(snapshot_mark_left(f->dir, &f->e), 0);
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_same_spd(f->saved.spd, f->loaded.spd, true);
}

static size_t read_snapshot(struct fixture *f, uint8_t *buf, size_t room)
{
	int fd = open(f->path, O_RDONLY);
	ssize_t n = read(fd, buf, room);

	close(fd);
	assert_true(n > 0 && (size_t)n < room);
	return (size_t)n;
}

static void test_snapshot_cut_anywhere_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[32768];
	size_t n;

	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
	n = read_snapshot(f, buf, sizeof(buf));
	assert_int_equal(snapshot_decode(buf, n, &f->loaded, &this_boot, &f->e), 0);
	spd_clear(f->loaded.spd);
	for (size_t i = 0; i < n; i++) {
		f->e.s[0] = '\0';
		assert_int_equal(snapshot_decode(buf, i, &f->loaded, &this_boot, &f->e), -EBADMSG);
		assert_true(f->e.s[0] != '\0');
		assert_int_equal(spd_count(f->loaded.spd, POLICY_DIR_NONE), 0);
	}
	buf[n] = 0;
	assert_int_equal(snapshot_decode(buf, n + 1, &f->loaded, &this_boot, &f->e), -EBADMSG);
}

static void test_snapshot_with_any_octet_changed_is_refused_or_sane(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[32768];
	size_t n;

	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
	n = read_snapshot(f, buf, sizeof(buf));
	for (size_t i = 0; i < n; i++)
		for (int bit = 0; bit < 8; bit += 3) {
			struct book b;

			assert_int_equal(book_init(&b, 1), 0);
			buf[i] ^= (uint8_t)(1 << bit);
			if (snapshot_decode(buf, n, &b, &this_boot, &f->e) == 0)
				for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++)
					for (struct spd_entry *x = spd_first(b.spd, d); x;
					     x = spd_next(b.spd, x)) {
						const char *why;

						assert_int_equal(policy_check(&x->policy, &why), 0);
						assert_true(x->policy.id && x->policy.id < b.next_id);
					}
			else
				assert_int_equal(spd_count(b.spd, POLICY_DIR_NONE), 0);
			buf[i] ^= (uint8_t)(1 << bit);
			book_fini(&b);
		}
}

static void test_snapshot_is_replaced_whole(void **state)
{
	struct fixture *f = *state;
	char temp[128];
	int fd;

	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
	snprintf(temp, sizeof(temp), "%s.new", f->path);
	fd = open(temp, O_WRONLY | O_CREAT, 0600); /* a crash in the middle of the next one */
	assert_int_equal(write(fd, "PSPD", 4), 4);
	close(fd);
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_same_spd(f->saved.spd, f->loaded.spd, false);
	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
}

static void test_snapshot_folder_missing_says_so(void **state)
{
	struct fixture *f = *state;

	assert_true(snapshot_save("/nonexistent", &f->saved, &this_boot, &f->e) < 0);
	assert_non_null(strstr(f->e.s, "/nonexistent"));
}

/* It stays under its own name too: the next start must not take it for "there was none". */
static void test_snapshot_damaged_is_set_aside_and_still_damaged(void **state)
{
	struct fixture *f = *state;
	char aside[128];
	struct stat st;
	int fd;

	snprintf(aside, sizeof(aside), "%s.damaged", f->path);
	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
	fd = open(f->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 50), 4);
	close(fd);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), -EBADMSG);
		assert_int_equal(snapshot_set_aside(f->dir, &f->e), 0);
	}
	assert_int_equal(stat(aside, &st), 0);
	assert_int_equal(snapshot_save(f->dir, &f->saved, &this_boot, &f->e), 0);
	assert_int_equal(snapshot_load(f->dir, &f->loaded, &this_boot, &f->e), 0);
	assert_int_equal(stat(aside, &st), 0);
	assert_int_equal(st.st_nlink, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_snapshot_comes_back_as_it_was, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_keeps_whose_a_policy_is, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_keeps_what_level_default_means, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_of_another_boot_is_inherited, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_snapshot_damaged_is_set_aside_and_still_damaged, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_lives_go_on, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_lives_go_on_after_a_boot, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_left_behind_is_inherited, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_cut_anywhere_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_snapshot_with_any_octet_changed_is_refused_or_sane, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_is_replaced_whole, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_folder_missing_says_so, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
