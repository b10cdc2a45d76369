/*
 * Version 1's SAs as rows. Pairs that are up stand by themselves: they outlive the ISAKMP SA under which they
 * were made.
 */
#include "keyd/ike1/rows.h"

#include "keyd/ike1/child.h"
#include "keyd/ike1/quick.h"

static uint64_t since(const struct core *c, uint64_t ms)
{
	return ms ? core_now(c) - ms : 0;
}

/* 0: it is not set. */
static uint64_t until(const struct core *c, const struct timer *t)
{
	uint64_t now = core_now(c);

	if (!t->place)
		return 0;
	return t->due_ms > now ? t->due_ms - now : 1;
}

/* racoonctl's numbers count the messages: odd ones are of the last one sent, even ones of the last received.
 */
static uint32_t progress_of(enum isakmp_state s)
{
	static const uint8_t table[ISAKMP_STATES] = {[ISAKMP_I_NEW] = 1,
	    [ISAKMP_I_SA] = 3,
	    [ISAKMP_I_KE] = 5,
	    [ISAKMP_I_SKEYID] = 6,
	    [ISAKMP_I_PROVE] = 6,
	    [ISAKMP_I_AUTH] = 7,
	    [ISAKMP_I_CHECK] = 8,
	    [ISAKMP_I_OFFERED] = 3,
	    [ISAKMP_I_HELLO] = 3,
	    [ISAKMP_I_SHOWN] = 5,
	    [ISAKMP_R_NEW] = 2,
	    [ISAKMP_R_SA] = 3,
	    [ISAKMP_R_KE] = 5,
	    [ISAKMP_R_SKEYID] = 4,
	    [ISAKMP_R_PROVE] = 6,
	    [ISAKMP_R_ANSWERED] = 3,
	    [ISAKMP_R_HELLO] = 3,
	    [ISAKMP_R_CHECK] = 6,
	    [ISAKMP_UP] = 9,
	    [ISAKMP_GONE] = 10};

	return (unsigned)s < ISAKMP_STATES ? table[s] : 0;
}

static uint32_t count_children(const struct core *c, const struct inet_addr *remote)
{
	uint32_t n = 0;

	list_foreach (k, &c->children, struct child, node)
		n += inet_addr_equal(&k->path.remote, remote);
	return n;
}

static void put_terms(const struct isakmp *sa, struct ike_row_sa *r)
{
	r->agreed = sa->terms.enc != ALG_ENC_NONE && sa->block;
	if (!r->agreed)
		return;
	r->enc = sa->terms.enc;
	r->key_bits = (uint16_t)(sa->terms.key_len * 8);
	r->prf = sa->terms.prf;
	r->group = sa->terms.group;
	r->auth = sa->terms.auth;
}

void rows_isakmp(const struct isakmp *sa, struct ike_row_sa *ret)
{
	const struct core *c = sa->core;
	const struct ike_peer *p = isakmp_peer(sa);

	*ret = (struct ike_row_sa){.version = 1,
	    .state = isakmp_is_up(sa) ? IKE_ROW_UP : IKE_ROW_CONNECTING,
	    .detail = isakmp_state_name(sa->state),
	    .progress = progress_of(sa->state),
	    .initiator = sa->initiator,
	    .mode = sa->mode,
	    .local = sa->path.local,
	    .remote = sa->path.remote,
	    .local_port = sa->path.local_port,
	    .remote_port = sa->path.remote_port,
	    .name = p->name ? p->name : "",
	    .peer_id = sa->peer_id,
	    .age_ms = since(c, sa->begun_ms),
	    .up_ms = since(c, sa->established_ms),
	    .left_ms = until(c, &sa->patience),
	    .renew_ms = until(c, &sa->renew),
	    .idle_ms = since(c, sa->heard_ms),
	    .nat_here = sa->nat_here,
	    .nat_there = sa->nat_there,
	    .dpd_delay_s = isakmp_is_up(sa) && sa->peer_dpd ? p->dpd.delay_s : 0,
	    .dpd_unanswered = sa->dpd_unanswered,
	    .n_children = count_children(c, &sa->path.remote)};
	memcpy(ret->spi_i, sa->icookie, IKE_COOKIE_LEN);
	memcpy(ret->spi_r, sa->rcookie, IKE_COOKIE_LEN);
	put_terms(sa, ret);
}

void rows_child(const struct child *k, struct ike_row_child *ret)
{
	uint64_t age = since(k->core, k->made_ms), life = k->seconds * 1000;

	*ret = (struct ike_row_child){.version = 1,
	    .state = k->replaced ? IKE_ROW_REPLACED : IKE_ROW_UP,
	    .detail = k->replaced ? "a newer pair has taken over" : "established",
	    .initiator = k->initiator,
	    .local = k->path.local,
	    .remote = k->path.remote,
	    .policy = k->out.id,
	    .sel = k->out.sel,
	    .n_parts = k->n_parts,
	    .age_ms = age,
	    .life_ms = life,
	    .left_ms = life > age ? life - age : 0,
	    .renew_ms = until(k->core, &k->renew)};
	for (uint8_t i = 0; i < k->n_parts; i++) {
		const struct child_part *p = &k->part[i];

		ret->part[i] = (struct ike_row_part){.proto = p->proto,
		    .mode = p->mode,
		    .spi_in = p->spi_in,
		    .spi_out = p->spi_out,
		    .enc = p->enc,
		    .key_bits = p->bits,
		    .auth = p->auth,
		    .comp = p->comp};
	}
}

void rows_quick(const struct quick *q, struct ike_row_child *ret)
{
	*ret = (struct ike_row_child){.version = 1,
	    .state = IKE_ROW_CONNECTING,
	    .detail = quick_state_name(q->state),
	    .initiator = q->initiator,
	    .local = q->sa->path.local,
	    .remote = q->sa->path.remote,
	    .has_parent = true,
	    .policy = q->out.id,
	    .sel = q->out.sel,
	    .age_ms = since(q->sa->core, q->begun_ms),
	    .left_ms = until(q->sa->core, &q->patience)};
	memcpy(ret->spi_i, q->sa->icookie, IKE_COOKIE_LEN);
	memcpy(ret->spi_r, q->sa->rcookie, IKE_COOKIE_LEN);
}

/* Until it knows its policy, an answering side has no selector to show; done ones only repeat themselves. */
static bool is_shown(const struct quick *q)
{
	return q->state != QUICK_DONE && q->out.id;
}

static void show_sa(const struct isakmp *sa, core_row_fn fn, void *arg)
{
	struct ike_row_child child;
	struct ike_row_sa row;

	rows_isakmp(sa, &row);
	fn(arg, &(struct ike_row){.sa = &row});
	list_foreach (q, &sa->quicks, struct quick, node) {
		if (!is_shown(q))
			continue;
		rows_quick(q, &child);
		fn(arg, &(struct ike_row){.child = &child});
	}
}

void core_show(struct core *c, core_row_fn fn, void *arg)
{
	struct ike_row_child child;

	list_foreach (sa, &c->isakmp, struct isakmp, all)
		show_sa(sa, fn, arg);
	list_foreach (k, &c->children, struct child, node) {
		rows_child(k, &child);
		fn(arg, &(struct ike_row){.child = &child});
	}
}
