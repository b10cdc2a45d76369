/*
 * RUN_DIR: root's folder in which no service can create or remove anything, and the few files the supervisor
 * keeps in it.
 */
#ifndef POSTERN_SUPERVISOR_RUN_DIR_H
#define POSTERN_SUPERVISOR_RUN_DIR_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "service/settings.h"

/*
 * Makes the folder (root's, 0755) or checks that it is one, and takes the lock in it that keeps a second
 * supervisor out. The lock lasts as long as `*ret_lock` is open. -EBUSY: another supervisor runs.
 */
int run_dir_open(const struct settings *s, int *ret_lock, struct err_text *e);

/* A whole small file as text; "" when there is none. */
void run_dir_read(const struct settings *s, const char *name, char *buf, size_t room);
/* Replaces a file atomically. 0 or -errno. */
int run_dir_write(const struct settings *s, const char *name, mode_t mode, const void *data, size_t n);
void run_dir_unlink(const struct settings *s, const char *name);
/* Removes the supervisor's own files and, if nothing else is left, the folder. */
void run_dir_remove(const struct settings *s);

#endif
