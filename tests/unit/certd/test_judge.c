/*
 * What a stranger may send: each thing that can be wrong with a certificate, an identity or a signature has
 * its own reason, and the one that is in order has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/x509v3.h>

#include "certd/verify/judge.h"
#include "crypto/crypto.h"
#include "support/cert_kit.h"

enum { WEEK = 7 * KIT_DAY };

/* One world for all cases: who issues, and the keys, which take their time to make. */
static struct {
	EVP_PKEY *ca_key, *other_key, *key, *weak_key, *ec_key;
	X509 *ca, *other_ca, *good;
	bool weak_too; /* certificates that could be forged are to be believed */
} w;

/* One exchange, in which the peer says `id` and has to sign `hash`. */
struct said {
	struct anchors *a;
	struct ike_peer *peer;
	struct judge_claim c;
	struct file der[JUDGE_CERTS_MAX];
	uint8_t hash[20], signature[1024];
	struct err_text e;
};

static void trust(struct said *x, enum credential_kind kind, struct file f)
{
	assert_true(anchors_add(x->a, kind, 0, &f, &x->e) > 0);
	file_fini(&f);
}

static void begin(struct said *x)
{
	*x = (struct said){.a = anchors_new(1), .hash = "twenty octets of it"};
	assert_non_null(x->a);
	x->a->conf = ike_conf_new();
	x->peer = ike_conf_add_peer(x->a->conf);
	x->peer->weak_certs = w.weak_too;
	x->c.over = (struct ike1_octets){x->hash, sizeof(x->hash)};
	trust(x, CREDENTIAL_ANCHOR, kit_pem(&w.ca, 1));
}

static void show(struct said *x, const X509 *cert)
{
	struct file *f = &x->der[x->c.n_certs];

	*f = kit_der(cert);
	x->c.cert[x->c.n_certs++] = (struct ike1_octets){f->p, f->n};
}

static void say(struct said *x, struct ike_id id, EVP_PKEY *key)
{
	size_t n = key ? kit_sign(key, x->hash, sizeof(x->hash), x->signature) : 1;

	x->c.id = id;
	x->c.signature = (struct ike1_octets){x->signature, n};
}

static void end(struct said *x)
{
	for (uint32_t i = 0; i < x->c.n_certs; i++)
		file_fini(&x->der[i]);
	anchors_free(x->a);
}

static void expect(struct said *x, enum verify_reason want, const char *detail)
{
	enum verify_reason r;

	x->e = (struct err_text){{0}};
	r = judge(x->a, &x->c, &x->e);
	if (r != want || (detail && !strstr(x->e.s, detail)) || (!detail && want == VERIFY_NONE && x->e.s[0]))
		fail_msg("expected %s (%s), got %s (%s)", verify_reason_name(want), detail ? detail : "",
		    verify_reason_name(r), x->e.s);
	end(x);
}

/* A peer with this certificate, saying its subject. */
static void expect_of(X509 *cert, EVP_PKEY *key, enum verify_reason want, const char *detail)
{
	struct said x;

	begin(&x);
	show(&x, cert);
	say(&x, kit_subject(cert), key);
	expect(&x, want, detail);
	X509_free(cert);
}

static X509 *issued(struct kit_cert c)
{
	c.org = "Example";
	c.cn = c.cn ? c.cn : "gw.example";
	c.key = c.key ? c.key : w.key;
	c.issuer = c.issuer ? c.issuer : w.ca;
	c.signer = c.signer ? c.signer : w.ca_key;
	c.serial = c.serial ? c.serial : 7;
	return kit_cert(&c);
}

