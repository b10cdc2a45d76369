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
	for (uint32_t i = 0; c->cert && c->key && i < n_peers; i++)
		c->cert[i].fd = c->key[i].fd = -1;
	return c->cert && c->key && c->own ? c : creds_free(c);
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
	return 0;
}

static int read_own(struct creds *c, uint32_t i, const char *peer, struct err_text *e)
{
	AUTO_FILE struct file cert = {0}, key = {0};
	int r = file_read(c->cert[i].fd, c->cert[i].name, OWN_FILE_MAX, &cert, e);

	if (r == 0 && c->key[i].fd >= 0)
		r = file_read(c->key[i].fd, c->key[i].name, OWN_FILE_MAX, &key, e);
	if (r < 0)
		return r;
	r = own_key_new(&cert, &key, "", &c->own[i], e);
	if (r < 0)
		return err_prefix(e, r, "remote %s, %s with %s", peer, c->cert[i].name,
		    c->key[i].fd >= 0 ? c->key[i].name : "its own key");
	return 0;
}

int creds_read(struct creds *c, const struct ike_conf *conf, struct err_text *e)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < c->n_peers && i < conf->n_peers; i++) {
		if (c->cert[i].fd >= 0)
			r = read_own(c, i, conf->peer[i].name, e);
		else if (conf->peer[i].cert)
			r = err_set(e, -ENOENT, "remote %s names a certificate, and no file came for it",
			    conf->peer[i].name);
	}
	return r;
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

int creds_user(const struct creds *c, struct ike1_octets name, const struct secret *password,
    char ret_groups[USERS_GROUPS_MAX], struct err_text *e)
{
	AUTO_FILE struct file f = {0};
	int r;

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
