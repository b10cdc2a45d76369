/*
 * Seals and opens single packets for tests written in other languages: one JSON object a line in, one a line
 * out. It joins lib/wire and lib/crypto in the way the data path does, and nothing else.
 *
 * In:  op "seal" or "open"; proto "esp" or "ah"; mode "transport" or "tunnel"; packet (hex); spi, seq; enc,
 * auth (setkey's names, "" for none); enc_key, auth_key (hex); icv_len, esn, pad ("seq", "zero", "random"),
 * src, dst (tunnel header) as needed. Out: {"packet": hex}, or {"error": why}.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "crypto/crypto.h"
#include "inet/addr.h"
#include "wire/esp/ah.h"
#include "wire/esp/esp.h"
#include "wire/ip/ip.h"

enum { HEADROOM = 128, ROOM = 70000, PROTO_IPIP = 4, PROTO_IPV6 = 41, PROTO_ESP = 50, PROTO_AH = 51 };

struct job {
	bool seal, esp, tunnel;
	struct crypto_sa *sa;
	uint32_t spi;
	uint64_t seq;
	enum esp_pad pad;
	struct inet_addr src, dst;
	uint8_t *pkt; /* in buf, behind HEADROOM */
	size_t len;
	uint8_t buf[HEADROOM + ROOM];
};

