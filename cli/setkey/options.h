/*
 * setkey's command line, which is older than getopt's long options: clusters in any order, and of several
 * modes the last one wins.
 */
#ifndef POSTERN_CLI_SETKEY_OPTIONS_H
#define POSTERN_CLI_SETKEY_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"

enum setkey_mode {
	SETKEY_MODE_NONE = 0,
	SETKEY_MODE_STDIN,   /* -c */
	SETKEY_MODE_FILE,    /* -f */
	SETKEY_MODE_DUMP,    /* -D */
	SETKEY_MODE_FLUSH,   /* -F */
	SETKEY_MODE_MONITOR, /* -x */
	SETKEY_MODE_VERSION, /* -V */
	SETKEY_MODE_HELP,    /* -h alone, -? */
};

struct setkey_options {
	enum setkey_mode mode;
	const char *file; /* of -f; "-" is standard input */
	bool policies;    /* -P: -D and -F mean the SPD */
	bool dead;        /* -a */
	bool repeat;      /* -l */
	bool ports;       /* -p */
	bool verbose;     /* -v */
	bool parse_only;  /* -n */
	bool hex;         /* -H, or -h with -x */
	bool epoch;       /* -xx: seconds since 1970 instead of the time of day */
	bool bound_only;  /* -t: only policies of one interface, of which there are none */
	bool kernel_fwd;  /* -k: forwarded packets only where the file says `fwd`; -r: also by `in` */
	bool strict;      /* --strict: stop at the first error in a file */
};

/* 0, or -EINVAL with *e. argv[0] is skipped; the options borrow from argv. */
int setkey_options_parse(struct setkey_options *o, int argc, char **argv, struct err_text *e);

#endif
