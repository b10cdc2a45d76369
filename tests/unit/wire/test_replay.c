#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/rng.h"
#include "support/model_replay.h"
#include "wire/esp/replay.h"

static struct replay *window_new(uint32_t bytes)
{
	struct replay *r = malloc(replay_memory(bytes));

	assert_non_null(r);
	memset(r, 0xa5, replay_memory(bytes));
	replay_init(r, bytes);
	return r;
}

/* Numbered cases: a window of `bytes`, numbers committed in order, and what the last one must give. */
static const struct {
	int n;
	uint32_t bytes;
	uint64_t commits[6]; /* up to the first 0 */
	uint64_t last;
	enum replay_verdict want;
} cases[] = {
    {1, 4, {0}, 1, REPLAY_NEW},
    {2, 4, {0}, 0, REPLAY_ZERO},
    {3, 4, {1, 2, 3}, 2, REPLAY_SEEN},
    {4, 4, {1, 3}, 2, REPLAY_NEW},
    {5, 4, {33}, 2, REPLAY_NEW},        /* the left edge is inside */
    {6, 4, {33}, 1, REPLAY_OLD},        /* one further is not */
    {7, 24, {1, 704}, 513, REPLAY_NEW}, /* 513 and 1 share a bit of the ring */
    {8, 4, {1, 33}, 1, REPLAY_OLD},
    {9, 4, {2, 33}, 2, REPLAY_SEEN},
    {10, 4, {1, 1000000}, 1000000, REPLAY_SEEN}, /* a jump beyond the ring */
    {11, 4, {1, 1000000}, 1000000 - 31, REPLAY_NEW},
    {12, 4, {1, 1000000}, 1000000 - 32, REPLAY_OLD},
    {13, 4, {64, 65}, 64, REPLAY_SEEN}, /* word boundary */
    {14, 4, {63, 64}, 63, REPLAY_SEEN},
    {15, 4, {0xffffffff}, 0xffffffff, REPLAY_SEEN},
    {16, 4, {0xffffffff, 0x100000000}, 0xffffffff, REPLAY_SEEN}, /* extended numbers cross the low half */
    {17, 8, {64, 128}, 65, REPLAY_NEW},                          /* window of exactly one word */
    {18, 8, {64, 128}, 64, REPLAY_OLD},
    {19, 8, {65, 128}, 65, REPLAY_SEEN},
    {20, 0, {5}, 5, REPLAY_NEW}, /* no check */
    {21, 0, {5}, 0, REPLAY_NEW},
    {22, 8192, {65536}, 1, REPLAY_NEW},
    {23, 8192, {65537}, 1, REPLAY_OLD},
    {24, 8192, {1, 65536}, 1, REPLAY_SEEN},
    {25, 1, {8}, 1, REPLAY_NEW},
    {26, 1, {9}, 1, REPLAY_OLD},
    {27, 4, {200, 100}, 200, REPLAY_SEEN}, /* a refused old number changes nothing */
    {28, 4, {UINT64_MAX}, UINT64_MAX, REPLAY_SEEN},
    {29, 4, {UINT64_MAX - 1}, UINT64_MAX, REPLAY_NEW},
};

static void test_replay_numbered_cases_as_stated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct replay *r = window_new(cases[i].bytes);
		enum replay_verdict got;

		for (size_t k = 0; k < ARRAY_SIZE(cases[i].commits) && cases[i].commits[k]; k++)
			got = replay_commit(r, cases[i].commits[k]);
		got = replay_check(r, cases[i].last);
		if (got != cases[i].want || replay_commit(r, cases[i].last) != got)
			fail_msg("case %d: got %d, want %d", cases[i].n, (int)got, (int)cases[i].want);
		free(r);
	}
}

/* Every pair (top, number) near each word boundary, for a window that ends inside a word and one that ends on
 * its edge. */
