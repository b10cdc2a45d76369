/* setkey's policy verbs on the book, alone and in a transaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policyd/book.h"
#include "policyd/frozen.h"
#include "policyd/txn.h"

struct fixture {
	struct book book;
	struct txn txn;
	struct clock_fake clock;
	struct err_text e;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	clock_fake_init(&f.clock, 1000);
	assert_int_equal(book_init(&f.book, 1), 0);
	txn_init(&f.txn, &f.book, &f.clock.clock);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	txn_fini(&f->txn);
	book_fini(&f->book);
	return 0;
}

static struct policy policy_on(uint16_t port)
{
	struct policy p = {.dir = POLICY_OUT, .action = POLICY_PASS, .sel = {.proto = 6, .dport = port}};

	p.sel.src = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 1}});
	p.sel.dst = inet_prefix_host(&(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 2}});
	return p;
}

static uint32_t put(struct fixture *f, uint16_t port, bool update, int want)
{
	struct policy p = policy_on(port);
	uint32_t id = 0;

	assert_int_equal(book_put(&f->book, &p, update, &id, &f->e), want);
	return id;
}

static void test_book_put_twice_file_exists(void **state)
{
	struct fixture *f = *state;
	uint64_t version;

	assert_int_equal(put(f, 1, false, 0), 1);
	version = f->book.version;
	put(f, 1, false, -EEXIST);
	assert_string_equal(f->e.s, "File exists");
	assert_int_equal(f->book.version, version);
	assert_int_equal(put(f, 2, false, 0), 2);
	assert_true(f->book.version > version);
}

static void test_book_update_moves_to_the_end_under_a_new_number(void **state)
{
	struct fixture *f = *state;

	put(f, 1, false, 0);
	put(f, 2, false, 0);
	assert_int_equal(put(f, 1, true, 0), 3);
	assert_int_equal(put(f, 9, true, 0), 4); /* absent: added */
	assert_int_equal(spd_first(f->book.spd, POLICY_OUT)->policy.id, 2);
	assert_int_equal(spd_count(f->book.spd, POLICY_OUT), 3);
}

/* Ports in the order of the list, as digits. */
static const char *order(const struct fixture *f, char buf[32])
{
	size_t n = 0;

	for (const struct spd_entry *x = spd_first(f->book.spd, POLICY_OUT); x; x = spd_next(f->book.spd, x))
		buf[n++] = (char)('0' + x->policy.sel.dport);
	buf[n] = '\0';
	return buf;
}

static int put_before(struct fixture *f, uint16_t port, uint32_t before)
{
	struct policy p = policy_on(port);
	uint32_t id = 0;

	return book_put_before(&f->book, &p, false, before, &id, &f->e);
}

static void test_book_put_before_has_its_place_and_keeps_the_end(void **state)
{
	struct fixture *f = *state;
	struct policy urgent = policy_on(8);
	struct book staged;
	uint32_t id;
	char buf[32];

	put(f, 1, false, 0);
	put(f, 2, false, 0);
	assert_int_equal(put_before(f, 3, 2), 0);
	assert_int_equal(put_before(f, 4, 1), 0);
	put(f, 5, false, 0);
	assert_string_equal(order(f, buf), "41325");

	/* Nothing of another priority or direction, nothing that is not there, not itself. */
	urgent.priority = 7;
	assert_int_equal(book_put_before(&f->book, &urgent, false, 1, &id, &f->e), -EINVAL);
	urgent.priority = 0;
	urgent.dir = POLICY_IN;
	assert_int_equal(book_put_before(&f->book, &urgent, false, 1, &id, &f->e), -EINVAL);
	assert_int_equal(put_before(f, 6, 99), -ENOENT);
	assert_int_equal(put_before(f, 1, 1), -EINVAL);
	assert_string_equal(order(f, buf), "41325");

	/* A staged copy has the same order, and goes on in it. */
	assert_int_equal(book_stage(&f->book, &staged), 0);
	book_apply(&f->book, &staged);
	assert_int_equal(put_before(f, 7, 5), 0);
	assert_string_equal(order(f, buf), "413275");
}

static void test_book_delete_missing_no_entry(void **state)
{
	struct fixture *f = *state;
	struct policy p = policy_on(1);
	uint32_t id;

	assert_int_equal(book_delete(&f->book, POLICY_OUT, &p.sel, &id, &f->e), -ENOENT);
	assert_string_equal(f->e.s, "No entry");
	put(f, 1, false, 0);
	assert_int_equal(book_delete(&f->book, POLICY_IN, &p.sel, &id, &f->e), -ENOENT);
	assert_int_equal(book_delete(&f->book, POLICY_OUT, &p.sel, &id, &f->e), 0);
	assert_int_equal(id, 1);
	assert_int_equal(put(f, 1, false, 0), 2); /* numbers are never used again */
	book_flush(&f->book);
	assert_int_equal(put(f, 1, false, 0), 3);
}

