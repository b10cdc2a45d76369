#include "ipsec/dn.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "ipsec/dn_der.h"

enum { LONG_FORM = 0x80, LENGTH_OCTETS = 2 };

struct text {
	char *buf;
	size_t room, len;
};

static void put(struct text *t, char c)
{
	if (t->len + 1 < t->room)
		t->buf[t->len++] = c;
	t->buf[t->len] = '\0';
}

static void put_text(struct text *t, const char *s)
{
	for (; *s; s++)
		put(t, *s);
}

struct rd dn_element(struct rd *r, uint8_t *ret_tag)
{
	size_t n;

	*ret_tag = rd_u8(r);
	n = rd_u8(r);
	if (n & LONG_FORM) {
		size_t octets = n & ~(size_t)LONG_FORM;

		if (octets == 0 || octets > LENGTH_OCTETS)
			rd_fail(r);
		for (n = 0; rd_ok(r) && octets; octets--)
			n = n << 8 | rd_u8(r);
	}
	return rd_sub(r, n);
}

static const struct dn_type types[] = {
    {"CN", "commonName", 0, 3, {0x55, 4, 3}},
    {"SN", "surname", 0, 3, {0x55, 4, 4}},
    {"serialNumber", NULL, DN_PRINTABLE, 3, {0x55, 4, 5}},
    {"C", "countryName", DN_PRINTABLE, 3, {0x55, 4, 6}},
    {"L", "localityName", 0, 3, {0x55, 4, 7}},
    {"ST", "stateOrProvinceName", 0, 3, {0x55, 4, 8}},
    {"street", "streetAddress", 0, 3, {0x55, 4, 9}},
    {"O", "organizationName", 0, 3, {0x55, 4, 10}},
    {"OU", "organizationalUnitName", 0, 3, {0x55, 4, 11}},
    {"title", NULL, 0, 3, {0x55, 4, 12}},
    {"description", NULL, 0, 3, {0x55, 4, 13}},
    {"name", NULL, 0, 3, {0x55, 4, 41}},
    {"GN", "givenName", 0, 3, {0x55, 4, 42}},
    {"initials", NULL, 0, 3, {0x55, 4, 43}},
    {"dnQualifier", NULL, DN_PRINTABLE, 3, {0x55, 4, 46}},
    {"UID", "userId", 0, 10, {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1}},
    {"DC", "domainComponent", DN_IA5, 10, {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25}},
    {"emailAddress", "E", DN_IA5, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1}},
    {"unstructuredName", NULL, DN_IA5, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 2}},
};

const struct dn_type *dn_type_of(const uint8_t *oid, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].n == n && memcmp(types[i].oid, oid, n) == 0)
			return &types[i];
	return NULL;
}

const struct dn_type *dn_type_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, name) == 0 || (types[i].also && strcmp(types[i].also, name) == 0))
			return &types[i];
	return NULL;
}

/* Of a kind without a short name: "2.5.4.99". */
static void put_numbers(struct text *t, struct rd oid)
{
	enum { FIRST = 40, MORE = 0x80, BITS = 7 };
	uint64_t v = 0;
	bool first = true;
	char buf[48];

	while (rd_left(&oid)) {
		uint8_t b = rd_u8(&oid);

		v = v << BITS | (b & (MORE - 1));
		if (b & MORE)
			continue;
		if (first)
			snprintf(buf, sizeof(buf), "%llu.%llu",
			    (unsigned long long)(v / FIRST > 2 ? 2 : v / FIRST),
			    (unsigned long long)(v - FIRST * (v / FIRST > 2 ? 2 : v / FIRST)));
		else
			snprintf(buf, sizeof(buf), ".%llu", (unsigned long long)v);
		put_text(t, buf);
		first = false;
		v = 0;
	}
}

static void put_value(struct text *t, struct rd value)
{
	while (rd_left(&value)) {
		char c = (char)rd_u8(&value);

		/* A slash too: racoon.conf's names may have it between their parts. */
		if (c && strchr(",/+=\\\"", c))
			put(t, '\\');
		put(t, c >= ' ' && c <= '~' ? c : '?');
	}
}

static bool put_attribute(struct text *t, struct rd *set)
{
	uint8_t tag, oid_tag, value_tag;
	struct rd pair = dn_element(set, &tag), oid, value;
	const struct dn_type *type;

	if (!rd_ok(set) || tag != DN_SEQUENCE)
		return false;
	oid = dn_element(&pair, &oid_tag);
	value = dn_element(&pair, &value_tag);
	if (!rd_done(&pair) || oid_tag != DN_OID || !rd_left(&oid))
		return false;
	type = dn_type_of(oid.p, rd_left(&oid));
	if (type)
		put_text(t, type->name);
	else
		put_numbers(t, oid);
	put(t, '=');
	put_value(t, value);
	return true;
}

static bool put_name(struct text *t, struct rd *name)
{
	bool first = true;

	while (rd_left(name)) {
		uint8_t tag;
		struct rd set = dn_element(name, &tag);

		if (!rd_ok(name) || tag != DN_SET || !rd_left(&set))
			return false;
		if (!first)
			put_text(t, ", ");
		for (first = true; rd_left(&set); first = false) {
			if (!first)
				put(t, '+');
			if (!put_attribute(t, &set))
				return false;
		}
		first = false;
	}
	return true;
}

bool dn_format(const uint8_t *der, size_t n, char *buf, size_t room)
{
	struct text t = {.buf = buf, .room = room};
	struct rd r = rd_init(der, n), name;
	uint8_t tag;

	buf[0] = '\0';
	name = dn_element(&r, &tag);
	if (rd_done(&r) && tag == DN_SEQUENCE && put_name(&t, &name))
		return true;
	buf[0] = '\0';
	return false;
}
