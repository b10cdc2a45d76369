/*
 * Files in the service's state folder: replaced whole, so that a crash leaves the old one or the new one.
 */
#ifndef POSTERN_POLICYD_STATE_FILE_H
#define POSTERN_POLICYD_STATE_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/sbuf.h"

/* Writes DIR/NAME.new, syncs it and gives it the name: on disk when this returns. 0 or -errno with a
 * sentence. */
int state_file_replace(const char *dir, const char *name, const struct sbuf *text, struct err_text *e);
/* Adds the file to `ret`. 0; -ENOENT: there is none; -EBADMSG: it is no file, or larger than `max`; -errno;
 * with a sentence. */
int state_file_read(const char *dir, const char *name, size_t max, struct sbuf *ret, struct err_text *e);

#endif
