/*
 * Files with keys go to certd and to nobody else; what strangers' certificates are checked with goes to
 * certd-verify, as a copy of what was found to be public: never the file itself, in which something else may
 * stand a moment later.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "cli/racoon/load.h"
#include "cli/racoon/public.h"

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO:
		return "a named pipe";
	case S_IFDIR:
		return "a folder";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

/* Not waiting for a writer: a pipe is no file of keys, whoever is at its other end. */
static int open_file(const char *path, int *ret, struct err_text *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s cannot be opened: %s", path, err_name(-errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s is %s: keys and certificates are read from regular files only",
		    path, type_name(st.st_mode));
	*ret = take_fd(&fd);
	return 0;
}

static int send_named(
    struct ipc_sync *s, enum credential_kind kind, uint32_t peer, const char *path, struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	int r = path ? open_file(path, &fd, e) : 0;

	return r < 0 || !path ? r : load_send_file(s, kind, peer, path, fd, e);
}

/* certd tries it at once, so that whoever mistyped it is asked again, and the load goes on. */
static int unlock(struct cli *cli, struct ipc_sync *certd, uint32_t peer, const char *file,
    struct passphrases *known, struct err_text *e)
{
	const struct secret *s = NULL;
	int r = -EACCES;

	for (int i = 0; r == -EACCES && i < PASSPHRASE_TRIES; i++) {
		if (i)
			(void)cli_fail(cli, "%s", e->s);
		r = passphrases_get(known, file, &s, e);
		if (r < 0)
			return r;
		r = load_send_passphrase(certd, peer, s, e);
		if (r < 0)
			passphrases_forget(known, file);
		if (known->fd >= 0)
			break;
	}
	return r;
}

static int send_own(struct cli *cli, struct ipc_sync *certd, uint32_t i, const struct ike_peer *p,
    struct passphrases *known, struct err_text *e)
{
	int r = send_named(certd, CREDENTIAL_CERT, i, p->cert, e);

	if (r == 0)
		r = send_named(certd, CREDENTIAL_KEY, i, p->key, e);
	return r == LOAD_LOCKED ? unlock(cli, certd, i, p->key, known, e) : r;
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
		return load_send_missing(certd, kind, path, why.s, e);
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

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

/* All of a file, to be freed. */
static int read_public(int fd, const char *name, uint8_t **ret, size_t *ret_n, struct err_text *e)
{
	AUTO_FREE uint8_t *p = malloc(PUBLIC_FILE_MAX + 1);
	ssize_t n = p ? pread(fd, p, PUBLIC_FILE_MAX + 1, 0) : -1;

	if (n < 0)
		return err_set(
		    e, p ? -errno : -ENOMEM, "%s cannot be read: %s", name, err_name(p ? -errno : -ENOMEM));
	if (n > PUBLIC_FILE_MAX)
		return err_set(e, -EFBIG, "%s is longer than %d octets", name, PUBLIC_FILE_MAX);
	*ret = take_ptr(p);
	*ret_n = (size_t)n;
	return 0;
}

static int send_octets(struct ipc_sync *verify, enum credential_kind kind, uint32_t peer, const char *name,
    const void *p, size_t n, struct err_text *e)
{
	AUTO_CLOSE int fd = memfd_create("postern-public", MFD_CLOEXEC);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		return err_set(
		    e, -EIO, "no copy of %s can be made for certd-verify: %s", name, err_name(-errno));
	return load_send_file(verify, kind, peer, name, fd, e);
}

/* A file that holds keys beside what is wanted of it: that part alone. */
static int send_part(struct cli *cli, struct ipc_sync *verify, enum credential_kind kind, uint32_t i,
    const struct ike_peer *p, const char *path, const uint8_t *octets, size_t n, struct err_text *e)
{
	AUTO_SBUF struct sbuf part;

	sbuf_init(&part);
	if (!public_blocks(octets, n, &part))
		return err_set(e, -EINVAL, "%s has a private key in it, and a block without its end", path);
	(void)cli_fail(cli,
	    "warning: %s:%u: remote %s: %s has a private key in it: certd-verify gets its certificates and "
	    "lists "
	    "alone; keep the key in a file of its own",
	    p->file, p->line, p->name, path);
	return send_octets(verify, kind, i, path, part.s, part.len, e);
}

/* What is in a file that is meant for certd-verify: all of it, to be freed, and what it is. */
static int look_at(
    const char *path, uint8_t **ret, size_t *ret_n, struct public_look *ret_look, struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	int r = open_file(path, &fd, e);

	if (r == 0)
		r = read_public(fd, path, ret, ret_n, e);
	if (r == 0)
		*ret_look = public_look(*ret, *ret_n);
	return r;
}

/* ca_type, peers_certfile. */
static int send_trusted(struct cli *cli, struct ipc_sync *verify, enum credential_kind kind, uint32_t i,
    const struct ike_peer *p, const char *path, struct err_text *e)
{
	AUTO_FREE uint8_t *octets = NULL;
	struct public_look look;
	size_t n = 0;
	int r = path ? look_at(path, &octets, &n, &look, e) : 0;

	if (r < 0 || !path)
		return r;
	if (look.has_public && look.has_private)
		return send_part(cli, verify, kind, i, p, path, octets, n, e);
	if (look.has_public)
		return send_octets(verify, kind, i, path, octets, n, e);
	return err_set(e, -EINVAL, "%s:%u: %s %s: a certificate is wanted, as PEM or DER", p->file, p->line,
	    path,
	    look.has_private ? "holds a private key, which is not handed to certd-verify"
	                     : "is no certificate");
}

/* Of a file that has the private key too nothing is sent: whoever has that of a peer has taken the wrong
 * file. */
static int send_peer_key(
    struct ipc_sync *verify, uint32_t i, const struct ike_peer *p, const char *path, struct err_text *e)
{
	AUTO_FREE uint8_t *octets = NULL;
	struct public_look look;
	size_t n = 0;
	int r = path ? look_at(path, &octets, &n, &look, e) : 0;

