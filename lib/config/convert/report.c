/*
 * A table of what each word of racoon.conf becomes. Words that are not in it are carried, or have had no
 * meaning for racoon's reader here either, which says so itself.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/convert/convert.h"

struct row {
	const char *block, *word;
	const char
	    *but; /* with this word behind it nothing is lost: it is what is done anyway; NULL: always */
	enum convert_fate fate;
	const char *text;
};

static const struct row rows[] = {
    {"", "include", NULL, CONVERT_APPROXIMATED, "what it reads is converted too, into this one file"},
    {"", "log", NULL, CONVERT_DROPPED, "how much is logged is said by `ipsecctl log`, and to the launcher"},
    {"", "timer", NULL, CONVERT_DROPPED, "repetitions have their usual times"},
    {"", "listen", NULL, CONVERT_DROPPED, "every address of this host is answered"},
    {"", "padding", NULL, CONVERT_DROPPED, "padding is as the RFC has it"},
    {"", "privsep", NULL, CONVERT_DROPPED, "services are separated anyhow"},
    {"", "mode_cfg", NULL, CONVERT_DROPPED,
        "addresses for clients have no word yet: keep the racoon.conf for them"},
    {"", "radiuscfg", NULL, CONVERT_DROPPED, "users are not asked for yet: keep the racoon.conf for them"},
    {"", "ldapcfg", NULL, CONVERT_DROPPED, "users are not asked for yet: keep the racoon.conf for them"},
    {"path", "backupsa", NULL, CONVERT_DROPPED, "SAs are kept by the launcher"},
    {"path", "script", NULL, CONVERT_DROPPED, "scripts have no word yet"},
    {"path", "pidfile", NULL, CONVERT_DROPPED, "no process stays behind `load`"},
    {"remote", "match_empty_cr", "off", CONVERT_DROPPED, "certificates are sent to who asks for any"},
    {"remote", "send_cert", "on", CONVERT_DROPPED, "our certificate is always sent"},
    {"remote", "send_cr", "on", CONVERT_DROPPED, "the peer's certificate is always asked for"},
    {"remote", "verify_cert", "on", CONVERT_DROPPED, "a peer's certificate is always verified"},
    {"remote", "initial_contact", "on", CONVERT_DROPPED, "INITIAL-CONTACT is always said"},
    {"remote", "proposal_check", "strict", CONVERT_APPROXIMATED,
        "lifetimes, key lengths and groups are held to as with `strict`"},
    {"remote", "dpd_retry", "5", CONVERT_APPROXIMATED, "a question is repeated after 5 s"},
    {"remote", "rekey", "on", CONVERT_DROPPED, "IKE SAs are renewed while they are used"},
    {"remote", "ike_frag", "on", CONVERT_APPROXIMATED, "fragments are announced, and sent to who takes them"},
    {"remote", "esp_frag", NULL, CONVERT_DROPPED, "fragments inside of ESP in UDP have no word yet"},
    {"remote", "mode_cfg", "off", CONVERT_DROPPED, "addresses for clients have no word yet"},
    {"remote", "xauth_login", NULL, CONVERT_DROPPED, "users have no word yet"},
    {"remote", "script", NULL, CONVERT_DROPPED, "scripts have no word yet"},
    {"remote", "nonce_size", NULL, CONVERT_DROPPED, "nonces have the usual length"},
};

void convert_tell(convert_say_fn say, void *arg, enum convert_fate fate, const char *file, uint32_t line,
    const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(arg, fate, file, line, text);
}

static bool has_word(const struct rc_tree *t, const struct rc_stmt *s, const char *text)
{
	for (uint32_t i = 1; text && i < s->n_words; i++)
		if (rc_word_is(rc_word_at(t, s, i), text))
			return true;
	return false;
}

static void look_up(const struct rc_tree *t, const struct rc_stmt *s, const char *block, uint32_t word,
    convert_say_fn say, void *arg)
{
	const struct rc_word *w = rc_word_at(t, s, word), *first = rc_word_at(t, s, 0);

	for (size_t i = 0; w && i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].block, block) == 0 && rc_word_is(w, rows[i].word) &&
		    !has_word(t, s, rows[i].but))
			convert_tell(say, arg, rows[i].fate, t->file, first->line, "%s%s%s: %s", block,
			    *block ? " " : "", rows[i].word, rows[i].text);
}

void convert_report_tree(const struct convert_input *in, convert_say_fn say, void *arg)
{
	const struct rc_tree *t = in->tree;
	const struct rc_stmt *s, *inner;

	for (uint32_t i = 0; t && (s = rc_stmt_at(t, i, t->n_stmts)); i = s->end) {
		bool is_remote = rc_word_is(rc_word_at(t, s, 0), "remote");

		look_up(t, s, "", 0, say, arg);
		if (rc_word_is(rc_word_at(t, s, 0), "path"))
			look_up(t, s, "path", 1, say, arg);
		for (uint32_t k = i + 1; is_remote && (inner = rc_stmt_at(t, k, s->end)); k = inner->end)
			look_up(t, inner, "remote", 0, say, arg);
	}
}