static void test_judge_good(void **state)
{
	struct said x;

	(void)state;
	expect_of(issued((struct kit_cert){0}), w.key, VERIFY_NONE, NULL);
	begin(&x);
	show(&x, w.good);
	say(&x, kit_id(IKE_ID_FQDN, "GW.example"), w.key); /* names have no case */
	expect(&x, VERIFY_NONE, NULL);
	begin(&x);
	show(&x, w.good);
	say(&x, kit_id(IKE_ID_USER_FQDN, "admin@gw.example"), w.key);
	expect(&x, VERIFY_NONE, NULL);
	begin(&x);
	show(&x, w.good);
	say(&x, (struct ike_id){.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 100}}, w.key);
	expect(&x, VERIFY_NONE, NULL);
}

static void test_judge_dates(void **state)
{
	(void)state;
	expect_of(issued((struct kit_cert){.from = -WEEK, .to = -KIT_DAY}), w.key, VERIFY_EXPIRED,
	    "certificate has expired(10) at depth:0 SubjectName:/O=Example/CN=gw.example");
	expect_of(issued((struct kit_cert){.from = KIT_DAY, .to = WEEK}), w.key, VERIFY_NOT_YET, "depth:0");
}

static void test_judge_issuers(void **state)
{
	X509 *middle = issued((struct kit_cert){.cn = "Middle", .ca = true, .key = w.other_key});
	X509 *no_ca = issued((struct kit_cert){.cn = "No authority", .key = w.other_key});
	X509 *leaf = issued((struct kit_cert){.issuer = middle, .signer = w.other_key});
	X509 *below = issued((struct kit_cert){.issuer = no_ca, .signer = w.other_key});
	struct said x;

	(void)state;
	expect_of(issued((struct kit_cert){.issuer = w.other_ca, .signer = w.other_key}), w.key,
	    VERIFY_UNTRUSTED, "depth:0");
	/* Of the right name, but another's key. */
	expect_of(issued((struct kit_cert){.signer = w.other_key}), w.key, VERIFY_BAD_CHAIN, "signature");
	expect_of(kit_cert(&(struct kit_cert){.org = "Example", .cn = "Self", .key = w.key}), w.key,
	    VERIFY_UNTRUSTED, "self-signed");
	begin(&x);
	show(&x, leaf);
	show(&x, middle);
	say(&x, kit_subject(leaf), w.key);
	expect(&x, VERIFY_NONE, NULL);
	begin(&x);
	show(&x, leaf);
	say(&x, kit_subject(leaf), w.key);
	expect(&x, VERIFY_UNTRUSTED, "");
	begin(&x);
	show(&x, below);
	show(&x, no_ca);
	say(&x, kit_subject(below), w.key);
	expect(&x, VERIFY_BAD_CHAIN, "invalid CA certificate");
	X509_free(middle);
	X509_free(no_ca);
	X509_free(leaf);
	X509_free(below);
}

static void test_judge_name_constraints(void **state)
{
	X509 *bound = issued((struct kit_cert){.cn = "Bound",
	    .ca = true,
	    .key = w.other_key,
	    .name_constraints = "critical,permitted;DNS:inside.example"});
	X509 *leaf =
	    issued((struct kit_cert){.issuer = bound, .signer = w.other_key, .san = "DNS:outside.example"});
	struct said x;

	(void)state;
	begin(&x);
	show(&x, leaf);
	show(&x, bound);
	say(&x, kit_id(IKE_ID_FQDN, "outside.example"), w.key);
	expect(&x, VERIFY_BAD_CHAIN, "permitted subtree violation");
	X509_free(bound);
	X509_free(leaf);
}

static void test_judge_purposes(void **state)
{
	(void)state;
	expect_of(issued((struct kit_cert){.usage = "keyEncipherment"}), w.key, VERIFY_PURPOSE, NULL);
	expect_of(issued((struct kit_cert){.usage = "digitalSignature"}), w.key, VERIFY_NONE, NULL);
	expect_of(issued((struct kit_cert){.ext_usage = "codeSigning"}), w.key, VERIFY_PURPOSE, NULL);
	expect_of(issued((struct kit_cert){.ext_usage = "1.3.6.1.5.5.7.3.17"}), w.key, VERIFY_NONE, NULL);
	expect_of(issued((struct kit_cert){.ext_usage = "codeSigning,serverAuth"}), w.key, VERIFY_NONE, NULL);
}

