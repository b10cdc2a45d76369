/*
 * Files of keys and certificates: read whole, written whole or not at all.
 */
#ifndef POSTERN_CLI_PKI_FILES_H
#define POSTERN_CLI_PKI_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"

enum { PKI_FILE_MAX = 1 << 20 /* octets */, PKI_PRIVATE = 0600, PKI_PUBLIC = 0644 };

struct octets {
	uint8_t *p;
	size_t n;
};

/* Wipes and frees. */
void octets_fini(struct octets *o);
#define AUTO_OCTETS AUTO(octets_fini)

/* 0, or -errno with a sentence. */
must_check int file_read(const char *path, struct octets *ret, struct err_text *e);
/* -EEXIST, unless `force`: asked before anything is made, so that nobody waits for a key in vain. */
must_check int file_must_be_new(const char *path, bool force, struct err_text *e);
/* Made with this mode under a name that nobody has, or, with `force`, put in the place of what is there in
 * one step. A failure leaves nothing behind. */
must_check int file_put(
    const char *path, unsigned mode, const void *p, size_t n, bool force, struct err_text *e);
/* A folder and those above it, for nobody but us; one that is there stays as it is. */
must_check int folder_make(const char *path, struct err_text *e);
/* "FOLDER/NAME". -ENAMETOOLONG. */
must_check int file_path(char ret[PATH_MAX], struct err_text *e, const char *folder, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
