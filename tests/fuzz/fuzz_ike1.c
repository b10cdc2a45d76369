/*
 * A datagram of IKE version 1 as it comes: header, chain, and the body of every payload by its type. The
 * first octet says whether padding is allowed. What is taken must lie inside of the datagram, and an SA that
 * is written again as it was read must be read the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ike/v1_payload.h"
#include "wire/ike/v1_transform.h"

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

/* What a transform says is said again by what is written from it. */
static void try_meaning(const struct ike1_transform *t)
{
	uint8_t buf[256], first;
	struct ike1_transform again = *t;
	struct ike1_phase1 p1, q1;
	struct ike1_phase2 p2, q2;
	struct ike_out o;
	uint16_t unknown;

	memset(&q1, 0, sizeof(q1));
	memset(&q2, 0, sizeof(q2));
	if (ike1_phase1_decode(t, &p1, &unknown) == IKE_OK) {
		ike_out_init_chain(&o, buf, sizeof(buf), &first);
		ike1_put_phase1(&o, &p1);
		again.attrs = buf;
		again.attrs_len = (uint16_t)ike_out_end(&o);
		check(ike1_phase1_decode(&again, &q1, &unknown) == IKE_OK && !unknown);
		check(p1.cipher == q1.cipher && p1.group == q1.group && p1.key_bits == q1.key_bits);
		check(p1.life.seconds == q1.life.seconds || p1.life.seconds > UINT32_MAX);
	}
	if (ike1_phase2_decode(t, &p2, &unknown) == IKE_OK) {
		ike_out_init_chain(&o, buf, sizeof(buf), &first);
		ike1_put_phase2(&o, &p2);
		again.attrs = buf;
		again.attrs_len = (uint16_t)ike_out_end(&o);
		check(ike1_phase2_decode(&again, &q2, &unknown) == IKE_OK && !unknown);
		check(p2.encap == q2.encap && p2.auth == q2.auth && p2.esn == q2.esn);
	}
}

static void put_attrs(struct ike_out *o, const struct ike1_transform *t)
{
	struct rd r = ike1_attrs(t);
	struct ike1_attr a;

	while (ike1_attr_next(&r, &a)) {
		inside(a.p, a.len);
		if (a.basic)
			ike1_put_attr(o, a.type, (uint32_t)a.number);
		else
			ike1_put_attr_octets(o, a.type, a.p, a.len);
	}
	check(rd_done(&r));
}

static size_t put_sa(const struct ike1_sa *sa, uint8_t *buf, size_t room)
{
	struct ike_out o;
	uint8_t first;

	ike_out_init_chain(&o, buf, room, &first);
	ike1_put_sa(&o);
	for (uint8_t i = 0; i < sa->n_proposals; i++) {
		const struct ike1_proposal *p = &sa->proposal[i];
		struct ike1_open_part part = ike1_put_proposal(&o, i + 1 == sa->n_proposals, p->number,
		    p->protocol, p->spi, p->spi_len, p->n_transforms);

		inside(p->spi, p->spi_len);
		check(p->first + p->n_transforms <= sa->n_transforms);
		for (uint8_t k = 0; k < p->n_transforms; k++) {
			const struct ike1_transform *t = &sa->transform[p->first + k];
			struct ike1_open_part tp =
			    ike1_put_transform(&o, k + 1 == p->n_transforms, t->number, t->id);

			put_attrs(&o, t);
			try_meaning(t);
			ike1_end_part(&o, tp);
		}
		ike1_end_part(&o, part);
	}
	return ike_out_end(&o);
}

static void try_sa(const struct ike_payload *p)
{
	static struct ike1_sa sa, again;
	static uint8_t buf[70000], buf2[70000];
	size_t n, n2;

	if (ike1_sa_parse(p->body, p->len, &sa) != IKE_OK)
		return;
	n = put_sa(&sa, buf, sizeof(buf));
	check(n == p->len + IKE_PAYLOAD_HDR_LEN);
	begin = buf;
	end = buf + n;
	check(ike1_sa_parse(buf + IKE_PAYLOAD_HDR_LEN, n - IKE_PAYLOAD_HDR_LEN, &again) == IKE_OK);
	n2 = put_sa(&again, buf2, sizeof(buf2));
	check(n == n2 && memcmp(buf, buf2, n) == 0);
}

static void try_rest(const struct ike_payload *p)
{
	struct ike1_ident id;
	struct ike1_certificate c;
	struct ike1_notification nt;
	struct ike1_deletion d;
	struct ike1_config cfg;
	struct ike1_fragment f;
	struct inet_addr a, b;

	if (ike1_ident_parse(p, &id) == IKE_OK) {
		inside(id.data, id.len);
		if (ike1_ident_range(&id, &a, &b) == IKE_OK)
			check(inet_addr_cmp(&a, &b) <= 0);
	}
	if (ike1_cert_parse(p, &c) == IKE_OK)
		inside(c.data, c.len);
	if (ike1_notify_parse(p, &nt) == IKE_OK) {
		inside(nt.spi, nt.spi_len);
		inside(nt.data, nt.len);
	}
	if (ike1_delete_parse(p, &d) == IKE_OK)
		inside(d.spis, (size_t)d.spi_len * d.n_spis);
	if (ike1_config_parse(p, &cfg) == IKE_OK)
		inside(cfg.attrs, cfg.len);
	if (ike1_fragment_parse(p, &f) == IKE_OK)
		inside(f.data, f.len);
	if (ike1_nat_oa_parse(p, &a) == IKE_OK)
		check(a.family == INET_V4 || a.family == INET_V6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ike_chain c;
	struct ike_hdr h;

	if (n < 1 || ike_hdr_parse(data + 1, n - 1, &h) != IKE_OK)
		return 0;
	if (ike_chain_parse(h.next, data + 1 + IKE_HDR_LEN, n - 1 - IKE_HDR_LEN, data[0] & 1, &c) != IKE_OK)
		return 0;
	check(c.used <= n - 1 - IKE_HDR_LEN);
	for (uint32_t i = 0; i < c.n; i++) {
		begin = data;
		end = data + n;
		inside(c.p[i].body, c.p[i].len);
		try_rest(&c.p[i]);
		try_sa(&c.p[i]);
	}
	return 0;
}
