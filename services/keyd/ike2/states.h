/*
 * The states of an IKE SA of version 2, and which may follow which.
 */
#ifndef POSTERN_KEYD_IKE2_STATES_H
#define POSTERN_KEYD_IKE2_STATES_H

#include <stdbool.h>

/* I: this side began; R: the peer did. */
enum ike2_state {
	IKE2_S_NONE = 0,
	IKE2_S_I_NEW,    /* waits for our nonce (certd) */
	IKE2_S_I_INIT,   /* the request of IKE_SA_INIT is out */
	IKE2_S_I_PROVE,  /* waits for our proof (certd), and for what the first child needs */
	IKE2_S_I_AUTH,   /* the request of IKE_AUTH is out */
	IKE2_S_I_CHECK,  /* waits for the judgement of the peer's proof */
	IKE2_S_R_NEW,    /* waits for our nonce */
	IKE2_S_R_INIT,   /* the response of IKE_SA_INIT is out */
	IKE2_S_R_CHECK,  /* waits for the judgement of the peer's proof */
	IKE2_S_R_PROVE,  /* waits for our proof */
	IKE2_S_UP,       /* established */
	IKE2_S_REPLACED, /* another one has taken its place: it waits to be deleted */
	IKE2_S_LEAVING,  /* our delete is out */
	IKE2_S_GONE,     /* waits to be freed */
	IKE2_STATES,
};

const char *ike2_state_name(enum ike2_state s);
bool ike2_may_follow(enum ike2_state from, enum ike2_state to);

#endif