/* `ca` true: the peer has ca_type, an authority's file of its own. */
static void expect_crl(bool ca, bool crl_first, X509_CRL *crl, enum verify_reason want)
{
	X509 *leaf = issued((struct kit_cert){.serial = 666});
	struct said x;

	begin(&x);
	if (crl_first)
		trust(&x, CREDENTIAL_ANCHOR, kit_pem_crl(crl));
	if (ca)
		trust(&x, CREDENTIAL_CA, kit_pem(&w.ca, 1));
	if (!crl_first)
		trust(&x, CREDENTIAL_ANCHOR, kit_pem_crl(crl));
	show(&x, leaf);
	say(&x, kit_subject(leaf), w.key);
	expect(&x, want, NULL);
	X509_free(leaf);
	X509_CRL_free(crl);
}

static void test_judge_revocation(void **state)
{
	(void)state;
	expect_crl(false, false, kit_crl(w.ca, w.ca_key, 666, -60, KIT_DAY), VERIFY_REVOKED);
	expect_crl(false, true, kit_crl(w.ca, w.ca_key, 667, -60, KIT_DAY), VERIFY_NONE);
	expect_crl(false, true, kit_crl(w.ca, w.ca_key, 0, -WEEK, -KIT_DAY), VERIFY_CRL);
	expect_crl(false, true, kit_crl(w.ca, w.other_key, 666, -60, KIT_DAY), VERIFY_CRL);
	expect_crl(false, true, kit_crl(w.ca, w.ca_key, 0, KIT_DAY, WEEK), VERIFY_CRL);
	/* Another authority's list says nothing about ours, in date or not. */
	expect_crl(false, true, kit_crl(w.other_ca, w.other_key, 666, -60, KIT_DAY), VERIFY_NONE);
	expect_crl(false, true, kit_crl(w.other_ca, w.other_key, 666, -WEEK, -KIT_DAY), VERIFY_NONE);
}

/* Yesterday's list stays beside today's, in whatever order the folder has them. */
static void test_judge_revocation_by_the_current_list(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		X509 *leaf = issued((struct kit_cert){.serial = 666});
		X509_CRL *old = kit_crl(w.ca, w.ca_key, i & 2 ? 0 : 666, -WEEK, -KIT_DAY),
		         *now = kit_crl(w.ca, w.ca_key, i & 2 ? 666 : 0, -60, KIT_DAY);
		struct said x;

		begin(&x);
		trust(&x, CREDENTIAL_ANCHOR, kit_pem_crl(i & 1 ? old : now));
		trust(&x, CREDENTIAL_ANCHOR, kit_pem_crl(i & 1 ? now : old));
		show(&x, leaf);
		say(&x, kit_subject(leaf), w.key);
		expect(&x, i & 2 ? VERIFY_REVOKED : VERIFY_NONE, NULL);
		X509_CRL_free(old);
		X509_CRL_free(now);
		X509_free(leaf);
	}
}

/* Lists of the folder count for authorities with a file of their own, too. */
static void test_judge_revocation_with_ca_type(void **state)
{
	(void)state;
	expect_crl(true, false, kit_crl(w.ca, w.ca_key, 666, -60, KIT_DAY), VERIFY_REVOKED);
	expect_crl(true, true, kit_crl(w.ca, w.ca_key, 666, -60, KIT_DAY), VERIFY_REVOKED);
	expect_crl(true, true, kit_crl(w.ca, w.ca_key, 667, -60, KIT_DAY), VERIFY_NONE);
}

