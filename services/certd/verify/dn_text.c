/*
 * Values are compared as UTF-8, whatever string type the certificate has them in.
 */
#include "certd/verify/dn_text.h"

#include <string.h>

#include <openssl/objects.h>

enum { PART_MAX = 256 };

struct part {
	char type[PART_MAX], value[PART_MAX];
	size_t n_value;
	bool any;
};

/* Up to one of `stops`, blanks around it cut off. Octets, or -1: too long. */
static int take(const char **p, const char *end, const char *stops, char *buf)
{
	size_t n = 0, keep = 0;

	while (*p < end && **p == ' ')
		(*p)++;
	while (*p < end && !strchr(stops, **p)) {
		bool escaped = **p == '\\' && *p + 1 < end;

		*p += escaped;
		if (n + 1 >= PART_MAX)
			return -1;
		buf[n++] = *(*p)++;
		if (escaped || buf[n - 1] != ' ')
			keep = n;
	}
	buf[keep] = '\0';
	return (int)keep;
}

static bool next_part(const char **p, const char *end, struct part *ret)
{
	int n;

	if (take(p, end, "=", ret->type) <= 0 || *p == end)
		return false;
	(*p)++;
	while (*p < end && **p == ' ')
		(*p)++;
	ret->any = *p < end && **p == '*';
	n = take(p, end, ",/", ret->value);
	if (n < 0)
		return false;
	ret->n_value = (size_t)n;
	if (*p < end)
		(*p)++;
	return true;
}

static bool entry_fits(const X509_NAME_ENTRY *x, const struct part *p)
{
	int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(x)), n;
	unsigned char *utf8 = NULL;
	bool same;

	if (nid == NID_undef || OBJ_txt2nid(p->type) != nid)
		return false;
	if (p->any && p->n_value == 1)
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
		struct part part;

		if (!next_part(&p, end, &part) || at >= X509_NAME_entry_count(name) ||
		    !entry_fits(X509_NAME_get_entry(name, at++), &part))
			return false;
	}
	return at == X509_NAME_entry_count(name);
}
