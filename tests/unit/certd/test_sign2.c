/*
 * Signatures of version 2 (RFC 7296 section 2.15, RFC 4754, 7427, 8420): what one certd signs another's
 * certd-verify believes, and both agree with OpenSSL over octets put together here; each thing that can be
 * wrong with one has its reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "certd/verify/hearing.h"
#include "crypto/crypto.h"
#include "support/prove_stage2.h"
#include "wire/ike/v2.h"

enum { RSA_KEY, RSA_PSS, RSA_PSS_384, P256, P384, P521, ED25519, ED448, KEYS, AUTH_MAX = PROVE_PROOF_MAX };
enum {
	H1 = 1 << IKE2_HASH_SHA1,
	H256 = 1 << IKE2_HASH_SHA256,
	H384 = 1 << IKE2_HASH_SHA384,
	H512 = 1 << IKE2_HASH_SHA512,
	HID = 1 << IKE2_HASH_IDENTITY,
};

static EVP_PKEY *ca_key, *key[KEYS];
static X509 *ca, *cert[KEYS];

/* RFC 7427 appendix A, with the length of each in front; RFC 8420 section 3. */
#define PSS(hash, salt)                                                                                      \
	"\x43\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34\xa0\x0f\x30\x0d\x06\x09\x60\x86"   \
	"\x48\x01\x65\x03\x04\x02" hash "\x05\x00\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"   \
	"\x08\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" hash "\x05\x00\xa2\x03\x02\x01" salt
#define PKCS1(hash) "\x0f\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01" hash "\x05\x00"
#define ECDSA(hash) "\x0c\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03" hash
#define ECDSA_SHA1  "\x0b\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01"
#define EDWARDS(n)  "\x07\x30\x05\x06\x03\x2b\x65" n

/* A form of a signature. */
struct form {
	uint8_t method;
	const char *alg; /* with its length in front; NULL: the method has none */
	const char *hash;
	bool pss, bare;
};

static const struct form method1 = {1, NULL, "SHA1", false, false},
                         pss256 = {14, PSS("\x01", "\x20"), "SHA256", true, false},
                         pss384 = {14, PSS("\x02", "\x30"), "SHA384", true, false},
                         pss512 = {14, PSS("\x03", "\x40"), "SHA512", true, false},
                         pkcs256 = {14, PKCS1("\x0b"), "SHA256", false, false},
                         pkcs384 = {14, PKCS1("\x0c"), "SHA384", false, false},
                         pkcs512 = {14, PKCS1("\x0d"), "SHA512", false, false},
                         pkcs1 = {14, PKCS1("\x05"), "SHA1", false, false},
                         ec256 = {14, ECDSA("\x02"), "SHA256", false, false},
                         ec384 = {14, ECDSA("\x03"), "SHA384", false, false},
                         ec512 = {14, ECDSA("\x04"), "SHA512", false, false},
                         ec1 = {14, ECDSA_SHA1, "SHA1", false, false},
                         method9 = {9, NULL, "SHA256", false, true},
                         method10 = {10, NULL, "SHA384", false, true},
                         method11 = {11, NULL, "SHA512", false, true},
                         ed25519 = {14, EDWARDS("\x70"), NULL, false, false},
                         ed448 = {14, EDWARDS("\x71"), NULL, false, false};

static size_t half_of(int k)
{
	return k == P256 ? 32 : k == P384 ? 48 : 66;
}

/* r | s, and OpenSSL's DER of it. */
static size_t der_of(int k, const uint8_t *rs, size_t n, uint8_t ret[256])
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	uint8_t *p = ret;
	int len;

	assert_int_equal(n, 2 * half_of(k));
	assert_true(
	    ECDSA_SIG_set0(s, BN_bin2bn(rs, (int)n / 2, NULL), BN_bin2bn(rs + n / 2, (int)n / 2, NULL)));
	len = i2d_ECDSA_SIG(s, &p);
	ECDSA_SIG_free(s);
	assert_true(len > 0);
	return (size_t)len;
}

