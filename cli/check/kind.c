/*
 * Which language a file is in. Words that two of them know (include) say nothing.
 */
#include <string.h>

#include "base/auto.h"
#include "cli/check/check.h"

static const struct {
	const char *word;
	enum check_kind kind;
} words[] = {
    {"connection", CHECK_POSTERN},
    {"policy", CHECK_POSTERN},
    {"path", CHECK_RACOON},
    {"remote", CHECK_RACOON},
    {"sainfo", CHECK_RACOON},
    {"listen", CHECK_RACOON},
    {"timer", CHECK_RACOON},
    {"padding", CHECK_RACOON},
    {"log", CHECK_RACOON},
    {"privsep", CHECK_RACOON},
    {"mode_cfg", CHECK_RACOON},
    {"add", CHECK_SETKEY},
    {"update", CHECK_SETKEY},
    {"delete", CHECK_SETKEY},
    {"deleteall", CHECK_SETKEY},
    {"flush", CHECK_SETKEY},
    {"get", CHECK_SETKEY},
    {"dump", CHECK_SETKEY},
    {"spdadd", CHECK_SETKEY},
    {"spdupdate", CHECK_SETKEY},
    {"spddelete", CHECK_SETKEY},
    {"spdflush", CHECK_SETKEY},
    {"spddump", CHECK_SETKEY},
};

static bool is_word(char x)
{
	return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || x == '_' || x == '-';
}

/* The first word of a line, in front of its end at `end`. */
static size_t first_word(const char **p, const char *end)
{
	size_t n = 0;

	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	while (*p + n < end && is_word((*p)[n]))
		n++;
	return n;
}

enum check_kind check_kind_of(const char *text, size_t n)
{
	const char *p = text, *end = text + n;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len;

		stop = stop ? stop : end;
		len = first_word(&p, stop);
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (len == strlen(words[i].word) && memcmp(p, words[i].word, len) == 0)
				return words[i].kind;
		p = stop + 1;
	}
	return CHECK_POSTERN;
}
