/*
 * Names are compared as names, and domain names without regard to case (RFC 2407 section
 * 4.6.2.1, RFC 4945 section 3.1).
 */
#include "certd/x509_name.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

static struct ike1_octets der_of(const X509_NAME *name)
{
	const unsigned char *der = NULL;
	size_t n = 0;

	if (!X509_NAME_get0_der(name, &der, &n))
		return (struct ike1_octets){NULL, 0};
	return (struct ike1_octets){der, n};
}

struct ike1_octets x509_subject(const X509 *c)
{
	return der_of(X509_get_subject_name(c));
}

struct ike1_octets x509_issuer(const X509 *c)
{
	return der_of(X509_get_issuer_name(c));
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* To the last octet: a zero in the middle ends a text for C, and would let two names pass for one. */
static bool same_text(const ASN1_STRING *s, const struct ike_id *id)
{
	const uint8_t *p = ASN1_STRING_get0_data(s);

	if ((size_t)ASN1_STRING_length(s) != id->len)
		return false;
	for (uint16_t i = 0; i < id->len; i++)
		if (lower(p[i]) != lower(id->data[i]))
			return false;
	return true;
}

static bool same_octets(const ASN1_STRING *s, const struct ike_id *id)
{
	return (size_t)ASN1_STRING_length(s) == id->len &&
	       memcmp(ASN1_STRING_get0_data(s), id->data, id->len) == 0;
}

static bool is_this(const GENERAL_NAME *g, const struct ike_id *id)
{
	switch (id->kind) {
	case IKE_ID_ADDRESS:
		return g->type == GEN_IPADD && same_octets(g->d.iPAddress, id);
	case IKE_ID_FQDN:
		return g->type == GEN_DNS && same_text(g->d.dNSName, id);
	case IKE_ID_USER_FQDN:
		return g->type == GEN_EMAIL && same_text(g->d.rfc822Name, id);
	default:
		return false;
	}
}

/* The same name, in whatever string types each side has it (RFC 5280 section 7.1). */
static bool is_subject(const X509 *c, const struct ike_id *id)
{
	const unsigned char *p = id->data;
	X509_NAME *said = d2i_X509_NAME(NULL, &p, id->len);
	bool same = said && p == id->data + id->len && X509_NAME_cmp(said, X509_get_subject_name(c)) == 0;

	X509_NAME_free(said);
	ERR_clear_error();
	return same;
}

bool x509_is_called(const X509 *c, const struct ike_id *id)
{
	GENERAL_NAMES *names;
	bool found = false;

	if (id->kind == IKE_ID_DN_DER)
		return is_subject(c, id);
	names = X509_get_ext_d2i(c, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; names && !found && i < sk_GENERAL_NAME_num(names); i++)
		found = is_this(sk_GENERAL_NAME_value(names, i), id);
	GENERAL_NAMES_free(names);
	return found;
}

bool x509_has_alt_name(const X509 *c)
{
	return X509_get_ext_by_NID(c, NID_subject_alt_name, -1) >= 0;
}
