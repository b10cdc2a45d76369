/*
 * Files with keys go to certd and to nobody else; what strangers' certificates are checked with goes to
 * certd-verify. A file of the certificate folder is sent on only if it says of itself that it is a
 * certificate or a revocation list, and nothing in it says that it is a private key.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "cli/racoon/load.h"

enum { LOOK_MAX = 1 << 20 };

static int open_file(const char *path, int *ret, struct err_text *e)
{
	*ret = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return *ret < 0 ? err_set(e, -errno, "%s cannot be opened: %s", path, err_name(-errno)) : 0;
}

static int send_named(
    struct ipc_sync *s, enum credential_kind kind, uint32_t peer, const char *path, struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	int r = path ? open_file(path, &fd, e) : 0;

	return r < 0 || !path ? r : load_send_file(s, kind, peer, path, fd, e);
}

/* Not being there is no fault until somebody needs a key: as it was. */
static int send_secret(struct cli *cli, struct ipc_sync *certd, enum credential_kind kind, const char *path,
    const char *without, struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	struct err_text why;
	struct stat st;

	if (!path)
		return 0;
	if (open_file(path, &fd, &why) < 0) {
		(void)cli_fail(cli, "warning: %s; %s", why.s, without);
		return 0;
	}
	if (fstat(fd, &st) == 0 && (st.st_mode & 077))
		(void)cli_fail(cli,
		    "warning: %s has weak file permission 0%o and will not be used: chmod 600 %s", path,
		    (unsigned)(st.st_mode & 07777), path);
	return load_send_file(certd, kind, 0, path, fd, e);
}

static bool asks(const struct ike_conf *c)
{
	for (uint32_t i = 0; i < c->n_peers; i++)
		for (uint8_t k = 0; k < c->peer[i].n_offers; k++)
			if (ike_auth_asks(c->peer[i].offer[k].auth))
				return true;
	return false;
}

/* Where auth_source file points to: a name alone, and nothing said, lie beside psk.txt. */
static char *users_path(const struct ike_conf *c)
{
	const char *name = c->pool.users_file ? c->pool.users_file : "xauth.txt";
	const char *slash = c->psk_file ? strrchr(c->psk_file, '/') : NULL;
	char *path = NULL;

	if (name[0] == '/' || !slash)
		return strdup(name);
	return asprintf(&path, "%.*s%s", (int)(slash + 1 - c->psk_file), c->psk_file, name) < 0 ? NULL : path;
}

static int send_users(struct cli *cli, struct ipc_sync *certd, const struct ike_conf *c, struct err_text *e)
{
	AUTO_FREE char *path = asks(c) ? users_path(c) : NULL;

	if (!asks(c))
		return 0;
	if (!path)
		return err_set(e, -ENOMEM, "out of memory");
	return send_secret(cli, certd, CREDENTIAL_USERS, path, "no user is known, and nobody comes in", e);
}

static bool has(const char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word)) != NULL;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

/* What certd-verify may see. */
static bool is_public(int fd, const char *name)
{
	AUTO_FREE char *p = malloc(LOOK_MAX);
	ssize_t n = p ? pread(fd, p, LOOK_MAX, 0) : -1;

	if (n <= 0 || n == LOOK_MAX || has(p, (size_t)n, "PRIVATE KEY"))
		return false;
	if (has(p, (size_t)n, "-----BEGIN CERTIFICATE") ||
	    has(p, (size_t)n, "-----BEGIN TRUSTED CERTIFICATE") || has(p, (size_t)n, "-----BEGIN X509 CRL"))
		return true;
	return (uint8_t)p[0] == 0x30 && (ends_with(name, ".der") || ends_with(name, ".crt") ||
	                                    ends_with(name, ".cer") || ends_with(name, ".crl"));
}

static int send_folder(struct ipc_sync *verify, const char *path, struct err_text *e)
{
	DIR *d = opendir(path);
	const struct dirent *x;
	int r = 0;

	if (!d)
		return err_set(e, -errno, "the folder %s of path certificate cannot be opened: %s", path,
		    err_name(-errno));
	while (r == 0 && (x = readdir(d))) {
		AUTO_CLOSE int fd = openat(dirfd(d), x->d_name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_public(fd, x->d_name))
			r = load_send_file(verify, CREDENTIAL_ANCHOR, 0, x->d_name, fd, e);
	}
	closedir(d);
	return r;
}

static bool needs_folder(const struct ike_conf *c)
{
	for (uint32_t i = 0; i < c->n_peers; i++)
		for (uint8_t k = 0; k < c->peer[i].n_offers; k++)
			if (ike_auth_is_rsa(c->peer[i].offer[k].auth) && !c->peer[i].peer_cert)
				return true;
	return false;
}

int racoon_send_credentials(struct cli *cli, const struct ike_conf *c, struct ipc_sync *certd,
    struct ipc_sync *verify, struct err_text *e)
{
	int r = send_secret(cli, certd, CREDENTIAL_PSK, c->psk_file, "no pre-shared key is known", e);

	if (r == 0)
		r = send_users(cli, certd, c, e);
	for (uint32_t i = 0; r == 0 && i < c->n_peers; i++) {
		const struct ike_peer *p = &c->peer[i];

		r = send_named(certd, CREDENTIAL_CERT, i, p->cert, e);
		if (r == 0)
			r = send_named(certd, CREDENTIAL_KEY, i, p->key, e);
		if (r == 0)
			r = send_named(verify, CREDENTIAL_CA, i, p->ca, e);
		if (r == 0)
			r = send_named(verify, CREDENTIAL_PEER_CERT, i, p->peer_cert, e);
		if (r < 0)
			(void)err_prefix(e, r, "remote %s", p->name);
	}
	return r == 0 && c->cert_dir && needs_folder(c) ? send_folder(verify, c->cert_dir, e) : r;
}
