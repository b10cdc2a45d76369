/*
 * A file with something secret or signed in it, as a descriptor that ipsecctl opened: checked, and read
 * whole.
 */
#ifndef POSTERN_CERTD_FILE_H
#define POSTERN_CERTD_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"

struct file {
	uint8_t *p;
	size_t n;
};

/* Reads all of it from the beginning, wherever the descriptor stands. 0; -EFBIG; -errno; with a sentence. */
must_check int file_read(int fd, const char *name, size_t max, struct file *ret, struct err_text *e);
/* Wipes and frees. */
void file_fini(struct file *f);
#define AUTO_FILE AUTO(file_fini)

#endif
