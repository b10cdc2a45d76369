/*
 * `ipsecctl load`: a native configuration, what it makes different from what is loaded, and only that into
 * the services.
 */
#ifndef POSTERN_CLI_LOAD_LOAD_H
#define POSTERN_CLI_LOAD_LOAD_H

#include <limits.h>

#include "cli/cli.h"
#include "cli/load/facts.h"
#include "cli/racoon/block.h"
#include "config/native/compile.h"

/* host.c: names and addresses as this host has them now. */
extern const struct native_host_facts load_host;

/* secrets.c: pre-shared keys that stand in the configuration, or in files that it names. `ike` is what was
 * compiled of it: peer N is connection N. */
struct load_secrets {
	int fd;                    /* sealed, in psk.txt's form; -1: there is none */
	struct block_print *print; /* of each connection's; NULL: there is none */
};
/* 0; -EINVAL: what is wrong has been told; -errno with a sentence. */
must_check int load_secrets_collect(const struct native_conf *c, const struct ike_conf *ike,
    const struct block_key *key, native_say_fn say, void *arg, struct load_secrets *ret, struct err_text *e);
void load_secrets_fini(struct load_secrets *s);
#define AUTO_LOAD_SECRETS AUTO(load_secrets_fini)

/* state.c: what was loaded, as it was written down in the run folder. */
struct load_state {
	char *file; /* owned; NULL: no native configuration is loaded */
	uint64_t generation;
	struct facts facts;
};
/* 0, also when there is none; -errno with a sentence. */
must_check int load_state_get(const struct settings *s, struct load_state *ret, struct err_text *e);
must_check int load_state_put(const struct settings *s, const struct load_state *st, struct err_text *e);
void load_state_forget(const struct settings *s);
void load_state_fini(struct load_state *st);
#define AUTO_LOAD_STATE AUTO(load_state_fini)

/* load.c: all of it. Returns an exit code. */
struct load_options {
	const char *file;  /* NULL: takes out what an earlier load has made */
	bool dry;          /* shows, and changes nothing */
	bool quiet;        /* only the sum of what differs is shown */
	bool boot;         /* a file that is not there is no fault, and a racoon.conf that was loaded stays */
	int passphrase_fd; /* -1, or where passphrases come from */
};
int load_file(struct cli *cli, const struct load_options *o);
/* The file that is meant where none is named. */
void load_usual_file(const struct cli *cli, char ret[PATH_MAX]);

#endif