static size_t bare_of(int k, const uint8_t *der, size_t n, uint8_t ret[256])
{
	const unsigned char *p = der;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	int half = (int)half_of(k);

	assert_non_null(s);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(s), ret, half), half);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(s), ret + half, half), half);
	ECDSA_SIG_free(s);
	return 2 * (size_t)half;
}

/* The body of an AUTH payload of this form, made by OpenSSL. Octets. */
static size_t sign(int k, const struct form *f, const uint8_t *over, size_t n_over, uint8_t ret[AUTH_MAX])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	size_t head = 4, n = AUTH_MAX;
	uint8_t sig[AUTH_MAX];

	memcpy(ret, (const uint8_t[4]){f->method}, 4);
	if (f->alg) {
		memcpy(ret + 4, f->alg, (size_t)(uint8_t)f->alg[0] + 1);
		head += (size_t)(uint8_t)f->alg[0] + 1;
	}
	assert_int_equal(EVP_DigestSignInit_ex(c, &pc, f->hash, NULL, NULL, key[k], NULL), 1);
	if (f->pss)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) > 0 &&
		            EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST) > 0);
	assert_int_equal(EVP_DigestSign(c, sig, &n, over, n_over), 1);
	EVP_MD_CTX_free(c);
	if (f->bare)
		return head + bare_of(k, sig, n, ret + head);
	memcpy(ret + head, sig, n);
	return head + n;
}

/* Whether OpenSSL believes it to be of this form. */
static void expect_form(
    int k, const struct form *f, const uint8_t *over, size_t n_over, const uint8_t *auth, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	size_t n_alg = f->alg ? (size_t)(uint8_t)f->alg[0] + 1 : 0, head = 4 + n_alg;
	uint8_t der[256];

	assert_true(n > head);
	assert_memory_equal(auth, ((const uint8_t[4]){f->method}), 4);
	if (f->alg)
		assert_memory_equal(auth + 4, f->alg, n_alg);
	assert_int_equal(EVP_DigestVerifyInit_ex(c, &pc, f->hash, NULL, NULL, key[k], NULL), 1);
	if (f->pss)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) > 0 &&
		            EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST) > 0);
	if (f->bare)
		n = der_of(k, auth + head, n - head, der);
	assert_int_equal(
	    EVP_DigestVerify(c, f->bare ? der : auth + head, f->bare ? n : n - head, over, n_over), 1);
	EVP_MD_CTX_free(c);
}

/* --- what certd-verify knows --- */

static struct hearing court(void)
{
	struct hearing h = {.ticket_key = {{9}}, .now = anchors_new(1)};
	struct file f = kit_pem(&ca, 1);
	struct ike_peer *p;
	struct err_text e;

	assert_non_null(h.now);
	h.now->generation = STAGE_GENERATION;
	h.now->conf = ike_conf_new();
	p = ike_conf_add_peer(h.now->conf);
	p->name = strdup("10.0.0.110");
	p->version = 2;
	assert_int_equal(inet_addr_parse("10.0.0.110", &p->addr), 0);
	assert_true(anchors_add(h.now, CREDENTIAL_ANCHOR, 0, &f, &e) > 0);
	file_fini(&f);
	return h;
}

/* Octets of the ticket, or why not as a negative number. */
static int hear(const struct hearing *h, const uint8_t *word, size_t n_word, int k, const uint8_t *auth,
    size_t n, struct err_text *e, uint8_t ticket[TICKET_MAX])
{
	struct file f = kit_der(cert[k]);
	struct judge_claim c = {.signature = {auth, n}, .cert = {{f.p, f.n}}, .n_certs = 1};
	enum verify_reason why = VERIFY_NONE;
	struct inet_addr from;
	int r;

	*e = (struct err_text){{0}};
	r = hearing_hold(h, (struct ike1_octets){word, n_word}, &c, STAGE_NOW, &why, &from, ticket, e);
	file_fini(&f);
	if (r == -EACCES)
		assert_int_not_equal(why, VERIFY_NONE);
	return r == -EACCES ? -(int)why : r;
}

