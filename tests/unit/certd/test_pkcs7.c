/*
 * Certificates that come wrapped in PKCS #7, as the openssl program makes it: judged as bare ones are, and in
 * whatever order they stand there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "certd/verify/gather.h"
#include "certd/verify/judge.h"
#include "crypto/crypto.h"
#include "support/cert_kit.h"

static struct {
	EVP_PKEY *key, *middle_key, *ca_key;
	X509 *ca, *middle, *leaf, *other;
} w;

/* A peer that says the leaf's name, and signs with its key. */
struct said {
	struct anchors *a;
	struct judge_claim c;
	struct file piece[JUDGE_CERTS_MAX];
	uint8_t hash[20], signature[1024];
};

static void begin(struct said *x)
{
	struct file ca = kit_pem(&w.ca, 1);
	struct err_text e;

	*x = (struct said){.a = anchors_new(1), .hash = "twenty octets of it"};
	x->a->conf = ike_conf_new();
	assert_non_null(ike_conf_add_peer(x->a->conf));
	assert_true(anchors_add(x->a, CREDENTIAL_ANCHOR, 0, &ca, &e) > 0);
	file_fini(&ca);
	x->c.over = (struct ike1_octets){x->hash, sizeof(x->hash)};
	x->c.signature =
	    (struct ike1_octets){x->signature, kit_sign(w.key, x->hash, sizeof(x->hash), x->signature)};
	x->c.id = kit_subject(w.leaf);
}

static void show(struct said *x, struct file f)
{
	x->piece[x->c.n_certs] = f;
	x->c.cert[x->c.n_certs++] = (struct ike1_octets){f.p, f.n};
}

static void expect(struct said *x, enum verify_reason want)
{
	struct err_text e = {{0}};
	enum verify_reason r = judge(x->a, &x->c, &e);

	if (r != want)
		fail_msg("expected %s, got %s (%s)", verify_reason_name(want), verify_reason_name(r), e.s);
	for (uint32_t i = 0; i < x->c.n_certs; i++)
		file_fini(&x->piece[i]);
	anchors_free(x->a);
}

/* All orders of a chain of three, in one piece. */
static void test_pkcs7_in_any_order(void **state)
{
	X509 *const orders[][3] = {{w.leaf, w.middle, w.ca}, {w.leaf, w.ca, w.middle},
	    {w.middle, w.leaf, w.ca}, {w.middle, w.ca, w.leaf}, {w.ca, w.leaf, w.middle},
	    {w.ca, w.middle, w.leaf}};
	struct said x;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		begin(&x);
		show(&x, kit_pkcs7(orders[i], 3));
		expect(&x, VERIFY_NONE);
	}
}

/* Beside bare ones the first of these is the peer's own, and what is wrapped helps with the chain. */
static void test_pkcs7_beside_others(void **state)
{
	struct said x;

	(void)state;
	begin(&x);
	show(&x, kit_pkcs7(&w.middle, 1));
	show(&x, kit_der(w.leaf));
	expect(&x, VERIFY_NONE);
	begin(&x);
	show(&x, kit_der(w.leaf));
	expect(&x, VERIFY_UNTRUSTED);
	begin(&x);
	show(&x, kit_pkcs7(&w.leaf, 1));
	show(&x, kit_pkcs7(&w.middle, 1));
	expect(&x, VERIFY_NONE);
	begin(&x);
	show(&x, kit_der(w.other));
	show(&x, kit_pkcs7((X509 *[]){w.leaf, w.middle}, 2));
	expect(&x, VERIFY_ID_MISMATCH);
}

/* Nobody in there bears the name: the first that is no authority's is meant, and does not fit. */
static void test_pkcs7_of_somebody_else(void **state)
{
	struct said x;

	(void)state;
	begin(&x);
	x.a->conf->peer[0].verify_cert = true;
	show(&x, kit_pkcs7((X509 *[]){w.ca, w.other}, 2));
	expect(&x, VERIFY_ID_MISMATCH);
	/* Somebody else's key under the right name's certificate. */
	begin(&x);
	x.c.id = kit_subject(w.other);
	show(&x, kit_pkcs7((X509 *[]){w.other, w.leaf, w.middle}, 3));
	expect(&x, VERIFY_BAD_SIGNATURE);
}

static void test_pkcs7_bounds(void **state)
{
	X509 *many[JUDGE_CERTS_MAX + 1];
	struct said x;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = i ? w.middle : w.leaf;
	begin(&x);
	show(&x, kit_pkcs7(many, JUDGE_CERTS_MAX));
	expect(&x, VERIFY_NONE);
	begin(&x);
	show(&x, kit_pkcs7(many, JUDGE_CERTS_MAX + 1));
	expect(&x, VERIFY_MALFORMED);
	begin(&x);
	expect(&x, VERIFY_NO_CERT);
}

/* Cut off anywhere, and with each octet changed: never believed for another reason, never read beyond. */
static void test_pkcs7_damaged(void **state)
{
	struct file whole = kit_pkcs7((X509 *[]){w.leaf, w.middle}, 2);
	struct judge_claim c = {.n_certs = 1, .id = kit_subject(w.leaf)};
	STACK_OF(X509) * others;
	X509 *leaf;

	(void)state;
	for (size_t n = 0; n < whole.n; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, whole.p, n);
		c.cert[0] = (struct ike1_octets){cut, n};
		assert_int_equal(gather(&c, &leaf, &others), VERIFY_MALFORMED);
		X509_free(leaf);
		sk_X509_pop_free(others, X509_free);
		free(cut);
	}
	for (size_t at = 0; at < whole.n; at++) {
		whole.p[at] ^= 0x41;
		c.cert[0] = (struct ike1_octets){whole.p, whole.n};
		(void)gather(&c, &leaf, &others);
		X509_free(leaf);
		sk_X509_pop_free(others, X509_free);
		whole.p[at] ^= 0x41;
	}
	file_fini(&whole);
}

static X509 *made(struct kit_cert c)
{
	c.org = "Example";
	c.serial = 7;
	return kit_cert(&c);
}

static int set_up(void **state)
{
	struct err_text e;

	(void)state;
	assert_int_equal(crypto_init(&e), 0);
	w.key = kit_rsa(2048);
	w.middle_key = kit_rsa(2048);
	w.ca_key = kit_rsa(2048);
	w.ca = made((struct kit_cert){.cn = "CA", .ca = true, .key = w.ca_key});
	w.middle = made((struct kit_cert){
	    .cn = "Middle", .ca = true, .key = w.middle_key, .issuer = w.ca, .signer = w.ca_key});
	w.leaf = made(
	    (struct kit_cert){.cn = "gw.example", .key = w.key, .issuer = w.middle, .signer = w.middle_key});
	w.other = made(
	    (struct kit_cert){.cn = "else.example", .key = w.middle_key, .issuer = w.ca, .signer = w.ca_key});
	return 0;
}

static int tear_down(void **state)
{
	X509 *const all[] = {w.ca, w.middle, w.leaf, w.other};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		X509_free(all[i]);
	EVP_PKEY_free(w.key);
	EVP_PKEY_free(w.middle_key);
	EVP_PKEY_free(w.ca_key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pkcs7_in_any_order),
	    cmocka_unit_test(test_pkcs7_beside_others),
	    cmocka_unit_test(test_pkcs7_of_somebody_else),
	    cmocka_unit_test(test_pkcs7_bounds),
	    cmocka_unit_test(test_pkcs7_damaged),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
