/*
 * Identities (racoon-conf.md section 4.4).
 */
#include "config/racoon/reader.h"

static bool set_octets(struct rc_cur *c, const struct rc_word *w, const void *p, size_t n, struct ike_id *ret)
{
	if (!n || n > IKE_ID_DATA_MAX)
		return rc_fault(c, w, "is empty, or longer than %d octets", IKE_ID_DATA_MAX);
	ret->len = (uint16_t)n;
	memcpy(ret->data, p, n);
	return true;
}

/* Quoted or not; left out: the address in use. */
static bool take_address(struct rc_cur *c, struct ike_id *ret)
{
	struct inet_addr a;

	if (!rc_peek(c))
		return true;
	if (!rc_addr(c, &a))
		return false;
	ret->len = (uint16_t)inet_addr_len(&a);
	memcpy(ret->data, a.b, ret->len);
	return true;
}

static bool take_text(struct rc_cur *c, struct ike_id *ret)
{
	const struct rc_word *w = rc_next(c);

	if (!w)
		return rc_fault(c, NULL, "wants a text in quotes behind its type");
	if (w->kind != RC_STRING)
		return rc_fault(c, w, "belongs in quotes");
	return set_octets(c, w, w->p, w->n, ret);
}

/* The contents of a file, or the octets of a tag. */
static bool take_keyid(struct rc_cur *c, struct ike_id *ret)
{
	bool is_tag = rc_skip(c, "tag"), ok;
	const struct rc_word *w;
	char *path = NULL, *text = NULL;
	size_t n = 0;
	int r;

	if (is_tag)
		return take_text(c, ret);
	(void)rc_skip(c, "file");
	w = rc_peek(c);
	if (!rc_string(c, &path))
		return false;
	r = rc_load(c->r, path, &text, &n);
	if (r < 0)
		ok = rc_fault(c, w, "cannot be read: %s", rc_load_fault(r));
	else
		ok = set_octets(c, w, text, n, ret);
	free(text);
	free(path);
	return ok;
}

static int digit(char x)
{
	const char *digits = "0123456789abcdef",
	           *at = x ? strchr(digits, x >= 'A' && x <= 'F' ? x + 32 : x) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool is_letter(char x)
{
	return (x >= 'A' && x <= 'Z') || (x >= 'a' && x <= 'z');
}

static bool is_digit(char x)
{
	return x >= '0' && x <= '9';
}

/* A type of attribute: a word, or the numbers of one (RFC 4514 section 3). */
static bool is_type(const char *p, size_t n)
{
	bool word = n && is_letter(*p);

	if (!n || (!word && (!is_digit(*p) || !is_digit(p[n - 1]))))
		return false;
	for (size_t i = 0; i < n; i++)
		if (word ? !is_letter(p[i]) && !is_digit(p[i]) && p[i] != '-'
		         : !is_digit(p[i]) && (p[i] != '.' || p[i - 1] == '.'))
			return false;
	return true;
}

/* TYPE=VALUE, one behind the other, with `,` or `/` between; a backslash takes the next octet's meaning away.
 */
static bool is_name(const char *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t from, to;

		while (at < n && p[at] == ' ')
			at++;
		for (from = at; at < n && p[at] != '='; at++)
			;
		for (to = at; to > from && p[to - 1] == ' '; to--)
			;
		if (at == n || !is_type(p + from, to - from))
			return false;
		for (from = ++at; at < n && p[at] != ',' && p[at] != '/'; at++)
			at += p[at] == '\\' && at + 1 < n;
		for (to = at; to > from && p[to - 1] == ' '; to--)
			;
		if (to == from || (at < n && at + 1 == n))
			return false;
		at += at < n;
	}
	return n > 0;
}

static bool take_name_text(struct rc_cur *c, const struct rc_word *w, struct ike_id *ret)
{
	if (!take_text(c, ret))
		return false;
	if (!is_name((const char *)ret->data, ret->len))
		return rc_fault(c, w, "is no name: it is written as \"C=DE, O=Example, CN=gateway\"");
	return true;
}

/* A name as text, "~" and its DER in hexadecimal, or nothing: the certificate's. */
static bool take_name(struct rc_cur *c, struct ike_id *ret)
{
	const struct rc_word *w = rc_peek(c);
	uint8_t der[IKE_ID_DATA_MAX + 1]; /* one more shows that it is too long */
	size_t n = 0;

	if (!w)
		return true;
	if (w->kind != RC_STRING || !w->n || w->p[0] != '~')
		return take_name_text(c, w, ret);
	(void)rc_next(c);
	for (uint32_t i = 1; i + 1 < w->n && n < sizeof(der); i += 2) {
		int hi = digit(w->p[i]), lo = digit(w->p[i + 1]);

		if (hi < 0 || lo < 0)
			return rc_fault(c, w, "has something behind `~` that is no hexadecimal digit");
		der[n++] = (uint8_t)(hi << 4 | lo);
	}
	if (w->n % 2 == 0)
		return rc_fault(c, w, "has an odd number of hexadecimal digits");
	ret->kind = IKE_ID_DN_DER;
	return set_octets(c, w, der, n, ret);
}

bool rc_identifier(struct rc_cur *c, struct ike_id *ret)
{
	enum { CERTNAME = 100 };
	static const struct rc_choice types[] = {{"address", IKE_ID_ADDRESS}, {"fqdn", IKE_ID_FQDN},
	    {"user_fqdn", IKE_ID_USER_FQDN}, {"keyid", IKE_ID_KEYID}, {"asn1dn", IKE_ID_DN},
	    {"certname", CERTNAME}};
	const struct rc_word *w = rc_peek(c);
	struct ike_id id = {0};
	uint32_t kind;

	if (!rc_pick(c, "a type of identity: address, fqdn, user_fqdn, keyid or asn1dn", types,
	        ARRAY_SIZE(types), &kind))
		return false;
	if (kind == CERTNAME)
		rc_warn(c, w, "is an old word for `asn1dn`");
	id.kind = kind == CERTNAME ? IKE_ID_DN : kind;
	switch (id.kind) {
	case IKE_ID_ADDRESS:
		if (!take_address(c, &id))
			return false;
		break;
	case IKE_ID_KEYID:
		if (!take_keyid(c, &id))
			return false;
		break;
	case IKE_ID_DN:
		if (!take_name(c, &id))
			return false;
		break;
	default:
		if (!take_text(c, &id))
			return false;
		break;
	}
	*ret = id;
	return true;
}
