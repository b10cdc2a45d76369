/*
 * The wording, the order and the plurals are an interface: scripts cut these lines by number and by text.
 * What we count and the old systems did not is printed after their last line, so that nothing moves.
 */
#include "cli/stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ipsec/alg.h"

struct line {
	const char *counter; /* NULL: the histogram below stands here */
	const char *before;  /* text up to the plural s */
	const char *after;
	const char *histogram, *title;
};

static const struct line lines[] = {
    {"in_success", "inbound packet", " processed successfully", NULL, NULL},
    {"in_polvio", "inbound packet", " violated process security policy", NULL, NULL},
    {"in_nosa", "inbound packet", " with no SA available", NULL, NULL},
    {"in_inval", "invalid inbound packet", "", NULL, NULL},
    {"in_nomem", "inbound packet", " failed due to insufficient memory", NULL, NULL},
    {"in_badspi", "inbound packet", " failed getting SPI", NULL, NULL},
    {"in_ahreplay", "inbound packet", " failed on AH replay check", NULL, NULL},
    {"in_espreplay", "inbound packet", " failed on ESP replay check", NULL, NULL},
    {"in_ahauthsucc", "inbound packet", " considered authentic", NULL, NULL},
    {"in_ahauthfail", "inbound packet", " failed on authentication", NULL, NULL},
    {NULL, NULL, NULL, "in_hist.ah.", "AH input"},
    {NULL, NULL, NULL, "in_hist.esp.", "ESP input"},
    {NULL, NULL, NULL, "in_hist.ipcomp.", "IPComp input"},
    {"out_success", "outbound packet", " processed successfully", NULL, NULL},
    {"out_polvio", "outbound packet", " violated process security policy", NULL, NULL},
    {"out_nosa", "outbound packet", " with no SA available", NULL, NULL},
    {"out_inval", "invalid outbound packet", "", NULL, NULL},
    {"out_nomem", "outbound packet", " failed due to insufficient memory", NULL, NULL},
    {"out_noroute", "outbound packet", " with no route", NULL, NULL},
    {NULL, NULL, NULL, "out_hist.ah.", "AH output"},
    {NULL, NULL, NULL, "out_hist.esp.", "ESP output"},
    {NULL, NULL, NULL, "out_hist.ipcomp.", "IPComp output"},
    {"in_espauthsucc", "inbound packet", " authenticated by ESP", NULL, NULL},
    {"in_espauthfail", "inbound packet", " failed on ESP authentication", NULL, NULL},
};

enum { ORDER_UNKNOWN = 256 };

static unsigned order_in_ah(const char *name)
{
	const struct alg_auth_info *auth;

	for (size_t i = 0; (auth = alg_auth_at(i)); i++)
		if (strcmp(auth->stat_name, name) == 0)
			return auth->stat_order;
	return ORDER_UNKNOWN;
}

static unsigned order_in_esp(const char *name)
{
	const struct alg_enc_info *enc;

	for (size_t i = 0; (enc = alg_enc_at(i)); i++)
		if (strcmp(enc->stat_name, name) == 0)
			return enc->stat_order;
	return ORDER_UNKNOWN;
}

/* By the CPI. */
static unsigned order_in_ipcomp(const char *name)
{
	static const char *const names[] = {"none", "oui", "deflate", "lzs"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return ORDER_UNKNOWN;
}

/* Place of an algorithm in the histogram with this prefix; names that its table does not have come last. */
static unsigned order_of(const char *prefix, const char *name)
{
	if (strstr(prefix, "_hist.ah."))
		return order_in_ah(name);
	return strstr(prefix, "_hist.ipcomp.") ? order_in_ipcomp(name) : order_in_esp(name);
}

struct bar {
	const char *name;
	uint64_t value;
	unsigned order;
};

static int bar_cmp(const void *a, const void *b)
{
	const struct bar *x = (const struct bar *)a, *y = (const struct bar *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return strcmp(x->name, y->name);
}

enum { BARS_MAX = 64 };

/* The counters called PREFIX + NAME that are not zero, in histogram order. */
static size_t collect_bars(const struct counters *c, const char *prefix, struct bar bars[BARS_MAX])
{
	size_t n = 0, len = strlen(prefix);

	for (size_t i = 0; i < c->n && n < BARS_MAX; i++)
		if (strncmp(c->v[i].name, prefix, len) == 0 && c->v[i].value)
			bars[n++] = (struct bar){
			    c->v[i].name + len, c->v[i].value, order_of(prefix, c->v[i].name + len)};
	qsort(bars, n, sizeof(bars[0]), bar_cmp);
	return n;
}

static void print_histogram(const struct counters *c, const char *prefix, const char *title, FILE *out)
{
	struct bar bars[BARS_MAX];
	size_t n = collect_bars(c, prefix, bars);

	if (n)
		fprintf(out, "\t%s histogram:\n", title);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "\t\t%s: %" PRIu64 "\n", bars[i].name, bars[i].value);
}

static void print_set(
    const struct counters *c, const char *name, const char *prefix, bool skip_zero, FILE *out)
{
	char full[COUNTER_NAME_MAX];

	fprintf(out, "%s:\n", name);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct line *l = &lines[i];
		uint64_t v;

		snprintf(full, sizeof(full), "%s%s", prefix, l->counter ? l->counter : l->histogram);
		if (!l->counter) {
			print_histogram(c, full, l->title, out);
			continue;
		}
		v = counters_get(c, full);
		if (v || !skip_zero)
			fprintf(out, "\t%" PRIu64 " %s%s%s\n", v, l->before, v == 1 ? "" : "s", l->after);
	}
}