/* An exchange in which a peer with key `k` says `id`, and certd's statement of what it has to sign. */
struct said {
	struct stage x;
	struct stage2_exchange q;
	struct hearing h;
	struct ike1_octets id;
	uint8_t word[PROVE_WORD_MAX], over[PROOF2_OCTETS_MAX], auth[AUTH_MAX];
	size_t n_word, n_over;
};

static void say(struct said *s, bool we_began, struct ike_id id)
{
	static const uint8_t any[] = {1, 0, 0, 0, 1};
	bool is_ticket = true;
	int n;

	stage2_set(&s->x, true);
	stage2_told(&s->x, &s->q, we_began, NULL);
	n = stage2_peer_says(&s->x, &s->q, id, any, sizeof(any), &is_ticket, s->word);
	if (n <= 0)
		fail_msg("%s", s->x.e.s);
	assert_false(is_ticket);
	s->n_word = (size_t)n;
	s->id = stage2_id(&s->q, id);
	s->n_over = stage2_octets(&s->q, false, s->id, s->over);
	s->h = court();
}

static void end(struct said *s)
{
	anchors_free(s->h.now);
	stage_strike(&s->x);
}

static void expect(struct said *s, int k, size_t n, enum verify_reason want, const char *says)
{
	uint8_t ticket[TICKET_MAX];
	struct err_text e;
	int r = hear(&s->h, s->word, s->n_word, k, s->auth, n, &e, ticket);

	if (want == VERIFY_NONE ? r <= 0 : r != -(int)want)
		fail_msg("expected %s, got %s (%s)", verify_reason_name(want),
		    r > 0 ? "a ticket" : verify_reason_name((enum verify_reason) - r), e.s);
	if (says ? !strstr(e.s, says) : e.s[0] != '\0')
		fail_msg("expected '%s', got '%s'", says ? says : "", e.s);
}

static struct ike_id gw(void)
{
	return kit_id(IKE_ID_FQDN, "gw.example");
}

/* --- the tests --- */

/* Each kind of key with what a peer takes, and the form that comes of it. */
static const struct {
	int k;
	unsigned hashes;
	const struct form *form;
} forms[] = {
    {RSA_KEY, 0, &method1},
    {RSA_KEY, H1, &method1},
    {RSA_KEY, HID, &method1},
    {RSA_KEY, H1 | H256 | H384 | H512, &pss256},
    {RSA_KEY, H384 | H512, &pss384},
    {RSA_KEY, H512, &pss512},
    {RSA_PSS, H1 | H256 | H384 | H512, &pss256},
    {RSA_PSS, H512, &pss512},
    {RSA_PSS_384, H256 | H384 | H512, &pss384},
    {P256, 0, &method9},
    {P256, H1, &method9},
    {P256, H256 | H384 | H512 | HID, &ec256},
    {P256, H384, &ec384},
    {P384, 0, &method10},
    {P384, H256 | H384 | H512, &ec384},
    {P384, H256, &ec256},
    {P521, 0, &method11},
    {P521, H256 | H384 | H512, &ec512},
    {P521, H256 | H384, &ec384},
    {ED25519, H256 | HID, &ed25519},
    {ED448, HID, &ed448},
};

