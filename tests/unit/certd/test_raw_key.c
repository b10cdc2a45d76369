/*
 * Keys without certificates (RFC 7670): what certd makes of ours, and whom certd-verify takes for a peer that
 * is to have a key, whatever it sends of it.
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
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "certd/kept_keys.h"
#include "certd/verify/raw_key.h"
#include "crypto/crypto.h"
#include "support/prove_stage2.h"
#include "wire/ike/v2.h"

enum { ED25519, OTHER, P256, RSA_KEY, RSA_PSS, RSA_1024, KEYS };

static EVP_PKEY *key[KEYS];
static X509 *cert;
static const uint8_t over[] = "the octets that are signed";

/* --- files --- */

static struct file spki(EVP_PKEY *k)
{
	struct file f = {0};
	int n = i2d_PUBKEY(k, &f.p); /* OPENSSL_malloc() is malloc() here */

	assert_true(n > 0);
	f.n = (size_t)n;
	return f;
}

static struct file spki_pem(EVP_PKEY *k)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	struct file f;

	assert_int_equal(PEM_write_bio_PUBKEY(b, k), 1);
	f.n = (size_t)BIO_get_mem_data(b, &p);
	f.p = (uint8_t *)strndup(p, f.n);
	BIO_free(b);
	return f;
}

static struct file text(const char *s)
{
	return (struct file){.p = (uint8_t *)strdup(s), .n = strlen(s)};
}

/* --- a peer --- */

struct said {
	struct anchors *a;
	struct ike_peer *peer;
	struct judge_claim c;
	struct file sent, shown;
	uint8_t auth[PROVE_PROOF_MAX];
	struct err_text e;
};

/* Takes the file. */
static int pin(struct said *x, struct file f)
{
	int r = anchors_add(x->a, CREDENTIAL_PEER_KEY, 0, &f, &x->e);

	file_fini(&f);
	return r;
}

static struct ike_id address(uint8_t last)
{
	return (struct ike_id){.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, last}};
}

static const struct {
	const char *alg, *hash;
} forms[KEYS] = {
    [ED25519] = {"\x07\x30\x05\x06\x03\x2b\x65\x70", NULL},
    [OTHER] = {"\x07\x30\x05\x06\x03\x2b\x65\x70", NULL},
    [P256] = {"\x0c\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", "SHA256"},
    [RSA_KEY] = {"\x0f\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05", "SHA256"},
    [RSA_1024] = {"\x0f\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05", "SHA256"},
};

static void sign(struct said *x, int k)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n_alg = (size_t)(uint8_t)forms[k].alg[0] + 1, n = sizeof(x->auth) - 4 - n_alg;

	memcpy(x->auth, (const uint8_t[4]){IKE2_AUTH_SIGNATURE}, 4);
	memcpy(x->auth + 4, forms[k].alg, n_alg);
	assert_int_equal(EVP_DigestSignInit_ex(c, NULL, forms[k].hash, NULL, NULL, key[k], NULL), 1);
	assert_int_equal(EVP_DigestSign(c, x->auth + 4 + n_alg, &n, over, sizeof(over)), 1);
	EVP_MD_CTX_free(c);
	x->c.signature = (struct ike1_octets){x->auth, 4 + n_alg + n};
}

/* It is to have key `want`, has `has`, and says that it is its address. */
static void begin(struct said *x, int want, int has)
{
	*x = (struct said){.a = anchors_new(1), .c = {.v2 = true, .id = address(110)}};
	assert_non_null(x->a);
	x->a->conf = ike_conf_new();
	x->peer = ike_conf_add_peer(x->a->conf);
	x->peer->name = strdup("office");
	x->peer->version = 2;
	x->c.over = (struct ike1_octets){over, sizeof(over)};
	assert_int_equal(inet_addr_parse("10.0.0.110", &x->c.addr), 0);
	assert_true(pin(x, spki_pem(key[want])) > 0);
	sign(x, has);
}

/* Takes the file. */
static void send_key(struct said *x, struct file f)
{
	x->sent = f;
	x->c.public_key = (struct ike1_octets){f.p, f.n};
}

static void expect(struct said *x, enum verify_reason want, const char *detail)
{
	enum verify_reason r;

	x->e = (struct err_text){{0}};
	r = judge(x->a, &x->c, &x->e);
	if (r != want || (detail ? !strstr(x->e.s, detail) : x->e.s[0] != '\0'))
		fail_msg("expected %s (%s), got %s (%s)", verify_reason_name(want), detail ? detail : "",
		    verify_reason_name(r), x->e.s);
	file_fini(&x->sent);
	file_fini(&x->shown);
	anchors_free(x->a);
}

