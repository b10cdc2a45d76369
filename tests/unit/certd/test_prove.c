/*
 * What certd does for keyd and what it refuses, whatever keyd says: SKEYID, judgement of a pre-shared key's
 * proof, and our signature, each against HMACs made by the text of RFC 2409.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/rsa.h>

#include "certd/prove.h"
#include "certd/psk.h"
#include "crypto/crypto.h"
#include "support/cert_kit.h"

/* Host relent asks about elmer (S217, S218). */
static const char psk_file[] = "10.0.0.110 mekmitasdigoat\n"
                               "gw.example by the name\n"
                               "me@gw.example by the user\n"
                               "tag by the key id\n";
static const uint8_t ni[16] = "initiator nonce", nr[20] = "responder's nonce..", gxi[128] = {1},
                     gxr[128] = {2}, sa[52] = {3};
static EVP_PKEY *key;
static X509 *cert;

enum { GENERATION = 7, NOW = 1000000 };

struct stage {
	struct prover p;
	struct session s;
	struct prove_claim c;
	uint8_t body[4 + IKE_ID_DATA_MAX], hash[20];
	struct err_text e;
};

static struct creds *configuration(uint64_t generation)
{
	struct creds *c = creds_new(2);
	struct ike_peer *p;
	struct err_text e;

	assert_non_null(c);
	c->generation = generation;
	c->conf = ike_conf_new();
	p = ike_conf_add_peer(c->conf);
	p->name = strdup("10.0.0.110");
	assert_int_equal(inet_addr_parse("10.0.0.110", &p->addr), 0);
	p = ike_conf_add_peer(c->conf);
	p->name = strdup("anonymous");
	assert_int_equal(
	    creds_add(c, CREDENTIAL_PSK, 0, "psk.txt", kit_fd(psk_file, strlen(psk_file), 0600), &e), 0);
	return c;
}

static void set(struct stage *x)
{
	memset(x, 0, sizeof(*x));
	prover_init(&x->p);
	x->p.now = configuration(GENERATION);
	x->p.ticket_key = (struct ticket_key){{9}};
	x->s = (struct session){.generation = GENERATION,
	    .prf = ALG_PRF_HMAC_SHA1,
	    .ni = {ni, sizeof(ni)},
	    .nr = {nr, sizeof(nr)}};
	assert_int_equal(inet_addr_parse("10.0.0.110", &x->s.addr), 0);
	memcpy(x->s.icookie, "iiiiiiii", 8);
	memcpy(x->s.rcookie, "rrrrrrrr", 8);
	x->c.facts = (struct facts){.prover_began = true,
	    .gx_prover = {gxi, sizeof(gxi)},
	    .gx_other = {gxr, sizeof(gxr)},
	    .sa = {sa, sizeof(sa)}};
}

static void strike(struct stage *x)
{
	x->p.now = creds_free(x->p.now);
	x->p.before = creds_free(x->p.before);
}

static struct ike_peer *peer(struct stage *x)
{
	return &x->p.now->conf->peer[x->s.peer];
}

/* The peer says `id` and proves it with `psk`. */
static void claim(struct stage *x, struct ike_id id, uint8_t wire_type, const char *psk)
{
	uint8_t skeyid[20];

	x->c.id = id;
	x->c.facts.id.p = x->body;
	x->c.facts.id.n = kit_id_body(wire_type, id.data, id.len, x->body);
	kit_skeyid(psk, &x->s, skeyid);
	kit_hash(skeyid, &x->s, &x->c.facts, x->hash);
	x->c.hash = (struct ike1_octets){x->hash, sizeof(x->hash)};
}

static const struct ike_id address = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 110}};

static void expect_skeyid(struct stage *x, const struct ike_id *id, const char *psk, const char *notice)
{
	AUTO_SECRET struct secret *got = NULL;
	uint8_t want[20];

	x->e = (struct err_text){{0}};
	if (prove_skeyid(&x->p, &x->s, id, NOW, &got, &x->e) != 0)
		fail_msg("%s", x->e.s);
	kit_skeyid(psk, &x->s, want);
	assert_int_equal(secret_len(got), 20);
	assert_memory_equal(secret_bytes(got), want, 20);
	if (notice)
		assert_non_null(strstr(x->e.s, notice));
	else
		assert_string_equal(x->e.s, "");
}

