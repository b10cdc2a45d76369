#include "cli/pki/issued.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "cli/pki/files.h"

void issued_fini(struct issued *x)
{
	for (size_t i = 0; i < x->n; i++) {
		pki_look_fini(&x->row[i].look);
		free(x->row[i].path);
	}
	free(x->row);
	*x = (struct issued){0};
}

static int read_row(const struct authority *a, const char *path, struct issued *to, struct err_text *e)
{
	AUTO_OCTETS struct octets o = {0};
	AUTO_PKI_CERT struct pki_cert *c = NULL;
	struct issued_row *v, row = {0};
	int r = file_read(path, &o, e);

	if (r == 0)
		r = pki_cert_read(o.p, o.n, &c, e);
	if (r == 0)
		r = pki_look(o.p, o.n, NULL, pki_now(), &row.look, e);
	if (r < 0)
		return r;
	row.is_revoked = a->list && pki_list_has(a->list, c);
	row.path = strdup(path);
	v = reallocarray(to->row, to->n + 1, sizeof(*v));
	if (v)
		to->row = v;
	if (!v || !row.path) {
		pki_look_fini(&row.look);
		free(row.path);
		return err_set(e, -ENOMEM, "out of memory");
	}
	v[to->n++] = row;
	return 0;
}

static int by_end(const void *a, const void *b)
{
	const struct pki_item *x = ((const struct issued_row *)a)->look.item,
	                      *y = ((const struct issued_row *)b)->look.item;

	return x->to != y->to ? (x->to < y->to ? -1 : 1) : strcmp(x->serial, y->serial);
}

static bool is_pem(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && name[0] != '.' && strcmp(name + n - 4, ".pem") == 0;
}

int issued_read(struct cli *cli, const struct authority *a, struct issued *ret, struct err_text *e)
{
	AUTO_ISSUED struct issued x = {0};
	char folder[PATH_MAX], path[PATH_MAX];
	int r = file_path(folder, e, a->dir, "issued");
	DIR *d = r == 0 ? opendir(folder) : NULL;
	const struct dirent *at;

	if (r < 0)
		return r;
	if (!d && errno != ENOENT)
		return err_set(e, -errno, "%s cannot be read: %s", folder, err_name(-errno));
	while (d && (at = readdir(d))) {
		if (!is_pem(at->d_name))
			continue;
		r = file_path(path, e, folder, "%s", at->d_name);
		if (r == 0)
			r = read_row(a, path, &x, e);
		if (r < 0)
			(void)cli_fail(cli, "warning: %s is passed over: %s", at->d_name, e->s);
	}
	if (d)
		closedir(d);
	if (x.n)
		qsort(x.row, x.n, sizeof(*x.row), by_end);
	*ret = x;
	x = (struct issued){0};
	return 0;
}

/* Without the word in front that says which kind it is. */
static bool is_called(const struct pki_item *c, const char *word)
{
	for (size_t i = 0; i < c->names.n; i++) {
		const char *name = strchr(c->names.v[i], ' ');

		if (name && strcasecmp(name + 1, word) == 0)
			return true;
	}
	return strcmp(c->subject, word) == 0;
}

int issued_find(const struct issued *x, const char *word, const struct pki_item **ret, struct err_text *e)
{
	const struct pki_item *found = NULL;
	bool was_there = false;

	for (size_t i = 0; i < x->n; i++) {
		const struct pki_item *c = &x->row[i].look.item[0];

		if (strcasecmp(c->serial, word) == 0) {
			*ret = c;
			return 0;
		}
		if (!is_called(c, word))
			continue;
		was_there |= x->row[i].is_revoked;
		if (x->row[i].is_revoked)
			continue;
		if (found)
			return err_set(e, -EEXIST,
			    "more than one certificate is called %s: say the serial number of one (ipsecctl "
			    "pki "
			    "list)",
			    word);
		found = c;
	}
	if (!found)
		return err_set(e, -ENOENT, "%s: %s (ipsecctl pki list)", word,
		    was_there ? "every certificate of this name is revoked already"
		              : "this authority has issued no certificate with this name or serial number");
	*ret = found;
	return 0;
}
