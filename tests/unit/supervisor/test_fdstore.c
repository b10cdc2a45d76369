/*
 * Who may store what, and that no descriptor is ever lost or kept by mistake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "supervisor/fdstore.h"

static const struct unit_def *find_def(const char *name)
{
	for (size_t i = 0; i < UNITS; i++) {
		if (!strcmp(unit_table[i].name, name))
			return &unit_table[i];
	}
	fail_msg("no unit %s", name);
	return NULL;
}

static int memory(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int sock(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int device(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static const struct {
	const char *unit, *name;
	int (*make)(void);
	enum fdstore_outcome want;
} cases[] = {
    /*  1 */ {"datapathd", "tun", device, FDSTORE_DONE},
    /*  2 */ {"datapathd", "raw-esp4", sock, FDSTORE_DONE},
    /*  3 */ {"datapathd", "raw-ah4", sock, FDSTORE_DONE},
    /*  4 */ {"datapathd", "send4", sock, FDSTORE_DONE},
    /*  5 */ {"datapathd", "send6", sock, FDSTORE_DONE},
    /*  6 */ {"datapathd", "sad-0", memory, FDSTORE_DONE},
    /*  7 */ {"datapathd", "sad-255", memory, FDSTORE_DONE},
    /*  8 */ {"datapathd", "sad-256", memory, FDSTORE_NAME},
    /*  9 */ {"datapathd", "sad-", memory, FDSTORE_NAME},
    /* 10 */ {"datapathd", "sad-00", memory, FDSTORE_NAME},
    /* 11 */ {"datapathd", "sad-1-", memory, FDSTORE_NAME},
    /* 12 */ {"datapathd", "sad-99999999999999999999", memory, FDSTORE_NAME},
    /* 13 */ {"datapathd", "sad", memory, FDSTORE_NAME},
    /* 14 */ {"datapathd", "tun0", device, FDSTORE_NAME},
    /* 15 */ {"datapathd", "", memory, FDSTORE_NAME},
    /* 16 */ {"datapathd", "tun", sock, FDSTORE_TYPE},
    /* 17 */ {"datapathd", "sad-1", sock, FDSTORE_TYPE},
    /* 18 */ {"datapathd", "raw-esp4", memory, FDSTORE_TYPE},
    /* 19 */ {"policyd", "sad-0", memory, FDSTORE_NAME},
    /* 20 */ {"policyd", "tun", device, FDSTORE_NAME},
};

static void test_fdstore_table_decides_who_stores_what(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fdstore s;
		int fd = cases[i].make();
		enum fdstore_outcome got;

		fdstore_init(&s, find_def(cases[i].unit));
		got = fdstore_put(&s, cases[i].name, fd);
		if (got != cases[i].want)
			fail_msg("case %zu: %s", i + 1, fdstore_outcome_text(got));
		assert_int_equal(s.n, got == FDSTORE_DONE);
		/* Refused ones are closed at once, the others with the store. */
		assert_int_equal(is_open(fd), got == FDSTORE_DONE);
		fdstore_fini(&s);
		assert_false(is_open(fd));
	}
}

static void test_fdstore_same_name_gets_the_new_descriptor_in_the_old_place(void **state)
{
	int a = memory(), b = memory(), c = memory();
	struct fdstore s;

	(void)state;
	fdstore_init(&s, find_def("datapathd"));
	assert_int_equal(fdstore_put(&s, "sad-0", a), FDSTORE_DONE);
	assert_int_equal(fdstore_put(&s, "sad-1", b), FDSTORE_DONE);
	assert_int_equal(fdstore_put(&s, "sad-0", c), FDSTORE_DONE);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.e[0].fd, c);
	assert_string_equal(s.e[0].name, "sad-0");
	assert_false(is_open(a));
	assert_true(is_open(b));
	fdstore_fini(&s);
}

static void test_fdstore_refused_replacement_leaves_the_old_one(void **state)
{
	int a = memory(), b = sock();
	struct fdstore s;

	(void)state;
	fdstore_init(&s, find_def("datapathd"));
	fdstore_put(&s, "sad-0", a);
	assert_int_equal(fdstore_put(&s, "sad-0", b), FDSTORE_TYPE);
	assert_true(is_open(a));
	assert_false(is_open(b));
	fdstore_fini(&s);
}

static void test_fdstore_remove_closes_and_keeps_the_order(void **state)
{
	struct fdstore s;
	char name[16];
	int first;

	(void)state;
	fdstore_init(&s, find_def("datapathd"));
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "sad-%d", i);
		assert_int_equal(fdstore_put(&s, name, memory()), FDSTORE_DONE);
	}
	first = s.e[1].fd;
	assert_int_equal(fdstore_remove(&s, "sad-1"), FDSTORE_DONE);
	assert_false(is_open(first));
	assert_int_equal(fdstore_remove(&s, "sad-1"), FDSTORE_NOT_THERE);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.e[0].name, "sad-0");
	assert_string_equal(s.e[1].name, "sad-2");
	assert_string_equal(s.e[2].name, "sad-3");
	fdstore_fini(&s);
}

/* The table's own limits add up to less than the store, so FULL is a second fence: every name of datapathd
 * fits. */
static void test_fdstore_everything_the_table_allows_fits(void **state)
{
	static const char *const others[] = {"raw-esp4", "raw-ah4", "send4", "send6"};
	struct fdstore s;
	char name[16];

	(void)state;
	fdstore_init(&s, find_def("datapathd"));
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "sad-%d", i);
		assert_int_equal(fdstore_put(&s, name, memory()), FDSTORE_DONE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(fdstore_put(&s, others[i], sock()), FDSTORE_DONE);
	assert_int_equal(fdstore_put(&s, "tun", device()), FDSTORE_DONE);
	assert_int_equal(s.n, 261);
	fdstore_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fdstore_table_decides_who_stores_what),
	    cmocka_unit_test(test_fdstore_same_name_gets_the_new_descriptor_in_the_old_place),
	    cmocka_unit_test(test_fdstore_refused_replacement_leaves_the_old_one),
	    cmocka_unit_test(test_fdstore_remove_closes_and_keeps_the_order),
	    cmocka_unit_test(test_fdstore_everything_the_table_allows_fits),
	};

	return cmocka_run_group_tests_name("supervisor/fdstore", tests, NULL, NULL);
}
