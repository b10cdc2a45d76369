/*
 * What outlives keyd, as memory: what is written comes back, a kill at any instruction leaves the old, the
 * new or nothing, and what is not ours is not taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "keyd/keep/keep.h"

enum { SKIPPED = 77, FOUND_MAX = 8, SEEN_MOST = 600 };

/* The launcher's store. */
static int stored[KEEP_SEGMENTS_MAX], n_stored;
static unsigned n_said, n_forgotten;
static struct rng_seeded rng;

static int store(void *arg, const char *name, int fd)
{
	char want[KEEP_NAME_MAX];

	(void)arg;
	snprintf(want, sizeof(want), "sas-%d", n_stored);
	assert_string_equal(name, want);
	stored[n_stored++] = dup(fd);
	return 0;
}

static void forget(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	n_forgotten++;
}

static void say(void *arg, const char *what)
{
	(void)arg;
	assert_true(strlen(what) > 10);
	n_said++;
}

static struct keep *make(void)
{
	const struct keep_env env = {.rng = &rng.rng, .store = store, .forget = forget, .log = say};
	struct keep *k = keep_new(&env);

	assert_non_null(k);
	return k;
}

static struct keep *reborn(struct keep *before)
{
	struct keep *k = make();

	keep_free(before);
	for (int i = 0; i < n_stored; i++) {
		char name[KEEP_NAME_MAX];

		snprintf(name, sizeof(name), "sas-%d", i);
		assert_int_equal(keep_adopt(k, name, dup(stored[i])), 0);
	}
	return k;
}

static int set_up(void **state)
{
	(void)state;
	rng_seeded_init(&rng, 1);
	n_said = n_forgotten = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (n_stored)
		close(stored[--n_stored]);
	return 0;
}

/* What is kept here: a text. */
static void put_text(struct wr *w, const void *what)
{
	wr_bytes(w, what, strlen(what));
}

/* What came back. */
static struct {
	struct keep_place place;
	enum keep_kind kind;
	char text[KEEP_OCTETS_MAX + 1];
	uint64_t heard_ms;
	uint32_t dpd_seq;
} found[FOUND_MAX];
static unsigned n_found;

static bool take(void *arg, struct keep_found *f)
{
	(void)arg;
	if (n_found == FOUND_MAX)
		return false;
	found[n_found].place = f->place;
	found[n_found].kind = f->kind;
	memcpy(found[n_found].text, f->octets, f->n);
	found[n_found].text[f->n] = 0;
	found[n_found].heard_ms = f->heard_ms;
	found[n_found++].dpd_seq = f->dpd_seq;
	return true;
}

static void forget_found(void)
{
	while (n_found)
		keep_drop(NULL, &found[--n_found].place);
}

static void scan(struct keep *k, unsigned taken, unsigned bad)
{
	struct keep_counts n;

	forget_found();
	n = keep_scan(k, take, NULL);
	assert_int_equal(n.taken, taken);
	assert_int_equal(n.bad, bad);
	assert_int_equal(n_found, taken);
}

static unsigned n_ids;
static bool has_id[SEEN_MOST + 1];

static void on_id(void *arg, uint32_t id)
{
	(void)arg;
	assert_true(id && id <= SEEN_MOST);
	n_ids += !has_id[id];
	has_id[id] = true;
}

static void test_keep_what_was_put_comes_back(void **state)
{
	struct keep_place a = {0}, b = {0}, c = {0};
	struct keep *k = make();

	(void)state;
	keep_put(k, &a, KEEP_ISAKMP, put_text, "the first");
	keep_put(k, &b, KEEP_CHILD, put_text, "the second");
	keep_put(k, &c, KEEP_CHILD, put_text, "one that ends");
	keep_heard(k, &a, 4711);
	keep_asked(k, &a, 42);
	keep_put(k, &a, KEEP_ISAKMP, put_text, "the first, changed");
	keep_drop(k, &c);
	assert_int_equal(keep_n_slots(k), 2);
	assert_true(keep_is_stored(k));
	k = reborn(k);
	scan(k, 2, 0);
	assert_string_equal(found[0].text, "the first, changed");
	assert_int_equal(found[0].kind, KEEP_ISAKMP);
	assert_int_equal(found[0].heard_ms, 4711);
	assert_int_equal(found[0].dpd_seq, 42);
	assert_string_equal(found[1].text, "the second");
	/* What is new does not take the key of what was there. */
	keep_put(k, &c, KEEP_CHILD, put_text, "the third");
	assert_true(c.key > found[1].place.key);
	keep_drop(k, &c);
	keep_drop(k, &found[0].place);
	keep_drop(k, &found[1].place);
	assert_int_equal(keep_n_slots(k), 0);
	k = reborn(k);
	scan(k, 0, 0);
	assert_int_equal(n_said, 0);
	keep_free(k);
}

