/*
 * A child that one side deletes is deleted by the other side too, which says so in its answer
 * (section 1.4.1); when both delete it at once the answers are empty.
 */
#include "keyd/ike2/inform.h"

#include <errno.h>

#include "base/rd.h"
#include "base/wr.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/pair.h"

enum {
	SPI_LEN = 4,
	DROPPED_MAX = 64,
	LOOKED_MAX = 256, /* SPIs of one message that are looked for among all children */
};

static uint8_t wire_proto(enum ipsec_proto p)
{
	return p == IPSEC_AH ? IKE2_PROTO_AH : IKE2_PROTO_ESP;
}

static void put_spis(struct ike_out *o, uint8_t protocol, const uint32_t *spi, uint16_t n)
{
	uint8_t octets[SPI_LEN * DROPPED_MAX];
	struct wr w = wr_init(octets, sizeof(octets));
	const struct ike2_deletion d = {
	    .protocol = protocol, .spi_len = SPI_LEN, .n_spis = n, .spis = octets};

	for (uint16_t i = 0; i < n; i++)
		wr_u32(&w, spi[i]);
	if (n)
		ike2_put_delete(o, &d);
}

void inform_ask(struct ikesa *sa, const struct ike2_task *t)
{
	const struct ike2_deletion whole = {.protocol = IKE2_PROTO_IKE};
	struct ike2_out m;

	ike2_out_begin(sa, &m);
	if (t->kind == IKE2_TASK_DROP_SA)
		ike2_put_delete(&m.o, &whole);
	else if (t->kind == IKE2_TASK_DROP_CHILD)
		put_spis(&m.o, wire_proto(t->proto), &t->spi, 1);
	if (ike2_send_request(sa, &m, IKE2_INFORMATIONAL, t) < 0)
		ike2_sa_end(sa, "a message could not be made");
}

void inform_response(struct ikesa *sa, const struct ike2_task *t, const struct ike_chain *c)
{
	(void)c;
	if (t->kind == IKE2_TASK_DROP_SA)
		ike2_sa_end(sa, NULL);
}

void inform_drop_child(struct child *k)
{
	struct ikesa *sa = k->owner;
	const struct child_part *x = &k->part[k->n_parts - 1];

	if (ike2_is_up(sa))
		(void)!ike2_ask(sa,
		    &(struct ike2_task){.kind = IKE2_TASK_DROP_CHILD, .proto = x->proto, .spi = x->spi_in});
}

/* --- the peer's --- */

static bool is_replaced(const struct child *k)
{
	if (k->replaced)
		return true;
	list_foreach (p, &((struct ikesa *)k->owner)->pairs, struct ike2_pair, node)
		if (p->old == k && p->state >= PAIR_HOLDING)
			return true;
	return false;
}

/* Its own SPI, for the answer; 0: it has none to say. */
static uint32_t drop(struct ikesa *sa, enum ipsec_proto proto, uint32_t spi)
{
	struct child *k = pair_child(sa, proto, spi);
	uint32_t own;

	if (!k) {
		struct ike2_pair *p = pair_making(sa, proto, spi);

		/* Before it was in use: of two renewals the redundant one. */
		if (p) {
			p->is_made = false;
			pair_fail(p, 0, "deleted by the peer: redundant");
		}
		return 0;
	}
	own = k->told ? 0 : k->part[k->n_parts - 1].spi_in;
	k->told = true;
	if (!is_replaced(k)) {
		child_end(k, false, CHILD_PEER_DELETED);
		return own;
	}
	/* What is on its way still needs it, for a moment. */
	if (!k->replaced)
		child_replace(k);
	pair_old_gone(k);
	return own;
}

static void take_delete(struct ikesa *sa, const struct ike2_deletion *d, struct ike2_out *m)
{
	enum ipsec_proto proto = d->protocol == IKE2_PROTO_AH ? IPSEC_AH : IPSEC_ESP;
	struct rd r = rd_init(d->spis, (size_t)d->n_spis * d->spi_len);
	uint32_t own[DROPPED_MAX];
	uint16_t n = 0;

	for (uint16_t i = 0; i < d->n_spis && i < LOOKED_MAX && n < DROPPED_MAX; i++) {
		uint32_t spi = drop(sa, proto, rd_u32(&r));

		if (spi)
			own[n++] = spi;
	}
	put_spis(&m->o, d->protocol, own, n);
}

/* It goes at once, but has to answer. */
static void leave_too(struct ikesa *sa, struct ike2_out *m)
{
	ike2_send_answer(sa, m, IKE2_INFORMATIONAL);
	ike2_sa_end(sa, sa->state == IKE2_S_REPLACED ? "replaced" : "deleted by the peer");
}

void inform_request(struct ikesa *sa, const struct ike_chain *c)
{
	const struct ike_payload *p;
	struct ike2_deletion d;
	struct ike2_out m;

	ike2_out_begin(sa, &m);
	for (uint32_t i = 0; (p = ike_chain_find(c, IKE2_P_DELETE, i)); i++) {
		if (ike2_delete_parse(p, &d) != IKE_OK) {
			ike2_send_refusal(sa, IKE2_INFORMATIONAL, IKE2_N_INVALID_SYNTAX, NULL, 0);
			return;
		}
		if (d.protocol == IKE2_PROTO_IKE) {
			leave_too(sa, &m);
			return;
		}
		if (d.spi_len == SPI_LEN)
			take_delete(sa, &d, &m);
	}
	ike2_send_answer(sa, &m, IKE2_INFORMATIONAL);
}

/* --- is anybody there? --- */

static void on_probe(struct timer *t, void *arg)
{
	struct ikesa *sa = container_of(t, struct ikesa, probe);
	struct core *c = arg;
	uint64_t quiet = core_now(c) - sa->heard_ms, delay = (uint64_t)ike2_peer(sa)->dpd.delay_s * 1000;

	if (!ike2_is_up(sa))
		return;
	if (quiet >= delay && !sa->own.out)
		(void)!ike2_ask(sa, &(struct ike2_task){.kind = IKE2_TASK_PROBE});
	if (sa->state == IKE2_S_UP)
		(void)!timer_set(
		    &c->timers, t, core_now(c) + (quiet >= delay ? delay : delay - quiet), on_probe);
}

void inform_plan_probe(struct ikesa *sa)
{
	uint64_t delay = (uint64_t)ike2_peer(sa)->dpd.delay_s * 1000;

	if (delay)
		(void)!timer_set(&sa->core->timers, &sa->probe, core_now(sa->core) + delay, on_probe);
}
