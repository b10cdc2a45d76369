/*
 * Each fragment has a proof of its own (RFC 7383 section 2.5), so what is kept is the peer's; whoever has not
 * proved who he is has little room all the same.
 */
#include "keyd/ike2/message.h"

#include <errno.h>
#include <stdlib.h>

#include "crypto/ike2_seal.h"
#include "keyd/core/frags.h"
#include "wire/ike/v2_sk.h"

enum { VERSION = 2 };

struct ike_hdr ike2_header(const struct ikesa *sa, uint8_t exchange, bool response, uint32_t msg_id)
{
	struct ike_hdr h = {.major = VERSION,
	    .exchange = exchange,
	    .flags = (uint8_t)((sa->initiator ? IKE2_F_INITIATOR : 0) | (response ? IKE2_F_RESPONSE : 0)),
	    .msg_id = msg_id};

	memcpy(h.icookie, sa->spi_i, IKE2_SPI);
	memcpy(h.rcookie, sa->spi_r, IKE2_SPI);
	return h;
}

static struct ike2_sk_sizes sizes_of(const struct ikesa *sa)
{
	return ike2_sk_sizes(sa->terms.suite.enc, sa->terms.suite.auth);
}

void ike2_out_begin(struct ikesa *sa, struct ike2_out *m)
{
	struct core *c = sa->core;

	ike_out_init_chain(&m->o, c->chain, sizeof(c->chain), &m->first);
}

/* One datagram. */
static int seal_part(
    struct ikesa *sa, const struct ike_hdr *h, const struct ike2_sk_part *part, struct ike2_train *to)
{
	const struct ike2_guard g = ike2_guard(&sa->keys, sa->initiator);
	struct core *c = sa->core;
	struct ike2_text text;
	struct ike2_sk sk;
	struct ike_out o;
	size_t n;
	int r;

	ike_out_init(&o, c->out, sizeof(c->out), h);
	n = ike2_put_sk(&o, sizes_of(sa), part, &sk);
	if (!n)
		return -EMSGSIZE;
	text = (struct ike2_text){
	    .aad = sk.aad, .iv = sk.iv, .data = sk.data, .icv = sk.icv, .aad_len = sk.aad_len, .len = sk.len};
	r = ike2_seal(&g, &sa->sealed, c->rng, &text);
	return r < 0 ? r : ike2_train_add(to, c->out, (uint32_t)n);
}

static int seal_parts(
    struct ikesa *sa, const struct ike_hdr *h, const struct ike2_out *m, size_t n, struct ike2_train *to)
{
	size_t fit = ike2_sk_fits(sizes_of(sa), FRAGS_FIT, true), total = fit ? (n + fit - 1) / fit : 0;
	int r = 0;

	if (!total || total > IKE2_PARTS_MAX)
		return -EMSGSIZE;
	for (size_t i = 0; r == 0 && i < total; i++) {
		const struct ike2_sk_part part = {.first = i ? IKE2_P_NONE : m->first,
		    .number = (uint16_t)(i + 1),
		    .total = (uint16_t)total,
		    .inner = sa->core->chain + i * fit,
		    .len = i + 1 < total ? fit : n - i * fit};

		r = seal_part(sa, h, &part, to);
	}
	return r;
}

int ike2_out_train(struct ikesa *sa, struct ike2_out *m, uint8_t exchange, bool response, uint32_t msg_id,
    struct ike2_train *ret)
{
	const struct ike_hdr h = ike2_header(sa, exchange, response, msg_id);
	struct ike2_train train = {0};
	size_t n = ike_out_end(&m->o);
	int r;

	if (!n && m->first)
		return -EMSGSIZE;
	if (sa->cuts && n > ike2_sk_fits(sizes_of(sa), FRAGS_FIT, false))
		r = seal_parts(sa, &h, m, n, &train);
	else
		r = seal_part(sa, &h,
		    &(struct ike2_sk_part){.first = m->first, .inner = sa->core->chain, .len = n}, &train);
	ike2_train_fini(ret);
	if (r < 0)
		ike2_train_fini(&train);
	*ret = train;
	return r;
}

void ike2_parts_drop(struct ikesa *sa)
{
	struct ike2_parts *p = sa->parts;

	if (!p)
		return;
	sa->core->ike2.unproved_parts -= p->weighed;
	for (size_t i = 0; i < IKE2_PARTS_MAX; i++)
		octets_fini(&p->part[i]);
	free(p);
	sa->parts = NULL;
}

