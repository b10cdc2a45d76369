/*
 * Loading a configuration for key exchange into the services, in two steps: every service prepares, then
 * every service commits. Whoever does not get to the end has changed nothing, but for the moment between
 * commits.
 */
#ifndef POSTERN_CLI_RACOON_LOAD_H
#define POSTERN_CLI_RACOON_LOAD_H

#include "cli/cli.h"
#include "cli/passphrase.h"
#include "ipsec/credential.h"
#include "ipsec/ike_conf.h"

/* The services that take a configuration, in the order in which they commit: who proves before who asks. */
enum load_service { LOAD_CERTD = 0, LOAD_VERIFY, LOAD_POLICYD, LOAD_HOOKS, LOAD_KEYD, LOAD_SERVICES };

/* All of it, with its blocks' numbers; *ret_generation is its number from then on. `secrets`: a descriptor in
 * psk.txt's form, which goes to certd in place of the file that is named; -1: that file. 0, or -errno with a
 * sentence. */
must_check int racoon_load(struct cli *cli, const struct ike_conf *c, int secrets, struct passphrases *known,
    uint64_t *ret_generation, struct err_text *e);

/* racoon.c: reads a file and loads it, and writes down which it was. Returns an exit code. */
int racoon_load_file(struct cli *cli, const char *file);

/* credentials.c: opens the files that the configuration names, and sends them where they belong. Warnings are
 * written to cli->err. */
must_check int racoon_send_credentials(struct cli *cli, const struct ike_conf *c, int secrets,
    struct ipc_sync *certd, struct ipc_sync *verify, struct passphrases *known, struct err_text *e);

/* load_msg.c; load_send_file() gives LOAD_LOCKED for a private key that wants a passphrase */
enum { LOAD_LOCKED = 1 };
must_check int load_send_conf(struct ipc_sync *s, const struct ike_conf *c, struct err_text *e);
/* Of `c` only the scripts, each judged by the service. */
must_check int load_send_hooks(struct ipc_sync *s, const struct ike_conf *c, struct err_text *e);
must_check int load_send_file(struct ipc_sync *s, enum credential_kind kind, uint32_t peer, const char *name,
    int fd, struct err_text *e);
/* A file that is named and could not be opened, for certd to say when it needs it. */
must_check int load_send_missing(
    struct ipc_sync *s, enum credential_kind kind, const char *name, const char *why, struct err_text *e);
/* -EACCES: it is the wrong one. */
must_check int load_send_passphrase(
    struct ipc_sync *s, uint32_t peer, const struct secret *passphrase, struct err_text *e);
must_check int load_prepare(struct ipc_sync *s, struct err_text *e);
must_check int load_commit(struct ipc_sync *s, uint64_t generation, struct err_text *e);
/* The configuration ends with this connection. -ESTALE: it has ended already, for another one. */
must_check int load_hold(struct ipc_sync *keyd, uint64_t generation, struct err_text *e);

#endif