/* With ca_type the folder's authorities do not count. */
static void test_judge_own_authority(void **state)
{
	struct said x;

	(void)state;
	begin(&x);
	trust(&x, CREDENTIAL_CA, kit_pem(&w.other_ca, 1));
	show(&x, w.good);
	say(&x, kit_subject(w.good), w.key);
	expect(&x, VERIFY_UNTRUSTED, "");
}

static void mismatch(X509 *cert, struct ike_id id, const char *detail)
{
	struct said x;

	begin(&x);
	show(&x, cert);
	say(&x, id, w.key);
	expect(&x, VERIFY_ID_MISMATCH, detail);
}

/* With a zero in the middle of its name, as authorities were talked into. */
static X509 *with_zero(void)
{
	X509 *x = issued((struct kit_cert){0});
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	ASN1_STRING_set(s, "gw\0example", 10);
	GENERAL_NAME_set0_value(g, GEN_DNS, s);
	sk_GENERAL_NAME_push(names, g);
	assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT), 1);
	assert_true(X509_sign(x, w.ca_key, EVP_sha256()) > 0);
	GENERAL_NAMES_free(names);
	return x;
}

static void test_judge_identities(void **state)
{
	X509 *zero = with_zero(), *plain = issued((struct kit_cert){0});
	struct ike_id id = {.kind = IKE_ID_FQDN, .len = 10, .data = "gw\0exampl3"};

	(void)state;
	mismatch(w.good, kit_id(IKE_ID_FQDN, "gw.exampl"), "ID mismatched with subjectAltName.");
	mismatch(w.good, kit_id(IKE_ID_FQDN, "gw.example2"), "ID mismatched with subjectAltName.");
	mismatch(w.good, kit_id(IKE_ID_USER_FQDN, "gw.example"), "ID mismatched with subjectAltName.");
	mismatch(w.good, kit_id(IKE_ID_KEYID, "gw.example"), NULL);
	mismatch(w.good, (struct ike_id){.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 101}}, NULL);
	mismatch(w.good, kit_subject(w.ca), "not the certificate's subject");
	mismatch(plain, kit_id(IKE_ID_FQDN, "gw.example"), "no proper subjectAltName.");
	mismatch(w.good, (struct ike_id){.kind = IKE_ID_DN_DER, .len = 1, .data = {0x30}}, NULL);
	mismatch(zero, id, NULL);
	X509_free(zero);
	X509_free(plain);
}

static void test_judge_expected_identities(void **state)
{
	static const struct {
		struct ike_id want;
		enum verify_reason reason;
	} rows[] = {
	    {{.kind = IKE_ID_DN}, VERIFY_NONE},
	    {{.kind = IKE_ID_DN, .len = 24, .data = "O=Example, CN=gw.example"}, VERIFY_NONE},
	    {{.kind = IKE_ID_DN, .len = 15, .data = "O=Example, CN=*"}, VERIFY_NONE},
	    {{.kind = IKE_ID_DN, .len = 9, .data = "O=Example"}, VERIFY_ID_UNEXPECTED},
	    {{.kind = IKE_ID_DN, .len = 21, .data = "O=Other, CN=gw.example"}, VERIFY_ID_UNEXPECTED},
	    {{.kind = IKE_ID_FQDN}, VERIFY_ID_UNEXPECTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct said x;

		begin(&x);
		x.peer->verify_identifier = true;
		x.peer->peer_id = calloc(1, sizeof(struct ike_id));
		x.peer->peer_id[0] = rows[i].want;
		x.peer->n_peer_ids = 1;
		show(&x, w.good);
		say(&x, kit_subject(w.good), w.key);
		expect(&x, rows[i].reason, NULL);
	}
}

static void test_judge_signatures(void **state)
{
	struct said x;

	(void)state;
	for (int i = 0; i < 6; i++) {
		begin(&x);
		show(&x, w.good);
		say(&x, kit_subject(w.good), w.key);
		if (i == 0) /* one bit of what had to be signed, and of what was */
			x.hash[0] ^= 1;
		else if (i == 1)
			x.hash[19] ^= 0x80;
		else if (i == 2)
			x.c.over.n--;
		else if (i == 3)
			x.signature[x.c.signature.n - 1] ^= 1;
		else if (i == 4)
			x.c.signature.n--;
		else
			say(&x, kit_subject(w.good), w.other_key);
		expect(&x, VERIFY_BAD_SIGNATURE, NULL);
	}
}

/* With a DigestInfo, as everybody but IKEv1 wants it, it is none. */
static void test_judge_signature_with_digest_info(void **state)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(w.key, NULL);
	size_t n = sizeof(((struct said *)NULL)->signature);
	struct said x;

	(void)state;
	begin(&x);
	show(&x, w.good);
	say(&x, kit_subject(w.good), w.key);
	assert_true(EVP_PKEY_sign_init(c) > 0 && EVP_PKEY_CTX_set_signature_md(c, EVP_sha1()) > 0);
	assert_true(EVP_PKEY_sign(c, x.signature, &n, x.hash, sizeof(x.hash)) > 0);
	x.c.signature.n = n;
	EVP_PKEY_CTX_free(c);
	expect(&x, VERIFY_BAD_SIGNATURE, NULL);
}

