/*
 * The fake lives beside the real clock because every library's tests need it and it costs nothing.
 */
#include "base/clock.h"

#include <time.h>

static uint64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t boottime_now_ms(const struct clock *c)
{
	(void)c;
	return read_ms(CLOCK_BOOTTIME);
}

const struct clock clock_boottime = {.now_ms = boottime_now_ms};

uint64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

static uint64_t fake_now_ms(const struct clock *c)
{
	return ((const struct clock_fake *)c)->ms;
}

void clock_fake_init(struct clock_fake *f, uint64_t start_ms)
{
	f->clock.now_ms = fake_now_ms;
	f->ms = start_ms;
}
