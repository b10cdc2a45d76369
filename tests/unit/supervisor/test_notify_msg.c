/*
 * Messages as services send them, then everything a hostile one could.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/auto.h"
#include "base/rng.h"
#include "supervisor/notify_msg.h"

static const struct {
	const char *text;
	bool ready, stopping, ping, store, unstore;
	const char *status, *fdname; /* NULL: absent */
} good[] = {
    /*  1 */ {"READY=1", .ready = true},
    /*  2 */ {"READY=1\n", .ready = true},
    /*  3 */ {"\n\nREADY=1\n\nSTATUS=life 1\n", .ready = true, .status = "life 1"},
    /*  4 */ {"WATCHDOG=1", .ping = true},
    /*  5 */ {"STOPPING=1\nSTATUS=", .stopping = true, .status = ""},
    /*  6 */ {"FDSTORE=1\nFDNAME=sad-0\nFDPOLL=0", .store = true, .fdname = "sad-0"},
    /*  7 */ {"FDNAME=tun\nFDSTOREREMOVE=1", .unstore = true, .fdname = "tun"},
    /*  8 */ {"STATUS=a=b", .status = "a=b"},
    /*  9 */ {"STATUS=caf\xc3\xa9\x1b[31m", .status = "caf???[31m"},
    /* 10 */ {"MAINPID=1\nERRNO=2\nX_ANY=thing"},
    /* 11 */ {"FDNAME=0123456789abcdef0123456789abcde", .fdname = "0123456789abcdef0123456789abcde"},
    /* 12 */ {"READYX=2"},
};

static const char *const bad[] = {
    /*  1 */ "",
    /*  2 */ "READY",
    /*  3 */ "READY=0",
    /*  4 */ "READY=11",
    /*  5 */ "READY=",
    /*  6 */ "READY=1\nREADY=1",
    /*  7 */ "WATCHDOG=trigger",
    /*  8 */ "FDSTORE=1",
    /*  9 */ "FDSTOREREMOVE=1",
    /* 10 */ "FDSTORE=1\nFDSTOREREMOVE=1\nFDNAME=tun",
    /* 11 */ "FDSTORE=1\nFDNAME=",
    /* 12 */ "FDSTORE=1\nFDNAME=Tun",
    /* 13 */ "FDSTORE=1\nFDNAME=a:b",
    /* 14 */ "FDSTORE=1\nFDNAME=a/b",
    /* 15 */ "FDSTORE=1\nFDNAME=a.b",
    /* 16 */ "FDSTORE=1\nFDNAME=0123456789abcdef0123456789abcdef",
    /* 17 */ "FDSTORE=1\nFDNAME=tun\nFDNAME=tun",
    /* 18 */ "STATUS=a\nSTATUS=b",
    /* 19 */ "FDPOLL=2",
    /* 20 */ "READY=1\ngarbage",
};

static void test_notify_msg_good_ones_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct notify_msg m;

		if (notify_msg_parse(good[i].text, strlen(good[i].text), &m))
			fail_msg("case %zu refused", i + 1);
		assert_int_equal(m.ready, good[i].ready);
		assert_int_equal(m.stopping, good[i].stopping);
		assert_int_equal(m.ping, good[i].ping);
		assert_int_equal(m.store, good[i].store);
		assert_int_equal(m.unstore, good[i].unstore);
		assert_int_equal(m.has_status, good[i].status != NULL);
		assert_string_equal(m.status, good[i].status ? good[i].status : "");
		assert_string_equal(m.fdname, good[i].fdname ? good[i].fdname : "");
	}
}

static void test_notify_msg_bad_ones_are_refused_and_touch_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct notify_msg m = {.fdname = "before"};

		if (!notify_msg_parse(bad[i], strlen(bad[i]), &m))
			fail_msg("case %zu accepted", i + 1);
		assert_string_equal(m.fdname, "before");
	}
}

static void test_notify_msg_long_status_is_cut_and_oversized_message_refused(void **state)
{
	char text[NOTIFY_MSG_MAX + 1];
	struct notify_msg m;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "STATUS=", 7);
	assert_int_equal(notify_msg_parse(text, NOTIFY_MSG_MAX, &m), 0);
	assert_int_equal(strlen(m.status), NOTIFY_STATUS_MAX - 1);
	assert_int_not_equal(notify_msg_parse(text, NOTIFY_MSG_MAX + 1, &m), 0);
}

static void test_notify_msg_nul_octets_are_no_line_end(void **state)
{
	static const char text[] = "READY=1\0\nFDSTORE=1\nFDNAME=tun";
	struct notify_msg m;

	(void)state;
	assert_int_not_equal(notify_msg_parse(text, sizeof(text) - 1, &m), 0);
}

/* What is accepted keeps the promises of the header, whatever the octets were. */
static void test_notify_msg_mutations_keep_the_promises(void **state)
{
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 7);
	for (int round = 0; round < 50000; round++) {
		size_t which = rng_below(&rng.rng, ARRAY_SIZE(good)), n = strlen(good[which].text);
		char text[64];
		struct notify_msg m;

		memcpy(text, good[which].text, n);
		for (uint32_t k = rng_below(&rng.rng, 4); k; k--)
			text[rng_below(&rng.rng, (uint32_t)n)] = "=\n1\0aA-\xff"[rng_below(&rng.rng, 8)];
		if (notify_msg_parse(text, n, &m))
			continue;
		assert_false(m.store && m.unstore);
		assert_true(!(m.store || m.unstore) || m.fdname[0]);
		assert_int_equal(strspn(m.fdname, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(m.fdname));
		for (const char *p = m.status; *p; p++)
			assert_in_range(*p, 0x20, 0x7e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_notify_msg_good_ones_are_understood),
	    cmocka_unit_test(test_notify_msg_bad_ones_are_refused_and_touch_nothing),
	    cmocka_unit_test(test_notify_msg_long_status_is_cut_and_oversized_message_refused),
	    cmocka_unit_test(test_notify_msg_nul_octets_are_no_line_end),
	    cmocka_unit_test(test_notify_msg_mutations_keep_the_promises),
	};

	return cmocka_run_group_tests_name("supervisor/notify_msg", tests, NULL, NULL);
}
