/*
 * crypt(3) decides; what is done here is finding the line, and not telling by time whether there is one.
 */
#include "certd/users.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
	const char *name, *hash, *groups;
	size_t n_name, n_hash, n_groups;
};

static size_t field(const char *p, size_t n)
{
	const char *end = memchr(p, ':', n);

	return end ? (size_t)(end - p) : n;
}

/* False for a line that is none. */
static bool split(const char *p, size_t n, struct line *ret)
{
	if (n && p[n - 1] == '\r')
		n--;
	if (!n || n > USERS_LINE_MAX || p[0] == '#')
		return false;
	*ret = (struct line){.name = p, .n_name = field(p, n)};
	if (!ret->n_name || ret->n_name == n)
		return false;
	p += ret->n_name + 1;
	n -= ret->n_name + 1;
	ret->hash = p;
	ret->n_hash = field(p, n);
	if (ret->n_hash < n) {
		ret->groups = p + ret->n_hash + 1;
		ret->n_groups = field(ret->groups, n - ret->n_hash - 1);
	}
	return true;
}

/* The line of this name, else the first one with *ret_found false. False: there is no line at all. */
static bool find(const char *text, size_t n, struct ike1_octets name, struct line *ret, bool *ret_found)
{
	bool any = false;

	*ret_found = false;
	while (n) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n, step = len + (end != NULL);
		struct line l;

		if (split(text, len, &l)) {
			if (l.n_name == name.n && memcmp(l.name, name.p, name.n) == 0) {
				*ret = l;
				*ret_found = true;
				return true;
			}
			if (!any)
				*ret = l;
			any = true;
		}
		text += step;
		n -= step;
	}
	return any;
}

/* 0: they are the same; 1: not; -EINVAL: `hash` is none that crypt(3) knows. */
static int compare(const char *password, const char *hash)
{
	struct crypt_data *d = calloc(1, sizeof(*d));
	const char *made = d ? crypt_r(password, hash, d) : NULL;
	size_t n = strlen(hash);
	int r = -EINVAL;

	if (!d)
		return -ENOMEM;
	if (made && made[0] != '*')
		r = strlen(made) == n && secret_equal_bytes(made, hash, n) ? 0 : 1;
	wipe(d, sizeof(*d));
	free(d);
	return r;
}

static int check_line(const struct line *l, bool found, const struct secret *password, struct err_text *e)
{
	char text[USERS_PASSWORD_MAX + 1] = {0}, hash[USERS_LINE_MAX + 1] = {0};
	AUTO_WIPE(text);
	AUTO_WIPE(hash);
	size_t n = secret_len(password);
	int r;

	if (!n || n > USERS_PASSWORD_MAX || memchr(secret_bytes(password), 0, n))
		return err_set(e, -EACCES, "the password is empty, longer than %d octets, or no text",
		    USERS_PASSWORD_MAX);
	memcpy(text, secret_bytes(password), n);
	memcpy(hash, l->hash, l->n_hash);
	r = compare(text, hash);
	if (!found)
		return err_set(e, -EACCES, "there is no such user");
	if (!l->n_hash || hash[0] == '!' || hash[0] == '*')
		return err_set(e, -EACCES, "the user has no password, or is locked");
	if (r == 1)
		return err_set(e, -EACCES, "wrong password");
	return r < 0 ? err_set(e, r, "the user's hash is none that crypt(3) knows") : 0;
}

int users_check(const char *text, size_t n, struct ike1_octets name, const struct secret *password,
    char ret_groups[USERS_GROUPS_MAX], struct err_text *e)
{
	struct line l;
	bool found;
	int r;

	if (!find(text, n, name, &l, &found))
		return err_set(e, -EACCES, "there are no users");
	r = check_line(&l, found, password, e);
	if (r == 0)
		snprintf(ret_groups, USERS_GROUPS_MAX, "%.*s",
		    l.n_groups < USERS_GROUPS_MAX ? (int)l.n_groups : 0, l.n_groups ? l.groups : "");
	return r;
}
