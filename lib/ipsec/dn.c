#include "ipsec/dn.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/rd.h"

enum { SEQUENCE = 0x30, SET = 0x31, OID = 0x06, LONG_FORM = 0x80, LENGTH_OCTETS = 2 };

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

/* One element's contents; lengths of more than two octets are longer than any name. A failure is r's. */
static struct rd element(struct rd *r, uint8_t *ret_tag)
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

static const char *short_name(const uint8_t *oid, size_t n)
{
	static const struct {
		const char *name;
		uint8_t n, oid[10];
	} rows[] = {
	    {"CN", 3, {0x55, 4, 3}},
	    {"SN", 3, {0x55, 4, 4}},
	    {"serialNumber", 3, {0x55, 4, 5}},
	    {"C", 3, {0x55, 4, 6}},
	    {"L", 3, {0x55, 4, 7}},
	    {"ST", 3, {0x55, 4, 8}},
	    {"street", 3, {0x55, 4, 9}},
	    {"O", 3, {0x55, 4, 10}},
	    {"OU", 3, {0x55, 4, 11}},
	    {"title", 3, {0x55, 4, 12}},
	    {"GN", 3, {0x55, 4, 42}},
	    {"UID", 10, {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1}},
	    {"DC", 10, {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25}},
	    {"emailAddress", 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].n == n && memcmp(rows[i].oid, oid, n) == 0)
			return rows[i].name;
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

		if (c && strchr(",+=\\\"", c))
			put(t, '\\');
		put(t, c >= ' ' && c <= '~' ? c : '?');
	}
}

static bool put_attribute(struct text *t, struct rd *set)
{
	uint8_t tag, oid_tag, value_tag;
	struct rd pair = element(set, &tag), oid, value;
	const char *name;

	if (!rd_ok(set) || tag != SEQUENCE)
		return false;
	oid = element(&pair, &oid_tag);
	value = element(&pair, &value_tag);
	if (!rd_done(&pair) || oid_tag != OID || !rd_left(&oid))
		return false;
	name = short_name(oid.p, rd_left(&oid));
	if (name)
		put_text(t, name);
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
		struct rd set = element(name, &tag);

		if (!rd_ok(name) || tag != SET || !rd_left(&set))
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
	name = element(&r, &tag);
	if (rd_done(&r) && tag == SEQUENCE && put_name(&t, &name))
		return true;
	buf[0] = '\0';
	return false;
}