static void test_keep_long_ones_fill_slots_and_longer_ones_are_refused(void **state)
{
	static char text[KEEP_OCTETS_MAX + 2];
	struct keep_place a = {0}, b = {0}, c = {0};
	struct keep *k = make();

	(void)state;
	memset(text, 'x', KEEP_OCTETS_MAX + 1);
	keep_put(k, &a, KEEP_ISAKMP, put_text, "a short one");
	keep_put(k, &b, KEEP_ISAKMP, put_text, text + 1);
	assert_int_equal(keep_n_slots(k), 1 + KEEP_RUN_MAX);
	/* It cannot be kept as it is now, so it is not kept as it was. */
	keep_put(k, &a, KEEP_ISAKMP, put_text, text);
	assert_int_equal(n_said, 1);
	assert_false(keep_has(&a));
	keep_put(k, &a, KEEP_ISAKMP, put_text, "a short one again");
	assert_false(keep_has(&a));
	keep_put(k, &c, KEEP_CHILD, put_text, "the last");
	k = reborn(k);
	scan(k, 2, 0);
	assert_string_equal(found[0].text, text + 1);
	assert_string_equal(found[1].text, "the last");
	forget_found();
	keep_free(k);
}

static void test_keep_message_ids(void **state)
{
	struct keep_place a = {0}, b = {0};
	struct keep *k = make();

	(void)state;
	/* Some before it is kept itself. */
	for (uint32_t id = 1; id <= 20; id++)
		keep_saw(k, &a, id);
	keep_put(k, &a, KEEP_ISAKMP, put_text, "a");
	keep_put(k, &b, KEEP_ISAKMP, put_text, "b");
	for (uint32_t id = 21; id <= SEEN_MOST; id++)
		keep_saw(k, &a, id);
	keep_put(k, &a, KEEP_ISAKMP, put_text, "a, changed");
	k = reborn(k);
	scan(k, 2, 0);
	assert_string_equal(found[0].text, "a, changed");
	n_ids = 0;
	memset(has_id, 0, sizeof(has_id));
	keep_each_seen(k, &found[0].place, on_id, NULL);
	assert_int_equal(n_ids, SEEN_MOST);
	assert_int_equal(found[1].place.n_seen, 0);
	keep_drop(k, &found[0].place);
	assert_int_equal(keep_n_slots(k), 1);
	forget_found();
	keep_drop(NULL, &a);
	keep_free(k);
}

/* One whose ids are damaged would hear again what it has heard. */
static void test_keep_without_its_message_ids_it_is_dropped(void **state)
{
	struct keep_place a = {0};
	AUTO_SECRET_REGION struct secret_region r = SECRET_REGION_INIT;
	struct err_text e = {{0}};
	struct keep *k = make();

	(void)state;
	keep_put(k, &a, KEEP_ISAKMP, put_text, "a");
	keep_saw(k, &a, 1);
	assert_int_equal(secret_region_adopt(dup(stored[0]), SLOTS_BYTES, &r, &e), 0);
	r.p[(size_t)a.seen[0] * SLOT_SIZE + offsetof(struct keep_slot, h)] ^= 1;
	k = reborn(k);
	scan(k, 0, 2);
	assert_int_equal(keep_n_slots(k), 0);
	keep_drop(NULL, &a);
	keep_free(k);
}

static void test_keep_grows_until_it_is_full(void **state)
{
	enum { PLACES = KEEP_SEGMENTS_MAX * SLOTS_IN_SEGMENT };
	struct keep_place *place = calloc(PLACES, sizeof(*place));
	struct keep *k = make();
	unsigned n = 0;

	(void)state;
	while (n < PLACES) {
		keep_put(k, &place[n], KEEP_CHILD, put_text, "one of many");
		if (!keep_has(&place[n]))
			break;
		n++;
		/* Where memory may not be locked in this size, that is the end too. */
	}
	assert_true(n > SLOTS_IN_SEGMENT || n_said == 1);
	assert_int_equal(keep_n_slots(k), n);
	for (unsigned i = 0; i < n; i++)
		keep_drop(k, &place[i]);
	assert_int_equal(keep_n_slots(k), 0);
	free(place);
	keep_free(k);
}

