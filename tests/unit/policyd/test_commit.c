#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "policyd/commit.h"

/* Both ends played by the test; what happened, in order, as letters: S saved, K enforced, D told. */
struct stage {
	struct clock_fake clock;
	struct book book;
	struct commit c;
	char trace[64];
	uint64_t told;
	bool away, kernel_broken, disk_broken;
	uint64_t kernel_ms; /* how long the kernel takes */
	int answer;         /* of the barrier; 1: none yet */
	char why[480];
	uint64_t answered;
	uint16_t port;
};

static void mark(struct stage *s, char c)
{
	size_t n = strlen(s->trace);

	assert_true(n + 1 < sizeof(s->trace));
	s->trace[n] = c;
	s->trace[n + 1] = '\0';
}

static int on_save(void *arg, const struct frozen *f, struct err_text *e)
{
	struct stage *s = arg;

	mark(s, s->disk_broken ? 's' : 'S');
	return s->disk_broken ? err_set(e, -ENOSPC, "disk full") : 0;
}

static int on_enforce(void *arg, const struct frozen *f, struct err_text *e)
{
	struct stage *s = arg;

	s->clock.ms += s->kernel_ms;
	mark(s, s->kernel_broken ? 'k' : 'K');
	return s->kernel_broken ? err_set(e, -EOPNOTSUPP, "no nf_tables") : 0;
}

static int on_tell(void *arg, struct frozen *f)
{
	struct stage *s = arg;

	if (s->away)
		return -ENOTCONN;
	mark(s, 'D');
	s->told = f->book.version;
	return 0;
}

static void on_done(void *arg, int result, uint64_t version, const char *why)
{
	struct stage *s = arg;

	assert_int_equal(s->answer, 1);
	s->answer = result;
	s->answered = version;
	strcpy(s->why, why);
}

static void stage_init(struct stage *s)
{
	const struct commit_ports ports = {.arg = s, .save = on_save, .enforce = on_enforce, .tell = on_tell};

	*s = (struct stage){.answer = 1};
	clock_fake_init(&s->clock, 1000);
	assert_int_equal(book_init(&s->book, 10), 0);
	commit_init(&s->c, &ports, &s->clock.clock, &s->book);
}

static void stage_fini(struct stage *s)
{
	commit_fini(&s->c);
	book_fini(&s->book);
}

static struct policy some_policy(struct stage *s, enum policy_action action)
{
	struct policy p = {.dir = POLICY_OUT, .action = action, .sel = {.proto = 6, .dport = ++s->port}};

	p.sel.src = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 1}});
	p.sel.dst = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 2}});
	return p;
}

static void add(struct stage *s)
{
	struct policy p = some_policy(s, POLICY_PASS);
	uint32_t id;

	assert_int_equal(book_put(&s->book, &p, false, &id, NULL), 0);
	commit_changed(&s->c);
}

static void run(struct stage *s, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++) {
		s->clock.ms++;
		if (commit_next_ms(&s->c) <= s->clock.ms)
			commit_step(&s->c);
	}
}

static void trace_is(struct stage *s, const char *want)
{
	assert_string_equal(s->trace, want);
	s->trace[0] = '\0';
}

/* An SPD of two entries, in force everywhere. */
static void settle(struct stage *s)
{
	add(s);
	add(s);
	run(s, 10);
	trace_is(s, "SD");
	commit_on_ack(&s->c, s->told);
	trace_is(s, "K");
}

static void test_commit_additions_datapathd_first(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	settle(&s);
	assert_int_equal(commit_kernel_version(&s.c), s.book.version);
	stage_fini(&s);
}

static void test_commit_changes_that_come_together_are_one(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	for (int i = 0; i < 50; i++)
		add(&s);
	run(&s, COMMIT_COALESCE_MS + 1);
	trace_is(&s, "SD");
	stage_fini(&s);
}

/* One statement after another, each as soon as the last was answered: commits take a fifth of the time. */
static void test_commit_slow_kernel_is_left_to_rest(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	s.away = true;
	s.kernel_ms = 20;
	for (int i = 0; i < 200; i++) {
		add(&s);
		run(&s, 1);
	}
	trace_is(&s, "SKSKSK");
	/* Nothing is forgotten, and nobody waits longer than the rest. */
	run(&s, 20 * COMMIT_REST_TIMES);
	assert_int_equal(commit_kernel_version(&s.c), s.book.version);
	stage_fini(&s);
}