/* What certd makes, believed by OpenSSL here and by the other side's certd-verify; both sides of each. */
static void test_sign2_each_form_from_end_to_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(forms); i++) {
		bool initiators = i % 2;
		int k = forms[i / 2].k;
		uint8_t auth[PROVE_PROOF_MAX], over[PROOF2_OCTETS_MAX], word[PROVE_WORD_MAX],
		    ticket[TICKET_MAX];
		struct stage2_exchange q, p, *mine, *others;
		struct stage x, y, *me, *other;
		struct hearing h = court();
		struct err_text e = {{0}};
		struct ticket t;
		bool is_ticket;
		int n, m, r;

		stage2_set(&x, true);
		stage2_set(&y, true);
		me = initiators ? &x : &y;
		other = initiators ? &y : &x;
		mine = initiators ? &q : &p;
		others = initiators ? &p : &q;
		stage_give_key(me, key[k], cert[k]);
		stage2_meet(&x, &q, &y, &p, forms[i / 2].hashes);
		n = stage2_prove(me, mine, gw(), auth);
		if (n <= 0)
			fail_msg("row %zu: %s", i / 2, me->e.s);
		expect_form(k, forms[i / 2].form, over,
		    stage2_octets(mine, true, stage2_id(mine, gw()), over), auth, (size_t)n);
		m = stage2_peer_says(other, others, gw(), auth, (size_t)n, &is_ticket, word);
		if (m <= 0)
			fail_msg("row %zu: %s", i / 2, other->e.s);
		assert_false(is_ticket);
		r = hear(&h, word, (size_t)m, k, auth, (size_t)n, &e, ticket);
		if (r <= 0)
			fail_msg(
			    "row %zu: %s (%s)", i / 2, verify_reason_name((enum verify_reason) - r), e.s);
		assert_int_equal(ticket_open(&h.ticket_key, ticket, (size_t)r, STAGE_NOW, &t, &e), 0);
		assert_true(t.id.kind == IKE_ID_FQDN && t.id.len == 10 && t.peer == STAGE_NAMED);
		assert_memory_equal(t.icookie, q.spi_i, 8);
		assert_memory_equal(t.rcookie, q.spi_r, 8);
		/* Ours is once. */
		assert_int_equal(stage2_prove(me, mine, gw(), auth), -EPROTO);
		anchors_free(h.now);
		stage_strike(&x);
		stage_strike(&y);
	}
}

/* What OpenSSL makes is believed, also in forms that certd does not choose. */
static void test_sign2_each_form_is_believed(void **state)
{
	static const struct {
		int k;
		const struct form *form;
	} rows[] = {{RSA_KEY, &pss256}, {RSA_KEY, &pss384}, {RSA_KEY, &pss512}, {RSA_KEY, &pkcs256},
	    {RSA_KEY, &pkcs384}, {RSA_KEY, &pkcs512}, {RSA_PSS, &pss256}, {RSA_PSS, &pss384},
	    {RSA_PSS, &pss512}, {RSA_PSS_384, &pss384}, {P256, &ec256}, {P256, &ec384}, {P256, &ec512},
	    {P384, &ec256}, {P384, &ec384}, {P384, &ec512}, {P521, &ec256}, {P521, &ec384}, {P521, &ec512},
	    {P256, &method9}, {P384, &method10}, {P521, &method11}, {ED25519, &ed25519}, {ED448, &ed448},
	    {RSA_KEY, &method1}};
	struct said s;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const struct form *f = rows[i / 2].form;

		say(&s, i % 2, gw());
		expect(&s, rows[i / 2].k, sign(rows[i / 2].k, f, s.over, s.n_over, s.auth), VERIFY_NONE,
		    f == &method1 ? "the peer signs over SHA-1" : NULL);
		end(&s);
	}
}

