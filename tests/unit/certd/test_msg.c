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
	Postern__Ike1Session session;
	Postern__Addr addr;
	Postern__IkeId id;
	Postern__PskSkeyid skeyid;
	Postern__PskVerify verify;
	Postern__Ike1Sign sign;
	Postern__Ike1VerifySignature signature;
	ProtobufCBinaryData cert[JUDGE_CERTS_MAX + 1];
} g;

static void fill_verify(void)
{
	g.verify = (Postern__PskVerify)POSTERN__PSK_VERIFY__INIT;
	g.verify.session = &g.session;
	g.verify.peer_id = &g.id;
	g.verify.peer_began = true;
	g.verify.gx_peer = some(128);
	g.verify.gx_mine = some(96);
	g.verify.sa = some(52);
	g.verify.id = some(8);
	g.verify.hash = some(20);
}

static void fill_signatures(void)
{
	g.sign = (Postern__Ike1Sign)POSTERN__IKE1_SIGN__INIT;
	g.sign.session = &g.session;
	g.sign.skeyid = some(20);
	g.sign.gx_mine = some(128);
	g.sign.gx_peer = some(96);
	g.sign.sa = some(52);
	g.sign.id = some(8);
	g.signature = (Postern__Ike1VerifySignature)POSTERN__IKE1_VERIFY_SIGNATURE__INIT;
	g.signature.session = &g.session;
	g.signature.skeyid = some(20);
	g.signature.gx_mine = some(96);
	g.signature.gx_peer = some(128);
	g.signature.sa = some(52);
	g.signature.id = some(8);
	g.signature.peer_id = &g.id;
	g.signature.certs = g.cert;
	g.signature.n_certs = 2;
	g.signature.signature = some(128);
	for (size_t i = 0; i < ARRAY_SIZE(g.cert); i++)
		g.cert[i] = some(900);
}

static void fill(void)
{
	g.addr = (Postern__Addr)POSTERN__ADDR__INIT;
	g.addr.bytes = some(4);
	g.id = (Postern__IkeId)POSTERN__IKE_ID__INIT;
	g.id.kind = IKE_ID_FQDN;
	g.id.data = some(10);
	g.session = (Postern__Ike1Session)POSTERN__IKE1_SESSION__INIT;
	g.session.generation = 9;
	g.session.peer = 3;
	g.session.peer_addr = &g.addr;
	g.session.icookie = g.session.rcookie = some(8);
	g.session.prf = ALG_PRF_HMAC_SHA1;
	g.session.ni = some(16);
	g.session.nr = some(20);
	g.skeyid = (Postern__PskSkeyid)POSTERN__PSK_SKEYID__INIT;
	g.skeyid.session = &g.session;
	g.skeyid.peer_id = &g.id;
	fill_verify();
	fill_signatures();
}

enum kind { SKEYID, VERIFY, SIGN, SIGNATURE };

static int decode(enum kind kind)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	AUTO(verify_request_fini) struct verify_request v = {0};
	struct ipc_record rec;

	switch (kind) {
	case SKEYID:
		rec = record(&g.skeyid.base);
		return certd_skeyid_decode(&rec, &q);
	case VERIFY:
		rec = record(&g.verify.base);
		return certd_verify_decode(&rec, &q);
	case SIGN:
		rec = record(&g.sign.base);
		return certd_sign_decode(&rec, &q);
	default:
		rec = record(&g.signature.base);
		return verify_request_decode(&rec, &v);
	}
}

/* A field that is octets, and the fewest and most that it may have. */
static const struct {
	enum kind kind;
	ProtobufCBinaryData *field;
	size_t least, most;
} lengths[] = {
    {SKEYID, &g.session.icookie, 8, 8},
    {SKEYID, &g.session.rcookie, 8, 8},
    {SKEYID, &g.session.ni, 8, 256},
    {SKEYID, &g.session.nr, 8, 256},
    {SKEYID, &g.id.data, 0, 1024},
    {VERIFY, &g.session.ni, 8, 256},
    {VERIFY, &g.verify.gx_peer, 1, 1024},
    {VERIFY, &g.verify.gx_mine, 1, 1024},
    {VERIFY, &g.verify.sa, 1, 16384},
    {VERIFY, &g.verify.id, 5, 1028},
    {VERIFY, &g.verify.hash, 1, 64},
    {SIGN, &g.session.nr, 8, 256},
    {SIGN, &g.sign.skeyid, 1, 64},
    {SIGN, &g.sign.gx_mine, 1, 1024},
    {SIGN, &g.sign.gx_peer, 1, 1024},
    {SIGN, &g.sign.sa, 1, 16384},
    {SIGN, &g.sign.id, 5, 1028},
    {SIGNATURE, &g.session.icookie, 8, 8},
    {SIGNATURE, &g.signature.skeyid, 1, 64},
    {SIGNATURE, &g.signature.gx_mine, 1, 1024},
    {SIGNATURE, &g.signature.gx_peer, 1, 1024},
    {SIGNATURE, &g.signature.sa, 1, 16384},
    {SIGNATURE, &g.signature.id, 5, 1028},
    {SIGNATURE, &g.signature.signature, 1, 1024},
    {SIGNATURE, &g.cert[1], 1, 32768 - 900},
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

/* A field that is a message of its own. */
static const struct {
	enum kind kind;
	void *field;
} needed[] = {
    {SKEYID, &g.skeyid.session},
    {SKEYID, &g.session.peer_addr},
    {VERIFY, &g.verify.session},
    {VERIFY, &g.verify.peer_id},
    {SIGN, &g.sign.session},
    {SIGNATURE, &g.signature.session},
    {SIGNATURE, &g.signature.peer_id},
};

static void test_msg_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		void *none = NULL;

		fill();
		memcpy(needed[i].field, &none, sizeof(none));
		if (decode(needed[i].kind) != -EBADMSG)
			fail_msg("row %zu", i);
	}
	fill();
	g.skeyid.peer_id = NULL; /* this one may be missing */
	assert_int_equal(decode(SKEYID), 0);
}

