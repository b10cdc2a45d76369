/*
 * Messages in fragments: a sequence of fragments against a model that remembers everything, and a message
 * that is cut and joined again, its fragments in an order that the input says.
 *
 * Input: steps of an octet (number, 0x80: last), one of id, one of length, and data.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "keyd/core/frags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { LAST = 0x80, ROOM = 200, FIT = 60 };

/* All parts of one message, as octets in a row. */
static struct {
	uint8_t has[256], len[256], octets[256][256];
	unsigned id;
	unsigned last;
} model;

static void must(bool true_)
{
	if (!true_)
		abort();
}

static void forget(void)
{
	memset(&model, 0, sizeof(model));
}

static void model_add(const struct ike1_fragment *p)
{
	if (model.id != p->id)
		forget();
	model.id = p->id;
	model.has[p->number] = 1;
	model.len[p->number] = (uint8_t)p->len;
	memcpy(model.octets[p->number], p->data, p->len);
	if (p->last)
		model.last = p->number;
}

/* What was said to be whole has each part from 1 to the last, with the octets that came last. */
static void check_whole(const struct frags *f)
{
	static uint8_t joined[FRAGS_OCTETS_MAX];
	size_t at = 0;

	frags_join(f, joined);
	must(model.last);
	for (unsigned i = 1; i <= model.last; i++) {
		must(model.has[i] && memcmp(joined + at, model.octets[i], model.len[i]) == 0);
		at += model.len[i];
	}
	must(at == f->octets);
}

static void sequence(const uint8_t *data, size_t n)
{
	struct rd r = rd_init(data, n);
	struct frags f = {0};

	forget();
	while (rd_left(&r) >= 3) {
		uint8_t number = rd_u8(&r);
		struct ike1_fragment p = {
		    .number = number & (LAST - 1), .last = number & LAST, .id = rd_u8(&r)};
		enum frags_result got;

		p.len = rd_u8(&r) % ROOM;
		p.data = rd_bytes(&r, p.len);
		if (!p.data)
			break;
		got = frags_add(&f, &p);
		must(f.octets <= FRAGS_OCTETS_MAX);
		if (got == FRAGS_REFUSED) {
			must(!f.n && !f.octets);
			forget();
			continue;
		}
		model_add(&p);
		if (got == FRAGS_WHOLE) {
			check_whole(&f);
			frags_fini(&f);
			forget();
		}
	}
	frags_fini(&f);
}

struct order {
	uint8_t piece[FRAGS_PARTS_MAX][FIT];
	size_t len[FRAGS_PARTS_MAX], n;
};

static void collect(void *arg, const uint8_t *d, size_t n)
{
	struct order *o = arg;

	must(o->n < FRAGS_PARTS_MAX && n <= FIT);
	memcpy(o->piece[o->n], d, n);
	o->len[o->n++] = n;
}

static enum frags_result give(struct frags *f, const uint8_t *d, size_t n)
{
	struct ike_chain c;
	struct ike_hdr h;
	struct ike1_fragment p;

	must(ike_hdr_parse(d, n, &h) == IKE_OK && h.next == IKE1_P_FRAGMENT && !h.flags);
	must(ike_chain_parse(h.next, d + IKE_HDR_LEN, n - IKE_HDR_LEN, false, &c) == IKE_OK && c.n == 1);
	must(ike1_fragment_parse(&c.p[0], &p) == IKE_OK);
	return frags_add(f, &p);
}

/* The data as a message's body; its octets say which fragment comes first. */
static void there_and_back(const uint8_t *data, size_t n)
{
	enum { BODY_MAX = 1200 };
	static uint8_t message[IKE_HDR_LEN + BODY_MAX], joined[FRAGS_OCTETS_MAX], buf[FIT];
	static struct order o;
	struct ike_hdr h = {.major = 1, .exchange = IKE1_MAIN, .flags = IKE1_F_ENCRYPTED, .next = 1};
	struct frags f = {0};
	struct ike_out out;
	size_t len, begin;

	n = n < BODY_MAX ? n : BODY_MAX;
	ike_out_init(&out, message, sizeof(message), &h);
	if (n > IKE_PAYLOAD_HDR_LEN)
		ike_out_whole(&out, IKE1_P_VENDOR, data, n - IKE_PAYLOAD_HDR_LEN);
	len = ike_out_end(&out);
	must(len);
	o.n = 0;
	must(frags_cut(message, len, buf, sizeof(buf), collect, &o));
	begin = n ? data[0] % o.n : 0;
	for (size_t i = 0; i < o.n; i++) {
		size_t at = (begin + i) % o.n;
		enum frags_result got = give(&f, o.piece[at], o.len[at]);

		must(got == (i + 1 == o.n ? FRAGS_WHOLE : FRAGS_MORE));
	}
	must(f.octets == len);
	frags_join(&f, joined);
	must(memcmp(joined, message, len) == 0);
	frags_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	sequence(data, n);
	there_and_back(data, n);
	return 0;
}
