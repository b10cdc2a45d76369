#include "cli/pki/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cli/pki/files.h"

enum { ARENA = 64 << 10, LINKS_MAX = 10 };

void authority_close(struct authority *a)
{
	pki_cert_free(a->cert);
	pki_key_free(a->key);
	pki_list_free(a->list);
	if (a->lock >= 0)
		close(a->lock);
}

/* Key files whose mode lets others in are said, as psk.txt's are. */
static void warn_of_mode(struct cli *cli, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 077))
		(void)cli_fail(cli, "warning: %s has weak file permission 0%o: chmod 600 %s", path,
		    (unsigned)(st.st_mode & 07777), path);
}

int pki_read_key(
    struct cli *cli, const char *path, struct passphrases *known, struct pki_key **ret, struct err_text *e)
{
	AUTO_OCTETS struct octets o = {0};
	const struct secret *s = NULL;
	int r = file_read(path, &o, e);

	if (r < 0)
		return r;
	warn_of_mode(cli, path);
	r = pki_key_read(o.p, o.n, NULL, ret, e);
	for (int i = 0; r == -EACCES && i < PASSPHRASE_TRIES; i++) {
		if (i)
			(void)cli_fail(cli, "%s: %s", path, e->s);
		r = passphrases_get(known, path, &s, e);
		if (r < 0)
			return r;
		r = pki_key_read(o.p, o.n, s, ret, e);
		if (r < 0)
			passphrases_forget(known, path);
		if (known->fd >= 0)
			break;
	}
	return r < 0 ? err_prefix(e, r, "%s", path) : 0;
}

int pki_put_key(const struct pki_key *k, const char *path, bool encrypt, bool force,
    struct passphrases *known, struct err_text *e)
{
	AUTO_SECRET struct secret *passphrase = NULL, *text = NULL;
	int r = secret_init(ARENA, e);

	if (r == 0 && encrypt)
		r = passphrases_new(known, path, &passphrase, e);
	if (r == 0)
		r = pki_key_write(k, passphrase, &text, e);
	return r < 0 ? r : file_put(path, PKI_PRIVATE, secret_bytes(text), secret_len(text), force, e);
}

static int read_cert(const char *dir, struct pki_cert **ret, struct err_text *e)
{
	AUTO_OCTETS struct octets o = {0};
	char path[PATH_MAX];
	int r = file_path(path, e, dir, "ca.pem");

	if (r == 0)
		r = file_read(path, &o, e);
	if (r == -ENOENT)
		return err_set(e, r,
		    "there is no authority in %s: make one with ipsecctl pki ca --name NAME, or say with -d "
		    "where "
		    "it is",
		    dir);
	if (r < 0)
		return r;
	r = pki_cert_read(o.p, o.n, ret, e);
	return r < 0 ? err_prefix(e, r, "%s", path) : 0;
}

static int read_list(const char *dir, const struct pki_cert *ca, struct pki_list **ret, struct err_text *e)
{
	AUTO_OCTETS struct octets o = {0};
	char path[PATH_MAX];
	int r = file_path(path, e, dir, "crl.pem");

	if (r == 0)
		r = file_read(path, &o, e);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	r = pki_list_read(o.p, o.n, ca, ret, e);
	return r < 0 ? err_prefix(e, r, "%s", path) : 0;
}

static int open_key(struct cli *cli, struct passphrases *known, struct authority *a, struct err_text *e)
{
	char path[PATH_MAX];
	int r = file_path(path, e, a->dir, "ca.key");

	if (r == 0)
		r = pki_read_key(cli, path, known, &a->key, e);
	if (r < 0)
		return r;
	r = pki_ca_check(a->cert, a->key, pki_now(), e);
	return r < 0 ? err_prefix(e, r, "%s/ca.pem with %s", a->dir, path) : 0;
}

int authority_open(struct cli *cli, const char *dir, bool change, struct passphrases *known,
    struct authority *ret, struct err_text *e)
{
	AUTO_AUTHORITY struct authority a = {.dir = dir, .lock = -1};
	int r = read_cert(dir, &a.cert, e);

	if (r < 0)
		return r;
	if (change) {
		a.lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (a.lock < 0 || flock(a.lock, LOCK_EX) < 0)
			return err_set(
			    e, -errno, "the folder %s cannot be locked: %s", dir, err_name(-errno));
		r = open_key(cli, known, &a, e);
	}
	if (r == 0)
		r = read_list(dir, a.cert, &a.list, e);
	if (r < 0)
		return r;
	*ret = a;
	a = (struct authority){.lock = -1};
	return 0;
}