/* SHA-1 where another hash could have been named, a form of another key, another method, none at all. */
static void test_sign2_algorithms_that_are_refused(void **state)
{
	static const struct form pss1 = {
	    14, "\x0f\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x00", "SHA1", true, false};
	static const struct form md5 = {14, PKCS1("\x04"), "MD5", false, false};
	const struct {
		int k, signer; /* whose certificate, and who signs */
		const struct form *form;
	} rows[] = {{RSA_KEY, RSA_KEY, &pkcs1}, {RSA_KEY, RSA_KEY, &pss1}, {RSA_KEY, RSA_KEY, &md5},
	    {P256, P256, &ec1}, {P384, P384, &(struct form){9, NULL, "SHA256", false, true}},
	    /* A key for PSS alone, and one for PSS over SHA-384 alone. */
	    {RSA_PSS, RSA_KEY, &pkcs256}, {RSA_PSS, RSA_KEY, &method1}, {RSA_PSS_384, RSA_KEY, &pss256},
	    {RSA_PSS_384, RSA_KEY, &pss512}, {RSA_PSS_384, RSA_KEY, &pkcs384},
	    {P256, P256, &(struct form){10, NULL, "SHA384", false, true}}, {RSA_KEY, P256, &ec256},
	    {P256, RSA_KEY, &pss256}, {ED25519, ED448, &ed448}, {ED448, ED25519, &ed25519},
	    {ED25519, P256, &method9}, {RSA_KEY, RSA_KEY, &(struct form){2, NULL, "SHA256", false, false}},
	    {RSA_KEY, RSA_KEY, &(struct form){3, NULL, "SHA1", false, false}},
	    {RSA_KEY, RSA_KEY, &(struct form){13, NULL, "SHA1", false, false}}};
	struct said s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		say(&s, true, gw());
		expect(&s, rows[i].k, sign(rows[i].signer, rows[i].form, s.over, s.n_over, s.auth),
		    VERIFY_ALGORITHM, NULL);
		end(&s);
	}
	say(&s, true, gw());
	for (size_t n = 1; n <= 4; n++)
		expect(&s, RSA_KEY, n, VERIFY_ALGORITHM, NULL);
	end(&s);
}

/* A form that is right, and another key, another form or other octets under it. */
static void test_sign2_wrong_signatures(void **state)
{
	struct said s;
	size_t n;

	(void)state;
	say(&s, false, gw());
	n = sign(RSA_KEY, &pss256, s.over, s.n_over, s.auth);
	expect(&s, RSA_KEY, n - 1, VERIFY_BAD_SIGNATURE, NULL);
	memcpy(s.auth + 4, pss512.alg, 68); /* what is said of the hash is not what was signed with */
	expect(&s, RSA_KEY, n, VERIFY_BAD_SIGNATURE, NULL);
	n = sign(P256, &method9, s.over, s.n_over, s.auth);
	expect(&s, P256, n - 1, VERIFY_BAD_SIGNATURE, NULL);
	expect(&s, P256, n + 1, VERIFY_BAD_SIGNATURE, NULL);
	expect(&s, P256, 5, VERIFY_BAD_SIGNATURE, NULL);
	memset(s.auth + 4, 0, 64);
	expect(&s, P256, 68, VERIFY_BAD_SIGNATURE, NULL);
	/* Version 1's signature over the hash of it all: the form that is wanted there. */
	n = sign(RSA_KEY, &method1, s.over, s.n_over - 1, s.auth);
	expect(&s, RSA_KEY, n, VERIFY_BAD_SIGNATURE, NULL);
	n = sign(ED25519, &ed25519, s.over + 1, s.n_over - 1, s.auth);
	expect(&s, ED25519, n, VERIFY_BAD_SIGNATURE, NULL);
	end(&s);
}

/* Message, nonce and identity, an octet at a time; and of the proof each octet that is looked at. */
static void test_sign2_each_octet_counts(void **state)
{
	struct said s;
	size_t n;

	(void)state;
	for (int began = 0; began < 2; began++) {
		say(&s, began, gw());
		for (size_t at = 0; at < s.n_over; at++) {
			s.over[at] ^= 0x40;
			n = sign(ED25519, &ed25519, s.over, s.n_over, s.auth);
			expect(&s, ED25519, n, VERIFY_BAD_SIGNATURE, NULL);
			s.over[at] ^= 0x40;
		}
		n = sign(ED25519, &ed25519, s.over, s.n_over, s.auth);
		for (size_t at = 0; at < n; at++) {
			bool reserved = at >= 1 && at < 4;

			s.auth[at] ^= 0x40;
			expect(&s, ED25519, n,
			    reserved  ? VERIFY_NONE
			    : at < 12 ? VERIFY_ALGORITHM
			              : VERIFY_BAD_SIGNATURE,
			    NULL);
			s.auth[at] ^= 0x40;
		}
		expect(&s, ED25519, n, VERIFY_NONE, NULL);
		end(&s);
	}
}

