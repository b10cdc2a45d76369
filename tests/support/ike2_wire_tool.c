/*
 * Reads and writes messages of IKE version 2 for tests in Python: one JSON object a line in, one out. Octets
 * are hexadecimal.
 *
 *     {"read": HEX}         -> {"spi_i", ..., "payloads": [{"type", "body", and what the body says}]}, or
 *                              {"fault"}
 *     {"write": {the same}} -> {"message": HEX}
 *     {"names": true}       -> {"exchanges", "payloads", "notifications": {NUMBER: NAME, ...}}
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ike/v2_cfg.h"
#include "wire/ike/v2_payload.h"
#include "wire/ike/v2_sa.h"
#include "wire/ike/v2_sk.h"
#include "wire/ike/v2_ts.h"

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

/* -- reading */

static json_t *transforms(const struct ike2_sa *sa, const struct ike2_proposal *p)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < p->n_transforms; i++) {
		const struct ike2_transform *t = &sa->transform[p->first + i];

		json_array_append_new(list, json_pack("[i, i, i]", t->type, t->id, t->key_bits));
	}
	return list;
}

static enum ike_fault read_sa(const struct ike_payload *p, json_t *o)
{
	static struct ike2_sa sa;
	enum ike_fault f = ike2_sa_parse(p->body, p->len, &sa);
	json_t *list = json_array();

	for (uint8_t i = 0; f == IKE_OK && i < sa.n_proposals; i++) {
		const struct ike2_proposal *x = &sa.proposal[i];

		json_array_append_new(
		    list, json_pack("{s:i, s:i, s:o, s:o}", "number", x->number, "protocol", x->protocol,
		              "spi", hex(x->spi, x->spi_len), "transforms", transforms(&sa, x)));
	}
	json_object_set_new(o, "proposals", list);
	return f;
}

static enum ike_fault read_ke(const struct ike_payload *p, json_t *o)
{
	struct ike2_ke k;
	enum ike_fault f = ike2_ke_parse(p, &k);

	if (f == IKE_OK)
		json_object_update_new(
		    o, json_pack("{s:i, s:o}", "group", k.group, "data", hex(k.data, k.len)));
	return f;
}

static enum ike_fault read_ident(const struct ike_payload *p, json_t *o)
{
	struct ike2_ident id;
	enum ike_fault f = ike2_ident_parse(p, &id);

	if (f == IKE_OK)
		json_object_update_new(
		    o, json_pack("{s:i, s:o}", "id_type", id.type, "data", hex(id.data, id.len)));
	return f;
}

static enum ike_fault read_encoded(const struct ike_payload *p, json_t *o)
{
	struct ike2_certificate c = {0};
	struct ike2_request q = {0};
	bool is_cert = p->type == IKE2_P_CERT;
	enum ike_fault f = is_cert ? ike2_cert_parse(p, &c) : ike2_request_parse(p, &q);

	if (f == IKE_OK)
		json_object_update_new(
		    o, json_pack("{s:i, s:o}", "encoding", is_cert ? c.encoding : q.encoding, "data",
		           is_cert ? hex(c.data, c.len) : hex(q.data, q.len)));
	return f;
}

static enum ike_fault read_auth(const struct ike_payload *p, json_t *o)
{
	struct ike2_authentication a;
	enum ike_fault f = ike2_auth_parse(p, &a);

	if (f == IKE_OK)
		json_object_update_new(o, json_pack("{s:i, s:o, s:o}", "method", a.method, "alg",
		                              hex(a.alg, a.alg_len), "data", hex(a.data, a.len)));
	return f;
}

static enum ike_fault read_notify(const struct ike_payload *p, json_t *o)
{
	struct ike2_notification n;
	enum ike_fault f = ike2_notify_parse(p, &n);

	if (f == IKE_OK)
		json_object_update_new(
		    o, json_pack("{s:i, s:i, s:o, s:o}", "protocol", n.protocol, "notify", n.type, "spi",
		           hex(n.spi, n.spi_len), "data", hex(n.data, n.len)));
	return f;
}

static enum ike_fault read_delete(const struct ike_payload *p, json_t *o)
{
	struct ike2_deletion d;
	enum ike_fault f = ike2_delete_parse(p, &d);

	if (f == IKE_OK)
		json_object_update_new(o, json_pack("{s:i, s:i, s:o}", "protocol", d.protocol, "spi_len",
		                              d.spi_len, "spis", hex(d.spis, (size_t)d.spi_len * d.n_spis)));
	return f;
}

static enum ike_fault read_ts(const struct ike_payload *p, json_t *o)
{
	static struct ike2_ts_list l;
	uint8_t unknown;
	enum ike_fault f = ike2_ts_parse(p, &l, &unknown);
	json_t *list = json_array();

