/*
 * Values of one word or two: numbers, times, sizes, names, paths, hosts, identities.
 */
#include <stdio.h>

#include "config/native/reader.h"

static bool is_digit(char x)
{
	return x >= '0' && x <= '9';
}

/* Leading digits; false: there are none, or it is beyond all use. */
static bool digits(const struct nc_word *w, uint64_t *ret, uint32_t *ret_at)
{
	uint64_t v = 0;
	uint32_t i = 0;

	if (w->kind != NC_WORD)
		return false;
	for (; i < w->n && is_digit(w->p[i]) && v < UINT64_MAX / 100; i++)
		v = v * 10 + (uint64_t)(w->p[i] - '0');
	*ret = v;
	*ret_at = i;
	return i > 0 && (i == w->n || !is_digit(w->p[i]));
}

bool nc_number(struct nc_cur *c, uint64_t min, uint64_t max, uint64_t *ret)
{
	const struct nc_word *w;
	uint32_t at;

	if (!nc_want(c, "a number"))
		return false;
	w = nc_next(c);
	if (!digits(w, ret, &at) || at != w->n)
		return nc_fault(c, w, "is no number");
	if (*ret < min || *ret > max)
		return nc_fault(c, w, "is out of its range, %llu to %llu", (unsigned long long)min,
		    (unsigned long long)max);
	return true;
}