/* One that the certificate does not bear; one that it bears and nobody asked for, whatever verify_identifier
 * says; the address in use and another. */
static void test_sign2_identities(void **state)
{
	const struct ike_id address = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 110}},
	                    other = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 111}};
	const struct {
		struct ike_id id, want; /* want: kind NONE: anybody */
		enum verify_reason reason;
	} rows[] = {
	    {gw(), {0}, VERIFY_NONE},
	    {kit_subject(cert[P256]), {0}, VERIFY_NONE},
	    {kit_id(IKE_ID_FQDN, "else.example"), {0}, VERIFY_ID_MISMATCH},
	    {kit_id(IKE_ID_USER_FQDN, "gw.example"), {0}, VERIFY_ID_MISMATCH},
	    {kit_id(IKE_ID_KEYID, "gw.example"), {0}, VERIFY_ID_MISMATCH},
	    {gw(), gw(), VERIFY_NONE},
	    {gw(), kit_id(IKE_ID_FQDN, "else.example"), VERIFY_ID_UNEXPECTED},
	    {kit_subject(cert[P256]), kit_id(IKE_ID_DN, "O=Example, CN=gw.example"), VERIFY_NONE},
	    {kit_subject(cert[P256]), kit_id(IKE_ID_DN, "O=Example, CN=else.example"), VERIFY_ID_UNEXPECTED},
	    {address, {.kind = IKE_ID_ADDRESS}, VERIFY_NONE},
	    {other, {.kind = IKE_ID_ADDRESS}, VERIFY_ID_UNEXPECTED},
	    {other, other, VERIFY_NONE},
	};
	struct said s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ike_peer *p;
		struct err_text e;
		uint8_t ticket[TICKET_MAX];
		size_t n;
		int r;

		say(&s, true, rows[i].id);
		p = &s.h.now->conf->peer[0];
		p->verify_identifier = false;
		if (rows[i].want.kind) {
			p->peer_id = calloc(1, sizeof(*p->peer_id));
			p->peer_id[0] = rows[i].want;
			p->n_peer_ids = 1;
		}
		n = sign(P256, &ec256, s.over, s.n_over, s.auth);
		r = hear(&s.h, s.word, s.n_word, P256, s.auth, n, &e, ticket);
		if (rows[i].reason ? r != -(int)rows[i].reason : r <= 0)
			fail_msg("row %zu: %d (%s)", i, r, e.s);
		end(&s);
	}
}

/* What we cannot or may not sign. */
static void test_sign2_us(void **state)
{
	uint8_t auth[PROVE_PROOF_MAX];
	struct stage2_exchange q;
	struct stage x;

	(void)state;
	stage2_set(&x, true);
	stage2_told(&x, &q, true, NULL);
	assert_int_equal(stage2_prove(&x, &q, gw(), auth), -ENOENT);
	assert_non_null(strstr(x.e.s, "has no private key"));
	stage_give_key(&x, key[ED25519], cert[ED25519]);
	stage2_told(&x, &q, true, NULL);
	assert_int_equal(stage2_prove(&x, &q, kit_id(IKE_ID_FQDN, "else.example"), auth), -EACCES);
	assert_int_equal(stage2_prove(&x, &q, gw(), auth), -EOPNOTSUPP);
	assert_non_null(strstr(x.e.s, "is Ed25519, and the peer does not say that it takes such"));
	stage_strike(&x);
	for (int k = RSA_PSS; k <= RSA_PSS_384; k++) {
		stage2_set(&x, true);
		stage_give_key(&x, key[k], cert[k]);
		assert_int_equal(stage2_begin(&x, &q, true, NULL), 0);
		q.peer_hashes = k == RSA_PSS ? H1 | HID : H256 | H512 | HID;
		assert_int_equal(stage2_tell(&x, &q), 0);
		assert_int_equal(stage2_prove(&x, &q, gw(), auth), -EOPNOTSUPP);
		assert_non_null(strstr(x.e.s, "is RSA-PSS of 2048 bits, and the peer does not say"));
		stage_strike(&x);
	}
	stage2_set(&x, true);
	stage_strike(&x);
}

