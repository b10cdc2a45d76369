/*
 * Names are compared as DER, octet by octet, and domain names without regard to case (RFC 2407 section
 * 4.6.2.1, RFC 4945 section 3.1).
 */
#include "certd/x509_name.h"

#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

struct ike1_octets x509_subject(const X509 *c)
{
	const unsigned char *der = NULL;
	size_t n = 0;

	if (!X509_NAME_get0_der(X509_get_subject_name(c), &der, &n))
		return (struct ike1_octets){NULL, 0};
	return (struct ike1_octets){der, n};
}

static bool same_text(const ASN1_STRING *s, const struct ike_id *id)
{
	return (size_t)ASN1_STRING_length(s) == id->len &&
	       strncasecmp((const char *)ASN1_STRING_get0_data(s), (const char *)id->data, id->len) == 0;
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

bool x509_is_called(const X509 *c, const struct ike_id *id)
{
	struct ike1_octets subject = x509_subject(c);
	GENERAL_NAMES *names;
	bool found = false;

	if (id->kind == IKE_ID_DN_DER)
		return subject.n && subject.n == id->len && memcmp(subject.p, id->data, id->len) == 0;
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
