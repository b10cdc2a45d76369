#include "cli/pki/show.h"

#include <time.h>

enum { DAY_S = 86400, STAMP_STRLEN = 40 };

const char *show_kind(enum pki_item_kind k)
{
	static const char *const names[] = {[PKI_ITEM_CERT] = "certificate",
	    [PKI_ITEM_REQUEST] = "request",
	    [PKI_ITEM_LIST] = "revocation list",
	    [PKI_ITEM_KEY] = "private key",
	    [PKI_ITEM_PUBLIC] = "public key"};

	return names[k];
}

static const char *stamp(int64_t s, char buf[STAMP_STRLEN])
{
	time_t t = (time_t)s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, STAMP_STRLEN, "%Y-%m-%d %H:%M:%S UTC", &tm))
		buf[0] = '\0';
	return buf;
}

static void row(FILE *out, const char *title, const char *text)
{
	if (*text)
		fprintf(out, "  %-12s %s\n", title, text);
}

static void rows(FILE *out, const char *title, const struct pki_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		row(out, i ? "" : title, w->v[i]);
}

static void print_dates(FILE *out, const struct pki_item *x, int64_t now)
{
	char from[STAMP_STRLEN], to[STAMP_STRLEN];
	long long days = (long long)(x->to - now) / DAY_S;

	row(out, x->kind == PKI_ITEM_LIST ? "made" : "valid from", stamp(x->from, from));
	if (!x->to)
		return;
	fprintf(
	    out, "  %-12s %s", x->kind == PKI_ITEM_LIST ? "holds until" : "valid until", stamp(x->to, to));
	if (x->to < now)
		fprintf(out, " (over)\n");
	else
		fprintf(out, " (%lld day%s left)\n", days, days == 1 ? "" : "s");
}

static void print_fingerprint(FILE *out, const char *hex)
{
	if (!*hex)
		return;
	fprintf(out, "  %-12s SHA-256 ", "fingerprint");
	for (size_t i = 0; hex[i] && hex[i + 1]; i += 2)
		fprintf(out, "%s%.2s", i ? ":" : "", hex + i);
	fprintf(out, "\n");
}

static void print_revoked(FILE *out, const struct pki_item *x)
{
	char when[STAMP_STRLEN];

	for (size_t i = 0; i < x->n_revoked; i++)
		fprintf(out, "  %-12s %s, %s%s%s\n", i ? "" : "revoked", x->revoked[i].serial,
		    stamp(x->revoked[i].when, when), x->revoked[i].reason ? ", " : "",
		    x->revoked[i].reason ? x->revoked[i].reason : "");
	if (!x->n_revoked)
		row(out, "revoked", "nothing");
}

static void print_uses(FILE *out, const struct pki_item *x)
{
	bool asked = x->kind == PKI_ITEM_REQUEST;

	rows(out, asked ? "asks for" : "names", &x->names);
	rows(out, asked ? "and for" : "for", &x->uses);
	if (x->kind == PKI_ITEM_CERT && !x->uses.n)
		row(out, "for", "anything: it says nothing about its use");
}

static void print_verdict(FILE *out, const struct pki_item *x)
{
	for (size_t i = 0; i < x->unfit.n; i++)
		row(out, "UNFIT", x->unfit.v[i]);
	for (size_t i = 0; i < x->warnings.n; i++)
		row(out, "warning", x->warnings.v[i]);
	if (!x->unfit.n)
		row(out, "fit for IKE", x->warnings.n ? "yes, but see the warnings" : "yes");
}

static void print_item(FILE *out, const struct pki_item *x, int64_t now)
{
	const char *what = x->is_ca ? " of an authority" : x->is_self_signed ? ", signed by itself" : "";

	fprintf(out, "%s%s%s\n", show_kind(x->kind), what, x->is_locked ? ", enciphered" : "");
	row(out, "subject", x->subject);
	row(out, "issuer", x->issuer);
	row(out, "key", x->key);
	if (x->kind == PKI_ITEM_KEY)
		return;
	if (x->kind != PKI_ITEM_LIST && x->kind != PKI_ITEM_PUBLIC)
		print_uses(out, x);
	if (x->from)
		print_dates(out, x, now);
	if (x->kind == PKI_ITEM_LIST)
		print_revoked(out, x);
	row(out, "signed over", x->signature);
	row(out, "serial", x->serial);
	print_fingerprint(out, x->fingerprint);
	row(out, "link", x->hash);
	print_verdict(out, x);
}

void show_print(FILE *out, const char *file, const struct pki_look *l, int64_t now)
{
	for (size_t i = 0; i < l->n; i++) {
		fprintf(out, "%s: ", file);
		print_item(out, &l->item[i], now);
	}
}
