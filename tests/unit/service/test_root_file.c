/*
 * What root may execute: each fault of a file and of every folder on its way, and what links may hide. Only
 * root can make files of root's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/auto.h"
#include "service/root_file.h"

enum { STRANGER = 4000 };

/* In a folder whose parents are root's alone, which /tmp is not. */
static char top[64];

static const char *at(const char *name)
{
	static char path[4][256];
	static unsigned i;

	snprintf(path[++i % 4], sizeof(path[0]), "%s/%s", top, name);
	return path[i % 4];
}

static void folder(const char *name)
{
	assert_int_equal(mkdir(at(name), 0755), 0);
}

static void file(const char *name, mode_t mode)
{
	int fd = open(at(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	umask(022);
	snprintf(top, sizeof(top), "/run/postern-root-file-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	folder("a");
	folder("a/b");
	file("a/b/good", 0755);
	return 0;
}

static int teardown(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", top);
	return system(command);
}

static void good(const char *name)
{
	struct err_text e = {{0}};

	if (root_file_check(at(name), &e) != 0)
		fail_msg("%s: %s", name, e.s);
}

static void bad(const char *name, int code, const char *text)
{
	struct err_text e = {{0}};
	int r = root_file_check(at(name), &e);

	if (r != code || !strstr(e.s, text))
		fail_msg("%s: not '%s' but %d '%s'", name, text, r, e.s);
}

static void test_root_file_good(void **state)
{
	(void)state;
	good("a/b/good");
	good("a//b/./good");
	good("a/b/../b/good");
	file("a/private", 0700);
	good("a/private");
	/* Read or executed by all, written by root. */
	file("a/setuid", 04755);
	good("a/setuid");
}

static void test_root_file_faults_of_the_file(void **state)
{
	(void)state;
	file("a/g", 0775);
	bad("a/g", -EPERM, "/a/g can be written by others than root: chmod go-w /run/");
	file("a/o", 0757);
	bad("a/o", -EPERM, "/a/o can be written by others than root");
	file("a/x", 0644);
	bad("a/x", -EPERM, "/a/x is not executable: chmod u+x /run/");
	file("a/owner", 0755);
	assert_int_equal(chown(at("a/owner"), STRANGER, 0), 0);
	bad("a/owner", -EPERM, "/a/owner belongs to user 4000 and not to root: chown root /run/");
	assert_int_equal(mkfifo(at("a/fifo"), 0700), 0);
	bad("a/fifo", -EPERM, "/a/fifo is no regular file");
	bad("a/b", -EPERM, "is a folder");
	bad("a/none", -ENOENT, "/a/none: No such file");
	bad("a/b/good/more", -ENOTDIR, "Not a directory");
}

static void test_root_file_faults_of_its_folders(void **state)
{
	static const char *const folders[] = {"", "a", "a/b"};
	char words[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s", at(folders[i]));
		snprintf(words, sizeof(words), "%s%s%s can be written by others than root", top, i ? "/" : "",
		    folders[i]);
		assert_int_equal(chmod(path, 0777), 0);
		bad("a/b/good", -EPERM, words);
		assert_int_equal(chmod(path, 01777), 0); /* the sticky bit does not help against new names */
		bad("a/b/good", -EPERM, words);
		assert_int_equal(chmod(path, 0775), 0);
		bad("a/b/good", -EPERM, words);
		assert_int_equal(chmod(path, 0755), 0);
		assert_int_equal(chown(path, STRANGER, 0), 0);
		bad("a/b/good", -EPERM, "belongs to user 4000");
		assert_int_equal(chown(path, 0, 0), 0);
		good("a/b/good");
	}
}

static void test_root_file_links(void **state)
{
	(void)state;
	assert_int_equal(symlink("b/good", at("a/relative")), 0);
	assert_int_equal(symlink(at("a/b"), at("absolute")), 0);
	assert_int_equal(symlink("../a/relative", at("a/chain")), 0);
	good("a/relative");
	good("absolute/good");
	good("a/chain");
	good("absolute/../b/good"); /* .. of where the link leads */
	assert_int_equal(symlink("loop", at("loop")), 0);
	bad("loop", -ELOOP, "symbolic links");
	/* Who may write where a link lies chooses where it goes. */
	folder("open");
	assert_int_equal(symlink("../a/b/good", at("open/link")), 0);
	assert_int_equal(chmod(at("open"), 0777), 0);
	bad("open/link", -EPERM, "/open can be written by others than root");
	assert_int_equal(symlink("open/link", at("to-open")), 0);
	bad("to-open", -EPERM, "/open can be written by others than root");
	assert_int_equal(symlink("a/b/good", at("strangers")), 0);
	assert_int_equal(lchown(at("strangers"), STRANGER, STRANGER), 0);
	bad("strangers", -EPERM, "/strangers belongs to user 4000");
	assert_int_equal(symlink("nowhere", at("dangling")), 0);
	bad("dangling", -ENOENT, "/nowhere: No such file");
}

static void test_root_file_odd_paths(void **state)
{
	static char path[5000];
	struct err_text e;

	(void)state;
	assert_int_equal(root_file_check("a/b", &e), -EPERM);
	assert_int_equal(root_file_check("", &e), -EPERM);
	assert_int_equal(root_file_check("/", &e), -EPERM);
	assert_int_equal(root_file_check("/..", &e), -EPERM);
	memset(path, '/', sizeof(path) - 1);
	assert_int_equal(root_file_check(path, &e), -ENAMETOOLONG);
	memset(path + 1, 'x', 300);
	path[301] = '\0';
	assert_int_equal(root_file_check(path, &e), -ENAMETOOLONG);
	/* A name that is one too long does not become another one. */
	path[257] = '/';
	assert_int_equal(root_file_check(path, &e), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_root_file_good, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_root_file_faults_of_the_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_root_file_faults_of_its_folders, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_root_file_links, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_root_file_odd_paths, setup, teardown),
	};

	if (geteuid() != 0) {
		puts("only root can make files of root's");
		return 77;
	}
	return cmocka_run_group_tests_name("service/root_file", tests, NULL, NULL);
}
