/*
 * Gives a fuzz target the files of its corpus, and every truncation of the small ones, in a program that any
 * compiler builds. Each input sits in memory of exactly its size, so that a sanitizer sees the first octet
 * read beyond it.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_MAX = 1 << 20, TRUNCATE_MAX = 2048 };

static void run(const uint8_t *data, size_t n)
{
	AUTO_FREE uint8_t *exact = malloc(n ? n : 1);

	if (!exact)
		abort();
	if (n)
		memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(n ? exact : exact + 1, n);
}

static int replay_file(const char *path)
{
	AUTO_FREE uint8_t *buf = malloc(INPUT_MAX);
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f || !buf) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(1);
	}
	n = fread(buf, 1, INPUT_MAX, f);
	fclose(f);
	run(buf, n);
	for (size_t i = 0; n <= TRUNCATE_MAX && i < n; i++)
		run(buf, i);
	return 1;
}

static int is_input(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int replay_folder(const char *path)
{
	struct dirent **names;
	char file[4096];
	int n = scandir(path, &names, is_input, alphasort);

	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		replay_file(file);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0)
			n += S_ISDIR(st.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
	}
	printf("%d inputs\n", n);
	/* A corpus that has gone missing must not look like success. */
	return n > 0 ? 0 : 1;
}
