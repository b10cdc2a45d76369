/*
 * OpenSSL's secure heap is the arena: one mapping between guard pages, locked and left out of dumps, that
 * wipes what is freed into it. It lacks one thing, protection from fork(), which is added here. Length and
 * octets of a secret lie together in the arena, so nothing about a key is in ordinary memory.
 */
#include "secret/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

struct secret {
	size_t cap, len;
	uint8_t bytes[];
};

enum { ARENA_MIN = 1 << 14, CHUNK_MIN = 32 };

static size_t round_up_pow2(size_t n)
{
	size_t p = ARENA_MIN;

	while (p < n && p <= SIZE_MAX / 2)
		p *= 2;
	return p;
}

/* The heap does not tell where its arena is, but the one chunk of the arena's own size is the arena. */
static int arena_hide_from_children(size_t size)
{
	void *base = OPENSSL_secure_malloc(size);
	int r = -ENOMEM;

	if (base)
		r = madvise(base, size, MADV_WIPEONFORK) == 0 ? 0 : -errno;
	OPENSSL_secure_free(base);
	return r;
}

int secret_init(size_t bytes, struct err_text *e)
{
	size_t size = round_up_pow2(bytes);
	int ok, r;

	if (CRYPTO_secure_malloc_initialized())
		return 0;
	ok = CRYPTO_secure_malloc_init(size, CHUNK_MIN);
	if (ok == 0)
		return err_set(e, -ENOMEM, "cannot set aside %zu bytes of memory for keys", size);
	if (ok != 1) {
		CRYPTO_secure_malloc_done();
		return err_set(e, -EPERM,
		    "cannot lock %zu bytes of memory for keys: raise the memlock limit (ulimit -l, or "
		    "LimitMEMLOCK= in "
		    "the unit)",
		    size);
	}
	r = arena_hide_from_children(size);
	if (r < 0) {
		CRYPTO_secure_malloc_done();
		return err_set(e, r, "cannot keep the memory for keys from child processes: %s", err_name(r));
	}
	return 0;
}

struct secret *secret_new(size_t cap)
{
	struct secret *s;

	/* Without an arena OpenSSL would quietly use ordinary memory. */
	if (!CRYPTO_secure_malloc_initialized() || !cap || cap > SIZE_MAX - sizeof(*s))
		return NULL;
	s = OPENSSL_secure_zalloc(sizeof(*s) + cap);
	if (s)
		s->cap = cap;
	return s;
}

int secret_set(struct secret *s, const void *p, size_t n)
{
	if (n > s->cap)
		return -EMSGSIZE;
	wipe(s->bytes, s->cap);
	if (n)
		memcpy(s->bytes, p, n);
	s->len = n;
	return 0;
}

struct secret *secret_dup_bytes(const void *p, size_t n)
{
	struct secret *s = secret_new(n ? n : 1);

	if (s && secret_set(s, p, n) < 0)
		s = secret_free(s);
	return s;
}

size_t secret_len(const struct secret *s)
{
	return s->len;
}

size_t secret_cap(const struct secret *s)
{
	return s->cap;
}

const uint8_t *secret_bytes(const struct secret *s)
{
	return s->bytes;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && secret_equal_bytes(a->bytes, b->bytes, a->len);
}

bool secret_equal_bytes(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

struct secret *secret_free(struct secret *s)
{
	if (s)
		OPENSSL_secure_clear_free(s, sizeof(*s) + s->cap);
	return NULL;
}