static void test_book_inherited_is_replaced_without_a_word(void **state)
{
	struct fixture *f = *state;

	put(f, 1, false, 0);
	spd_first(f->book.spd, POLICY_OUT)->inherited = true;
	assert_int_equal(put(f, 1, false, 0), 2);
	put(f, 1, false, -EEXIST);
}

static void test_book_reqids(void **state)
{
	static const struct {
		enum policy_level level;
		uint32_t reqid, want;
		int result;
	} cases[] = {
	    {LEVEL_UNIQUE, 0, 0x8000, 0},
	    {LEVEL_UNIQUE, 0, 0x8001, 0},
	    {LEVEL_UNIQUE, 1, 1, 0},
	    {LEVEL_UNIQUE, 32767, 32767, 0},
	    {LEVEL_UNIQUE, 32768, 0, -EINVAL},
	    {LEVEL_UNIQUE, UINT32_MAX, 0, -EINVAL},
	    {LEVEL_REQUIRE, 0, 0, 0},
	    {LEVEL_REQUIRE, 5, 0, -EINVAL},
	};
	struct fixture *f = *state;

	for (uint16_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy p = policy_on((uint16_t)(i + 1));
		struct spd_entry *e;
		uint32_t id;

		p.action = POLICY_IPSEC;
		p.n_requests = 1;
		p.req[0] = (struct policy_request){.proto = IPSEC_ESP,
		    .mode = IPSEC_TRANSPORT,
		    .level = cases[i].level,
		    .reqid = cases[i].reqid};
		p.req[0].reqid_auto = true; /* is not the client's to say */
		assert_int_equal(book_put(&f->book, &p, false, &id, &f->e), cases[i].result);
		e = spd_find(f->book.spd, p.dir, &p.sel);
		assert_int_equal(e != NULL, cases[i].result == 0);
		if (!e)
			continue;
		assert_int_equal(e->policy.req[0].reqid, cases[i].want);
		assert_int_equal(e->policy.req[0].reqid_auto, cases[i].want >= 0x8000);
	}
}

/* Changes of connection `who` through its transaction, if it has one. */
static int put_as(struct fixture *f, struct txn_client *who, uint16_t port)
{
	struct policy p = policy_on(port);
	struct book *b;
	uint32_t id;
	int r = txn_book(&f->txn, who, &b, &f->e);

	return r < 0 ? r : book_put(b, &p, false, &id, &f->e);
}

static void test_txn_takes_effect_at_once_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct txn_client a = {0}, b = {0};

	assert_int_equal(put_as(f, &a, 1), 0);
	assert_int_equal(txn_begin(&f->txn, &a, &f->e), 0);
	assert_int_equal(txn_begin(&f->txn, &a, &f->e), -EALREADY);
	assert_int_equal(put_as(f, &a, 2), 0);
	assert_int_equal(put_as(f, &a, 1), -EEXIST); /* judged at once */
	assert_int_equal(spd_count(f->book.spd, POLICY_OUT), 1);
	assert_int_equal(txn_abort(&f->txn, &a, &f->e), 0);
	assert_int_equal(spd_count(f->book.spd, POLICY_OUT), 1);
	assert_int_equal(txn_begin(&f->txn, &b, &f->e), 0);
	assert_int_equal(put_as(f, &b, 3), 0);
	assert_int_equal(txn_commit(&f->txn, &b, &f->e), TXN_CHANGED);
	assert_int_equal(spd_count(f->book.spd, POLICY_OUT), 2);
	assert_int_equal(spd_next(f->book.spd, spd_first(f->book.spd, POLICY_OUT))->policy.id, 3);
	assert_int_equal(txn_commit(&f->txn, &b, &f->e), -EINVAL);
	assert_int_equal(txn_abort(&f->txn, &b, &f->e), -EINVAL);
}

static void test_txn_others_are_told_to_wait(void **state)
{
	struct fixture *f = *state;
	struct txn_client a = {0}, b = {0};

	assert_int_equal(txn_begin(&f->txn, &a, &f->e), 0);
	assert_int_equal(put_as(f, &b, 1), -EBUSY);
	assert_int_equal(txn_begin(&f->txn, &b, &f->e), -EBUSY);
	assert_true(strlen(f->e.s) > 10);
	assert_int_equal(txn_commit(&f->txn, &b, &f->e), -EINVAL);
	txn_close(&f->txn, &a);
	assert_int_equal(put_as(f, &b, 1), 0);
}