static void test_keep_takes_no_memory_that_is_not_its_own(void **state)
{
	struct keep *k = make(), *other = make();
	struct keep_place p = {0};
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	(void)state;
	keep_put(other, &p, KEEP_CHILD, put_text, "somebody's");
	assert_int_equal(keep_adopt(k, "sas-0", fd), -EINVAL);
	assert_int_equal(keep_adopt(k, "sas-1", dup(stored[0])), -EINVAL);
	assert_int_equal(keep_adopt(k, "sas-00", dup(stored[0])), -EINVAL);
	assert_int_equal(keep_adopt(k, "sas-64", dup(stored[0])), -EINVAL);
	assert_int_equal(n_forgotten, 4);
	assert_int_equal(keep_adopt(k, "sas-0", dup(stored[0])), 0);
	assert_int_equal(keep_adopt(k, "sas-0", dup(stored[0])), -EINVAL);
	/* The good one stays stored. */
	assert_int_equal(n_forgotten, 4);
	assert_int_equal(n_said, 5);
	keep_free(other);
	keep_free(k);
}

/* --- killed at any moment --- */

static const char old_text[] = "what was there before",
                  new_text[] = "what is there now, and is longer by far";

/* Works on the segment as a process of its own would. */
static void child(void (*what)(struct keep *k, struct keep_place *p))
{
	struct keep *k = reborn(NULL);

	n_found = 0;
	if (keep_scan(k, take, NULL).taken != 1 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(SKIPPED);
	raise(SIGSTOP);
	what(k, &found[0].place);
	_exit(0);
}

/* A copy of the memory as it is now, looked at by a successor. */
static void look(const struct secret_region *r, bool (*fits)(void))
{
	AUTO_SECRET_REGION struct secret_region copy = SECRET_REGION_INIT;
	struct err_text e = {{0}};
	struct keep *k = make();

	assert_int_equal(secret_region_create_memfd("copy", SLOTS_BYTES, &copy, &e), 0);
	memcpy(copy.p, r->p, 40 * SLOT_SIZE);
	assert_int_equal(keep_adopt(k, "sas-0", dup(copy.fd)), 0);
	forget_found();
	assert_int_equal(keep_scan(k, take, NULL).bad, 0);
	assert_true(fits());
	forget_found();
	keep_free(k);
}

static bool has_old_or_new(void)
{
	return n_found == 1 && (strcmp(found[0].text, old_text) == 0 || strcmp(found[0].text, new_text) == 0);
}

static bool has_new(void)
{
	return n_found == 1 && strcmp(found[0].text, new_text) == 0;
}

static bool has_old_and_ids(void)
{
	return n_found == 1 && strcmp(found[0].text, old_text) == 0 && found[0].place.n_seen == 1;
}

static bool has_nothing(void)
{
	return n_found == 0;
}

static bool has_old_or_nothing(void)
{
	return n_found == 0 || (n_found == 1 && strcmp(found[0].text, old_text) == 0);
}

static void change(struct keep *k, struct keep_place *p)
{
	keep_put(k, p, KEEP_ISAKMP, put_text, new_text);
}

static void note(struct keep *k, struct keep_place *p)
{
	for (uint32_t id = 1; id <= 3; id++)
		keep_saw(k, p, id);
}

static void end(struct keep *k, struct keep_place *p)
{
	keep_drop(k, p);
}

/* False: there is no ptrace here. */
static bool step_through(
    void (*what)(struct keep *k, struct keep_place *p), bool (*fits)(void), bool (*fits_at_last)(void))
{
	static uint8_t last[40 * SLOT_SIZE];
	AUTO_SECRET_REGION struct secret_region r = SECRET_REGION_INIT;
	struct keep_place p = {0};
	struct err_text e = {{0}};
	struct keep *k = make();
	unsigned n_states = 0;
	int status = 0;
	pid_t pid;

	keep_saw(k, &p, 9);
	keep_put(k, &p, KEEP_ISAKMP, put_text, old_text);
	keep_drop(NULL, &p);
	keep_free(k);
	assert_int_equal(secret_region_adopt(dup(stored[0]), SLOTS_BYTES, &r, &e), 0);
	memset(last, 0, sizeof(last));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(what);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (memcmp(last, r.p, sizeof(last)) != 0) {
			memcpy(last, r.p, sizeof(last));
			look(&r, fits);
			n_states++;
		}
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	}
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		return false;
	assert_true(n_states > 3);
	look(&r, fits_at_last);
	return true;
}

static void test_keep_killed_at_any_instruction(void **state)
{
	(void)state;
	if (!step_through(change, has_old_or_new, has_new))
		skip();
	tear_down(NULL);
	assert_true(step_through(note, has_old_and_ids, has_old_and_ids));
	tear_down(NULL);
	assert_true(step_through(end, has_old_or_nothing, has_nothing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_keep_what_was_put_comes_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_keep_long_ones_fill_slots_and_longer_ones_are_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_keep_message_ids, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_keep_without_its_message_ids_it_is_dropped, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_keep_grows_until_it_is_full, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_keep_takes_no_memory_that_is_not_its_own, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_keep_killed_at_any_instruction, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
