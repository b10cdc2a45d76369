/*
 * Octets of a message that have to outlive it: owned, replaced whole, no secrets.
 */
#ifndef POSTERN_KEYD_CORE_OCTETS_H
#define POSTERN_KEYD_CORE_OCTETS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "crypto/ike1.h"

struct octets {
	uint8_t *p;
	size_t n;
};

static inline void octets_fini(struct octets *o)
{
	free(o->p);
	*o = (struct octets){0};
}

/* Takes a copy. 0 or -ENOMEM, then as it was. */
must_check static inline int octets_set(struct octets *o, const void *p, size_t n)
{
	uint8_t *copy = (uint8_t *)malloc(n ? n : 1);

	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, p, n);
	free(o->p);
	o->p = copy;
	o->n = n;
	return 0;
}

static inline struct ike1_octets octets_slice(const struct octets *o)
{
	return (struct ike1_octets){o->p, o->n};
}

#endif
