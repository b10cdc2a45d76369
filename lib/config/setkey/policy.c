/*
 * Judges the text behind -P, for setkey and for ipsec_set_policy(3) alike: what only one of them refuses is
 * said in spd.c and in lib/libipsec. No selector is needed here.
 */
#include "config/setkey/build.h"

#include <netdb.h>
#include <string.h>

#include "config/setkey/words.h"

enum {
	PRIO_BASE = 1073741824,     /* high is +this, low is -this */
	PRIO_PLUS_MAX = 0x40000000, /* offsets to a base */
	PRIO_MINUS_MAX = 0x3fffffff,
};

void sk_request_short(struct sk_build *b, const struct sk_tok *t)
{
	sk_fault(b, t, "Too few arguments",
	    "a request is PROTOCOL/MODE/SRC-DST/LEVEL; %.*s needs at least /transport or /tunnel", (int)t->n,
	    t->p);
}

void sk_request_done(struct sk_build *b)
{
	if (b->pol.n_requests < POLICY_REQUESTS_MAX)
		b->pol.req[b->pol.n_requests] = b->pol.cur;
	else if (b->pol.n_requests == POLICY_REQUESTS_MAX)
		sk_fault(b, &b->pol.cur.proto, "too many requests in one policy", "at most %d are possible",
		    POLICY_REQUESTS_MAX);
	b->pol.n_requests++;
}

bool sk_direction_ok(struct sk_build *b, enum policy_dir *ret)
{
	const struct sk_tok *t = &b->pol.dir;
	char near[64];

	if (sk_tok_is(t, "in"))
		*ret = POLICY_IN;
	else if (sk_tok_is(t, "out"))
		*ret = POLICY_OUT;
	else if (sk_tok_is(t, "fwd"))
		*ret = POLICY_FWD;
	else
		sk_fault(b, t, "Invalid direction", "expected in, out or fwd%s",
		    sk_suggest(t, sk_words_dir, near));
	return !b->faulty;
}

bool sk_action_ok(struct sk_build *b, enum setkey_action *ret)
{
	static const struct {
		const char *word;
		enum setkey_action action;
	} actions[] = {
	    {"discard", SETKEY_DISCARD},
	    {"none", SETKEY_PASS},
	    {"ipsec", SETKEY_IPSEC},
	    {"entrust", SETKEY_ENTRUST},
	    {"bypass", SETKEY_BYPASS},
	};
	const struct sk_tok *t = &b->pol.action;
	char near[64];

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (sk_tok_is(t, actions[i].word)) {
			*ret = actions[i].action;
			return true;
		}
	}
	sk_fault(b, t, "Invalid security policy", "expected ipsec, none or discard%s",
	    sk_suggest(t, sk_words_action, near));
	return false;
}

bool sk_priority_ok(struct sk_build *b, int32_t *ret)
{
	const struct sk_raw_policy *p = &b->pol;
	const struct sk_tok *base = &p->prio_base;
	uint64_t max = p->prio_minus ? PRIO_MINUS_MAX : PRIO_PLUS_MAX, number = 0;
	int64_t v = 0;
	char near[64];

	if (!p->prio.lex)
		return true;
	if (!base->lex)
		max = INT32_MAX;
	else if (sk_tok_is(base, "low") || sk_tok_is(base, "high"))
		v = sk_tok_is(base, "low") ? -PRIO_BASE : PRIO_BASE;
	else if (!sk_tok_is(base, "def"))
		sk_fault(b, base, "Invalid priority", "expected low, def, high or a number%s",
		    sk_suggest(base, sk_words_priority, near));
	if (p->prio_number.lex && !sk_tok_number(&p->prio_number, max, &number))
		sk_fault(b, &p->prio_number, base->lex ? "Invalid priority offset" : "Invalid priority",
		    "the number here is at most %llu", (unsigned long long)max);
	v += p->prio_minus ? -(int64_t)number : (int64_t)number;
	*ret = v > INT32_MAX ? INT32_MAX : (int32_t)v;
	return !b->faulty;
}

static bool endpoint(struct sk_build *b, const struct sk_tok *t, const struct sk_tok *port,
    struct inet_addr *ret, uint16_t *ret_port)
{
	char text[INET_ADDR_STRLEN];
	uint64_t v = 0;

	if (!sk_tok_str(t, text, sizeof(text)) || inet_addr_parse(text, ret) < 0) {
		sk_fault(b, t, gai_strerror(EAI_NONAME),
		    "endpoints are numeric addresses; names are not looked up here");
		b->fault_code = EIPSEC_SYSTEM_ERROR;
		return false;
	}
	if (port->lex && !sk_tok_number(port, UINT16_MAX, &v)) {
		sk_fault(b, port, "invalid port", "ports are 0 to 65535");
		return false;
	}
	*ret_port = (uint16_t)v;
	return true;
}

