/*
 * Algorithms and keys of an SA statement. A key goes from the text straight into a secret; messages say how
 * long it is and never what it is.
 */
#include "config/setkey/build.h"

#include <stdio.h>
#include <string.h>

#include "config/setkey/words.h"

enum { NULL_KEY_MAX = 256 }; /* a key that `null` takes and ignores */

/* Hex: an odd first digit is a byte of its own (setkey.md 7.4). */
static size_t key_len(const struct sk_tok *key)
{
	return key->lex == SK_LEX_HEX ? (key->n - 1) / 2 : key->lex == SK_LEX_STRING ? key->n : 0;
}

static void fault_key_length(
    struct sk_build *b, const struct sk_tok *alg, const struct sk_tok *key, const char *takes)
{
	const char *hint = "";

	if (key->lex == SK_LEX_STRING && memchr(key->p, '\n', key->n))
		hint = "; it spans several lines: is its closing quote missing?";
	sk_fault(b, key, "Invalid key length", "%.*s takes %s, this key has %zu bytes%s", (int)alg->n, alg->p,
	    takes, key_len(key), hint);
}

static bool key_given(struct sk_build *b, const struct sk_tok *alg, const struct sk_tok *key)
{
	if (!key->lex)
		sk_fault(b, alg, "no key found.",
		    "write the key behind the algorithm: a quoted string, or 0x and digits");
	return key->lex != 0;
}

static const char *size_range(unsigned min, unsigned max, unsigned step, char buf[64])
{
	if (min == max)
		snprintf(buf, 64, "%u bytes", min);
	else if (max == min + 2 * step)
		snprintf(buf, 64, "%u, %u or %u bytes", min, min + step, max);
	else
		snprintf(buf, 64, "%u to %u bytes", min, max);
	return buf;
}

/* "this version has A, B, ..." */
static const char *provided(bool enc, char buf[128])
{
	size_t at = 0;
	const char *name;

	for (size_t i = 0;; i++) {
		if (enc)
			name = alg_enc_at(i) ? alg_enc_at(i)->name : NULL;
		else
			name = alg_auth_at(i) ? alg_auth_at(i)->name : NULL;
		if (!name || at >= 128)
			return buf;
		at += (size_t)snprintf(buf + at, 128 - at, "%s%s", i ? ", " : "", name);
	}
}

static void fault_unknown(struct sk_build *b, const struct sk_tok *t, const char *const *words)
{
	char name[64], near[64], have[128];

	if (sk_tok_is(t, "des-deriv") || sk_tok_is(t, "des-32iv") || sk_tok_is(t, "3des-deriv"))
		sk_fault(b, t, "unsupported algorithm",
		    "the ciphers of the old ESP format are not provided by this version");
	else if (sk_tok_str(t, name, sizeof(name)) && alg_name_is_known(name) && !alg_enc_by_name(name) &&
	         !alg_auth_by_name(name))
		sk_fault(b, t, "unsupported algorithm", "%s is not provided by this version", name);
	else if (sk_tok_str(t, name, sizeof(name)) && words == sk_words_enc && alg_auth_by_name(name))
		sk_fault(b, t, "unsupported algorithm", "%s authenticates: write it behind -A", name);
	else if (sk_tok_str(t, name, sizeof(name)) && words == sk_words_auth && alg_enc_by_name(name))
		sk_fault(b, t, "unsupported algorithm", "%s encrypts: write it behind -E", name);
	else
		sk_fault(b, t, "unsupported algorithm", "this version has %s%s",
		    provided(words == sk_words_enc, have), sk_suggest(t, words, near));
}

static bool ignored_key_ok(struct sk_build *b, const struct sk_tok *alg, const struct sk_tok *key)
{
	if (key_len(key) > NULL_KEY_MAX) {
		fault_key_length(b, alg, key, "at most 256 bytes, which it ignores");
		return false;
	}
	if (key_len(key))
		sk_warn(b, alg, "the null algorithm uses no key; the one given is ignored");
	return true;
}