/* Whether it sends its key or not, and in both forms of our file. */
static void test_raw_key_of_each_kind(void **state)
{
	static const int kinds[] = {ED25519, P256, RSA_KEY};
	struct said x;

	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_SIZE(kinds); i++) {
		int k = kinds[i / 4];

		begin(&x, k, k);
		if (i & 1)
			send_key(&x, spki(key[k]));
		if (i & 2)
			assert_true(pin(&x, spki(key[k])) > 0);
		expect(&x, VERIFY_NONE, NULL);
	}
}

static struct file changed(struct file f, size_t at, size_t n)
{
	if (at < f.n)
		f.p[at] ^= 1;
	f.n = n;
	return f;
}

static void test_raw_key_that_is_another(void **state)
{
	struct file f = spki(key[ED25519]), longer;
	struct said x;

	(void)state;
	begin(&x, ED25519, OTHER); /* says nothing of its key */
	expect(&x, VERIFY_BAD_SIGNATURE, NULL);
	begin(&x, ED25519, OTHER); /* shows the right one, and has another */
	send_key(&x, spki(key[ED25519]));
	expect(&x, VERIFY_BAD_SIGNATURE, NULL);
	begin(&x, ED25519, OTHER);
	send_key(&x, spki(key[OTHER]));
	expect(&x, VERIFY_OTHER_KEY, NULL);
	begin(&x, ED25519, P256);
	send_key(&x, spki(key[P256]));
	expect(&x, VERIFY_OTHER_KEY, NULL);
	/* Who has the key does not prove it by showing another one. */
	begin(&x, ED25519, ED25519);
	send_key(&x, spki(key[OTHER]));
	expect(&x, VERIFY_OTHER_KEY, NULL);
	/* A signature of another kind than the key's. */
	begin(&x, ED25519, P256);
	expect(&x, VERIFY_ALGORITHM, NULL);

	for (size_t n = 1; n < f.n; n++) {
		begin(&x, ED25519, ED25519);
		send_key(&x, changed(spki(key[ED25519]), f.n, n));
		expect(&x, VERIFY_KEY_MALFORMED, NULL);
	}
	for (size_t at = 0; at < f.n; at++) {
		if (at == 11)
			continue; /* how many bits of the last octet do not count: OpenSSL leaves them out */
		begin(&x, ED25519, ED25519);
		send_key(&x, changed(spki(key[ED25519]), at, f.n));
		expect(&x, at < 12 ? VERIFY_KEY_MALFORMED : VERIFY_OTHER_KEY, NULL);
	}
	longer = (struct file){.p = calloc(1, f.n + 1), .n = f.n + 1};
	memcpy(longer.p, f.p, f.n);
	begin(&x, ED25519, ED25519);
	send_key(&x, longer);
	expect(&x, VERIFY_KEY_MALFORMED, NULL);
	begin(&x, ED25519, ED25519);
	send_key(&x, kit_der(cert));
	expect(&x, VERIFY_KEY_MALFORMED, NULL);
	file_fini(&f);
}

/* A certificate is not asked for, and one that comes does not count. */
static void test_raw_key_beside_a_certificate(void **state)
{
	struct said x;

	(void)state;
	for (int has = ED25519; has <= OTHER; has++) {
		begin(&x, ED25519, has);
		x.shown = kit_der(cert); /* it is for key OTHER */
		x.c.cert[0] = (struct ike1_octets){x.shown.p, x.shown.n};
		x.c.n_certs = 1;
		expect(&x, has == ED25519 ? VERIFY_NONE : VERIFY_BAD_SIGNATURE, NULL);
	}
}

