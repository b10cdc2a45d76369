/*
 * Runs lib/wire's codecs for tests written in other languages: one JSON object a line in, one a line out.
 *
 * In: op, packet (hex), and what the op needs. Out: {"packets": [hex...]} with, for places, {"at",
 * "proto_off", "next"}; or {"error": why}. places    where AH, ESP or the upper layer begins, and where
 * transport mode would insert (insertion: true) ah        the octets an ICV covers: icv_len, sending fragment
 * mtu, id too_big   mtu clamp     mss fill      the upper layer's checksum anew deflate, inflate  room
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "wire/comp/ipcomp.h"
#include "wire/esp/ah.h"
#include "wire/ip/csum.h"
#include "wire/ip/frag.h"
#include "wire/ip/icmp.h"
#include "wire/ip/mss.h"

enum { ROOM = 140000 };

struct job {
	json_t *in, *packets, *out;
	uint8_t pkt[ROOM], result[ROOM];
	size_t len;
	struct ip_view v;
	struct ipcomp_codec *codec;
};

static uint32_t number(const struct job *j, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(j->in, key));
}

static size_t unhex(const char *hex, uint8_t *out, size_t room)
{
	size_t n = 0;
	unsigned v;

	for (; hex[0] && hex[1] && n < room && sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static void give(struct job *j, const uint8_t *p, size_t n)
{
	static char hex[2 * ROOM + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", p[i]);
	hex[2 * n] = '\0';
	json_array_append_new(j->packets, json_string(hex));
}

static const char *places(struct job *j)
{
	struct ip_place p = {0};
	int r = json_is_true(json_object_get(j->in, "insertion")) ? ip_find_insertion(j->pkt, j->len, &p)
	                                                          : ip_find_ipsec(j->pkt, j->len, &p);

	if (r != IP_OK)
		return ip_outcome_name((enum ip_outcome)r);
	json_object_set_new(j->out, "at", json_integer(p.at));
	json_object_set_new(j->out, "proto_off", json_integer(p.proto_off));
	json_object_set_new(j->out, "next", json_integer(p.next));
	return NULL;
}

static const char *ah(struct job *j)
{
	enum ah_side side = json_is_true(json_object_get(j->in, "sending")) ? AH_SENDING : AH_RECEIVED;
	struct ah_pieces pieces;
	struct ip_place p = {0};
	size_t n = 0;
	int r = ip_find_ipsec(j->pkt, j->len, &p);

	if (r != IP_OK)
		return ip_outcome_name((enum ip_outcome)r);
	r = ah_pieces(j->pkt, j->len, p.at, (uint8_t)number(j, "icv_len"), side, &pieces);
	if (r != AH_OK)
		return ah_outcome_name((enum ah_outcome)r);
	for (size_t i = 0; i < ARRAY_SIZE(pieces.v); i++) {
		memcpy(j->result + n, pieces.v[i].iov_base, pieces.v[i].iov_len);
		n += pieces.v[i].iov_len;
	}
	give(j, j->result, n);
	return NULL;
}

static const char *fragment(struct job *j)
{
	struct ip_fragger f;
	struct ip_frag g;

	if (ip_fragger_init(&f, &j->v, number(j, "mtu"), number(j, "id")) != IP_FRAG_OK)
		return "not to be fragmented";
	while (ip_fragger_next(&f, &g)) {
		memcpy(j->result, g.hdr, g.hdr_len);
		memcpy(j->result + g.hdr_len, g.data, g.len);
		give(j, j->result, g.hdr_len + g.len);
	}
	return NULL;
}

static const char *too_big(struct job *j)
{
	size_t n = icmp_too_big(&j->v, number(j, "mtu"), j->result, ICMP_ERROR_MAX6);

	if (!n)
		return "no error may be sent";
	give(j, j->result, n);
	return NULL;
}

static const char *clamp(struct job *j)
{
	if (!tcp_clamp_mss(j->pkt, &j->v, (uint16_t)number(j, "mss")))
		return "nothing to lower";
	give(j, j->pkt, j->len);
	return NULL;
}

static const char *fill(struct job *j)
{
	if (!csum_l4_fill(j->pkt, &j->v))
		return "no checksum to fill in";
	give(j, j->pkt, j->len);
	return NULL;
}

static const char *compress(struct job *j, bool deflates)
{
	size_t n = 0, room = number(j, "room");
	int r = deflates ? ipcomp_deflate(j->codec, j->pkt, j->len, j->result, room, &n)
	                 : ipcomp_inflate(j->codec, j->pkt, j->len, j->result, room, &n);

	if (r != IPCOMP_OK)
		return ipcomp_outcome_name((enum ipcomp_outcome)r);
	give(j, j->result, n);
	return NULL;
}

static const char *run(struct job *j)
{
	static const struct {
		const char *name;
		const char *(*run)(struct job *j);
	} ops[] = {
	    {"ah", ah}, {"fragment", fragment}, {"too_big", too_big}, {"clamp", clamp}, {"fill", fill}};
	const char *op = json_string_value(json_object_get(j->in, "op"));
	const char *hex = json_string_value(json_object_get(j->in, "packet"));
	int r;

	if (!op || !hex)
		return "no op or packet";
	j->len = unhex(hex, j->pkt, sizeof(j->pkt));
	if (strcmp(op, "places") == 0)
		return places(j);
	if (strcmp(op, "deflate") == 0 || strcmp(op, "inflate") == 0)
		return compress(j, op[0] == 'd');
	r = ip_parse(j->pkt, j->len, IP_CHECK_SUM, &j->v);
	if (r != IP_OK)
		return ip_outcome_name((enum ip_outcome)r);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (strcmp(op, ops[i].name) == 0)
			return ops[i].run(j);
	return "unknown op";
}

static void answer(struct job *j)
{
	const char *why;
	char *text;

	j->out = json_object();
	j->packets = json_array();
	why = j->in ? run(j) : "not JSON";
	json_object_set_new(j->out, "packets", j->packets);
	if (why)
		json_object_set_new(j->out, "error", json_string(why));
	text = json_dumps(j->out, JSON_COMPACT);
	puts(text ? text : "{\"error\": \"no memory\"}");
	fflush(stdout);
	free(text);
	json_decref(j->out);
}

int main(void)
{
	static struct job j;
	char *line = NULL;
	size_t room = 0;

	if (ipcomp_codec_new(&j.codec) < 0)
		return 1;
	while (getline(&line, &room, stdin) > 0) {
		j.in = json_loads(line, 0, NULL);
		answer(&j);
		json_decref(j.in);
	}
	free(line);
	j.codec = ipcomp_codec_free(j.codec);
	return 0;
}
