/*
 * Real scripts under short limits: what they are given, what becomes of what they print, how they end, and
 * when they are ended. The file's owner is not asked: that is root_file_check()'s own test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/sbuf.h"
#include "hooks/io/runner.h"
#include "service/log.h"

enum { SOON_MS = 200, NEVER_MS = 600000 };

static struct {
	uv_loop_t loop;
	struct runner r;
	char dir[32], log[64], mark[64];
} g;

static int allow(const char *path, struct err_text *e)
{
	return strstr(path, "forbidden") ? err_set(e, -EPERM, "chmod go-w %s", path) : 0;
}

static void begin(uint32_t run_ms, uint32_t kill_ms, uint32_t stop_ms)
{
	const struct hook_limits limits = {.running = 2,
	    .waiting = 4,
	    .waiting_of_one = 2,
	    .run_ms = run_ms,
	    .kill_ms = kill_ms,
	    .stop_ms = stop_ms,
	    .lines = 3};
	struct err_text e;
	char target[80];

	snprintf(g.dir, sizeof(g.dir), "/tmp/postern-runner-XXXXXX");
	assert_non_null(mkdtemp(g.dir));
	snprintf(g.log, sizeof(g.log), "%s/log", g.dir);
	snprintf(g.mark, sizeof(g.mark), "%s/mark", g.dir);
	snprintf(target, sizeof(target), "file:%s", g.log);
	assert_int_equal(log_open(target, "test", LOG_LEVEL_DEBUG, &e), 0);
	assert_int_equal(uv_loop_init(&g.loop), 0);
	assert_int_equal(runner_init(&g.r, &g.loop, &limits, &e), 0);
	g.r.check = allow;
}

static char *text_of(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	if (f) {
		(void)!fread(text, 1, (1 << 16) - 1, f);
		fclose(f);
	}
	return text;
}

static unsigned count(const char *path, const char *what)
{
	AUTO_FREE char *text = text_of(path);
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void expect_log(unsigned n, const char *what)
{
	AUTO_FREE char *text = text_of(g.log);

	if (count(g.log, what) != n)
		fail_msg("not %u times '%s' in\n%s", n, what, text);
}

static void end(void)
{
	char command[64];

	runner_stop(&g.r);
	uv_run(&g.loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&g.loop), 0); /* no handle is left */
	assert_int_equal(g.r.jobs.n_running + g.r.jobs.n_waiting, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and no child */
	snprintf(command, sizeof(command), "rm -r %s", g.dir);
	assert_int_equal(system(command), 0);
}

static void put(const char *name, const char *text, mode_t mode)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", g.dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void add(const char *name, uint32_t peer, enum ike_hook hook)
{
	const struct hook_event x = {
	    .hook = hook, .local = inet_addr_v4(1), .remote = inet_addr_v4(peer), .id = {"$(id)", 5}};
	struct job *j;
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", g.dir, name);
	j = job_new(&x, path, "f:1: remote x");
	assert_non_null(j);
	runner_add(&g.r, j);
}

static void until_idle(void)
{
	while (g.r.jobs.n_running + g.r.jobs.n_waiting)
		uv_run(&g.loop, UV_RUN_ONCE);
}

static void test_runner_a_script_gets_what_it_should_and_nothing_else(void **state)
{
	AUTO_FREE char *text = NULL;
	char script[400], want[400];
	int fd;

	(void)state;
	begin(NEVER_MS, NEVER_MS, NEVER_MS);
	setenv("SECRET", "of the service", 1);
	fd = open("/dev/null", O_RDONLY); /* not even close-on-exec */
	snprintf(script, sizeof(script),
	    "#!/bin/sh\n{ echo \"$0 $# $1\"; pwd; umask; read x || echo no input; env | grep -v _= | sort;"
	    " ls /proc/self/fd | tr '\\n' ' '; } > %s\n",
	    g.mark);
	put("up", script, 0700);
	add("up", 7, IKE_HOOK_UP);
	until_idle();
	text = text_of(g.mark);
	snprintf(want, sizeof(want),
	    "%s/up 1 phase1_up\n/\n0022\nno input\nLOCAL_ADDR=0.0.0.1\nLOCAL_PORT=0\n"
	    "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\nREMOTE_ADDR=0.0.0.7\nREMOTE_ID=%%24%%28id%%29\n"
	    "REMOTE_PORT=0\n0 1 2 3 ",
	    g.dir); /* 3 is what ls looks into */
	assert_string_equal(text, want);
	expect_log(1, "hook.run: peer=0.0.0.7 event=phase1_up");
	expect_log(0, "hook.failed");
	close(fd);
	end();
}

