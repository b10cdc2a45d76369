/*
 * Time as an interface, so that a test can be the clock. Lifetimes and deadlines are CLOCK_BOOTTIME
 * milliseconds (they count while the machine sleeps); the wall clock only decorates dumps and logs.
 */
#ifndef POSTERN_BASE_CLOCK_H
#define POSTERN_BASE_CLOCK_H

#include <stdint.h>

struct clock {
	uint64_t (*now_ms)(const struct clock *c);
};

/* The real clock: CLOCK_BOOTTIME in milliseconds. */
extern const struct clock clock_boottime;

static inline uint64_t clock_now_ms(const struct clock *c)
{
	return c->now_ms(c);
}

/* Wall-clock milliseconds since 1970-01-01 UTC, for people only. */
uint64_t clock_wall_ms(void);

/* A clock that moves when told to. Pass &f.clock where a clock is wanted. */
struct clock_fake {
	struct clock clock;
	uint64_t ms;
};

void clock_fake_init(struct clock_fake *f, uint64_t start_ms);

#endif