/* "8h" for messages. */
static const char *time_text(uint64_t s, char buf[32])
{
	static const struct {
		uint64_t s;
		char unit;
	} units[] = {{NC_DAY, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	while (s % units[i].s)
		i++;
	snprintf(buf, 32, "%llu%c", (unsigned long long)(s / units[i].s), units[i].unit);
	return buf;
}

bool nc_time(struct nc_cur *c, uint64_t min_s, uint64_t max_s, uint64_t *ret_s)
{
	static const char what[] = "a time, as 90s, 15m, 8h or 1d,";
	static const char units[] = "smhd";
	static const uint64_t seconds[] = {1, 60, 3600, NC_DAY};
	const struct nc_word *w;
	const char *unit;
	char min[32], max[32];
	uint32_t at;

	if (!nc_want(c, what))
		return false;
	w = nc_next(c);
	if (!digits(w, ret_s, &at))
		return nc_fault(c, w, "is not a time, as 90s, 15m, 8h or 1d");
	unit = at + 1 == w->n ? strchr(units, w->p[at]) : NULL;
	if (!unit)
		return nc_fault(c, w, "has no unit of time behind its number: s, m, h or d");
	if (*ret_s > UINT32_MAX || *ret_s * seconds[unit - units] < min_s ||
	    *ret_s * seconds[unit - units] > max_s)
		return nc_fault(
		    c, w, "is out of its range, %s to %s", time_text(min_s, min), time_text(max_s, max));
	*ret_s *= seconds[unit - units];
	return true;
}

bool nc_size(struct nc_cur *c, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	const struct nc_word *w;
	const char *unit;
	uint32_t at;

	if (!nc_want(c, "a size, as 500M or 10G,"))
		return false;
	w = nc_next(c);
	if (!digits(w, ret_bytes, &at))
		return nc_fault(c, w, "is not a size, as 500M or 10G");
	unit = at + 1 == w->n ? strchr(units, w->p[at]) : NULL;
	if (!unit)
		return nc_fault(c, w, "has no unit of size behind its number: K, M, G or T");
	if (!*ret_bytes || *ret_bytes > 1000000)
		return nc_fault(c, w, "is out of its range: 1 to 1000000 of a unit");
	*ret_bytes <<= 10 * (unit - units + 1);
	return true;
}

static bool is_name_letter(char x)
{
	return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || is_digit(x) || x == '-' || x == '_' ||
	       x == '.';
}

bool nc_name(struct nc_cur *c, const char *what, char ret[NATIVE_NAME_MAX + 1])
{
	const struct nc_word *w;

	if (!nc_want(c, what))
		return false;
	w = nc_next(c);
	if (w->kind != NC_WORD)
		return nc_fault(c, w, "is no name: letters, digits, and . _ - are");
	for (uint32_t i = 0; i < w->n; i++)
		if (!is_name_letter(w->p[i]))
			return nc_fault(c, w, "is no name: letters, digits, and . _ - are");
	if (!nc_text(w, ret, NATIVE_NAME_MAX + 1))
		return nc_fault(c, w, "is longer than %d letters", NATIVE_NAME_MAX);
	return true;
}

bool nc_path(struct nc_cur *c, char **ret)
{
	const struct nc_word *w;
	char *text;

	if (!nc_want(c, "the path of a file"))
		return false;
	w = nc_next(c);
	if (!w->n || w->n > IKE_CONF_TEXT_MAX)
		return nc_fault(c, w, "is empty, or longer than %d octets", IKE_CONF_TEXT_MAX);
	if (w->p[0] != '/')
		return nc_fault(c, w, "is no path from / on");
	text = strndup(w->p, w->n);
	if (!text)
		return nc_no_memory(c);
	free(*ret);
	*ret = text;
	return true;
}

/* Labels of letters, digits and hyphens; the last begins with a letter, so that a mistyped address is none.
 */
static bool is_host_name(const char *s)
{
	const char *label = s;
	bool letter = false;

	for (const char *p = s;; p++) {
		if (*p == '.' || !*p) {
			if (p == label || p - label > NATIVE_NAME_MAX || *label == '-' || p[-1] == '-')
				return false;
			letter = !is_digit(*label);
			label = p + 1;
		} else if (!is_name_letter(*p) || *p == '_') {
			return false;
		}
		if (!*p)
			return letter;
	}
}

bool nc_host(struct nc_cur *c, struct native_host *ret)
{
	struct native_host h = {0};
	const struct nc_word *w;

	if (!nc_want(c, "an address, the name of a host, or `any`"))
		return false;
	w = nc_next(c);
	h.at = nc_place(c, w);
	if (w->kind != NC_WORD || !nc_text(w, h.name, sizeof(h.name)))
		return nc_fault(c, w, "is neither an address nor the name of a host");
	if (nc_word_is(w, "any"))
		h.kind = NATIVE_HOST_ANY;
	else if (inet_addr_parse(h.name, &h.addr) == 0)
		h.kind = NATIVE_HOST_ADDRESS;
	else if (strchr(h.name, '/'))
		return nc_fault(c, w, "is a network: a gateway is one address, networks belong to `child`");
	else if (is_host_name(h.name))
		h.kind = NATIVE_HOST_NAME;
	else
		return nc_fault(c, w, "is neither an address nor the name of a host");
	if (h.kind == NATIVE_HOST_ADDRESS && inet_addr_is_any(&h.addr))
		return nc_fault(c, w, "is no address of a host: write `any`");
	*ret = h;
	return true;
}

static bool set_octets(struct nc_cur *c, const struct nc_word *w, enum ike_id_kind kind, struct ike_id *ret)
{
	if (!w->n || w->n > IKE_ID_DATA_MAX)
		return nc_fault(c, w, "is empty, or longer than %d octets", IKE_ID_DATA_MAX);
	ret->kind = kind;
	ret->len = (uint16_t)w->n;
	memcpy(ret->data, w->p, w->n);
	return true;
}

static bool has(const struct nc_word *w, char x)
{
	return memchr(w->p, x, w->n) != NULL;
}

/* What an identity is shows in how it looks; a kind in front of it says otherwise. */
static bool identity_by_look(struct nc_cur *c, const struct nc_word *w, struct ike_id *ret)
{
	char text[INET_ADDR_STRLEN];
	struct inet_addr a;

	if (nc_text(w, text, sizeof(text)) && inet_addr_parse(text, &a) == 0) {
		ret->kind = IKE_ID_ADDRESS;
		ret->len = (uint16_t)inet_addr_len(&a);
		memcpy(ret->data, a.b, ret->len);
		return true;
	}
	if (w->kind == NC_STRING && has(w, '='))
		return set_octets(c, w, IKE_ID_DN, ret);
	return set_octets(c, w, has(w, '@') ? IKE_ID_USER_FQDN : IKE_ID_FQDN, ret);
}

/* Other languages' words for kinds. */
static const char *kind_here(const struct nc_word *w)
{
	return nc_word_is(w, "fqdn")        ? "name"
	       : nc_word_is(w, "user_fqdn") ? "email"
	       : nc_word_is(w, "asn1dn")    ? "dn"
	                                    : NULL;
}

bool nc_identity(struct nc_cur *c, struct ike_id *ret)
{
	static const struct nc_choice kinds[] = {{"address", IKE_ID_ADDRESS}, {"name", IKE_ID_FQDN},
	    {"email", IKE_ID_USER_FQDN}, {"keyid", IKE_ID_KEYID}, {"dn", IKE_ID_DN}};
	const struct nc_word *w;
	struct ike_id id = {0};
	uint32_t kind = IKE_ID_NONE;

	if (!nc_want(c, "an identity: an address, a name, user@name, or \"C=.., CN=..\""))
		return false;
	w = nc_peek(c);
	if (kind_here(w))
		return nc_fault(c, w, "is called `%s` here", kind_here(w));
	for (size_t i = 0; c->at + 1 == c->s->n_words && i < ARRAY_SIZE(kinds); i++)
		if (nc_word_is(w, kinds[i].word))
			return nc_fault(c, w, "is a kind of identity, and wants its value behind it");
	if (c->at + 1 < c->s->n_words && !nc_pick(c, "a kind of identity: address, name, email, keyid or dn",
	                                     kinds, ARRAY_SIZE(kinds), &kind))
		return false;
	w = nc_next(c);
	if (w->kind == NC_PUNCT)
		return nc_fault(c, w, "is no identity");
	if (kind == IKE_ID_NONE || kind == IKE_ID_ADDRESS) {
		if (!identity_by_look(c, w, &id))
			return false;
		if (kind == IKE_ID_ADDRESS && id.kind != IKE_ID_ADDRESS)
			return nc_fault(c, w, "is no address");
	} else if (!set_octets(c, w, kind, &id)) {
		return false;
	}
	if (id.kind == IKE_ID_DN && !has(w, '='))
		return nc_fault(c, w, "is no distinguished name, as \"C=DE, O=Example, CN=gateway\"");
	*ret = id;
	return nc_end(c);
}