int authority_note(const struct authority *a, const struct pki_cert *c, struct err_text *e)
{
	AUTO_SBUF struct sbuf text;
	char path[PATH_MAX], serial[PKI_SERIAL_STRLEN];
	int r;

	sbuf_init(&text);
	pki_cert_serial(c, serial);
	r = file_path(path, e, a->dir, "issued");
	if (r == 0)
		r = folder_make(path, e);
	if (r == 0)
		r = file_path(path, e, a->dir, "issued/%s.pem", serial);
	if (r == 0)
		r = pki_cert_write(c, &text, e);
	return r < 0 ? r : file_put(path, PKI_PUBLIC, text.s, text.len, false, e);
}

int authority_revoke(
    struct authority *a, const char *serial, const char *reason, uint32_t days, struct err_text *e)
{
	AUTO_SBUF struct sbuf text;
	AUTO_PKI_LIST struct pki_list *next = NULL;
	char path[PATH_MAX];
	int r = pki_list_new(a->cert, a->key, a->list, serial, reason, pki_now(), days, &next, e);

	sbuf_init(&text);
	if (r == 0)
		r = pki_list_write(next, &text, e);
	if (r == 0)
		r = file_path(path, e, a->dir, "crl.pem");
	if (r == 0)
		r = file_put(path, PKI_PUBLIC, text.s, text.len, true, e);
	if (r < 0)
		return r;
	pki_list_free(a->list);
	a->list = take_ptr(next);
	return 0;
}

/* HASH.N, the first that is free or leads to `name` already (openssl-rehash(1)). */
static int put_link(
    const char *folder, const char *hash, const char *kind, const char *name, struct err_text *e)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		char path[PATH_MAX], there[64];
		int r = file_path(path, e, folder, "%s.%s%d", hash, kind, i);
		ssize_t n;

		if (r < 0)
			return r;
		if (symlink(name, path) == 0)
			return 0;
		if (errno != EEXIST)
			return err_set(e, -errno, "the link %s cannot be made: %s", path, err_name(-errno));
		n = readlink(path, there, sizeof(there));
		if (n == (ssize_t)strlen(name) && memcmp(there, name, (size_t)n) == 0)
			return 0;
	}
	return err_set(e, -ENOSPC, "%s has %d links %s.%s* already: remove those that lead nowhere", folder,
	    LINKS_MAX, hash, kind);
}

static int put_cert(const struct authority *a, const char *folder, bool force, struct err_text *e)
{
	AUTO_PKI_CERT struct pki_cert *there = NULL;
	AUTO_OCTETS struct octets o = {0};
	AUTO_SBUF struct sbuf text;
	struct err_text none;
	char path[PATH_MAX];
	int r = file_path(path, e, folder, "ca.pem");

	sbuf_init(&text);
	if (r < 0)
		return r;
	if (file_read(path, &o, &none) == 0 && pki_cert_read(o.p, o.n, &there, &none) == 0) {
		if (pki_cert_equal(there, a->cert))
			return 0;
		if (!force)
			return err_set(e, -EEXIST,
			    "%s is another authority's certificate: take another folder, or --force", path);
	}
	r = pki_cert_write(a->cert, &text, e);
	return r < 0 ? r : file_put(path, PKI_PUBLIC, text.s, text.len, force, e);
}

/* Always the newest: an old one in its place is what this is for. */
static int put_list(const struct authority *a, const char *folder, bool force, struct err_text *e)
{
	AUTO_PKI_LIST struct pki_list *there = NULL;
	AUTO_OCTETS struct octets o = {0};
	AUTO_SBUF struct sbuf text;
	struct err_text none;
	char path[PATH_MAX];
	int r = file_path(path, e, folder, "crl.pem");

	sbuf_init(&text);
	if (r < 0)
		return r;
	if (!force && file_read(path, &o, &none) == 0 && pki_list_read(o.p, o.n, a->cert, &there, &none) < 0)
		return err_set(
		    e, -EEXIST, "%s is not this authority's list: take another folder, or --force", path);
	r = pki_list_write(a->list, &text, e);
	return r < 0 ? r : file_put(path, PKI_PUBLIC, text.s, text.len, true, e);
}

int authority_put_trust(const struct authority *a, const char *folder, bool force, struct err_text *e)
{
	char hash[PKI_HASH_STRLEN];
	int r = folder_make(folder, e);

	pki_cert_hash(a->cert, hash);
	if (r == 0)
		r = put_cert(a, folder, force, e);
	if (r == 0)
		r = put_link(folder, hash, "", "ca.pem", e);
	if (r == 0 && a->list)
		r = put_list(a, folder, force, e);
	return r == 0 && a->list ? put_link(folder, hash, "r", "crl.pem", e) : r;
}
