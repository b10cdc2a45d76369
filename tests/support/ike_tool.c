/*
 * IKE's key schedule for a Python model: one JSON object a line in, one out. Octets are hexadecimal.
 *
 *     {"prf": 2, "psk": HEX or "sig": true, "ni", "nr", "gxy", "icookie", "rcookie": HEX}
 *                                                 -> {"skeyid", "d", "a", "e"}; they stay for what follows
 *     {"cipher_key": N}                           -> {"out"}
 *     {"proof": {"mine", "his", "my_cookie", "his_cookie", "sa", "id"}}
 *     {"base": {"gxi", "gxr" (may be missing), "icookie", "rcookie", "sa", "id", "ni" and "nr" (missing:
 * SKEYID)}}
 *     {"hash": [HEX, ...], "msg_id": N, "zero": BOOL}
 *     {"first_iv": [HEX, HEX], "block": N}, {"exchange_iv": HEX, "msg_id": N}
 *     {"keymat": N, "protocol": N, "spi", "ni", "nr", "gxy" (may be missing)}
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/ike1.h"

enum { SLOTS = 8, ROOM = 4096 };

static struct ike1_keys keys;
static uint8_t room[SLOTS][ROOM];
static size_t used;

static struct ike1_octets unhex(const char *hex)
{
	struct ike1_octets o = {.p = room[used]};
	unsigned v;

	for (; hex && hex[0] && o.n < ROOM && sscanf(hex, "%2x", &v) == 1; hex += 2)
		room[used][o.n++] = (uint8_t)v;
	used = (used + 1) % SLOTS;
	return o;
}

static struct ike1_octets of(const json_t *o, const char *key)
{
	return unhex(json_string_value(json_object_get(o, key)));
}

static uint32_t number(const json_t *o, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(o, key));
}

static struct secret *secret_of(const json_t *o, const char *key)
{
	struct ike1_octets x = of(o, key);

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

static json_t *answer(int r, const uint8_t *p, size_t n)
{
	return r < 0 ? json_pack("{s:i}", "error", r) : json_pack("{s:o}", "out", hex(p, n));
}

static json_t *secret_answer(int r, struct secret *s)
{
	json_t *a = answer(r, s ? secret_bytes(s) : NULL, s ? secret_len(s) : 0);

	secret_free(s);
	return a;
}

static json_t *hex_secret(const struct secret *s)
{
	return hex(secret_bytes(s), secret_len(s));
}

static json_t *run_keys(const json_t *o)
{
	struct ike1_octets ni = of(o, "ni"), nr = of(o, "nr"), ic = of(o, "icookie"), rc = of(o, "rcookie");
	AUTO_SECRET struct secret *gxy = secret_of(o, "gxy"), *psk = secret_of(o, "psk");
	enum alg_prf prf = (enum alg_prf)number(o, "prf");
	struct secret *skeyid = NULL;
	int r = psk ? ike1_skeyid_psk(prf, psk, ni, nr, &skeyid) : ike1_skeyid_sig(prf, ni, nr, gxy, &skeyid);

	ike1_keys_fini(&keys);
	if (r == 0)
		r = ike1_keys_init(&keys, prf, skeyid, gxy, ic.p, rc.p);
	if (r < 0)
		return json_pack("{s:i}", "error", r);
	return json_pack("{s:o, s:o, s:o, s:o}", "skeyid", hex_secret(keys.skeyid), "d", hex_secret(keys.d),
	    "a", hex_secret(keys.a), "e", hex_secret(keys.e));
}

static json_t *run_proof(const json_t *o)
{
	const struct ike1_proof p = {.mine = of(o, "mine"),
	    .his = of(o, "his"),
	    .sa = of(o, "sa"),
	    .id = of(o, "id"),
	    .my_cookie = of(o, "my_cookie").p,
	    .his_cookie = of(o, "his_cookie").p};
	uint8_t out[ALG_PRF_LEN_MAX];

	return answer(ike1_proof(&keys, &p, out), out, crypto_prf_len(keys.prf));
}

static json_t *run_base(const json_t *o)
{
	const struct ike1_base_proof p = {.gxi = of(o, "gxi"),
	    .gxr = of(o, "gxr"),
	    .sa = of(o, "sa"),
	    .id = of(o, "id"),
	    .icookie = of(o, "icookie").p,
	    .rcookie = of(o, "rcookie").p};
	uint8_t out[ALG_PRF_LEN_MAX];
	int r = json_object_get(o, "ni") ? ike1_base_proof_sig(keys.prf, of(o, "ni"), of(o, "nr"), &p, out)
	                                 : ike1_base_proof_psk(&keys, &p, out);

	return answer(r, out, crypto_prf_len(keys.prf));
}

static json_t *run_hash(const json_t *o, const json_t *list)
{
	struct ike1_octets piece[SLOTS];
	uint8_t out[ALG_PRF_LEN_MAX];
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < SLOTS; i++)
		piece[i] = unhex(json_string_value(json_array_get(list, i)));
	return answer(
	    ike1_hash(&keys, json_is_true(json_object_get(o, "zero")), number(o, "msg_id"), piece, n, out),
	    out, crypto_prf_len(keys.prf));
}

static json_t *run_iv(const json_t *o, const json_t *first)
{
	uint8_t out[IKE1_BLOCK_MAX];
	struct ike1_octets last = of(o, "exchange_iv");
	size_t block = first ? number(o, "block") : last.n;
	int r;

	if (first)
		r = ike1_first_iv(keys.prf, unhex(json_string_value(json_array_get(first, 0))),
		    unhex(json_string_value(json_array_get(first, 1))), block, out);
	else
		r = ike1_exchange_iv(keys.prf, last.p, block, number(o, "msg_id"), out);
	return answer(r, out, block);
}

static json_t *run_keymat(const json_t *o)
{
	AUTO_SECRET struct secret *gxy = secret_of(o, "gxy");
	const struct ike1_keymat m = {.gxy = gxy,
	    .protocol = (uint8_t)number(o, "protocol"),
	    .spi = of(o, "spi"),
	    .ni = of(o, "ni"),
	    .nr = of(o, "nr")};
	struct secret *out = NULL;
	int r = ike1_keymat(&keys, &m, number(o, "keymat"), &out);

	return secret_answer(r, out);
}

static json_t *run(const json_t *o)
{
	struct secret *out = NULL;
	int r;

	if (json_object_get(o, "prf"))
		return run_keys(o);
	if (json_object_get(o, "cipher_key")) {
		r = ike1_cipher_key(&keys, number(o, "cipher_key"), &out);
		return secret_answer(r, out);
	}
	if (json_object_get(o, "proof"))
		return run_proof(json_object_get(o, "proof"));
	if (json_object_get(o, "base"))
		return run_base(json_object_get(o, "base"));
	if (json_object_get(o, "hash"))
		return run_hash(o, json_object_get(o, "hash"));
	if (json_object_get(o, "keymat"))
		return run_keymat(o);
	return run_iv(o, json_object_get(o, "first_iv"));
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
		json_t *o = json_loads(line, 0, NULL), *a = o ? run(o) : json_pack("{s:i}", "error", -1);

		json_dumpf(a, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(a);
		json_decref(o);
	}
	ike1_keys_fini(&keys);
	free(line);
	return EXIT_SUCCESS;
}
