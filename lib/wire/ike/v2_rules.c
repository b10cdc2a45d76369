/*
 * A row a payload; what has no row does not belong. What a kind of message says beside that (which
 * notifications, which protocol) is for the exchange that reads it.
 */
#include "wire/ike/v2_rules.h"

enum {
	MANY = IKE_PAYLOADS_MAX,
	CERTS = 10, /* as long as chains are */
	ROWS_MAX = 10,
};

struct row {
	uint8_t type, min, max;
};

static const struct row rules[IKE2_MESSAGES][ROWS_MAX] = {
    /* That there is one is what makes it protected (ike2_sk_find()). */
    [IKE2_M_PROTECTED] = {{IKE2_P_SK, 0, 1}, {IKE2_P_SKF, 0, 1}},
    [IKE2_M_INIT_REQUEST] = {{IKE2_P_SA, 1, 1}, {IKE2_P_KE, 1, 1}, {IKE2_P_NONCE, 1, 1}},
    [IKE2_M_INIT_RESPONSE] = {{IKE2_P_SA, 1, 1}, {IKE2_P_KE, 1, 1}, {IKE2_P_NONCE, 1, 1},
        {IKE2_P_CERT_REQ, 0, MANY}},
    [IKE2_M_INIT_REFUSAL] = {{IKE2_P_NOTIFY, 1, MANY}},
    [IKE2_M_AUTH_REQUEST] = {{IKE2_P_ID_I, 1, 1}, {IKE2_P_CERT, 0, CERTS}, {IKE2_P_CERT_REQ, 0, MANY},
        {IKE2_P_ID_R, 0, 1}, {IKE2_P_AUTH, 1, 1}, {IKE2_P_CONFIG, 0, 1}, {IKE2_P_SA, 1, 1},
        {IKE2_P_TS_I, 1, 1}, {IKE2_P_TS_R, 1, 1}},
    [IKE2_M_AUTH_REQUEST_CHILDLESS] = {{IKE2_P_ID_I, 1, 1}, {IKE2_P_CERT, 0, CERTS},
        {IKE2_P_CERT_REQ, 0, MANY}, {IKE2_P_ID_R, 0, 1}, {IKE2_P_AUTH, 1, 1}, {IKE2_P_CONFIG, 0, 1}},
    [IKE2_M_AUTH_RESPONSE] = {{IKE2_P_ID_R, 1, 1}, {IKE2_P_CERT, 0, CERTS}, {IKE2_P_AUTH, 1, 1},
        {IKE2_P_CONFIG, 0, 1}, {IKE2_P_SA, 1, 1}, {IKE2_P_TS_I, 1, 1}, {IKE2_P_TS_R, 1, 1}},
    [IKE2_M_AUTH_RESPONSE_CHILDLESS] = {{IKE2_P_ID_R, 1, 1}, {IKE2_P_CERT, 0, CERTS}, {IKE2_P_AUTH, 1, 1},
        {IKE2_P_CONFIG, 0, 1}},
    [IKE2_M_AUTH_REFUSAL] = {{IKE2_P_NOTIFY, 1, MANY}},
    [IKE2_M_CHILD_REQUEST] = {{IKE2_P_SA, 1, 1}, {IKE2_P_NONCE, 1, 1}, {IKE2_P_KE, 0, 1}, {IKE2_P_TS_I, 1, 1},
        {IKE2_P_TS_R, 1, 1}, {IKE2_P_CONFIG, 0, 1}},
    [IKE2_M_CHILD_RESPONSE] = {{IKE2_P_SA, 1, 1}, {IKE2_P_NONCE, 1, 1}, {IKE2_P_KE, 0, 1},
        {IKE2_P_TS_I, 1, 1}, {IKE2_P_TS_R, 1, 1}, {IKE2_P_CONFIG, 0, 1}},
    [IKE2_M_REKEY_REQUEST] = {{IKE2_P_SA, 1, 1}, {IKE2_P_NONCE, 1, 1}, {IKE2_P_KE, 1, 1}},
    [IKE2_M_REKEY_RESPONSE] = {{IKE2_P_SA, 1, 1}, {IKE2_P_NONCE, 1, 1}, {IKE2_P_KE, 1, 1}},
    [IKE2_M_CREATE_REFUSAL] = {{IKE2_P_NOTIFY, 1, MANY}},
    [IKE2_M_INFORMATIONAL] = {{IKE2_P_NOTIFY, 0, MANY}, {IKE2_P_DELETE, 0, MANY}, {IKE2_P_CONFIG, 0, 1}},
};

