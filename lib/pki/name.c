/*
 * Names as an administrator types them. What goes into a certificate is what a peer will compare with an IKE
 * identity octet by octet, so a name that no identity could ever equal is refused here and not found out by
 * a peer.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "inet/addr.h"
#include "pki/internal.h"

enum { PART_MAX = 256, HOST_MAX = 253, LABEL_MAX = 63, USER_MAX = 64, CN_MAX = 64 };

/* Letters, digits, hyphens and, as hosts do have them, underscores. */
static bool is_label(const char *p, size_t n)
{
	if (!n || n > LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isascii((unsigned char)p[i]) ||
		    (!isalnum((unsigned char)p[i]) && p[i] != '-' && p[i] != '_'))
			return false;
	return true;
}

static bool is_host(const char *p)
{
	if (!*p || strlen(p) > HOST_MAX)
		return false;
	for (;;) {
		size_t n = strcspn(p, ".");

		if (!is_label(p, n))
			return false;
		if (!p[n])
			return true;
		p += n + 1;
	}
}

static bool is_ascii(const char *p)
{
	for (; *p; p++)
		if (!isascii((unsigned char)*p))
			return false;
	return true;
}

static int check_host(const char *text, struct err_text *e)
{
	struct inet_addr a;

	if (inet_addr_parse(text, &a) == 0)
		return err_set(
		    e, -EINVAL, "`%s` is an address, not a host's name: say --address %s", text, text);
	if (strchr(text, '*'))
		return err_set(
		    e, -EINVAL, "`%s` fits many hosts, and an IKE identity is one: name each host", text);
	if (!is_ascii(text))
		return err_set(e, -EINVAL,
		    "`%s` has letters that the domain name system does not: write it as it is looked up, "
		    "xn--...",
		    text);
	if (is_host(text))
		return 0;
	return err_set(e, -EINVAL, "`%s` is no host's name: gw.example.org is one%s", text,
	    *text && text[strlen(text) - 1] == '.' ? " (without a dot at its end)" : "");
}

static int check_user(const char *text, struct err_text *e)
{
	const char *at = strrchr(text, '@');
	size_t n = at ? (size_t)(at - text) : 0;
	bool good = n && n <= USER_MAX && is_ascii(text) && is_host(at + 1);

	for (size_t i = 0; good && i < n; i++)
		good = isgraph((unsigned char)text[i]) && !strchr("/@\",:;<>()[]\\", text[i]);
	return good ? 0
	            : err_set(e, -EINVAL, "`%s` is no user's name: joe@example.org is one, in ASCII", text);
}

static int address_octets(const char *text, struct inet_addr *ret, struct err_text *e)
{
	if (inet_addr_parse(text, ret) < 0 || ret->scope)
		return err_set(e, -EINVAL, "`%s` is no address: 192.0.2.1 and 2001:db8::1 are", text);
	return 0;
}

int pki_alt_check(const struct pki_alt *a, struct err_text *e)
{
	struct inet_addr addr;

	switch (a->kind) {
	case PKI_HOST:
		return check_host(a->text, e);
	case PKI_USER:
		return check_user(a->text, e);
	case PKI_ADDRESS:
		return address_octets(a->text, &addr, e);
	}
	return err_set(e, -EINVAL, "there is no such kind of name");
}

static GENERAL_NAME *general_name(const struct pki_alt *a)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	struct inet_addr addr = {0};
	bool is_addr = a->kind == PKI_ADDRESS;
	ASN1_STRING *s = is_addr ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	const void *octets = a->text;
	int n = (int)strlen(a->text);

	if (is_addr && inet_addr_parse(a->text, &addr) == 0) {
		octets = addr.b;
		n = (int)inet_addr_len(&addr);
	}
	if (!g || !s || !ASN1_STRING_set(s, octets, n)) {
		GENERAL_NAME_free(g);
		ASN1_STRING_free(s);
		return NULL;
	}
	GENERAL_NAME_set0_value(g, is_addr ? GEN_IPADD : a->kind == PKI_HOST ? GEN_DNS : GEN_EMAIL, s);
	return g;
}

