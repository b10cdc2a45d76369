/*
 * From a file to the configuration: its tree, its statements, the files it includes.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "config/native/reader.h"

static void text_fini(struct native_text *t)
{
	if (t->p)
		wipe(t->p, t->n);
	free(t->p);
	t->p = NULL;
}
#define AUTO_TEXT AUTO(text_fini)

static int read_all(int fd, struct native_text *ret)
{
	ssize_t n;

	ret->p = malloc(NATIVE_FILE_MAX + 1);
	if (!ret->p)
		return -ENOMEM;
	do {
		n = read(fd, ret->p + ret->n, NATIVE_FILE_MAX + 1 - ret->n);
		ret->n += n > 0 ? (size_t)n : 0;
	} while (ret->n <= NATIVE_FILE_MAX && (n > 0 || (n < 0 && errno == EINTR)));
	if (n < 0)
		return -errno;
	return ret->n > NATIVE_FILE_MAX ? -EFBIG : 0;
}

/* Regular files alone, so that nobody is waited for. */
static int load_file(const char *path, struct native_text *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	AUTO_TEXT struct native_text t = {0};
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = read_all(fd, &t);
	if (r < 0)
		return r;
	t.mode = st.st_mode;
	t.owner = st.st_uid;
	*ret = t;
	t.p = NULL;
	return 0;
}

static int load(const struct native_options *o, const char *path, struct native_text *ret)
{
	return o->load ? o->load(o->arg, path, ret) : load_file(path, ret);
}

static const char *load_fault(int r)
{
	return r == -EINVAL ? "it is no regular file" : err_name(r);
}

static void say_shape(void *arg, const struct nc_word *w, const char *text)
{
	struct nc_read *r = arg;

	r->n_shape++;
	r->cut = true;
	nc_say(r, true, w, text);
	r->cut = false;
}

static const struct nc_verb verbs[] = {
    {"connection", nc_connection, NC_OFTEN, true},
    {"policy", nc_policy, NC_OFTEN, false},
    {"include", nc_include, NC_OFTEN, false},
};

static bool add_name(struct nc_read *r, const char *name)
{
	char **list = reallocarray(r->conf->file, r->conf->n_files + 1U, sizeof(*list));

	if (!list)
		return false;
	r->conf->file = list;
	list[r->conf->n_files] = strdup(name);
	if (!list[r->conf->n_files])
		return false;
	r->conf->n_files++;
	return true;
}

/* Reads one text; its faults are counted in `r`. */
static void read_one(struct nc_read *r, const char *name, const struct native_text *text)
{
	static const struct nc_word beginning = {.line = 1, .column = 1, .p = ""};
	AUTO_NC_TREE struct nc_tree *tree = NULL;
	struct nc_read outer = *r;

	if (!add_name(r, name)) {
		r->no_memory = true;
		return;
	}
	r->file = r->conf->n_files - 1;
	r->text = text;
	r->n_shape = 0;
	if (text->n > NATIVE_FILE_MAX)
		nc_say(r, true, &beginning, "the file is longer than a configuration may be, 1 MiB");
	else if (nc_tree_parse(text->p, text->n, say_shape, r, &tree) < 0)
		r->no_memory = true;
	r->tree = tree;
	if (tree)
		nc_run(r, 0, tree->n_stmts, verbs, ARRAY_SIZE(verbs), NULL);
	r->tree = outer.tree;
	r->text = outer.text;
	r->file = outer.file;
	r->n_shape = outer.n_shape;
}

static bool include_one(struct nc_cur *c, const struct nc_word *w, const char *path)
{
	AUTO_TEXT struct native_text text = {0};
	int e;

	if (c->r->conf->n_files == NATIVE_FILES_MAX)
		return nc_fault(c, w, "is one file too many: %d are enough", NATIVE_FILES_MAX);
	e = load(c->r->o, path, &text);
	if (e < 0)
		return nc_fault(c, w, "cannot be included: %s: %s", path, load_fault(e));
	c->r->depth++;
	read_one(c->r, path, &text);
	c->r->depth--;
	return true;
}

bool nc_include(struct nc_cur *c, void *block)
{
	const struct nc_word *w = nc_peek(c);
	AUTO_FREE char *pattern = NULL;
	glob_t found;
	bool ok = true;
	int r;

	(void)block;
	if (!nc_path(c, &pattern) || !nc_end(c))
		return false;
	if (c->r->depth == NC_INCLUDE_MAX)
		return nc_fault(c, w, "is included too deep: %d files within each other", NC_INCLUDE_MAX);
	/* In memory there is no folder to look in. */
	if (c->r->o->load)
		return include_one(c, w, pattern);
	r = glob(pattern, GLOB_ERR, NULL, &found);
	/* A folder for what may come is no fault while it is empty. */
	if (r == GLOB_NOMATCH && strpbrk(pattern, "*?["))
		return true;
	if (r != 0)
		return nc_fault(c, w, "matches no file");
	for (size_t i = 0; ok && i < found.gl_pathc; i++)
		ok = include_one(c, w, found.gl_pathv[i]);
	globfree(&found);
	return ok;
}

int native_read_text(const char *name, const struct native_text *text, const struct native_options *o,
    struct native_conf **ret)
{
	AUTO_NATIVE_CONF struct native_conf *conf = calloc(1, sizeof(*conf));
	struct nc_read r = {.o = o, .conf = conf};

	if (!conf)
		return -ENOMEM;
	read_one(&r, name, text);
	if (r.no_memory)
		return -ENOMEM;
	if (r.n_errors)
		return -EINVAL;
	*ret = take_ptr(conf);
	return 0;
}

int native_read(
    const char *path, const struct native_options *o, struct native_conf **ret, struct err_text *e)
{
	AUTO_TEXT struct native_text text = {0};
	int r = load(o, path, &text);

	if (r < 0)
		return err_set(e, r, "%s cannot be read: %s", path, load_fault(r));
	return native_read_text(path, &text, o, ret);
}
