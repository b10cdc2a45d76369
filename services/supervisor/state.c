/*
 * Every cell is written out, the quiet ones too: a cell that nobody thought about is UNIT_DO_NOTHING towards
 * UNIT_DOWN, and a test that walks the table finds it, because only the STOP and EXIT columns may lead there.
 */
#include "supervisor/state.h"

#include "base/auto.h"

#define STAY(s)                                                                                              \
	{                                                                                                    \
		UNIT_DO_NOTHING, s                                                                           \
	}

static const struct unit_step table[UNIT_STATES][UNIT_EVENTS] =
    {
        [UNIT_DOWN] =
            {
                [UNIT_EV_START] = {UNIT_DO_SPAWN, UNIT_STARTING},
                [UNIT_EV_READY] = STAY(UNIT_DOWN),
                [UNIT_EV_PING] = STAY(UNIT_DOWN),
                [UNIT_EV_TIMER] = STAY(UNIT_DOWN),
                [UNIT_EV_EXIT] = STAY(UNIT_DOWN),
                [UNIT_EV_STOP] = {UNIT_DO_GONE, UNIT_DOWN},
            },
        [UNIT_STARTING] =
            {
                [UNIT_EV_START] = STAY(UNIT_STARTING),
                [UNIT_EV_READY] = {UNIT_DO_READY, UNIT_RUNNING},
                [UNIT_EV_PING] = STAY(UNIT_STARTING),
                [UNIT_EV_TIMER] = {UNIT_DO_ABORT, UNIT_ABORTING},
                [UNIT_EV_EXIT] = {UNIT_DO_REST, UNIT_RESTING},
                [UNIT_EV_STOP] = {UNIT_DO_TERM, UNIT_STOPPING},
            },
        [UNIT_RUNNING] =
            {
                [UNIT_EV_START] = STAY(UNIT_RUNNING),
                [UNIT_EV_READY] = STAY(UNIT_RUNNING),
                [UNIT_EV_PING] = {UNIT_DO_PET, UNIT_RUNNING},
                [UNIT_EV_TIMER] = {UNIT_DO_ABORT, UNIT_ABORTING},
                [UNIT_EV_EXIT] = {UNIT_DO_REST, UNIT_RESTING},
                [UNIT_EV_STOP] = {UNIT_DO_TERM, UNIT_STOPPING},
            },
        [UNIT_RESTING] =
            {
                [UNIT_EV_START] = STAY(UNIT_RESTING),
                [UNIT_EV_READY] = STAY(UNIT_RESTING),
                [UNIT_EV_PING] = STAY(UNIT_RESTING),
                [UNIT_EV_TIMER] = {UNIT_DO_SPAWN, UNIT_STARTING},
                [UNIT_EV_EXIT] = STAY(UNIT_RESTING),
                [UNIT_EV_STOP] = {UNIT_DO_GONE, UNIT_DOWN},
            },
        [UNIT_ABORTING] =
            {
                [UNIT_EV_START] = STAY(UNIT_ABORTING),
                [UNIT_EV_READY] = STAY(UNIT_ABORTING),
                [UNIT_EV_PING] = STAY(UNIT_ABORTING),
                [UNIT_EV_TIMER] = {UNIT_DO_KILL, UNIT_KILLING},
                [UNIT_EV_EXIT] = {UNIT_DO_REST, UNIT_RESTING},
                [UNIT_EV_STOP] = {UNIT_DO_KILL, UNIT_FINISHING},
            },
        [UNIT_KILLING] =
            {
                [UNIT_EV_START] = STAY(UNIT_KILLING),
                [UNIT_EV_READY] = STAY(UNIT_KILLING),
                [UNIT_EV_PING] = STAY(UNIT_KILLING),
                [UNIT_EV_TIMER] = {UNIT_DO_KILL, UNIT_KILLING},
                [UNIT_EV_EXIT] = {UNIT_DO_REST, UNIT_RESTING},
                [UNIT_EV_STOP] = {UNIT_DO_KILL, UNIT_FINISHING},
            },
        [UNIT_STOPPING] =
            {
                [UNIT_EV_START] = STAY(UNIT_STOPPING),
                [UNIT_EV_READY] = STAY(UNIT_STOPPING),
                [UNIT_EV_PING] = STAY(UNIT_STOPPING),
                [UNIT_EV_TIMER] = {UNIT_DO_KILL, UNIT_FINISHING},
                [UNIT_EV_EXIT] = {UNIT_DO_GONE, UNIT_DOWN},
                [UNIT_EV_STOP] = STAY(UNIT_STOPPING),
            },
        [UNIT_FINISHING] =
            {
                [UNIT_EV_START] = STAY(UNIT_FINISHING),
                [UNIT_EV_READY] = STAY(UNIT_FINISHING),
                [UNIT_EV_PING] = STAY(UNIT_FINISHING),
                [UNIT_EV_TIMER] = {UNIT_DO_KILL, UNIT_FINISHING},
                [UNIT_EV_EXIT] = {UNIT_DO_GONE, UNIT_DOWN},
                [UNIT_EV_STOP] = STAY(UNIT_FINISHING),
            },
};

static const char *const names[UNIT_STATES] = {
    [UNIT_DOWN] = "down",
    [UNIT_STARTING] = "starting",
    [UNIT_RUNNING] = "running",
    [UNIT_RESTING] = "resting",
    [UNIT_ABORTING] = "aborting",
    [UNIT_KILLING] = "killing",
    [UNIT_STOPPING] = "stopping",
    [UNIT_FINISHING] = "finishing",
};

struct unit_step unit_step(enum unit_state s, enum unit_event e)
{
	return table[s][e];
}

const char *unit_state_name(enum unit_state s)
{
	return (unsigned)s < ARRAY_SIZE(names) ? names[s] : "unknown";
}
