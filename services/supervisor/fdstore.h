/*
 * Descriptors that outlive the process that made them, one store per service. Held and handed on; never
 * mapped, read or written.
 */
#ifndef POSTERN_SUPERVISOR_FDSTORE_H
#define POSTERN_SUPERVISOR_FDSTORE_H

#include "supervisor/notify_msg.h"
#include "supervisor/table.h"

enum { FDSTORE_MAX = 272 };

struct fdstore {
	const struct unit_def *def;
	struct fdstore_entry {
		char name[NOTIFY_NAME_MAX];
		int fd;
	} e[FDSTORE_MAX];
	size_t n;
};

enum fdstore_outcome {
	FDSTORE_DONE = 0,
	FDSTORE_NAME, /* this service may not store under that name */
	FDSTORE_TYPE, /* not the kind of descriptor that belongs under it */
	FDSTORE_FULL,
	FDSTORE_NOT_THERE,
};

void fdstore_init(struct fdstore *s, const struct unit_def *def);
void fdstore_fini(struct fdstore *s);
/* Takes `fd` whatever the outcome. A name that is there already gets the new descriptor. */
enum fdstore_outcome fdstore_put(struct fdstore *s, const char *name, int fd);
enum fdstore_outcome fdstore_remove(struct fdstore *s, const char *name);
const char *fdstore_outcome_text(enum fdstore_outcome o);

#endif