static void test_judge_keys_and_octets(void **state)
{
	static const uint8_t junk[] = {0x30, 0x03, 0x02, 0x01, 0x00};
	struct said x;

	(void)state;
	expect_of(issued((struct kit_cert){.key = w.ec_key}), NULL, VERIFY_KEY_TYPE, NULL);
	begin(&x);
	say(&x, kit_subject(w.good), w.key);
	expect(&x, VERIFY_NO_CERT, NULL);
	begin(&x);
	x.c.cert[0] = (struct ike1_octets){junk, sizeof(junk)};
	x.c.n_certs = 1;
	say(&x, kit_subject(w.good), w.key);
	x.der[0] = (struct file){0};
	expect(&x, VERIFY_MALFORMED, NULL);
	begin(&x);
	show(&x, w.good);
	x.c.cert[1] = (struct ike1_octets){junk, sizeof(junk)};
	x.c.n_certs = 2;
	say(&x, kit_subject(w.good), w.key);
	expect(&x, VERIFY_MALFORMED, NULL);
}

static void test_judge_pinned(void **state)
{
	X509 *old = kit_cert(
	    &(struct kit_cert){.org = "Example", .cn = "Old", .key = w.key, .from = -WEEK, .to = -KIT_DAY});
	X509 *own = kit_cert(&(struct kit_cert){.org = "Example", .cn = "Own", .key = w.key});
	struct said x;

	(void)state;
	begin(&x);
	trust(&x, CREDENTIAL_PEER_CERT, kit_pem(&own, 1));
	say(&x, kit_subject(own), w.key);
	expect(&x, VERIFY_NONE, NULL);
	begin(&x);
	trust(&x, CREDENTIAL_PEER_CERT, kit_der(old));
	show(&x, w.good); /* what comes in the payload is not looked at */
	say(&x, kit_subject(old), w.key);
	expect(&x, VERIFY_NONE, "has expired");
	begin(&x);
	trust(&x, CREDENTIAL_PEER_CERT, kit_pem(&own, 1));
	show(&x, w.good);
	say(&x, kit_subject(w.good), w.key);
	expect(&x, VERIFY_ID_MISMATCH, NULL);
	begin(&x);
	trust(&x, CREDENTIAL_PEER_CERT, kit_pem(&own, 1));
	say(&x, kit_subject(own), w.other_key);
	expect(&x, VERIFY_BAD_SIGNATURE, NULL);
	X509_free(old);
	X509_free(own);
}