static void refuse_skeyid(struct stage *x, const struct ike_id *id, int want, const char *says)
{
	AUTO_SECRET struct secret *got = NULL;
	int r = prove_skeyid(&x->p, &x->s, id, NOW, &got, &x->e);

	if (r != want || got || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

static void test_prove_skeyid(void **state)
{
	const struct ike_id fqdn = kit_id(IKE_ID_FQDN, "gw.example"),
	                    user = kit_id(IKE_ID_USER_FQDN, "me@gw.example"),
	                    keyid = kit_id(IKE_ID_KEYID, "tag"), other = kit_id(IKE_ID_FQDN, "GW.example");
	struct stage x;

	(void)state;
	set(&x);
	expect_skeyid(&x, NULL, "mekmitasdigoat", NULL);
	expect_skeyid(&x, &address, "mekmitasdigoat", NULL);
	expect_skeyid(&x, &fqdn, "by the name", NULL);
	expect_skeyid(&x, &user, "by the user", NULL);
	expect_skeyid(&x, &keyid, "by the key id", NULL);
	expect_skeyid(&x, &other, "mekmitasdigoat",
	    "couldn't find the proper pskey, try to get one by the peer's address");
	peer(&x)->verify_identifier = true;
	refuse_skeyid(&x, &other, -ENOENT, "couldn't find the pskey for 10.0.0.110 or GW.example");
	strike(&x);
}

static void test_prove_refuses_what_keyd_may_not_ask(void **state)
{
	struct stage x;

	(void)state;
	set(&x);
	x.s.generation++;
	refuse_skeyid(&x, NULL, -ESTALE, "generation 8");
	x.s.generation = GENERATION;
	x.s.peer = 2;
	refuse_skeyid(&x, NULL, -EINVAL, "no peer 2");
	x.s.peer = 1; /* anonymous, though the address has a block of its own */
	refuse_skeyid(&x, NULL, -EACCES, "not the one configured for 10.0.0.110");
	x.s.peer = 0;
	assert_int_equal(inet_addr_parse("10.0.0.111", &x.s.addr), 0);
	refuse_skeyid(&x, NULL, -EACCES, "not the one configured for 10.0.0.111");
	x.s.peer = 1;
	refuse_skeyid(&x, NULL, -ENOENT, "couldn't find the pskey for 10.0.0.111");
	strike(&x);
	x.p.now = NULL;
	refuse_skeyid(&x, NULL, -ESTALE, "load it again");
}

static void test_prove_the_generation_before_goes_on(void **state)
{
	struct stage x;

	(void)state;
	set(&x);
	x.p.before = x.p.now;
	x.p.now = configuration(GENERATION + 1);
	expect_skeyid(&x, NULL, "mekmitasdigoat", NULL);
	x.s.generation++;
	expect_skeyid(&x, NULL, "mekmitasdigoat", NULL);
	strike(&x);
}

/* It is read, and judged, when it is used. */
static void test_prove_the_file_as_it_is_now(void **state)
{
	struct stage x;
	int fd;

	(void)state;
	set(&x);
	fd = x.p.now->psk.fd;
	assert_int_equal(pwrite(fd, "10.0.0.110 another_secret", 25, 0), 25);
	expect_skeyid(&x, NULL, "another_secret", NULL);
	assert_int_equal(fchmod(fd, 0640), 0);
	refuse_skeyid(&x, NULL, -EPERM, "psk.txt has weak file permission 0640: chmod 600 psk.txt");
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(ftruncate(fd, PSK_FILE_MAX + 1), 0);
	refuse_skeyid(&x, NULL, -EFBIG, "psk.txt is longer than");
	close(fd);
	x.p.now->psk.fd = -1;
	refuse_skeyid(&x, NULL, -ENOENT, "path pre_shared_key names none");
	strike(&x);
}

static void test_prove_is_metered_by_address(void **state)
{
	AUTO_SECRET struct secret *got = NULL;
	struct stage x;
	int r = 0, n = 0;

	(void)state;
	set(&x);
	for (; r == 0 && n < 1000; n++) {
		got = secret_free(got);
		r = prove_skeyid(&x.p, &x.s, NULL, NOW, &got, &x.e);
	}
	assert_int_equal(r, -EBUSY);
	assert_int_equal(n, PROVE_BURST + 1);
	assert_int_equal(x.p.meter.n_refused, 1);
	/* Somebody else is not held up, */
	x.s.peer = 1;
	assert_int_equal(inet_addr_parse("10.0.0.111", &x.s.addr), 0);
	refuse_skeyid(&x, NULL, -ENOENT, "couldn't find");
	/* and time heals. */
	x.s.peer = 0;
	assert_int_equal(inet_addr_parse("10.0.0.110", &x.s.addr), 0);
	assert_int_equal(prove_skeyid(&x.p, &x.s, NULL, NOW + 1000, &got, &x.e), 0);
	strike(&x);
}

static void expect_ticket(struct stage *x)
{
	uint8_t buf[TICKET_MAX];
	struct ticket t;
	int n = prove_verify(&x->p, &x->s, &x->c, NOW, buf, &x->e);

	if (n <= 0)
		fail_msg("%s", x->e.s);
	assert_int_equal(ticket_open(&x->p.ticket_key, buf, (size_t)n, NOW, &t, &x->e), 0);
	assert_int_equal(t.generation, GENERATION);
	assert_int_equal(t.peer, x->s.peer);
	assert_true(inet_addr_equal(&t.addr, &x->s.addr));
	assert_true(ike_id_equal(&t.id, &x->c.id));
	assert_memory_equal(t.icookie, x->s.icookie, 8);
	assert_memory_equal(t.rcookie, x->s.rcookie, 8);
	assert_int_equal(t.expires_ms, NOW + SESSION_TICKET_MS);
}

static void refuse_ticket(struct stage *x, int want, const char *says)
{
	uint8_t buf[TICKET_MAX];
	int r = prove_verify(&x->p, &x->s, &x->c, NOW, buf, &x->e);

	if (r != want || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

static void test_prove_verify_gives_a_ticket(void **state)
{
	struct stage x;

	(void)state;
	set(&x);
	claim(&x, address, 1, "mekmitasdigoat");
	expect_ticket(&x);
	x.c.facts.prover_began = false; /* HASH_R */
	claim(&x, address, 1, "mekmitasdigoat");
	expect_ticket(&x);
	x.c.by_id = true;
	claim(&x, kit_id(IKE_ID_FQDN, "gw.example"), 2, "by the name");
	expect_ticket(&x);
	strike(&x);
}

static void test_prove_verify_refuses_another_key_or_exchange(void **state)
{
	struct stage x;

	(void)state;
	for (int i = 0; i < 11; i++) {
		set(&x);
		claim(&x, address, 1, i == 0 ? "mekmitasdigoa" : "mekmitasdigoat");
		if (i == 1)
			x.hash[19] ^= 1;
		else if (i == 2)
			x.hash[0] ^= 0x80;
		else if (i == 3)
			x.c.hash.n--;
		else if (i == 4)
			x.c.facts.prover_began = false;
		else if (i == 5)
			x.s.icookie[0] ^= 1;
		else if (i == 6)
			x.s.rcookie[7] ^= 1;
		else if (i == 7)
			x.s.nr.n--;
		else if (i == 8)
			x.c.facts.sa.n--;
		else if (i == 9)
			x.c.facts.gx_other.n--;
		else if (i == 10)
			x.body[3] = 1; /* the port beside the identity is proved as well */
		refuse_ticket(&x, -EBADMSG, "HASH mismatched");
		strike(&x);
	}
}

static void test_prove_verify_believes_the_octets_alone(void **state)
{
	struct stage x;

	(void)state;
	set(&x);
	claim(&x, address, 1, "mekmitasdigoat");
	x.c.id = kit_id(IKE_ID_FQDN, "gw.example"); /* keyd says so, the ID payload does not */
	refuse_ticket(&x, -EINVAL, "not the one of the ID payload");
	claim(&x, address, 1, "mekmitasdigoat");
	x.c.id.data[3]++;
	refuse_ticket(&x, -EINVAL, "not the one of the ID payload");
	claim(&x, address, 4, "mekmitasdigoat"); /* a subnet's type, an address's length */
	refuse_ticket(&x, -EINVAL, "not the one of the ID payload");
	claim(&x, kit_id(IKE_ID_FQDN, "x"), 10, "mekmitasdigoat");
	refuse_ticket(&x, -EINVAL, "not the one of the ID payload");
	strike(&x);
}

static void test_prove_verify_expects_identities(void **state)
{
	struct stage x;

	(void)state;
	set(&x);
	peer(&x)->peer_id = calloc(2, sizeof(struct ike_id));
	peer(&x)->peer_id[0] = kit_id(IKE_ID_FQDN, "gw.example");
	peer(&x)->peer_id[1] = kit_id(IKE_ID_USER_FQDN, "");
	peer(&x)->n_peer_ids = 2;
	claim(&x, kit_id(IKE_ID_FQDN, "else.example"), 2, "mekmitasdigoat");
	expect_ticket(&x); /* verify_identifier is off */
	peer(&x)->verify_identifier = true;
	refuse_ticket(&x, -EACCES, "else.example is none of remote 10.0.0.110's peers_identifier");
	claim(&x, kit_id(IKE_ID_KEYID, "gw.example"), 11, "mekmitasdigoat");
	refuse_ticket(&x, -EACCES, "is none of");
	claim(&x, kit_id(IKE_ID_FQDN, "gw.example"), 2, "mekmitasdigoat");
	expect_ticket(&x);
	claim(&x, kit_id(IKE_ID_USER_FQDN, "anybody@example"), 3, "mekmitasdigoat");
	expect_ticket(&x);
	/* A wrong proof is told of as that, whatever was expected: nobody learns what is. */
	claim(&x, kit_id(IKE_ID_FQDN, "else.example"), 2, "wrong");
	refuse_ticket(&x, -EBADMSG, "HASH mismatched");
	strike(&x);
}

static void give_key(struct stage *x)
{
	struct file c = kit_pem(&cert, 1), k = kit_pem_key(key, NULL);

	assert_int_equal(own_key_new(&c, &k, NULL, &x->p.now->own[0], &x->e), 0);
	file_fini(&c);
	file_fini(&k);
}

/* -errno, or the signature's octets. */
static int sign(struct stage *x, struct ike_id id, uint8_t wire_type, uint8_t *sig)
{
	AUTO_SECRET struct secret *skeyid = secret_dup_bytes("twenty octets of it.", 20);

	x->e = (struct err_text){{0}};
	x->c.facts.id.p = x->body;
	x->c.facts.id.n = kit_id_body(wire_type, id.data, id.len, x->body);
	return prove_sign(&x->p, &x->s, skeyid, &x->c.facts, NOW, sig, &x->e);
}

static void expect_signature(struct stage *x, struct ike_id id, uint8_t wire_type)
{
	uint8_t sig[OWN_SIGNATURE_MAX], hash[20];
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	int n = sign(x, id, wire_type, sig);

	if (n <= 0)
		fail_msg("%s", x->e.s);
	kit_hash((const uint8_t *)"twenty octets of it.", &x->s, &x->c.facts, hash);
	assert_true(EVP_PKEY_verify_init(c) > 0 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) > 0);
	assert_int_equal(EVP_PKEY_verify(c, sig, (size_t)n, hash, 20), 1);
	EVP_PKEY_CTX_free(c);
}

static void refuse_signature(struct stage *x, struct ike_id id, uint8_t wire_type, int want, const char *says)
{
	uint8_t sig[OWN_SIGNATURE_MAX];
	int r = sign(x, id, wire_type, sig);

	if (r != want || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

static void test_prove_sign_for_what_we_are(void **state)
{
	const struct ike_id other = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 9}};
	struct stage x;

	(void)state;
	set(&x);
	refuse_signature(&x, kit_subject(cert), 9, -ENOENT, "has no private key");
	give_key(&x);
	expect_signature(&x, kit_subject(cert), 9);
	expect_signature(&x, kit_id(IKE_ID_FQDN, "relent.example"), 2);
	expect_signature(&x, other, 1); /* my_identifier address: the one in use */
	x.c.facts.prover_began = false;
	expect_signature(&x, kit_subject(cert), 9);
	peer(&x)->my_id = kit_id(IKE_ID_KEYID, "tag");
	expect_signature(&x, kit_id(IKE_ID_KEYID, "tag"), 11);
	refuse_signature(&x, other, 1, -EACCES, "does not speak for 10.0.0.9");
	refuse_signature(
	    &x, kit_id(IKE_ID_FQDN, "elmer.example"), 2, -EACCES, "does not speak for elmer.example");
	refuse_signature(&x, kit_id(IKE_ID_USER_FQDN, "relent.example"), 3, -EACCES, "does not speak for");
	strike(&x);
}

/* Octets that name nobody, or are no ID payload at all: refused without a look at what was not read. */
static void test_prove_sign_for_no_identity(void **state)
{
	const struct ike_id net = {.kind = IKE_ID_ADDRESS, .len = 8, .data = {10, 0, 0, 0, 255, 255, 255}};
	struct stage x;

	(void)state;
	set(&x);
	give_key(&x);
	refuse_signature(&x, net, 4, -EINVAL, "holds no identity");
	refuse_signature(&x, net, 1, -EINVAL, "holds no identity"); /* eight octets of address */
	refuse_signature(&x, kit_id(IKE_ID_FQDN, "a"), 10, -EINVAL, "holds no identity");
	refuse_signature(&x, kit_id(IKE_ID_FQDN, "a"), 255, -EINVAL, "holds no identity");
	strike(&x);
}

static void test_prove_local_id(void **state)
{
	const struct own_key *k = NULL;
	struct ike_id subject = kit_subject(cert);
	struct stage x;

	(void)state;
	set(&x);
	assert_int_equal(prove_local_id(&x.p, GENERATION, 0, &k, &x.e), -ENOENT);
	give_key(&x);
	assert_int_equal(prove_local_id(&x.p, GENERATION, 0, &k, &x.e), 0);
	assert_int_equal(own_key_subject(k).n, subject.len);
	assert_memory_equal(own_key_subject(k).p, subject.data, subject.len);
	assert_int_equal(prove_local_id(&x.p, GENERATION, 1, &k, &x.e), -ENOENT);
	assert_int_equal(prove_local_id(&x.p, GENERATION, 2, &k, &x.e), -EINVAL);
	assert_int_equal(prove_local_id(&x.p, GENERATION + 1, 0, &k, &x.e), -ESTALE);
	strike(&x);
}

/* What root may hand over, and what is refused when it is handed over. */
static void test_prove_files_of_a_load(void **state)
{
	struct file pem = kit_pem_key(key, NULL);
	struct creds *c = creds_new(1);
	struct err_text e;

	(void)state;
	assert_int_equal(creds_add(c, CREDENTIAL_KEY, 0, "my.key", kit_fd(pem.p, pem.n, 0600), &e), 0);
	assert_int_equal(creds_add(c, CREDENTIAL_KEY, 0, "my.key", kit_fd(pem.p, pem.n, 0644), &e), -EPERM);
	assert_non_null(strstr(e.s, "my.key has weak file permission 0644"));
	assert_int_equal(creds_add(c, CREDENTIAL_KEY, 1, "my.key", kit_fd(pem.p, pem.n, 0600), &e), -EINVAL);
	assert_int_equal(
	    creds_add(c, CREDENTIAL_ANCHOR, 0, "ca.pem", kit_fd(pem.p, pem.n, 0600), &e), -EINVAL);
	assert_int_equal(creds_add(c, CREDENTIAL_PSK, 0, "psk.txt", -1, &e), -EINVAL);
	file_fini(&pem);
	creds_free(c);
}

static int make_world(void **state)
{
	(void)state;
	key = kit_rsa(2048);
	cert = kit_cert(
	    &(struct kit_cert){.org = "Example", .cn = "relent", .san = "DNS:relent.example", .key = key});
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_prove_skeyid),
	    cmocka_unit_test(test_prove_refuses_what_keyd_may_not_ask),
	    cmocka_unit_test(test_prove_the_generation_before_goes_on),
	    cmocka_unit_test(test_prove_the_file_as_it_is_now),
	    cmocka_unit_test(test_prove_is_metered_by_address),
	    cmocka_unit_test(test_prove_verify_gives_a_ticket),
	    cmocka_unit_test(test_prove_verify_refuses_another_key_or_exchange),
	    cmocka_unit_test(test_prove_verify_believes_the_octets_alone),
	    cmocka_unit_test(test_prove_verify_expects_identities),
	    cmocka_unit_test(test_prove_sign_for_what_we_are),
	    cmocka_unit_test(test_prove_sign_for_no_identity),
	    cmocka_unit_test(test_prove_local_id),
	    cmocka_unit_test(test_prove_files_of_a_load),
	};
	struct err_text e = {{0}};

	if (geteuid() != 0)
		return 77; /* keys are believed in root's files alone */
	if (secret_init(256 * 1024, &e) < 0 || crypto_init(&e) < 0 || ticket_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, make_world, end_world);
}
