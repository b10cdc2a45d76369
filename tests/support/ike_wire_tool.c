/*
 * Reads and writes messages of IKE version 1 for tests in Python: one JSON object a line in, one out. Octets
 * are hexadecimal.
 *
 *     {"read": HEX}      -> {"icookie", ..., "payloads": [{"type", "body", and what the body says}]}, or
 * {"fault"}
 *     {"write": {the same}} -> {"message": HEX}
 *     {"cut": HEX, "fit": N} -> {"datagrams": [HEX, ...]}: keyd's fragments of a message
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/core/frags.h"
#include "wire/ike/v1_payload.h"
#include "wire/ike/v1_sa.h"

enum { ROOM = 70000 };

static json_t *hex(const uint8_t *p, size_t n)
{
	static char text[2 * ROOM + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	text[2 * n] = '\0';
	return json_string(text);
}

/* Into a place of the caller's. */
static size_t unhex(const json_t *o, const char *key, uint8_t *to)
{
	const char *p = json_string_value(json_object_get(o, key));
	size_t n = 0;
	unsigned v;

	for (; p && p[0] && n < ROOM && sscanf(p, "%2x", &v) == 1; p += 2)
		to[n++] = (uint8_t)v;
	return n;
}

static uint32_t number(const json_t *o, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(o, key));
}

static json_t *attributes(struct rd r)
{
	json_t *list = json_array();
	struct ike1_attr a;

	while (ike1_attr_next(&r, &a))
		json_array_append_new(list, a.small ? json_pack("[i, I]", a.type, (json_int_t)a.number)
		                                    : json_pack("[i, o]", a.type, hex(a.p, a.len)));
	return list;
}

static json_t *transforms(const struct ike1_sa *sa, const struct ike1_proposal *p)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < p->n_transforms; i++) {
		const struct ike1_transform *t = &sa->transform[p->first + i];

		json_array_append_new(list, json_pack("{s:i, s:i, s:o}", "number", t->number, "id", t->id,
		                                "attributes", attributes(ike1_attrs(t))));
	}
	return list;
}

static enum ike_fault read_sa(const struct ike_payload *p, json_t *o)
{
	static struct ike1_sa sa;
	enum ike_fault f = ike1_sa_parse(p->body, p->len, &sa);
	json_t *list = json_array();

	for (uint8_t i = 0; f == IKE_OK && i < sa.n_proposals; i++) {
		const struct ike1_proposal *x = &sa.proposal[i];

		json_array_append_new(
		    list, json_pack("{s:i, s:i, s:o, s:o}", "number", x->number, "protocol", x->protocol,
		              "spi", hex(x->spi, x->spi_len), "transforms", transforms(&sa, x)));
	}
	json_object_set_new(o, "proposals", list);
	return f;
}

static enum ike_fault read_ident(const struct ike_payload *p, json_t *o)
{
	struct ike1_ident id;
	enum ike_fault f = ike1_ident_parse(p, &id);

	if (f == IKE_OK)
		json_object_update_new(o, json_pack("{s:i, s:i, s:i, s:o}", "id_type", id.type, "proto",
		                              id.proto, "port", id.port, "data", hex(id.data, id.len)));
	return f;
}

static enum ike_fault read_notify(const struct ike_payload *p, json_t *o)
{
	struct ike1_notification n;
	enum ike_fault f = ike1_notify_parse(p, &n);

	if (f == IKE_OK)
		json_object_update_new(
		    o, json_pack("{s:i, s:i, s:i, s:o, s:o}", "doi", (int)n.doi, "protocol", n.protocol,
		           "notify", n.type, "spi", hex(n.spi, n.spi_len), "data", hex(n.data, n.len)));
	return f;
}

static enum ike_fault read_delete(const struct ike_payload *p, json_t *o)
{
	struct ike1_deletion d;
	enum ike_fault f = ike1_delete_parse(p, &d);

	if (f == IKE_OK)
		json_object_update_new(
		    o, json_pack("{s:i, s:i, s:i, s:o}", "doi", (int)d.doi, "protocol", d.protocol, "spi_len",
		           d.spi_len, "spis", hex(d.spis, (size_t)d.spi_len * d.n_spis)));
	return f;
}

static enum ike_fault read_payload(const struct ike_payload *p, json_t *o)
{
	switch (p->type) {
	case IKE1_P_SA:
		return read_sa(p, o);
	case IKE1_P_ID:
		return read_ident(p, o);
	case IKE1_P_NOTIFY:
		return read_notify(p, o);
	case IKE1_P_DELETE:
		return read_delete(p, o);
	default:
		return IKE_OK;
	}
}

static json_t *run_read(const json_t *o)
{
	static uint8_t m[ROOM];
	size_t n = unhex(o, "read", m);
	struct ike_chain c;
	struct ike_hdr h;
	enum ike_fault f = ike_hdr_parse(m, n, &h);
	json_t *list = json_array();

	if (f == IKE_OK)
		f = ike_chain_parse(h.next, m + IKE_HDR_LEN, n - IKE_HDR_LEN, false, &c);
	for (uint32_t i = 0; f == IKE_OK && i < c.n; i++) {
		json_t *one =
		    json_pack("{s:i, s:o}", "type", c.p[i].type, "body", hex(c.p[i].body, c.p[i].len));

		f = read_payload(&c.p[i], one);
		json_array_append_new(list, one);
	}
	if (f != IKE_OK) {
		json_decref(list);
		return json_pack("{s:s}", "fault", ike_fault_text(f));
	}
	return json_pack("{s:o, s:o, s:i, s:i, s:I, s:o}", "icookie", hex(h.icookie, 8), "rcookie",
	    hex(h.rcookie, 8), "exchange", h.exchange, "flags", h.flags, "msg_id", (json_int_t)h.msg_id,
	    "payloads", list);
}

