/*
 * Users of XAuth and their passwords, a line each as in shadow(5):
 *
 *      NAME:HASH[:GROUP,GROUP...[:...]]
 *
 * HASH as crypt(3) makes it (mkpasswd, openssl passwd -6, or a line of /etc/shadow). Read anew at every use.
 */
#ifndef POSTERN_CERTD_USERS_H
#define POSTERN_CERTD_USERS_H

#include <stddef.h>

#include "base/auto.h"
#include "base/err.h"
#include "crypto/ike1.h"

enum {
	USERS_FILE_MAX = 1 << 20, /* octets */
	USERS_LINE_MAX = 1023,
	USERS_PASSWORD_MAX = 256,
	USERS_GROUPS_MAX = 512,
};

/*
 * Whether `password` is the one of `name`, octet by octet; *ret_groups are the user's, a text with commas
 * between. As much is computed for a name that is not there as for the first one that is. 0; -EACCES with why
 * not; -EINVAL: the line's hash is none.
 */
must_check int users_check(const char *text, size_t n, struct ike1_octets name, const struct secret *password,
    char ret_groups[USERS_GROUPS_MAX], struct err_text *e);

#endif
