/*
 * A row a payload; what has no row does not belong. The first row of a message is the one that has to come
 * first (RFC 2409 section 5: SA in phase 1, HASH in everything enciphered behind it).
 */
#include "wire/ike/v1_rules.h"

enum {
	MANY = IKE_PAYLOADS_MAX,
	CERTS = 10,  /* as long as chains are */
	NAT_DS = 10, /* one for the peer, one for each address of a host that has several */
	PRIVATE_USE = 128,
	ROWS_MAX = 13,
};

enum when { ALWAYS = 0, WITH_HASH, WITH_SIG };

struct row {
	uint8_t type, min, max;
	enum when when;
};

static const struct rules {
	bool first_counts;  /* its first row's payload stands in front */
	bool second_counts; /* and its second row's right behind it */
	struct row row[ROWS_MAX];
} rules[IKE1_MESSAGES] = {
    [IKE1_M_MAIN_SA] = {true, false, {{IKE1_P_SA, 1, 1, ALWAYS}}},
    [IKE1_M_MAIN_KE] = {false, false,
        {{IKE1_P_KE, 1, 1, ALWAYS}, {IKE1_P_NONCE, 1, 1, ALWAYS}, {IKE1_P_NAT_D, 0, NAT_DS, ALWAYS},
            {IKE1_P_NAT_D_DRAFT, 0, NAT_DS, ALWAYS}, {IKE1_P_CERT_REQ, 0, MANY, ALWAYS}}},
    [IKE1_M_MAIN_AUTH] = {false, false,
        {{IKE1_P_ID, 1, 1, ALWAYS}, {IKE1_P_HASH, 1, 1, WITH_HASH}, {IKE1_P_SIG, 1, 1, WITH_SIG},
            {IKE1_P_CERT, 0, CERTS, ALWAYS}, {IKE1_P_CERT_REQ, 0, MANY, ALWAYS},
            {IKE1_P_NOTIFY, 0, MANY, ALWAYS}}},
    [IKE1_M_AGGRESSIVE_1] = {true, false,
        {{IKE1_P_SA, 1, 1, ALWAYS}, {IKE1_P_KE, 1, 1, ALWAYS}, {IKE1_P_NONCE, 1, 1, ALWAYS},
            {IKE1_P_ID, 1, 1, ALWAYS}, {IKE1_P_CERT_REQ, 0, MANY, ALWAYS}}},
    [IKE1_M_AGGRESSIVE_2] = {true, false,
        {{IKE1_P_SA, 1, 1, ALWAYS}, {IKE1_P_KE, 1, 1, ALWAYS}, {IKE1_P_NONCE, 1, 1, ALWAYS},
            {IKE1_P_ID, 1, 1, ALWAYS}, {IKE1_P_HASH, 1, 1, WITH_HASH}, {IKE1_P_SIG, 1, 1, WITH_SIG},
            {IKE1_P_CERT, 0, CERTS, ALWAYS}, {IKE1_P_CERT_REQ, 0, MANY, ALWAYS},
            {IKE1_P_NAT_D, 0, NAT_DS, ALWAYS}, {IKE1_P_NAT_D_DRAFT, 0, NAT_DS, ALWAYS},
            {IKE1_P_NOTIFY, 0, MANY, ALWAYS}}},
    [IKE1_M_AGGRESSIVE_3] = {false, false,
        {{IKE1_P_HASH, 1, 1, WITH_HASH}, {IKE1_P_SIG, 1, 1, WITH_SIG}, {IKE1_P_CERT, 0, CERTS, ALWAYS},
            {IKE1_P_NAT_D, 0, NAT_DS, ALWAYS}, {IKE1_P_NAT_D_DRAFT, 0, NAT_DS, ALWAYS},
            {IKE1_P_NOTIFY, 0, MANY, ALWAYS}}},
    [IKE1_M_BASE_SA] = {true, false,
        {{IKE1_P_SA, 1, 1, ALWAYS}, {IKE1_P_ID, 1, 1, ALWAYS}, {IKE1_P_NONCE, 1, 1, ALWAYS},
            {IKE1_P_CERT_REQ, 0, MANY, ALWAYS}}},
    [IKE1_M_BASE_AUTH] = {false, false,
        {{IKE1_P_KE, 1, 1, ALWAYS}, {IKE1_P_HASH, 1, 1, WITH_HASH}, {IKE1_P_SIG, 1, 1, WITH_SIG},
            {IKE1_P_CERT, 0, CERTS, ALWAYS}, {IKE1_P_CERT_REQ, 0, MANY, ALWAYS},
            {IKE1_P_NAT_D, 0, NAT_DS, ALWAYS}, {IKE1_P_NAT_D_DRAFT, 0, NAT_DS, ALWAYS},
            {IKE1_P_NOTIFY, 0, MANY, ALWAYS}}},
    [IKE1_M_QUICK_SA] = {true, true,
        {{IKE1_P_HASH, 1, 1, ALWAYS}, {IKE1_P_SA, 1, 1, ALWAYS}, {IKE1_P_NONCE, 1, 1, ALWAYS},
            {IKE1_P_KE, 0, 1, ALWAYS}, {IKE1_P_ID, 0, 2, ALWAYS}, {IKE1_P_NAT_OA, 0, 2, ALWAYS},
            {IKE1_P_NAT_OA_DRAFT, 0, 2, ALWAYS}, {IKE1_P_NOTIFY, 0, MANY, ALWAYS}}},
    [IKE1_M_QUICK_END] = {true, false, {{IKE1_P_HASH, 1, 1, ALWAYS}, {IKE1_P_NOTIFY, 0, MANY, ALWAYS}}},
    [IKE1_M_QUICK_CONNECTED] = {true, false, {{IKE1_P_HASH, 1, 1, ALWAYS}, {IKE1_P_NOTIFY, 1, 1, ALWAYS}}},
    [IKE1_M_INFORMATIONAL] = {true, false,
        {{IKE1_P_HASH, 1, 1, ALWAYS}, {IKE1_P_NOTIFY, 0, MANY, ALWAYS}, {IKE1_P_DELETE, 0, MANY, ALWAYS}}},
    [IKE1_M_INFORMATIONAL_CLEAR] = {false, false,
        {{IKE1_P_NOTIFY, 0, MANY, ALWAYS}, {IKE1_P_DELETE, 0, MANY, ALWAYS}}},
    [IKE1_M_TRANSACTION] = {true, true, {{IKE1_P_HASH, 1, 1, ALWAYS}, {IKE1_P_ATTRIBUTES, 1, 1, ALWAYS}}},
};