static void test_txn_of_a_hung_client_gives_way(void **state)
{
	struct fixture *f = *state;
	struct txn_client a = {0}, b = {0};

	assert_int_equal(txn_begin(&f->txn, &a, &f->e), 0);
	assert_int_equal(put_as(f, &a, 1), 0);
	f->clock.ms += TXN_PATIENCE_MS;
	assert_int_equal(put_as(f, &b, 2), 0);
	/* What the hung one says next does not slip into the SPD on its own. */
	assert_int_equal(put_as(f, &a, 3), -ECANCELED);
	assert_int_equal(txn_commit(&f->txn, &a, &f->e), -ECANCELED);
	assert_int_equal(spd_count(f->book.spd, POLICY_OUT), 1);
	assert_int_equal(put_as(f, &a, 3), 0); /* it has been told */
}

/* What was told, as words: "F" flushed, "-id", "+id". */
static void tell(void *arg, enum book_change what, const struct policy *p)
{
	char word[16];

	snprintf(word, sizeof(word),
	    what == BOOK_FLUSHED ? "F "
	    : what == BOOK_ADDED ? "+%u "
	                         : "-%u ",
	    p ? p->id : 0);
	strcat(arg, word);
}

static void test_txn_prepared_is_not_evicted_while_its_client_commits(void **state)
{
	struct fixture *f = *state;
	struct txn_client a = {0}, b = {0};

	assert_int_equal(txn_prepare(&f->txn, &a, &f->e), -EINVAL);
	assert_int_equal(txn_begin(&f->txn, &a, &f->e), 0);
	assert_int_equal(put_as(f, &a, 1), 0);
	f->clock.ms += TXN_PATIENCE_MS;
	assert_int_equal(txn_prepare(&f->txn, &a, &f->e), 0);
	f->clock.ms += TXN_PATIENCE_MS - 1;
	assert_int_equal(txn_begin(&f->txn, &b, &f->e), -EBUSY);
	assert_int_equal(txn_commit(&f->txn, &a, &f->e), TXN_CHANGED);
	assert_int_equal(spd_count(f->book.spd, POLICY_OUT), 1);
	assert_int_equal(txn_begin(&f->txn, &b, &f->e), 0);
	f->clock.ms += TXN_PATIENCE_MS;
	assert_int_equal(put_as(f, &a, 2), 0);
	assert_int_equal(txn_prepare(&f->txn, &b, &f->e), -ECANCELED);
}

static void test_txn_tells_at_commit_what_takes_effect(void **state)
{
	struct fixture *f = *state;
	struct txn_client a = {0};
	struct policy p = policy_on(2);
	char told[64] = "";
	uint32_t id;

	f->txn.on_change = tell;
	f->txn.arg = told;
	put(f, 1, false, 0);
	put(f, 2, false, 0);
	assert_int_equal(txn_begin(&f->txn, &a, &f->e), 0);
	assert_int_equal(put_as(f, &a, 3), 0);
	assert_int_equal(txn_abort(&f->txn, &a, &f->e), 0);
	assert_string_equal(told, ""); /* never was */
	assert_int_equal(txn_begin(&f->txn, &a, &f->e), 0);
	assert_int_equal(book_delete(&f->txn.staged, p.dir, &p.sel, &id, &f->e), 0);
	assert_int_equal(put_as(f, &a, 2), 0);
	assert_int_equal(put_as(f, &a, 4), 0);
	assert_string_equal(told, "");
	assert_int_equal(txn_commit(&f->txn, &a, &f->e), TXN_CHANGED);
	assert_string_equal(told, "-2 +4 +5 ");
	told[0] = '\0';
	assert_int_equal(txn_begin(&f->txn, &a, &f->e), 0);
	book_flush(&f->txn.staged);
	assert_int_equal(put_as(f, &a, 1), 0);
	assert_int_equal(txn_commit(&f->txn, &a, &f->e), TXN_CHANGED);
	assert_string_equal(told, "F +6 ");
}