static bool has(const struct ike_chain *c, uint8_t type)
{
	return ike_chain_find(c, type, 0) != NULL;
}

static bool has_selectors(const struct ike_chain *c)
{
	return has(c, IKE2_P_TS_I) || has(c, IKE2_P_TS_R);
}

static enum ike2_message of_auth(bool response, const struct ike_chain *c)
{
	bool child = has(c, IKE2_P_SA) || has_selectors(c);

	if (!response)
		return child ? IKE2_M_AUTH_REQUEST : IKE2_M_AUTH_REQUEST_CHILDLESS;
	if (!has(c, IKE2_P_AUTH))
		return IKE2_M_AUTH_REFUSAL;
	return child ? IKE2_M_AUTH_RESPONSE : IKE2_M_AUTH_RESPONSE_CHILDLESS;
}

static enum ike2_message of_create(bool response, const struct ike_chain *c)
{
	if (!response)
		return has_selectors(c) ? IKE2_M_CHILD_REQUEST : IKE2_M_REKEY_REQUEST;
	if (!has(c, IKE2_P_SA))
		return IKE2_M_CREATE_REFUSAL;
	return has_selectors(c) ? IKE2_M_CHILD_RESPONSE : IKE2_M_REKEY_RESPONSE;
}

enum ike2_message ike2_message_of(uint8_t exchange, bool response, const struct ike_chain *c)
{
	switch (exchange) {
	case IKE2_SA_INIT:
		if (!response)
			return IKE2_M_INIT_REQUEST;
		return has(c, IKE2_P_SA) ? IKE2_M_INIT_RESPONSE : IKE2_M_INIT_REFUSAL;
	case IKE2_AUTH:
		return of_auth(response, c);
	case IKE2_CREATE_CHILD_SA:
		return of_create(response, c);
	case IKE2_INFORMATIONAL:
		return IKE2_M_INFORMATIONAL;
	default:
		return IKE2_M_NONE;
	}
}

static const struct row *row_of(const struct row rows[ROWS_MAX], uint8_t type)
{
	for (size_t i = 0; i < ROWS_MAX && rows[i].type; i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

/* A notification in the clear beside a protected message has nothing to say to anybody. */
static bool belongs(enum ike2_message m, uint8_t type)
{
	return !ike2_payload_name(type) || type == IKE2_P_VENDOR ||
	       (type == IKE2_P_NOTIFY && m != IKE2_M_PROTECTED) || row_of(rules[m], type);
}

static enum ike2_violation at(enum ike2_violation v, uint8_t type, uint8_t *ret_type)
{
	*ret_type = type;
	return v;
}

enum ike2_violation ike2_rules_check(enum ike2_message m, const struct ike_chain *c, uint8_t *ret_type)
{
	const struct row *rows;

	for (uint32_t i = 0; i < c->n; i++)
		if (c->p[i].critical && !ike2_payload_name(c->p[i].type))
			return at(IKE2_V_CRITICAL, c->p[i].type, ret_type);
	if (m == IKE2_M_NONE || m >= IKE2_MESSAGES)
		return at(IKE2_V_UNEXPECTED, IKE2_P_NONE, ret_type);
	rows = rules[m];
	for (uint32_t i = 0; i < c->n; i++)
		if (!belongs(m, c->p[i].type))
			return at(IKE2_V_UNEXPECTED, c->p[i].type, ret_type);
	for (size_t i = 0; i < ROWS_MAX && rows[i].type; i++) {
		uint32_t n = ike_chain_count(c, rows[i].type);

		if (n < rows[i].min)
			return at(IKE2_V_MISSING, rows[i].type, ret_type);
		if (n > rows[i].max)
			return at(IKE2_V_TOO_MANY, rows[i].type, ret_type);
	}
	return IKE2_V_NONE;
}