static void test_msg_numbers(void **state)
{
	static const uint32_t hashes[] = {0, 3, 4, 8, 256 + 2, UINT32_MAX},
	                      ids[] = {0, IKE_ID_DN_DER + 1, 256 + 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		fill();
		g.session.prf = hashes[i];
		for (int k = SKEYID; k <= SIGNATURE; k++)
			assert_int_equal(decode((enum kind)k), -EBADMSG);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		fill();
		g.id.kind = ids[i];
		assert_int_equal(decode(SKEYID), -EBADMSG);
		assert_int_equal(decode(VERIFY), -EBADMSG);
		assert_int_equal(decode(SIGNATURE), -EBADMSG);
	}
	fill();
	g.signature.n_certs = JUDGE_CERTS_MAX;
	assert_int_equal(decode(SIGNATURE), 0);
	g.signature.n_certs = JUDGE_CERTS_MAX + 1;
	assert_int_equal(decode(SIGNATURE), -EBADMSG);
}

/* Which of the two sides a public value is of follows from who proves. */
static void test_msg_sides(void **state)
{
	AUTO(certd_request_fini) struct certd_request q = {0}, s = {0};
	AUTO(verify_request_fini) struct verify_request v = {0};
	struct ipc_record rec;

	(void)state;
	fill();
	rec = record(&g.verify.base);
	assert_int_equal(certd_verify_decode(&rec, &q), 0);
	assert_int_equal(q.claim.facts.gx_prover.n, 128); /* the peer's */
	assert_int_equal(q.claim.facts.gx_other.n, 96);
	assert_true(q.claim.facts.prover_began);
	assert_int_equal(q.session.generation, 9);
	assert_int_equal(q.session.peer, 3);
	rec = record(&g.sign.base);
	assert_int_equal(certd_sign_decode(&rec, &s), 0);
	assert_int_equal(s.facts.gx_prover.n, 128); /* ours */
	assert_int_equal(s.facts.gx_other.n, 96);
	assert_false(s.facts.prover_began);
	assert_int_equal(secret_len(s.skeyid), 20);
	rec = record(&g.signature.base);
	assert_int_equal(verify_request_decode(&rec, &v), 0);
	assert_int_equal(v.claim.facts.gx_prover.n, 128);
	assert_int_equal(v.claim.n_certs, 2);
	assert_int_equal(v.claim.cert[1].n, 900);
}

static void test_msg_credentials(void **state)
{
	static const uint32_t bad[] = {CREDENTIAL_NONE, CREDENTIAL_KINDS, 256 + CREDENTIAL_KEY, UINT32_MAX};
	Postern__CredentialPut m = POSTERN__CREDENTIAL_PUT__INIT;
	char name[VERIFY_NAME_MAX], long_name[1025];
	enum credential_kind kind;
	struct ipc_record rec;
	uint32_t peer;

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	m.name = long_name;
	m.peer = 7;
	for (uint32_t k = CREDENTIAL_NONE + 1; k < CREDENTIAL_KINDS; k++) {
		m.kind = k;
		rec = record(&m.base);
		assert_int_equal(certd_credential_decode(&rec, &kind, &peer, name), 0);
		assert_int_equal(verify_credential_decode(&rec, &kind, &peer, name), 0);
		assert_int_equal(kind, k);
		assert_int_equal(peer, 7);
		assert_int_equal(strlen(name), VERIFY_NAME_MAX - 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		m.kind = bad[i];
		rec = record(&m.base);
		assert_int_equal(certd_credential_decode(&rec, &kind, &peer, name), -EBADMSG);
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
	    cmocka_unit_test(test_msg_missing),
	    cmocka_unit_test(test_msg_numbers),
	    cmocka_unit_test(test_msg_sides),
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