/* A block for version 2 takes any kind of key, one for version 1 RSA alone. */
static void test_sign2_keys_of_a_load(void **state)
{
	struct file c = kit_pem(&cert[P256], 1), k = kit_pem_key(key[P256], NULL);
	struct stage x;

	(void)state;
	stage2_set(&x, true);
	assert_int_equal(creds_add(x.p.now, CREDENTIAL_CERT, 0, "my.crt", kit_fd(c.p, c.n, 0644), &x.e), 0);
	assert_int_equal(creds_add(x.p.now, CREDENTIAL_KEY, 0, "my.key", kit_fd(k.p, k.n, 0600), &x.e), 0);
	assert_int_equal(creds_read(x.p.now, x.p.now->conf, &x.e), 0);
	stage_peer(&x)->version = 1;
	assert_int_equal(creds_read(x.p.now, x.p.now->conf, &x.e), -EOPNOTSUPP);
	assert_non_null(strstr(x.e.s, "my.key is ECDSA P-256"));
	file_fini(&c);
	file_fini(&k);
	stage_strike(&x);
}

/* `hash` NULL: over any. */
static EVP_PKEY *pss_key(const EVP_MD *hash)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *k = NULL;

	assert_true(EVP_PKEY_keygen_init(c) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(c, 2048) == 1);
	if (hash)
		assert_true(EVP_PKEY_CTX_set_rsa_pss_keygen_md(c, hash) == 1 &&
		            EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(c, hash) == 1 &&
		            EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(c, 32) == 1);
	assert_int_equal(EVP_PKEY_generate(c, &k), 1);
	EVP_PKEY_CTX_free(c);
	return k;
}

static int make_world(void **state)
{
	(void)state;
	key[RSA_PSS] = pss_key(NULL);
	key[RSA_PSS_384] = pss_key(EVP_sha384());
	ca_key = kit_rsa(2048);
	ca = kit_cert(&(struct kit_cert){.org = "Example", .cn = "CA", .ca = true, .key = ca_key});
	key[RSA_KEY] = kit_rsa(2048);
	key[P256] = EVP_EC_gen("P-256");
	key[P384] = EVP_EC_gen("P-384");
	key[P521] = EVP_EC_gen("P-521");
	key[ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	key[ED448] = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	for (int k = 0; k < KEYS; k++)
		cert[k] = kit_cert(&(struct kit_cert){.org = "Example",
		    .cn = "gw.example",
		    .san = "DNS:gw.example, IP:10.0.0.110, IP:10.0.0.111",
		    .serial = k + 2,
		    .key = key[k],
		    .issuer = ca,
		    .signer = ca_key});
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	for (int k = 0; k < KEYS; k++) {
		X509_free(cert[k]);
		EVP_PKEY_free(key[k]);
	}
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sign2_each_form_from_end_to_end),
	    cmocka_unit_test(test_sign2_each_form_is_believed),
	    cmocka_unit_test(test_sign2_algorithms_that_are_refused),
	    cmocka_unit_test(test_sign2_wrong_signatures),
	    cmocka_unit_test(test_sign2_each_octet_counts),
	    cmocka_unit_test(test_sign2_identities),
	    cmocka_unit_test(test_sign2_us),
	    cmocka_unit_test(test_sign2_keys_of_a_load),
	};
	struct err_text e = {{0}};

	if (geteuid() != 0)
		return 77; /* keys are believed in root's files alone */
	if (secret_init(1 << 20, &e) < 0 || crypto_init(&e) < 0 || ticket_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, make_world, end_world);
}
