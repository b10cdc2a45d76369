/*
 * By hand and not by getopt(3): that one permutes, prints messages of its own and keeps global state, and
 * -h means two things depending on what else is there.
 */
#include "cli/setkey/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
	char letter;
	enum setkey_mode mode; /* SETKEY_MODE_NONE: sets the flag instead */
	size_t flag;           /* offset of a bool */
} letters[] = {
    {'c', SETKEY_MODE_STDIN, 0},
    {'D', SETKEY_MODE_DUMP, 0},
    {'F', SETKEY_MODE_FLUSH, 0},
    {'V', SETKEY_MODE_VERSION, 0},
    {'?', SETKEY_MODE_HELP, 0},
    {'P', SETKEY_MODE_NONE, offsetof(struct setkey_options, policies)},
    {'a', SETKEY_MODE_NONE, offsetof(struct setkey_options, dead)},
    {'l', SETKEY_MODE_NONE, offsetof(struct setkey_options, repeat)},
    {'p', SETKEY_MODE_NONE, offsetof(struct setkey_options, ports)},
    {'v', SETKEY_MODE_NONE, offsetof(struct setkey_options, verbose)},
    {'n', SETKEY_MODE_NONE, offsetof(struct setkey_options, parse_only)},
    {'H', SETKEY_MODE_NONE, offsetof(struct setkey_options, hex)},
    {'t', SETKEY_MODE_NONE, offsetof(struct setkey_options, bound_only)},
};

struct scan {
	struct setkey_options *o;
	char **argv;
	int argc, i;
	bool help; /* -h was seen: hex dump or help, as it turns out */
};

static bool take_table(struct setkey_options *o, char letter)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (letters[i].letter != letter)
			continue;
		if (letters[i].mode)
			o->mode = letters[i].mode;
		else
			*(bool *)(void *)((char *)o + letters[i].flag) = true;
		return true;
	}
	return false;
}

/* The file of -f is the rest of the cluster, or the next word. */
static int take_file(struct scan *s, const char *rest, struct err_text *e)
{
	s->o->mode = SETKEY_MODE_FILE;
	if (*rest)
		s->o->file = rest;
	else if (s->i + 1 < s->argc)
		s->o->file = s->argv[++s->i];
	else
		return err_set(e, -EINVAL, "-f needs the name of a file, or - for standard input");
	return 0;
}

static int take_letter(struct scan *s, char letter, struct err_text *e)
{
	struct setkey_options *o = s->o;

	switch (letter) {
	case 'x':
		o->epoch = o->mode == SETKEY_MODE_MONITOR;
		o->mode = SETKEY_MODE_MONITOR;
		return 0;
	case 'h':
		s->help = true;
		return 0;
	case 'd':
		o->parse_only = o->verbose = true;
		return 0;
	case 'k':
	case 'r':
		o->kernel_fwd = letter == 'k';
		return 0;
	case 'g': /* every policy is global, none belongs to a socket */
	case 'N':
		return 0;
	default:
		return take_table(o, letter) ? 0 : err_set(e, -EINVAL, "there is no option -%c", letter);
	}
}

static int take_cluster(struct scan *s, const char *word, struct err_text *e)
{
	for (const char *p = word + 1; *p; p++) {
		int r;

		if (*p == 'f')
			return take_file(s, p + 1, e);
		r = take_letter(s, *p, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int setkey_options_parse(struct setkey_options *o, int argc, char **argv, struct err_text *e)
{
	struct scan s = {.o = o, .argv = argv, .argc = argc};
	int r = 0;

	memset(o, 0, sizeof(*o));
	for (s.i = 1; s.i < argc && r == 0; s.i++) {
		const char *word = argv[s.i];

		if (strcmp(word, "--strict") == 0)
			o->strict = true;
		else if (strcmp(word, "--help") == 0)
			o->mode = SETKEY_MODE_HELP;
		else if (word[0] == '-' && word[1] && word[1] != '-')
			r = take_cluster(&s, word, e);
		else if (word[0] == '-' && word[1])
			r = err_set(e, -EINVAL, "there is no option %s", word);
		else if (o->mode != SETKEY_MODE_NONE)
			r = err_set(e, -EINVAL, "`%s` is one word too many", word);
		else
			r = err_set(e, -EINVAL,
			    "%s: saved key messages are not read by this version; statements are read with "
			    "-f FILE",
			    word);
	}
	if (s.help && o->mode == SETKEY_MODE_MONITOR)
		o->hex = true;
	else if (s.help)
		o->mode = SETKEY_MODE_HELP;
	return r;
}
