/*
 * What is in a file, for people and for programs.
 */
#ifndef POSTERN_CLI_PKI_SHOW_H
#define POSTERN_CLI_PKI_SHOW_H

#include <jansson.h>

#include "cli/cli.h"
#include "pki/look.h"

void show_print(FILE *out, const char *file, const struct pki_look *l, int64_t now);
/* NULL without memory. */
json_t *show_json(const char *file, const struct pki_look *l);
const char *show_kind(enum pki_item_kind k); /* "certificate" */

#endif