/* me-any, any-me: no endpoints, but only in one direction. */
static bool is_me_any(const struct sk_request *q)
{
	return (sk_tok_is(&q->src, "me") && sk_tok_is(&q->dst, "any")) ||
	       (sk_tok_is(&q->src, "any") && sk_tok_is(&q->dst, "me"));
}

/* Ports tell SAs in UDP apart (RFC 3948). Zeros are the ports of a request without any. */
static bool end_ports_ok(struct sk_build *b, const struct sk_request *q, const struct policy_request *r)
{
	const struct sk_tok *odd = q->src_port.lex ? &q->src_port : &q->dst_port;

	if (!q->src_port.lex != !q->dst_port.lex || !r->src_port != !r->dst_port)
		sk_fault(
		    b, odd, "Invalid address specification", "write a port on both endpoints or on none");
	else if (r->src_port && r->proto != IPSEC_ESP)
		sk_fault(b, &q->src_port, "Invalid address specification",
		    "only esp travels in UDP: leave out the ports of %.*s", (int)q->proto.n, q->proto.p);
	return !b->faulty;
}

static bool endpoints_ok(
    struct sk_build *b, const struct sk_request *q, const struct sk_rules *rules, struct policy_request *r)
{
	if (q->src.lex && is_me_any(q)) {
		if (sk_tok_is(&q->src, "me") != (rules->dir == POLICY_OUT))
			sk_fault(b, &q->src, "Invalid direction", "me-any goes with out, any-me with in");
	} else if (q->src.lex) {
		if (!endpoint(b, &q->src, &q->src_port, &r->src, &r->src_port) ||
		    !endpoint(b, &q->dst, &q->dst_port, &r->dst, &r->dst_port) || !end_ports_ok(b, q, r))
			return false;
		if (r->src.family != r->dst.family)
			sk_fault(
			    b, &q->dst, "Family mismatch", "both endpoints need addresses of one family");
		else if (r->mode == IPSEC_TRANSPORT && rules->family && r->src.family != rules->family)
			sk_fault(b, &q->src, "Family mismatch",
			    "endpoints of a transport request are of the selector's family");
	}
	if (!b->faulty && r->mode == IPSEC_TUNNEL && !r->src.family)
		sk_fault(b, &q->mode, "Invalid address specification",
		    "tunnel needs its two ends: %.*s/tunnel/SRC-DST/LEVEL", (int)q->proto.n, q->proto.p);
	return !b->faulty;
}

static bool level_ok(struct sk_build *b, const struct sk_tok *t, struct policy_request *r)
{
	static const char unique[] = "unique:";
	const size_t n = sizeof(unique) - 1;
	uint64_t id;
	char near[64];

	for (enum policy_level l = LEVEL_DEFAULT; l <= LEVEL_UNIQUE; l++) {
		if (!t->lex || sk_tok_is(t, policy_level_name(l))) {
			r->level = l;
			return true;
		}
	}
	if (t->n > n && memcmp(t->p, unique, n) == 0) {
		struct sk_tok number = {.lex = SK_LEX_NUM, .p = t->p + n, .n = t->n - (uint32_t)n};

		r->level = LEVEL_UNIQUE;
		if (sk_tok_number(&number, POLICY_REQID_MANUAL_MAX, &id))
			r->reqid = (uint32_t)id;
		else
			sk_fault(b, t, "Invalid ipsec level", "the id behind unique: is a number of 1 to %d",
			    POLICY_REQID_MANUAL_MAX);
		return !b->faulty;
	}
	sk_fault(b, t, "Invalid ipsec level", "expected default, use, require, unique or unique:NUMBER%s",
	    sk_suggest(t, sk_words_level, near));
	return false;
}

static bool request_ok(
    struct sk_build *b, const struct sk_request *q, const struct sk_rules *rules, struct policy_request *r)
{
	char near[64];

	r->proto = sk_tok_is(&q->proto, "esp")  ? IPSEC_ESP
	           : sk_tok_is(&q->proto, "ah") ? IPSEC_AH
	                                        : IPSEC_IPCOMP;
	if (sk_tok_is(&q->mode, "transport"))
		r->mode = IPSEC_TRANSPORT;
	else if (sk_tok_is(&q->mode, "tunnel"))
		r->mode = IPSEC_TUNNEL;
	else
		sk_fault(b, &q->mode, "Invalid ipsec mode", "expected transport or tunnel%s",
		    sk_suggest(&q->mode, sk_words_request_mode, near));
	return !b->faulty && endpoints_ok(b, q, rules, r) && level_ok(b, &q->level, r);
}

bool sk_requests_ok(
    struct sk_build *b, const struct sk_rules *rules, struct policy_request ret[POLICY_REQUESTS_MAX])
{
	for (uint32_t i = 0; i < b->pol.n_requests; i++)
		if (!request_ok(b, &b->pol.req[i], rules, &ret[i]))
			return false;
	return true;
}