	for (uint8_t i = 0; f == IKE_OK && i < l.n; i++) {
		const struct ike2_ts *t = &l.ts[i];
		char first[INET_ADDR_STRLEN], last[INET_ADDR_STRLEN];

		json_array_append_new(
		    list, json_pack("[i, i, i, s, s]", t->proto, t->first_port, t->last_port,
		              inet_addr_format(&t->first, first), inet_addr_format(&t->last, last)));
	}
	json_object_set_new(o, "selectors", list);
	return f;
}

static enum ike_fault read_config(const struct ike_payload *p, json_t *o)
{
	struct ike2_config c;
	enum ike_fault f = ike2_config_parse(p, &c);
	json_t *list = json_array();
	struct ike2_cfg a;
	struct rd r = f == IKE_OK ? ike2_cfgs(&c) : rd_init(NULL, 0);

	while (ike2_cfg_next(&r, &a))
		json_array_append_new(list, json_pack("[i, o]", a.type, hex(a.p, a.len)));
	json_object_set_new(o, "attributes", list);
	if (f == IKE_OK)
		json_object_set_new(o, "cfg_type", json_integer(c.type));
	return f;
}

static enum ike_fault read_payload(const struct ike_payload *p, json_t *o)
{
	static const struct {
		uint8_t type;
		enum ike_fault (*read)(const struct ike_payload *p, json_t *o);
	} readers[] = {{IKE2_P_SA, read_sa}, {IKE2_P_KE, read_ke}, {IKE2_P_ID_I, read_ident},
	    {IKE2_P_ID_R, read_ident}, {IKE2_P_CERT, read_encoded}, {IKE2_P_CERT_REQ, read_encoded},
	    {IKE2_P_AUTH, read_auth}, {IKE2_P_NOTIFY, read_notify}, {IKE2_P_DELETE, read_delete},
	    {IKE2_P_TS_I, read_ts}, {IKE2_P_TS_R, read_ts}, {IKE2_P_CONFIG, read_config}};

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (readers[i].type == p->type)
			return readers[i].read(p, o);
	json_object_set_new(o, "body", hex(p->body, p->len));
	return IKE_OK;
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
		f = ike2_chain_parse(&h, m, n, &c);
	for (uint32_t i = 0; f == IKE_OK && i < c.n; i++) {
		json_t *one = json_pack("{s:i}", "type", c.p[i].type);

		f = read_payload(&c.p[i], one);
		json_array_append_new(list, one);
	}
	if (f != IKE_OK) {
		json_decref(list);
		return json_pack("{s:s}", "fault", ike_fault_text(f));
	}
	return json_pack("{s:o, s:o, s:i, s:i, s:I, s:o}", "spi_i", hex(h.icookie, 8), "spi_r",
	    hex(h.rcookie, 8), "exchange", h.exchange, "flags", h.flags, "msg_id", (json_int_t)h.msg_id,
	    "payloads", list);
}

/* -- writing */

static void put_sa(struct ike_out *out, const json_t *o)
{
	const json_t *list = json_object_get(o, "proposals"), *p, *t;
	size_t i, k;

	ike_out_payload(out, IKE2_P_SA);
	json_array_foreach(list, i, p)
	{
		const json_t *ts = json_object_get(p, "transforms");
		static struct ike2_transform array[IKE2_TRANSFORMS_MAX];
		static uint8_t spi[ROOM];
		const struct ike2_offer offer = {.number = (uint8_t)number(p, "number"),
		    .protocol = (uint8_t)number(p, "protocol"),
		    .spi = spi,
		    .spi_len = (uint8_t)unhex(p, "spi", spi),
		    .n_transforms = (uint8_t)json_array_size(ts),
		    .transform = array};

		json_array_foreach(ts, k, t) array[k] =
		    (struct ike2_transform){.type = (uint8_t)json_integer_value(json_array_get(t, 0)),
		        .id = (uint16_t)json_integer_value(json_array_get(t, 1)),
		        .key_bits = (uint16_t)json_integer_value(json_array_get(t, 2))};
		ike2_put_proposal(out, i + 1 == json_array_size(list), &offer);
	}
}

static void put_ts(struct ike_out *out, const json_t *o)
{
	struct ike2_ts ts[IKE2_TS_MAX];
	const json_t *list = json_object_get(o, "selectors"), *t;
	size_t i;

	json_array_foreach(list, i, t)
	{
		ts[i] = (struct ike2_ts){.proto = (uint8_t)json_integer_value(json_array_get(t, 0)),
		    .first_port = (uint16_t)json_integer_value(json_array_get(t, 1)),
		    .last_port = (uint16_t)json_integer_value(json_array_get(t, 2))};
		(void)inet_addr_parse(json_string_value(json_array_get(t, 3)), &ts[i].first);
		(void)inet_addr_parse(json_string_value(json_array_get(t, 4)), &ts[i].last);
	}
	ike2_put_ts(out, (uint8_t)number(o, "type"), ts, (uint8_t)json_array_size(list));
}

