/*
 * What a quick asks of policyd and datapathd on its way: leave, numbers, and SAs. One part after the other;
 * one question is out at a time.
 */
#include <errno.h>

#include "keyd/ike1/quick.h"
#include "keyd/ike1/trace.h"

static struct quick *waiter(struct parked *p)
{
	return container_of(p, struct quick, wait);
}

static uint64_t park(struct quick *q, parked_fn fn)
{
	return parking_enter(&q->sa->core->parking, &q->wait, fn);
}

static void on_grant(struct parked *p, struct core_reply *r)
{
	struct quick *q = waiter(p);

	if (r->result < 0) {
		quick_fail(q, IKE1_N_INVALID_ID_INFORMATION, "policyd gives no leave: %s", r->why);
		return;
	}
	q->grant = r->number;
	q->then(q);
}

void quick_ask_grant(struct quick *q, void (*then)(struct quick *q))
{
	const struct core_ports *ports = &q->sa->core->ports;
	const struct core_grant g = {.ticket = q->sa->ticket.p,
	    .n_ticket = q->sa->ticket.n,
	    .policy = q->out.id,
	    .path = &q->sa->path};
	int r;

	q->then = then;
	quick_set_state(q, QUICK_GRANTING);
	r = ports->grant(ports->arg, park(q, on_grant), &g);
	if (r < 0)
		quick_fail(q, 0, "policyd cannot be asked: %s", err_name(r));
}

static void next_spi(struct quick *q);

static void on_spi(struct parked *p, struct core_reply *r)
{
	struct quick *q = waiter(p);

	if (r->result < 0) {
		quick_fail(q, 0, "datapathd gives no SPI: %s", r->why);
		return;
	}
	q->part[q->at].spi_in = (uint32_t)r->number;
	trace_spi(q, &q->part[q->at++]);
	next_spi(q);
}

static void next_spi(struct quick *q)
{
	const struct core_ports *ports = &q->sa->core->ports;
	int r;

	if (q->at == q->n_parts) {
		q->then(q);
		return;
	}
	r = ports->reserve(ports->arg, park(q, on_spi), q->grant, &q->sa->path.remote, &q->sa->path.local,
	    q->part[q->at].proto);
	if (r < 0)
		quick_fail(q, 0, "datapathd cannot be asked for an SPI: %s", err_name(r));
}

void quick_ask_spis(struct quick *q, void (*then)(struct quick *q))
{
	q->then = then;
	q->at = 0;
	quick_set_state(q, QUICK_NUMBERING);
	next_spi(q);
}

static void next_install(struct quick *q);

static void on_installed(struct parked *p, struct core_reply *r)
{
	struct quick *q = waiter(p);
	struct quick_part *part = &q->part[q->at];

	if (r->result < 0) {
		quick_fail(q, 0, "datapathd takes no SA: %s", r->why);
		return;
	}
	if (q->state == QUICK_OPENING)
		part->serial_in = r->number;
	else
		part->serial_out = r->number;
	trace_installed(q, part, q->state == QUICK_OPENING);
	q->at++;
	next_install(q);
}

static void next_install(struct quick *q)
{
	const struct core_ports *ports = &q->sa->core->ports;
	AUTO_SECRET struct secret *keymat = NULL;
	bool inbound = q->state == QUICK_OPENING;
	struct sa_desc sa;
	int r;

	if (q->at == q->n_parts) {
		q->then(q);
		return;
	}
	r = quick_sa(q, &q->part[q->at], inbound, &sa, &keymat);
	if (r == 0)
		r = ports->install(
		    ports->arg, park(q, on_installed), q->grant, &sa, inbound ? 0 : q->part[q->at].serial_in);
	if (r < 0)
		quick_fail(q, 0, "the SA cannot be made: %s", err_name(r));
}

void quick_install(struct quick *q, bool inbound, void (*then)(struct quick *q))
{
	q->then = then;
	q->at = 0;
	for (uint8_t i = 0; inbound && i < q->n_parts; i++)
		trace_part(q, &q->part[i]);
	quick_set_state(q, inbound ? QUICK_OPENING : QUICK_SENDING);
	next_install(q);
}
