/*
 * The text is walked in place, and the one key that is asked for is the only thing that leaves.
 */
#include "certd/psk.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

int psk_file_check(const char *name, const struct stat *st, uid_t owner, struct err_text *e)
{
	if (!S_ISREG(st->st_mode))
		return err_set(e, -EPERM,
		    "%s is an invalid file type 0%o: keys are read from regular files only", name,
		    (unsigned)(st->st_mode & S_IFMT));
	if (st->st_uid != owner)
		return err_set(e, -EPERM, "%s has invalid owner uid %u: chown %u %s", name,
		    (unsigned)st->st_uid, (unsigned)owner, name);
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return err_set(e, -EPERM,
		    "%s has weak file permission 0%o: chmod 600 %s, and change its keys if "
		    "others could read them",
		    name, (unsigned)(st->st_mode & 07777), name);
	return 0;
}

struct line {
	const char *id, *key;
	size_t id_len, key_len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* False for a line that is none: empty, a comment, too long, or an identity alone. */
static bool split(const char *p, size_t n, struct line *ret)
{
	size_t at = 0;

	if (n && p[n - 1] == '\r')
		n--;
	if (!n || n > PSK_LINE_MAX || p[0] == '#')
		return false;
	while (at < n && !is_blank(p[at]))
		at++;
	*ret = (struct line){.id = p, .id_len = at};
	while (at < n && is_blank(p[at]))
		at++;
	ret->key = p + at;
	ret->key_len = n - at;
	return ret->id_len && ret->key_len;
}

static bool fits(const struct line *l, const void *id, size_t id_len)
{
	return (l->id_len == 1 && l->id[0] == '*') || (l->id_len == id_len && memcmp(l->id, id, id_len) == 0);
}

/* 16: none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* Octets that the digits stand for, or 0 when something else is among them: then it is a text. */
static size_t unhex(const char *p, size_t n, uint8_t out[PSK_LINE_MAX])
{
	size_t at = 0, i = 0;

	if (n % 2 && digit(p[i]) < 16)
		out[at++] = (uint8_t)digit(p[i++]);
	for (; i + 1 < n; i += 2) {
		if (digit(p[i]) == 16 || digit(p[i + 1]) == 16)
			return 0;
		out[at++] = (uint8_t)(digit(p[i]) << 4 | digit(p[i + 1]));
	}
	return i == n ? at : 0;
}

static int take(const struct line *l, struct secret **ret)
{
	uint8_t octets[PSK_LINE_MAX] = {0};
	AUTO_WIPE(octets);
	size_t n = 0;

	if (l->key_len > 2 && l->key[0] == '0' && l->key[1] == 'x')
		n = unhex(l->key + 2, l->key_len - 2, octets);
	*ret = n ? secret_dup_bytes(octets, n) : secret_dup_bytes(l->key, l->key_len);
	return *ret ? 0 : -ENOMEM;
}

int psk_find(const char *text, size_t n, const void *id, size_t id_len, struct secret **ret)
{
	while (n) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n, step = len + (end != NULL);
		struct line l;

		if (split(text, len, &l) && fits(&l, id, id_len))
			return take(&l, ret);
		text += step;
		n -= step;
	}
	return -ENOENT;
}
