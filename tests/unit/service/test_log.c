/*
 * Lines as they reach a file, and what happens to those that do not reach anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "service/log.h"

static char path[64];

/* Everything in the log file so far; empties it. */
static const char *written(void)
{
	static char text[8192];
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(ftruncate(fd, 0), 0);
	return text;
}

static int open_file(void **state)
{
	char target[80], dir[] = "/tmp/postern-log-XXXXXX";
	struct err_text e;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(target, sizeof(target), "file:%s", path);
	return log_open(target, "postern-test", LOG_LEVEL_INFO, &e);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

static void test_log_line_has_tag_level_event_and_text(void **state)
{
	const char *text;
	char want[96];

	(void)state;
	log_notice("spd.reload", "version=%d rows=%d", 7, 20);
	text = written();
	snprintf(
	    want, sizeof(want), "Z postern-test[%d] notice spd.reload: version=7 rows=20\n", (int)getpid());
	assert_non_null(strstr(text, want));
	/* One line, beginning with a date. */
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(text[4], '-');
	assert_int_equal(text[10], 'T');
}

static void test_log_level_decides(void **state)
{
	(void)state;
	log_debug("a", "unseen");
	assert_string_equal(written(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("a", "seen");
	assert_non_null(strstr(written(), "debug a: seen"));
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("a", "unseen");
	assert_string_equal(written(), "");
	log_error("a", "seen");
	assert_non_null(strstr(written(), "error a: seen"));
	log_set_level(LOG_LEVEL_INFO);
}

static void test_log_peer_text_cannot_forge_lines(void **state)
{
	const char *text;

	(void)state;
	log_info("ike.id", "id=%s", "evil\n2026 forged\r\x1b[2J\x7f\xff\\x0a");
	text = written();
	assert_non_null(strstr(text, "id=evil\\x0a2026 forged\\x0d\\x1b[2J\\x7f\\xff\\\\x0a\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_log_endless_text_is_cut_to_one_line(void **state)
{
	static char endless[20000];
	const char *text;

	(void)state;
	memset(endless, '\n', sizeof(endless) - 1);
	log_info("flood", "%s", endless);
	text = written();
	assert_in_range(strlen(text), 1000, 2048);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_log_names_and_levels_match(void **state)
{
	(void)state;
	for (int l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++)
		assert_int_equal(log_level_parse(log_level_name((enum log_level)l)), l);
	assert_int_equal(log_level_parse("none"), LOG_LEVEL_NONE);
	assert_int_equal(log_level_parse("ERROR"), LOG_LEVEL_NONE);
	assert_int_equal(log_level_parse(""), LOG_LEVEL_NONE);
	assert_string_equal(log_level_name((enum log_level)77), "unknown");
}

static void test_log_bad_targets_are_refused_and_the_old_one_stays(void **state)
{
	static const char *const targets[] = {"", "elsewhere", "file:/nowhere/log", "file:"};
	struct err_text e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		e.s[0] = '\0';
		assert_true(log_open(targets[i], "x", LOG_LEVEL_INFO, &e) < 0);
		assert_int_not_equal(e.s[0], '\0');
	}
	log_info("still", "here");
	assert_non_null(strstr(written(), "postern-test"));
}

/* A pipe that nobody reads fills up: lines are lost, counted, and the loss is told as soon as there is room.
 */
static void test_log_full_sink_loses_lines_visibly_and_never_blocks(void **state)
{
	int fd[2], old = dup(STDERR_FILENO);
	static char drained[1 << 17];
	uint64_t before = log_dropped(), lost;
	struct err_text e;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], STDERR_FILENO);
	assert_int_equal(log_open("stderr", "postern-test", LOG_LEVEL_INFO, &e), 0);
	dup2(old, STDERR_FILENO);
	for (int i = 0; i < 3000; i++)
		log_info("flood", "line %d of many that nobody reads", i);
	lost = log_dropped() - before;
	assert_in_range(lost, 1, 2999);
	n = read(fd[0], drained, sizeof(drained) - 1);
	assert_true(n > 0);
	log_info("after", "room again");
	n = read(fd[0], drained, sizeof(drained) - 1);
	assert_true(n > 0);
	drained[n] = '\0';
	assert_non_null(strstr(drained, "log.dropped: the log did not take"));
	assert_non_null(strstr(drained, "after: room again"));
	assert_int_equal(log_dropped() - before, lost);
	close(fd[0]);
	close(fd[1]);
	close(old);
}

static void test_log_limit_holds_and_tells(void **state)
{
	struct log_limit l;
	uint64_t held = 99;
	int passed = 0;

	(void)state;
	log_limit_init(&l, 3, 1);
	for (int i = 0; i < 100; i++)
		passed += log_limit_ok(&l, &held);
	/* A slow machine may see a token more. */
	assert_in_range(passed, 3, 10);
	assert_int_equal(l.held, 100 - passed);
	/* A second goes by. */
	l.bucket.last_ms -= 1000;
	assert_true(log_limit_ok(&l, &held));
	assert_int_equal(held, 100 - passed);
	assert_int_equal(l.held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log_line_has_tag_level_event_and_text),
	    cmocka_unit_test(test_log_level_decides),
	    cmocka_unit_test(test_log_peer_text_cannot_forge_lines),
	    cmocka_unit_test(test_log_endless_text_is_cut_to_one_line),
	    cmocka_unit_test(test_log_names_and_levels_match),
	    cmocka_unit_test(test_log_bad_targets_are_refused_and_the_old_one_stays),
	    cmocka_unit_test(test_log_limit_holds_and_tells),
	    cmocka_unit_test(test_log_full_sink_loses_lines_visibly_and_never_blocks),
	};

	return cmocka_run_group_tests_name("service/log", tests, open_file, remove_file);
}