static const char *text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static size_t unhex(const char *hex, uint8_t *out, size_t room)
{
	size_t n = 0;
	unsigned v;

	for (; hex[0] && hex[1] && n < room && sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static const char *load_sa(json_t *o, struct job *j)
{
	const struct alg_enc_info *enc = alg_enc_by_name(text(o, "enc"));
	const struct alg_auth_info *auth = alg_auth_by_name(text(o, "auth"));
	uint8_t ek[64], ak[64];
	struct crypto_sa_params p = {
	    .dir = j->seal ? CRYPTO_SEAL : CRYPTO_OPEN,
	    .enc = enc ? enc->id : ALG_ENC_NONE,
	    .auth = auth ? auth->id : ALG_AUTH_NONE,
	    .enc_key = ek,
	    .auth_key = ak,
	    .enc_key_len = unhex(text(o, "enc_key"), ek, sizeof(ek)),
	    .auth_key_len = unhex(text(o, "auth_key"), ak, sizeof(ak)),
	    .icv_len = (uint8_t)json_integer_value(json_object_get(o, "icv_len")),
	    .esn = json_is_true(json_object_get(o, "esn")),
	};

	return crypto_sa_new(&p, &j->sa) < 0 ? "the SA was refused" : NULL;
}

static const char *load(json_t *o, struct job *j)
{
	const char *pad = text(o, "pad");

	j->seal = strcmp(text(o, "op"), "seal") == 0;
	j->esp = strcmp(text(o, "proto"), "esp") == 0;
	j->tunnel = strcmp(text(o, "mode"), "tunnel") == 0;
	j->spi = (uint32_t)json_integer_value(json_object_get(o, "spi"));
	j->seq = strtoull(text(o, "seq"), NULL, 10);
	j->pad = strcmp(pad, "zero") == 0     ? ESP_PAD_ZERO
	         : strcmp(pad, "random") == 0 ? ESP_PAD_RANDOM
	                                      : ESP_PAD_SEQ;
	j->pkt = j->buf + HEADROOM;
	j->len = unhex(text(o, "packet"), j->pkt, ROOM - 512);
	if (j->seal && j->tunnel &&
	    (inet_addr_parse(text(o, "src"), &j->src) < 0 || inet_addr_parse(text(o, "dst"), &j->dst) < 0))
		return "no tunnel addresses";
	return load_sa(o, j);
}

/* An outer or moved header of n octets in front of `at`; the packet then begins there. */
static void put_header(
    struct job *j, uint8_t *at, const uint8_t *hdr, size_t n, uint8_t proto, size_t payload_len)
{
	struct ip4_params p = {
	    .proto = proto, .ttl = 64, .id = 1, .total_len = (uint16_t)(IP4_HDR_LEN + payload_len)};

	if (j->tunnel) {
		memcpy(p.src, j->src.b, sizeof(p.src));
		memcpy(p.dst, j->dst.b, sizeof(p.dst));
		ip4_write(at - IP4_HDR_LEN, &p);
		n = IP4_HDR_LEN;
	} else {
		memcpy(at - n, hdr, n);
		ip4_set_payload(at - n, proto, (uint16_t)(n + payload_len));
	}
	j->pkt = at - n;
	j->len = n + payload_len;
}

static const char *seal_ah(
    struct job *j, const struct ip_view *v, const uint8_t *hdr, uint8_t *payload, size_t len, uint8_t next)
{
	uint8_t icv_len = crypto_sa_icv_len(j->sa), *ah = payload - ah_len(icv_len, 4);
	struct ah_pieces pieces;
	struct crypto_mac_op op = {.sa = j->sa, .piece = pieces.v, .n_pieces = 3, .seq = j->seq};
	int r;

	ah_write(ah, icv_len, 4, j->spi, (uint32_t)j->seq, next);
	put_header(j, ah, hdr, v->hdr_len, PROTO_AH, len + ah_len(icv_len, 4));
	r = ah_pieces(j->pkt, j->len, (uint16_t)(ah - j->pkt), icv_len, AH_SENDING, &pieces);
	if (r != AH_OK)
		return ah_outcome_name((enum ah_outcome)r);
	op.icv = ah + AH_FIXED_LEN;
	return crypto_mac_seal_burst(&op, 1) == 1 ? NULL : "sealing failed";
}

static const char *seal(struct job *j)
{
	struct ip_view v = {0};
	uint8_t hdr[IP4_HDR_MAX], *payload, next;
	struct esp_frame f;
	struct crypto_op op;
	struct esp_geom g;
	size_t len;
	int r = ip_parse(j->pkt, j->len, IP_CHECK_SUM, &v);

	if (r != IP_OK)
		return ip_outcome_name((enum ip_outcome)r);
	memcpy(hdr, j->pkt, v.version == 4 ? v.hdr_len : 0);
	payload = j->tunnel ? j->pkt : j->pkt + v.hdr_len;
	len = v.total_len - (size_t)(payload - j->pkt);
	next = !j->tunnel ? v.proto : v.version == 4 ? PROTO_IPIP : PROTO_IPV6;
	if (!j->esp)
		return seal_ah(j, &v, hdr, payload, len, next);
	g = esp_geom_make(crypto_sa_iv_len(j->sa), crypto_sa_block(j->sa), crypto_sa_icv_len(j->sa));
	esp_frame(&g, payload, len, j->spi, (uint32_t)j->seq, next, j->pad, &rng_kernel, &f);
	op = (struct crypto_op){.sa = j->sa,
	    .hdr = f.hdr,
	    .iv = f.iv,
	    .data = f.data,
	    .icv = f.icv,
	    .seq = j->seq,
	    .len = f.data_len};
	if (crypto_seal_burst(&op, 1) != 1)
		return "sealing failed";
	put_header(j, f.hdr, hdr, v.hdr_len, PROTO_ESP, f.total_len);
	return NULL;
}

/* What is left when the IPsec header is gone. */
static const char *unwrap(struct job *j, const struct ip_view *v, uint8_t *payload, size_t len, uint8_t next)
{
	if (j->tunnel) {
		if (next != PROTO_IPIP && next != PROTO_IPV6)
			return "no packet inside";
		j->pkt = payload;
		j->len = len;
		return NULL;
	}
	memmove(payload - v->hdr_len, v->pkt, v->hdr_len);
	j->pkt = payload - v->hdr_len;
	j->len = v->hdr_len + len;
	ip4_set_payload(j->pkt, next, (uint16_t)j->len);
	return NULL;
}

static const char *open_ah(struct job *j, const struct ip_view *v)
{
	struct ah_view ah = {0};
	struct ah_pieces pieces;
	struct crypto_mac_op op = {.sa = j->sa, .piece = pieces.v, .n_pieces = 3, .seq = j->seq};
	int r = ah_parse(j->pkt + v->upper_off, v->total_len - v->upper_off, &ah);

	if (r == AH_OK)
		r = ah_pieces(j->pkt, v->total_len, (uint16_t)v->upper_off, crypto_sa_icv_len(j->sa),
		    AH_RECEIVED, &pieces);
	if (r != AH_OK)
		return ah_outcome_name((enum ah_outcome)r);
	if (ah.spi != j->spi || ah.seq != (uint32_t)j->seq)
		return "another SPI or number";
	op.icv = j->pkt + v->upper_off + AH_FIXED_LEN;
	if (crypto_mac_open_burst(&op, 1) != 1)
		return "wrong ICV";
	return unwrap(
	    j, v, j->pkt + v->upper_off + ah.hdr_len, v->total_len - v->upper_off - ah.hdr_len, ah.next);
}

static const char *open_esp(struct job *j, const struct ip_view *v)
{
	struct esp_geom g =
	    esp_geom_make(crypto_sa_iv_len(j->sa), crypto_sa_block(j->sa), crypto_sa_icv_len(j->sa));
	struct crypto_op op = {.sa = j->sa, .seq = j->seq};
	struct esp_frame f = {0};
	uint32_t spi = 0, seq = 0, len = 0;
	uint8_t next = 0;
	int r = esp_split(&g, j->pkt + v->upper_off, v->total_len - v->upper_off, &f);

	if (r == ESP_OK)
		r = esp_peek(f.hdr, f.total_len, &spi, &seq);
	if (r != ESP_OK)
		return esp_outcome_name((enum esp_outcome)r);
	if (spi != j->spi || seq != (uint32_t)j->seq)
		return "another SPI or number";
	op.hdr = f.hdr;
	op.iv = f.iv;
	op.data = f.data;
	op.icv = f.icv;
	op.len = f.data_len;
	if (crypto_open_burst(&op, 1) != 1)
		return "wrong ICV";
	r = esp_strip(&f, &len, &next);
	return r == ESP_OK ? unwrap(j, v, f.data, len, next) : esp_outcome_name((enum esp_outcome)r);
}

static const char *open_packet(struct job *j)
{
	struct ip_view v = {0};
	int r = ip_parse(j->pkt, j->len, IP_CHECK_SUM, &v);

	if (r != IP_OK)
		return ip_outcome_name((enum ip_outcome)r);
	if (v.proto != (j->esp ? PROTO_ESP : PROTO_AH))
		return "another protocol";
	return j->esp ? open_esp(j, &v) : open_ah(j, &v);
}

static void answer(const struct job *j, const char *why)
{
	if (why) {
		printf("{\"error\": \"%s\"}\n", why);
	} else {
		printf("{\"packet\": \"");
		for (size_t i = 0; i < j->len; i++)
			printf("%02x", j->pkt[i]);
		printf("\"}\n");
	}
	fflush(stdout);
}

int main(void)
{
	static struct job j;
	struct err_text e = {0};
	char *line = NULL;
	size_t room = 0;

	if (crypto_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 1;
	}
	while (getline(&line, &room, stdin) > 0) {
		json_t *o = json_loads(line, 0, NULL);
		const char *why = "not JSON";

		j.sa = NULL;
		if (o)
			why = load(o, &j);
		if (!why)
			why = j.seal ? seal(&j) : open_packet(&j);
		answer(&j, why);
		crypto_sa_free(j.sa);
		json_decref(o);
	}
	free(line);
	crypto_fini();
	return 0;
}
