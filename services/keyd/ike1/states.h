/*
 * The states of an ISAKMP SA of version 1, and which may follow which.
 */
#ifndef POSTERN_KEYD_IKE1_STATES_H
#define POSTERN_KEYD_IKE1_STATES_H

#include <stdbool.h>

/* I: this side began; R: the peer did. */
enum isakmp_state {
	ISAKMP_NONE = 0,
	ISAKMP_I_NEW,     /* aggressive, base: waits for our nonce and identity (certd) */
	ISAKMP_I_SA,      /* main: message 1 is out; then as above */
	ISAKMP_I_KE,      /* main: message 3 is out */
	ISAKMP_I_SKEYID,  /* waits for keys (certd); base: and before that for certd to hear of it */
	ISAKMP_I_PROVE,   /* waits for our proof (certd) */
	ISAKMP_I_AUTH,    /* main: message 5 is out */
	ISAKMP_I_CHECK,   /* waits for the judgement of the peer's proof */
	ISAKMP_I_OFFERED, /* aggressive: message 1 is out */
	ISAKMP_I_HELLO,   /* base: message 1 is out */
	ISAKMP_I_SHOWN,   /* base: message 3 is out */
	ISAKMP_R_NEW,     /* aggressive, base: waits for our nonce and identity */
	ISAKMP_R_SA,      /* main: message 2 is out */
	ISAKMP_R_KE,      /* main: message 4 is out */
	ISAKMP_R_SKEYID,  /* waits for keys; main: before that for nonce and identity */
	ISAKMP_R_PROVE,
	ISAKMP_R_ANSWERED, /* aggressive: message 2 is out */
	ISAKMP_R_HELLO,    /* base: message 2 is out */
	ISAKMP_R_CHECK,
	ISAKMP_XAUTH,  /* who the user is, is being asked */
	ISAKMP_CONFIG, /* addresses have been asked for */
	ISAKMP_UP,     /* established */
	ISAKMP_GONE,   /* waits to be freed */
	ISAKMP_STATES,
};

const char *isakmp_state_name(enum isakmp_state s);
bool isakmp_may_follow(enum isakmp_state from, enum isakmp_state to);

#endif
