/*
 * The edges' messages: each field of a good request changed to what it may not be, one at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "certd/certd_msg.h"
#include "certd/verify/verify_msg.h"
#include "crypto/crypto.h"
#include "ipc/model.h"

#include "certd_keyd.pb-c.h"
#include "certd_verify_keyd.pb-c.h"
#include "ike_conf.pb-c.h"

static uint8_t octets[1 << 16], packed[1 << 17];

static ProtobufCBinaryData some(size_t n)
{
	return (ProtobufCBinaryData){.data = octets, .len = n};
}

static struct ipc_record record(const ProtobufCMessage *m)
{
	assert_true(protobuf_c_message_get_packed_size(m) <= sizeof(packed));
	return (struct ipc_record){.body = packed, .body_len = protobuf_c_message_pack(m, packed)};
}

/* Good requests of all kinds, out of the same parts. */
static struct {
	Postern__Addr addr;
	Postern__IkeId id;
	Postern__IkeBegin begin;
	Postern__Ike1Keys keys;
	Postern__Ike1Switch turn;
	Postern__Ike2Tell tell;
	Postern__IkeProve prove;
	Postern__IkeVerify verify;
	Postern__IkeJudge judge;
	ProtobufCBinaryData cert[JUDGE_CERTS_MAX + 1];
} g;

static void fill_keys(void)
{
	g.keys = (Postern__Ike1Keys)POSTERN__IKE1_KEYS__INIT;
	g.keys.nonce = some(NONCE_LEN);
	g.keys.peer_nonce = some(20);
	g.keys.icookie = g.keys.rcookie = some(8);
	g.keys.auth = IKE_AUTH_PSK;
	g.keys.prf = ALG_PRF_HMAC_SHA1;
	g.keys.group = ALG_GROUP_MODP1024;
	g.keys.gxi = some(128);
	g.keys.gxr = some(127);
	g.keys.gxy = some(126);
	g.keys.sa = some(52);
	g.keys.peer_id = &g.id;
}

static void fill_tell(void)
{
	g.tell = (Postern__Ike2Tell)POSTERN__IKE2_TELL__INIT;
	g.tell.nonce = some(NONCE_LEN);
	g.tell.peer_nonce = some(24);
	g.tell.spi_i = g.tell.spi_r = some(8);
	g.tell.prf = ALG_PRF_AES128_XCBC;
	g.tell.sk_pi = some(16);
	g.tell.sk_pr = some(17);
	g.tell.message_i = some(400);
	g.tell.message_r = some(401);
	g.tell.peer_hashes = 0x3c;
}

static void fill(void)
{
	g.addr = (Postern__Addr)POSTERN__ADDR__INIT;
	g.addr.bytes = some(4);
	g.id = (Postern__IkeId)POSTERN__IKE_ID__INIT;
	g.id.kind = IKE_ID_FQDN;
	g.id.data = some(10);
	g.begin = (Postern__IkeBegin)POSTERN__IKE_BEGIN__INIT;
	g.begin.generation = 9;
	g.begin.peer = 3;
	g.begin.peer_addr = &g.addr;
	g.begin.we_began = true;
	fill_keys();
	g.turn = (Postern__Ike1Switch)POSTERN__IKE1_SWITCH__INIT;
	g.turn.nonce = some(NONCE_LEN);
	g.turn.peer = 2;
	fill_tell();
	g.prove = (Postern__IkeProve)POSTERN__IKE_PROVE__INIT;
	g.prove.nonce = some(NONCE_LEN);
	g.prove.id = some(8);
	g.verify = (Postern__IkeVerify)POSTERN__IKE_VERIFY__INIT;
	g.verify.nonce = some(NONCE_LEN);
	g.verify.id = some(9);
	g.verify.proof = some(20);
	g.judge = (Postern__IkeJudge)POSTERN__IKE_JUDGE__INIT;
	g.judge.statement = some(150);
	g.judge.certs = g.cert;
	g.judge.n_certs = 2;
	g.judge.signature = some(128);
	g.judge.public_key = some(91);
	for (size_t i = 0; i < ARRAY_SIZE(g.cert); i++)
		g.cert[i] = some(900);
}

