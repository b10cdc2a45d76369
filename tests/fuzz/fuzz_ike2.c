/*
 * A datagram of IKE version 2 as it comes: header, chain, and the body of every payload by all parsers. What
 * is taken must lie inside of the datagram, and what is written again as it was read must be read the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ike/v2_cfg.h"
#include "wire/ike/v2_payload.h"
#include "wire/ike/v2_rules.h"
#include "wire/ike/v2_sa.h"
#include "wire/ike/v2_sig.h"
#include "wire/ike/v2_sk.h"
#include "wire/ike/v2_transform.h"
#include "wire/ike/v2_ts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t *begin, *end;

static void check(int ok)
{
	if (!ok)
		abort();
}

static void inside(const uint8_t *p, size_t n)
{
	check(!n || (p >= begin && n <= (size_t)(end - p)));
}

/* What a transform stands for is written as the transform it was. */
static void try_meaning(const struct ike2_transform *t)
{
	struct ike2_transform again;
	enum alg_auth auth;
	enum alg_enc enc;
	size_t len;

	if (t->type == IKE2_T_ENCR && ike2_cipher_of(t, &enc, &len)) {
		check(alg_enc_keylen_ok(alg_enc_by_id(enc), len));
		check(ike2_transform_of_cipher(enc, len, &again));
		check(again.id == t->id && again.key_bits == t->key_bits);
	}
	if (t->type == IKE2_T_INTEG && ike2_integ_of(t, &auth, &len))
		check(ike2_transform_of_integ(auth, len, &again) && again.id == t->id);
}

static size_t put_sa(const struct ike2_sa *sa, uint8_t *buf, size_t room)
{
	struct ike_out o;
	uint8_t first;

	ike_out_init_chain(&o, buf, room, &first);
	ike_out_payload(&o, IKE2_P_SA);
	for (uint8_t i = 0; i < sa->n_proposals; i++) {
		const struct ike2_proposal *p = &sa->proposal[i];
		const struct ike2_offer offer = {.number = p->number,
		    .protocol = p->protocol,
		    .spi = p->spi,
		    .spi_len = p->spi_len,
		    .transform = sa->transform + p->first,
		    .n_transforms = p->n_transforms};

		inside(p->spi, p->spi_len);
		check(p->first + p->n_transforms <= sa->n_transforms);
		ike2_put_proposal(&o, i + 1 == sa->n_proposals, &offer);
	}
	return ike_out_end(&o);
}

static void try_sa(const struct ike_payload *p)
{
	static struct ike2_sa sa, again;
	static uint8_t buf[70000];
	size_t n;

	if (ike2_sa_parse(p->body, p->len, &sa) != IKE_OK)
		return;
	n = put_sa(&sa, buf, sizeof(buf));
	check(n && n <= p->len + IKE_PAYLOAD_HDR_LEN); /* attributes of nobody are not written */
	check(ike2_sa_parse(buf + IKE_PAYLOAD_HDR_LEN, n - IKE_PAYLOAD_HDR_LEN, &again) == IKE_OK);
	check(again.n_proposals == sa.n_proposals && again.n_transforms == sa.n_transforms);
	for (uint16_t i = 0; i < sa.n_transforms; i++) {
		check(sa.transform[i].type == again.transform[i].type &&
		      sa.transform[i].id == again.transform[i].id &&
		      sa.transform[i].key_bits == again.transform[i].key_bits);
		try_meaning(&sa.transform[i]);
	}
}

static void try_ts(const struct ike_payload *p)
{
	static struct ike2_ts_list l;
	static uint8_t buf[4096];
	uint8_t unknown, first;
	struct ike_out o;
	size_t n;

	if (ike2_ts_parse(p, &l, &unknown) != IKE_OK)
		return;
	check(l.n || unknown);
	for (uint8_t i = 0; i < l.n; i++)
		check(l.ts[i].first.family == l.ts[i].last.family &&
		      inet_addr_cmp(&l.ts[i].first, &l.ts[i].last) <= 0 &&
		      (l.ts[i].first_port <= l.ts[i].last_port || ike2_ts_opaque_port(&l.ts[i])));
	if (unknown)
		return;
	ike_out_init_chain(&o, buf, sizeof(buf), &first);
	ike2_put_ts(&o, IKE2_P_TS_I, l.ts, l.n);
	n = ike_out_end(&o);
	check(n == p->len + IKE_PAYLOAD_HDR_LEN);
	check(memcmp(buf + 8, p->body + 4, n - 8) == 0); /* but for what is reserved */
}

