/*
 * An enum from outside becomes one only after its number was found in range; whether the combination makes
 * sense is policy_check()'s to say, here as everywhere.
 */
#include "ipc/model.h"

#include <errno.h>

static void request_encode(const struct policy_request *q, struct model_policy_pb *pb, size_t i)
{
	Postern__PolicyRequest *m = &pb->req[i];

	*m = (Postern__PolicyRequest)POSTERN__POLICY_REQUEST__INIT;
	m->proto = q->proto;
	m->mode = q->mode;
	m->level = q->level;
	m->reqid = q->reqid;
	m->reqid_auto = q->reqid_auto;
	m->src_port = q->src_port;
	m->dst_port = q->dst_port;
	if (q->src.family != INET_NONE) {
		model_addr_encode(&q->src, &pb->req_src[i]);
		m->src = &pb->req_src[i];
	}
	if (q->dst.family != INET_NONE) {
		model_addr_encode(&q->dst, &pb->req_dst[i]);
		m->dst = &pb->req_dst[i];
	}
	pb->req_p[i] = m;
}

void model_policy_encode(const struct policy *p, struct model_policy_pb *ret)
{
	Postern__Policy *m = &ret->m;

	*m = (Postern__Policy)POSTERN__POLICY__INIT;
	m->id = p->id;
	m->dir = p->dir;
	m->action = p->action;
	m->priority = p->priority;
	m->created_wall_ms = p->created_wall_ms;
	m->last_used_wall_ms = p->last_used_wall_ms;
	m->lifetime_s = p->lifetime_s;
	m->validtime_s = p->validtime_s;
	m->in_only = p->in_only;
	m->generated = p->generated;
	m->loaded = p->loaded;
	model_selector_encode(&p->sel, &ret->sel);
	m->selector = &ret->sel.m;
	for (size_t i = 0; i < p->n_requests; i++)
		request_encode(&p->req[i], ret, i);
	m->n_requests = p->n_requests;
	m->requests = ret->req_p;
}

static int request_decode(const Postern__PolicyRequest *m, struct policy_request *ret, struct err_text *e)
{
	struct policy_request q = {0};
	int r;

	if (m->proto != IPSEC_ESP && m->proto != IPSEC_AH && m->proto != IPSEC_IPCOMP)
		return err_set(e, -EBADMSG, "a request with protocol %u", m->proto);
	if (m->mode > IPSEC_TUNNEL || m->level > LEVEL_UNIQUE)
		return err_set(e, -EBADMSG, "a request with mode %u and level %u", m->mode, m->level);
	if (m->src_port > UINT16_MAX || m->dst_port > UINT16_MAX)
		return err_set(e, -EBADMSG, "a request with a port above 65535");
	r = model_addr_decode(m->src, true, &q.src, e);
	if (r >= 0)
		r = model_addr_decode(m->dst, true, &q.dst, e);
	if (r < 0)
		return r;
	q.proto = (enum ipsec_proto)m->proto;
	q.mode = (enum ipsec_mode)m->mode;
	q.level = (enum policy_level)m->level;
	q.reqid = m->reqid;
	q.reqid_auto = m->reqid_auto;
	q.src_port = (uint16_t)m->src_port;
	q.dst_port = (uint16_t)m->dst_port;
	*ret = q;
	return 0;
}

int model_policy_decode(const Postern__Policy *m, struct policy *ret, struct err_text *e)
{
	struct policy p = {0};
	const char *why;
	int r;

	if (!m)
		return err_set(e, -EBADMSG, "a policy is missing");
	if (m->dir > POLICY_FWD || m->action > POLICY_IPSEC)
		return err_set(e, -EBADMSG, "a policy with direction %u and action %u", m->dir, m->action);
	if (m->n_requests > POLICY_REQUESTS_MAX)
		return err_set(e, -EBADMSG, "a policy with %zu requests", m->n_requests);
	r = model_selector_decode(m->selector, &p.sel, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < m->n_requests; i++) {
		r = request_decode(m->requests[i], &p.req[i], e);
		if (r < 0)
			return r;
	}
	p.id = m->id;
	p.dir = (enum policy_dir)m->dir;
	p.action = (enum policy_action)m->action;
	p.priority = m->priority;
	p.n_requests = (uint8_t)m->n_requests;
	p.created_wall_ms = m->created_wall_ms;
	p.last_used_wall_ms = m->last_used_wall_ms;
	p.lifetime_s = m->lifetime_s;
	p.validtime_s = m->validtime_s;
	p.in_only = m->in_only;
	p.generated = m->generated;
	p.loaded = m->loaded;
	r = policy_check(&p, &why);
	if (r < 0)
		return err_set(e, r, "%s", why);
	*ret = p;
	return 0;
}
