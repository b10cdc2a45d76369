/*
 * From a file to the configuration: its tree, its statements, the files it includes.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "config/racoon/reader.h"
#include "ipsec/dn_text.h"

/* `regular`: nothing else will do, and nobody is waited for. The configuration itself may come through a
 * pipe, as from `<(...)`. */
static int load_file(const char *path, bool regular, char **ret, size_t *ret_n)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
	AUTO_FREE char *text = NULL;
	struct stat st;
	ssize_t n;
	size_t at = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (regular && !S_ISREG(st.st_mode))
		return S_ISFIFO(st.st_mode) ? -ESPIPE : -EINVAL;
	text = malloc(RC_FILE_MAX + 1);
	if (!text)
		return -ENOMEM;
	do {
		n = read(fd, text + at, RC_FILE_MAX + 1 - at);
		at += n > 0 ? (size_t)n : 0;
	} while (at <= RC_FILE_MAX && (n > 0 || (n < 0 && errno == EINTR)));
	if (n < 0)
		return -errno;
	if (at > RC_FILE_MAX)
		return -EFBIG;
	*ret = take_ptr(text);
	*ret_n = at;
	return 0;
}

int rc_load(struct rc_read *r, const char *path, char **ret, size_t *ret_n)
{
	return r->o->load ? r->o->load(r->o->arg, path, ret, ret_n) : load_file(path, true, ret, ret_n);
}

const char *rc_load_fault(int r)
{
	return r == -ESPIPE   ? "it is a named pipe, and a regular file is wanted"
	       : r == -EINVAL ? "it is no regular file"
	                      : err_name(r);
}

static void say_shape(void *arg, const char *text)
{
	struct rc_read *r = arg;

	r->n_errors++;
	r->o->say(r->o->arg, true, text);
}

/* Reads one text; its faults are counted in `r`. */
static void read_one(struct rc_read *r, const char *name, const char *text, size_t n)
{
	AUTO_RC_TREE struct rc_tree *tree = NULL;
	const struct rc_tree *outer = r->tree;
	int e = rc_tree_parse(name, text, n, say_shape, r, &tree);

	if (e == -EFBIG) {
		char line[300];

		snprintf(line, sizeof(line), "%s:1:1: is longer than %d octets", name, RC_FILE_MAX);
		r->o->say(r->o->arg, true, line);
	}
	if (e < 0 || !tree) {
		r->no_memory |= e == -ENOMEM;
		r->n_errors += e == -EFBIG || e == -ENOMEM;
		return;
	}
	r->tree = tree;
	rc_top(r);
	r->tree = outer;
}

static bool include_one(struct rc_cur *c, const struct rc_word *w, const char *path)
{
	AUTO_FREE char *text = NULL;
	size_t n = 0;
	int e = rc_load(c->r, path, &text, &n);

	if (e < 0)
		return rc_fault(c, w, "cannot be included: %s: %s", path, rc_load_fault(e));
	c->r->depth++;
	read_one(c->r, path, text, n);
	c->r->depth--;
	return true;
}

bool rc_include(struct rc_cur *c, void *block)
{
	const struct rc_word *w = rc_peek(c);
	AUTO_FREE char *name = NULL, *pattern = NULL;
	glob_t found;
	bool ok = true;

	if (!rc_string(c, &name) || !rc_end(c))
		return false;
	if (c->r->depth == RC_INCLUDE_MAX)
		return rc_fault(c, w, "is included too deep: %d files within each other", RC_INCLUDE_MAX);
	pattern = name[0] == '~' ? strdup(name) : rc_join(c->r->include_dir, name);
	if (!pattern)
		return rc_no_memory(c);
	/* In memory there is no folder to look in. */
	if (c->r->o->load)
		return include_one(c, w, pattern);
	if (glob(pattern, GLOB_TILDE | GLOB_ERR, NULL, &found) != 0)
		return rc_fault(c, w, "matches no file");
	for (size_t i = 0; ok && i < found.gl_pathc; i++)
		ok = include_one(c, w, found.gl_pathv[i]);
	globfree(&found);
	return ok;
}

/* A proposal without a lifetime of its own has its block's, wherever that stands; seen at the end, so that a
 * block that inherits it may say another. */
static void lifetimes(struct ike_conf *conf)
{
	for (uint32_t i = 0; i < conf->n_peers; i++)
		for (uint8_t k = 0; k < conf->peer[i].n_offers; k++)
			if (!conf->peer[i].offer[k].seconds)
				conf->peer[i].offer[k].seconds = conf->peer[i].seconds;
}

/* A name that no certificate of ours bears is sent as its DER. At the end for the same reason: whoever
 * inherits the text may have a certificate. That each can be made has been looked at with its block. */
static void names(struct ike_conf *conf)
{
	char type[DN_PART_MAX];
	uint8_t der[DN_DER_MAX];

	for (uint32_t i = 0; i < conf->n_peers; i++) {
		struct ike_id *id = &conf->peer[i].my_id;
		int n;

		if (id->kind != IKE_ID_DN || !id->len || conf->peer[i].cert)
			continue;
		n = dn_encode((const char *)id->data, id->len, der, type);
		if (n < 0)
			continue;
		id->kind = IKE_ID_DN_DER;
		id->len = (uint16_t)n;
		memcpy(id->data, der, (size_t)n);
	}
}

static int finish(struct rc_read *r, struct ike_conf **ret)
{
	free(r->include_dir);
	lifetimes(r->conf);
	names(r->conf);
	if (r->n_errors || r->no_memory) {
		ike_conf_free(r->conf);
		return r->no_memory ? -ENOMEM : -EINVAL;
	}
	rc_sort_children(r);
	*ret = r->conf;
	return 0;
}

int racoon_read_text(
    const char *name, const char *text, size_t n, const struct racoon_options *o, struct ike_conf **ret)
{
	struct rc_read r = {.o = o, .conf = ike_conf_new()};

	if (!r.conf)
		return -ENOMEM;
	r.conf->as_racoon = true;
	read_one(&r, name, text, n);
	return finish(&r, ret);
}

int racoon_read(const char *path, const struct racoon_options *o, struct ike_conf **ret, struct err_text *e)
{
	AUTO_FREE char *text = NULL;
	struct rc_read r = {.o = o};
	size_t n = 0;
	int x = o->load ? rc_load(&r, path, &text, &n) : load_file(path, false, &text, &n);

	if (x < 0)
		return err_set(e, x, "%s cannot be read: %s", path, err_name(x));
	return racoon_read_text(path, text, n, o, ret);
}
