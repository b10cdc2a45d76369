/*
 * psk.txt is read at every use and judged at every use: who may read it can change while we run, and then its
 * keys are not used any more. Its owner is root, whose descriptor it is.
 */
#include "certd/creds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "certd/psk.h"

enum { OWNER = 0 };

static void close_file(struct creds_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

struct creds *creds_new(uint32_t n_peers)
{
	struct creds *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->psk.fd = c->users.fd = -1;
	c->n_peers = n_peers;
	c->cert = calloc(n_peers + 1U, sizeof(*c->cert));
	c->key = calloc(n_peers + 1U, sizeof(*c->key));
	c->own = calloc(n_peers + 1U, sizeof(struct own_key *));
	c->unlocked = calloc(n_peers + 1U, sizeof(*c->unlocked));
	for (uint32_t i = 0; c->cert && c->key && i < n_peers; i++)
		c->cert[i].fd = c->key[i].fd = -1;
	return c->cert && c->key && c->own && c->unlocked ? c : creds_free(c);
}

struct creds *creds_free(struct creds *c)
{
	if (!c)
		return NULL;
	close_file(&c->psk);
	close_file(&c->users);
	for (uint32_t i = 0; i < c->n_peers; i++) {
		if (c->cert)
			close_file(&c->cert[i]);
		if (c->key)
			close_file(&c->key[i]);
		if (c->own)
			own_key_free(c->own[i]);
	}
	free(c->cert);
	free(c->key);
	free(c->own);
	free(c->unlocked);
	ike_conf_free(c->conf);
	free(c);
	return NULL;
}

/* A file with keys in it is root's alone. */
static int check_secret(const char *name, int fd, struct err_text *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s cannot be looked at: %s", name, err_name(-errno));
	return psk_file_check(name, &st, OWNER, e);
}

int creds_add(
    struct creds *c, enum credential_kind kind, uint32_t peer, const char *name, int fd, struct err_text *e)
{
	struct creds_file f = {.fd = fd}, *to = NULL;
	int r = 0;

	snprintf(f.name, sizeof(f.name), "%s", name);
	if (kind == CREDENTIAL_PSK)
		to = &c->psk;
	else if (kind == CREDENTIAL_USERS)
		to = &c->users;
	else if (kind == CREDENTIAL_CERT && peer < c->n_peers)
		to = &c->cert[peer];
	else if (kind == CREDENTIAL_KEY && peer < c->n_peers)
		to = &c->key[peer];
	if (!to || fd < 0) {
		close_file(&f);
		return err_set(e, -EINVAL,
		    "a file of kind %d, which does not belong here, or without a descriptor", kind);
	}
	if (kind == CREDENTIAL_KEY)
		r = check_secret(name, fd, e);
	if (r < 0) {
		close_file(&f);
		return r;
	}
	close_file(to);
	*to = f;
	if (kind == CREDENTIAL_CERT || kind == CREDENTIAL_KEY) { /* the pair is read again, from both */
		c->own[peer] = own_key_free(c->own[peer]);
		c->unlocked[peer] = false;
	}
	return 0;
}

int creds_add_missing(struct creds *c, enum credential_kind kind, const char *why)
{
	bool users = kind == CREDENTIAL_USERS;

	if (!users && kind != CREDENTIAL_PSK)
		return -EINVAL;
	close_file(users ? &c->users : &c->psk);
	snprintf(users ? c->no_users : c->no_psk, CREDS_WHY_MAX, "%s", why);
	return 0;
}

/* A file that was put in its place since is not known here: files are opened by who loads. */
static int say_missing(const char *why, struct err_text *e)
{
	return err_set(
	    e, -ENOENT, "when the configuration was loaded, %s: once that is mended load it again", why);
}

static int read_one(const struct creds_file *from, struct file *ret, struct err_text *e)
{
	return from->fd < 0 ? 0 : file_read(from->fd, from->name, OWN_FILE_MAX, ret, e);
}

bool creds_is_locked(const struct creds *c, uint32_t peer)
{
	AUTO_FILE struct file cert = {0}, key = {0};
	struct err_text e;

	return peer < c->n_peers && read_one(&c->cert[peer], &cert, &e) == 0 &&
	       read_one(&c->key[peer], &key, &e) == 0 &&
	       own_key_is_locked(c->cert[peer].fd < 0 ? NULL : &cert, &key);
}

/* `instead`: the key in clear, in place of its file. */
static int read_own(struct creds *c, uint32_t i, const struct secret *passphrase, const struct file *instead,
    struct err_text *e)
{
	AUTO_FILE struct file cert = {0}, key = {0};
	struct own_key *own = NULL;
	bool has_cert = c->cert[i].fd >= 0;
	int r = read_one(&c->cert[i], &cert, e);

	if (r == 0 && !instead)
		r = read_one(&c->key[i], &key, e);
	if (r < 0)
		return r;
	r = own_key_new(has_cert ? &cert : NULL, instead ? instead : &key, passphrase, &own, e);
	if (r < 0 && !has_cert)
		return err_prefix(e, r, "%s", c->key[i].name);
	if (r < 0)
		return err_prefix(
		    e, r, "%s with %s", c->cert[i].name, c->key[i].fd >= 0 ? c->key[i].name : "its own key");
	own_key_free(c->own[i]);
	c->own[i] = own;
	return 0;
}

static int check_files(const struct creds *c, uint32_t peer, struct err_text *e)
{
	if (peer < c->n_peers && c->key[peer].fd >= 0)
		return 0;
	return err_set(e, -EINVAL, "a passphrase for peer %u, whose key did not come", peer);
}

int creds_unlock(struct creds *c, uint32_t peer, const struct secret *passphrase, struct err_text *e)
{
	int r = check_files(c, peer, e);

	if (r == 0)
		r = read_own(c, peer, passphrase, NULL, e);
	if (r == 0)
		c->unlocked[peer] = true;
	return r;
}

int creds_give_key(struct creds *c, uint32_t peer, const void *key, size_t n, struct err_text *e)
{
	const struct file clear = {.p = (uint8_t *)(uintptr_t)key, .n = n};
	int r = check_files(c, peer, e);

	if (r == 0)
		r = read_own(c, peer, NULL, &clear, e);
	if (r == 0)
		c->unlocked[peer] = true;
	return r;
}

/* Version 1 has the methods of RFC 2409 alone, whose signatures are RSA's; racoon.conf cannot name those of
 * RFC 4754. */
static int check_method(
    const struct ike_peer *p, const struct own_key *k, const char *name, struct err_text *e)
{
	char kind[OWN_KIND_MAX];

	for (uint8_t i = 0; p->version == 1 && i < p->n_offers && !own_key_is_rsa(k); i++)
		if (ike_auth_is_rsa(p->offer[i].auth))
			return err_set(e, -EOPNOTSUPP,
			    "authentication_method rsasig wants an RSA key, and %s is %s: name an RSA key "
			    "and its certificate in certificate_type",
			    name, own_key_kind(k, kind));
	return 0;
}

static bool is_same_file(const struct creds_file *a, const struct creds_file *b)
{
	struct stat x, y;

	if (a->fd < 0 || b->fd < 0)
		return a->fd < 0 && b->fd < 0;
	return fstat(a->fd, &x) == 0 && fstat(b->fd, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino && x.st_size == y.st_size && x.st_mtim.tv_sec == y.st_mtim.tv_sec &&
	       x.st_mtim.tv_nsec == y.st_mtim.tv_nsec;
}

/* A gateway has thousands of connections and one key, which takes as long to read as a connection to make. */
static bool share(struct creds *c, uint32_t i)
{
	if (!i || !c->own[i - 1] || c->unlocked[i - 1] || !is_same_file(&c->cert[i], &c->cert[i - 1]) ||
	    !is_same_file(&c->key[i], &c->key[i - 1]))
		return false;
	c->own[i] = own_key_ref(c->own[i - 1]);
	return true;
}

static int read_peer(struct creds *c, uint32_t i, const struct ike_peer *p, struct err_text *e)
{
	const char *key = c->key[i].fd >= 0 ? c->key[i].name : c->cert[i].name;
	int r = 0;

	if (p->cert && c->cert[i].fd < 0)
		return err_set(e, -ENOENT, "names a certificate, and no file came for it");
	if (p->key && !p->cert && c->key[i].fd < 0)
		return err_set(e, -ENOENT, "names a key, and no file came for it");
	if (c->cert[i].fd < 0 && c->key[i].fd < 0)
		return 0;
	if (!c->own[i] && !share(c, i))
		r = read_own(c, i, NULL, NULL, e);
	return r < 0 ? r : check_method(p, c->own[i], key, e);
}

int creds_read(struct creds *c, const struct ike_conf *conf, struct err_text *e)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < c->n_peers && i < conf->n_peers; i++) {
		r = read_peer(c, i, &conf->peer[i], e);
		if (r < 0)
			(void)err_prefix(e, r, "remote %s", conf->peer[i].name);
	}
	return r;
}

