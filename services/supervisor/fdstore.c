/*
 * A flat array: 272 entries at most, touched when a service starts or its SAD grows.
 */
#include "supervisor/fdstore.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

void fdstore_init(struct fdstore *s, const struct unit_def *def)
{
	s->def = def;
	s->n = 0;
}

void fdstore_fini(struct fdstore *s)
{
	while (s->n)
		close(s->e[--s->n].fd);
}

/* "sad-17" is the seventeenth of its family; "sad-017" and "sad-" are nobody's name. */
static bool number_fits(const char *digits, uint16_t limit)
{
	unsigned long v;
	char *end;

	if (digits[0] < '0' || digits[0] > '9' || (digits[0] == '0' && digits[1]))
		return false;
	v = strtoul(digits, &end, 10);
	return !*end && v < limit;
}

static const struct unit_stored *find_rule(const struct unit_def *def, const char *name)
{
	for (size_t i = 0; i < UNIT_STORED_MAX && def->stored[i].name; i++) {
		const struct unit_stored *r = &def->stored[i];
		size_t n = strlen(r->name);

		if (r->numbered ? !strncmp(name, r->name, n) && number_fits(name + n, r->numbered)
		                : !strcmp(name, r->name))
			return r;
	}
	return NULL;
}

static struct fdstore_entry *find(struct fdstore *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->e[i].name, name))
			return &s->e[i];
	}
	return NULL;
}

enum fdstore_outcome fdstore_put(struct fdstore *s, const char *name, int fd)
{
	const struct unit_stored *rule = find_rule(s->def, name);
	struct fdstore_entry *e = find(s, name);
	AUTO_CLOSE int owned = fd;
	struct stat st;

	if (!rule)
		return FDSTORE_NAME;
	if (fstat(owned, &st) || (st.st_mode & S_IFMT) != rule->type)
		return FDSTORE_TYPE;
	if (e) {
		close(e->fd);
	} else {
		if (s->n == FDSTORE_MAX)
			return FDSTORE_FULL;
		e = &s->e[s->n++];
		snprintf(e->name, sizeof(e->name), "%s", name);
	}
	e->fd = take_fd(&owned);
	return FDSTORE_DONE;
}

enum fdstore_outcome fdstore_remove(struct fdstore *s, const char *name)
{
	struct fdstore_entry *e = find(s, name);

	if (!e)
		return FDSTORE_NOT_THERE;
	close(e->fd);
	/* The order is part of what a successor sees: keep it. */
	memmove(e, e + 1, (size_t)(&s->e[s->n] - (e + 1)) * sizeof(*e));
	s->n--;
	return FDSTORE_DONE;
}

const char *fdstore_outcome_text(enum fdstore_outcome o)
{
	static const char *const texts[] = {
	    [FDSTORE_DONE] = "stored",
	    [FDSTORE_NAME] = "this service may not store under that name",
	    [FDSTORE_TYPE] = "not the kind of descriptor that belongs under that name",
	    [FDSTORE_FULL] = "the store is full",
	    [FDSTORE_NOT_THERE] = "nothing is stored under that name",
	};

	return (unsigned)o < ARRAY_SIZE(texts) ? texts[o] : "unknown";
}