static void test_txn_every_hung_client_is_refused_however_many_there_were(void **state)
{
	struct fixture *f = *state;
	struct txn_client hung[3] = {0}, last = {0};

	for (uint16_t i = 0; i < ARRAY_SIZE(hung); i++) {
		assert_int_equal(txn_begin(&f->txn, &hung[i], &f->e), 0);
		assert_int_equal(put_as(f, &hung[i], (uint16_t)(i + 1)), 0);
		f->clock.ms += TXN_PATIENCE_MS;
	}
	assert_int_equal(txn_begin(&f->txn, &last, &f->e), 0);
	assert_int_equal(txn_commit(&f->txn, &last, &f->e), TXN_UNCHANGED); /* and nothing came of it */
	for (size_t i = 0; i < ARRAY_SIZE(hung); i++) {
		assert_int_equal(put_as(f, &hung[i], 7), -ECANCELED);
		assert_int_equal(put_as(f, &hung[i], 7), -ECANCELED);
	}
	assert_int_equal(spd_count(f->book.spd, POLICY_OUT), 0);
	assert_int_equal(txn_commit(&f->txn, &hung[0], &f->e), -ECANCELED);
	assert_int_equal(txn_abort(&f->txn, &hung[1], &f->e), 0);
	assert_int_equal(txn_begin(&f->txn, &hung[2], &f->e), 0);
	assert_int_equal(put_as(f, &hung[2], 7), 0);
}

static void test_txn_versions_grow_past_changes_made_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct txn_client a = {0};
	uint64_t before;

	assert_int_equal(txn_begin(&f->txn, &a, &f->e), 0);
	book_set_enabled(&f->book, false);
	book_set_enabled(&f->book, true);
	book_set_enabled(&f->book, false);
	before = f->book.version;
	assert_int_equal(put_as(f, &a, 1), 0);
	assert_int_equal(txn_commit(&f->txn, &a, &f->e), TXN_CHANGED);
	assert_true(f->book.version > before);
	assert_false(f->book.enabled);
}

static void test_frozen_only_removes(void **state)
{
	struct fixture *f = *state;
	struct frozen *from, *to;
	struct policy p = policy_on(2);
	uint32_t id;

	for (uint16_t i = 1; i <= 3; i++)
		put(f, i, false, 0);
	assert_int_equal(frozen_new(&f->book, &from), 0);
	assert_false(frozen_only_removes(NULL, from));
	assert_true(frozen_only_removes(from, from));
	assert_int_equal(book_delete(&f->book, POLICY_OUT, &p.sel, &id, &f->e), 0);
	assert_int_equal(frozen_new(&f->book, &to), 0);
	assert_true(frozen_only_removes(from, to));
	assert_false(frozen_only_removes(to, from));
	frozen_unref(to);
	put(f, 2, false, 0); /* the same policy at the end is a new one */
	assert_int_equal(frozen_new(&f->book, &to), 0);
	assert_false(frozen_only_removes(from, to));
	frozen_unref(to);
	frozen_unref(from);
}

static void test_book_numbers_run_out_and_never_begin_anew(void **state)
{
	struct fixture *f = *state;
	struct policy p = policy_on(1);
	uint32_t id = 0;

	p.action = POLICY_IPSEC;
	p.n_requests = 2;
	for (uint8_t i = 0; i < 2; i++)
		p.req[i] = (struct policy_request){
		    .proto = IPSEC_ESP, .mode = IPSEC_TRANSPORT, .level = LEVEL_UNIQUE};
	f->book.next_reqid = UINT32_MAX - 2;
	assert_int_equal(book_put(&f->book, &p, false, &id, &f->e), 0);
	assert_int_equal(spd_find_id(f->book.spd, id)->policy.req[1].reqid, UINT32_MAX - 1);
	p.sel.dport++;
	assert_int_equal(book_put(&f->book, &p, false, &id, &f->e), -ENOSPC);
	assert_non_null(strstr(f->e.s, "used up"));
	f->book.next_reqid = POLICY_REQID_AUTO_FIRST;
	f->book.next_id = UINT32_MAX;
	assert_int_equal(book_put(&f->book, &p, false, &id, &f->e), -ENOSPC);
	assert_int_equal(spd_count(f->book.spd, POLICY_OUT), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_book_put_twice_file_exists, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_book_update_moves_to_the_end_under_a_new_number, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_book_put_before_has_its_place_and_keeps_the_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_book_delete_missing_no_entry, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_book_inherited_is_replaced_without_a_word, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_book_reqids, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_txn_takes_effect_at_once_or_not_at_all, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_txn_others_are_told_to_wait, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_txn_of_a_hung_client_gives_way, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_txn_prepared_is_not_evicted_while_its_client_commits, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_txn_tells_at_commit_what_takes_effect, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_txn_every_hung_client_is_refused_however_many_there_were, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        test_txn_versions_grow_past_changes_made_meanwhile, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_frozen_only_removes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_book_numbers_run_out_and_never_begin_anew, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
