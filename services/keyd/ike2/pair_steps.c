/*
 * What a pair asks of policyd and datapathd on its way: leave, numbers, and SAs. One part after the other;
 * one question is out at a time.
 */
#include <errno.h>

#include "keyd/ike2/pair_more.h"
#include "wire/ike/v2.h"

static struct ike2_pair *waiter(struct parked *w)
{
	return container_of(w, struct ike2_pair, wait);
}

static uint64_t park(struct ike2_pair *p, parked_fn fn)
{
	return parking_enter(&p->sa->core->parking, &p->wait, fn);
}

static void on_grant(struct parked *w, struct core_reply *r)
{
	struct ike2_pair *p = waiter(w);

	if (r->result < 0) {
		pair_fail(p, IKE2_N_TS_UNACCEPTABLE, "policyd gives no leave: %s", r->why);
		return;
	}
	p->grant = r->number;
	p->then(p);
}

void pair_ask_grant(struct ike2_pair *p, pair_fn then)
{
	const struct core_ports *ports = &p->sa->core->ports;
	uint32_t more[SA_MORE_MAX];
	const struct core_grant g = {.ticket = p->sa->ticket.p,
	    .n_ticket = p->sa->ticket.n,
	    .policy = p->out.id,
	    .more = more,
	    .n_more = pair_more_policies(p, more),
	    .path = &p->sa->path};
	int r;

	p->then = then;
	pair_set_state(p, PAIR_GRANTING);
	r = ports->grant(ports->arg, park(p, on_grant), &g);
	if (r < 0)
		pair_fail(p, 0, "policyd cannot be asked: %s", err_name(r));
}

static void next_spi(struct ike2_pair *p);

static void on_spi(struct parked *w, struct core_reply *r)
{
	struct ike2_pair *p = waiter(w);

	if (r->result < 0) {
		pair_fail(p, 0, "datapathd gives no SPI: %s", r->why);
		return;
	}
	p->part[p->at++].spi_in = (uint32_t)r->number;
	next_spi(p);
}

static void next_spi(struct ike2_pair *p)
{
	const struct core_ports *ports = &p->sa->core->ports;
	int r;

	if (p->at == p->n_parts) {
		p->then(p);
		return;
	}
	r = ports->reserve(ports->arg, park(p, on_spi), p->grant, &p->sa->path.remote, &p->sa->path.local,
	    p->part[p->at].proto);
	if (r < 0)
		pair_fail(p, 0, "datapathd cannot be asked for an SPI: %s", err_name(r));
}

void pair_ask_spis(struct ike2_pair *p, pair_fn then)
{
	p->then = then;
	p->at = 0;
	pair_set_state(p, PAIR_NUMBERING);
	next_spi(p);
}

static void next_install(struct ike2_pair *p);

static void on_installed(struct parked *w, struct core_reply *r)
{
	struct ike2_pair *p = waiter(w);
	struct pair_part *part = &p->part[p->at];

	if (r->result < 0) {
		pair_fail(p, 0, "datapathd takes no SA: %s", r->why);
		return;
	}
	if (p->state == PAIR_OPENING)
		part->serial_in = r->number;
	else
		part->serial_out = r->number;
	p->at++;
	next_install(p);
}

static void next_install(struct ike2_pair *p)
{
	const struct core_ports *ports = &p->sa->core->ports;
	bool inbound = p->state == PAIR_OPENING;
	uint32_t more[SA_MORE_MAX];
	struct sa_desc sa;
	int r;

	if (p->at == p->n_parts) {
		p->then(p);
		return;
	}
	r = pair_make_keys(p);
	sa = pair_sa(p, p->at, inbound, more);
	if (r == 0)
		r = ports->install(
		    ports->arg, park(p, on_installed), p->grant, &sa, inbound ? 0 : p->part[p->at].serial_in);
	if (r < 0)
		pair_fail(p, 0, "the SA cannot be made: %s", err_name(r));
}

void pair_install(struct ike2_pair *p, bool inbound, pair_fn then)
{
	p->then = then;
	p->at = 0;
	pair_set_state(p, inbound ? PAIR_OPENING : PAIR_SENDING);
	next_install(p);
}