	if (r < 0 || !path)
		return r;
	if (look.has_key && !look.has_private)
		return send_octets(verify, CREDENTIAL_PEER_KEY, i, path, octets, n, e);
	return err_set(e, -EINVAL,
	    "%s:%u: %s %s: the peer's public key is wanted, as `ipsecctl pki public` writes it there",
	    p->file, p->line, path, look.has_private ? "holds a private key" : "is no public key");
}

static bool is_called_certificate(const char *name)
{
	return ends_with(name, ".crt") || ends_with(name, ".cer") || ends_with(name, ".crl");
}

/* A `remote` says that it is its own. */
static bool is_own(const struct ike_conf *c, const char *folder, const char *name)
{
	size_t n = strlen(folder);

	for (uint32_t i = 0; i < c->n_peers; i++) {
		const char *files[] = {c->peer[i].cert, c->peer[i].key};

		for (size_t k = 0; k < ARRAY_SIZE(files); k++)
			if (files[k] && strncmp(files[k], folder, n) == 0 && files[k][n] == '/' &&
			    strcmp(files[k] + n + 1, name) == 0)
				return true;
	}
	return false;
}

/* Keys and whatever else lies there are passed over in silence: the guide keeps its key in that folder. What
 * has both, or goes by a certificate's name, was meant to count, so it is told that it does not. DER is sent
 * on under a name that says so. */
static int send_of_folder(struct cli *cli, const struct ike_conf *c, struct ipc_sync *verify,
    const char *name, int fd, struct err_text *e)
{
	const char *folder = c->cert_dir;
	AUTO_FREE uint8_t *octets = NULL;
	struct public_look look;
	struct err_text why;
	size_t n = 0;
	int r = read_public(fd, name, &octets, &n, &why);

	if (r < 0) {
		(void)cli_fail(cli, "warning: %s/%s is passed over: %s", folder, name, why.s);
		return 0;
	}
	look = public_look(octets, n);
	if (look.has_public && !look.has_private &&
	    (!look.is_der || is_called_certificate(name) || ends_with(name, ".der")))
		return send_octets(verify, CREDENTIAL_ANCHOR, 0, name, octets, n, e);
	if (look.has_private && (look.has_public || is_called_certificate(name)) && !is_own(c, folder, name))
		(void)cli_fail(cli,
		    "warning: %s/%s is passed over, because it has a private key in it: keep certificates "
		    "that are "
		    "to be trusted in files of their own",
		    folder, name);
	return 0;
}

static int send_folder(struct cli *cli, const struct ike_conf *c, struct ipc_sync *verify, struct err_text *e)
{
	DIR *d = opendir(c->cert_dir);
	const struct dirent *x;
	int r = 0;

	if (!d)
		return err_set(e, -errno, "the folder %s of path certificate cannot be opened: %s",
		    c->cert_dir, err_name(-errno));
	while (r == 0 && (x = readdir(d))) {
		AUTO_CLOSE int fd = openat(dirfd(d), x->d_name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			r = send_of_folder(cli, c, verify, x->d_name, fd, e);
	}
	closedir(d);
	return r;
}

static bool needs_folder(const struct ike_conf *c)
{
	for (uint32_t i = 0; i < c->n_peers; i++)
		for (uint8_t k = 0; k < c->peer[i].n_offers; k++)
			if (ike_auth_is_rsa(c->peer[i].offer[k].auth) && !c->peer[i].peer_cert &&
			    !c->peer[i].peer_key)
				return true;
	return false;
}

int racoon_send_credentials(struct cli *cli, const struct ike_conf *c, int secrets, struct ipc_sync *certd,
    struct ipc_sync *verify, struct passphrases *known, struct err_text *e)
{
	int r = secrets >= 0
	            ? load_send_file(certd, CREDENTIAL_PSK, 0, "postern.conf", secrets, e)
	            : send_secret(cli, certd, CREDENTIAL_PSK, c->psk_file, "no pre-shared key is known", e);

	if (r == 0)
		r = send_users(cli, certd, c, e);
	for (uint32_t i = 0; r == 0 && i < c->n_peers; i++) {
		const struct ike_peer *p = &c->peer[i];

		r = send_own(cli, certd, i, p, known, e);
		for (int k = 0; r == 0 && k < IKE_AUTHORITIES_MAX; k++)
			r = send_trusted(cli, verify, CREDENTIAL_CA, i, p, p->ca[k], e);
		if (r == 0)
			r = send_trusted(cli, verify, CREDENTIAL_PEER_CERT, i, p, p->peer_cert, e);
		if (r == 0)
			r = send_peer_key(verify, i, p, p->peer_key, e);
		if (r < 0)
			(void)err_prefix(e, r, "remote %s", p->name);
	}
	return r == 0 && c->cert_dir && needs_folder(c) ? send_folder(cli, c, verify, e) : r;
}