static bool counts(const struct row *r, bool sig)
{
	return r->type && (r->when == ALWAYS || (r->when == WITH_SIG) == sig);
}

static const struct row *row_of(const struct rules *r, bool sig, uint8_t type)
{
	for (size_t i = 0; i < ROWS_MAX; i++)
		if (r->row[i].type == type && counts(&r->row[i], sig))
			return &r->row[i];
	return NULL;
}

static bool belongs(const struct rules *r, bool sig, uint8_t type)
{
	if (type == IKE1_P_VENDOR || row_of(r, sig, type))
		return true;
	return type >= PRIVATE_USE && type != IKE1_P_FRAGMENT;
}

static enum ike1_violation at(enum ike1_violation v, uint8_t type, uint8_t *ret_type)
{
	*ret_type = type;
	return v;
}

/* The payloads that have their place. */
static bool in_place(const struct rules *r, const struct ike_chain *c)
{
	return (!r->first_counts || c->p[0].type == r->row[0].type) &&
	       (!r->second_counts || (c->n > 1 && c->p[1].type == r->row[1].type));
}

enum ike1_violation ike1_rules_check(
    enum ike1_message m, bool sig, const struct ike_chain *c, uint8_t *ret_type)
{
	const struct rules *r = &rules[m < IKE1_MESSAGES ? m : IKE1_M_NONE];

	for (uint32_t i = 0; i < c->n; i++)
		if (!belongs(r, sig, c->p[i].type))
			return at(IKE1_V_UNEXPECTED, c->p[i].type, ret_type);
	for (size_t i = 0; i < ROWS_MAX; i++) {
		const struct row *row = &r->row[i];
		uint32_t n = counts(row, sig) ? ike_chain_count(c, row->type) : 0;

		if (counts(row, sig) && n < row->min)
			return at(IKE1_V_MISSING, row->type, ret_type);
		if (n > row->max)
			return at(IKE1_V_TOO_MANY, row->type, ret_type);
	}
	/* Both of a pair or neither (RFC 2409 section 5.5: IDci and IDcr). */
	if (m == IKE1_M_QUICK_SA && ike_chain_count(c, IKE1_P_ID) == 1)
		return at(IKE1_V_MISSING, IKE1_P_ID, ret_type);
	if (m == IKE1_M_NONE || m >= IKE1_MESSAGES)
		return at(IKE1_V_UNEXPECTED, IKE1_P_NONE, ret_type);
	return in_place(r, c) ? IKE1_V_NONE : at(IKE1_V_NOT_FIRST, r->row[0].type, ret_type);
}

