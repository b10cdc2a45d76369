/*
 * Bytes to text. The buffer may come from anywhere: a kernel, a file, a program's mistake. Its first two
 * bytes say how long it is, and nothing beyond that is read.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/auto.h"
#include "base/rd.h"
#include "base/sbuf.h"
#include "fail.h"
#include "form.h"

/* The header, and a reader of what is behind it. 0, or -1 with the error set. */
static int open_policy(const void *buf, struct sadb_x_policy *h, struct rd *rest)
{
	uint16_t len;
	size_t n;

	if (!buf)
		return fail(EIPSEC_INVAL_ARGUMENT);
	memcpy(&len, buf,
	    sizeof(len)); /* the first thing in it; no more is read before it is known how much may be */
	n = (size_t)len * FORM_UNIT;
	if (n < FORM_HEADER)
		return fail(EIPSEC_INVAL_SADBMSG);
	memcpy(h, buf, sizeof(*h));
	if (h->sadb_x_policy_exttype != SADB_X_EXT_POLICY)
		return fail(EIPSEC_INVAL_EXTTYPE);
	*rest = rd_init(buf, n);
	rd_skip(rest, FORM_HEADER);
	return 0;
}

LIBIPSEC_PUBLIC int ipsec_get_policylen(const void *policy)
{
	struct sadb_x_policy h;
	struct rd rest;

	if (open_policy(policy, &h, &rest) < 0)
		return -1;
	succeed();
	return h.sadb_x_policy_len * FORM_UNIT;
}

struct end {
	struct inet_addr addr;
	uint16_t port;
};

static int get_end(struct rd *r, struct end *ret)
{
	struct sockaddr_storage sa = {0};
	struct rd peek = *r;

	rd_copy(&peek, &sa.ss_family, sizeof(sa.ss_family));
	if (!rd_ok(&peek))
		return fail(EIPSEC_INVAL_SADBMSG);
	if (sa.ss_family != AF_INET && sa.ss_family != AF_INET6)
		return fail(EIPSEC_INVAL_FAMILY);
	rd_copy(r, &sa, sa.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	if (!rd_ok(r) || inet_addr_from_sockaddr((const struct sockaddr *)&sa, &ret->addr, &ret->port) < 0)
		return fail(EIPSEC_INVAL_SADBMSG);
	return 0;
}

static int get_ends(struct rd *r, bool tunnel, struct end *src, struct end *dst)
{
	if (!rd_left(r))
		return tunnel ? fail(EIPSEC_INVAL_ADDRESS) : 0;
	if (get_end(r, src) < 0 || get_end(r, dst) < 0)
		return -1;
	if (src->addr.family != dst->addr.family)
		return fail(EIPSEC_FAMILY_MISMATCH);
	return rd_done(r) ? 0 : fail(EIPSEC_INVAL_SADBMSG);
}

static void add_end(struct sbuf *text, const struct end *e, bool ports)
{
	char addr[INET_ADDR_STRLEN];

	sbuf_add(text, "%s", inet_addr_format(&e->addr, addr));
	if (ports)
		sbuf_add(text, "[%u]", e->port);
}

static int dump_request(struct rd *r, struct sbuf *text, bool ports)
{
	struct sadb_x_ipsecrequest q;
	struct end src = {0}, dst = {0};
	const char *proto, *mode, *level;
	struct rd ends;

	rd_copy(r, &q, sizeof(q));
	ends = rd_sub_incl(r, q.sadb_x_ipsecrequest_len, sizeof(q));
	if (!rd_ok(r))
		return fail(EIPSEC_INVAL_SADBMSG);
	proto = form_proto_word(q.sadb_x_ipsecrequest_proto);
	if (!proto)
		return fail(EIPSEC_INVAL_PROTO);
	mode = form_mode_word(q.sadb_x_ipsecrequest_mode);
	if (!mode)
		return fail(EIPSEC_INVAL_MODE);
	level = form_level_word(q.sadb_x_ipsecrequest_level);
	if (!level)
		return fail(EIPSEC_INVAL_LEVEL);
	if (get_ends(&ends, q.sadb_x_ipsecrequest_mode == IPSEC_MODE_TUNNEL, &src, &dst) < 0)
		return -1;
	sbuf_add(text, "%s/%s/", proto, mode);
	if (src.addr.family != INET_NONE) {
		add_end(text, &src, ports);
		sbuf_add(text, "-");
		add_end(text, &dst, ports);
	}
	sbuf_add(text, "/%s", level);
	if (q.sadb_x_ipsecrequest_level == IPSEC_LEVEL_UNIQUE && q.sadb_x_ipsecrequest_reqid)
		sbuf_add(text, ":%u", q.sadb_x_ipsecrequest_reqid);
	return 0;
}

/* " prio high - 5": the nearest base and what is left. Nothing for the default, nor where none is stored. */
static void add_priority(struct sbuf *text, uint32_t stored)
{
	const int64_t unit = 0x40000000;
	int64_t v = stored ? (int64_t)FORM_PRIORITY_DEF - stored : 0, base = 0, off;

	if (!v)
		return;
	if (v > unit / 2)
		base = unit;
	else if (v < -unit / 2)
		base = -unit;
	off = v - base;
	sbuf_add(text, " prio %s", base > 0 ? "high" : base < 0 ? "low" : "def");
	if (off)
		sbuf_add(text, " %c %lld", off > 0 ? '+' : '-', (long long)(off > 0 ? off : -off));
}

static int dump(const void *buf, const char *delim, bool ports, struct sbuf *text)
{
	struct sadb_x_policy h;
	struct rd rest;
	const char *dir, *action;

	if (open_policy(buf, &h, &rest) < 0)
		return -1;
	dir = form_dir_word(h.sadb_x_policy_dir);
	if (!dir)
		return fail(EIPSEC_INVAL_DIR);
	action = form_action_word(h.sadb_x_policy_type);
	if (!action)
		return fail(EIPSEC_INVAL_POLICY);
	sbuf_add(text, "%s", dir);
	add_priority(text, h.sadb_x_policy_priority);
	sbuf_add(text, " %s", action);
	while (rd_left(&rest)) {
		sbuf_add(text, "%s", delim);
		if (dump_request(&rest, text, ports) < 0)
			return -1;
	}
	return text->bad ? fail(EIPSEC_NO_BUFS) : succeed();
}

static char *dump_policy(const void *policy, const char *delim, bool ports)
{
	AUTO_SBUF struct sbuf text;

	sbuf_init(&text);
	return dump(policy, delim ? delim : " ", ports, &text) < 0 ? NULL : take_ptr(text.s);
}

LIBIPSEC_PUBLIC char *ipsec_dump_policy(const void *policy, const char *delim)
{
	return dump_policy(policy, delim, false);
}

LIBIPSEC_PUBLIC char *ipsec_dump_policy_withports(const void *policy, const char *delim)
{
	return dump_policy(policy, delim, true);
}
