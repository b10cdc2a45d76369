/*
 * Values are compared octet by octet, because the string types of a certificate are its issuer's choice;
 * names of other alphabets are UTF-8 in both. Made into DER a value is a PrintableString where it can be one,
 * and else a UTF8String, as openssl makes them.
 */
#include "ipsec/dn_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "ipsec/dn_der.h"

/* 16: none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

/* One octet; what stands behind a backslash has no other meaning. */
static char take_char(const char **p, const char *end, bool *ret_escaped)
{
	char c = *(*p)++;

	*ret_escaped = c == '\\' && *p < end;
	if (!*ret_escaped)
		return c;
	if (end - *p >= 2 && digit((*p)[0]) < 16 && digit((*p)[1]) < 16) {
		c = (char)(digit((*p)[0]) << 4 | digit((*p)[1]));
		*p += 2;
		return c;
	}
	return *(*p)++;
}

/* Up to one of `stops`, blanks around it cut off. Octets, or -1: too long. */
static int take(const char **p, const char *end, const char *stops, char buf[DN_PART_MAX])
{
	size_t n = 0, keep = 0;

	while (*p < end && **p == ' ')
		(*p)++;
	while (*p < end && !(**p && strchr(stops, **p))) {
		bool escaped;

		if (n + 1 >= DN_PART_MAX)
			return -1;
		buf[n++] = take_char(p, end, &escaped);
		if (escaped || buf[n - 1] != ' ')
			keep = n;
	}
	buf[keep] = '\0';
	return (int)keep;
}

bool dn_part_next(const char **p, const char *end, struct dn_part *ret)
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
	ret->any &= n == 1;
	if (*p < end)
		(*p)++;
	return true;
}

/* A base-128 number of an object identifier (X.690 section 8.19). */
static void put_arc(struct wr *w, uint64_t v)
{
	enum { BITS = 7, MORE = 0x80 };
	int shift = BITS * 9;

	while (shift && !(v >> shift))
		shift -= BITS;
	for (; shift; shift -= BITS)
		wr_u8(w, (uint8_t)(v >> shift & (MORE - 1)) | MORE);
	wr_u8(w, (uint8_t)(v & (MORE - 1)));
}

static bool take_arc(const char **p, uint64_t *ret)
{
	char *end;

	if (**p < '0' || **p > '9')
		return false;
	errno = 0;
	*ret = strtoull(*p, &end, 10);
	*p = *end == '.' ? end + 1 : end;
	return !errno && (!*end || *end == '.') && *ret <= UINT32_MAX;
}

/* "2.5.4.3". Octets, 0: it is none. */
static size_t oid_of_numbers(const char *type, uint8_t ret[DN_OID_MAX])
{
	enum { FIRST = 40, ROOTS = 3 };
	struct wr w = wr_init(ret, DN_OID_MAX);
	uint64_t root, v;

	if (!take_arc(&type, &root) || !take_arc(&type, &v) || root >= ROOTS ||
	    (root + 1 < ROOTS && v >= FIRST))
		return 0;
	put_arc(&w, root * FIRST + v);
	while (*type) {
		if (!take_arc(&type, &v))
			return 0;
		put_arc(&w, v);
	}
	return wr_ok(&w) ? wr_len(&w) : 0;
}

/* Octets, 0: not known. */
static size_t oid_of(const char *type, uint8_t ret[DN_OID_MAX])
{
	const struct dn_type *t = dn_type_named(type);

	if (!t)
		return oid_of_numbers(type, ret);
	memcpy(ret, t->oid, t->n);
	return t->n;
}

static bool is_octets(uint8_t tag)
{
	return tag == DN_UTF8 || tag == DN_PRINTABLE || tag == DN_TELETEX || tag == DN_IA5;
}

/* A pair of type and value against a component of the text. */
static bool pair_is(struct rd pair, const struct dn_part *part)
{
	uint8_t want[DN_OID_MAX], oid_tag, tag;
	size_t n = oid_of(part->type, want);
	struct rd oid = dn_element(&pair, &oid_tag), value = dn_element(&pair, &tag);

	if (!n || !rd_done(&pair) || oid_tag != DN_OID || rd_left(&oid) != n || memcmp(oid.p, want, n) != 0)
		return false;
	if (part->any)
		return true;
	return is_octets(tag) && rd_left(&value) == part->n_value &&
	       memcmp(value.p, part->value, part->n_value) == 0;
}

