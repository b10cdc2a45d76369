#include "keyd/ike2/states.h"

#include <stdint.h>

#define TO(s) (1U << (s))

static const struct {
	const char *name;
	uint32_t next; /* beside GONE, which may follow each */
} rows[IKE2_STATES] = {
    [IKE2_S_NONE] = {"none", TO(IKE2_S_I_NEW) | TO(IKE2_S_R_NEW) | TO(IKE2_S_UP)},
    [IKE2_S_I_NEW] = {"waiting for a nonce", TO(IKE2_S_I_INIT)},
    [IKE2_S_I_INIT] = {"IKE_SA_INIT sent", TO(IKE2_S_I_PROVE)},
    [IKE2_S_I_PROVE] = {"proving who we are", TO(IKE2_S_I_AUTH)},
    [IKE2_S_I_AUTH] = {"IKE_AUTH sent", TO(IKE2_S_I_CHECK)},
    [IKE2_S_I_CHECK] = {"judging the peer's proof", TO(IKE2_S_UP) | TO(IKE2_S_LEAVING)},
    [IKE2_S_R_NEW] = {"waiting for a nonce", TO(IKE2_S_R_INIT)},
    [IKE2_S_R_INIT] = {"IKE_SA_INIT answered", TO(IKE2_S_R_CHECK)},
    [IKE2_S_R_CHECK] = {"judging the peer's proof", TO(IKE2_S_R_PROVE)},
    [IKE2_S_R_PROVE] = {"proving who we are", TO(IKE2_S_UP)},
    [IKE2_S_UP] = {"established", TO(IKE2_S_REPLACED) | TO(IKE2_S_LEAVING)},
    [IKE2_S_REPLACED] = {"replaced by another one", TO(IKE2_S_LEAVING)},
    [IKE2_S_LEAVING] = {"deleting", 0},
    [IKE2_S_GONE] = {"gone", 0},
};

const char *ike2_state_name(enum ike2_state s)
{
	return (unsigned)s < IKE2_STATES ? rows[s].name : "?";
}

bool ike2_may_follow(enum ike2_state from, enum ike2_state to)
{
	if ((unsigned)from >= IKE2_STATES || (unsigned)to >= IKE2_STATES || from == IKE2_S_GONE)
		return false;
	return to == IKE2_S_GONE || (rows[from].next & TO(to));
}
