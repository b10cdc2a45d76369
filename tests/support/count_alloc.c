#include "support/count_alloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool count_alloc_works(void)
{
	return false;
}

unsigned long count_alloc(void)
{
	return 0;
}

#else

static atomic_ulong n;

/* glibc's own, under the names that it keeps for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size)
{
	atomic_fetch_add_explicit(&n, 1, memory_order_relaxed);
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	atomic_fetch_add_explicit(&n, 1, memory_order_relaxed);
	return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
	atomic_fetch_add_explicit(&n, 1, memory_order_relaxed);
	return __libc_realloc(p, size);
}

void *memalign(size_t align, size_t size)
{
	atomic_fetch_add_explicit(&n, 1, memory_order_relaxed);
	return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int posix_memalign(void **ret, size_t align, size_t size)
{
	void *p = memalign(align, size);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

bool count_alloc_works(void)
{
	return true;
}

unsigned long count_alloc(void)
{
	return atomic_load_explicit(&n, memory_order_relaxed);
}

#endif
