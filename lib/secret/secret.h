/*
 * Key octets: held in one locked arena that no core dump, swap file or child process sees, and wiped when
 * they are let go. No function prints a secret and none copies it anywhere but into another secret.
 */
#ifndef POSTERN_SECRET_SECRET_H
#define POSTERN_SECRET_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"

struct secret;

/*
 * Makes the arena; once, before the first secret and before threads. `bytes` is rounded up to a power of two
 * and must fit the memlock limit. 0 (also when the arena is there already), -ENOMEM when it cannot be made,
 * -EPERM when it cannot be locked; *e says what to raise. After fork the child's arena reads as zeros: a
 * child may only exec or _exit.
 */
must_check int secret_init(size_t bytes, struct err_text *e);

/* Room for `cap` octets (1 and up), empty. NULL when the arena is full or was never made. */
struct secret *secret_new(size_t cap);

/* Replaces the octets; what was there is wiped first. 0, or -EMSGSIZE when n is above the capacity. `p` may
 * not point into `s`. */
must_check int secret_set(struct secret *s, const void *p, size_t n);

/* New secret of exactly these octets; NULL when the arena is full. n may be 0. */
struct secret *secret_dup_bytes(const void *p, size_t n);

size_t secret_len(const struct secret *s);
size_t secret_cap(const struct secret *s);
/* Borrowed; valid until the next secret_set() or secret_free(). */
const uint8_t *secret_bytes(const struct secret *s);

/* Time depends on the lengths only, never on the octets. */
bool secret_equal(const struct secret *a, const struct secret *b);
/* The same for plain memory, e.g. an integrity value. */
bool secret_equal_bytes(const void *a, const void *b, size_t n);

/* Wipes and releases; NULL is fine. Always returns NULL. */
struct secret *secret_free(struct secret *s);

static inline void auto_secret_(struct secret **s)
{
	secret_free(*s);
}

/* Frees (and so wipes) the secret on every way out of the block. */
#define AUTO_SECRET AUTO(auto_secret_)

struct wipe_guard {
	void *p;
	size_t n;
};

static inline void wipe_guard_run(struct wipe_guard *g)
{
	wipe(g->p, g->n);
}

/* Put behind the declaration of an array or struct that will hold key material; it is wiped on every way out:
 *     uint8_t k[20];
 *     AUTO_WIPE(k);
 */
#define AUTO_WIPE(var) AUTO(wipe_guard_run) struct wipe_guard wipe_guard_##var = {(void *)&(var), sizeof(var)}

#endif
