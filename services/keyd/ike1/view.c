/*
 * What people are shown. A row is made when it is asked for, in the order of numbers, so that whoever reads
 * slowly holds nothing here, and what comes and goes meanwhile is shown or not, but never twice.
 */
#include <stdio.h>

#include "keyd/core/core.h"
#include "keyd/core/ident.h"
#include "keyd/ike1/child.h"
#include "keyd/ike1/isakmp.h"
#include "keyd/ike1/quick.h"

enum { VERSION = 1 };

static uint64_t left_of(const struct core *c, const struct timer *t)
{
	uint64_t now = core_now(c);

	return t->place && t->due_ms > now ? t->due_ms - now : 0;
}

/* One's own is known as soon as it is said, the peer's once it is proved. */
static struct ike_id id_of(const struct octets *body)
{
	const struct ike_payload p = {.type = IKE1_P_ID, .body = body->p, .len = (uint32_t)body->n};
	struct ike_id id = {.kind = IKE_ID_NONE};
	struct ike1_ident wire;

	if (body->n && ike1_ident_parse(&p, &wire) == IKE_OK)
		(void)!ident_peer(&wire, &id);
	return id;
}

static void view_sa(const struct isakmp *sa, struct ike_sa_view *v)
{
	const struct isakmp_terms *t = &sa->terms;

	*v = (struct ike_sa_view){.number = sa->number,
	    .version = VERSION,
	    .state = isakmp_is_up(sa) ? IKE_VIEW_ESTABLISHED : IKE_VIEW_NEGOTIATING,
	    .initiator = sa->initiator,
	    .mode = sa->mode,
	    .local = sa->path.local,
	    .remote = sa->path.remote,
	    .local_port = sa->path.local_port,
	    .remote_port = sa->path.remote_port,
	    .local_id = id_of(sa->initiator ? &sa->idi : &sa->idr),
	    .enc = t->enc,
	    .key_bits = (uint16_t)(t->key_len * 8),
	    .prf = t->prf,
	    .group = t->group,
	    .auth = t->auth,
	    .age_ms = core_now(sa->core) - (isakmp_is_up(sa) ? sa->established_ms : sa->begun_ms),
	    .left_ms = left_of(sa->core, &sa->patience),
	    .nat_here = sa->nat_here,
	    .nat_there = sa->nat_there,
	    .dpd = sa->peer_dpd};
	if (isakmp_is_up(sa))
		v->remote_id = sa->peer_id;
	memcpy(v->spi_i, sa->icookie, sizeof(v->spi_i));
	memcpy(v->spi_r, sa->rcookie, sizeof(v->spi_r));
	snprintf(v->step, sizeof(v->step), "%s", isakmp_state_name(sa->state));
	snprintf(v->peer, sizeof(v->peer), "%s", isakmp_peer(sa)->name ? isakmp_peer(sa)->name : "");
	snprintf(v->trouble, sizeof(v->trouble), "%s", sa->trouble ? sa->trouble : "");
}

static void set_path(struct ike_child_view *v, const struct ike_path *p)
{
	v->local = p->local;
	v->remote = p->remote;
	v->local_port = p->local_port;
	v->remote_port = p->remote_port;
}

static void view_quick(const struct quick *q, struct ike_child_view *v)
{
	*v = (struct ike_child_view){.number = q->number,
	    .version = VERSION,
	    .state = IKE_VIEW_NEGOTIATING,
	    .initiator = q->initiator,
	    .has_selector = q->out.sel.src.addr.family != INET_NONE,
	    .selector = q->out.sel,
	    .policy = q->out.id,
	    .age_ms = core_now(q->sa->core) - q->begun_ms,
	    .left_ms = left_of(q->sa->core, &q->patience),
	    .n_parts = q->n_parts};
	set_path(v, &q->sa->path);
	snprintf(v->step, sizeof(v->step), "%s", quick_state_name(q->state));
	for (uint8_t i = 0; i < q->n_parts; i++)
		v->part[i] = (struct ike_part_view){.proto = q->part[i].proto,
		    .mode = q->part[i].mode,
		    .spi_in = q->part[i].spi_in,
		    .spi_out = q->part[i].spi_out};
}

static uint64_t life_left(const struct child *k)
{
	uint64_t age = core_now(k->core) - k->made_ms, life = k->seconds * 1000;

	return life > age ? life - age : 0;
}

static void view_child(const struct child *k, struct ike_child_view *v)
{
	*v = (struct ike_child_view){.number = k->number,
	    .version = VERSION,
	    .state = IKE_VIEW_ESTABLISHED,
	    .step = "established",
	    .initiator = k->initiator,
	    .replaced = k->replaced,
	    .has_selector = true,
	    .selector = k->out.sel,
	    .policy = k->out.id,
	    .age_ms = core_now(k->core) - k->made_ms,
	    .left_ms = life_left(k),
	    .seconds = k->seconds,
	    .kilobytes = k->kilobytes,
	    .group = k->group,
	    .n_parts = k->n_parts};
	set_path(v, &k->path);
	for (uint8_t i = 0; i < k->n_parts; i++)
		v->part[i] = (struct ike_part_view){.proto = k->part[i].proto,
		    .mode = k->part[i].mode,
		    .spi_in = k->part[i].spi_in,
		    .spi_out = k->part[i].spi_out,
		    .enc = k->part[i].enc,
		    .key_bits = k->part[i].wire_bits,
		    .auth = k->part[i].auth,
		    .comp = k->part[i].comp};
}

uint32_t core_view_sas(const struct core *c, uint64_t after, struct ike_sa_view *ret, uint32_t max)
{
	uint32_t n = 0;

	/* The oldest first: their numbers grow. */
	list_foreach (sa, &c->isakmp, struct isakmp, all) {
		if (sa->number <= after)
			continue;
		if (n == max)
			break;
		view_sa(sa, &ret[n++]);
	}
	return n;
}

uint32_t core_view_children(const struct core *c, uint64_t after, struct ike_child_view *ret, uint32_t max)
{
	uint32_t n = 0;

	list_foreach (k, &c->children, struct child, node) {
		if (k->number <= after)
			continue;
		if (n == max)
			break;
		view_child(k, &ret[n++]);
	}
	return n;
}

/* Puts one among the `max` with the lowest numbers. */
static uint32_t put_lowest(const struct quick *q, const struct quick **ret, uint32_t n, uint32_t max)
{
	uint32_t at = n;

	while (at && ret[at - 1]->number > q->number)
		at--;
	if (at == max)
		return n;
	n = n < max ? n + 1 : max;
	memmove(&ret[at + 1], &ret[at], (n - at - 1) * sizeof(*ret));
	ret[at] = q;
	return n;
}

uint32_t core_view_coming(const struct core *c, uint64_t after, struct ike_child_view *ret, uint32_t max)
{
	const struct quick *lowest[CORE_VIEW_MAX];
	uint32_t n = 0;

	if (max > CORE_VIEW_MAX)
		max = CORE_VIEW_MAX;
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			if (q->state != QUICK_DONE && q->number > after)
				n = put_lowest(q, lowest, n, max);
	for (uint32_t i = 0; i < n; i++)
		view_quick(lowest[i], &ret[i]);
	return n;
}
