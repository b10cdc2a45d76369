/*
 * Passphrases of private keys: from the terminal, or one line each from a descriptor. Each file is asked for
 * once, however many peers' blocks name it.
 */
#ifndef POSTERN_CLI_PASSPHRASE_H
#define POSTERN_CLI_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/err.h"
#include "secret/secret.h"

enum { PASSPHRASE_MAX = 1023 /* octets */, PASSPHRASE_TRIES = 3 /* at the terminal */ };

struct passphrases {
	int fd; /* --passphrase-fd; -1: the terminal is asked */
	struct passphrase {
		char *file;
		struct secret *s;
	} * known;
	size_t n;
};

#define PASSPHRASES_INIT(fd_)                                                                                \
	{                                                                                                    \
		.fd = (fd_)                                                                                  \
	}

/* Wipes and frees. */
void passphrases_fini(struct passphrases *p);
#define AUTO_PASSPHRASES AUTO(passphrases_fini)

/* A file's passphrase, borrowed; asked for unless it is known. 0; -ENOTTY: there is nobody to ask; -ENODATA:
 * the descriptor has no line left, or the answer was empty; -ECANCELED: interrupted; -errno; with a sentence.
 */
must_check int passphrases_get(
    struct passphrases *p, const char *file, const struct secret **ret, struct err_text *e);
/* A passphrase for a file that is being made, owned by the caller: at the terminal asked for twice. As above;
 * -EINVAL: what was typed differs. */
must_check int passphrases_new(
    struct passphrases *p, const char *file, struct secret **ret, struct err_text *e);
/* The number of an open descriptor, for --passphrase-fd. */
bool passphrase_fd_parse(const char *word, int *ret);
/* It was wrong: forgets it. */
void passphrases_forget(struct passphrases *p, const char *file);

#endif