static bool enc_ok(struct sk_build *b)
{
	const struct alg_enc_info *a;
	char name[64], sizes[64];

	if (!sk_tok_str(&b->enc, name, sizeof(name)) || !(a = alg_enc_by_name(name))) {
		fault_unknown(b, &b->enc, sk_words_enc);
		return false;
	}
	if (b->desc.proto == IPSEC_AH) {
		sk_fault(b, &b->enc_opt, "ah cannot encrypt", "leave out -E, or use esp");
		return false;
	}
	if (sk_tok_is(&b->enc, "simple"))
		sk_warn(b, &b->enc, "obsolete algorithm");
	b->desc.enc = a->id;
	if (a->key_max == 0)
		return ignored_key_ok(b, &b->enc, &b->enc_key);
	if (!key_given(b, &b->enc, &b->enc_key))
		return false;
	if (!alg_enc_keylen_ok(a, key_len(&b->enc_key))) {
		fault_key_length(
		    b, &b->enc, &b->enc_key, size_range(a->key_min, a->key_max, a->key_step, sizes));
		return false;
	}
	b->desc.enc_key_len = (uint8_t)key_len(&b->enc_key);
	if (a->counter && !b->desc.fresh_key) {
		sk_fault(b, &b->enc, "a counter-mode cipher is not safe under a manual key",
		    "add `-f fresh-key` if this key was never used before and never will be again (RFC 8221 "
		    "section 3)");
		return false;
	}
	if (a->aead && b->auth.lex) {
		sk_fault(b, &b->auth_opt, "this cipher authenticates by itself", "leave out -A");
		return false;
	}
	return true;
}

static bool auth_ok(struct sk_build *b)
{
	const struct alg_auth_info *a;
	char name[64], sizes[64];

	if (sk_tok_is(&b->auth, "null")) {
		if (b->desc.proto == IPSEC_AH) {
			sk_fault(b, &b->auth, "unsupported algorithm",
			    "ah without authentication protects nothing");
			return false;
		}
		sk_warn(b, &b->auth, "null authentication: anybody on the way can change these packets");
		return ignored_key_ok(b, &b->auth, &b->auth_key);
	}
	if (!sk_tok_str(&b->auth, name, sizeof(name)) || !(a = alg_auth_by_name(name))) {
		fault_unknown(b, &b->auth, sk_words_auth);
		return false;
	}
	b->desc.auth = a->id;
	if (!key_given(b, &b->auth, &b->auth_key))
		return false;
	if (!alg_auth_keylen_ok(a, key_len(&b->auth_key))) {
		fault_key_length(b, &b->auth, &b->auth_key, size_range(a->key_min, a->key_max, 1, sizes));
		return false;
	}
	b->desc.auth_key_len = (uint8_t)key_len(&b->auth_key);
	return true;
}

bool sk_algs_ok(struct sk_build *b)
{
	if (b->comp.lex) {
		sk_fault(b, &b->comp, "unsupported algorithm",
		    "compression belongs to ipcomp, which this version does not provide");
		return false;
	}
	if (b->enc.lex && !enc_ok(b))
		return false;
	if (b->auth.lex && !auth_ok(b))
		return false;
	if (b->desc.proto == IPSEC_ESP && !b->enc.lex) {
		sk_fault(b, &b->auth_opt, "esp needs an encryption algorithm",
		    "put -E before -A; `-E null` encrypts nothing");
		return false;
	}
	if (b->desc.fresh_key)
		b->desc.flags &= ~(uint32_t)SA_F_CYCLIC;
	return true;
}

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static struct secret *make_key(const struct sk_tok *t)
{
	uint8_t buf[ALG_KEY_MAX];
	AUTO_WIPE(buf);
	size_t n = 0;

	if (t->lex == SK_LEX_STRING)
		return secret_dup_bytes(t->p, t->n);
	for (uint32_t i = 2; i < t->n && n < sizeof(buf); n++) {
		uint8_t high = (t->n - i) % 2 ? 0 : nibble(t->p[i++]);

		buf[n] = (uint8_t)(high << 4 | nibble(t->p[i++]));
	}
	return secret_dup_bytes(buf, n);
}

bool sk_keys_make(struct sk_build *b, struct setkey_sa *ret)
{
	struct secret *enc = NULL, *auth = NULL;

	if (b->desc.enc_key_len)
		enc = make_key(&b->enc_key);
	if (b->desc.auth_key_len)
		auth = make_key(&b->auth_key);
	if ((b->desc.enc_key_len && !enc) || (b->desc.auth_key_len && !auth)) {
		secret_free(enc);
		secret_free(auth);
		sk_fault(b, &b->first, "not enough core",
		    "the locked memory for keys is full; raise the memlock limit or load the file in parts");
		return false;
	}
	ret->enc_key = enc;
	ret->auth_key = auth;
	return true;
}
