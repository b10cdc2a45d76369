/*
 * Algorithms and keys of an SA statement. A key goes from the text straight into a secret; messages say how
 * long it is and never what it is.
 */
#include "config/setkey/build.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
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
	sk_fault(b, key, "Invalid key length", "%.*s takes %s, this key has %zu %s%s", (int)alg->n, alg->p,
	    takes, key_len(key), key_len(key) == 1 ? "byte" : "bytes", hint);
}

static bool key_given(struct sk_build *b, const struct sk_tok *alg, const struct sk_tok *key)
{
	if (!key->lex)
		sk_fault(b, alg, "no key found.",
		    "write the key behind the algorithm: a quoted string, or 0x and digits");
	return key->lex != 0;
}

/* `salt`: bytes at the end that are none of the cipher's key. */
static const char *size_range(unsigned min, unsigned max, unsigned step, unsigned salt, char buf[64])
{
	size_t n;

	if (min == max)
		snprintf(buf, 64, "%u bytes", min);
	else if (max == min + 2 * step)
		snprintf(buf, 64, "%u, %u or %u bytes", min, min + step, max);
	else
		snprintf(buf, 64, "%u to %u bytes", min, max);
	n = strlen(buf);
	if (salt)
		snprintf(buf + n, 64 - n, " (the last %u are salt)", salt);
	return buf;
}

