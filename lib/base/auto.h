/*
 * Ownership that cannot be forgotten: locals declared with AUTO_* release what they hold on every way out
 * of the block. A function that succeeds hands its result over with take_ptr() or take_fd().
 */
#ifndef POSTERN_BASE_AUTO_H
#define POSTERN_BASE_AUTO_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUTO(fn) __attribute__((cleanup(fn)))

static inline void auto_free_(void *p)
{
	free(*(void **)p);
}

static inline void auto_close_(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Frees with free(3). */
#define AUTO_FREE AUTO(auto_free_)
/* Closes a descriptor unless it is negative. */
#define AUTO_CLOSE AUTO(auto_close_)

/* Hands a pointer over to the caller and disarms the local that held it. */
#define take_ptr(p)                                                                                          \
	({                                                                                                   \
		__typeof__(p) taken_ = (p);                                                                  \
		(p) = NULL;                                                                                  \
		taken_;                                                                                      \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Overwrites n bytes in a way the compiler may not drop. */
static inline void wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define must_check    __attribute__((warn_unused_result))
#define container_of(ptr, type, member)                                                                      \
	({                                                                                                   \
		__typeof__(((type *)0)->member) *mptr_ = (ptr);                                              \
		(type *)(void *)((char *)mptr_ - offsetof(type, member));                                    \
	})

#endif
