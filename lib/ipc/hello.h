/*
 * The first record in both directions: who is talking, about which edge, in which versions.
 */
#ifndef POSTERN_IPC_HELLO_H
#define POSTERN_IPC_HELLO_H

#include <stdint.h>

#include "base/err.h"
#include "ipc/record.h"

enum { IPC_HELLO_BODY_MAX = 512 };

/* What this side says. */
struct ipc_hello {
	uint16_t version_min, version_max;
	const char *edge, *instance; /* borrowed */
	uint64_t epoch_ms;
};

/* What follows from what the other side said. */
struct ipc_hello_peer {
	uint16_t version; /* the highest that both know */
	uint64_t epoch_ms;
};

/* Writes the record. Its length, or -EMSGSIZE. */
int ipc_hello_build(void *buf, size_t room, uint32_t id, const struct ipc_hello *mine);

/* Judges the other side's first record. 0, or -EPROTO with a sentence in `e`. */
int ipc_hello_check(const struct ipc_record *rec, const struct ipc_hello *mine, struct ipc_hello_peer *ret,
    struct err_text *e);

#endif
