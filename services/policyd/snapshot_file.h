/*
 * The SPD on disk, for the next start: of policyd, or of the machine, which comes up protected before anybody
 * loads a file.
 */
#ifndef POSTERN_POLICYD_SNAPSHOT_FILE_H
#define POSTERN_POLICYD_SNAPSHOT_FILE_H

#include <stdint.h>

#include "base/err.h"
#include "policyd/book.h"

enum { BOOT_ID_LEN = 16 };

struct boot_id {
	uint8_t b[BOOT_ID_LEN];
};

/* Which boot this is. 0 or -errno; before the sandbox. */
int boot_id_read(struct boot_id *ret);

/* Replaces DIR/spd.snapshot by `b`, on disk when it returns. 0 or -errno with a sentence. */
int snapshot_save(const char *dir, const struct book *b, const struct boot_id *boot, struct err_text *e);

/*
 * Reads DIR/spd.snapshot into an initialised, empty book. Entries of another boot, or of one that was
 * withdrawn, become inherited. 0; -ENOENT: there is none; -EBADMSG: it is not one, the sentence says where;
 * then the book is still empty.
 */
int snapshot_load(const char *dir, struct book *b, const struct boot_id *boot, struct err_text *e);

/* Gives a file that cannot be used the further name spd.snapshot.damaged, for a look. Its own stays until the
 * next save, so that a start before that knows too that policies are lost. 0 or -errno with a sentence. */
int snapshot_set_aside(const char *dir, struct err_text *e);

/* For tests and tools: the file's octets. */
int snapshot_decode(
    const uint8_t *buf, size_t n, struct book *b, const struct boot_id *boot, struct err_text *e);

/* Marks the file as left behind by --withdraw, in place, so that its owner stays its owner. 0, also when
 * there is none. */
int snapshot_mark_left(const char *dir, struct err_text *e);

#endif
