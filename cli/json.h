/*
 * One document per read verb, always with schema_version, on one or more lines and ended by a newline.
 */
#ifndef POSTERN_CLI_JSON_H
#define POSTERN_CLI_JSON_H

#include <jansson.h>

#include "cli/cli.h"
#include "ipsec/policy.h"
#include "ipsec/sa.h"

/* {"schema_version": 1}: raise the number only when a key goes away or changes its meaning. NULL without
 * memory. */
json_t *json_new_document(void);
/* Prints and releases `doc`; NULL is the failure to build it. Returns an exit code. */
int json_write(struct cli *cli, json_t *doc);
/* The same on one line, for streams of documents (monitor). */
int json_write_line(struct cli *cli, json_t *doc);

/* One SA; key octets only with `keys` and when the description has them. */
json_t *json_from_sa(const struct sa_desc *d, const struct sa_status *s, bool keys);
json_t *json_from_policy(const struct policy *p);

#endif
