/*
 * A loaded configuration in a sealed memory file, for the launcher's store: a service that is started again
 * finds what it had, without anybody loading it. No secret is in it. What comes back is judged like what
 * comes over a socket.
 */
#ifndef POSTERN_IPC_IKE_KEPT_H
#define POSTERN_IPC_IKE_KEPT_H

#include "base/err.h"
#include "base/sbuf.h"
#include "ipsec/ike_conf.h"

enum { IKE_KEPT_MAX = 64 << 20 /* octets */ };

/* One piece: a record's body, and a file's contents beside it (NULL: none). */
struct ike_kept_piece {
	uint16_t type; /* enum ipc_type */
	const uint8_t *body, *file;
	uint32_t n_body, n_file;
};

void ike_kept_add(struct sbuf *to, const struct ike_kept_piece *p);
/* A sealed memory file of all pieces, under a generation. The descriptor, or -errno. */
must_check int ike_kept_seal(const struct sbuf *pieces, uint64_t generation);
/* Reads one back (the descriptor is closed) and calls fn for each piece in order; fn's negative answer ends
 * it. 0 with the generation; -EBADMSG for what is no such file; fn's answer. */
must_check int ike_kept_read(
    int fd, int (*fn)(void *arg, const struct ike_kept_piece *p), void *arg, uint64_t *ret_generation);

#endif