static bool is_of(const struct ike2_parts *p, const struct ike_hdr *h, const struct ike2_sk *sk)
{
	return p->msg_id == h->msg_id && p->response == !!(h->flags & IKE2_F_RESPONSE) &&
	       p->total == sk->total;
}

/* The place for this message. A peer that begins anew with more fragments found the path to be narrower;
 * fewer are of an earlier try (RFC 7383 section 2.6.1). */
static struct ike2_parts *parts_for(struct ikesa *sa, const struct ike_hdr *h, const struct ike2_sk *sk)
{
	struct ike2_parts *p = sa->parts;
	bool response = h->flags & IKE2_F_RESPONSE;

	if (p && is_of(p, h, sk))
		return p;
	if (p && p->msg_id == h->msg_id && p->response == response && p->total > sk->total)
		return NULL;
	ike2_parts_drop(sa);
	p = calloc(1, sizeof(*p));
	if (p)
		*p = (struct ike2_parts){.msg_id = h->msg_id, .response = response, .total = sk->total};
	sa->parts = p;
	return p;
}

static enum ike2_opened parse(struct ikesa *sa, uint8_t first, size_t n, struct ike_chain *ret)
{
	return ike_chain_parse(first, sa->core->in, n, false, ret) == IKE_OK ? IKE2_OPEN_WHOLE
	                                                                     : IKE2_OPEN_SYNTAX;
}

static enum ike2_opened join(struct ikesa *sa, struct ike_chain *ret)
{
	struct ike2_parts *p = sa->parts;
	uint8_t first = p->first;
	size_t at = 0;

	for (uint16_t i = 0; i < p->total; i++) {
		memcpy(sa->core->in + at, p->part[i].p, p->part[i].n);
		at += p->part[i].n;
	}
	ike2_parts_drop(sa);
	return parse(sa, first, at, ret);
}

/* Whoever has proved nothing may keep others that have not from sending fragments, and nobody else. */
static bool weigh(struct ikesa *sa, struct ike2_parts *p, size_t n)
{
	if (sa->proved)
		return true;
	if (sa->core->ike2.unproved_parts + n > IKE2_STRANGERS_PARTS_ALL)
		return false;
	sa->core->ike2.unproved_parts += n;
	p->weighed += n;
	return true;
}

/* One fragment, deciphered in core->in. */
static enum ike2_opened take_part(
    struct ikesa *sa, const struct ike_hdr *h, const struct ike2_sk *sk, uint32_t n, struct ike_chain *ret)
{
	size_t most = sa->proved ? IKE2_MESSAGE_MAX : IKE2_STRANGERS_PARTS;
	struct ike2_parts *p;

	if (!sa->cuts || sk->total > IKE2_PARTS_MAX)
		return IKE2_OPEN_FALSE;
	p = parts_for(sa, h, sk);
	if (!p)
		return IKE2_OPEN_FALSE;
	if (p->part[sk->number - 1].p)
		return IKE2_OPEN_MORE;
	if (p->octets + n > most || !weigh(sa, p, n) ||
	    octets_set(&p->part[sk->number - 1], sk->data, n) < 0) {
		ike2_parts_drop(sa);
		return IKE2_OPEN_FALSE;
	}
	p->octets += n;
	if (sk->number == 1)
		p->first = sk->first;
	return ++p->n == p->total ? join(sa, ret) : IKE2_OPEN_MORE;
}

enum ike2_opened ike2_open_message(
    struct ikesa *sa, const struct ike_hdr *h, const uint8_t *d, struct ike_chain *ret)
{
	const struct ike2_guard g = ike2_guard(&sa->keys, !sa->initiator);
	struct core *c = sa->core;
	struct ike2_text text;
	struct ike_chain outer;
	struct ike2_sk sk;
	uint32_t n;

	memcpy(c->in, d, h->length);
	if (ike2_chain_parse(h, c->in, h->length, &outer) != IKE_OK ||
	    ike2_sk_find(c->in, h->length, &outer, sizes_of(sa), &sk) != IKE_OK)
		return IKE2_OPEN_FALSE;
	text = (struct ike2_text){
	    .aad = sk.aad, .iv = sk.iv, .data = sk.data, .icv = sk.icv, .aad_len = sk.aad_len, .len = sk.len};
	if (ike2_open(&g, &text) < 0)
		return IKE2_OPEN_FALSE;
	c->counters.fragments += sk.total != 0;
	if (ike2_sk_inner(&sk, &n) != IKE_OK)
		return IKE2_OPEN_SYNTAX;
	if (sk.total)
		return take_part(sa, h, &sk, n, ret);
	memmove(c->in, sk.data, n);
	return parse(sa, sk.first, n, ret);
}