static void try_auth(const struct ike_payload *p)
{
	struct ike2_authentication a;
	struct ike2_sig s, again;
	const uint8_t *der;
	uint8_t len;

	if (ike2_auth_parse(p, &a) != IKE_OK)
		return;
	inside(a.alg, a.alg_len);
	inside(a.data, a.len);
	if (!a.alg || !ike2_sig_parse(a.alg, a.alg_len, &s))
		return;
	der = ike2_sig_der(s.kind, s.hash, &len);
	check(der && ike2_sig_parse(der, len, &again) && again.kind == s.kind && again.hash == s.hash);
}

static void try_config(const struct ike_payload *p)
{
	struct ike2_config c;
	struct ike2_cfg a;
	struct rd r;

	if (ike2_config_parse(p, &c) != IKE_OK)
		return;
	inside(c.attrs, c.len);
	r = ike2_cfgs(&c);
	while (ike2_cfg_next(&r, &a))
		inside(a.p, a.len);
	check(rd_done(&r));
}

static void try_rest(const struct ike_payload *p)
{
	struct ike2_ke k;
	struct ike2_ident id;
	struct ike2_certificate c;
	struct ike2_request q;
	struct ike2_notification nt;
	struct ike2_deletion d;

	if (ike2_ke_parse(p, &k) == IKE_OK)
		inside(k.data, k.len);
	if (ike2_ident_parse(p, &id) == IKE_OK)
		inside(id.data, id.len);
	if (ike2_cert_parse(p, &c) == IKE_OK)
		inside(c.data, c.len);
	if (ike2_request_parse(p, &q) == IKE_OK)
		inside(q.data, q.len);
	if (ike2_notify_parse(p, &nt) == IKE_OK) {
		inside(nt.spi, nt.spi_len);
		inside(nt.data, nt.len);
	}
	if (ike2_delete_parse(p, &d) == IKE_OK)
		inside(d.spis, (size_t)d.spi_len * d.n_spis);
}

/* A chain that was judged right has what its message must have. */
static void try_rules(const struct ike_hdr *h, const struct ike_chain *c)
{
	enum ike2_message of = ike2_message_of(h->exchange, h->flags & IKE2_F_RESPONSE, c);
	struct ike2_notification n;
	uint8_t type;

	for (int m = IKE2_M_NONE; m <= IKE2_MESSAGES; m++) {
		enum ike2_violation v = ike2_rules_check((enum ike2_message)m, c, &type);

		check(v != IKE2_V_NONE || (m != IKE2_M_NONE && m != IKE2_MESSAGES));
		if (v == IKE2_V_NONE && m == IKE2_M_INIT_REQUEST)
			check(ike_chain_count(c, IKE2_P_SA) == 1 && ike_chain_count(c, IKE2_P_NONCE) == 1);
	}
	check(of < IKE2_MESSAGES);
	if (ike2_notify_find_error(c, &n))
		check(n.type < IKE2_N_STATUS_FIRST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ike_chain c;
	struct ike_hdr h;

	if (ike_hdr_parse(data, n, &h) != IKE_OK || ike2_chain_parse(&h, data, n, &c) != IKE_OK)
		return 0;
	check(c.used == n - IKE_HDR_LEN);
	begin = data;
	end = data + n;
	try_rules(&h, &c);
	for (uint32_t i = 0; i < c.n; i++) {
		inside(c.p[i].body, c.p[i].len);
		try_rest(&c.p[i]);
		try_auth(&c.p[i]);
		try_config(&c.p[i]);
		try_ts(&c.p[i]);
		try_sa(&c.p[i]);
	}
	return 0;
}
