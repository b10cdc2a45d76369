/*
 * certd and certd-verify in one exchange of IKE version 2 at a time, for a Python peer: one JSON object a
 * line in, one out. Octets are hexadecimal, algorithms our own numbers.
 *
 *     {"begin": BOOL, "prf": N, "hashes": N, "psk" or "key" and "cert" and "ca": TEXT}   -> {"out"}: our
 * nonce
 *     {"peer_nonce", "spi_i", "spi_r", "pi", "pr", "message_i", "message_r": HEX}        -> {}
 *     {"prove": HEX of an ID payload's body}            -> {"out"}: the body of our AUTH payload
 *     {"verify": HEX, "proof": HEX, "cert": HEX}        -> {"out"}: the ticket's identity, its octets
 *
 * What is refused: {"error": text}. We are 10.0.0.100 and gw.example, the peer is 10.0.0.110 or what its
 * certificate says.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certd/prove.h"
#include "certd/verify/hearing.h"
#include "crypto/crypto.h"
#include "support/cert_kit.h"

enum { SLOTS = 10, ROOM = 10000, NOW = 1000000, GENERATION = 1 };

static struct prover prover;
static struct hearing hearing;
static uint8_t nonce[NONCE_LEN];
static enum alg_prf prf;
static unsigned hashes;
static uint8_t room[SLOTS][ROOM];
static size_t used;
static uint64_t now = NOW;

static struct ike1_octets of(const json_t *o, const char *key)
{
	const char *hex = json_string_value(json_object_get(o, key));
	uint8_t *to = room[used++];
	size_t n = hex ? strlen(hex) / 2 : 0;
	unsigned v;

	for (size_t i = 0; i < n && i < ROOM; i++)
		to[i] = sscanf(hex + 2 * i, "%2x", &v) == 1 ? (uint8_t)v : 0;
	return (struct ike1_octets){to, n < ROOM ? n : ROOM};
}

static json_t *out(const uint8_t *p, size_t n)
{
	static char text[2 * ROOM + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	text[2 * n] = '\0';
	return json_pack("{s:s}", "out", text);
}

static json_t *error(const char *why)
{
	return json_pack("{s:s}", "error", why);
}

static struct ike_conf *make_conf(bool signs)
{
	struct ike_conf *c = ike_conf_new();
	struct ike_peer *p = ike_conf_add_peer(c);

	p->name = strdup("peer");
	p->version = 2;
	p->addr = inet_addr_v4(0x0a00006e);
	p->offer = calloc(1, sizeof(*p->offer));
	p->offer[p->n_offers++] =
	    (struct ike_offer){.hash = prf, .auth = signs ? IKE_AUTH_RSA : IKE_AUTH_PSK};
	return c;
}

static struct file text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? (struct file){.p = (uint8_t *)strdup(s), .n = strlen(s)} : (struct file){0};
}

static int make_creds(const json_t *o, struct err_text *e)
{
	AUTO_FILE struct file cert = text_of(o, "cert"), key = text_of(o, "key"), ca = text_of(o, "ca");
	const char *psk = json_string_value(json_object_get(o, "psk"));
	char line[300];
	int r;

	prover.now = creds_free(prover.now);
	prover.now = creds_new(1);
	prover.now->generation = GENERATION;
	prover.now->conf = make_conf(!psk);
	hearing.now = anchors_free(hearing.now);
	hearing.now = anchors_new(1);
	hearing.now->generation = GENERATION;
	hearing.now->conf = make_conf(!psk);
	if (psk) {
		snprintf(line, sizeof(line), "10.0.0.110 %s\n", psk);
		return creds_add(
		    prover.now, CREDENTIAL_PSK, 0, "psk.txt", kit_fd(line, strlen(line), 0600), e);
	}
	r = own_key_new(&cert, &key, NULL, &prover.now->own[0], e);
	return r < 0 ? r : anchors_add(hearing.now, CREDENTIAL_ANCHOR, 0, &ca, e);
}

static json_t *run_begin(const json_t *o)
{
	const struct session s = {.generation = GENERATION, .addr = inet_addr_v4(0x0a00006e)};
	struct err_text e = {{0}};
	const struct own_key *own;
	int r;

	now += 1000; /* for the meter */
	prf = (enum alg_prf)json_integer_value(json_object_get(o, "prf"));
	hashes = (unsigned)json_integer_value(json_object_get(o, "hashes"));
	r = make_creds(o, &e);
	if (r >= 0)
		r = prove_begin(&prover, &s, json_is_true(json_object_get(o, "begin")), now, nonce, &own, &e);
	return r < 0 ? error(e.s) : out(nonce, sizeof(nonce));
}

