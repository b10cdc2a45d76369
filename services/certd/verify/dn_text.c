/*
 * Values are compared as UTF-8, whatever string type the certificate has them in.
 */
#include "certd/verify/dn_text.h"

#include <string.h>

#include <openssl/objects.h>

#include "ipsec/dn_text.h"

static bool entry_fits(const X509_NAME_ENTRY *x, const struct dn_part *p)
{
	int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(x)), n;
	unsigned char *utf8 = NULL;
	bool same;

	if (nid == NID_undef || OBJ_txt2nid(p->type) != nid)
		return false;
	if (p->any)
		return true;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(x));
	same = n >= 0 && (size_t)n == p->n_value && memcmp(utf8, p->value, p->n_value) == 0;
	OPENSSL_free(utf8);
	return same;
}

bool dn_text_fits(const char *text, size_t n, const X509_NAME *name)
{
	const char *p = text, *end = text + n;
	int at = 0;

	while (p < end) {
		struct dn_part part;

		if (!dn_part_next(&p, end, &part) || at >= X509_NAME_entry_count(name) ||
		    !entry_fits(X509_NAME_get_entry(name, at++), &part))
			return false;
	}
	return at == X509_NAME_entry_count(name);
}
