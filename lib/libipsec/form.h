/*
 * Words of the model and numbers of the binary form, both ways. Private to the library.
 */
#ifndef POSTERN_LIBIPSEC_FORM_H
#define POSTERN_LIBIPSEC_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "config/setkey/policy.h"

enum {
	FORM_UNIT = 8,                           /* a policy's length counts these */
	FORM_HEADER = 16,                        /* of a policy, and of each request */
	FORM_REQUEST_MAX = FORM_HEADER + 2 * 28, /* with two socket addresses */
};

/* The stored priority is subtracted from here: 0 is the first that is looked at. */
#define FORM_PRIORITY_DEF 0x80000000u

uint8_t form_dir(enum policy_dir d);
uint16_t form_action(enum setkey_action a);
uint8_t form_mode(enum ipsec_mode m);
uint8_t form_level(enum policy_level l);

/* The words of the text; NULL for a number that has none. */
const char *form_dir_word(unsigned dir);
const char *form_action_word(unsigned action);
const char *form_proto_word(unsigned proto);
const char *form_mode_word(unsigned mode);
const char *form_level_word(unsigned level);

#endif