static void test_commit_barrier_ends_the_rest(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	s.away = true;
	s.kernel_ms = 1000;
	add(&s);
	run(&s, COMMIT_COALESCE_MS + 1);
	trace_is(&s, "SK");
	add(&s);
	run(&s, COMMIT_COALESCE_MS + 1);
	trace_is(&s, "");
	assert_int_equal(commit_wait(&s.c, 0, on_done, &s), 0);
	run(&s, COMMIT_COALESCE_MS + 1);
	trace_is(&s, "SK");
	stage_fini(&s);
}

static void test_commit_removals_kernel_first(void **state)
{
	struct stage s;
	uint32_t id;

	(void)state;
	stage_init(&s);
	settle(&s);
	assert_int_equal(
	    book_delete(&s.book, POLICY_OUT, &spd_first(s.book.spd, POLICY_OUT)->policy.sel, &id, NULL), 0);
	commit_changed(&s.c);
	run(&s, 10);
	trace_is(&s, "SKD");
	book_flush(&s.book);
	commit_changed(&s.c);
	run(&s, 10);
	trace_is(&s, "SKD");
	stage_fini(&s);
}

static void test_commit_mixed_datapathd_first(void **state)
{
	struct stage s;
	uint32_t id;

	(void)state;
	stage_init(&s);
	settle(&s);
	assert_int_equal(
	    book_delete(&s.book, POLICY_OUT, &spd_first(s.book.spd, POLICY_OUT)->policy.sel, &id, NULL), 0);
	add(&s);
	run(&s, 10);
	trace_is(&s, "SD");
	commit_on_ack(&s.c, s.told);
	trace_is(&s, "K");
	stage_fini(&s);
}

static void test_commit_ack_of_a_version_never_told_counts_for_nothing(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	settle(&s);
	commit_on_ack(&s.c, s.told + 1000);
	add(&s);
	run(&s, 10);
	trace_is(&s, "SD");
	commit_on_ack(&s.c, s.told);
	trace_is(&s, "K");
	stage_fini(&s);
}

static void test_commit_switch_off_kernel_first_on_datapathd_first(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	settle(&s);
	book_set_enabled(&s.book, false);
	commit_changed(&s.c);
	run(&s, 10);
	trace_is(&s, "SKD");
	book_set_enabled(&s.book, true);
	commit_changed(&s.c);
	run(&s, 10);
	trace_is(&s, "SD");
	stage_fini(&s);
}

static void test_commit_other_meaning_of_level_default_is_a_version(void **state)
{
	struct policy_deflev d = policy_deflev_kame;
	struct stage s;
	uint64_t before;

	(void)state;
	stage_init(&s);
	settle(&s);
	before = s.book.version;
	assert_false(book_set_deflev(&s.book, &d));
	assert_int_equal(s.book.version, before);
	d.esp_net = LEVEL_REQUIRE;
	assert_true(book_set_deflev(&s.book, &d));
	commit_changed(&s.c);
	run(&s, 10);
	trace_is(&s, "SD"); /* the same policies, and yet more than what is left of the old ones */
	commit_on_ack(&s.c, s.told);
	trace_is(&s, "K");
	stage_fini(&s);
}

static void test_commit_barrier_needs_kernel_and_datapathd(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	add(&s);
	assert_int_equal(commit_wait(&s.c, 0, on_done, &s), 0);
	run(&s, 10);
	assert_int_equal(s.answer, 1);
	commit_on_ack(&s.c, s.told);
	assert_int_equal(s.answer, 0);
	assert_int_equal(s.answered, s.book.version);
	s.answer = 1;
	assert_int_equal(commit_wait(&s.c, 1, on_done, &s), 0); /* an old version is in force already */
	assert_int_equal(s.answer, 0);
	stage_fini(&s);
}

static void test_commit_silent_datapathd_kernel_after_bounded_wait(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	add(&s);
	assert_int_equal(commit_wait(&s.c, 0, on_done, &s), 0);
	run(&s, COMMIT_ACK_WAIT_MS - 10);
	trace_is(&s, "SD");
	run(&s, 20);
	trace_is(&s, "K");
	assert_int_equal(s.answer, 1);
	run(&s, COMMIT_BARRIER_MS);
	assert_int_equal(s.answer, -EIO);
	assert_non_null(strstr(s.why, "datapathd"));
	stage_fini(&s);
}

static void test_commit_absent_datapathd_kernel_at_once_then_told(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	s.away = true;
	add(&s);
	run(&s, 10);
	trace_is(&s, "SK");
	assert_int_equal(commit_wait(&s.c, 0, on_done, &s), 0);
	s.away = false;
	commit_on_up(&s.c);
	trace_is(&s, "D");
	assert_int_equal(s.answer, 1);
	commit_on_ack(&s.c, s.told);
	assert_int_equal(s.answer, 0);
	stage_fini(&s);
}