/* Of one set there may be several, as of a text that goes on. */
static bool set_is(struct rd set, const char **p, const char *end)
{
	while (rd_left(&set)) {
		struct dn_part part;
		uint8_t tag;
		struct rd pair = dn_element(&set, &tag);

		if (!rd_ok(&set) || tag != DN_SEQUENCE || *p >= end || !dn_part_next(p, end, &part) ||
		    !pair_is(pair, &part))
			return false;
	}
	return rd_ok(&set);
}

bool dn_is(const char *text, size_t n, const uint8_t *der, size_t n_der)
{
	const char *p = text, *end = text + n;
	struct rd r = rd_init(der, n_der), name;
	uint8_t tag;

	name = dn_element(&r, &tag);
	if (!rd_done(&r) || tag != DN_SEQUENCE)
		return false;
	while (rd_left(&name)) {
		struct rd set = dn_element(&name, &tag);

		if (!rd_ok(&name) || tag != DN_SET || !set_is(set, &p, end))
			return false;
	}
	return p >= end;
}

/* X.680 section 41.4. */
static bool is_printable(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool letter = (p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= 'a' && p[i] <= 'z') ||
		              (p[i] >= '0' && p[i] <= '9');

		if (!letter && (!p[i] || !strchr(" '()+,-./:=?", p[i])))
			return false;
	}
	return true;
}

/* The octets behind `tag` and its length. */
static void put_element(struct wr *w, uint8_t tag, const void *p, size_t n)
{
	enum { SHORT_MAX = 0x7f, ONE = 0x81, TWO = 0x82 };

	wr_u8(w, tag);
	if (n > UINT8_MAX) {
		wr_u8(w, TWO);
		wr_u16(w, (uint16_t)n);
	} else {
		if (n > SHORT_MAX)
			wr_u8(w, ONE);
		wr_u8(w, (uint8_t)n);
	}
	wr_bytes(w, p, n);
}

static uint8_t string_of(const struct dn_part *part)
{
	const struct dn_type *t = dn_type_named(part->type);

	if (t && t->string)
		return t->string;
	return is_printable(part->value, part->n_value) ? DN_PRINTABLE : DN_UTF8;
}

static void put_part(struct wr *w, const struct dn_part *part, const uint8_t *oid, size_t n_oid)
{
	uint8_t buf[2 * DN_PART_MAX], outer[2 * DN_PART_MAX];
	struct wr pair = wr_init(buf, sizeof(buf)), set = wr_init(outer, sizeof(outer));

	put_element(&pair, DN_OID, oid, n_oid);
	put_element(&pair, string_of(part), part->value, part->n_value);
	put_element(&set, DN_SEQUENCE, buf, wr_len(&pair));
	put_element(w, DN_SET, outer, wr_len(&set));
}

int dn_encode(const char *text, size_t n, uint8_t ret[DN_DER_MAX], char ret_type[DN_PART_MAX])
{
	const char *p = text, *end = text + n;
	uint8_t body[DN_DER_MAX], oid[DN_OID_MAX];
	struct wr w = wr_init(body, sizeof(body)), all = wr_init(ret, DN_DER_MAX);
	struct dn_part part;

	while (p < end) {
		size_t n_oid;

		if (!dn_part_next(&p, end, &part) || part.any)
			return -EINVAL;
		n_oid = oid_of(part.type, oid);
		memcpy(ret_type, part.type, DN_PART_MAX);
		if (!n_oid)
			return -ENOENT;
		put_part(&w, &part, oid, n_oid);
	}
	if (!wr_ok(&w))
		return -EMSGSIZE;
	put_element(&all, DN_SEQUENCE, body, wr_len(&w));
	return wr_ok(&all) ? (int)wr_len(&all) : -EMSGSIZE;
}