/* The guide's keys of 1024 bits and SHA-1 pass where the configuration lets them, with a word about them. */
static void test_judge_weak(void **state)
{
	(void)state;
	for (int weak_too = 0; weak_too < 2; weak_too++) {
		enum verify_reason r = weak_too ? VERIFY_NONE : VERIFY_WEAK;

		w.weak_too = weak_too;
		expect_of(issued((struct kit_cert){.key = w.weak_key}), w.weak_key, r,
		    weak_too ? "1024 bits" : "key too weak");
		expect_of(issued((struct kit_cert){.sha1 = true}), w.key, r,
		    weak_too ? "can be forged" : "too weak");
	}
	w.weak_too = false;
}

/* A certificate that is trusted by itself is not forged by who breaks a hash; its key counts. */
static void test_judge_weak_pinned(void **state)
{
	static const struct {
		bool weak_too, sha1, small;
		enum verify_reason want;
		const char *detail;
	} row[] = {
	    {false, true, false, VERIFY_NONE, "can be forged"},
	    {false, false, true, VERIFY_WEAK, ""},
	    {true, false, true, VERIFY_NONE, "1024 bits"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		EVP_PKEY *key = row[i].small ? w.weak_key : w.key;
		X509 *x = issued((struct kit_cert){.key = key, .sha1 = row[i].sha1});
		struct said s;

		w.weak_too = row[i].weak_too;
		begin(&s);
		trust(&s, CREDENTIAL_PEER_CERT, kit_pem(&x, 1));
		say(&s, kit_subject(x), key);
		expect(&s, row[i].want, row[i].detail);
		X509_free(x);
	}
	w.weak_too = false;
}

/* Self-signed and of version 1, as the guide makes them with openssl x509 -req -signkey. */
static void test_judge_the_guides_certificate(void **state)
{
	X509 *x =
	    kit_cert(&(struct kit_cert){.v1 = true, .org = "Example", .cn = "relent", .key = w.weak_key});
	struct said s;

	(void)state;
	assert_int_equal(X509_get_version(x), X509_VERSION_1);
	w.weak_too = true;
	begin(&s);
	trust(&s, CREDENTIAL_PEER_CERT, kit_pem(&x, 1));
	say(&s, kit_subject(x), w.weak_key);
	expect(&s, VERIFY_NONE, "1024 bits");
	begin(&s);
	trust(&s, CREDENTIAL_ANCHOR, kit_pem(&x, 1)); /* its own authority, in the folder */
	show(&s, x);
	say(&s, kit_subject(x), w.weak_key);
	expect(&s, VERIFY_NONE, "1024 bits");
	expect_of(x, w.weak_key, VERIFY_UNTRUSTED, "self-signed");
	w.weak_too = false;
}

/* Such a certificate is put into the folder as a peer's, and so cannot speak for others; as a file of ca_type
 * it was called an authority. */
static void test_judge_version_1_vouches_for_itself_alone(void **state)
{
	X509 *v1 =
	    kit_cert(&(struct kit_cert){.v1 = true, .org = "Example", .cn = "partner", .key = w.other_key});
	X509 *x = issued((struct kit_cert){.issuer = v1, .signer = w.other_key});
	static const enum credential_kind kinds[] = {CREDENTIAL_ANCHOR, CREDENTIAL_CA};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct said s;

		begin(&s);
		trust(&s, kinds[i], kit_pem(&v1, 1));
		show(&s, x);
		say(&s, kit_subject(x), w.key);
		expect(&s, i ? VERIFY_NONE : VERIFY_BAD_CHAIN, i ? NULL : "is trusted for itself alone");
	}
	X509_free(x);
	X509_free(v1);
}

