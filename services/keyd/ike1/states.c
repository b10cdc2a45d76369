/*
 * A row a state: its name, and what may come next. Everything may end.
 */
#include "keyd/ike1/states.h"

#include <stdint.h>

#define TO(s) (1U << (s))
/* Phase 1 has ended well. */
#define PROVED (TO(ISAKMP_XAUTH) | TO(ISAKMP_CONFIG) | TO(ISAKMP_UP))

static const struct {
	const char *name;
	uint32_t next;
} rows[ISAKMP_STATES] = {
    [ISAKMP_NONE] = {"none", TO(ISAKMP_I_NEW) | TO(ISAKMP_R_NEW)},
    [ISAKMP_I_NEW] = {"beginning", TO(ISAKMP_I_SA) | TO(ISAKMP_I_OFFERED) | TO(ISAKMP_I_HELLO)},
    [ISAKMP_I_SA] = {"main mode, message 1 sent", TO(ISAKMP_I_KE)},
    [ISAKMP_I_KE] = {"main mode, message 3 sent", TO(ISAKMP_I_SKEYID)},
    [ISAKMP_I_SKEYID] = {"waiting for the key", TO(ISAKMP_I_PROVE) | TO(ISAKMP_I_CHECK)},
    [ISAKMP_I_PROVE] = {"waiting for our proof", TO(ISAKMP_I_AUTH) | TO(ISAKMP_I_SHOWN) | PROVED},
    [ISAKMP_I_AUTH] = {"main mode, message 5 sent", TO(ISAKMP_I_CHECK)},
    [ISAKMP_I_CHECK] = {"waiting for the peer's proof to be judged",
        TO(ISAKMP_I_AUTH) | TO(ISAKMP_I_OFFERED) | TO(ISAKMP_I_PROVE) | PROVED},
    [ISAKMP_I_OFFERED] = {"aggressive mode, message 1 sent", TO(ISAKMP_I_SKEYID)},
    [ISAKMP_I_HELLO] = {"base mode, message 1 sent", TO(ISAKMP_I_SKEYID)},
    [ISAKMP_I_SHOWN] = {"base mode, message 3 sent", TO(ISAKMP_I_SKEYID)},
    [ISAKMP_R_NEW] = {"answering", TO(ISAKMP_R_SA) | TO(ISAKMP_R_SKEYID) | TO(ISAKMP_R_HELLO)},
    [ISAKMP_R_SA] = {"main mode, message 2 sent", TO(ISAKMP_R_SKEYID)},
    [ISAKMP_R_KE] = {"main mode, message 4 sent", TO(ISAKMP_R_CHECK)},
    [ISAKMP_R_SKEYID] = {"waiting for the key", TO(ISAKMP_R_KE) | TO(ISAKMP_R_PROVE) | TO(ISAKMP_R_CHECK)},
    [ISAKMP_R_PROVE] = {"waiting for our proof", TO(ISAKMP_R_ANSWERED) | PROVED},
    [ISAKMP_R_ANSWERED] = {"aggressive mode, message 2 sent", TO(ISAKMP_R_CHECK)},
    [ISAKMP_R_HELLO] = {"base mode, message 2 sent", TO(ISAKMP_R_SKEYID)},
    [ISAKMP_R_CHECK] = {"waiting for the peer's proof to be judged",
        TO(ISAKMP_R_KE) | TO(ISAKMP_R_ANSWERED) | TO(ISAKMP_R_PROVE) | PROVED},
    [ISAKMP_XAUTH] = {"XAuth", TO(ISAKMP_CONFIG) | TO(ISAKMP_UP)},
    [ISAKMP_CONFIG] = {"mode config", TO(ISAKMP_UP)},
    [ISAKMP_UP] = {"established", 0},
    [ISAKMP_GONE] = {"gone", 0},
};

const char *isakmp_state_name(enum isakmp_state s)
{
	return (unsigned)s < ISAKMP_STATES ? rows[s].name : "?";
}

bool isakmp_may_follow(enum isakmp_state from, enum isakmp_state to)
{
	if ((unsigned)from >= ISAKMP_STATES || from == ISAKMP_GONE)
		return false;
	return to == ISAKMP_GONE || ((unsigned)to < ISAKMP_STATES && (rows[from].next & TO(to)));
}