static void test_raw_key_is_of_this_peer_alone(void **state)
{
	const struct {
		struct ike_id want, says; /* want: kind NONE: nothing is written down */
		bool ok;
	} rows[] = {
	    {{0}, address(110), true},
	    {{0}, address(111), false},
	    {{0}, kit_id(IKE_ID_FQDN, "gw.example"), false},
	    {{0}, kit_id(IKE_ID_KEYID, "gw.example"), false},
	    {kit_id(IKE_ID_FQDN, "gw.example"), kit_id(IKE_ID_FQDN, "gw.example"), true},
	    {kit_id(IKE_ID_FQDN, "gw.example"), kit_id(IKE_ID_FQDN, "gw.exampl"), false},
	    {kit_id(IKE_ID_FQDN, "gw.example"), kit_id(IKE_ID_KEYID, "gw.example"), false},
	    {kit_id(IKE_ID_FQDN, "gw.example"), address(110), false},
	    {{.kind = IKE_ID_ADDRESS}, address(110), true},
	    {{.kind = IKE_ID_ADDRESS}, address(111), false},
	    {kit_id(IKE_ID_DN, "O=Example, CN=gw"), kit_subject(cert), true},
	    {kit_id(IKE_ID_DN, "O=Example, CN=else"), kit_subject(cert), false},
	};
	struct said x;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(&x, ED25519, ED25519);
		if (rows[i].want.kind) {
			x.peer->peer_id = calloc(1, sizeof(*x.peer->peer_id));
			x.peer->peer_id[0] = rows[i].want;
			x.peer->n_peer_ids = 1;
		}
		x.peer->verify_identifier = false; /* of version 1: means nothing here */
		x.c.id = rows[i].says;
		expect(&x, rows[i].ok ? VERIFY_NONE : VERIFY_ID_UNEXPECTED,
		    rows[i].ok ? NULL : "of office says who");
	}
	begin(&x, ED25519, ED25519);
	x.c.v2 = false;
	expect(&x, VERIFY_NO_CERT, NULL);
}

static void test_raw_key_that_is_weak(void **state)
{
	struct said x;

	(void)state;
	for (int weak_too = 0; weak_too < 2; weak_too++) {
		begin(&x, RSA_1024, RSA_1024);
		x.peer->weak_certs = weak_too;
		expect(&x, weak_too ? VERIFY_NONE : VERIFY_WEAK, NULL);
	}
}

static void refuse(struct said *x, struct file f, int r, const char *says)
{
	assert_int_equal(pin(x, f), r);
	assert_non_null(strstr(x->e.s, says));
}

static void test_raw_key_files(void **state)
{
	EVP_PKEY *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), *k1 = EVP_EC_gen("secp256k1");
	struct file f = spki(key[ED25519]);
	struct said x;

	(void)state;
	begin(&x, ED25519, ED25519);
	refuse(&x, text("nothing"), -EINVAL, "no public key");
	refuse(&x, text(""), -EINVAL, "no public key");
	refuse(&x, kit_pem_key(key[ED25519], NULL), -EINVAL, "no public key");
	refuse(&x, kit_pem(&cert, 1), -EINVAL, "no public key");
	refuse(&x, kit_der(cert), -EINVAL, "no public key");
	refuse(&x, changed(spki(key[ED25519]), f.n, f.n - 1), -EINVAL, "no public key");
	refuse(&x, spki_pem(x25519), -EOPNOTSUPP, "of a kind that is not used");
	refuse(&x, spki(k1), -EOPNOTSUPP, "of a kind that is not used");
	/* What was refused has not taken the first one's place. */
	expect(&x, VERIFY_NONE, NULL);
	EVP_PKEY_free(x25519);
	EVP_PKEY_free(k1);
	file_fini(&f);
}

/* --- our own --- */

static void give_key(struct stage *x, struct file f)
{
	free(stage_peer(x)->key);
	stage_peer(x)->key = strdup("my.key");
	assert_int_equal(creds_add(x->p.now, CREDENTIAL_KEY, 0, "my.key", kit_fd(f.p, f.n, 0600), &x->e), 0);
	file_fini(&f);
}

/* Read by certd, shown to the peer, and what it signs believed of this key; of no identity but the one that
 * is written down. */
static void test_raw_key_of_ours(void **state)
{
	static const int kinds[] = {ED25519, P256, RSA_KEY, RSA_PSS};
	uint8_t auth[PROVE_PROOF_MAX], octets[PROOF2_OCTETS_MAX];
	struct stage2_exchange q, p;
	struct ike1_octets certs[OWN_CERTS_MAX];
	struct stage x, y;
	struct said s;
	int n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct file f = spki(key[kinds[i]]);
		const struct own_key *own;
		struct ike1_octets public;

		stage2_set(&x, true);
		stage2_set(&y, true);
		give_key(&x, kit_pem_key(key[kinds[i]], NULL));
		assert_int_equal(creds_read(x.p.now, x.p.now->conf, &x.e), 0);
		own = x.p.now->own[0];
		public = own_key_public(own);
		assert_int_equal(public.n, f.n);
		assert_memory_equal(public.p, f.p, f.n);
		assert_true(!own_key_subject(own).n && !own_key_issuer(own).n && !own_key_certs(own, certs));
		assert_null(own_key_warning(own, &x.e));

		stage2_meet(&x, &q, &y, &p, 1 << IKE2_HASH_SHA256 | 1 << IKE2_HASH_IDENTITY);
		assert_int_equal(stage2_prove(&x, &q, kit_id(IKE_ID_FQDN, "else.example"), auth), -EACCES);
		stage_strike(&y);
		stage2_set(&y, true);
		stage2_meet(&x, &q, &y, &p, 1 << IKE2_HASH_SHA256 | 1 << IKE2_HASH_IDENTITY);
		n = stage2_prove(&x, &q, address(110), auth);
		if (n <= 0)
			fail_msg("kind %d: %s", kinds[i], x.e.s);
		begin(&s, kinds[i], ED25519);
		s.c.over = (struct ike1_octets){
		    octets, stage2_octets(&q, true, stage2_id(&q, address(110)), octets)};
		s.c.signature = (struct ike1_octets){auth, (size_t)n};
		send_key(&s, f);
		expect(&s, VERIFY_NONE, NULL);
		stage_strike(&x);
		stage_strike(&y);
	}
}