static void test_replay_sweep_all_distances_agrees_with_arithmetic(void **state)
{
	static const uint32_t sizes[] = {1, 4, 7, 8, 16, 24};

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
		for (uint64_t top = 1; top < 400; top += 3)
			for (uint64_t seq = 1; seq < top + 70; seq++) {
				struct replay *r = window_new(sizes[s]);
				bool old = top >= seq && top - seq >= sizes[s] * 8;
				enum replay_verdict want = old          ? REPLAY_OLD
				                           : seq == top ? REPLAY_SEEN
				                                        : REPLAY_NEW;

				assert_int_equal(replay_commit(r, top), REPLAY_NEW);
				assert_int_equal(replay_commit(r, seq), want);
				assert_int_equal(replay_check(r, seq), old ? REPLAY_OLD : REPLAY_SEEN);
				assert_int_equal(r->top, seq > top ? seq : top);
				free(r);
			}
}

static uint64_t near_number(struct rng *rng, uint64_t top, uint32_t window)
{
	uint32_t kind = rng_below(rng, 100), span = window + 200;

	if (kind < 60)
		return top > span ? top - span + rng_below(rng, 2 * span)
		                  : rng_below(rng, (uint32_t)top + span);
	if (kind < 97)
		return top + 1 + rng_below(rng, 3);
	return top + rng_below(rng, 5 * span);
}

static void test_replay_random_operations_agree_with_the_model(void **state)
{
	static const uint32_t sizes[] = {1, 4, 8, 9, 32, 100, 512};

	(void)state;
	for (uint64_t seed = 1; seed <= 14; seed++) {
		uint32_t bytes = sizes[seed % ARRAY_SIZE(sizes)];
		struct replay *r = window_new(bytes);
		struct model_replay *m = model_replay_new(bytes * 8);
		struct rng_seeded rng;

		rng_seeded_init(&rng, seed);
		for (int i = 0; i < 3000; i++) {
			uint64_t seq = near_number(&rng.rng, r->top, bytes * 8);
			enum replay_verdict want = model_replay_check(m, seq);

			if (replay_check(r, seq) != want)
				fail_msg("seed %u step %d: number %llu, top %llu", (unsigned)seed, i,
				    (unsigned long long)seq, (unsigned long long)r->top);
			if (rng_below(&rng.rng, 4))
				assert_int_equal(replay_commit(r, seq), model_replay_commit(m, seq));
		}
		free(r);
		model_replay_free(m);
	}
}

enum { KILL_BYTES = 24 /* 192 packets: the ring has no word to spare */, KILL_SEEN = 600 };

/* The child commits one number while the parent looks at the shared window after every instruction. */
static void child_commits(struct replay *r, uint64_t seq)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(77);
	raise(SIGSTOP);
	_exit(replay_commit(r, seq) == REPLAY_NEW ? 0 : 1);
}

static int step_through_commit(struct replay *r, uint64_t seq)
{
	pid_t pid = fork();
	int status = 0, n_steps = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		child_commits(r, seq);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		for (uint64_t old = 1; old <= KILL_SEEN; old++)
			if (replay_check(r, old) == REPLAY_NEW) {
				ptrace(PTRACE_KILL, pid, NULL, NULL);
				fail_msg("killed after %d instructions of committing %d, %d would be "
				         "accepted twice",
				    n_steps, (int)seq, (int)old);
			}
		/* A commit is a few hundred instructions; the rest of the child's life is of no interest. */
		assert_int_equal(
		    ptrace(n_steps++ < 4000 ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, NULL, NULL), 0);
	}
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		return 77;
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(replay_check(r, seq), REPLAY_SEEN);
	return 0;
}

static void test_replay_killed_at_any_instruction_accepts_nothing_twice(void **state)
{
	static const uint64_t jumps[] = {1, 39, 40, 41, 64, 65, 129, 192, 193, 1000};
	struct replay *r = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(r, MAP_FAILED);
	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
		replay_init(r, KILL_BYTES);
		for (uint64_t seq = 1; seq <= KILL_SEEN; seq++)
			assert_int_equal(replay_commit(r, seq), REPLAY_NEW);
		if (step_through_commit(r, KILL_SEEN + jumps[i]) == 77) {
			munmap(r, 4096);
			skip(); /* no ptrace here */
		}
	}
	munmap(r, 4096);
}

