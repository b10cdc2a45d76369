/*
 * Policy statements: a selector, and behind -P what an entry of the SPD can have.
 */
#include "config/setkey/build.h"

#include <string.h>

static bool spd_action_ok(struct sk_build *b, enum policy_action *ret)
{
	enum setkey_action action;

	if (!sk_action_ok(b, &action))
		return false;
	if (action == SETKEY_ENTRUST || action == SETKEY_BYPASS)
		sk_fault(b, &b->pol.action, "Invalid security policy",
		    "entrust and bypass belong to the policy of one socket, not to the SPD");
	*ret = action == SETKEY_DISCARD ? POLICY_DISCARD
	       : action == SETKEY_IPSEC ? POLICY_IPSEC
	                                : POLICY_PASS;
	return !b->faulty;
}

static bool rules_ok(struct sk_build *b, struct policy *p)
{
	const struct sk_rules rules = {p->dir, p->sel.src.addr.family};

	if (!b->pol.action.lex) {
		sk_fault(b, b->pol.prio.lex ? &b->pol.prio : &b->pol.dir, "Invalid security policy",
		    "the action is missing: write ipsec, none or discard");
		return false;
	}
	if (!sk_priority_ok(b, &p->priority) || !spd_action_ok(b, &p->action) ||
	    !sk_requests_ok(b, &rules, p->req))
		return false;
	if (p->action == POLICY_IPSEC) {
		p->n_requests = (uint8_t)b->pol.n_requests;
		if (!p->n_requests)
			sk_warn(b, &b->pol.action,
			    "ipsec without a request protects nothing: these packets pass in clear");
	} else if (b->pol.n_requests) {
		memset(p->req, 0, sizeof(p->req));
		sk_warn(b, &b->pol.req[0].proto, "requests behind none or discard are ignored");
	}
	return true;
}

void sk_finish_policy(struct sk_build *b)
{
	struct setkey_stmt s = {.verb = b->verb};
	const char *why;

	if (b->tag.lex) {
		if (sk_tok_is(&b->tag, "tagged"))
			sk_fault(b, &b->tag, "tagged policies are not supported",
			    "no packet carries such a tag here: write the addresses and the protocol it is "
			    "for");
		else
			sk_fault(b, &b->tag, "Syntax error", "a host name is written without quotes");
		return;
	}
	if (!sk_direction_ok(b, &s.policy.dir) || !sk_selector_ok(b, &s.policy.sel))
		return;
	if (b->verb == SETKEY_SPDDELETE) {
		s.policy.action = POLICY_PASS; /* not looked at; makes the policy a valid one */
		sk_emit(b, &s);
		return;
	}
	s.policy.lifetime_s = b->lifetime_s;
	s.policy.validtime_s = b->validtime_s;
	if (!rules_ok(b, &s.policy))
		return;
	if (s.policy.validtime_s && s.policy.action != POLICY_IPSEC)
		sk_warn(b, &b->pol.action,
		    "the kernel keeps no times for packets that pass or are dropped: the seconds of -lv "
		    "count from now");
	if (policy_check(&s.policy, &why) < 0) {
		sk_fault(b, &b->pol.dir, why, NULL);
		return;
	}
	sk_emit(b, &s);
}