static void put_config(struct ike_out *out, const json_t *o)
{
	static uint8_t value[ROOM];
	const json_t *a;
	size_t i;

	ike2_put_config(out, (enum ike2_cfg_type)number(o, "cfg_type"));
	json_array_foreach(json_object_get(o, "attributes"), i, a)
	{
		json_t *one = json_pack("{s:O}", "value", json_array_get(a, 1));
		size_t n = unhex(one, "value", value);

		ike2_put_cfg(out, (uint16_t)json_integer_value(json_array_get(a, 0)), value, n);
		json_decref(one);
	}
}

static void put_notify(struct ike_out *out, const json_t *o)
{
	static uint8_t spi[ROOM], data[ROOM];
	const struct ike2_notification n = {.protocol = (uint8_t)number(o, "protocol"),
	    .type = (uint16_t)number(o, "notify"),
	    .spi = spi,
	    .spi_len = (uint8_t)unhex(o, "spi", spi),
	    .data = data,
	    .len = (uint32_t)unhex(o, "data", data)};

	ike2_put_notify(out, &n);
}

static void put_delete(struct ike_out *out, const json_t *o)
{
	static uint8_t spis[ROOM];
	uint8_t spi_len = (uint8_t)number(o, "spi_len");
	const struct ike2_deletion d = {.protocol = (uint8_t)number(o, "protocol"),
	    .spi_len = spi_len,
	    .n_spis = (uint16_t)(unhex(o, "spis", spis) / (spi_len ? spi_len : 1)),
	    .spis = spis};

	ike2_put_delete(out, &d);
}

static void put_auth(struct ike_out *out, const json_t *o)
{
	static uint8_t alg[ROOM], data[ROOM];
	const struct ike2_authentication a = {.method = (uint8_t)number(o, "method"),
	    .alg = alg,
	    .alg_len = (uint8_t)unhex(o, "alg", alg),
	    .data = data,
	    .len = (uint32_t)unhex(o, "data", data)};

	ike2_put_auth(out, &a);
}

static void put_payload(struct ike_out *out, const json_t *o)
{
	static uint8_t data[ROOM];
	size_t n = unhex(o, "data", data);
	uint8_t type = (uint8_t)number(o, "type");

	switch (type) {
	case IKE2_P_SA:
		return put_sa(out, o);
	case IKE2_P_KE:
		return ike2_put_ke(out, (uint16_t)number(o, "group"), data, n);
	case IKE2_P_ID_I:
	case IKE2_P_ID_R:
		return ike2_put_ident(out, type,
		    &(struct ike2_ident){
		        .type = (uint8_t)number(o, "id_type"), .data = data, .len = (uint32_t)n});
	case IKE2_P_CERT:
		return ike2_put_cert(out, (uint8_t)number(o, "encoding"), data, n);
	case IKE2_P_CERT_REQ:
		return ike2_put_request(out, (uint8_t)number(o, "encoding"), data, n);
	case IKE2_P_AUTH:
		return put_auth(out, o);
	case IKE2_P_NOTIFY:
		return put_notify(out, o);
	case IKE2_P_DELETE:
		return put_delete(out, o);
	case IKE2_P_TS_I:
	case IKE2_P_TS_R:
		return put_ts(out, o);
	case IKE2_P_CONFIG:
		return put_config(out, o);
	default:
		return ike_out_whole(out, type, data, unhex(o, "body", data));
	}
}

static json_t *run_write(const json_t *o)
{
	static uint8_t m[ROOM], spi[ROOM];
	struct ike_hdr h = {.major = 2,
	    .exchange = (uint8_t)number(o, "exchange"),
	    .flags = (uint8_t)number(o, "flags"),
	    .msg_id = number(o, "msg_id")};
	struct ike_out out;
	const json_t *p;
	size_t i;

	(void)unhex(o, "spi_i", spi);
	memcpy(h.icookie, spi, sizeof(h.icookie));
	(void)unhex(o, "spi_r", spi);
	memcpy(h.rcookie, spi, sizeof(h.rcookie));
	ike_out_init(&out, m, sizeof(m), &h);
	json_array_foreach(json_object_get(o, "payloads"), i, p) put_payload(&out, p);
	return json_pack("{s:o}", "message", hex(m, ike_out_end(&out)));
}

/* -- names */

static const char *exchange_name(uint16_t n)
{
	return n < 256 ? ike2_exchange_name((uint8_t)n) : NULL;
}

static const char *payload_name(uint16_t n)
{
	return n < 256 ? ike2_payload_name((uint8_t)n) : NULL;
}

static json_t *names(const char *(*name)(uint16_t n))
{
	json_t *o = json_object();

	for (uint16_t n = 0; n < UINT16_MAX; n++) {
		char key[8];

		snprintf(key, sizeof(key), "%u", n);
		if (name(n))
			json_object_set_new(o, key, json_string(name(n)));
	}
	return o;
}

static json_t *run(const json_t *o)
{
	const json_t *w = json_object_get(o, "write");

	if (json_object_get(o, "names"))
		return json_pack("{s:o, s:o, s:o}", "exchanges", names(exchange_name), "payloads",
		    names(payload_name), "notifications", names(ike2_notify_name));
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