static void test_replay_memory_from_outside_is_judged(void **state)
{
	struct replay *r = window_new(32);

	(void)state;
	assert_true(replay_valid(r, replay_memory(32), 32));
	assert_false(replay_valid(r, replay_memory(32) - 1, 32));
	assert_false(replay_valid(r, replay_memory(64), 64));
	assert_false(replay_valid(r, SIZE_MAX, REPLAY_BYTES_MAX + 1));
	r->n_words = 1u << 20;
	assert_false(replay_valid(r, replay_memory(32), 32));
	free(r);
}

/* What may come now is what the new window holds and the old one knew not to have come, and all that is
 * later. */
static void test_replay_carried_to_another_size_forgets_nothing(void **state)
{
	enum { LAST = 700 };
	static const uint32_t sizes[] = {0, 1, 4, 8, 56, 64};

	(void)state;
	for (unsigned round = 0; round < 36 * 20; round++) {
		uint32_t n = sizes[round % 6] * 8, m = sizes[round / 6 % 6] * 8, top = 0;
		struct replay *from = window_new(n / 8), *to = window_new(m / 8);
		bool came[LAST + 1] = {false};

		for (unsigned i = 0; i < round; i++) {
			uint32_t seq = 1 + (i * 7919u + round * 104729u) % (round < 360 ? LAST / 7 : LAST);

			if (replay_commit(from, seq) != REPLAY_NEW)
				continue;
			came[seq] = true;
			top = seq > top ? seq : top;
		}
		replay_carry(to, from);
		for (uint32_t seq = 1; seq <= LAST; seq++) {
			bool fresh = seq > top || (!came[seq] && top - seq < n && top - seq < m);

			assert_int_equal(replay_check(to, seq) == REPLAY_NEW, fresh || !m);
		}
		for (uint32_t seq = LAST; m && seq > top; seq--)
			assert_int_equal(replay_commit(to, seq), LAST - seq < m ? REPLAY_NEW : REPLAY_OLD);
		free(from);
		free(to);
	}
}

/* RFC 4303 appendix A2.2, both cases and their edges. */
static const struct {
	int n;
	uint64_t top;
	uint32_t lo;
	uint64_t want;
} esn_cases[] = {
    {1, 100, 101, 101},              /* A: to the right */
    {2, 100, 70, 70},                /* A: inside */
    {3, 100, 68, 0x100000044},       /* A: left of the window means the next run */
    {4, 0xffffffff, 0, 0x100000000}, /* roll-over */
    {5, 0x1fffffff0, 5, 0x200000005}, {6, 0x100000005, 0xfffffff0, 0xfffffff0}, /* B: the run before */
    {7, 0x100000005, 0xffffffe6, 0xffffffe6},                            /* B: leftmost of the window */
    {8, 0x100000005, 0xffffffe5, 0x1ffffffe5},                           /* B: far right of this run */
    {9, 0x100000005, 6, 0x100000006}, {10, 0x10000001f, 0, 0x100000000}, /* A again, leftmost */
    {11, 0, 1, 1}, {12, 0, 0xffffffff, 0xffffffff},                      /* no run before the first */
};

static void test_replay_esn_numbered_cases_as_stated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(esn_cases); i++) {
		struct replay *r = window_new(4);
		uint64_t got;

		r->top = esn_cases[i].top;
		got = replay_esn(r, esn_cases[i].lo);
		if (got != esn_cases[i].want)
			fail_msg("case %d: got %llx", esn_cases[i].n, (unsigned long long)got);
		free(r);
	}
}