void creds_close_from(struct creds *c, uint32_t peer)
{
	for (uint32_t i = peer; i < c->n_peers; i++) {
		close_file(&c->cert[i]);
		close_file(&c->key[i]);
	}
}

/* As the file has it: an address printed, everything else its octets. 0: a kind that has no line. */
static size_t id_text(const struct ike_id *id, const struct inet_addr *addr, char buf[IKE_ID_DATA_MAX])
{
	struct inet_addr a;

	switch (id ? id->kind : IKE_ID_ADDRESS) {
	case IKE_ID_ADDRESS:
		a = id && id->len ? inet_addr_from_bytes(id->data, id->len) : *addr;
		return a.family == INET_NONE ? 0 : strlen(inet_addr_format(&a, buf));
	case IKE_ID_FQDN:
	case IKE_ID_USER_FQDN:
	case IKE_ID_KEYID:
		memcpy(buf, id->data, id->len);
		return id->len;
	default:
		return 0;
	}
}

static int find(
    const struct file *f, const struct ike_id *id, const struct inet_addr *addr, struct secret **ret)
{
	char text[IKE_ID_DATA_MAX];
	size_t n = id_text(id, addr, text);

	return n ? psk_find((const char *)f->p, f->n, text, n, ret) : -ENOENT;
}

