/*
 * keyd's SAs for programs.
 */
#ifndef POSTERN_CLI_IKE_JSON_H
#define POSTERN_CLI_IKE_JSON_H

#include <jansson.h>

#include "cli/ike/ike.h"

/* {"schema_version":1,"ike_sas":[...],"children":[...]}; `peer` INET_NONE: of all. */
json_t *ike_json(const struct ike_rows *r, const struct inet_addr *peer);

#endif
