/*
 * Traffic flow confidentiality for idle associations (RFC 4303 section 2.6): which of them are due for a
 * dummy packet. Only those that encrypt, and only while they are the outermost header of what is sent.
 */
#include "datapathd/datapathd.h"

static bool is_due(const struct sa *sa, uint64_t now_ms, uint64_t quiet_ms)
{
	return sa->desc.proto == IPSEC_ESP && sa->desc.enc != ALG_ENC_NULL && !sa->dead_ms &&
	       atomic_load_explicit(&sa->rt->outermost, memory_order_relaxed) &&
	       now_ms >= atomic_load(&sa->slot->run.last_used_ms) + quiet_ms;
}

void datapathd_dummies(struct datapathd *d)
{
	uint64_t now = clock_now_ms(service_clock(d->service));
	uint64_t quiet_ms = tunables_unpack(atomic_load(&d->tune)).dummy * 1000ull;
	const struct spd_view *view = atomic_load(&d->view);
	unsigned n = 0;

	/* While IPsec is switched off nothing is hidden, and nothing has to look so. */
	if (!quiet_ms || !d->worker || !view || !view->enabled)
		return;
	list_foreach (sa, &d->sad.all, struct sa, link) {
		const struct dummy_due due = {.dst = sa->desc.dst, .spi = sa->desc.spi};

		if (!is_due(sa, now, quiet_ms))
			continue;
		if (!worker_ask_dummy(d->worker, &due))
			break; /* the others are due next time, these are not */
		n++;
	}
	if (n)
		worker_wake(d->worker);
}
