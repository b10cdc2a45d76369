/*
 * Whose turn it is, held against a second opinion: a list of what was added, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "hooks/jobs.h"

static const struct hook_limits small = {.running = 3, .waiting = 8, .waiting_of_one = 4};

static struct job *job(uint32_t peer, unsigned number)
{
	const struct hook_event x = {.hook = IKE_HOOK_UP, .remote = inet_addr_v4(peer)};
	char path[32];
	struct job *j;

	snprintf(path, sizeof(path), "/%u", number);
	j = job_new(&x, path, "");
	assert_non_null(j);
	return j;
}

static void add(struct jobs *js, uint32_t peer, unsigned number)
{
	assert_null(jobs_add(js, job(peer, number)));
}

static void expect_out(struct job *j, const char *path)
{
	assert_non_null(j);
	assert_string_equal(j->path, path);
	job_free(j);
}

/* The list that it stands in is left by job_free(). */
static struct job *expect_start(struct jobs *js, const char *path)
{
	struct job *j = jobs_start(js);

	assert_non_null(j);
	assert_string_equal(j->path, path);
	return j;
}

static void end(struct jobs *js, struct job *j)
{
	jobs_end(js, j);
	job_free(j);
}

static void test_jobs_one_of_a_peer_at_a_time_in_order(void **state)
{
	struct job *a, *b;
	struct jobs js;

	(void)state;
	jobs_init(&js, &small);
	add(&js, 1, 1);
	add(&js, 1, 2);
	add(&js, 2, 3);
	a = expect_start(&js, "/1");
	b = expect_start(&js, "/3");
	assert_null(jobs_start(&js));
	end(&js, b);
	assert_null(jobs_start(&js));
	end(&js, a);
	end(&js, expect_start(&js, "/2"));
	assert_null(jobs_start(&js));
	assert_int_equal(js.n_running + js.n_waiting, 0);
}

static void test_jobs_no_more_at_once_than_allowed(void **state)
{
	struct job *j[3];
	struct jobs js;

	(void)state;
	jobs_init(&js, &small);
	for (unsigned i = 0; i < 4; i++)
		add(&js, i, i);
	for (unsigned i = 0; i < 3; i++)
		j[i] = jobs_start(&js);
	assert_null(jobs_start(&js));
	end(&js, j[1]);
	end(&js, expect_start(&js, "/3"));
	end(&js, j[0]);
	end(&js, j[2]);
}

static void test_jobs_oldest_of_the_same_peer_gives_way(void **state)
{
	struct jobs js;

	(void)state;
	jobs_init(&js, &small);
	add(&js, 9, 100);
	for (unsigned i = 0; i < 4; i++)
		add(&js, 1, i);
	expect_out(jobs_add(&js, job(1, 4)), "/0");
	for (unsigned i = 0; i < 3; i++)
		add(&js, 2 + i, 10 + i);
	/* Full: who has some waiting makes room by the oldest of his own, who has none is not taken. */
	expect_out(jobs_add(&js, job(1, 5)), "/1");
	expect_out(jobs_add(&js, job(7, 6)), "/6");
	end(&js, expect_start(&js, "/100"));
	end(&js, expect_start(&js, "/2"));
	for (struct job *j; (j = jobs_give_up(&js));)
		job_free(j);
	assert_int_equal(js.n_waiting, 0);
}

/* A thousand random steps: what starts is the oldest of its peer, and never two of one. */
static void test_jobs_random_order_holds_per_peer(void **state)
{
	enum { STEPS = 20000, PEERS = 5 };
	unsigned last[PEERS] = {0}, number = 1;
	struct job *running[3] = {NULL};
	struct rng_seeded rng;
	struct jobs js;

	(void)state;
	rng_seeded_init(&rng, 1);
	jobs_init(&js, &small);
	for (int i = 0; i < STEPS; i++) {
		unsigned at = (unsigned)rng_below(&rng.rng, 3);

		job_free(jobs_add(&js, job((uint32_t)rng_below(&rng.rng, PEERS), number++)));
		assert_true(js.n_waiting <= small.waiting);
		if (running[at]) {
			end(&js, running[at]);
			running[at] = NULL;
		} else if ((running[at] = jobs_start(&js))) {
			unsigned mine = (unsigned)atoi(running[at]->path + 1),
			         peer = running[at]->remote.b[3];

			assert_true(mine > last[peer]);
			last[peer] = mine;
			for (unsigned k = 0; k < 3; k++)
				assert_true(k == at || !running[k] || running[k]->remote.b[3] != peer);
		}
	}
	for (unsigned k = 0; k < 3; k++)
		if (running[k])
			end(&js, running[k]);
	for (struct job *j; (j = jobs_give_up(&js));)
		job_free(j);
	assert_int_equal(js.n_running + js.n_waiting, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_jobs_one_of_a_peer_at_a_time_in_order),
	    cmocka_unit_test(test_jobs_no_more_at_once_than_allowed),
	    cmocka_unit_test(test_jobs_oldest_of_the_same_peer_gives_way),
	    cmocka_unit_test(test_jobs_random_order_holds_per_peer),
	};

	return cmocka_run_group_tests_name("hooks/jobs", tests, NULL, NULL);
}
