/*
 * What certd does for keyd: keys, our proof, and judgement of a peer's, each against HMACs made by the text
 * of RFC 2409; and what it refuses of the configuration's own accord. What a keyd that was taken over tries
 * is in test_reflect.c.
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

#include "certd/psk.h"
#include "crypto/crypto.h"
#include "support/prove_stage.h"

static EVP_PKEY *key;
static X509 *cert;

static const char psk[] = "mekmitasdigoat";
static const struct ike_id address = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 110}};

static void expect_keys(struct stage *x, const struct ike_id *id, const char *of, const char *notice)
{
	AUTO(ike1_keys_fini) struct ike1_keys got = {0};
	struct stage_exchange q;
	uint8_t skeyid[20], want[3][20];
	struct kit_exchange k;

	if (stage_begin(x, &q, true, of) != 0)
		fail_msg("%s", x->e.s);
	q.f.peer_id = id;
	if (stage_keys(x, &q, &got) != 0)
		fail_msg("%s", x->e.s);
	if (notice)
		assert_non_null(strstr(x->e.s, notice));
	else
		assert_string_equal(x->e.s, "");
	stage_skeyid(&q, skeyid);
	k = (struct kit_exchange){
	    .gxy = {q.gxy, q.n_gxy}, .icookie = {q.f.icookie, 8}, .rcookie = {q.f.rcookie, 8}};
	kit_keys(skeyid, &k, want);
	assert_null(got.skeyid); /* it stays where it is */
	assert_memory_equal(secret_bytes(got.d), want[0], 20);
	assert_memory_equal(secret_bytes(got.a), want[1], 20);
	assert_memory_equal(secret_bytes(got.e), want[2], 20);
}