static void test_replay_esn_any_true_number_near_top_is_found(void **state)
{
	struct replay *r = window_new(32);
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 6479);
	for (int i = 0; i < 20000; i++) {
		uint64_t high = rng_below(&rng.rng, 3), seq;

		r->top = high << 32 | (rng_below(&rng.rng, 2) ? rng_below(&rng.rng, 600)
		                                              : UINT32_MAX - rng_below(&rng.rng, 600));
		/* Anything inside the window, or up to 2^31 to the right of it. */
		seq = rng_below(&rng.rng, 2) ? r->top + rng_below(&rng.rng, 1u << 31)
		                             : r->top - rng_below(&rng.rng, 256);
		if ((int64_t)seq < 0)
			continue;
		assert_int_equal(replay_esn(r, (uint32_t)seq), seq);
	}
	free(r);
}

static void test_seq_take_32_ends_at_the_last_number(void **state)
{
	struct seq_counter c = {0};
	uint64_t first = 77;

	(void)state;
	assert_int_equal(seq_take(&c, SEQ_32, 1, &first), SEQ_OK);
	assert_int_equal(first, 1);
	c.last = 0xfffffff0;
	assert_int_equal(seq_take(&c, SEQ_32, 15, &first), SEQ_OK);
	assert_int_equal(first, 0xfffffff1);
	first = 77;
	assert_int_equal(seq_take(&c, SEQ_32, 1, &first), SEQ_EXHAUSTED);
	assert_int_equal(first, 77);
	assert_int_equal(c.last, 0xffffffff);
}

static void test_seq_take_more_than_left_takes_none(void **state)
{
	struct seq_counter c = {.last = 0xfffffffe};
	uint64_t first;

	(void)state;
	assert_int_equal(seq_take(&c, SEQ_32, 2, &first), SEQ_EXHAUSTED);
	assert_int_equal(c.last, 0xfffffffe);
	assert_int_equal(seq_take(&c, SEQ_32, 1, &first), SEQ_OK);
}

static void test_seq_take_cyclic_rolls_over_on_the_wire_only(void **state)
{
	struct seq_counter c = {.last = 0xffffffff};
	uint64_t first = 0;

	(void)state;
	assert_int_equal(seq_take(&c, SEQ_CYCLIC, 3, &first), SEQ_OK);
	assert_int_equal((uint32_t)first, 0);
	assert_int_equal(first, 0x100000000);
	assert_int_equal(c.last, 0x100000002);
}

static void test_seq_take_esn_ends_at_64_bits(void **state)
{
	struct seq_counter c = {.last = UINT64_MAX - 1};
	uint64_t first = 0;

	(void)state;
	assert_int_equal(seq_take(&c, SEQ_ESN, 1, &first), SEQ_OK);
	assert_int_equal(first, UINT64_MAX);
	assert_int_equal(seq_take(&c, SEQ_ESN, 1, &first), SEQ_EXHAUSTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replay_numbered_cases_as_stated),
	    cmocka_unit_test(test_replay_sweep_all_distances_agrees_with_arithmetic),
	    cmocka_unit_test(test_replay_random_operations_agree_with_the_model),
	    cmocka_unit_test(test_replay_killed_at_any_instruction_accepts_nothing_twice),
	    cmocka_unit_test(test_replay_memory_from_outside_is_judged),
	    cmocka_unit_test(test_replay_carried_to_another_size_forgets_nothing),
	    cmocka_unit_test(test_replay_esn_numbered_cases_as_stated),
	    cmocka_unit_test(test_replay_esn_any_true_number_near_top_is_found),
	    cmocka_unit_test(test_seq_take_32_ends_at_the_last_number),
	    cmocka_unit_test(test_seq_take_more_than_left_takes_none),
	    cmocka_unit_test(test_seq_take_cyclic_rolls_over_on_the_wire_only),
	    cmocka_unit_test(test_seq_take_esn_ends_at_64_bits),
	};

	return cmocka_run_group_tests_name("wire/replay", tests, NULL, NULL);
}
