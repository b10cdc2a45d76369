/*
 * Whether root may execute a file because a configuration names it.
 */
#ifndef POSTERN_SERVICE_ROOT_FILE_H
#define POSTERN_SERVICE_ROOT_FILE_H

#include "base/err.h"

/*
 * A regular, executable file of root's, which nobody else can write, and whose every folder from / on nobody
 * else can write either, those behind symbolic links included. So whoever could put something else in its
 * place after this look is root already, and the path may be executed. 0; -EPERM for what is not so, or the
 * file system's -errno; with a sentence that says what to do.
 */
int root_file_check(const char *path, struct err_text *e);

#endif