enum kind { BEGIN, KEYS, SWITCH, TELL, PROVE, VERIFY, JUDGE };

static int decode(enum kind kind)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	AUTO(verify_request_fini) struct verify_request v = {0};
	struct ipc_record rec;

	switch (kind) {
	case BEGIN:
		rec = record(&g.begin.base);
		return certd_begin_decode(&rec, &q);
	case KEYS:
		rec = record(&g.keys.base);
		return certd_keys_decode(&rec, &q);
	case SWITCH:
		rec = record(&g.turn.base);
		return certd_switch_decode(&rec, &q);
	case TELL:
		rec = record(&g.tell.base);
		return certd_tell_decode(&rec, &q);
	case PROVE:
		rec = record(&g.prove.base);
		return certd_prove_decode(&rec, &q);
	case VERIFY:
		rec = record(&g.verify.base);
		return certd_verify_decode(&rec, &q);
	default:
		rec = record(&g.judge.base);
		return verify_request_decode(&rec, &v);
	}
}

/* A field that is octets, and the fewest and most that it may have. */
static const struct {
	enum kind kind;
	ProtobufCBinaryData *field;
	size_t least, most;
} lengths[] = {
    {KEYS, &g.keys.nonce, NONCE_LEN, NONCE_LEN},
    {KEYS, &g.keys.peer_nonce, 8, 256},
    {KEYS, &g.keys.icookie, 8, 8},
    {KEYS, &g.keys.rcookie, 8, 8},
    {KEYS, &g.keys.gxi, 1, 1024},
    {KEYS, &g.keys.gxr, 1, 1024},
    {KEYS, &g.keys.gxy, 1, 1024},
    {KEYS, &g.keys.sa, 40, 16384},
    {KEYS, &g.id.data, 0, 1024},
    {SWITCH, &g.turn.nonce, NONCE_LEN, NONCE_LEN},
    {TELL, &g.tell.nonce, NONCE_LEN, NONCE_LEN},
    {TELL, &g.tell.peer_nonce, 16, 256},
    {TELL, &g.tell.spi_i, 8, 8},
    {TELL, &g.tell.spi_r, 8, 8},
    {TELL, &g.tell.sk_pi, 1, 64},
    {TELL, &g.tell.sk_pr, 1, 64},
    {TELL, &g.tell.message_i, 1, 8192},
    {TELL, &g.tell.message_r, 1, 8192},
    {PROVE, &g.prove.nonce, NONCE_LEN, NONCE_LEN},
    {PROVE, &g.prove.id, 5, 1028},
    {VERIFY, &g.verify.nonce, NONCE_LEN, NONCE_LEN},
    {VERIFY, &g.verify.id, 5, 1028},
    {VERIFY, &g.verify.proof, 0, 1284},
    {JUDGE, &g.judge.statement, 1, 9572},
    {JUDGE, &g.judge.signature, 1, 1284},
    {JUDGE, &g.cert[1], 1, 32768 - 900},
};

static void test_msg_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		const size_t tried[] = {
		    lengths[i].least, lengths[i].most, lengths[i].least - 1, lengths[i].most + 1};

		for (size_t k = lengths[i].least ? 0 : 1; k < 4; k++) {
			if (k == 2 && !lengths[i].least)
				continue;
			fill();
			*lengths[i].field = some(tried[k]);
			if (decode(lengths[i].kind) != (k < 2 ? 0 : -EBADMSG))
				fail_msg("row %zu: %zu octets", i, tried[k]);
		}
	}
}

