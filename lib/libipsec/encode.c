/*
 * Text to bytes. The reader is setkey's; only the binary form is made here.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api.h"
#include "base/auto.h"
#include "base/wr.h"
#include "fail.h"
#include "form.h"

static void put_addr(struct wr *w, const struct inet_addr *a, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t n = inet_addr_to_sockaddr(a, port, &sa);

	wr_bytes(w, &sa, n);
}

static void put_request(struct wr *w, const struct policy_request *r)
{
	struct sadb_x_ipsecrequest q = {
	    .sadb_x_ipsecrequest_proto = (uint16_t)r->proto,
	    .sadb_x_ipsecrequest_mode = form_mode(r->mode),
	    .sadb_x_ipsecrequest_level = form_level(r->level),
	    .sadb_x_ipsecrequest_reqid = r->reqid,
	};
	uint8_t *start = w->p;

	wr_bytes(w, &q, sizeof(q));
	if (r->src.family != INET_NONE) {
		put_addr(w, &r->src, r->src_port);
		put_addr(w, &r->dst, r->dst_port);
	}
	q.sadb_x_ipsecrequest_len = (uint16_t)(w->p - start);
	memcpy(start, &q, sizeof(q));
}

/* Returns memory of malloc(3), or NULL when there is none. */
static char *encode(const struct setkey_policy *p)
{
	struct sadb_x_policy h = {
	    .sadb_x_policy_exttype = SADB_X_EXT_POLICY,
	    .sadb_x_policy_type = form_action(p->action),
	    .sadb_x_policy_dir = form_dir(p->dir),
	    .sadb_x_policy_priority = FORM_PRIORITY_DEF - (uint32_t)p->priority,
	};
	size_t room = FORM_HEADER + (size_t)p->n_requests * FORM_REQUEST_MAX;
	uint8_t *buf = malloc(room);
	struct wr w = wr_init(buf, buf ? room : 0);

	if (!buf)
		return NULL;
	wr_bytes(&w, &h, sizeof(h));
	for (uint8_t i = 0; i < p->n_requests; i++)
		put_request(&w, &p->req[i]);
	/* Every part of it is a multiple of the unit: 16, and twice 16 or 28. */
	h.sadb_x_policy_len = (uint16_t)(wr_len(&w) / FORM_UNIT);
	memcpy(buf, &h, sizeof(h));
	return (char *)buf;
}

LIBIPSEC_PUBLIC char *ipsec_set_policy(const char *policy, int len)
{
	struct setkey_policy_fault fault;
	struct setkey_policy p;
	char *buf;

	if (!policy || len < 0) {
		fail(EIPSEC_INVAL_ARGUMENT);
		return NULL;
	}
	if (setkey_policy_read(policy, strnlen(policy, (size_t)len), &p, &fault) < 0) {
		/* Programs compare the texts of codes. Where the code says nothing, the whole message does.
		 */
		if (fault.code == EIPSEC_INVAL_ARGUMENT)
			fail_text(fault.text.s);
		else if (fault.code == EIPSEC_SYSTEM_ERROR)
			fail_text(fault.title);
		else
			fail(fault.code);
		return NULL;
	}
	buf = encode(&p);
	if (buf)
		succeed();
	else
		fail(EIPSEC_NO_BUFS);
	return buf;
}