static int read_psk(const struct creds *c, struct file *ret, struct err_text *e)
{
	int r;

	if (c->psk.fd < 0 && c->no_psk[0])
		return say_missing(c->no_psk, e);
	if (c->psk.fd < 0)
		return err_set(
		    e, -ENOENT, "no file of pre-shared keys is loaded: path pre_shared_key names none");
	r = check_secret(c->psk.name, c->psk.fd, e);
	if (r == 0)
		r = file_read(c->psk.fd, c->psk.name, PSK_FILE_MAX, ret, e);
	return r < 0 ? err_prefix(e, r, "failed to open pre_share_key file") : 0;
}

int creds_psk(const struct creds *c, const struct ike_peer *p, const struct ike_id *id,
    const struct inet_addr *addr, struct secret **ret, bool *ret_by_id, struct err_text *e)
{
	char who[INET_ADDR_STRLEN], name[200];
	AUTO_FILE struct file f = {0};
	int r = read_psk(c, &f, e);

	if (r < 0)
		return r;
	r = id ? find(&f, id, addr, ret) : -ENOENT;
	*ret_by_id = r == 0;
	if (r == -ENOENT && (!id || !p->verify_identifier)) {
		r = find(&f, NULL, addr, ret);
		if (r == 0 && id)
			(void)err_set(e, 0,
			    "couldn't find the proper pskey, try to get one by the peer's address: %s has "
			    "no line for %s, and one for %s",
			    c->psk.name, ike_id_format(id, name, sizeof(name)), inet_addr_format(addr, who));
	}
	if (r == -ENOENT)
		return err_set(e, r, "couldn't find the pskey for %s%s%s: %s has no line that begins with it",
		    inet_addr_format(addr, who), id ? " or " : "",
		    id ? ike_id_format(id, name, sizeof(name)) : "", c->psk.name);
	return r < 0 ? err_set(e, r, "%s: %s", c->psk.name, err_name(r)) : 0;
}

int creds_psk_of(const struct creds *c, const struct ike_id *ids, uint8_t n_ids, const struct inet_addr *addr,
    struct secret **ret, struct err_text *e)
{
	char who[INET_ADDR_STRLEN], name[200];
	AUTO_FILE struct file f = {0};
	int r = read_psk(c, &f, e);

	if (r < 0)
		return r;
	r = -ENOENT;
	for (uint8_t i = 0; r == -ENOENT && i < n_ids; i++)
		r = find(&f, &ids[i], addr, ret);
	if (r == -ENOENT)
		r = find(&f, NULL, addr, ret);
	if (r == -ENOENT)
		return err_set(e, r,
		    "there is no pre-shared key for %s%s%s: %s has no line that begins with it",
		    inet_addr_format(addr, who), n_ids ? " or " : "",
		    n_ids ? ike_id_format(&ids[0], name, sizeof(name)) : "", c->psk.name);
	return r < 0 ? err_set(e, r, "%s: %s", c->psk.name, err_name(r)) : 0;
}

int creds_user(const struct creds *c, struct ike1_octets name, const struct secret *password,
    char ret_groups[USERS_GROUPS_MAX], struct err_text *e)
{
	AUTO_FILE struct file f = {0};
	int r;

	if (c->users.fd < 0 && c->no_users[0])
		return say_missing(c->no_users, e);
	if (c->users.fd < 0)
		return err_set(
		    e, -ENOENT, "no file of users is loaded: auth_source file in mode_cfg names none");
	r = check_secret(c->users.name, c->users.fd, e);
	if (r == 0)
		r = file_read(c->users.fd, c->users.name, USERS_FILE_MAX, &f, e);
	if (r == 0)
		r = users_check((const char *)f.p, f.n, name, password, ret_groups, e);
	return r < 0 ? err_prefix(e, r, "%s", c->users.name) : 0;
}

int creds_login(const struct creds *c, const struct ike_peer *p, struct secret **ret, struct err_text *e)
{
	AUTO_FILE struct file f = {0};
	int r;

	if (!p->xauth_login)
		return err_set(e, -ENOENT, "remote %s has no xauth_login", p->name);
	r = read_psk(c, &f, e);
	if (r < 0)
		return r;
	r = psk_find((const char *)f.p, f.n, p->xauth_login, strlen(p->xauth_login), ret);
	if (r == -ENOENT)
		return err_set(
		    e, r, "%s has no line that begins with the xauth_login %s", c->psk.name, p->xauth_login);
	return r < 0 ? err_set(e, r, "%s: %s", c->psk.name, err_name(r)) : 0;
}