static void put_transform(struct ike_out *out, const json_t *t, bool last)
{
	struct ike1_open_part part =
	    ike1_put_transform(out, last, (uint8_t)number(t, "number"), (uint8_t)number(t, "id"));
	const json_t *a;
	size_t i;

	json_array_foreach(json_object_get(t, "attributes"), i, a)
	    ike1_put_attr(out, (uint16_t)json_integer_value(json_array_get(a, 0)),
	        (uint32_t)json_integer_value(json_array_get(a, 1)));
	ike1_end_part(out, part);
}

static void put_sa(struct ike_out *out, const json_t *list)
{
	const json_t *p, *t;
	size_t i, k;

	ike1_put_sa(out);
	json_array_foreach(list, i, p)
	{
		const json_t *ts = json_object_get(p, "transforms");
		uint8_t spi[ROOM];
		size_t n = unhex(p, "spi", spi);
		struct ike1_open_part part =
		    ike1_put_proposal(out, i + 1 == json_array_size(list), (uint8_t)number(p, "number"),
		        (uint8_t)number(p, "protocol"), spi, (uint8_t)n, (uint8_t)json_array_size(ts));

		json_array_foreach(ts, k, t) put_transform(out, t, k + 1 == json_array_size(ts));
		ike1_end_part(out, part);
	}
}

static void put_payload(struct ike_out *out, const json_t *p)
{
	static uint8_t a[ROOM], b[ROOM];
	uint8_t type = (uint8_t)number(p, "type");

	if (type == IKE1_P_SA) {
		put_sa(out, json_object_get(p, "proposals"));
	} else if (type == IKE1_P_ID) {
		const struct ike1_ident id = {.type = (uint8_t)number(p, "id_type"),
		    .proto = (uint8_t)number(p, "proto"),
		    .port = (uint16_t)number(p, "port"),
		    .data = a,
		    .len = (uint32_t)unhex(p, "data", a)};

		ike1_put_ident(out, &id);
	} else if (type == IKE1_P_NOTIFY) {
		const struct ike1_notification n = {.doi = number(p, "doi"),
		    .protocol = (uint8_t)number(p, "protocol"),
		    .type = (uint16_t)number(p, "notify"),
		    .spi = a,
		    .spi_len = (uint8_t)unhex(p, "spi", a),
		    .data = b,
		    .len = (uint32_t)unhex(p, "data", b)};

		ike1_put_notify(out, &n);
	} else if (type == IKE1_P_DELETE) {
		uint8_t spi_len = (uint8_t)number(p, "spi_len");
		const struct ike1_deletion d = {.doi = number(p, "doi"),
		    .protocol = (uint8_t)number(p, "protocol"),
		    .spi_len = spi_len,
		    .n_spis = (uint16_t)(unhex(p, "spis", a) / (spi_len ? spi_len : 1)),
		    .spis = a};

		ike1_put_delete(out, &d);
	} else {
		ike_out_whole(out, type, a, unhex(p, "body", a));
	}
}

static json_t *run_write(const json_t *o)
{
	static uint8_t m[ROOM], cookie[ROOM];
	struct ike_hdr h = {.major = 1,
	    .exchange = (uint8_t)number(o, "exchange"),
	    .flags = (uint8_t)number(o, "flags"),
	    .msg_id = number(o, "msg_id")};
	struct ike_out out;
	const json_t *p;
	size_t i, n;

	(void)unhex(o, "icookie", cookie);
	memcpy(h.icookie, cookie, sizeof(h.icookie));
	(void)unhex(o, "rcookie", cookie);
	memcpy(h.rcookie, cookie, sizeof(h.rcookie));
	ike_out_init(&out, m, sizeof(m), &h);
	json_array_foreach(json_object_get(o, "payloads"), i, p) put_payload(&out, p);
	n = ike_out_end(&out);
	return json_pack("{s:o}", "message", hex(m, n));
}

static void add_datagram(void *list, const uint8_t *d, size_t n)
{
	json_array_append_new(list, hex(d, n));
}

static json_t *run_cut(const json_t *o)
{
	static uint8_t m[ROOM], buf[ROOM];
	json_t *list = json_array();
	size_t n = unhex(o, "cut", m);

	if (!frags_cut(m, n, buf, number(o, "fit"), add_datagram, list))
		json_array_clear(list);
	return json_pack("{s:o}", "datagrams", list);
}

static json_t *run(const json_t *o)
{
	const json_t *w = json_object_get(o, "write");

	if (json_object_get(o, "cut"))
		return run_cut(o);
	return w ? run_write(w) : run_read(o);
}

int main(void)
{
	char *line = NULL;
	size_t n = 0;

	while (getline(&line, &n, stdin) > 0) {
		json_t *o = json_loads(line, 0, NULL), *a = run(o);

		json_dumpf(a, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(a);
		json_decref(o);
	}
	free(line);
	return EXIT_SUCCESS;
}
