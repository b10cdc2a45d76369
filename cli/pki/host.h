/*
 * A host's folder, as `path certificate` of racoon.conf wants it: NAME.key, NAME.pem and what peers are
 * checked with.
 */
#ifndef POSTERN_CLI_PKI_HOST_H
#define POSTERN_CLI_PKI_HOST_H

#include "cli/pki/authority.h"

struct host_files {
	const char *name;   /* the host's first name, and so the files' */
	const char *folder; /* -o, or that name below the current folder */
	char key[PATH_MAX], cert[PATH_MAX], request[PATH_MAX];
};

/* -EINVAL: there is no name. */
must_check int host_files_find(const struct pki_options *o, struct host_files *ret, struct err_text *e);
struct pki_wish host_wish(const struct pki_options *o);
/* Keeps a copy with the authority, then writes the certificate and what peers are checked with. */
must_check int host_put_cert(const struct authority *a, const struct host_files *f, const struct pki_cert *c,
    bool force, struct err_text *e);
/* What was made, and which lines of racoon.conf it is for. */
void host_say(struct cli *cli, const struct pki_options *o, const struct host_files *f,
    const struct authority *a, const struct pki_cert *c, bool is_rsa);

#endif
