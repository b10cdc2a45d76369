/*
 * racoon.conf as racoon read it, into the model of key exchange. A file is taken whole or not at all; every
 * fault is told with its place.
 */
#ifndef POSTERN_CONFIG_RACOON_RACOON_H
#define POSTERN_CONFIG_RACOON_RACOON_H

#include "base/err.h"
#include "ipsec/ike_conf.h"

/* One line: FILE:LINE:COLUMN: "TOKEN" TEXT. Errors refuse the file, warnings do not. */
typedef void (*racoon_say_fn)(void *arg, bool is_error, const char *text);

struct racoon_options {
	racoon_say_fn say;
	void *arg;
	/* Opens a file that the configuration names (include, keyid). 0 with its contents, to be freed;
	 * -errno. NULL: the file system's. */
	int (*load)(void *arg, const char *path, char **ret, size_t *ret_n);
	/* Whether root may execute a file that `script` names. 0, or -errno with a sentence. NULL: whoever
	 * reads does not ask. */
	int (*check_script)(void *arg, const char *path, struct err_text *e);
};

/* Reads a file and what it includes. 0 with the configuration; -EINVAL: what was wrong has been told; -errno
 * when the file itself cannot be read, with a sentence. */
must_check int racoon_read(
    const char *path, const struct racoon_options *o, struct ike_conf **ret, struct err_text *e);
/* The same from memory, under a name for messages. */
must_check int racoon_read_text(
    const char *name, const char *text, size_t n, const struct racoon_options *o, struct ike_conf **ret);

#endif
