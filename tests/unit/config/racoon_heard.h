/*
 * racoon.conf read from a text, and the first of what is said of it.
 */
#ifndef POSTERN_TESTS_RACOON_HEARD_H
#define POSTERN_TESTS_RACOON_HEARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/racoon/racoon.h"

#define OFFER                                                                                                \
	"encryption_algorithm aes; hash_algorithm sha256; authentication_method pre_shared_key; dh_group "   \
	"14;"
#define MODE   "exchange_mode main; "
#define SAINFO "encryption_algorithm aes; authentication_algorithm hmac_sha1; compression_algorithm deflate;"
#define SIGNED "encryption_algorithm aes; hash_algorithm sha256; authentication_method rsasig; dh_group 14;"

#define BODY MODE "proposal { " OFFER " } }"

enum { TEXT_MAX = 4096 };

struct heard {
	char error[TEXT_MAX], warning[TEXT_MAX]; /* the first of each */
	unsigned n_errors, n_warnings;
};

/* For struct racoon_options; `arg` is a struct heard. */
void hear(void *arg, bool is_error, const char *text);
/* NULL: there were errors. */
struct ike_conf *read_text(const char *text, size_t n, struct heard *h);
/* The test fails when there is one. */
struct ike_conf *good(const char *text, struct heard *h);
/* The test fails when the first is another, or there is none. */
void expect_error(const char *text, const char *error);

#endif
