/*
 * Statistics as netstat printed them on the hosts our readers come from, word for word, and as JSON.
 */
#ifndef POSTERN_CLI_STATS_H
#define POSTERN_CLI_STATS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"
#include "cli/counters.h"

struct stats_options {
	bool v4, v6;    /* which sets; "ipsec" and "ipsec6" */
	bool skip_zero; /* -ss */
	bool drops;     /* drops by reason after the sets */
};

void stats_print(const struct counters *c, const struct stats_options *o, FILE *out);
/* Both sets, the drops, and every further counter by its name. NULL without memory; the caller owns it. */
json_t *stats_json(const struct counters *c);

/* The words after `stats`, and netstat's own after `netstat`. 0, or -EINVAL with a sentence. */
int stats_parse(int argc, char **argv, struct stats_options *ret, struct err_text *e);
int netstat_parse(int argc, char **argv, struct stats_options *ret, struct err_text *e);

#endif
