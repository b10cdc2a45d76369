/*
 * Which payloads each message of version 2 must and may have (RFC 7296 sections 1.2 to 1.5 and appendix C,
 * RFC 6023), as tables. Order is free (section 2.5).
 */
#ifndef POSTERN_WIRE_IKE_V2_RULES_H
#define POSTERN_WIRE_IKE_V2_RULES_H

#include "wire/ike/msg.h"
#include "wire/ike/v2.h"

/* A message by its exchange and by what it is about. Of protected ones it is the inner chain that is judged;
 * their outer one is IKE2_M_PROTECTED. A response that refuses lacks what an answer must have. */
enum ike2_message {
	IKE2_M_NONE = 0,
	IKE2_M_PROTECTED, /* outside of the Encrypted payload: nothing but it */
	IKE2_M_INIT_REQUEST,
	IKE2_M_INIT_RESPONSE,
	IKE2_M_INIT_REFUSAL, /* COOKIE, INVALID_KE_PAYLOAD, NO_PROPOSAL_CHOSEN */
	IKE2_M_AUTH_REQUEST,
	IKE2_M_AUTH_REQUEST_CHILDLESS, /* RFC 6023 */
	IKE2_M_AUTH_RESPONSE,
	IKE2_M_AUTH_RESPONSE_CHILDLESS, /* also when the IKE SA is made and its child refused */
	IKE2_M_AUTH_REFUSAL,
	IKE2_M_CHILD_REQUEST, /* of a new one; rekeying, with REKEY_SA */
	IKE2_M_CHILD_RESPONSE,
	IKE2_M_REKEY_REQUEST, /* of the IKE SA */
	IKE2_M_REKEY_RESPONSE,
	IKE2_M_CREATE_REFUSAL, /* of any of these */
	IKE2_M_INFORMATIONAL,  /* both ways */
	IKE2_MESSAGES,
};

/* Which of them a chain wants to be: traffic selectors make a child, a response without an SA (or, of
 * IKE_AUTH, without AUTH) refuses. IKE2_M_NONE: no exchange of ours. */
enum ike2_message ike2_message_of(uint8_t exchange, bool response, const struct ike_chain *c);

enum ike2_violation {
	IKE2_V_NONE = 0,
	IKE2_V_MISSING,
	IKE2_V_TOO_MANY,
	IKE2_V_UNEXPECTED, /* does not belong into this message */
	IKE2_V_CRITICAL,   /* unknown, and critical: UNSUPPORTED_CRITICAL_PAYLOAD with its type */
};

/* Judges a chain. *ret_type: the payload that is wrong. Vendor ids may stand in every one, notifications in
 * every one but outside of an Encrypted payload, and unknown payloads anywhere, unless they are critical
 * (section 2.5), which is worse than any other violation; the critical bit of known payloads is not looked at
 * (section 3.2). */
must_check enum ike2_violation ike2_rules_check(
    enum ike2_message m, const struct ike_chain *c, uint8_t *ret_type);

#endif
