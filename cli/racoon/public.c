/*
 * What is let through is named, not what is held back: a form of key that nobody has thought of yet is not on
 * the list. DER tells by its outermost elements (RFC 5280 sections 4.1 and 5.1): a certificate, a list and a
 * request are two sequences and a signature, a public key is one and its bits, a private one begins with its
 * version (RFC 8017 appendix A.1.2, RFC 5915, RFC 5958), so does PKCS #12 (RFC 7292), and an enciphered key
 * ends with its octets (RFC 5958 section 3).
 */
#include "cli/racoon/public.h"

#include <string.h>

#include "base/auto.h"
#include "base/rd.h"

enum { DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_OCTET_STRING = 0x04, DER_SEQUENCE = 0x30 };

static const char begin_word[] = "-----BEGIN ", end_word[] = "-----END ", dashes[] = "-----";

/* The contents of the next element; *ret_tag 0: there is none, or its length is not DER. */
static struct rd element(struct rd *r, uint8_t *ret_tag)
{
	uint8_t tag = rd_u8(r), first = rd_u8(r);
	size_t n = first;

	if (first > 0x84 || first == 0x80) {
		rd_fail(r);
	} else if (first > 0x80) {
		n = 0;
		for (int i = 0; i < (first & 0x7f); i++)
			n = n << 8 | rd_u8(r);
	}
	struct rd x = rd_sub(r, n);

	*ret_tag = rd_ok(r) ? tag : 0;
	return x;
}

static struct public_look look_der(const uint8_t *p, size_t n)
{
	struct public_look l = {.is_der = true};
	struct rd file = rd_init(p, n);
	uint8_t tag, a, b, c;
	struct rd all = element(&file, &tag);

	(void)element(&all, &a);
	(void)element(&all, &b);
	bool two = rd_done(&all);
	(void)element(&all, &c);
	l.has_public =
	    a == DER_SEQUENCE && b == DER_SEQUENCE && c == DER_BIT_STRING && rd_done(&all) && rd_done(&file);
	l.has_key = a == DER_SEQUENCE && b == DER_BIT_STRING && two && rd_done(&file);
	/* With octets of an endless length it is PKCS #12, as old programs write it. */
	l.has_private = !l.has_public && (!tag || a == DER_INTEGER ||
	                                     (a == DER_SEQUENCE && b == DER_OCTET_STRING) || rd_left(&file));
	return l;
}

/* The label of a BEGIN or END that begins at `at`, and where its line goes on. NULL: there is no more. */
static const char *label(const char *p, const char *end, const char *word, size_t *ret_n)
{
	const char *at = memmem(p, (size_t)(end - p), word, strlen(word)), *stop;

	if (!at)
		return NULL;
	at += strlen(word);
	stop = memmem(at, (size_t)(end - at), dashes, strlen(dashes));
	*ret_n = stop ? (size_t)(stop - at) : (size_t)(end - at);
	return at;
}

static bool is_one_of(const char *const *list, size_t n_list, const char *p, size_t n)
{
	for (size_t i = 0; i < n_list; i++)
		if (strlen(list[i]) == n && memcmp(list[i], p, n) == 0)
			return true;
	return false;
}

static bool is_wanted(const char *p, size_t n)
{
	static const char *const list[] = {
	    "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CRL"};

	return is_one_of(list, ARRAY_SIZE(list), p, n);
}

static bool is_harmless(const char *p, size_t n)
{
	static const char *const list[] = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", "PUBLIC KEY",
	    "RSA PUBLIC KEY", "DH PARAMETERS", "X9.42 DH PARAMETERS", "EC PARAMETERS", "DSA PARAMETERS",
	    "PKCS7", "CMS"};

	return is_one_of(list, ARRAY_SIZE(list), p, n);
}

/* Octets that no text has: DER may follow what is PEM. */
static bool is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < ' ' && !memchr("\t\n\v\f\r", p[i], 5)) || p[i] == 0x7f)
			return false;
	return true;
}

static struct public_look look_pem(const uint8_t *octets, size_t n)
{
	const char *p = (const char *)octets, *end = p + n, *at = p;
	static const char *const public_key = "PUBLIC KEY";
	struct public_look l = {.has_private = memmem(p, n, "PRIVATE KEY", 11) != NULL};
	size_t len;

	while ((at = label(at, end, begin_word, &len))) {
		l.has_public |= is_wanted(at, len);
		l.has_key |= is_one_of(&public_key, 1, at, len);
		l.has_private |= !is_wanted(at, len) && !is_harmless(at, len);
		at += len;
	}
	l.has_private |= (l.has_public || l.has_key) && !is_text(octets, n);
	return l;
}

struct public_look public_look(const uint8_t *p, size_t n)
{
	return n && p[0] == DER_SEQUENCE && !memmem(p, n, begin_word, strlen(begin_word)) ? look_der(p, n)
	                                                                                  : look_pem(p, n);
}

bool public_blocks(const uint8_t *octets, size_t n, struct sbuf *ret)
{
	const char *at = (const char *)octets, *end = at + n, *to;
	size_t len, end_len;

	while ((at = label(at, end, begin_word, &len))) {
		to = label(at + len, end, end_word, &end_len);
		if (!to || end_len != len || memcmp(at, to, len) != 0 ||
		    (size_t)(end - to) < len + strlen(dashes))
			return false;
		to += len + strlen(dashes);
		if (is_wanted(at, len)) {
			const char *from = at - strlen(begin_word);

			if (public_look((const uint8_t *)from, (size_t)(to - from)).has_private)
				return false;
			sbuf_add_bytes(ret, from, (size_t)(to - from));
			sbuf_add_bytes(ret, "\n", 1);
		}
		at = to;
	}
	return !ret->bad;
}