int pki_alt_names(const struct pki_wish *w, GENERAL_NAMES **ret, struct err_text *e)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	int r = all ? 0 : err_set(e, -ENOMEM, "out of memory");

	for (size_t i = 0; r == 0 && i < w->n_alts; i++) {
		GENERAL_NAME *g;

		r = pki_alt_check(&w->alt[i], e);
		if (r < 0)
			break;
		g = general_name(&w->alt[i]);
		if (!g || !sk_GENERAL_NAME_push(all, g)) {
			GENERAL_NAME_free(g);
			r = err_set(e, -ENOMEM, "out of memory");
		}
	}
	if (r < 0)
		GENERAL_NAMES_free(all);
	else
		*ret = all;
	return r;
}

/* Up to one of `stops`, blanks around it cut off; a backslash takes the character behind it as it is. Octets,
 * or -1: too long. */
static int take(const char **p, const char *stops, char buf[PART_MAX])
{
	size_t n = 0, keep = 0;

	while (**p == ' ')
		(*p)++;
	while (**p && !strchr(stops, **p)) {
		bool escaped = **p == '\\' && (*p)[1];

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

static int add_entry(X509_NAME *to, const char *type, const char *value, struct err_text *e)
{
	for (const char *p = value; *p; p++)
		if (iscntrl((unsigned char)*p))
			return err_set(e, -EINVAL, "the value of %s has a control character in it", type);
	if (OBJ_txt2nid(type) == NID_undef)
		return err_set(e, -EINVAL,
		    "`%s` is no part of a name that is known: C, ST, L, O, OU, CN and emailAddress are "
		    "usual",
		    type);
	if (X509_NAME_add_entry_by_txt(to, type, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0))
		return 0;
	ERR_clear_error();
	if (strcmp(type, "C") == 0)
		return err_set(e, -EINVAL, "C=%s: a country has two letters, as in C=US", value);
	if (strlen(value) > CN_MAX)
		return err_set(e, -EINVAL,
		    "%s=%.80s%s: that is longer than X.509 allows (%d characters): give a shorter one with "
		    "--name",
		    type, value, strlen(value) > 80 ? "..." : "", CN_MAX);
	return err_set(e, -EINVAL, "%s=%s cannot stand in a name: is it UTF-8?", type, value);
}

static int add_parts(X509_NAME *to, const char *text, struct err_text *e)
{
	const char *p = text + (*text == '/'); /* as openssl(1) begins */

	while (*p) {
		char type[PART_MAX], value[PART_MAX];
		int n = take(&p, "=,/", type), r;

		if (n <= 0 || *p != '=')
			return err_set(e, -EINVAL,
			    "\"%s\" is no name: write \"C=US, O=Example, CN=gw\", and a backslash before a "
			    "comma or slash inside a value",
			    text);
		p++;
		n = take(&p, ",/", value);
		if (n <= 0)
			return err_set(
			    e, -EINVAL, "\"%s\": %s has %s value", text, type, n ? "too long a" : "no");
		r = add_entry(to, type, value, e);
		if (r < 0)
			return r;
		p += *p != '\0';
	}
	return X509_NAME_entry_count(to) ? 0 : err_set(e, -EINVAL, "the name is empty");
}

int pki_subject(const struct pki_wish *w, X509_NAME **ret, struct err_text *e)
{
	X509_NAME *n = X509_NAME_new();
	int r;

	if (!n)
		return err_set(e, -ENOMEM, "out of memory");
	if (w->name && !*w->name)
		r = err_set(e, -EINVAL, "the name is empty");
	else if (w->name)
		r = strchr(w->name, '=') ? add_parts(n, w->name, e) : add_entry(n, "CN", w->name, e);
	else if (w->n_alts)
		r = add_entry(n, "CN", w->alt[0].text, e);
	else
		r = err_set(e, -EINVAL, "a name is wanted: say --name");
	if (r < 0)
		X509_NAME_free(n);
	else
		*ret = n;
	return r;
}