static void test_runner_output_is_lines_of_the_log(void **state)
{
	(void)state;
	begin(NEVER_MS, NEVER_MS, NEVER_MS);
	put("say", "#!/bin/sh\necho one; echo two >&2; echo three; echo four; printf 'the end'; exit 3\n",
	    0700);
	add("say", 7, IKE_HOOK_DOWN);
	until_idle();
	expect_log(1, "hook.output: peer=0.0.0.7 event=phase1_down: one\n");
	expect_log(1, "event=phase1_down: two\n");
	expect_log(1, "event=phase1_down: three\n");
	expect_log(0, "event=phase1_down: four\n");
	expect_log(1, "2 more lines were left out");
	expect_log(
	    1, "/say phase1_down for 0.0.0.7 (f:1: remote x) ended with status 3; last it said: the end");
	expect_log(1, "hook.failed");
	end();
}

static void test_runner_what_cannot_run_is_said(void **state)
{
	(void)state;
	begin(NEVER_MS, NEVER_MS, NEVER_MS);
	put("forbidden", "#!/bin/sh\necho ran\n", 0700);
	put("text", "echo ran\n", 0700);
	put("orphan", "#!/no/such/interpreter\n", 0700);
	put("killed", "#!/bin/sh\nkill -9 $$\n", 0700);
	add("forbidden", 1, IKE_HOOK_UP);
	add("text", 2, IKE_HOOK_UP);
	until_idle();
	add("orphan", 3, IKE_HOOK_UP);
	add("killed", 4, IKE_HOOK_UP);
	until_idle();
	expect_log(0, "ran");
	expect_log(1, "/forbidden phase1_up for 0.0.0.1 is not run: chmod go-w ");
	expect_log(
	    1, "status 127; last it said: cannot be executed: Exec format error (a script begins with #!");
	expect_log(1, "status 127; last it said: cannot be executed: No such file or directory");
	expect_log(
	    1, "/killed phase1_up for 0.0.0.4 (f:1: remote x) was killed by signal 9; last it said: nothing");
	assert_int_equal(g.r.counters.refused, 1);
	assert_int_equal(g.r.counters.failed, 3);
	assert_int_equal(g.r.counters.run, 3);
	end();
}

static void test_runner_order_of_a_peer_and_its_bound(void **state)
{
	AUTO_FREE char *text = NULL;
	char script[200];

	(void)state;
	begin(NEVER_MS, NEVER_MS, NEVER_MS);
	snprintf(script, sizeof(script),
	    "#!/bin/sh\necho $1 >> %s; until [ -e %s/go ]; do sleep 0.01; done\n", g.mark, g.dir);
	put("wait", script, 0700);
	add("wait", 7, IKE_HOOK_UP);
	add("wait", 7, IKE_HOOK_DOWN);
	add("wait", 7, IKE_HOOK_DEAD);
	assert_int_equal(g.r.jobs.n_running, 1);
	add("wait", 7, IKE_HOOK_UP);
	expect_log(1, "/wait phase1_down for 0.0.0.7 is not run: too many wait");
	put("go", "", 0600);
	until_idle();
	text = text_of(g.mark);
	assert_string_equal(text, "phase1_up\nphase1_dead\nphase1_up\n");
	assert_int_equal(g.r.counters.dropped, 1);
	end();
}

