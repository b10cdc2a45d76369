/*
 * Names as the RFCs write them, so that who reads a log finds them there.
 */
#include "wire/ike/v2.h"

#include <stddef.h>

#include "base/auto.h"

struct name {
	uint16_t number;
	const char *name;
};

static const struct name exchanges[] = {
    {IKE2_SA_INIT, "IKE_SA_INIT"},
    {IKE2_AUTH, "IKE_AUTH"},
    {IKE2_CREATE_CHILD_SA, "CREATE_CHILD_SA"},
    {IKE2_INFORMATIONAL, "INFORMATIONAL"},
};

static const struct name payloads[] = {
    {IKE2_P_SA, "SA"},
    {IKE2_P_KE, "KE"},
    {IKE2_P_ID_I, "IDi"},
    {IKE2_P_ID_R, "IDr"},
    {IKE2_P_CERT, "CERT"},
    {IKE2_P_CERT_REQ, "CERTREQ"},
    {IKE2_P_AUTH, "AUTH"},
    {IKE2_P_NONCE, "Nonce"},
    {IKE2_P_NOTIFY, "N"},
    {IKE2_P_DELETE, "D"},
    {IKE2_P_VENDOR, "V"},
    {IKE2_P_TS_I, "TSi"},
    {IKE2_P_TS_R, "TSr"},
    {IKE2_P_SK, "SK"},
    {IKE2_P_CONFIG, "CP"},
    {IKE2_P_EAP, "EAP"},
    {IKE2_P_SKF, "SKF"},
};

static const struct name notifications[] = {
    {IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD, "UNSUPPORTED_CRITICAL_PAYLOAD"},
    {IKE2_N_INVALID_IKE_SPI, "INVALID_IKE_SPI"},
    {IKE2_N_INVALID_MAJOR_VERSION, "INVALID_MAJOR_VERSION"},
    {IKE2_N_INVALID_SYNTAX, "INVALID_SYNTAX"},
    {IKE2_N_INVALID_MESSAGE_ID, "INVALID_MESSAGE_ID"},
    {IKE2_N_INVALID_SPI, "INVALID_SPI"},
    {IKE2_N_NO_PROPOSAL_CHOSEN, "NO_PROPOSAL_CHOSEN"},
    {IKE2_N_INVALID_KE_PAYLOAD, "INVALID_KE_PAYLOAD"},
    {IKE2_N_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED"},
    {IKE2_N_SINGLE_PAIR_REQUIRED, "SINGLE_PAIR_REQUIRED"},
    {IKE2_N_NO_ADDITIONAL_SAS, "NO_ADDITIONAL_SAS"},
    {IKE2_N_INTERNAL_ADDRESS_FAILURE, "INTERNAL_ADDRESS_FAILURE"},
    {IKE2_N_FAILED_CP_REQUIRED, "FAILED_CP_REQUIRED"},
    {IKE2_N_TS_UNACCEPTABLE, "TS_UNACCEPTABLE"},
    {IKE2_N_INVALID_SELECTORS, "INVALID_SELECTORS"},
    {IKE2_N_TEMPORARY_FAILURE, "TEMPORARY_FAILURE"},
    {IKE2_N_CHILD_SA_NOT_FOUND, "CHILD_SA_NOT_FOUND"},
    {IKE2_N_INITIAL_CONTACT, "INITIAL_CONTACT"},
    {IKE2_N_SET_WINDOW_SIZE, "SET_WINDOW_SIZE"},
    {IKE2_N_ADDITIONAL_TS_POSSIBLE, "ADDITIONAL_TS_POSSIBLE"},
    {IKE2_N_IPCOMP_SUPPORTED, "IPCOMP_SUPPORTED"},
    {IKE2_N_NAT_SOURCE_IP, "NAT_DETECTION_SOURCE_IP"},
    {IKE2_N_NAT_DESTINATION_IP, "NAT_DETECTION_DESTINATION_IP"},
    {IKE2_N_COOKIE, "COOKIE"},
    {IKE2_N_USE_TRANSPORT_MODE, "USE_TRANSPORT_MODE"},
    {IKE2_N_HTTP_CERT_LOOKUP, "HTTP_CERT_LOOKUP_SUPPORTED"},
    {IKE2_N_REKEY_SA, "REKEY_SA"},
    {IKE2_N_TFC_PADDING_NOT_SUPPORTED, "ESP_TFC_PADDING_NOT_SUPPORTED"},
    {IKE2_N_NON_FIRST_FRAGMENTS_ALSO, "NON_FIRST_FRAGMENTS_ALSO"},
    {IKE2_N_REDIRECT_SUPPORTED, "REDIRECT_SUPPORTED"},
    {IKE2_N_REDIRECT, "REDIRECT"},
    {IKE2_N_REDIRECTED_FROM, "REDIRECTED_FROM"},
    {IKE2_N_CHILDLESS_SUPPORTED, "CHILDLESS_IKEV2_SUPPORTED"},
    {IKE2_N_FRAGMENTATION_SUPPORTED, "IKEV2_FRAGMENTATION_SUPPORTED"},
    {IKE2_N_SIGNATURE_HASH_ALGORITHMS, "SIGNATURE_HASH_ALGORITHMS"},
};

static const char *find(const struct name *list, size_t n, uint16_t number)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].number == number)
			return list[i].name;
	return NULL;
}

const char *ike2_exchange_name(uint8_t exchange)
{
	return find(exchanges, ARRAY_SIZE(exchanges), exchange);
}

const char *ike2_payload_name(uint8_t type)
{
	return find(payloads, ARRAY_SIZE(payloads), type);
}

const char *ike2_notify_name(uint16_t type)
{
	return find(notifications, ARRAY_SIZE(notifications), type);
}