/* What the configuration names has to come; a certificate without its key is none; version 1 has no such
 * thing. */
static void test_raw_key_of_a_load(void **state)
{
	AUTO_SECRET struct secret *pass = secret_dup_bytes("sesame", 6),
	                          *wrong = secret_dup_bytes("sesamo", 6);
	AUTO_SECRET_REGION struct secret_region kept = SECRET_REGION_INIT;
	struct ike1_octets clear;
	struct stage x;

	(void)state;
	stage2_set(&x, true);
	stage_peer(&x)->key = strdup("my.key");
	assert_int_equal(creds_read(x.p.now, x.p.now->conf, &x.e), -ENOENT);
	assert_non_null(strstr(x.e.s, "names a key, and no file came"));
	give_key(&x, text("nothing"));
	assert_false(creds_is_locked(x.p.now, 0));
	assert_int_equal(creds_read(x.p.now, x.p.now->conf, &x.e), -EINVAL);
	assert_non_null(strstr(x.e.s, "my.key: it is no private key"));
	give_key(&x, kit_pem_key(key[P256], "sesame"));
	assert_true(creds_is_locked(x.p.now, 0));
	assert_int_equal(creds_read(x.p.now, x.p.now->conf, &x.e), -EACCES);
	assert_int_equal(creds_unlock(x.p.now, 0, wrong, &x.e), -EACCES);
	assert_int_equal(creds_unlock(x.p.now, 0, pass, &x.e), 0);
	assert_int_equal(creds_read(x.p.now, x.p.now->conf, &x.e), 0);
	/* And after a restart. */
	assert_int_equal(kept_keys_make(x.p.now, 8, &kept, &x.e), 0);
	assert_int_equal(kept_keys_find(kept.p, kept.len, 0, &clear), 0);
	give_key(&x, kit_pem_key(key[P256], "sesame"));
	assert_null(x.p.now->own[0]);
	assert_int_equal(creds_give_key(x.p.now, 0, clear.p, clear.n, &x.e), 0);
	assert_non_null(x.p.now->own[0]);
	assert_int_not_equal(own_key_public(x.p.now->own[0]).n, 0);
	stage_strike(&x);
}

static int make_world(void **state)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);

	(void)state;
	key[ED25519] = kit_ed25519();
	key[OTHER] = kit_ed25519();
	key[P256] = EVP_EC_gen("P-256");
	key[RSA_KEY] = kit_rsa(2048);
	key[RSA_1024] = kit_rsa(1024);
	if (EVP_PKEY_keygen_init(c) != 1 || EVP_PKEY_CTX_set_rsa_keygen_bits(c, 2048) != 1 ||
	    EVP_PKEY_generate(c, &key[RSA_PSS]) != 1)
		return -1;
	EVP_PKEY_CTX_free(c);
	cert = kit_cert(&(struct kit_cert){.org = "Example", .cn = "gw", .key = key[OTHER]});
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	for (int k = 0; k < KEYS; k++)
		EVP_PKEY_free(key[k]);
	X509_free(cert);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_raw_key_of_each_kind),
	    cmocka_unit_test(test_raw_key_that_is_another),
	    cmocka_unit_test(test_raw_key_beside_a_certificate),
	    cmocka_unit_test(test_raw_key_is_of_this_peer_alone),
	    cmocka_unit_test(test_raw_key_that_is_weak),
	    cmocka_unit_test(test_raw_key_files),
	    cmocka_unit_test(test_raw_key_of_ours),
	    cmocka_unit_test(test_raw_key_of_a_load),
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
