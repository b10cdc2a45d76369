/*
 * Version 1's SAs as rows.
 */
#include "keyd/ike1/rows.h"

#include "keyd/core/child.h"
#include "keyd/ike1/quick.h"

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
	    .age_ms = core_since(c, sa->begun_ms),
	    .up_ms = core_since(c, sa->established_ms),
	    .left_ms = core_until(c, &sa->patience),
	    .renew_ms = core_until(c, &sa->renew),
	    .idle_ms = core_since(c, sa->heard_ms),
	    .nat_here = sa->nat_here,
	    .nat_there = sa->nat_there,
	    .dpd_delay_s = isakmp_is_up(sa) && sa->peer_dpd ? p->dpd.delay_s : 0,
	    .dpd_unanswered = sa->dpd_unanswered,
	    .n_children = child_count(sa->core, &sa->path.remote)};
	memcpy(ret->spi_i, sa->icookie, IKE_COOKIE_LEN);
	memcpy(ret->spi_r, sa->rcookie, IKE_COOKIE_LEN);
	put_terms(sa, ret);
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
	    .age_ms = core_since(q->sa->core, q->begun_ms),
	    .left_ms = core_until(q->sa->core, &q->patience)};
	memcpy(ret->spi_i, q->sa->icookie, IKE_COOKIE_LEN);
	memcpy(ret->spi_r, q->sa->rcookie, IKE_COOKIE_LEN);
}

/* Until it knows its policy, an answering side has no selector to show; done ones only repeat themselves. */
static bool is_shown(const struct quick *q)
{
	return q->state != QUICK_DONE && q->out.id;
}

void rows_show(const struct isakmp *sa, core_row_fn fn, void *arg)
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
