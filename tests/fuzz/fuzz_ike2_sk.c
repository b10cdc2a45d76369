/*
 * A protected message of IKE version 2. The first octet chooses the algorithms. What the layout finds must
 * lie inside of the datagram and be found again where it was written; what stands in for the deciphered data
 * is read as a chain; and a forged message is never opened, while the same one sealed by us is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/ike2_seal.h"
#include "wire/ike/v2_sk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ROOM = 70000, KEY_MAX = 64 };

static const struct ike2_suite suites[] = {
    {ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256, 16},
    {ALG_PRF_HMAC_SHA1, ALG_ENC_3DES_CBC, ALG_AUTH_HMAC_SHA1, 24},
    {ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CTR, ALG_AUTH_AES_XCBC, 20},
    {ALG_PRF_HMAC_SHA256, ALG_ENC_AES_GCM_8, ALG_AUTH_NONE, 20},
    {ALG_PRF_HMAC_SHA256, ALG_ENC_AES_CCM_12, ALG_AUTH_NONE, 19},
    {ALG_PRF_HMAC_SHA256, ALG_ENC_CHACHA20_POLY1305, ALG_AUTH_NONE, 36},
};

static uint8_t m[ROOM], again[ROOM];

static void check(int ok)
{
	if (!ok)
		abort();
}

static struct ike2_guard guard_of(const struct ike2_suite *s)
{
	static struct secret *e[ARRAY_SIZE(suites)], *a[ARRAY_SIZE(suites)];
	size_t i = (size_t)(s - suites);
	uint8_t key[KEY_MAX];

	for (size_t k = 0; k < sizeof(key); k++)
		key[k] = (uint8_t)(k * 29 + i);
	if (!e[i]) {
		struct err_text why;

		check(secret_init(64 * 1024, &why) == 0 && crypto_init(&why) == 0);
		e[i] = secret_dup_bytes(key, s->enc_key_len);
		a[i] = s->auth ? secret_dup_bytes(key, alg_auth_by_id(s->auth)->key_max) : NULL;
		check(e[i] && (a[i] || !s->auth));
	}
	return (struct ike2_guard){.suite = *s, .e = e[i], .a = a[i]};
}

static struct ike2_text text_of(const struct ike2_sk *sk)
{
	return (struct ike2_text){.aad = sk->aad,
	    .aad_len = sk->aad_len,
	    .iv = sk->iv,
	    .data = sk->data,
	    .len = sk->len,
	    .icv = sk->icv};
}

static enum ike_fault find(uint8_t *msg, size_t n, struct ike2_sk_sizes s, struct ike2_sk *ret)
{
	struct ike_chain c;
	struct ike_hdr h;
	enum ike_fault f = ike_hdr_parse(msg, n, &h);

	if (f == IKE_OK)
		f = ike2_chain_parse(&h, msg, n, &c);
	return f == IKE_OK ? ike2_sk_find(msg, n, &c, s, ret) : f;
}

/* The same octets written by us: the padding may be shorter, nothing else is different. */
static void try_again(struct ike2_sk_sizes s, const struct ike2_sk *sk, uint32_t len)
{
	const struct ike2_sk_part p = {
	    .first = sk->first, .number = sk->number, .total = sk->total, .inner = sk->data, .len = len};
	const struct ike_hdr h = {.major = 2, .exchange = IKE2_INFORMATIONAL};
	struct ike2_sk mine, found;
	struct ike_out o;
	uint32_t inner;
	size_t n;

	ike_out_init(&o, again, sizeof(again), &h);
	n = ike2_put_sk(&o, s, &p, &mine);
	check(n > 0 && find(again, n, s, &found) == IKE_OK);
	check(found.iv == mine.iv && found.data == mine.data && found.icv == mine.icv);
	check(found.first == sk->first && found.number == sk->number && found.total == sk->total);
	check(found.len <= sk->len && ike2_sk_inner(&found, &inner) == IKE_OK && inner == len);
}

static void try_open(const struct ike2_suite *s, const struct ike2_sk *sk)
{
	const struct ike2_guard g = guard_of(s);
	const struct ike2_text t = text_of(sk);
	struct rng_seeded rng;
	uint64_t counter = 0;

	memcpy(again, sk->data, sk->len);
	check(ike2_open(&g, &t) < 0); /* nobody finds an ICV by chance */
	memcpy(sk->data, again, sk->len);
	rng_seeded_init(&rng, 1);
	check(ike2_seal(&g, &counter, &rng.rng, &t) == 0);
	check(ike2_open(&g, &t) == 0);
	check(memcmp(sk->data, again, sk->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct ike2_suite *s;
	struct ike2_sk_sizes sizes;
	struct ike_chain inside;
	struct ike2_sk sk;
	uint32_t len;

	if (n < 1 || n - 1 > UINT16_MAX)
		return 0;
	s = &suites[data[0] % ARRAY_SIZE(suites)];
	sizes = ike2_sk_sizes(s->enc, s->auth);
	memcpy(m, data + 1, n - 1);
	if (find(m, n - 1, sizes, &sk) != IKE_OK)
		return 0;
	check(sk.aad == m && sk.iv == m + sk.aad_len && sk.data == sk.iv + sizes.iv);
	check(sk.icv == sk.data + sk.len && sk.icv + sizes.icv == m + n - 1);
	check(sk.len && sk.len % sizes.block == 0);
	if (ike2_sk_inner(&sk, &len) == IKE_OK) {
		try_again(sizes, &sk, len);
		if (!sk.number && ike_chain_parse(sk.first, sk.data, len, false, &inside) == IKE_OK)
			check(inside.used == len);
	}
	try_open(s, &sk);
	return 0;
}