/* Neither chain nor names count then; the signature does, and so does verify_identifier. */
static void test_judge_verify_cert_off(void **state)
{
	static const enum verify_reason want[] = {
	    VERIFY_NONE, VERIFY_BAD_SIGNATURE, VERIFY_ID_UNEXPECTED, VERIFY_NO_CERT};
	X509 *x = issued(
	    (struct kit_cert){.issuer = w.other_ca, .signer = w.other_key, .from = -WEEK, .to = -KIT_DAY});

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct said s;

		begin(&s);
		s.peer->verify_cert = false;
		s.peer->verify_identifier = want[i] == VERIFY_ID_UNEXPECTED;
		s.peer->peer_id = calloc(1, sizeof(struct ike_id));
		s.peer->peer_id[0] = kit_id(IKE_ID_FQDN, "gw.example");
		s.peer->n_peer_ids = 1;
		if (want[i] != VERIFY_NO_CERT)
			show(&s, x);
		say(&s, kit_id(IKE_ID_FQDN, "else.example"),
		    want[i] == VERIFY_BAD_SIGNATURE ? w.other_key : w.key);
		expect(&s, want[i], want[i] == VERIFY_NONE ? "No ID match. else.example is none of" : NULL);
	}
	X509_free(x);
}

static void test_judge_every_reason_has_its_words(void **state)
{
	(void)state;
	for (int i = VERIFY_NONE + 1; i < VERIFY_REASONS_N; i++) {
		enum verify_reason r = (enum verify_reason)i;

		assert_true(
		    verify_reason_name(r)[0] && verify_reason_sentence(r)[0] && verify_reason_remedy(r)[0]);
		for (int k = VERIFY_NONE; k < i; k++)
			assert_string_not_equal(
			    verify_reason_name(r), verify_reason_name((enum verify_reason)k));
	}
	assert_string_equal(verify_reason_name(VERIFY_REASONS_N), "?");
}

static int make_world(void **state)
{
	(void)state;
	w.ca_key = kit_rsa(2048);
	w.other_key = kit_rsa(2048);
	w.key = kit_rsa(2048);
	w.weak_key = kit_rsa(1024);
	w.ec_key = kit_ec();
	w.ca = kit_cert(&(struct kit_cert){.org = "Example", .cn = "CA", .ca = true, .key = w.ca_key});
	w.other_ca = kit_cert(&(struct kit_cert){.org = "Other", .cn = "CA", .ca = true, .key = w.other_key});
	w.good = issued((struct kit_cert){.san = "DNS:gw.example,email:admin@gw.example,IP:10.0.0.100"});
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	X509_free(w.ca);
	X509_free(w.other_ca);
	X509_free(w.good);
	EVP_PKEY_free(w.ca_key);
	EVP_PKEY_free(w.other_key);
	EVP_PKEY_free(w.key);
	EVP_PKEY_free(w.weak_key);
	EVP_PKEY_free(w.ec_key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_judge_good),
	    cmocka_unit_test(test_judge_dates),
	    cmocka_unit_test(test_judge_issuers),
	    cmocka_unit_test(test_judge_name_constraints),
	    cmocka_unit_test(test_judge_purposes),
	    cmocka_unit_test(test_judge_revocation),
	    cmocka_unit_test(test_judge_revocation_by_the_current_list),
	    cmocka_unit_test(test_judge_revocation_with_ca_type),
	    cmocka_unit_test(test_judge_own_authority),
	    cmocka_unit_test(test_judge_identities),
	    cmocka_unit_test(test_judge_expected_identities),
	    cmocka_unit_test(test_judge_signatures),
	    cmocka_unit_test(test_judge_signature_with_digest_info),
	    cmocka_unit_test(test_judge_keys_and_octets),
	    cmocka_unit_test(test_judge_pinned),
	    cmocka_unit_test(test_judge_weak),
	    cmocka_unit_test(test_judge_weak_pinned),
	    cmocka_unit_test(test_judge_the_guides_certificate),
	    cmocka_unit_test(test_judge_version_1_vouches_for_itself_alone),
	    cmocka_unit_test(test_judge_verify_cert_off),
	    cmocka_unit_test(test_judge_every_reason_has_its_words),
	};
	struct err_text e = {{0}};

	if (secret_init(256 * 1024, &e) < 0 || crypto_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, make_world, end_world);
}