/* "drop.replay" and "ip6.drop.replay" -> "replay"; NULL for other counters. */
static const char *drop_reason(const char *name, bool *ret_v6)
{
	*ret_v6 = strncmp(name, "ip6.", 4) == 0;
	if (*ret_v6)
		name += 4;
	return strncmp(name, "drop.", 5) == 0 ? name + 5 : NULL;
}

static void print_drops(const struct counters *c, bool skip_zero, FILE *out)
{
	bool v6;

	fprintf(out, "drops:\n");
	for (size_t i = 0; i < c->n; i++) {
		const char *reason = drop_reason(c->v[i].name, &v6);

		if (reason && (c->v[i].value || !skip_zero))
			fprintf(out, "\t%" PRIu64 " %s%s\n", c->v[i].value, reason, v6 ? " (IPv6)" : "");
	}
}

void stats_print(const struct counters *c, const struct stats_options *o, FILE *out)
{
	if (o->v4)
		print_set(c, "ipsec", "", o->skip_zero, out);
	if (o->v6)
		print_set(c, "ipsec6", "ip6.", o->skip_zero, out);
	if (o->drops)
		print_drops(c, o->skip_zero, out);
}

/* "in_hist.esp." -> {"3des-cbc": 406}, empty objects included: a reader need not ask whether the key is
 * there. */
static json_t *histogram_json(const struct counters *c, const char *prefix)
{
	struct bar bars[BARS_MAX];
	size_t n = collect_bars(c, prefix, bars);
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(o, bars[i].name, json_integer((json_int_t)bars[i].value));
	return o;
}

static json_t *set_json(const struct counters *c, const char *prefix)
{
	json_t *o = json_object();
	char full[COUNTER_NAME_MAX], key[COUNTER_NAME_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct line *l = &lines[i];

		snprintf(full, sizeof(full), "%s%s", prefix, l->counter ? l->counter : l->histogram);
		if (l->counter) {
			json_object_set_new(o, l->counter, json_integer((json_int_t)counters_get(c, full)));
			continue;
		}
		snprintf(key, sizeof(key), "%.*s", (int)strlen(l->histogram) - 1, l->histogram);
		for (char *dot = strchr(key, '.'); dot; dot = strchr(dot, '.'))
			*dot = '_';
		json_object_set_new(o, key, histogram_json(c, full));
	}
	return o;
}

static bool is_in_sets(const char *name)
{
	if (strncmp(name, "ip6.", 4) == 0)
		name += 4;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct line *l = &lines[i];

		if (l->counter ? strcmp(name, l->counter) == 0
		               : strncmp(name, l->histogram, strlen(l->histogram)) == 0)
			return true;
	}
	return false;
}

json_t *stats_json(const struct counters *c)
{
	json_t *o = json_object(), *drops = json_object(), *drops6 = json_object(), *other = json_object();

	for (size_t i = 0; i < c->n; i++) {
		const char *name = c->v[i].name, *reason;
		json_t *v = json_integer((json_int_t)c->v[i].value);
		bool v6;

		reason = drop_reason(name, &v6);
		if (reason)
			json_object_set_new(v6 ? drops6 : drops, reason, v);
		else if (!is_in_sets(name))
			json_object_set_new(other, name, v);
		else
			json_decref(v);
	}
	json_object_set_new(o, "schema_version", json_integer(1));
	json_object_set_new(o, "ipsec", set_json(c, ""));
	json_object_set_new(o, "ipsec6", set_json(c, "ip6."));
	json_object_set_new(o, "drops", drops);
	json_object_set_new(o, "drops_ipv6", drops6);
	json_object_set_new(o, "other", other);
	return o;
}
