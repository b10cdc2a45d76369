/*
 * Lists of some thousand connections with some dozen facts each: names are sorted, facts of one connection
 * are walked.
 */
#include "cli/load/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void facts_add(struct facts *f, const char *conn, const char *what, const char *value, const char *mark)
{
	struct fact x = {strdup(conn), strdup(what), strdup(value), strdup(mark)};
	size_t room = f->room ? 2 * f->room : 256;

	if (f->n == f->room) {
		struct fact *p = reallocarray(f->f, room, sizeof(*p));

		f->bad |= !p;
		f->f = p ? p : f->f;
		f->room = p ? room : f->room;
	}
	if (f->n == f->room || !x.conn || !x.what || !x.value || !x.mark) {
		f->bad = true;
		free(x.conn);
		free(x.what);
		free(x.value);
		free(x.mark);
		return;
	}
	f->f[f->n++] = x;
}

void facts_fini(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->f[i].conn);
		free(f->f[i].what);
		free(f->f[i].value);
		free(f->f[i].mark);
	}
	free(f->f);
	*f = (struct facts){0};
}

/* A connection: its first fact, and behind its last one. */
struct group {
	const struct fact *from, *to;
	bool seen; /* the other configuration has it too */
};

struct groups {
	struct group *g;
	size_t n;
};

static void groups_fini(struct groups *g)
{
	free(g->g);
}

static int groups_make(const struct facts *f, struct groups *ret)
{
	struct group *g = calloc(f->n + 1, sizeof(*g));
	size_t n = 0;

	if (!g)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++) {
		if (!n || strcmp(g[n - 1].from->conn, f->f[i].conn) != 0)
			g[n++].from = &f->f[i];
		g[n - 1].to = &f->f[i] + 1;
	}
	*ret = (struct groups){g, n};
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return strcmp(x->from->conn, y->from->conn);
}

static const struct fact *find(const struct group *in, const struct fact *like)
{
	for (const struct fact *f = in->from; f < in->to; f++)
		if (strcmp(f->what, like->what) == 0)
			return f;
	return NULL;
}

static bool is_same(const struct fact *a, const struct fact *b)
{
	return a && strcmp(a->value, b->value) == 0 && strcmp(a->mark, b->mark) == 0;
}

/* Tells what differs; NULL: only asks whether something does. */
static bool compare(const struct group *was, const struct group *is, facts_diff_fn fn, void *arg)
{
	bool differs = false;

	for (const struct fact *f = is->from; f < is->to; f++) {
		const struct fact *old = find(was, f);

		differs |= !is_same(old, f);
		if (fn && !is_same(old, f))
			fn(arg, FACT_DIFFERS, f->conn, old, f);
	}
	for (const struct fact *f = was->from; f < was->to; f++) {
		bool gone = !find(is, f);

		differs |= gone;
		if (fn && gone)
			fn(arg, FACT_DIFFERS, f->conn, f, NULL);
	}
	return differs;
}

static void tell(struct group *was, const struct group *is, facts_diff_fn fn, void *arg)
{
	if (!was) {
		fn(arg, FACT_CONN_ADDED, is->from->conn, NULL, NULL);
		return;
	}
	was->seen = true;
	if (!compare(was, is, NULL, NULL))
		return;
	fn(arg, FACT_CONN_CHANGED, is->from->conn, NULL, NULL);
	(void)compare(was, is, fn, arg);
}

int facts_diff(const struct facts *before, const struct facts *after, facts_diff_fn fn, void *arg)
{
	AUTO(groups_fini) struct groups was = {0}, is = {0};
	int r = groups_make(before, &was);

	if (r == 0)
		r = groups_make(after, &is);
	if (r < 0)
		return r;
	qsort(was.g, was.n, sizeof(*was.g), by_name);
	for (size_t i = 0; i < is.n; i++)
		tell(bsearch(&is.g[i], was.g, was.n, sizeof(*was.g), by_name), &is.g[i], fn, arg);
	for (size_t i = 0; i < was.n; i++)
		if (!was.g[i].seen)
			fn(arg, FACT_CONN_REMOVED, was.g[i].from->conn, NULL, NULL);
	return 0;
}
