/*
 * What RFC 8247 advises against in key exchange, and modes that give away more than they must: one table for
 * those who warn of a configuration and those who show what is in use.
 */
#ifndef POSTERN_IPSEC_IKE_WEAK_H
#define POSTERN_IPSEC_IKE_WEAK_H

#include "ipsec/ike_conf.h"

/* What is wrong with it and what to take, to stand behind "negotiates with"; NULL: nothing. */
const char *ike_weak_cipher(enum alg_enc enc);
const char *ike_weak_hash(enum alg_prf hash);
const char *ike_weak_group(enum alg_group group);
/* Whether a mode lets others guess at a pre-shared key, by themselves and as often as they like. */
bool ike_weak_guess(enum ike_mode mode, enum ike_auth_method auth);

#endif