/* Names that stand for nothing here, and why. */
static const char *lacking(const struct sk_tok *t)
{
	static const char old[] = "it belongs to the old ESP format, which this version does not provide";
	static const char derived[] = "its initialization vectors follow from the sequence number and can be "
	                              "foretold; it never became a "
	                              "standard";
	static const char with_icv[] = "its name tells the length of the integrity value, as in aes-gcm-16";
	static const struct {
		const char *name, *why;
	} names[] = {
	    {"des-deriv", derived},
	    {"des-32iv", old},
	    {"3des-deriv", derived},
	    {"twofish-cbc", "OpenSSL, whose ciphers are used here, has no Twofish"},
	    {"rc5-cbc", "OpenSSL, whose ciphers are used here, comes without RC5"},
	    {"tcp-md5", "it signs TCP, which is the kernel's affair"},
	    {"aes-gcm", with_icv},
	    {"aes-ccm", with_icv},
	    {"lzs", "there is no free library for LZS"},
	    {"oui", "it stands for the unknown method of some vendor"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (sk_tok_is(t, names[i].name))
			return names[i].why;
	return NULL;
}

/* Other programs call an algorithm by a part of the name it has here: aes, sha256, cmac. The first word with
 * `t` between its hyphens; NULL when there is none. What many names share is no name. */
static const char *longer_name(const struct sk_tok *t, const char *const *words)
{
	static const char *const shared[] = {"hmac", "cbc", "mac", "keyed"};
	char part[64];
	size_t n = t->n;

	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		if (sk_tok_is(t, shared[i]))
			return NULL;
	if (!sk_tok_str(t, part, sizeof(part)))
		return NULL;
	for (; *words; words++)
		for (const char *p = strstr(*words, part); p; p = strstr(p + 1, part))
			if ((p == *words || p[-1] == '-') && (!p[n] || p[n] == '-'))
				return *words;
	return NULL;
}

enum { LIST_ROOM = 256 };

/* "A, B, ..." */
static const char *provided(bool enc, char buf[LIST_ROOM])
{
	size_t at = 0;
	const char *name;

	for (size_t i = 0;; i++) {
		if (enc)
			name = alg_enc_at(i) ? alg_enc_at(i)->name : NULL;
		else
			name = alg_auth_at(i) ? alg_auth_at(i)->name : NULL;
		if (!name || at >= LIST_ROOM)
			return buf;
		at += (size_t)snprintf(buf + at, LIST_ROOM - at, "%s%s", i ? ", " : "", name);
	}
}

static void fault_unknown(struct sk_build *b, const struct sk_tok *t, const char *const *words)
{
	char name[64], near[64], have[LIST_ROOM];
	bool enc = words == sk_words_enc;
	const char *why = lacking(t);

	if (!sk_tok_str(t, name, sizeof(name)))
		name[0] = '\0';
	if (why)
		sk_fault(b, t, "unsupported algorithm", "%s", why);
	else if (alg_comp_by_name(name))
		sk_fault(b, t, "unsupported algorithm", "%s compresses: write it behind -C", name);
	else if (enc && alg_auth_by_name(name))
		sk_fault(b, t, "unsupported algorithm", "%s authenticates: write it behind -A", name);
	else if (!enc && alg_enc_by_name(name))
		sk_fault(b, t, "unsupported algorithm", "%s encrypts: write it behind -E", name);
	else if (longer_name(t, words))
		sk_fault(b, t, "unsupported algorithm", "did you mean %s?", longer_name(t, words));
	else if (*sk_suggest(t, words, near))
		sk_fault(b, t, "unsupported algorithm", "%s", near + 2);
	else
		sk_fault(b, t, "unsupported algorithm", "this version has %s", provided(enc, have));
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

/* A number used twice under one key of a counter mode gives the plain text away. */
static bool fresh_ok(struct sk_build *b, const struct sk_tok *t)
{
	if (!b->desc.fresh_key)
		sk_fault(b, t, "a counter-mode cipher is not safe under a manual key",
		    "add `-f fresh-key` if this key was never used before and never will be again (RFC 8221 "
		    "section 3)");
	return b->desc.fresh_key;
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
		sk_fault(b, &b->enc_opt, "ah cannot encrypt",
		    a->kind == ALG_KIND_GMAC ? "for ah aes-gmac is written behind -A"
		                             : "leave out -E, or use esp");
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
		fault_key_length(b, &b->enc, &b->enc_key,
		    size_range(a->key_min, a->key_max, a->key_step, a->salt_len, sizes));
		return false;
	}
	b->desc.enc_key_len = (uint8_t)key_len(&b->enc_key);
	if (a->counter && !fresh_ok(b, &b->enc))
		return false;
	if (a->aead && b->auth.lex) {
		sk_fault(b, &b->auth_opt, "this cipher authenticates by itself", "leave out -A");
		return false;
	}
	if (a->kind == ALG_KIND_CTR && (!b->auth.lex || sk_tok_is(&b->auth, "null"))) {
		sk_fault(b, &b->enc, "this cipher must not go without authentication",
		    "anybody could change single bits of what it hides (RFC 3686 section 2.2): add -A");
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
	if (a->id == ALG_AUTH_AES_GMAC && b->desc.proto == IPSEC_ESP) {
		sk_fault(
		    b, &b->auth, "unsupported algorithm", "in esp aes-gmac is written behind -E, without -A");
		return false;
	}
	b->desc.auth = a->id;
	b->desc.icv_len = alg_auth_short_by_name(name) ? alg_auth_short_by_name(name)->icv_len : 0;
	if (!key_given(b, &b->auth, &b->auth_key))
		return false;
	if (!alg_auth_keylen_ok(a, key_len(&b->auth_key))) {
		fault_key_length(b, &b->auth, &b->auth_key,
		    size_range(a->key_min, a->key_max, a->key_step, a->counter ? 4 : 0, sizes));
		return false;
	}
	b->desc.auth_key_len = (uint8_t)key_len(&b->auth_key);
	return !a->counter || fresh_ok(b, &b->auth);
}

static bool comp_ok(struct sk_build *b)
{
	char name[64], near[64];

	if (!b->comp.lex) {
		sk_fault(b, b->enc.lex ? &b->enc_opt : &b->auth_opt, "ipcomp has no keys",
		    "it only compresses: write -C deflate");
		return false;
	}
	if (b->desc.proto != IPSEC_IPCOMP) {
		sk_fault(b, &b->comp_opt, "only ipcomp compresses", "leave out -C, or use ipcomp");
		return false;
	}
	if (sk_tok_str(&b->comp, name, sizeof(name)))
		b->desc.comp = alg_comp_by_name(name);
	if (lacking(&b->comp))
		sk_fault(b, &b->comp, "unsupported algorithm", "%s", lacking(&b->comp));
	else if (!b->desc.comp)
		sk_fault(b, &b->comp, "unsupported algorithm", "this version has deflate%s",
		    sk_suggest(&b->comp, sk_words_comp, near));
	return !b->faulty;
}

bool sk_old_algs_ok(struct sk_build *b)
{
	bool old = sk_tok_is(&b->proto, "esp-old");

	if (sk_tok_is(&b->enc, "des-deriv") && old)
		sk_fault(b, &b->enc, "algorithm mismatched", "des-deriv does not go with esp-old");
	else if (sk_tok_is(&b->enc, "des-32iv") && !old)
		sk_fault(b, &b->enc, "algorithm mismatched",
		    "des-32iv goes with esp-old only, which this version does not provide");
	return !b->faulty;
}

bool sk_algs_ok(struct sk_build *b)
{
	if (b->comp.lex || b->desc.proto == IPSEC_IPCOMP)
		return comp_ok(b);
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

static bool is_des(enum alg_enc enc)
{
	return enc == ALG_ENC_DES_CBC || enc == ALG_ENC_3DES_CBC;
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
	if (enc && is_des(b->desc.enc) && sk_des_key_weak(secret_bytes(enc), secret_len(enc))) {
		secret_free(enc);
		secret_free(auth);
		sk_fault(b, &b->enc_key, "weak key",
		    "DES gives the plain text away under this one: take %u octets at random instead",
		    (unsigned)b->desc.enc_key_len);
		return false;
	}
	ret->enc_key = enc;
	ret->auth_key = auth;
	return true;
}
