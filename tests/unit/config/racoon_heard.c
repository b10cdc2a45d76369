#include "racoon_heard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void hear(void *arg, bool is_error, const char *text)
{
	struct heard *h = arg;
	char *to = is_error ? h->error : h->warning;
	unsigned *n = is_error ? &h->n_errors : &h->n_warnings;

	if (!(*n)++)
		snprintf(to, TEXT_MAX, "%s", text);
}

struct ike_conf *read_text(const char *text, size_t n, struct heard *h)
{
	const struct racoon_options o = {.say = hear, .arg = h};
	struct ike_conf *conf = NULL;
	int r;

	memset(h, 0, sizeof(*h));
	r = racoon_read_text("f", text, n, &o, &conf);
	assert_int_equal(r, h->n_errors ? -EINVAL : 0);
	assert_int_equal(conf != NULL, r == 0);
	return conf;
}

struct ike_conf *good(const char *text, struct heard *h)
{
	struct ike_conf *conf = read_text(text, strlen(text), h);

	if (!conf)
		fail_msg("%s", h->error);
	return conf;
}

void expect_error(const char *text, const char *error)
{
	struct heard h;

	assert_null(read_text(text, strlen(text), &h));
	assert_string_equal(h.error, error);
}

/* The statement in the block it belongs into. */