static json_t *run_tell(const json_t *o)
{
	const struct ike1_octets pi = of(o, "pi"), pr = of(o, "pr");
	AUTO_SECRET struct secret *i = secret_dup_bytes(pi.p, pi.n), *r = secret_dup_bytes(pr.p, pr.n);
	struct exchange_facts2 f = {.peer_nonce = of(o, "peer_nonce"),
	    .message_i = of(o, "message_i"),
	    .message_r = of(o, "message_r"),
	    .prf = prf,
	    .pi = i,
	    .pr = r,
	    .peer_hashes = hashes};
	struct err_text e = {{0}};

	memcpy(f.spi_i, of(o, "spi_i").p, sizeof(f.spi_i));
	memcpy(f.spi_r, of(o, "spi_r").p, sizeof(f.spi_r));
	return prove_tell(&prover, (struct ike1_octets){nonce, sizeof(nonce)}, &f, now, &e) < 0
	           ? error(e.s)
	           : json_object();
}

static json_t *run_prove(const json_t *o)
{
	uint8_t proof[PROVE_PROOF_MAX];
	struct err_text e = {{0}};
	int n = prove_us(&prover, (struct ike1_octets){nonce, sizeof(nonce)}, of(o, "prove"), now, proof, &e);

	return n < 0 ? error(e.s) : out(proof, (size_t)n);
}

static json_t *run_verify(const json_t *o)
{
	struct judge_claim c = {.signature = of(o, "proof"), .cert = {of(o, "cert")}, .n_certs = 1};
	enum verify_reason why = VERIFY_NONE;
	uint8_t word[PROVE_WORD_MAX], ticket[TICKET_MAX];
	struct err_text e = {{0}};
	bool is_ticket = false;
	struct inet_addr from;
	struct ticket t;
	int n = prove_peer(&prover, (struct ike1_octets){nonce, sizeof(nonce)}, of(o, "verify"), c.signature,
	    now, &is_ticket, word, &e);

	if (n > 0 && !is_ticket) {
		n = hearing_hold(
		    &hearing, (struct ike1_octets){word, (size_t)n}, &c, now, &why, &from, ticket, &e);
		if (n > 0)
			memcpy(word, ticket, (size_t)n);
	}
	if (n == 0 || n < 0)
		return error(why ? verify_reason_name(why) : e.s);
	if (ticket_open(&prover.ticket_key, word, (size_t)n, now, &t, &e) < 0)
		return error(e.s);
	return out(t.id.data, t.id.len);
}

static json_t *run(const json_t *o)
{
	used = 0;
	if (json_object_get(o, "begin"))
		return run_begin(o);
	if (json_object_get(o, "prove"))
		return run_prove(o);
	return json_object_get(o, "verify") ? run_verify(o) : run_tell(o);
}

int main(void)
{
	struct err_text e = {{0}};
	static char line[1 << 18];

	if (secret_init(1 << 20, &e) < 0 || crypto_init(&e) < 0 || ticket_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	prover_init(&prover, &rng_kernel);
	while (fgets(line, sizeof(line), stdin)) {
		json_t *in = json_loads(line, 0, NULL), *answer = run(in);
		char *text = json_dumps(answer, JSON_COMPACT);

		puts(text);
		fflush(stdout);
		free(text);
		json_decref(answer);
		json_decref(in);
	}
	prover_fini(&prover);
	anchors_free(hearing.now);
	return 0;
}
