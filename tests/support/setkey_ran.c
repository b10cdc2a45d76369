#include "support/setkey_ran.h"

#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"

enum { WORDS_MAX = 16 };

struct fake_suite *ran_suite;

void ran_fini(struct ran *r)
{
	free(r->out);
	free(r->err);
}

int ran_suite_start(void **state)
{
	static struct fake_suite f;

	(void)state;
	f = (struct fake_suite){0};
	fake_suite_start(&f);
	ran_suite = &f;
	return 0;
}

int ran_suite_stop(void **state)
{
	(void)state;
	fake_suite_stop(ran_suite);
	ran_suite = NULL;
	return 0;
}

void ran_suite_restart(void)
{
	fake_suite_stop(ran_suite);
	fake_suite_start(ran_suite);
}

static void begin(struct cli *cli, struct ran *r, size_t room[2])
{
	settings_init(&cli->settings);
	strcpy(cli->settings.run_dir, ran_suite ? ran_suite->dir : "/nonexistent/postern");
	cli->out = open_memstream(&r->out, &room[0]);
	cli->err = open_memstream(&r->err, &room[1]);
}

static void end(struct cli *cli, struct ran *r)
{
	fclose(cli->out);
	fclose(cli->err);
	if (ran_suite)
		fake_suite_said(ran_suite, r->said, sizeof(r->said));
}

struct ran ran_setkey(bool compat, const char *input, const char *const *words)
{
	struct cli cli = {.prog = compat ? "setkey" : "ipsecctl"};
	char *argv[WORDS_MAX] = {(char *)(uintptr_t) "setkey"};
	int argc = 1, saved = dup(STDIN_FILENO);
	struct ran r = {0};
	FILE *in = tmpfile();
	size_t room[2];

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	fputs(input, in);
	rewind(in);
	dup2(fileno(in), STDIN_FILENO);
	__fpurge(stdin);
	clearerr(stdin);
	begin(&cli, &r, room);
	r.code = setkey_main(&cli, argc, argv, compat);
	__fpurge(stdin);
	dup2(saved, STDIN_FILENO);
	close(saved);
	fclose(in);
	end(&cli, &r);
	return r;
}

struct ran ran_verb(bool json, const char *const *words)
{
	struct cli cli = {.prog = "ipsecctl", .json = json};
	char *argv[WORDS_MAX] = {0};
	struct ran r = {0};
	size_t room[2];
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	begin(&cli, &r, room);
	r.code = cli_verb_find(argv[0])->run(&cli, argc, argv);
	end(&cli, &r);
	return r;
}
