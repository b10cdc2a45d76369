/*
 * psk.txt: one pre-shared key a line, behind the identity it is for. Read anew at every use, so that a
 * changed file needs no reload; no key stays anywhere but in the secret that was asked for.
 */
#ifndef POSTERN_CERTD_PSK_H
#define POSTERN_CERTD_PSK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/err.h"
#include "secret/secret.h"

enum {
	PSK_FILE_MAX = 1 << 20, /* octets */
	PSK_LINE_MAX = 1023,    /* as in the originals; a longer line is nobody's */
};

/* Why a file must not be used, by what fstat(2) says of it: it has to be a regular file of `owner` that
 * neither group nor others may touch. 0, or -EPERM with the cure in `e`. */
must_check int psk_file_check(const char *name, const struct stat *st, uid_t owner, struct err_text *e);

/*
 * The key for an identity, compared octet by octet: an address as inet_ntop(3) prints it, a name, user@name,
 * the octets of a key id. The first line that fits counts; `*` as identity fits any. A key is the rest of the
 * line behind the blanks, inner and trailing blanks included, without the CR of a DOS file; 0x and
 * hexadecimal digits are the octets they stand for, of an odd number the first digit alone. 0 with the key;
 * -ENOENT: no line fits, or its key is empty; -ENOMEM: the arena of secrets is full.
 */
must_check int psk_find(const char *text, size_t n, const void *id, size_t id_len, struct secret **ret);

#endif
