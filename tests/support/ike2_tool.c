/*
 * Keys and encrypted messages of IKE version 2 for a Python model: one JSON object a line in, one out. Octets
 * are hexadecimal, algorithms are our own numbers.
 *
 *     {"prf", "enc", "auth", "key_len": N, "ni", "nr", "gir", "spi_i", "spi_r": HEX}
 *                                  -> {"skeyseed", "d", "ai", ...}; the keys stay for what follows
 *     {"rekey": HEX, "ni", "nr"}                  -> {"out"}: SKEYSEED from the new shared secret
 *     {"child": N, "ni", "nr", "gir" (may be missing)}                     -> {"i", "r"}
 *     {"id": HEX, "initiator": BOOL}              -> {"out"}
 *     {"psk", "message", "nonce", "maced_id": HEX} -> {"out"}
 *     {"seal": HEX, "first": N, "number", "total": N, "front": HEX, "initiator": BOOL, "exchange", "msg_id":
 * N}
 *                                  -> {"message"}; front: the body of a vendor id in front, may be missing
 *     {"open": HEX, "initiator": BOOL}            -> {"first", "number", "total", "inner"}
 *
 * What is refused: {"error": text or number}.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/ike2_seal.h"
#include "wire/ike/v2_sk.h"

enum { SLOTS = 8, ROOM = 70000 };

static struct ike2_keys keys;
static uint8_t spi_i[IKE2_SPI], spi_r[IKE2_SPI];
static uint64_t counters[2];
static uint8_t room[SLOTS][ROOM];
static size_t used;

static struct ike2_octets of(const json_t *o, const char *key)
{
	const char *hex = json_string_value(json_object_get(o, key));
	uint8_t *to = room[used];
	struct ike2_octets x = {.p = to};
	unsigned v;

	for (; hex && hex[0] && x.n < ROOM && sscanf(hex, "%2x", &v) == 1; hex += 2)
		to[x.n++] = (uint8_t)v;
	used = (used + 1) % SLOTS;
	return x;
}

static uint32_t number(const json_t *o, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(o, key));
}

static bool truth(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static struct secret *secret_of(const json_t *o, const char *key)
{
	struct ike2_octets x = of(o, key);

	return json_object_get(o, key) ? secret_dup_bytes(x.p, x.n) : NULL;
}

static json_t *hex(const uint8_t *p, size_t n)
{
	static char text[2 * ROOM + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	text[2 * n] = '\0';
	return json_string(text);
}

static json_t *hex_secret(const struct secret *s)
{
	return s ? hex(secret_bytes(s), secret_len(s)) : json_string("");
}

static json_t *error(int r)
{
	return json_pack("{s:i}", "error", r);
}

static json_t *fault(enum ike_fault f)
{
	return json_pack("{s:s}", "error", ike_fault_text(f));
}

static struct ike2_nonces nonces_of(const json_t *o)
{
	return (struct ike2_nonces){.i = of(o, "ni"), .r = of(o, "nr")};
}

static json_t *run_keys(const json_t *o)
{
	const struct ike2_suite s = {.prf = (enum alg_prf)number(o, "prf"),
	    .enc = (enum alg_enc)number(o, "enc"),
	    .auth = (enum alg_auth)number(o, "auth"),
	    .enc_key_len = (uint8_t)number(o, "key_len")};
	const struct ike2_nonces n = nonces_of(o);
	AUTO_SECRET struct secret *gir = secret_of(o, "gir"), *seed = NULL;
	int r = ike2_skeyseed(s.prf, &n, gir, &seed);

	memcpy(spi_i, of(o, "spi_i").p, sizeof(spi_i));
	memcpy(spi_r, of(o, "spi_r").p, sizeof(spi_r));
	ike2_keys_fini(&keys);
	if (r == 0)
		r = ike2_keys_init(&keys, &s, seed, &n, spi_i, spi_r);
	if (r < 0)
		return error(r);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "skeyseed", hex_secret(seed), "d",
	    hex_secret(keys.d), "ai", hex_secret(keys.ai), "ar", hex_secret(keys.ar), "ei",
	    hex_secret(keys.ei), "er", hex_secret(keys.er), "pi", hex_secret(keys.pi), "pr",
	    hex_secret(keys.pr));
}

static json_t *run_rekey(const json_t *o)
{
	const struct ike2_nonces n = nonces_of(o);
	AUTO_SECRET struct secret *gir = secret_of(o, "rekey"), *out = NULL;
	int r = ike2_rekey_skeyseed(&keys, &n, gir, &out);

	return r < 0 ? error(r) : json_pack("{s:o}", "out", hex_secret(out));
}

static json_t *run_child(const json_t *o)
{
	const struct ike2_nonces n = nonces_of(o);
	AUTO_SECRET struct secret *gir = secret_of(o, "gir"), *i = NULL, *r = NULL;
	int e = ike2_child_keymat(&keys, &n, gir, number(o, "child"), &i, &r);

	return e < 0 ? error(e) : json_pack("{s:o, s:o}", "i", hex_secret(i), "r", hex_secret(r));
}

static json_t *run_proof(const json_t *o)
{
	const struct ike2_signed s = {
	    .message = of(o, "message"), .nonce = of(o, "nonce"), .maced_id = of(o, "maced_id")};
	AUTO_SECRET struct secret *psk = secret_of(o, "psk");
	uint8_t out[ALG_PRF_LEN_MAX];
	int r = psk ? ike2_auth_psk(keys.suite.prf, psk, &s, out)
	            : ike2_maced_id(&keys, truth(o, "initiator"), of(o, "id"), out);

	return r < 0 ? error(r) : json_pack("{s:o}", "out", hex(out, crypto_prf_len(keys.suite.prf)));
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

static json_t *run_seal(const json_t *o)
{
	static uint8_t m[ROOM];
	bool initiator = truth(o, "initiator");
	const struct ike2_guard g = ike2_guard(&keys, initiator);
	struct ike2_octets inner = of(o, "seal"), front = of(o, "front");
	const struct ike2_sk_part p = {.first = (uint8_t)number(o, "first"),
	    .number = (uint16_t)number(o, "number"),
	    .total = (uint16_t)number(o, "total"),
	    .inner = inner.p,
	    .len = inner.n};
	struct ike_hdr h = {.major = 2,
	    .exchange = (uint8_t)number(o, "exchange"),
	    .flags = initiator ? IKE2_F_INITIATOR : 0,
	    .msg_id = number(o, "msg_id")};
	struct ike_out out;
	struct ike2_text t;
	struct ike2_sk sk;
	size_t n;
	int r;

	memcpy(h.icookie, spi_i, sizeof(h.icookie));
	memcpy(h.rcookie, spi_r, sizeof(h.rcookie));
	ike_out_init(&out, m, sizeof(m), &h);
	if (front.n)
		ike_out_whole(&out, IKE2_P_VENDOR, front.p, front.n);
	n = ike2_put_sk(&out, ike2_sk_sizes(keys.suite.enc, keys.suite.auth), &p, &sk);
	if (!n)
		return error(-1);
	t = text_of(&sk);
	r = ike2_seal(&g, &counters[initiator], &rng_kernel, &t);
	return r < 0 ? error(r) : json_pack("{s:o}", "message", hex(m, n));
}

static json_t *run_open(const json_t *o)
{
	static uint8_t m[ROOM];
	const struct ike2_guard g = ike2_guard(&keys, truth(o, "initiator"));
	struct ike2_octets x = of(o, "open");
	struct ike_chain c;
	struct ike2_text t;
	struct ike2_sk sk;
	struct ike_hdr h;
	enum ike_fault f;
	uint32_t len;
	int r;

	memcpy(m, x.p, x.n);
	f = ike_hdr_parse(m, x.n, &h);
	if (f == IKE_OK)
		f = ike2_chain_parse(&h, m, x.n, &c);
	if (f == IKE_OK)
		f = ike2_sk_find(m, x.n, &c, ike2_sk_sizes(keys.suite.enc, keys.suite.auth), &sk);
	if (f != IKE_OK)
		return fault(f);
	t = text_of(&sk);
	r = ike2_open(&g, &t);
	if (r < 0)
		return error(r);
	f = ike2_sk_inner(&sk, &len);
	if (f != IKE_OK)
		return fault(f);
	return json_pack("{s:i, s:i, s:i, s:o}", "first", sk.first, "number", sk.number, "total", sk.total,
	    "inner", hex(sk.data, len));
}

static json_t *run(const json_t *o)
{
	static const struct {
		const char *key;
		json_t *(*run)(const json_t *o);
	} verbs[] = {{"prf", run_keys}, {"rekey", run_rekey}, {"child", run_child}, {"id", run_proof},
	    {"psk", run_proof}, {"seal", run_seal}, {"open", run_open}};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (json_object_get(o, verbs[i].key))
			return verbs[i].run(o);
	return error(-1);
}

int main(void)
{
	struct err_text e = {{0}};
	char *line = NULL;
	size_t n = 0;

	if (secret_init(256 * 1024, &e) < 0 || crypto_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return EXIT_FAILURE;
	}
	while (getline(&line, &n, stdin) > 0) {
		json_t *o = json_loads(line, 0, NULL), *a = run(o);

		json_dumpf(a, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(a);
		json_decref(o);
	}
	ike2_keys_fini(&keys);
	free(line);
	return EXIT_SUCCESS;
}
