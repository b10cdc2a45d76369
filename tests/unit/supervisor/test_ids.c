/*
 * The choice of an id with a world that says which are taken, and the whole resolution with a record on disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ids.h"
#include "supervisor/run_dir.h"

/* A world in which everything is taken but a range. */
struct world {
	uint32_t free_from, free_to;
	unsigned asked;
};

static bool is_taken(void *arg, uint32_t id)
{
	struct world *w = arg;

	w->asked++;
	assert_in_range(id, IDS_FIRST, IDS_LAST);
	return id < w->free_from || id > w->free_to;
}

static void test_ids_same_name_gets_the_same_id(void **state)
{
	struct world w = {IDS_FIRST, IDS_LAST, 0};
	uint32_t a = ids_choose("default", "policyd", is_taken, &w);

	(void)state;
	assert_int_equal(w.asked, 1);
	assert_int_equal(ids_choose("default", "policyd", is_taken, &w), a);
	assert_int_not_equal(ids_choose("default", "datapathd", is_taken, &w), a);
	assert_int_not_equal(ids_choose("lab", "policyd", is_taken, &w), a);
}

static void test_ids_last_free_one_is_found_from_everywhere(void **state)
{
	static const uint32_t only[] = {
	    IDS_FIRST, IDS_FIRST + 1, (IDS_FIRST + IDS_LAST) / 2, IDS_LAST - 1, IDS_LAST};

	(void)state;
	for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++) {
		for (int k = 0; k < 20; k++) {
			struct world w = {only[i], only[i], 0};
			char name[16];

			snprintf(name, sizeof(name), "svc-%d", k);
			assert_int_equal(ids_choose("default", name, is_taken, &w), only[i]);
		}
	}
}

static void test_ids_none_free_is_told_after_one_round(void **state)
{
	struct world w = {1, 0, 0};

	(void)state;
	assert_int_equal(ids_choose("default", "policyd", is_taken, &w), 0);
	assert_int_equal(w.asked, IDS_LAST - IDS_FIRST + 1);
}

static void make_settings(struct settings *s, char *dir)
{
	settings_init(s);
	snprintf(dir, 32, "/tmp/postern-ids-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(s->run_dir, sizeof(s->run_dir), "%s", dir);
}

static void drop_dir(const struct settings *s)
{
	run_dir_unlink(s, "ids");
	assert_int_equal(rmdir(s->run_dir), 0);
}

static uid_t uid_of(const struct settings *s, const char *name)
{
	uid_t uid = 0;
	gid_t gid;

	assert_true(settings_peer_ids(s, name, &uid, &gid));
	return uid;
}

static void test_ids_record_wins_over_the_hash(void **state)
{
	static const char record[] =
	    "keyd 61996\ncertd-verify 61997\ncertd 61998\ndatapathd 61999\npolicyd 62000\n";
	struct err_text e = {{0}};
	struct settings s;
	char dir[32], text[128];

	(void)state;
	make_settings(&s, dir);
	assert_int_equal(run_dir_write(&s, "ids", 0644, record, strlen(record)), 0);
	assert_int_equal(ids_resolve(&s, &e), 0);
	assert_int_equal(uid_of(&s, "policyd"), 62000);
	assert_int_equal(uid_of(&s, "datapathd"), 61999);
	run_dir_read(&s, "ids", text, sizeof(text));
	assert_string_equal(text, record);
	drop_dir(&s);
}

static void test_ids_nonsense_in_the_record_is_ignored(void **state)
{
	static const char *const records[] = {
	    "policyd 0\ndatapathd 0\n",
	    "policyd 4294967295\n",
	    "policyd\ndatapathd x\n",
	    "policyd 99999999999999999999\n",
	    "policyd 62000\ndatapathd 62000\n",
	    "\n\n\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct err_text e = {{0}};
		struct settings s;
		char dir[32];

		make_settings(&s, dir);
		run_dir_write(&s, "ids", 0644, records[i], strlen(records[i]));
		assert_int_equal(ids_resolve(&s, &e), 0);
		assert_in_range(uid_of(&s, "policyd"), IDS_FIRST, IDS_LAST);
		assert_in_range(uid_of(&s, "datapathd"), IDS_FIRST, IDS_LAST);
		assert_int_not_equal(uid_of(&s, "policyd"), uid_of(&s, "datapathd"));
		drop_dir(&s);
	}
}

static void test_ids_given_by_the_user_are_kept_and_must_differ(void **state)
{
	struct err_text e = {{0}};
	struct settings s;
	char dir[32];

	(void)state;
	make_settings(&s, dir);
	s.peers[0] = (struct settings_peer){"policyd", 5000, 5001};
	s.n_peers = 1;
	assert_int_equal(ids_resolve(&s, &e), 0);
	assert_int_equal(uid_of(&s, "policyd"), 5000);
	s.peers[0] = (struct settings_peer){"policyd", 5000, 5001};
	s.peers[1] = (struct settings_peer){"datapathd", 5000, 5002};
	s.n_peers = 2;
	assert_int_not_equal(ids_resolve(&s, &e), 0);
	assert_non_null(strstr(e.s, "each service needs its own"));
	drop_dir(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ids_same_name_gets_the_same_id),
	    cmocka_unit_test(test_ids_last_free_one_is_found_from_everywhere),
	    cmocka_unit_test(test_ids_none_free_is_told_after_one_round),
	    cmocka_unit_test(test_ids_record_wins_over_the_hash),
	    cmocka_unit_test(test_ids_nonsense_in_the_record_is_ignored),
	    cmocka_unit_test(test_ids_given_by_the_user_are_kept_and_must_differ),
	};

	return cmocka_run_group_tests_name("supervisor/ids", tests, NULL, NULL);
}
