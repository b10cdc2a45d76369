/*
 * The credentials of one loaded configuration: psk.txt and the file of users as descriptors, and each peer's
 * block's own key.
 */
#ifndef POSTERN_CERTD_CREDS_H
#define POSTERN_CERTD_CREDS_H

#include "certd/own_key.h"
#include "certd/users.h"
#include "crypto/ike1.h"
#include "ipsec/credential.h"
#include "secret/secret.h"

enum { CREDS_NAME_MAX = 256, CREDS_WHY_MAX = 400 };

struct creds_file {
	int fd; /* -1: none was given */
	char name[CREDS_NAME_MAX];
};

struct creds {
	uint64_t generation;
	struct ike_conf *conf;
	uint32_t n_peers; /* as was announced; the arrays are of that length */
	struct creds_file psk, users;
	char no_psk[CREDS_WHY_MAX], no_users[CREDS_WHY_MAX]; /* why there is none, where one is named */
	struct creds_file *cert, *key; /* also behind reading: the launcher keeps them */
	struct own_key **own;          /* NULL: that block has none */
	bool *unlocked;                /* that one was enciphered, and a passphrase has opened it */
};

/* Empty, for so many peers. NULL without memory. */
struct creds *creds_new(uint32_t n_peers);
/* NULL is fine. Returns NULL. */
struct creds *creds_free(struct creds *c);
/* A file, whose descriptor is taken, also on failure. `name` is for messages. 0; -EPERM for one that others
 * may read; -EINVAL; with a sentence. */
must_check int creds_add(
    struct creds *c, enum credential_kind kind, uint32_t peer, const char *name, int fd, struct err_text *e);
/* A file of secrets that is named and could not be opened: `why`, for the log of whoever needs it. 0;
 * -EINVAL: no such kind. */
must_check int creds_add_missing(struct creds *c, enum credential_kind kind, const char *why);
/* Whether the key of a peer's block wants a passphrase: once its certificate and it are there. */
bool creds_is_locked(const struct creds *c, uint32_t peer);
/* Reads the certificate and the key of a peer's block with a passphrase, which is needed no more afterwards.
 * 0; -EACCES: it is the wrong one; -errno; with a sentence. */
must_check int creds_unlock(
    struct creds *c, uint32_t peer, const struct secret *passphrase, struct err_text *e);
/* The same with the key in clear, as own_key_private() gave it to an earlier life of this service. */
must_check int creds_give_key(struct creds *c, uint32_t peer, const void *key, size_t n, struct err_text *e);
/* Reads the certificates and keys that are not read yet, and looks whether they can do what the configuration
 * says. 0, or -errno naming the first that cannot be used. */
must_check int creds_read(struct creds *c, const struct ike_conf *conf, struct err_text *e);
/* Closes the files of all peers from this one on: they have been read, and nobody keeps them. */
void creds_close_from(struct creds *c, uint32_t peer);
/* The pre-shared key of an identity (NULL: not known) or else of an address, from the file as it is now.
 * *ret_by_id: it was the identity. 0, with a notice in *e where an identity was given and the address had to
 * do; -ENOENT; -errno; with a sentence. */
must_check int creds_psk(const struct creds *c, const struct ike_peer *p, const struct ike_id *id,
    const struct inet_addr *addr, struct secret **ret, bool *ret_by_id, struct err_text *e);
/* The pre-shared key of the first of these identities that has one (NULL and 0: none is known), or else of an
 * address; what version 2 asks. 0; -ENOENT; -errno; with a sentence. */
must_check int creds_psk_of(const struct creds *c, const struct ike_id *ids, uint8_t n_ids,
    const struct inet_addr *addr, struct secret **ret, struct err_text *e);
/* Whether this is the password of a user of XAuth, from the file as it is now. *ret_groups: the user's, with
 * commas between. 0; -EACCES: no; -errno; with a sentence, which is for the log and not for the peer. */
must_check int creds_user(const struct creds *c, struct ike1_octets name, const struct secret *password,
    char ret_groups[USERS_GROUPS_MAX], struct err_text *e);
/* Our own password for the login of a remote's xauth_login, from psk.txt. 0; -ENOENT; -errno; with a
 * sentence. */
must_check int creds_login(
    const struct creds *c, const struct ike_peer *p, struct secret **ret, struct err_text *e);

#endif
