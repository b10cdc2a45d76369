/*
 * An authority's folder:
 *     ca.pem             its certificate
 *     ca.key             its private key
 *     issued/SERIAL.pem  every certificate that it has issued
 *     crl.pem            its revocation list, and so its memory of what is revoked; not there before the
 * first
 */
#ifndef POSTERN_CLI_PKI_AUTHORITY_H
#define POSTERN_CLI_PKI_AUTHORITY_H

#include "cli/pki/act.h"

struct authority {
	const char *dir; /* borrowed */
	struct pki_cert *cert;
	struct pki_key *key;   /* NULL: opened to be looked at */
	struct pki_list *list; /* NULL: nothing was ever revoked */
	int lock;              /* -1, or held against others that change the folder */
};

/* With `change` the key is read too, whose passphrase may be asked for. 0, or -errno with a sentence. */
must_check int authority_open(struct cli *cli, const char *dir, bool change, struct passphrases *known,
    struct authority *ret, struct err_text *e);
void authority_close(struct authority *a);
#define AUTO_AUTHORITY AUTO(authority_close)

/* Notes that `c` was issued. */
must_check int authority_note(const struct authority *a, const struct pki_cert *c, struct err_text *e);
/* Makes a new list, with `serial` (NULL: none more), and keeps it. */
must_check int authority_revoke(
    struct authority *a, const char *serial, const char *reason, uint32_t days, struct err_text *e);
/* Puts what peers are checked with into a host's folder: the certificate, the list if there is one, and links
 * that are named by hash, as OpenSSL looks for them. What is there and is the same stays. */
must_check int authority_put_trust(
    const struct authority *a, const char *folder, bool force, struct err_text *e);

/* A private key, whose passphrase is asked for when it has one. */
must_check int pki_read_key(
    struct cli *cli, const char *path, struct passphrases *known, struct pki_key **ret, struct err_text *e);
/* A new private key into a file for nobody but us; `encrypt`: its passphrase is asked for. */
must_check int pki_put_key(const struct pki_key *k, const char *path, bool encrypt, bool force,
    struct passphrases *known, struct err_text *e);

#endif
