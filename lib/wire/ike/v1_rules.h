/*
 * Which payloads each message of version 1 must and may have (RFC 2409 sections 5.1 to 5.7, RFC 3947, and the
 * drafts of base mode and of mode config), as tables.
 */
#ifndef POSTERN_WIRE_IKE_V1_RULES_H
#define POSTERN_WIRE_IKE_V1_RULES_H

#include "wire/ike/msg.h"
#include "wire/ike/v1.h"

/* A message by its place in its exchange; `sig`: with signatures in place of a hash under a shared key. */
enum ike1_message {
	IKE1_M_NONE = 0,
	IKE1_M_MAIN_SA,   /* 1 and 2 */
	IKE1_M_MAIN_KE,   /* 3 and 4 */
	IKE1_M_MAIN_AUTH, /* 5 and 6, enciphered */
	IKE1_M_AGGRESSIVE_1,
	IKE1_M_AGGRESSIVE_2,
	IKE1_M_AGGRESSIVE_3,
	IKE1_M_BASE_SA,             /* 1 and 2 */
	IKE1_M_BASE_AUTH,           /* 3 and 4 */
	IKE1_M_QUICK_SA,            /* 1 and 2, enciphered */
	IKE1_M_QUICK_END,           /* 3, enciphered */
	IKE1_M_QUICK_CONNECTED,     /* 4, with the commit bit, enciphered */
	IKE1_M_INFORMATIONAL,       /* enciphered */
	IKE1_M_INFORMATIONAL_CLEAR, /* before there are keys */
	IKE1_M_TRANSACTION,         /* enciphered */
	IKE1_MESSAGES,
};

enum ike1_violation {
	IKE1_V_NONE = 0,
	IKE1_V_MISSING,
	IKE1_V_TOO_MANY,
	IKE1_V_UNEXPECTED, /* does not belong into this message */
	IKE1_V_NOT_FIRST,  /* has to stand in front of all others, or right behind the first */
};

/* Judges a chain. *ret_type: the payload that is wrong. Vendor ids may stand anywhere, and unknown payloads
 * from 128 on (private use) are passed over. */
must_check enum ike1_violation ike1_rules_check(
    enum ike1_message m, bool sig, const struct ike_chain *c, uint8_t *ret_type);

/* "key exchange", "nonce": for logs; "payload 77" is the caller's to say when this is NULL. */
const char *ike1_payload_name(uint8_t type);
/* "NO-PROPOSAL-CHOSEN": RFC 2408's words for errors (section 3.14.1); "an unknown one" of all else. */
const char *ike1_notify_name(uint16_t type);

#endif
