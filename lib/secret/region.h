/*
 * Secret memory that outlives its process: a descriptor that can wait in the launcher's store and be mapped
 * again, octets intact, by the next life of the service.
 */
#ifndef POSTERN_SECRET_REGION_H
#define POSTERN_SECRET_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"

enum secret_region_kind {
	SECRET_REGION_NONE = 0,
	SECRET_REGION_KERNEL, /* memfd_secret(2): locked, in no dump, unreadable even through /proc */
	SECRET_REGION_MEMFD, /* kernel without it: a sealed memfd, locked and left out of dumps; root can read
	                        it */
};

struct secret_region {
	enum secret_region_kind kind;
	int fd;     /* owned; -1 when there is no region */
	uint8_t *p; /* `len` octets, shared, page aligned; NULL when there is no region */
	size_t len;
};

#define SECRET_REGION_INIT                                                                                   \
	{                                                                                                    \
		.fd = -1                                                                                     \
	}

/*
 * A new region of n octets (rounded up to pages), all zero, mapped. `name` is for /proc/PID/maps. 0, or
 * -errno with *e: -EAGAIN or -EPERM when the memlock limit is too low.
 */
must_check int secret_region_create(
    const char *name, size_t n, struct secret_region *ret, struct err_text *e);

/* As create, but never with memfd_secret: for tests of the fallback. */
must_check int secret_region_create_memfd(
    const char *name, size_t n, struct secret_region *ret, struct err_text *e);

/*
 * Maps a region received from somebody else. Believes nothing: the descriptor must be open for reading and
 * writing, be secret memory or a memfd whose size is sealed, have no name in a file system, and be `n` octets
 * (rounded up to pages) or, with n = 0, any whole number of pages up to 1 GiB. Takes `fd` on success only. 0,
 * or -errno with *e: -EINVAL when it is not such a region.
 */
must_check int secret_region_adopt(int fd, size_t n, struct secret_region *ret, struct err_text *e);

/* Unmaps and closes; the octets live on in other copies of the descriptor. A region of SECRET_REGION_INIT is
 * fine. */
void secret_region_fini(struct secret_region *r);
#define AUTO_SECRET_REGION AUTO(secret_region_fini)

/* "memfd_secret" or "memfd (locked, not dumped)", for the log. */
const char *secret_region_kind_name(enum secret_region_kind k);

#endif