/* Base mode's initiator says the first half without the peer's value; nobody else may leave anything out. */
static void test_msg_base_mode(void **state)
{
	static const struct {
		size_t idi, gxr, gxy;
		int want;
	} rows[] = {{8, 128, 128, 0}, {8, 0, 0, 0}, {5, 0, 0, 0}, {1028, 0, 0, 0}, {4, 0, 0, -EBADMSG},
	    {1029, 0, 0, -EBADMSG}, {8, 0, 128, -EBADMSG}, {8, 128, 0, -EBADMSG}, {0, 0, 0, -EBADMSG},
	    {0, 0, 128, -EBADMSG}, {0, 128, 128, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fill();
		g.keys.idi = some(rows[i].idi);
		g.keys.gxr = some(rows[i].gxr);
		g.keys.gxy = some(rows[i].gxy);
		if (decode(KEYS) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

static void test_msg_missing(void **state)
{
	(void)state;
	fill();
	g.begin.peer_addr = NULL;
	assert_int_equal(decode(BEGIN), -EBADMSG);
	g.begin.peer_addr = &g.addr;
	assert_int_equal(decode(BEGIN), 0);
	g.keys.peer_id = NULL; /* this one may be missing */
	assert_int_equal(decode(KEYS), 0);
}

static void test_msg_numbers(void **state)
{
	static const uint32_t hashes[] = {0, 3, 4, 8, 256 + 2, UINT32_MAX},
	                      prfs[] = {0, 3, 9, 256 + 2, UINT32_MAX},
	                      ids[] = {0, IKE_ID_DN_DER + 1, 256 + 2},
	                      methods[] = {0, IKE_AUTH_XAUTH_RSA_SERVER + 1, 256 + 1, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		fill();
		g.keys.prf = hashes[i];
		assert_int_equal(decode(KEYS), -EBADMSG);
	}
	for (size_t i = 0; i < ARRAY_SIZE(prfs); i++) {
		fill();
		assert_int_equal(decode(TELL), 0);
		g.tell.prf = prfs[i];
		assert_int_equal(decode(TELL), -EBADMSG);
	}
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		fill();
		g.keys.auth = methods[i];
		assert_int_equal(decode(KEYS), -EBADMSG);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		fill();
		g.id.kind = ids[i];
		assert_int_equal(decode(KEYS), -EBADMSG);
	}
	fill();
	g.judge.n_certs = JUDGE_CERTS_MAX;
	assert_int_equal(decode(JUDGE), 0);
	g.judge.n_certs = JUDGE_CERTS_MAX + 1;
	assert_int_equal(decode(JUDGE), -EBADMSG);
	fill();
	g.judge.public_key.len = 0; /* a peer that sends none */
	assert_int_equal(decode(JUDGE), 0);
	g.judge.public_key = some(IKE_PUBLIC_KEY_MAX);
	assert_int_equal(decode(JUDGE), 0);
	g.judge.public_key = some(IKE_PUBLIC_KEY_MAX + 1);
	assert_int_equal(decode(JUDGE), -EBADMSG);
}

/* What was sent is what is there. */
static void test_msg_fields(void **state)
{
	AUTO(certd_request_fini) struct certd_request b = {0}, k = {0}, v = {0}, t = {0};
	AUTO(verify_request_fini) struct verify_request j = {0};
	struct ipc_record rec;

	(void)state;
	fill();
	rec = record(&g.begin.base);
	assert_int_equal(certd_begin_decode(&rec, &b), 0);
	assert_int_equal(b.session.generation, 9);
	assert_int_equal(b.session.peer, 3);
	assert_true(b.we_began);
	rec = record(&g.keys.base);
	assert_int_equal(certd_keys_decode(&rec, &k), 0);
	assert_int_equal(k.facts.gxi.n, 128);
	assert_int_equal(k.facts.gxr.n, 127);
	assert_int_equal(secret_len(k.gxy), 126);
	assert_int_equal(k.facts.group, ALG_GROUP_MODP1024);
	assert_int_equal(k.facts.auth, IKE_AUTH_PSK);
	assert_int_equal(k.facts.peer_id->kind, IKE_ID_FQDN);
	rec = record(&g.tell.base);
	assert_int_equal(certd_tell_decode(&rec, &t), 0);
	assert_int_equal(t.facts2.prf, ALG_PRF_AES128_XCBC);
	assert_int_equal(t.facts2.message_i.n, 400);
	assert_int_equal(t.facts2.message_r.n, 401);
	assert_int_equal(secret_len(t.facts2.pi), 16);
	assert_int_equal(secret_len(t.facts2.pr), 17);
	assert_int_equal(t.facts2.peer_nonce.n, 24);
	assert_int_equal(t.facts2.peer_hashes, 0x3c);
	rec = record(&g.verify.base);
	assert_int_equal(certd_verify_decode(&rec, &v), 0);
	assert_int_equal(v.id.n, 9);
	assert_int_equal(v.proof.n, 20);
	rec = record(&g.judge.base);
	assert_int_equal(verify_request_decode(&rec, &j), 0);
	assert_int_equal(j.statement.n, 150);
	assert_int_equal(j.claim.n_certs, 2);
	assert_int_equal(j.claim.cert[1].n, 900);
	assert_int_equal(j.claim.signature.n, 128);
	assert_int_equal(j.claim.public_key.n, 91);
}

static void test_msg_credentials(void **state)
{
	static const uint32_t bad[] = {CREDENTIAL_NONE, CREDENTIAL_KINDS, 256 + CREDENTIAL_KEY, UINT32_MAX};
	Postern__CredentialPut m = POSTERN__CREDENTIAL_PUT__INIT;
	char name[VERIFY_NAME_MAX], long_name[1025];
	enum credential_kind kind;
	struct ipc_record rec;
	struct certd_file f;
	uint32_t peer;

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	m.name = long_name;
	m.peer = 7;
	for (uint32_t k = CREDENTIAL_NONE + 1; k < CREDENTIAL_KINDS; k++) {
		m.kind = k;
		m.missing = k % 2 ? long_name : (char *)(uintptr_t)protobuf_c_empty_string;
		rec = record(&m.base);
		assert_int_equal(certd_credential_decode(&rec, &f), 0);
		assert_int_equal(f.kind, k);
		assert_int_equal(f.peer, 7);
		assert_int_equal(strlen(f.name), CREDS_NAME_MAX - 1);
		assert_int_equal(strlen(f.missing), k % 2 ? CREDS_WHY_MAX - 1 : 0);
		assert_int_equal(verify_credential_decode(&rec, &kind, &peer, name), 0);
		assert_int_equal(kind, k);
		assert_int_equal(peer, 7);
		assert_int_equal(strlen(name), VERIFY_NAME_MAX - 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		m.kind = bad[i];
		rec = record(&m.base);
		assert_int_equal(certd_credential_decode(&rec, &f), -EBADMSG);
		assert_int_equal(verify_credential_decode(&rec, &kind, &peer, name), -EBADMSG);
	}
}

static void test_msg_passphrases(void **state)
{
	static const size_t good[] = {1, 8, OWN_PASSPHRASE_MAX}, bad[] = {0, OWN_PASSPHRASE_MAX + 1, 2000};
	Postern__CredentialPassphrase m = POSTERN__CREDENTIAL_PASSPHRASE__INIT;
	struct secret *s = NULL;
	struct ipc_record rec;
	uint8_t typed[2000];
	uint32_t peer = 0;

	(void)state;
	memset(typed, 0xc3, sizeof(typed));
	m.peer = 7;
	m.passphrase.data = typed;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		m.passphrase.len = good[i];
		rec = record(&m.base);
		assert_int_equal(certd_passphrase_decode(&rec, &peer, &s), 0);
		assert_int_equal(peer, 7);
		assert_int_equal(secret_len(s), good[i]);
		assert_memory_equal(secret_bytes(s), typed, good[i]);
		s = secret_free(s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		m.passphrase.len = bad[i];
		rec = record(&m.base);
		assert_int_equal(certd_passphrase_decode(&rec, &peer, &s), -EBADMSG);
	}
	typed[3] = 0; /* it would end there for PKCS #12, and not elsewhere */
	m.passphrase.len = 8;
	rec = record(&m.base);
	assert_int_equal(certd_passphrase_decode(&rec, &peer, &s), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_msg_lengths),
	    cmocka_unit_test(test_msg_base_mode),
	    cmocka_unit_test(test_msg_missing),
	    cmocka_unit_test(test_msg_numbers),
	    cmocka_unit_test(test_msg_fields),
	    cmocka_unit_test(test_msg_credentials),
	    cmocka_unit_test(test_msg_passphrases),
	};
	struct err_text e = {{0}};

	if (secret_init(256 * 1024, &e) < 0 || crypto_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