const char *ike1_payload_name(uint8_t type)
{
	static const char *const names[] = {
	    [IKE1_P_SA] = "security association",
	    [IKE1_P_PROPOSAL] = "proposal",
	    [IKE1_P_TRANSFORM] = "transform",
	    [IKE1_P_KE] = "key exchange",
	    [IKE1_P_ID] = "identification",
	    [IKE1_P_CERT] = "certificate",
	    [IKE1_P_CERT_REQ] = "certificate request",
	    [IKE1_P_HASH] = "hash",
	    [IKE1_P_SIG] = "signature",
	    [IKE1_P_NONCE] = "nonce",
	    [IKE1_P_NOTIFY] = "notification",
	    [IKE1_P_DELETE] = "delete",
	    [IKE1_P_VENDOR] = "vendor id",
	    [IKE1_P_ATTRIBUTES] = "attributes",
	    [IKE1_P_NAT_D] = "NAT discovery",
	    [IKE1_P_NAT_OA] = "NAT original address",
	};

	switch (type) {
	case IKE1_P_NAT_D_DRAFT:
		return names[IKE1_P_NAT_D];
	case IKE1_P_NAT_OA_DRAFT:
		return names[IKE1_P_NAT_OA];
	case IKE1_P_FRAGMENT:
		return "fragment";
	default:
		return type < ARRAY_SIZE(names) ? names[type] : NULL;
	}
}

const char *ike1_notify_name(uint16_t type)
{
	static const char *const names[] = {
	    [IKE1_N_INVALID_PAYLOAD_TYPE] = "INVALID-PAYLOAD-TYPE",
	    [IKE1_N_DOI_NOT_SUPPORTED] = "DOI-NOT-SUPPORTED",
	    [IKE1_N_SITUATION_NOT_SUPPORTED] = "SITUATION-NOT-SUPPORTED",
	    [IKE1_N_INVALID_COOKIE] = "INVALID-COOKIE",
	    [IKE1_N_INVALID_MAJOR_VERSION] = "INVALID-MAJOR-VERSION",
	    [IKE1_N_INVALID_MINOR_VERSION] = "INVALID-MINOR-VERSION",
	    [IKE1_N_INVALID_EXCHANGE_TYPE] = "INVALID-EXCHANGE-TYPE",
	    [IKE1_N_INVALID_FLAGS] = "INVALID-FLAGS",
	    [IKE1_N_INVALID_MESSAGE_ID] = "INVALID-MESSAGE-ID",
	    [IKE1_N_INVALID_PROTOCOL_ID] = "INVALID-PROTOCOL-ID",
	    [IKE1_N_INVALID_SPI] = "INVALID-SPI",
	    [IKE1_N_INVALID_TRANSFORM_ID] = "INVALID-TRANSFORM-ID",
	    [IKE1_N_ATTRIBUTES_NOT_SUPPORTED] = "ATTRIBUTES-NOT-SUPPORTED",
	    [IKE1_N_NO_PROPOSAL_CHOSEN] = "NO-PROPOSAL-CHOSEN",
	    [IKE1_N_BAD_PROPOSAL_SYNTAX] = "BAD-PROPOSAL-SYNTAX",
	    [IKE1_N_PAYLOAD_MALFORMED] = "PAYLOAD-MALFORMED",
	    [IKE1_N_INVALID_KEY_INFORMATION] = "INVALID-KEY-INFORMATION",
	    [IKE1_N_INVALID_ID_INFORMATION] = "INVALID-ID-INFORMATION",
	    [IKE1_N_INVALID_CERT_ENCODING] = "INVALID-CERT-ENCODING",
	    [IKE1_N_INVALID_CERTIFICATE] = "INVALID-CERTIFICATE",
	    [IKE1_N_CERT_TYPE_UNSUPPORTED] = "CERT-TYPE-UNSUPPORTED",
	    [IKE1_N_INVALID_CERT_AUTHORITY] = "INVALID-CERT-AUTHORITY",
	    [IKE1_N_INVALID_HASH_INFORMATION] = "INVALID-HASH-INFORMATION",
	    [IKE1_N_AUTHENTICATION_FAILED] = "AUTHENTICATION-FAILED",
	    [IKE1_N_INVALID_SIGNATURE] = "INVALID-SIGNATURE",
	    [IKE1_N_ADDRESS_NOTIFICATION] = "ADDRESS-NOTIFICATION",
	    [IKE1_N_NOTIFY_SA_LIFETIME] = "NOTIFY-SA-LIFETIME",
	    [IKE1_N_CERTIFICATE_UNAVAILABLE] = "CERTIFICATE-UNAVAILABLE",
	    [IKE1_N_UNSUPPORTED_EXCHANGE_TYPE] = "UNSUPPORTED-EXCHANGE-TYPE",
	    [IKE1_N_UNEQUAL_PAYLOAD_LENGTHS] = "UNEQUAL-PAYLOAD-LENGTHS",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "an unknown one";
}
