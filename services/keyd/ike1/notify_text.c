/*
 * Notifications in words: the RFC's name, and for those that a peer sends when something is wrong, what it
 * usually means.
 */
#include <stdio.h>

#include "keyd/ike1/inform.h"
#include "wire/ike/v1.h"

static const struct {
	uint16_t type;
	const char *name, *meaning; /* meaning NULL: the name says it */
} rows[] = {
    {IKE1_N_INVALID_PAYLOAD_TYPE, "INVALID-PAYLOAD-TYPE", NULL},
    {IKE1_N_DOI_NOT_SUPPORTED, "DOI-NOT-SUPPORTED", NULL},
    {IKE1_N_SITUATION_NOT_SUPPORTED, "SITUATION-NOT-SUPPORTED", NULL},
    {IKE1_N_INVALID_COOKIE, "INVALID-COOKIE", "it does not know this ISAKMP SA (any more)"},
    {IKE1_N_INVALID_MAJOR_VERSION, "INVALID-MAJOR-VERSION", "it does not speak IKEv1"},
    {IKE1_N_INVALID_MINOR_VERSION, "INVALID-MINOR-VERSION", NULL},
    {IKE1_N_INVALID_EXCHANGE_TYPE, "INVALID-EXCHANGE-TYPE", "exchange_mode is none that it answers"},
    {IKE1_N_INVALID_FLAGS, "INVALID-FLAGS", NULL},
    {IKE1_N_INVALID_MESSAGE_ID, "INVALID-MESSAGE-ID", NULL},
    {IKE1_N_INVALID_PROTOCOL_ID, "INVALID-PROTOCOL-ID", NULL},
    {IKE1_N_INVALID_SPI, "INVALID-SPI", "it does not know an SA (any more)"},
    {IKE1_N_INVALID_TRANSFORM_ID, "INVALID-TRANSFORM-ID", NULL},
    {IKE1_N_ATTRIBUTES_NOT_SUPPORTED, "ATTRIBUTES-NOT-SUPPORTED", NULL},
    {IKE1_N_NO_PROPOSAL_CHOSEN, "NO-PROPOSAL-CHOSEN",
        "no proposal is acceptable to it: compare algorithms, groups and lifetimes"},
    {IKE1_N_BAD_PROPOSAL_SYNTAX, "BAD-PROPOSAL-SYNTAX", NULL},
    {IKE1_N_PAYLOAD_MALFORMED, "PAYLOAD-MALFORMED", "with pre-shared keys often: the keys are not the same"},
    {IKE1_N_INVALID_KEY_INFORMATION, "INVALID-KEY-INFORMATION", NULL},
    {IKE1_N_INVALID_ID_INFORMATION, "INVALID-ID-INFORMATION",
        "it has nothing for these identities: compare identifiers, and the networks of both sides"},
    {IKE1_N_INVALID_CERT_ENCODING, "INVALID-CERT-ENCODING", NULL},
    {IKE1_N_INVALID_CERTIFICATE, "INVALID-CERTIFICATE", "it does not take our certificate"},
    {IKE1_N_CERT_TYPE_UNSUPPORTED, "CERT-TYPE-UNSUPPORTED", NULL},
    {IKE1_N_INVALID_CERT_AUTHORITY, "INVALID-CERT-AUTHORITY", "it does not trust our certificate's issuer"},
    {IKE1_N_INVALID_HASH_INFORMATION, "INVALID-HASH-INFORMATION",
        "with pre-shared keys: they are not the same"},
    {IKE1_N_AUTHENTICATION_FAILED, "AUTHENTICATION-FAILED", "it does not believe our proof"},
    {IKE1_N_INVALID_SIGNATURE, "INVALID-SIGNATURE", "it does not believe our signature"},
    {IKE1_N_ADDRESS_NOTIFICATION, "ADDRESS-NOTIFICATION", NULL},
    {IKE1_N_NOTIFY_SA_LIFETIME, "NOTIFY-SA-LIFETIME", NULL},
    {IKE1_N_CERTIFICATE_UNAVAILABLE, "CERTIFICATE-UNAVAILABLE", NULL},
    {IKE1_N_UNSUPPORTED_EXCHANGE_TYPE, "UNSUPPORTED-EXCHANGE-TYPE", "exchange_mode is none that it answers"},
    {IKE1_N_UNEQUAL_PAYLOAD_LENGTHS, "UNEQUAL-PAYLOAD-LENGTHS", NULL},
    {IKE1_N_CONNECTED, "CONNECTED", NULL},
    {IKE1_N_RESPONDER_LIFETIME, "RESPONDER-LIFETIME", NULL},
    {IKE1_N_REPLAY_STATUS, "REPLAY-STATUS", NULL},
    {IKE1_N_INITIAL_CONTACT, "INITIAL-CONTACT", NULL},
};

const char *ike1_notify_text(uint16_t type, char buf[IKE1_NOTIFY_TEXT_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == type) {
			snprintf(buf, IKE1_NOTIFY_TEXT_MAX, "notification %u. %s%s%s", type, rows[i].name,
			    rows[i].meaning ? ": " : "", rows[i].meaning ? rows[i].meaning : "");
			return buf;
		}
	snprintf(buf, IKE1_NOTIFY_TEXT_MAX, "notification %u", type);
	return buf;
}
