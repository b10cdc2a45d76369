/*
 * The request book and the list of unanswered requests against arrays that are searched from end to end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/rng.h"
#include "ipc/book.h"
#include "ipc/flight.h"

enum { IDS = 40, STEPS = 50000 };

static struct rng_seeded seeded;
static struct rng *const rng = &seeded.rng;

static void reply(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
	(void)c;
	(void)result;
	(void)rec;
	(void)arg;
}

/* For each id: filed at all, when it expires, and the how-manieth filing it was. */
static struct {
	bool filed;
	uint64_t deadline_ms, order;
} model[IDS];

static uint64_t model_next(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < IDS; i++)
		if (model[i].filed && model[i].deadline_ms < least)
			least = model[i].deadline_ms;
	return least;
}

/* What came out has the earliest deadline of all, and among equal ones was filed first. */
static void take_and_check(const struct ipc_filed *f)
{
	size_t id = (size_t)((char *)f->arg - (char *)model) / sizeof(model[0]);

	assert_ptr_equal(f->fn, reply);
	assert_true(model[id].filed);
	for (int i = 0; i < IDS; i++)
		if (model[i].filed)
			assert_true(model[i].deadline_ms > model[id].deadline_ms ||
			            (model[i].deadline_ms == model[id].deadline_ms &&
			                model[i].order >= model[id].order));
	model[id].filed = false;
}

static size_t model_count(void)
{
	size_t n = 0;

	for (int i = 0; i < IDS; i++)
		n += model[i].filed;
	return n;
}

static void test_book_random_equals_the_model(void **state)
{
	struct ipc_book b;
	struct ipc_filed f;
	uint64_t now = 0;

	(void)state;
	memset(model, 0, sizeof(model));
	ipc_book_init(&b);
	for (uint64_t step = 0; step < STEPS; step++) {
		uint32_t id = rng_below(rng, IDS);

		switch (rng_below(rng, 4)) {
		case 0:
		case 1:
			if (model[id].filed)
				break;
			f = (struct ipc_filed){.fn = reply, .arg = &model[id]};
			model[id].filed = true;
			model[id].order = step;
			model[id].deadline_ms = now + (rng_below(rng, 2) ? 20 : rng_below(rng, 50));
			assert_int_equal(ipc_book_file(&b, id, model[id].deadline_ms, &f), 0);
			break;
		case 2:
			assert_int_equal(ipc_book_take(&b, id, &f), model[id].filed);
			if (model[id].filed)
				assert_ptr_equal(f.arg, &model[id]);
			model[id].filed = false;
			break;
		default:
			now += rng_below(rng, 10);
			while (ipc_book_take_expired(&b, now, &f))
				take_and_check(&f);
			assert_true(model_next() > now);
		}
		assert_true(ipc_book_next_deadline(&b) == model_next());
		assert_int_equal(b.n, model_count());
	}
	while (ipc_book_take_first(&b, &f))
		take_and_check(&f);
	assert_int_equal(model_count(), 0);
	assert_int_equal(b.n, 0);
}

static void test_flight_random_equals_the_model(void **state)
{
	uint16_t type_of[IDS] = {0}; /* 0: not under way */
	struct ipc_flight f = {0};

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		uint32_t id = rng_below(rng, IDS);
		uint16_t type = (uint16_t)(1 + rng_below(rng, 3));
		size_t want = 0;

		if (rng_below(rng, 2)) {
			assert_int_equal(ipc_flight_add(&f, id, type), type_of[id] ? -EEXIST : 0);
			if (!type_of[id])
				type_of[id] = type;
		} else {
			ipc_flight_release(&f, id);
			type_of[id] = 0;
		}
		for (int i = 0; i < IDS; i++)
			want += type_of[i] == type;
		assert_int_equal(ipc_flight_count(&f, type), want);
	}
	ipc_flight_fini(&f);
	assert_int_equal(f.n, 0);
}

static int seed(void **state)
{
	(void)state;
	rng_seeded_init(&seeded, 17);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_book_random_equals_the_model),
	    cmocka_unit_test(test_flight_random_equals_the_model),
	};

	return cmocka_run_group_tests_name("ipc/book, flight", tests, seed, NULL);
}