/* What ends it: SIGTERM where that is heard, SIGKILL where it is not, and both reach what it has started. */
static void test_runner_time_limit(void **state)
{
	static const char *const scripts[] = {"exec sleep 1000",
	    "trap '' TERM; sleep 1000 & sleep 1001; wait",
	    "trap 'echo I was told; exit 0' TERM; sleep 1000 & wait"};
	char script[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		begin(SOON_MS, SOON_MS, NEVER_MS);
		snprintf(script, sizeof(script), "#!/bin/sh\necho $$ > %s\n%s\n", g.mark, scripts[i]);
		put("slow", script, 0700);
		add("slow", 7, IKE_HOOK_UP);
		until_idle();
		expect_log(1, "was ended: it took too long");
		expect_log(i == 2, "last it said: I was told");
		assert_int_equal(g.r.counters.late, 1);
		{
			AUTO_FREE char *pid = text_of(g.mark);

			/* Nobody of its group is left, but for zombies on their way to init. */
			for (int n = 0; n < 2000 && kill(-atoi(pid), 0) == 0; n++)
				usleep(1000);
			assert_int_equal(kill(-atoi(pid), 0), -1);
		}
		end();
	}
}

/* A program that stays behind keeps the pipe, and nobody waits for it. */
static void test_runner_background_is_not_waited_for(void **state)
{
	AUTO_FREE char *pid = NULL;
	char script[200];

	(void)state;
	begin(NEVER_MS, NEVER_MS, NEVER_MS);
	snprintf(script, sizeof(script), "#!/bin/sh\nsleep 1000 &\necho $! > %s\n", g.mark);
	put("fork", script, 0700);
	add("fork", 7, IKE_HOOK_UP);
	until_idle();
	pid = text_of(g.mark);
	assert_int_equal(kill(atoi(pid), SIGKILL), 0); /* it is still there */
	expect_log(0, "hook.failed");
	end();
}

/* The end of the service waits for what can end, runs what waits, and kills the rest. */
static void test_runner_end_of_the_service(void **state)
{
	char script[200];

	(void)state;
	begin(NEVER_MS, NEVER_MS, NEVER_MS);
	snprintf(script, sizeof(script), "#!/bin/sh\nsleep 0.1; echo $1 >> %s\n", g.mark);
	put("brief", script, 0700);
	add("brief", 7, IKE_HOOK_DEAD);
	add("brief", 7, IKE_HOOK_DOWN);
	runner_stop(&g.r);
	assert_int_equal(count(g.mark, "phase1_dead\nphase1_down\n"), 1);
	expect_log(0, "hook.failed");
	uv_run(&g.loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&g.loop), 0);
	unlink(g.mark);
	snprintf(script, sizeof(script), "rm -r %s", g.dir);
	assert_int_equal(system(script), 0);

	begin(NEVER_MS, NEVER_MS, SOON_MS);
	put("endless", "#!/bin/sh\nexec sleep 1000\n", 0700);
	add("endless", 7, IKE_HOOK_UP);
	add("endless", 7, IKE_HOOK_DOWN);
	runner_stop(&g.r);
	expect_log(1, "was ended: the service ends");
	expect_log(1, "/endless phase1_down for 0.0.0.7 is not run: the service ends");
	uv_run(&g.loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&g.loop), 0);
	snprintf(script, sizeof(script), "rm -r %s", g.dir);
	assert_int_equal(system(script), 0);
}

static void test_runner_flood_of_output_is_bounded(void **state)
{
	struct stat st;

	(void)state;
	begin(SOON_MS, SOON_MS, NEVER_MS);
	put("yes", "#!/bin/sh\nexec yes\n", 0700);
	add("yes", 7, IKE_HOOK_UP);
	until_idle();
	expect_log(1, "was ended: it took too long");
	expect_log(3, "event=phase1_up: y\n");
	assert_int_equal(stat(g.log, &st), 0);
	assert_in_range(st.st_size, 1, 2000);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_runner_a_script_gets_what_it_should_and_nothing_else),
	    cmocka_unit_test(test_runner_output_is_lines_of_the_log),
	    cmocka_unit_test(test_runner_what_cannot_run_is_said),
	    cmocka_unit_test(test_runner_order_of_a_peer_and_its_bound),
	    cmocka_unit_test(test_runner_time_limit),
	    cmocka_unit_test(test_runner_background_is_not_waited_for),
	    cmocka_unit_test(test_runner_end_of_the_service),
	    cmocka_unit_test(test_runner_flood_of_output_is_bounded),
	};

	return cmocka_run_group_tests_name("hooks/runner", tests, NULL, NULL);
}
