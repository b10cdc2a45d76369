/*
 * What is allowed and not wise. Children are judged as SAs in use are; for IKE SAs RFC 8247 speaks.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "cli/check/check.h"
#include "cli/weak.h"
#include "ipsec/ike_weak.h"

struct weak {
	const struct native_conf *c;
	native_say_fn say;
	void *arg;
};

static void warn(const struct weak *w, const struct native_at *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void warn(const struct weak *w, const struct native_at *at, const char *fmt, ...)
{
	char text[480];
	const struct native_note n = {
	    .file = w->c->file[at->file], .line = at->line, .column = at->column, .text = text, .source = ""};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->say(w->arg, &n);
}

static void judge_ike(const struct weak *w, const struct native_conn *x)
{
	for (uint8_t i = 0; i < x->ike.n; i++) {
		const struct native_proposal *p = &x->ike.p[i];
		const char *why[] = {
		    ike_weak_cipher(p->enc), ike_weak_hash(p->hash), ike_weak_group(p->group)};

		for (size_t k = 0; k < ARRAY_SIZE(why); k++)
			if (why[k])
				warn(w, &p->at, "connection %s would negotiate with %s", x->name, why[k]);
	}
	if (x->exchange == IKE_MODE_AGGRESSIVE && !native_auth_signs(x->auth))
		warn(w, &x->exchange_at,
		    "aggressive mode lets anybody guess at the secret of connection %s offline: main mode "
		    "does not",
		    x->name);
}

static void judge_child(const struct weak *w, const struct native_conn *x, const struct native_child *k)
{
	for (uint8_t i = 0; i < k->offers.n; i++) {
		const struct native_proposal *p = &k->offers.p[i];
		const struct sa_desc d = {
		    .proto = k->proto, .enc = p->enc, .auth = p->auth, .replay_bytes = 8};
		struct weak_notes notes = {.n_sas = 0};

		weak_judge(&notes, &d);
		for (size_t kind = 0; kind < WEAK_KINDS && p->at.line; kind++)
			if (notes.n[kind])
				warn(w, &p->at, "SAs of connection %s would %s", x->name, weak_text(kind));
	}
	if (k->has_pfs && !k->pfs)
		warn(w, &k->at,
		    "`pfs no`: whoever gets at the keys of connection %s later can read all of its traffic "
		    "back to "
		    "the start of its IKE SA",
		    x->name);
	else if (ike_weak_group(k->pfs))
		warn(w, &k->at, "a child of connection %s would negotiate with %s", x->name,
		    ike_weak_group(k->pfs));
}

/* Whoever may not look into a folder cannot know. */
static void judge_file(const struct weak *w, const struct native_conn *x, const char *path)
{
	struct stat st;

	if (path && stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		warn(w, &x->auth_at, "connection %s names %s, which is not there", x->name, path);
}

void check_native_weak(const struct native_conf *c, native_say_fn say, void *arg)
{
	const struct weak w = {.c = c, .say = say, .arg = arg};

	for (uint32_t i = 0; i < c->n_conns; i++) {
		const struct native_conn *x = &c->conn[i];

		judge_ike(&w, x);
		for (uint8_t k = 0; k < x->n_children; k++)
			judge_child(&w, x, &x->child[k]);
		judge_file(&w, x, x->secret_file);
		judge_file(&w, x, x->certificate);
		judge_file(&w, x, x->key);
		judge_file(&w, x, x->remote_certificate);
		judge_file(&w, x, x->remote_key);
		for (uint8_t k = 0; k < x->n_authorities; k++)
			judge_file(&w, x, x->authority[k]);
	}
}
