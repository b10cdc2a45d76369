/*
 * The fingerprints of counter-mode keys once more, in a file: SAD memory ends with its launcher, and a key
 * that was used must be refused after a restart of the suite or of the host too (RFC 8221 section 3). The
 * file is opened before the privilege drop; all that is done here is done on its descriptor.
 */
#ifndef POSTERN_DATAPATHD_SA_PRINTS_FILE_H
#define POSTERN_DATAPATHD_SA_PRINTS_FILE_H

#include "base/auto.h"
#include "base/err.h"
#include "datapathd/sa/store.h"

/* Read and write, made if need be, mode 0600; never a link. The descriptor, or -errno with `e`. */
int must_check prints_file_open(const char *path, struct err_text *e);

/*
 * Between the store's last adopt and its begin: makes store and file agree. A store without memory takes over
 * the file's key and fingerprints; a file that is empty or not this store's is written anew from memory. 0,
 * or negative with `e`: then no counter-mode key may be loaded.
 */
int must_check prints_file_join(int fd, struct sad_store *s, struct err_text *e);

/* Adds one and waits for the disk. 0, or -errno. */
int must_check prints_file_add(int fd, const uint8_t print[SAD_PRINT_LEN]);

#endif