static void refuse_keys(struct stage *x, const char *of, const struct ike_id *id, int want, const char *says)
{
	AUTO(ike1_keys_fini) struct ike1_keys got = {0};
	struct stage_exchange q;
	int r = stage_begin(x, &q, true, of);

	q.f.peer_id = id;
	if (r == 0)
		r = stage_keys(x, &q, &got);
	if (r != want || got.d || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

static void test_prove_keys(void **state)
{
	const struct ike_id fqdn = kit_id(IKE_ID_FQDN, "gw.example"),
	                    user = kit_id(IKE_ID_USER_FQDN, "me@gw.example"),
	                    keyid = kit_id(IKE_ID_KEYID, "tag"), other = kit_id(IKE_ID_FQDN, "GW.example");
	struct stage x;

	(void)state;
	stage_set(&x);
	expect_keys(&x, NULL, psk, NULL);
	expect_keys(&x, &address, psk, NULL);
	expect_keys(&x, &fqdn, "by the name", NULL);
	expect_keys(&x, &user, "by the user", NULL);
	expect_keys(&x, &keyid, "by the key id", NULL);
	expect_keys(&x, NULL, NULL, NULL); /* with signatures */
	expect_keys(&x, &other, psk, "couldn't find the proper pskey, try to get one by the peer's address");
	stage_peer(&x)->verify_identifier = true;
	refuse_keys(&x, psk, &other, -ENOENT, "couldn't find the pskey for 10.0.0.110 or GW.example");
	stage_strike(&x);
}

static void test_prove_refuses_what_keyd_may_not_begin(void **state)
{
	struct stage x;

	(void)state;
	stage_set(&x);
	x.s.generation++;
	refuse_keys(&x, psk, NULL, -ESTALE, "generation 8");
	x.s.generation--;
	x.s.peer = STAGE_PEERS;
	refuse_keys(&x, psk, NULL, -EINVAL, "no peer 3");
	x.s.peer = STAGE_ANYBODY; /* though the address has a block of its own */
	refuse_keys(&x, psk, NULL, -EACCES, "not configured for 10.0.0.110");
	stage_with(&x, STAGE_NAMED, "10.0.0.111");
	refuse_keys(&x, psk, NULL, -EACCES, "not configured for 10.0.0.111");
	x.s.peer = STAGE_ANYBODY;
	refuse_keys(&x, psk, NULL, -ENOENT, "couldn't find the pskey for 10.0.0.111");
	x.p.now = creds_free(x.p.now);
	refuse_keys(&x, psk, NULL, -ESTALE, "load it again");
	stage_strike(&x);
}

/* The block's proposals say how a peer proves itself, and with what; psk.txt having a line for it does not.
 */
static void test_prove_keys_by_the_peers_proposals(void **state)
{
	AUTO(ike1_keys_fini) struct ike1_keys got = {0};
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_with(&x, STAGE_SIGNS, "10.0.0.120");
	refuse_keys(&x, "of one who signs", NULL, -EACCES, "remote 10.0.0.120 proposes no pre_shared_key");
	expect_keys(&x, NULL, NULL, NULL);
	assert_int_equal(stage_begin(&x, &q, true, NULL), 0);
	q.f.prf = ALG_PRF_HMAC_MD5;
	assert_int_equal(stage_keys(&x, &q, &got), -EACCES);
	q.f.prf = ALG_PRF_HMAC_SHA1;
	q.f.group = ALG_GROUP_MODP768;
	assert_int_equal(stage_keys(&x, &q, &got), -EACCES);
	stage_strike(&x);
}

/* A block of main mode alone has its key by address, one without main mode by identity. */
static void test_prove_keys_by_the_peers_modes(void **state)
{
	const struct ike_id fqdn = kit_id(IKE_ID_FQDN, "gw.example");
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_peer(&x)->n_modes = 1;
	expect_keys(&x, NULL, psk, NULL);
	refuse_keys(&x, "by the name", &fqdn, -EACCES, "none in which the key is looked up by identity");
	stage_peer(&x)->mode[0] = IKE_MODE_AGGRESSIVE;
	expect_keys(&x, &fqdn, "by the name", NULL);
	refuse_keys(&x, psk, NULL, -EACCES, "none in which the key is looked up by address");
	expect_keys(&x, NULL, NULL, NULL); /* no matter with signatures */
	stage_strike(&x);
}

static void test_prove_the_generation_before_goes_on(void **state)
{
	uint8_t word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_keyed(&x, &q, true, psk);
	x.p.before = x.p.now;
	x.p.now = stage_configuration(STAGE_GENERATION + 1);
	assert_true(stage_peer_proves(&x, &q, address, word) > 0);
	expect_keys(&x, NULL, psk, NULL);
	x.s.generation++;
	expect_keys(&x, NULL, psk, NULL);
	/* One more, and an exchange under the first is over. */
	x.s.generation--;
	stage_keyed(&x, &q, true, psk);
	x.p.before->generation += 2;
	assert_int_equal(stage_peer_proves(&x, &q, address, word), -ESTALE);
	stage_strike(&x);
}

/* It is read, and judged, when it is used. */
static void test_prove_the_file_as_it_is_now(void **state)
{
	struct stage x;
	int fd;

	(void)state;
	stage_set(&x);
	fd = x.p.now->psk.fd;
	assert_int_equal(pwrite(fd, "10.0.0.110 another_secret", 25, 0), 25);
	expect_keys(&x, NULL, "another_secret", NULL);
	assert_int_equal(fchmod(fd, 0640), 0);
	refuse_keys(&x, psk, NULL, -EPERM, "psk.txt has weak file permission 0640: chmod 600 psk.txt");
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(ftruncate(fd, PSK_FILE_MAX + 1), 0);
	refuse_keys(&x, psk, NULL, -EFBIG, "psk.txt is longer than");
	close(fd);
	x.p.now->psk.fd = -1;
	refuse_keys(&x, psk, NULL, -ENOENT, "path pre_shared_key names none");
	stage_strike(&x);
}

static void test_prove_is_metered_by_address(void **state)
{
	struct stage_exchange q;
	struct stage x;
	int r = 0, n = 0;

	(void)state;
	stage_set(&x);
	for (; r == 0 && n < 1000; n++)
		r = stage_begin(&x, &q, true, psk);
	assert_int_equal(r, -EBUSY);
	assert_int_equal(n, PROVE_BURST + 1);
	assert_int_equal(x.p.meter.n_refused, 1);
	/* Somebody else is not held up, */
	stage_with(&x, STAGE_ANYBODY, "10.0.0.111");
	assert_int_equal(stage_begin(&x, &q, true, psk), 0);
	/* and time heals. */
	stage_with(&x, STAGE_NAMED, "10.0.0.110");
	x.now += 1000;
	assert_int_equal(stage_begin(&x, &q, true, psk), 0);
	stage_strike(&x);
}

static void expect_ticket(struct stage *x, bool we_began, const char *of, struct ike_id id, bool by_id)
{
	uint8_t word[PROVE_WORD_MAX];
	AUTO(ike1_keys_fini) struct ike1_keys keys = {0};
	struct stage_exchange q;
	struct ticket t;
	int n;

	assert_int_equal(stage_begin(x, &q, we_began, of), 0);
	q.f.peer_id = by_id ? &id : NULL;
	assert_int_equal(stage_keys(x, &q, &keys), 0);
	n = stage_peer_proves(x, &q, id, word);
	if (n <= 0)
		fail_msg("%s", x->e.s);
	assert_int_equal(ticket_open(&x->p.ticket_key, word, (size_t)n, x->now, &t, &x->e), 0);
	assert_int_equal(t.generation, STAGE_GENERATION);
	assert_int_equal(t.peer, x->s.peer);
	assert_true(inet_addr_equal(&t.addr, &x->s.addr));
	assert_true(ike_id_equal(&t.id, &id));
	assert_memory_equal(t.icookie, q.f.icookie, 8);
	assert_memory_equal(t.rcookie, q.f.rcookie, 8);
	assert_int_equal(t.expires_ms, x->now + SESSION_TICKET_MS);
	/* Once. */
	assert_int_equal(stage_peer_proves(x, &q, id, word), -EPROTO);
}

static void test_prove_verify_gives_a_ticket(void **state)
{
	struct stage x;

	(void)state;
	stage_set(&x);
	expect_ticket(&x, false, psk, address, false); /* HASH_I */
	expect_ticket(&x, true, psk, address, false);  /* HASH_R */
	expect_ticket(&x, false, "by the name", kit_id(IKE_ID_FQDN, "gw.example"), true);
	stage_strike(&x);
}

/* -errno, and says why. */
static void refuse_peer(
    struct stage *x, struct stage_exchange *q, struct ike_id id, int want, const char *says)
{
	uint8_t word[PROVE_WORD_MAX];
	int r = stage_peer_proves(x, q, id, word);

	if (r != want || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

static void test_prove_verify_refuses_another_key_or_exchange(void **state)
{
	struct stage_exchange q;
	struct stage x;

	(void)state;
	for (int i = 0; i < 9; i++) {
		stage_set(&x);
		stage_keyed(&x, &q, false, psk);
		if (i == 0) /* what the peer takes it for, one thing at a time */
			q.psk = "mekmitasdigoa";
		else if (i == 1)
			q.we_began = true;
		else if (i == 2)
			q.f.icookie[0] ^= 1;
		else if (i == 3)
			q.f.rcookie[7] ^= 1;
		else if (i == 4)
			q.f.peer_nonce.n--;
		else if (i == 5)
			q.f.sa.n--;
		else if (i == 6)
			q.gxi[127] ^= 1;
		else if (i == 7)
			q.gxr[127] ^= 1;
		else
			q.nonce[31] ^= 1;
		if (i == 8) {
			refuse_peer(&x, &q, address, -ESTALE, "does not know this exchange");
			q.nonce[31] ^= 1;
			assert_true(stage_peer_proves(&x, &q, address, (uint8_t[PROVE_WORD_MAX]){0}) > 0);
		} else {
			refuse_peer(&x, &q, address, -EBADMSG, "HASH mismatched");
		}
		stage_strike(&x);
	}
}

/* A forged message is no end: the peer's own may come after it. But not without end. */
static void test_prove_verify_bears_a_few_that_are_wrong(void **state)
{
	uint8_t word[PROVE_WORD_MAX], wrong[20] = {1};
	struct stage_exchange q;
	bool is_ticket;
	struct stage x;

	(void)state;
	for (int n = EXCHANGE_TRIES - 1; n <= EXCHANGE_TRIES; n++) {
		stage_set(&x);
		stage_keyed(&x, &q, true, psk);
		for (int i = 0; i < n; i++)
			assert_int_equal(stage_peer_says(&x, &q, address, wrong, &is_ticket, word), -EBADMSG);
		if (n < EXCHANGE_TRIES)
			assert_true(stage_peer_proves(&x, &q, address, word) > 0);
		else
			refuse_peer(&x, &q, address, -ESTALE, "does not know this exchange");
		stage_strike(&x);
	}
}

/* A subnet, four octets of address too many, a range of names, a type that nobody has. */
static void test_prove_verify_believes_octets_that_name_a_peer(void **state)
{
	static const uint8_t net[] = {4, 0, 0, 0, 10, 0, 0, 0, 255, 255, 255, 0},
	                     late[] = {1, 0, 0, 0, 1, 2, 3, 4, 5}, range[] = {10, 0, 0, 0, 'a'},
	                     unknown[] = {255, 0, 0, 0, 'a'};
	const struct ike1_octets body[] = {
	    {net, sizeof(net)}, {late, sizeof(late)}, {range, sizeof(range)}, {unknown, sizeof(unknown)}};
	uint8_t word[PROVE_WORD_MAX], hash[20];
	struct stage_exchange q;
	bool is_ticket;
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_keyed(&x, &q, true, psk);
	for (size_t i = 0; i < ARRAY_SIZE(body); i++) {
		stage_hash(&q, false, body[i], hash);
		assert_int_equal(prove_peer(&x.p, (struct ike1_octets){q.nonce, sizeof(q.nonce)}, body[i],
		                     (struct ike1_octets){hash, 20}, x.now, &is_ticket, word, &x.e),
		    -EBADMSG);
		assert_non_null(strstr(x.e.s, "holds no identity"));
	}
	stage_strike(&x);
}

static void test_prove_verify_expects_identities(void **state)
{
	uint8_t word[PROVE_WORD_MAX];
	struct stage_exchange q;
	struct ike_peer *p;
	struct stage x;

	(void)state;
	stage_set(&x);
	p = stage_peer(&x);
	p->peer_id = calloc(3, sizeof(struct ike_id));
	p->peer_id[0] = kit_id(IKE_ID_FQDN, "gw.example");
	p->peer_id[1] = kit_id(IKE_ID_USER_FQDN, "");
	p->peer_id[2] = kit_id(IKE_ID_DN, "CN=moon");
	p->n_peer_ids = 3;
	expect_ticket(
	    &x, true, psk, kit_id(IKE_ID_FQDN, "else.example"), false); /* verify_identifier is off */
	stage_keyed(&x, &q, true, psk);
	x.e = (struct err_text){{0}};
	assert_true(stage_peer_proves(&x, &q, kit_id(IKE_ID_FQDN, "else.example"), word) > 0);
	assert_non_null(strstr(x.e.s, "No ID match. else.example is none of"));
	p->verify_identifier = true;
	stage_keyed(&x, &q, true, psk);
	refuse_peer(&x, &q, kit_id(IKE_ID_FQDN, "else.example"), -EACCES,
	    "else.example is none of remote 10.0.0.110's peers_identifier");
	refuse_peer(&x, &q, kit_id(IKE_ID_KEYID, "gw.example"), -EACCES, "is none of");
	/* A wrong proof is told of as that, whatever was expected: nobody learns what is. */
	q.psk = "wrong";
	refuse_peer(&x, &q, kit_id(IKE_ID_FQDN, "else.example"), -EBADMSG, "HASH mismatched");
	expect_ticket(&x, true, psk, kit_id(IKE_ID_FQDN, "gw.example"), false);
	expect_ticket(&x, true, psk, kit_id(IKE_ID_USER_FQDN, "anybody@example"), false);
	/* A name that was typed is the DER that it says: CN=moon, and not CN=noon. */
	expect_ticket(&x, true, psk,
	    kit_id(IKE_ID_DN_DER, "0\x0f"
	                          "1\r0\v\x06\x03U\x04\x03\f\x04moon"),
	    false);
	q.psk = psk;
	refuse_peer(&x, &q,
	    kit_id(IKE_ID_DN_DER, "0\x0f"
	                          "1\r0\v\x06\x03U\x04\x03\f\x04noon"),
	    -EACCES, "CN=noon is none of");
	stage_strike(&x);
}

/* -errno, or the proof's octets; in an exchange of its own. */
static int prove(struct stage *x, struct stage_exchange *q, bool we_began, const char *of, struct ike_id id,
    uint8_t *proof)
{
	stage_keyed(x, q, we_began, of);
	x->e = (struct err_text){{0}};
	x->now += 1000; /* for the meter */
	return prove_us(
	    &x->p, (struct ike1_octets){q->nonce, sizeof(q->nonce)}, stage_id(q, id), x->now, proof, &x->e);
}

static void expect_signature(struct stage *x, bool we_began, struct ike_id id)
{
	uint8_t sig[PROVE_PROOF_MAX], hash[20];
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	struct stage_exchange q;
	int n = prove(x, &q, we_began, NULL, id, sig);

	if (n <= 0)
		fail_msg("%s", x->e.s);
	stage_hash(&q, true, stage_id(&q, id), hash);
	assert_true(EVP_PKEY_verify_init(c) > 0 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) > 0);
	assert_int_equal(EVP_PKEY_verify(c, sig, (size_t)n, hash, 20), 1);
	EVP_PKEY_CTX_free(c);
}

static void expect_hash(struct stage *x, bool we_began, struct ike_id id)
{
	uint8_t proof[PROVE_PROOF_MAX], hash[20];
	struct stage_exchange q;
	int n = prove(x, &q, we_began, psk, id, proof);

	if (n != 20)
		fail_msg("%s", x->e.s);
	stage_hash(&q, true, stage_id(&q, id), hash);
	assert_memory_equal(proof, hash, 20);
	/* Once. */
	assert_int_equal(prove_us(&x->p, (struct ike1_octets){q.nonce, sizeof(q.nonce)}, stage_id(&q, id),
	                     x->now, proof, &x->e),
	    -EPROTO);
}

static void refuse_proof(struct stage *x, const char *of, struct ike_id id, int want, const char *says)
{
	uint8_t proof[PROVE_PROOF_MAX];
	struct stage_exchange q;
	int r = prove(x, &q, true, of, id, proof);

	if (r != want || !strstr(x->e.s, says))
		fail_msg("expected %d (%s), got %d (%s)", want, says, r, x->e.s);
}

static void test_prove_us_for_what_we_are(void **state)
{
	const struct ike_id other = {.kind = IKE_ID_ADDRESS, .len = 4, .data = {10, 0, 0, 9}};
	struct stage x;

	(void)state;
	stage_set(&x);
	expect_hash(&x, true, other); /* my_identifier address: the one in use */
	expect_hash(&x, false, other);
	refuse_proof(&x, NULL, kit_subject(cert), -ENOENT, "has no private key");
	stage_give_key(&x, key, cert);
	expect_signature(&x, true, kit_subject(cert));
	expect_signature(&x, true, kit_id(IKE_ID_FQDN, "relent.example"));
	expect_signature(&x, true, other);
	expect_signature(&x, false, kit_subject(cert));
	stage_peer(&x)->my_id = kit_id(IKE_ID_KEYID, "tag");
	expect_signature(&x, true, kit_id(IKE_ID_KEYID, "tag"));
	expect_hash(&x, true, kit_id(IKE_ID_KEYID, "tag"));
	refuse_proof(&x, NULL, other, -EACCES, "does not speak for 10.0.0.9");
	refuse_proof(&x, psk, other, -EACCES, "does not speak for 10.0.0.9");
	refuse_proof(
	    &x, NULL, kit_id(IKE_ID_FQDN, "elmer.example"), -EACCES, "does not speak for elmer.example");
	refuse_proof(&x, NULL, kit_id(IKE_ID_USER_FQDN, "relent.example"), -EACCES, "does not speak for");
	stage_strike(&x);
}

/* Octets that name nobody, or are no ID payload at all: refused without a look at what was not read. */
static void test_prove_us_for_no_identity(void **state)
{
	static const uint8_t net[] = {4, 0, 0, 0, 10, 0, 0, 0, 255, 255, 255, 0},
	                     long_address[] = {1, 0, 0, 0, 1, 2, 3, 4, 5}, user_range[] = {10, 0, 0, 0, 'a'},
	                     unknown[] = {255, 0, 0, 0, 'a'};
	const struct ike1_octets body[] = {{net, sizeof(net)}, {long_address, sizeof(long_address)},
	    {user_range, sizeof(user_range)}, {unknown, sizeof(unknown)}};
	uint8_t proof[PROVE_PROOF_MAX];
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	stage_give_key(&x, key, cert);
	stage_keyed(&x, &q, true, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(body); i++) {
		assert_int_equal(prove_us(&x.p, (struct ike1_octets){q.nonce, sizeof(q.nonce)}, body[i],
		                     x.now, proof, &x.e),
		    -EINVAL);
		assert_non_null(strstr(x.e.s, "holds no identity"));
	}
	stage_strike(&x);
}

static void test_prove_begin_tells_of_our_certificate(void **state)
{
	struct ike_id subject = kit_subject(cert);
	struct stage_exchange q;
	struct stage x;

	(void)state;
	stage_set(&x);
	assert_int_equal(stage_begin(&x, &q, true, NULL), 0);
	assert_null(q.own);
	stage_give_key(&x, key, cert);
	assert_int_equal(stage_begin(&x, &q, true, NULL), 0);
	assert_int_equal(own_key_subject(q.own).n, subject.len);
	assert_memory_equal(own_key_subject(q.own).p, subject.data, subject.len);
	stage_strike(&x);
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
	    cmocka_unit_test(test_prove_keys),
	    cmocka_unit_test(test_prove_refuses_what_keyd_may_not_begin),
	    cmocka_unit_test(test_prove_keys_by_the_peers_proposals),
	    cmocka_unit_test(test_prove_keys_by_the_peers_modes),
	    cmocka_unit_test(test_prove_the_generation_before_goes_on),
	    cmocka_unit_test(test_prove_the_file_as_it_is_now),
	    cmocka_unit_test(test_prove_is_metered_by_address),
	    cmocka_unit_test(test_prove_verify_gives_a_ticket),
	    cmocka_unit_test(test_prove_verify_refuses_another_key_or_exchange),
	    cmocka_unit_test(test_prove_verify_bears_a_few_that_are_wrong),
	    cmocka_unit_test(test_prove_verify_believes_octets_that_name_a_peer),
	    cmocka_unit_test(test_prove_verify_expects_identities),
	    cmocka_unit_test(test_prove_us_for_what_we_are),
	    cmocka_unit_test(test_prove_us_for_no_identity),
	    cmocka_unit_test(test_prove_begin_tells_of_our_certificate),
	    cmocka_unit_test(test_prove_files_of_a_load),
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