static void test_commit_datapathd_dies_while_waited_for(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	add(&s);
	run(&s, 10);
	trace_is(&s, "SD");
	commit_on_down(&s.c);
	trace_is(&s, "K");
	stage_fini(&s);
}

static void test_commit_kernel_refuses_barrier_says_so_and_retries(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	s.kernel_broken = true;
	add(&s);
	assert_int_equal(commit_wait(&s.c, 0, on_done, &s), 0);
	run(&s, 10);
	commit_on_ack(&s.c, s.told);
	trace_is(&s, "SDk");
	assert_int_equal(s.answer, -EIO);
	assert_non_null(strstr(s.why, "no nf_tables"));
	s.kernel_broken = false;
	run(&s, COMMIT_RETRY_MS + 10);
	trace_is(&s, "K");
	stage_fini(&s);
}

static void test_commit_disk_refuses_barrier_says_so_and_retries(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	s.disk_broken = true;
	add(&s);
	assert_int_equal(commit_wait(&s.c, 0, on_done, &s), 0);
	run(&s, 10);
	commit_on_ack(&s.c, s.told);
	trace_is(&s, "sDK");
	assert_int_equal(s.answer, -EIO);
	assert_non_null(strstr(s.why, "disk full"));
	s.disk_broken = false;
	run(&s, COMMIT_RETRY_MS + 10);
	trace_is(&s, "S");
	stage_fini(&s);
}

static void test_commit_change_while_waiting_is_next(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	add(&s);
	run(&s, 10);
	add(&s);
	run(&s, 10);
	trace_is(&s, "SD");
	commit_on_ack(&s.c, s.told);
	trace_is(&s, "KSD");
	commit_on_ack(&s.c, s.told);
	trace_is(&s, "K");
	assert_int_equal(commit_kernel_version(&s.c), s.book.version);
	stage_fini(&s);
}

/* The book is not what was there before: nobody may put it over the kernel's rules. */
static void test_commit_held_leaves_the_kernel_alone_until_a_change(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	commit_hold(&s.c, "policies are lost");
	assert_int_equal(commit_wait(&s.c, 0, on_done, &s), 0);
	assert_int_equal(s.answer, -EIO); /* at once: it does not pass by waiting */
	assert_string_equal(s.why, "policies are lost");
	commit_on_up(&s.c);
	s.clock.ms += 60000;
	commit_step(&s.c);
	commit_on_down(&s.c);
	trace_is(&s, "");
	s.away = true;
	add(&s);
	s.clock.ms += COMMIT_COALESCE_MS;
	commit_step(&s.c);
	trace_is(&s, "SK");
	stage_fini(&s);
}

static void test_commit_end_answers_who_waits(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	add(&s);
	assert_int_equal(commit_wait(&s.c, 0, on_done, &s), 0);
	commit_fini(&s.c);
	assert_int_equal(s.answer, -EIO);
	book_fini(&s.book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commit_additions_datapathd_first),
	    cmocka_unit_test(test_commit_changes_that_come_together_are_one),
	    cmocka_unit_test(test_commit_slow_kernel_is_left_to_rest),
	    cmocka_unit_test(test_commit_barrier_ends_the_rest),
	    cmocka_unit_test(test_commit_removals_kernel_first),
	    cmocka_unit_test(test_commit_mixed_datapathd_first),
	    cmocka_unit_test(test_commit_switch_off_kernel_first_on_datapathd_first),
	    cmocka_unit_test(test_commit_other_meaning_of_level_default_is_a_version),
	    cmocka_unit_test(test_commit_barrier_needs_kernel_and_datapathd),
	    cmocka_unit_test(test_commit_silent_datapathd_kernel_after_bounded_wait),
	    cmocka_unit_test(test_commit_absent_datapathd_kernel_at_once_then_told),
	    cmocka_unit_test(test_commit_datapathd_dies_while_waited_for),
	    cmocka_unit_test(test_commit_kernel_refuses_barrier_says_so_and_retries),
	    cmocka_unit_test(test_commit_disk_refuses_barrier_says_so_and_retries),
	    cmocka_unit_test(test_commit_change_while_waiting_is_next),
	    cmocka_unit_test(test_commit_held_leaves_the_kernel_alone_until_a_change),
	    cmocka_unit_test(test_commit_ack_of_a_version_never_told_counts_for_nothing),
	    cmocka_unit_test(test_commit_end_answers_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
