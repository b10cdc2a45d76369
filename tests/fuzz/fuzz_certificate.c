/*
 * Certificates, keys and lists of any octets. The first octet says what they are, the second (times four) how
 * long the first of two pieces is; the rest is the second one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/own_key.h"
#include "certd/verify/dn_text.h"
#include "certd/verify/judge.h"
#include "certd/verify/raw_key.h"
#include "certd/x509_name.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { JUDGE, JUDGE_PINNED, ANCHOR, OWN, NAMES, RAW_KEY, KINDS };

static const uint8_t octets[64],
    subject[] = {0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x02, 'g', 'w'};

static void must(bool true_)
{
	if (!true_)
		abort();
}

static struct anchors *world(void)
{
	struct anchors *a = anchors_new(1);

	must(a);
	a->conf = ike_conf_new();
	must(a->conf && ike_conf_add_peer(a->conf));
	return a;
}

/* A stranger's certificates, or a pinned one, with a signature that is none: believed never. */
static void judge_it(const struct file *one, const struct file *two, bool pinned)
{
	struct judge_claim c = {.over = {octets, 20},
	    .id = {.kind = IKE_ID_DN_DER, .len = sizeof(subject)},
	    .cert = {{one->p, one->n}, {two->p, two->n}},
	    .n_certs = 2,
	    .signature = {octets, 64}};
	struct anchors *a = world();
	struct err_text e = {{0}};

	memcpy(c.id.data, subject, sizeof(subject));
	if (two->n)
		(void)!anchors_add(a, CREDENTIAL_ANCHOR, 0, two, &e);
	if (pinned && anchors_add(a, CREDENTIAL_PEER_CERT, 0, one, &e) < 0)
		must(e.s[0]);
	a->conf->peer[0].verify_cert = one->n % 2;
	must(judge(a, &c, &e) != VERIFY_NONE);
	anchors_free(a);
}

/* A public key that a stranger sent, and one of the configuration: never believed, as nothing is signed. */
static void raw_key(const struct file *one, const struct file *two)
{
	struct judge_claim c = {.v2 = true,
	    .over = {octets, 20},
	    .id = {.kind = IKE_ID_ADDRESS, .len = 4},
	    .addr = {.family = INET_V4},
	    .public_key = {one->p, one->n},
	    .signature = {octets, 64}};
	struct anchors *a = world();
	EVP_PKEY *k = raw_key_parse(c.public_key);
	struct err_text e = {{0}};

	must(!k || one->n > 2);
	EVP_PKEY_free(k);
	if (anchors_add(a, CREDENTIAL_PEER_KEY, 0, two, &e) < 0)
		must(e.s[0] && !a->key[0]);
	must(judge(a, &c, &e) != VERIFY_NONE);
	anchors_free(a);
}

static void anchor(const struct file *one, const struct file *two)
{
	struct anchors *a = world();
	struct err_text e = {{0}};

	if (anchors_add(a, CREDENTIAL_CA, 0, one, &e) < 0)
		must(e.s[0]);
	must(anchors_add(a, CREDENTIAL_ANCHOR, 0, two, &e) >= 0);
	anchors_free(a);
}

static void own(const struct file *one, const struct file *two)
{
	struct ike1_octets cert[OWN_CERTS_MAX];
	struct own_key *k = NULL;
	struct err_text e = {{0}};
	size_t n;

	if (own_key_new(NULL, one, NULL, &k, &e) == 0)
		must(own_key_public(k).n && !own_key_certs(k, cert));
	own_key_free(k);
	k = NULL;
	if (own_key_new(one, two, NULL, &k, &e) < 0) {
		must(!k && e.s[0]);
		return;
	}
	n = own_key_certs(k, cert);
	must(n && n <= OWN_CERTS_MAX);
	for (size_t i = 0; i < n; i++)
		must(cert[i].p && cert[i].n);
	(void)own_key_warning(k, &e);
	own_key_free(k);
}

/* An identity against a certificate, and a name as text against its subject. */
static void names(const struct file *one, const struct file *two)
{
	static const enum ike_id_kind kinds[] = {
	    IKE_ID_ADDRESS, IKE_ID_FQDN, IKE_ID_USER_FQDN, IKE_ID_KEYID, IKE_ID_DN_DER};
	const unsigned char *p = two->p;
	X509 *x = d2i_X509(NULL, &p, (long)two->n);
	struct ike_id id = {0};

	if (!x)
		return;
	id.len = (uint16_t)(one->n < IKE_ID_DATA_MAX ? one->n : IKE_ID_DATA_MAX);
	memcpy(id.data, one->p, id.len);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		id.kind = kinds[i];
		(void)x509_is_called(x, &id);
	}
	(void)dn_text_fits((const char *)one->p, one->n, X509_get_subject_name(x));
	X509_free(x);
}

/* Its own memory of exactly its size and the zero behind it, as file_read() makes it. */
static struct file piece(const uint8_t *p, size_t n)
{
	struct file f = {.p = malloc(n + 1), .n = n};

	must(f.p);
	memcpy(f.p, p, n);
	f.p[n] = 0;
	return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	AUTO_FILE struct file one = {0}, two = {0};
	struct err_text e;
	size_t first;

	if (!ready)
		must(secret_init(64 << 10, &e) == 0 && crypto_init(&e) == 0);
	ready = true;
	if (n < 2)
		return 0;
	first = (size_t)data[1] * 4 < n - 2 ? (size_t)data[1] * 4 : n - 2;
	one = piece(data + 2, first);
	two = piece(data + 2 + first, n - 2 - first);
	switch (data[0] % KINDS) {
	case JUDGE:
	case JUDGE_PINNED:
		judge_it(&one, &two, data[0] % KINDS == JUDGE_PINNED);
		break;
	case ANCHOR:
		anchor(&one, &two);
		break;
	case OWN:
		own(&one, &two);
		break;
	case RAW_KEY:
		raw_key(&one, &two);
		break;
	default:
		names(&one, &two);
	}
	return 0;
}
